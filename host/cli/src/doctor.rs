//! `archwright doctor`.

use std::process::ExitCode;

use archwright_plugin::Limits;
use archwright_store::{Damage, Store, StoreError};
use serde::Serialize;

use crate::cache::damages;
use crate::locations::{Locations, PLUGINS, TRAINER};
use crate::outcome::{CliError, Output};
use crate::plugin::{KINDS, kind_name};

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    well: bool,
    found: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Finding {
    fn well(what: &'static str, found: String) -> Self {
        Self { what, well: true, found, mend: None }
    }

    fn ill(what: &'static str, found: String, mend: String) -> Self {
        Self { what, well: false, found, mend: Some(mend) }
    }
}

pub(crate) fn doctor(locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let mut findings = store(locations);
    findings.push(compiled(locations));
    findings.extend(plugins(locations));
    findings.extend(trainer(locations));
    let ill = findings.iter().filter(|finding| !finding.well).count();
    if output.json {
        output.value(&findings)?;
    } else {
        let mut text = String::new();
        for Finding { what, well, found, mend } in &findings {
            text.push_str(&format!("{}  {what:<16} {found}\n", if *well { "ok     " } else { "AMISS  " }));
            if let Some(mend) = mend {
                text.push_str(&format!("         {:<16} mend it: {mend}\n", ""));
            }
        }
        text.push_str(&match ill {
            0 => "everything is in place".to_owned(),
            1 => "1 thing is amiss".to_owned(),
            ill => format!("{ill} things are amiss"),
        });
        output.text(&text)?;
    }
    Ok(if ill == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Damaged things of the store that are named one by one.
const NAMED_DAMAGES: usize = 5;

fn store(locations: &Locations) -> Vec<Finding> {
    match look_into_store(locations) {
        Ok(findings) => findings,
        // This says itself what mends it.
        Err(error @ StoreError::Corrupt { .. }) => {
            vec![Finding { what: "store", well: false, found: error.to_string(), mend: None }]
        }
        Err(error) => vec![Finding::ill("store", error.to_string(), ELSEWHERE.into())],
    }
}

const ELSEWHERE: &str = "name a folder that can be written with --store or ARCHWRIGHT_STORE";

fn look_into_store(locations: &Locations) -> Result<Vec<Finding>, StoreError> {
    let store = Store::open(&locations.store)?;
    let mut findings = damage(damages(&store)?);
    if !store.is_writable() {
        let found = format!("{} is read-only: nothing can be recorded in it", locations.store.display());
        findings.push(Finding::ill("store", found, format!("make it writable for you, or {ELSEWHERE}")));
    }
    if findings.is_empty() {
        let (runs, outcomes) = (store.runs()?.len(), store.outcomes()?);
        let found = format!("{} ({runs} runs, {outcomes} outcomes remembered)", locations.store.display());
        findings.push(Finding::well("store", found));
    }
    Ok(findings)
}

fn damage(damages: Vec<Damage>) -> Vec<Finding> {
    let others = damages.len().saturating_sub(NAMED_DAMAGES);
    let mut findings: Vec<Finding> = damages
        .into_iter()
        .take(NAMED_DAMAGES)
        .map(|damage| Finding::ill("store", format!("{}: {}", damage.item, damage.problem), damage.remedy))
        .collect();
    if others > 0 {
        let found = format!("{others} more things are damaged");
        findings.push(Finding::ill("store", found, "`archwright cache check` names them".into()));
    }
    findings
}

fn compiled(locations: &Locations) -> Finding {
    match &locations.compiled {
        Some(folder) => match std::fs::create_dir_all(folder) {
            Ok(()) => Finding::well("compiled code", folder.display().to_string()),
            Err(error) => Finding::ill(
                "compiled code",
                format!("cannot make {}: {error}", folder.display()),
                "set XDG_CACHE_HOME to a folder that can be written; without one plugins compile at each start".into(),
            ),
        },
        None => Finding::ill(
            "compiled code",
            "no cache folder".into(),
            "set HOME or XDG_CACHE_HOME; without one plugins compile at each start".into(),
        ),
    }
}

fn plugins(locations: &Locations) -> Vec<Finding> {
    let mend = format!("`cargo xtask build`, or name their folder with {PLUGINS}");
    let engine = match locations.engine() {
        Ok(engine) => engine,
        Err(_) => {
            return vec![Finding::ill("plugins", "the WebAssembly engine does not start".into(), mend)];
        }
    };
    let catalogue = locations.catalogue();
    KINDS
        .into_iter()
        .map(|kind| {
            let mut names = Vec::new();
            for (name, path) in catalogue.plugins(kind) {
                if let Err(error) = engine.load(&path, &Limits::default()) {
                    return Finding::ill(kind_name(kind), error.to_string(), mend.clone());
                }
                names.push(name);
            }
            if names.is_empty() {
                let found = format!("no bundled plugins in {}", locations.plugins.display());
                Finding::ill(kind_name(kind), found, mend.clone())
            } else {
                Finding::well(kind_name(kind), names.join(", "))
            }
        })
        .collect()
}

fn trainer(locations: &Locations) -> Vec<Finding> {
    match locations.devices() {
        Ok(devices) => {
            let trainer = Finding::well("trainer", locations.trainer.display().to_string());
            let libtorch = Finding::well("libtorch", devices.libtorch);
            let found =
                devices.devices.iter().map(|device| format!("{} ({})", device.device, device.name)).collect::<Vec<_>>();
            vec![trainer, libtorch, Finding::well("devices", found.join(", "))]
        }
        Err(CliError::Other(error)) => vec![Finding::ill(
            "trainer",
            format!("{error:#}"),
            format!("`cargo xtask build`, or name a trainer with {TRAINER}"),
        )],
        Err(_) => Vec::new(),
    }
}
