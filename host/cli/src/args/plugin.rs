//! What can be said of plugins.

use std::path::PathBuf;

use clap::Subcommand;

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
    /// Build a plugin crate written in Rust and make a component of it.
    Build {
        /// Folder of the crate.
        folder: PathBuf,
        /// Where to write the component.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}
