//! What can be said of plugins.

use std::path::PathBuf;

use archwright_registry::Digest;
use clap::Subcommand;

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
    /// Show what a plugin says of itself, with its options.
    Inspect {
        /// Name of a bundled plugin or of one of the project, or path of a component.
        plugin: String,
    },
    /// Run the conformance suite on a plugin.
    Check {
        /// Name of a bundled plugin or of one of the project, or path of a component.
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
