//! `archwright space`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use archwright_plugin::{Limits, SpaceComponent};
use archwright_search::SpaceSource;
use archwright_space::{
    Architecture, Condition, Context, Decision, Definition, Domain, Scalar, SearchSpace, Space, bundled,
};
use serde_json::{Map, Value, json};

use crate::args::{self, SpaceChoice};
use crate::locate;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::plugin::load_found;
use crate::profile;
use crate::runs::table;

/// Inputs of networks where none are named: an image, or a text's token.
const IMAGE: [u32; 3] = [3, 32, 32];
const TOKEN: [u32; 1] = [1];

pub(crate) fn space(command: &args::Space, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    match command {
        args::Space::List => list(locations, output),
        args::Space::Show(choice) => show(choice, locations, output),
        args::Space::Sample { choice, number, seed, networks } => {
            sample(choice, *number, *seed, *networks, locations, output)
        }
        args::Space::Count(choice) => count(choice, locations, output),
        args::Space::Locate { choice, architecture } => locate::locate(choice, architecture, locations, output),
        args::Space::Profile(options) => profile::profile(options, locations, output),
        args::Space::Published => locate::list(output),
    }
}

fn list(locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let mut spaces = Vec::new();
    for name in bundled::names() {
        let definition = bundled::source(name).and_then(|text| Definition::parse(text).ok());
        let summary = definition.map(|definition| definition.summary().to_owned()).unwrap_or_default();
        spaces.push(((*name).to_owned(), "file", summary));
    }
    let engine = locations.engine()?;
    for (name, path) in locations.catalogue().plugins(archwright_plugin::Kind::SearchSpace) {
        let component = engine.load(&path, &Limits::default())?;
        spaces.push((name, "component", component.description().summary.clone()));
    }
    if output.json {
        let list: Vec<_> = spaces
            .iter()
            .map(|(name, form, summary)| json!({ "name": name, "form": form, "summary": summary }))
            .collect();
        output.value(&list)?;
    } else {
        let mut table = table(["name", "form", "summary"]);
        for (name, form, summary) in &spaces {
            table.add_row([name, *form, summary]);
        }
        output.text(&format!(
            "{table}\n\nWith `-joint` behind the name of a file for images, training hyperparameters are decisions, too."
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The space that a command names, for the inputs it names.
pub(crate) fn open(choice: &SpaceChoice, locations: &Locations) -> Result<Space, CliError> {
    let options = options(choice)?;
    let source = locations.catalogue().find_space(&choice.space, Path::new("."))?;
    let definition: Arc<dyn SearchSpace> = match source {
        SpaceSource::Component(found) => {
            let component = load_found(&locations.engine()?, &found)?;
            let options = component.options(&options)?;
            let log = Arc::new(|_, line: &str| tracing::info!(target: "plugin", "{line}"));
            Arc::new(SpaceComponent::open(&component, &options, &Limits::default(), log)?)
        }
        SpaceSource::Bundled { text, .. } => Arc::new(declared(&choice.space, text, &options)?),
        SpaceSource::File(path) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| CliError::input(format!("cannot read {}: {error}", path.display()), None))?;
            Arc::new(declared(&choice.space, &text, &options)?)
        }
    };
    let with = |input: &[u32]| Space::new(Arc::clone(&definition), Context::full(input.to_vec(), choice.classes));
    let space = match &choice.input {
        Some(input) => with(input),
        // A space for texts takes no image; one that takes neither says what it lacks in an image.
        None => with(&IMAGE).or_else(|error| with(&TOKEN).map_err(|_| error)),
    };
    space.map_err(|error| CliError::input(error.to_string(), None))
}

fn declared(name: &str, text: &str, options: &Map<String, Value>) -> Result<Definition, CliError> {
    let mut scalars = BTreeMap::new();
    for (key, value) in options {
        let scalar: Scalar = serde_json::from_value(value.clone())
            .map_err(|_| CliError::input(format!("the option `{key}` is not a single value"), None))?;
        scalars.insert(key.clone(), scalar);
    }
    Definition::parse_with(text, &scalars).map_err(|diagnostic| CliError::input(format!("{name}:{diagnostic}"), None))
}

pub(crate) fn options(choice: &SpaceChoice) -> Result<Map<String, Value>, CliError> {
    key_values(&choice.options)
}

/// `KEY=VALUE`: a number, `true`, `false`, or else text.
pub(crate) fn key_values(given: &[String]) -> Result<Map<String, Value>, CliError> {
    given
        .iter()
        .map(|option| {
            let (key, value) = option
                .split_once('=')
                .ok_or_else(|| CliError::input(format!("the option `{option}` is not of the form KEY=VALUE"), None))?;
            Ok((key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| json!(value))))
        })
        .collect()
}

fn show(choice: &SpaceChoice, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let space = open(choice, locations)?;
    if output.json {
        output.value(&json!({ "size": space.size().to_string(), "decisions": space.decisions() }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table(["decision", "values", "where"]);
    for decision in space.decisions() {
        table.add_row([decision.name.clone(), values(&decision.domain), conditions(decision, space.decisions())]);
    }
    output.text(&format!("{table}\n\n{} decisions, {}", space.decisions().len(), space.size()))?;
    Ok(ExitCode::SUCCESS)
}

fn values(domain: &Domain) -> String {
    let scale = |log_scale: bool| if log_scale { ", on a log scale" } else { "" };
    match domain {
        Domain::Categorical(labels) => labels.join(", "),
        Domain::Ordinal(numbers) => numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Domain::Integer { low, high, log_scale } => format!("{low} to {high}{}", scale(*log_scale)),
        Domain::Real { low, high, log_scale } => format!("{low} to {high}, real{}", scale(*log_scale)),
    }
}

fn conditions(decision: &Decision, decisions: &[Decision]) -> String {
    let one = |condition: &Condition| {
        let Some(other) = decisions.get(condition.decision) else { return String::new() };
        let value = |index: &u32| match &other.domain {
            Domain::Categorical(labels) => labels.get(*index as usize).cloned().unwrap_or_default(),
            Domain::Ordinal(numbers) => numbers.get(*index as usize).map(ToString::to_string).unwrap_or_default(),
            Domain::Integer { low, .. } => (low.saturating_add(i64::from(*index))).to_string(),
            Domain::Real { .. } => String::new(),
        };
        format!("{} is {}", other.name, condition.any_of.iter().map(value).collect::<Vec<_>>().join(" or "))
    };
    decision.active_when.iter().map(one).collect::<Vec<_>>().join(" and ")
}

fn sample(
    choice: &SpaceChoice,
    number: u32,
    seed: u64,
    networks: bool,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let space = open(choice, locations)?;
    let mut list = Vec::new();
    let mut text = String::new();
    for index in 0..u64::from(number) {
        let seed = seed.wrapping_add(index);
        let architecture = space.sample(seed);
        let described = describe(&space, &architecture).context("a sampled architecture cannot be built")?;
        if output.json {
            let mut value = json!({ "seed": seed, "architecture": architecture });
            if let (Value::Object(members), Value::Object(more)) = (&mut value, described) {
                members.extend(more);
                if networks {
                    let network = space.build(&architecture).context("a sampled architecture cannot be built")?;
                    members.insert("network".into(), json!(network));
                }
            }
            list.push(value);
        } else {
            let decisions: Vec<String> =
                space.label(&architecture).iter().map(|(name, value)| format!("{name}={value}")).collect();
            text.push_str(&format!(
                "seed {seed}: {}\n  {} parameters, {} multiply-adds, fingerprint {}\n",
                decisions.join(" "),
                described["profile"]["parameters"],
                described["profile"]["multiply_adds"],
                described["fingerprint"].as_str().unwrap_or_default(),
            ));
        }
    }
    if output.json {
        output.value(&list)?
    } else {
        output.text(&text)?
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(space: &Space, architecture: &Architecture) -> Result<Value, archwright_space::SpaceError> {
    Ok(json!({
        "decisions": space.label(architecture).into_iter().collect::<BTreeMap<_, _>>(),
        "fingerprint": space.fingerprint(architecture)?,
        "profile": space.profile(architecture)?,
        "recipe": space.recipe(architecture)?,
    }))
}

fn count(choice: &SpaceChoice, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let space = open(choice, locations)?;
    if output.json {
        output.value(&json!({ "decisions": space.decisions().len(), "points": space.size().points().map(|points| points.to_string()), "size": space.size().to_string() }))?;
    } else {
        output.text(&space.size().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}
