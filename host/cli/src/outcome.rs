//! What commands print, and how they fail.

use std::io::Write;
use std::process::ExitCode;

use archwright_build::manifest::ManifestError;
use archwright_plugin::PluginError;
use archwright_protocol::{Failure, FailureKind};
use archwright_registry::RegistryError;
use archwright_search::{ExperimentError, SearchError, Unknown};
use archwright_store::StoreError;
use miette::{Diagnostic, GraphicalReportHandler};
use serde::Serialize;
use serde_json::json;

/// How results are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints a value as JSON.
    pub(crate) fn value(self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
        self.text(&text)
    }

    /// Prints text and a newline. A reader that has seen enough (`| head`) is no error.
    pub(crate) fn text(self, text: &str) -> Result<(), CliError> {
        match writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n')) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(anyhow::Error::from(error).into()),
            _ => Ok(()),
        }
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum CliError {
    /// The user gave something wrong.
    Input { message: String, help: Option<String> },
    /// The user stopped what goes on another time.
    Interrupted(String),
    /// A search failed; of a comparison, which one it was.
    Search { error: Box<SearchError>, of: Option<String> },
    /// A plugin of a project cannot be used, or the project not be changed.
    Registry(Box<RegistryError>),
    /// Anything else.
    Other(anyhow::Error),
}

impl CliError {
    pub(crate) fn input(message: impl Into<String>, help: Option<String>) -> Self {
        Self::Input { message: message.into(), help }
    }

    /// What went wrong, without what may help.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Search { error, of: Some(of) } => format!("{of}: {error}"),
            Self::Search { error, of: None } => error.to_string(),
            Self::Registry(error) => error.to_string(),
            Self::Input { message, .. } | Self::Interrupted(message) => message.clone(),
            Self::Other(error) => format!("{error:#}"),
        }
    }

    /// Prints the error and gives the exit code.
    pub(crate) fn report(&self, output: Output) -> ExitCode {
        let (code, text, kind) = match self {
            Self::Input { message, help } => {
                let help = help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
                (2, format!("{message}{help}"), "input")
            }
            Self::Search { error, of } => {
                let (code, kind) = match **error {
                    SearchError::Experiment(_) => (2, "input"),
                    SearchError::Plugin(
                        PluginError::Load { .. }
                        | PluginError::NotAComponent { .. }
                        | PluginError::Import { .. }
                        | PluginError::Wishes { .. }
                        | PluginError::WrongKind { .. }
                        | PluginError::Options { .. },
                    ) => (2, "input"),
                    SearchError::Finished(_)
                    | SearchError::Unfinished { .. }
                    | SearchError::UnderWay(_)
                    | SearchError::NotThere { .. }
                    | SearchError::Compared { .. }
                    | SearchError::ScoresTokens(_)
                    | SearchError::Older { .. } => (2, "input"),
                    SearchError::Space(_) | SearchError::Trainer(Failure { kind: FailureKind::Data, .. }) => {
                        (2, "input")
                    }
                    SearchError::Stopped { .. }
                    | SearchError::Interrupted { .. }
                    | SearchError::InterruptedFinale { .. } => (130, "interrupted"),
                    _ => (1, "failure"),
                };
                let of = of.as_ref().map(|of| format!("{of}:\n")).unwrap_or_default();
                (code, of + rendered(&**error).trim_start_matches('\n'), kind)
            }
            Self::Registry(error) => {
                let (code, kind) = match **error {
                    RegistryError::Io { .. } | RegistryError::Fetch { .. } | RegistryError::Oci { .. } => {
                        (1, "failure")
                    }
                    _ => (2, "input"),
                };
                (code, rendered(&**error), kind)
            }
            Self::Interrupted(message) => (130, message.clone(), "interrupted"),
            Self::Other(error) => (1, format!("{error:#}"), "failure"),
        };
        if output.json {
            let message = self.message();
            // The error goes to standard error as well: a reader of the JSON may have closed its end.
            let _ = output.value(&json!({ "error": { "kind": kind, "message": message } }));
        }
        eprintln!("archwright: {}", text.trim());
        ExitCode::from(code)
    }
}

fn rendered(error: &dyn Diagnostic) -> String {
    let mut text = String::new();
    // Every message says what its cause says.
    let handler = GraphicalReportHandler::new().without_cause_chain();
    match handler.render_report(&mut text, error) {
        Ok(()) => text,
        Err(_) => error.to_string(),
    }
}

impl From<SearchError> for CliError {
    fn from(error: SearchError) -> Self {
        Self::Search { error: Box::new(error), of: None }
    }
}

impl From<ExperimentError> for CliError {
    fn from(error: ExperimentError) -> Self {
        SearchError::from(error).into()
    }
}

impl From<PluginError> for CliError {
    fn from(error: PluginError) -> Self {
        SearchError::from(error).into()
    }
}

impl From<Unknown> for CliError {
    fn from(unknown: Unknown) -> Self {
        Self::input(unknown.to_string(), unknown.help)
    }
}

impl From<RegistryError> for CliError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Plugin(error) => error.into(),
            error => Self::Registry(Box::new(error)),
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoRun(_) | StoreError::NoRunYet { .. } | StoreError::NoComparison(_) => {
                Self::input(error.to_string(), None)
            }
            error => SearchError::from(error).into(),
        }
    }
}

impl From<ManifestError> for CliError {
    fn from(error: ManifestError) -> Self {
        Self::input(error.to_string(), None)
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}
