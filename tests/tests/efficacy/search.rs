//! One search on the table, and what it comes to.

use archwright_sdk::testing::{estimate, setup};
use archwright_sdk::{
    Architecture, Estimate, EstimateOutcome, Goal, Objective, Observation, Reply, Strategy, Subject, serde_json,
};

use crate::statistics::hypervolume;
use crate::table::Table;

/// Full trainings that a search may spend which does not know of cheaper ones.
const QUERIES: f64 = 150.0;
/// Full trainings that a search may spend on cheaper and full ones: three rounds of Hyperband's brackets.
const COST: f64 = 63.0;

/// What counts of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    /// The best accuracy that it found, in percent.
    Best,
    /// The same of what it found with cheaper trainings, too, at the same cost in all: of those that it trained in full.
    BestAtCost,
    /// The hypervolume of accuracy, from none to all, and number of parameters, from the smallest network's to the largest's,
    /// both of them objectives.
    Front,
}

/// An architecture with the share of a training that it got and what came of it.
struct Told {
    architecture: Architecture,
    share: f64,
    objectives: Vec<f64>,
}

/// Searches and gives what counts of it.
pub(crate) fn search<S: Strategy>(table: &Table, measure: Measure, options: &str, seed: u64) -> f64 {
    let mut setup = setup(table.space(), seed);
    if measure == Measure::Front {
        setup.objectives.push(Objective { name: "parameters".into(), goal: Goal::Minimize });
    }
    let options = serde_json::from_str(options).unwrap();
    let mut strategy = S::open(setup, options, table.space().clone()).unwrap();
    let budget = if measure == Measure::BestAtCost { COST } else { QUERIES };
    let history = drive(&mut strategy, budget, |architecture, share| {
        let seen = table.seen(architecture, share);
        if measure == Measure::Front { vec![seen, table.parameters(architecture)] } else { vec![seen] }
    });
    match measure {
        Measure::Best | Measure::BestAtCost => {
            let full = history.iter().filter(|told| told.share == 1.0);
            full.map(|told| table.seen(&told.architecture, 1.0)).fold(0.0, f64::max)
        }
        Measure::Front => {
            let (least, most) = table.sizes();
            let point = |told: &Told| (told.objectives[0] / 100.0, (told.objectives[1] - least) / (most - least));
            hypervolume(history.iter().map(point).collect())
        }
    }
}

/// Drives a strategy, one query at a time, as long as the shares of all queries come to `budget` at most.
fn drive<S: Strategy>(
    strategy: &mut S,
    budget: f64,
    mut objectives: impl FnMut(&Architecture, f64) -> Vec<f64>,
) -> Vec<Told> {
    let mut history = Vec::new();
    let mut spent = 0.0;
    loop {
        let Reply::Queries(mut queries) = strategy.ask(1).unwrap() else { panic!("{} ended early", S::NAME) };
        let query = queries.pop().unwrap();
        assert!(queries.is_empty(), "{} asks for more than was wanted", S::NAME);
        spent += query.fidelity;
        // Thirds do not add up exactly.
        if spent > budget + 1e-9 {
            return history;
        }
        let Subject::Architecture(architecture) = query.subject else { panic!("{} asks for a mixture", S::NAME) };
        let objectives = objectives(&architecture, query.fidelity);
        let told = Estimate { objectives: objectives.clone(), fidelity: query.fidelity, ..estimate(0.0) };
        let outcome = EstimateOutcome::Estimated(Estimate { cost: query.fidelity, ..told });
        strategy.tell(&[Observation { query: query.id, outcome }]).unwrap();
        history.push(Told { architecture, share: query.fidelity, objectives });
    }
}
