//! What can be said of plugins.

use std::path::PathBuf;

use archwright_build::manifest::{Kind, Language};
use archwright_plugin::conformance::Group;
use archwright_registry::Digest;
use archwright_search::toy::Toy;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// List the bundled plugins and those of the project in this folder.
    List,
    /// Add a plugin to the project in this folder: load it, name it in plugins.toml, lock it in plugins.lock.
    Add {
        /// A component's file, the folder of a plugin's project, `https://...`, or `oci:REGISTRY/REPOSITORY:TAG`.
        source: String,
        /// The name to use it under, instead of its own.
        #[arg(long)]
        name: Option<String>,
        /// The digest that the component has to have; what lies at an address needs it.
        #[arg(long, value_name = "blake3:HEX")]
        digest: Option<Digest>,
        /// Take what lies at an address now, whatever its digest is.
        #[arg(long, conflicts_with = "digest")]
        trust: bool,
        /// Speak to a registry on another machine without TLS.
        #[arg(long)]
        insecure: bool,
    },
    /// Take a plugin out of the project in this folder.
    Remove {
        /// Its name in the project.
        name: String,
    },
    /// Settle anew which components the project's plugins are: files as they are now, registries' tags as they stand now.
    Update {
        /// A plugin of the project; left out, all of them.
        name: Option<String>,
        /// Speak to registries on other machines without TLS.
        #[arg(long)]
        insecure: bool,
    },
    /// Bring to this machine exactly the components that the project's lock names, and that are not here yet.
    Fetch {
        /// Speak to registries on other machines without TLS.
        #[arg(long)]
        insecure: bool,
    },
    /// Publish a plugin in an OCI registry.
    Publish {
        /// A component's file, or the folder of a plugin's project that is built.
        from: PathBuf,
        /// Where: `REGISTRY/REPOSITORY`, with the plugin's version as its tag, or `REGISTRY/REPOSITORY:TAG`.
        reference: String,
        /// Speak to a registry on another machine without TLS.
        #[arg(long)]
        insecure: bool,
    },
    /// Show what a plugin says of itself, with its options; of a file that does not load, what it imports and exports, and
    /// why it does not load.
    Inspect {
        /// Name of a bundled plugin or of one of the project, or path of a component.
        plugin: String,
    },
    /// Check whether a plugin keeps the contract, and say how to mend what does not. Exit code 1: a check failed.
    Check(Check),
    /// Print a digest of what a plugin answers in setups that are always the same.
    #[command(hide = true)]
    Transcript {
        /// Name of a bundled plugin or of one of the project, or path of a component.
        plugin: String,
        /// Set an option of the plugin.
        #[arg(short, long = "option", value_name = "KEY=VALUE")]
        options: Vec<String>,
    },
    /// Try a plugin on a made-up problem or a table of measurements, without a trainer and without a store.
    Run(Box<RunPlugin>),
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

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Name of a bundled plugin or of one of the project, or path of a component.
    pub(crate) plugin: String,
    /// Make these checks alone; can be given several times.
    #[arg(long, value_name = "GROUP", value_parser = one_of(Group::ALL, Group::name))]
    pub(crate) only: Vec<Group>,
    /// Be content with fewer queries and fewer spaces.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Check with this option instead of its default, e.g. `-o population_size=10`.
    #[arg(short, long = "option", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
}

/// Takes the name of one of these.
fn one_of<T: Copy + Send + Sync + 'static, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    // The names are checked before one is looked for.
    PossibleValuesParser::new(all.map(name))
        .map(move |given| all.into_iter().find(|one| name(*one) == given).unwrap_or(all[0]))
}

#[derive(Debug, Args)]
pub(crate) struct RunPlugin {
    /// Name of a bundled plugin or of one of the project, or path of a component.
    pub(crate) plugin: String,
    /// Space that is searched: a bundled one, or path of a file. Of a search space, the plugin itself.
    #[arg(long, default_value = "nas-bench-201")]
    pub(crate) space: String,
    /// Sort of made-up problem.
    #[arg(long, value_name = "NAME", default_value = "interactions", value_parser = one_of(Toy::ALL, Toy::name), conflicts_with = "table")]
    pub(crate) toy: Toy,
    /// Table of measurements instead of a made-up problem.
    #[arg(long, value_name = "FILE")]
    pub(crate) table: Option<PathBuf>,
    /// Data set of the table, where it has several.
    #[arg(long, value_name = "NAME", requires = "table")]
    pub(crate) data_set: Option<String>,
    /// Queries of a strategy, or architectures that are looked at.
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) queries: u32,
    /// Seed of the plugin and of the problem.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Set an option of the plugin, e.g. `-o population_size=10`.
    #[arg(short, long = "option", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
    /// Queries in flight.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) workers: u32,
    /// Write a plot to this SVG file.
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
}
