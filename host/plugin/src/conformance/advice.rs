//! What to do about an error of a plugin.

use crate::{GuestError, PluginError};

/// How an author mends what ended with this error.
pub(super) fn on(error: &PluginError) -> String {
    match error {
        // What the standard library says on a target that has no system.
        PluginError::Trap { message: Some(message), .. } if message.contains("on this platform") => {
            "a plugin has no clock, files, threads or randomness but `setup.seed`: do without what asks for them".into()
        }
        PluginError::Trap { message: Some(_), call, .. } => {
            format!("the component panicked in `{call}`, and what it last logged says where: mend that")
        }
        PluginError::Trap { call, .. } => format!(
            "the component panicked or ran into something undefined in `{call}`: log the message of a panic as an error \
             and it is shown here, run the check with -vv to see the log, and answer an error instead of panicking"
        ),
        PluginError::Limit { of: "units of fuel", call, setting, .. } => format!(
            "`{call}` never ends or does too much at once: look for a loop without an end, or keep per call what grows \
             with the observations; or {}",
            setting.raised()
        ),
        PluginError::Limit { of: "bytes of memory", setting, .. } => {
            format!("look for what is kept and never used again; or {}", setting.raised())
        }
        PluginError::Limit { setting, .. } => format!("use less, or {}", setting.raised()),
        PluginError::Guest { call, error, .. } if call == "open" => match error {
            GuestError::Unsupported(_) => "decline with `unsupported` only what the plugin cannot work with".into(),
            GuestError::InvalidOptions(_) => {
                "options that pass the schema have to be accepted: say in the schema what is not, and give each option \
                 a default that works"
                    .into()
            }
            _ => "say `unsupported` where a setup is not for this plugin, and open all others".into(),
        },
        PluginError::Guest { call, .. } => {
            format!("`{call}` is to answer here: an error that a strategy answers with ends the run")
        }
        PluginError::Invalid { field, .. } => on_invalid(field),
        PluginError::Options { .. } => {
            "give the option a default in the schema, or check with `--option NAME=VALUE`".into()
        }
        PluginError::Poisoned { .. } => "mend what stopped the plugin before".into(),
        PluginError::Aborted { .. } => "the host gave up by the clock: try again on a machine with less to do".into(),
        PluginError::Import { advice, .. } => advice.clone(),
        PluginError::NotAComponent { .. } => {
            "build it with `archwright plugin build`, or another tool that makes components".into()
        }
        PluginError::WrongKind { .. } => "export one of the contract's interfaces, in one component each".into(),
        _ => "see docs/writing-a-plugin.md".into(),
    }
}

/// How to mend a value that breaks the contract, by where it is.
fn on_invalid(field: &str) -> String {
    let ends = |name: &str| field.rsplit('.').next().is_some_and(|last| last.starts_with(name));
    let text = if ends("id") {
        "count ids up, and never give one twice in a search"
    } else if ends("parent") {
        "name as parent the id of a query that was asked before, or none"
    } else if ends("fidelity") {
        "ask for, and tell of, a share of a full training above 0 and up to 1; check for NaN"
    } else if ends("architecture") {
        "give one value per decision, in their order: an index below the number of labels, a number within the range, \
         and `inactive` exactly where the conditions do not hold; `space.sample`, `mutate` and `crossover` give such"
    } else if ends("relaxation") {
        "give one probability per label of each categorical decision, rows that sum to 1"
    } else if field == "queries" {
        "look at `capacity`: give from 1 to so many queries, and `waiting` or `finished` where there are none"
    } else if field == "reply" {
        "say `waiting` only while queries are in flight, and count each observation that is told, failed ones too; say \
         `finished` where nothing more comes"
    } else if ends("objectives") || ends("uncertainty") || ends("gradient") || ends("curve") {
        "give one finite number for each objective (or probability), and say `failed` where there is none"
    } else if ends("name") || ends("version") || ends("summary") || field.starts_with("options-schema") {
        "mend what `describe` says"
    } else if field.starts_with("step.act") {
        "return the action that was made last, once"
    } else if field.starts_with("nodes") || field == "network" {
        "use the operations of docs/operators.md, name as inputs earlier nodes only, and end with the class scores"
    } else {
        "give what the contract in wit/ says"
    };
    text.into()
}
