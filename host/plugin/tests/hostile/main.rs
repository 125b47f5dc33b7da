//! Plugins that mean harm or are broken: each ends in an error that says what happened, and nothing else happens.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it is wrong")]

#[path = "../guests/mod.rs"]
mod guests;

mod cache;
mod compile;
mod files;
mod imports;
mod logs;
mod loops;
mod memory;
mod networks;
mod results;
mod stack;
mod traps;
mod values;
mod wishes;

use archwright_plugin::PluginError;
use archwright_plugin::model::{EstimateOutcome, Observation, Reply};
use archwright_space::{Context, SearchSpace, Value};

use guests::host::{open_estimator, open_space, open_strategy, outcome, query};
use guests::{Parts, estimator, search_space, strategy};

/// Never ends.
const SPIN: &str = "(loop $spin (br $spin))";

/// Where control never arrives.
const TRAP: &str = "unreachable";

fn message<T>(result: Result<T, PluginError>) -> String {
    result.map(drop).expect_err("an error").to_string()
}

/// The message of a strategy's first `ask`.
fn ask(parts: Parts<'_>) -> String {
    message(open_strategy(&strategy(parts)).unwrap().ask(4))
}

/// The message of the first call of a strategy that fails: loading, opening, asking, telling, recommending.
fn strategy_fails(parts: Parts<'_>) -> String {
    let run = || {
        let mut strategy = open_strategy(&strategy(parts))?;
        let Reply::Queries(queries) = strategy.ask(4)? else { panic!("queries") };
        strategy.tell(&[Observation { query: queries[0].id, outcome: EstimateOutcome::Failed("no".into()) }])?;
        strategy.recommend()
    };
    message(run())
}

/// The message of the first call of an estimator that fails: loading, opening, beginning, advancing.
fn estimator_fails(parts: Parts<'_>) -> String {
    let run = || {
        let mut estimator = open_estimator(&estimator(parts))?;
        estimator.begin(1, &query(1))?;
        estimator.advance(1, &outcome(1.0))
    };
    message(run())
}

/// The message of the first call of a search space that fails: loading, opening, decisions, building, the recipe.
fn space_fails(parts: Parts<'_>) -> String {
    let space = match open_space(&search_space(parts)) {
        Ok(space) => space,
        Err(error) => return error.to_string(),
    };
    let point = [Value::Index(0)];
    if let Err(error) = space.build(&point, &Context::full(vec![3, 8, 8], 10)) {
        return error.to_string();
    }
    space.recipe(&point).expect_err("an error").to_string()
}

/// A strategy made by hand around a module's text, for what the template has no place for.
fn component(text: &str) -> Vec<u8> {
    let text = format!(
        r#"(component {text} (instance $strategy) (export "archwright:nas/strategy@0.1.0" (instance $strategy)))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
