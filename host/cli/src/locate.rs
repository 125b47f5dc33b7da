//! `archwright space locate` and `archwright space published`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use archwright_space::genotype::Genotype;
use archwright_space::published::{self, Published};
use archwright_space::{Architecture, Space};
use serde_json::json;

use crate::args::SpaceChoice;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::profile::with_unused;
use crate::runs::table;
use crate::space::open;

/// What was asked for: which point of a space.
pub(crate) enum Wanted {
    Published(&'static Published),
    Genotype(Genotype),
    /// Readable values of the active decisions.
    Decisions(BTreeMap<String, String>),
}

impl Wanted {
    pub(crate) fn read(text: &str) -> Result<Self, CliError> {
        if let Some(one) = published::get(text) {
            return Ok(Self::Published(one));
        }
        if let Some(decisions) = archwright_table::decisions(text) {
            return Ok(Self::Decisions(decisions));
        }
        if Genotype::is_like(text) {
            return Genotype::parse(text).map(Self::Genotype).map_err(|error| CliError::input(error.to_string(), None));
        }
        let names: Vec<&str> = published::names().collect();
        let help =
            format!("published are {}; a genotype or a JSON object of decisions is taken, too", names.join(", "));
        Err(CliError::input(format!("no architecture is published here as `{text}`"), Some(help)))
    }

    /// The space of a published architecture.
    pub(crate) fn space(&self) -> Option<&'static str> {
        match self {
            Self::Published(one) => Some(&one.space),
            _ => None,
        }
    }

    /// The space with the options that are in force, and the point. What `choice` says counts more than what was published.
    pub(crate) fn locate(
        &self,
        choice: &SpaceChoice,
        locations: &Locations,
    ) -> Result<(SpaceChoice, Space, Architecture), CliError> {
        let mut choice = choice.clone();
        if let Self::Published(one) = self
            && one.space == choice.space
        {
            choice.options.splice(0..0, one.options.iter().map(|(key, value)| format!("{key}={value}")));
        }
        let space = open(&choice, locations)?;
        let point = match self {
            Self::Published(one) => one.locate(&space),
            Self::Genotype(genotype) => genotype.locate(&space),
            Self::Decisions(labels) => space.point_of(labels),
        };
        let point = point.map_err(|error| {
            let elsewhere = self.space().filter(|its| *its != choice.space);
            CliError::input(error.to_string(), elsewhere.map(|its| format!("it is a point of `{its}`")))
        })?;
        Ok((choice, space, point))
    }
}

pub(crate) fn locate(
    choice: &SpaceChoice,
    what: &str,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let wanted = Wanted::read(what)?;
    let (choice, space, point) = wanted.locate(choice, locations)?;
    let profile = space.profile(&point).map_err(|error| CliError::input(error.to_string(), None))?;
    let whole = space.whole_work(&point).map_err(|error| CliError::input(error.to_string(), None))?;
    let fingerprint = space.fingerprint(&point).map_err(|error| CliError::input(error.to_string(), None))?;
    let genotype = match &wanted {
        // As it was written.
        Wanted::Genotype(genotype) => Some(genotype.clone()),
        _ => Genotype::of(&space, &point).ok(),
    };
    let genotype = genotype.map(|genotype| genotype.to_string());
    let decisions = space.label(&point);
    if output.json {
        output.value(&json!({
            "space": choice.space,
            "options": choice.options,
            "architecture": point,
            "decisions": decisions.into_iter().collect::<BTreeMap<_, _>>(),
            "genotype": genotype,
            "fingerprint": fingerprint,
            "profile": profile,
            "whole": whole,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table(["decision", "value"]);
    for (name, value) in &decisions {
        table.add_row([name, value]);
    }
    let mut text = format!("{table}\n\n");
    if !choice.options.is_empty() {
        text += &format!("options: {}\n", choice.options.join(" "));
    }
    text += &format!(
        "{} parameters, {} multiply-adds, depth {}, {} bytes of activations for one input\n",
        profile.parameters, profile.multiply_adds, profile.depth, profile.activation_bytes
    );
    if let Some(unused) = with_unused(&profile, &whole) {
        text += &format!("{unused}\n");
    }
    text += &format!("fingerprint {fingerprint}");
    if let Wanted::Published(Published { parameters: Some(millions), reference, .. }) = &wanted {
        text += &format!("\npublished with {millions} M parameters ({reference})");
    }
    if let Some(genotype) = genotype {
        text += &format!("\n{genotype}");
    }
    output.text(&text)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn list(output: Output) -> Result<ExitCode, CliError> {
    let all = || published::names().filter_map(|name| Some((name, published::get(name)?)));
    if output.json {
        let list: Vec<_> = all()
            .map(|(name, one)| {
                json!({
                    "name": name,
                    "space": one.space,
                    "options": one.options,
                    "summary": one.summary,
                    "reference": one.reference,
                    "million_parameters": one.parameters,
                })
            })
            .collect();
        output.value(&list)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table(["name", "space", "summary"]);
    for (name, one) in all() {
        table.add_row([name, &one.space, &one.summary]);
    }
    output.text(&table.to_string())?;
    Ok(ExitCode::SUCCESS)
}
