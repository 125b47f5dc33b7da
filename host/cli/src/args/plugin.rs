//! What can be said of plugins.

use std::path::PathBuf;

use archwright_build::manifest::{Kind, Language};
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// List the bundled plugins.
    List,
    /// Show what a plugin says of itself, with its options.
    Inspect {
        /// Name of a bundled plugin, or path of a component.
        plugin: String,
    },
    /// Run the conformance suite on a plugin.
    Check {
        /// Name of a bundled plugin, or path of a component.
        plugin: String,
    },
    /// Make a project for a plugin of your own: small, commented, tested, and it works at once.
    New(New),
    /// Build a plugin's project into a component.
    Build {
        /// Folder of the project, or of a plugin crate.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Where to write the component, instead of where `plugin.toml` says; a crate without one needs it.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Build a plugin's project and check the component, again after every change, until Ctrl-C.
    Watch {
        /// Folder of the project.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The plugin's name, in kebab-case.
    pub(crate) name: String,
    /// What it is.
    #[arg(long)]
    pub(crate) kind: PluginKind,
    /// What it is written in.
    #[arg(long, visible_alias = "language", default_value = "rust")]
    pub(crate) lang: PluginLanguage,
    /// Where to make the project, instead of in a folder of its name.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    /// Folder of the SDK's sources for a project in Rust, instead of those that this program was built from.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) sdk: Option<PathBuf>,
}

/// What a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PluginKind {
    /// Decides which architectures to look at next.
    Strategy,
    /// Decides how to find out how good an architecture is.
    Estimator,
    /// Says which architectures there are.
    SearchSpace,
}

/// What a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PluginLanguage {
    Rust,
    Python,
    #[value(name = "javascript")]
    JavaScript,
}

impl From<PluginKind> for Kind {
    fn from(kind: PluginKind) -> Self {
        match kind {
            PluginKind::Strategy => Self::Strategy,
            PluginKind::Estimator => Self::Estimator,
            PluginKind::SearchSpace => Self::SearchSpace,
        }
    }
}

impl From<PluginLanguage> for Language {
    fn from(language: PluginLanguage) -> Self {
        match language {
            PluginLanguage::Rust => Self::Rust,
            PluginLanguage::Python => Self::Python,
            PluginLanguage::JavaScript => Self::JavaScript,
        }
    }
}
