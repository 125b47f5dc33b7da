use std::path::{Path, PathBuf};

use archwright_plugin::PluginError;
use miette::Diagnostic;

use crate::{Digest, FileError};

/// Why a plugin of a project cannot be used, or a project not be changed.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum RegistryError {
    /// A file of the project is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was to be done, e.g. `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The project has no such plugin.
    #[error("{} names no plugin `{name}`", .file.display())]
    #[diagnostic(help("`archwright plugin list` lists those that there are"))]
    NoPlugin {
        /// The name.
        name: String,
        /// The project's `plugins.toml`.
        file: PathBuf,
    },
    /// The lock says nothing of a plugin, or of another source.
    #[error("plugins.toml names the plugin `{name}`, {problem}")]
    #[diagnostic(help("`archwright plugin update {name}` settles which component it is"))]
    NotLocked {
        /// The plugin.
        name: String,
        /// What the lock says.
        problem: &'static str,
    },
    /// The file is another one than was locked.
    #[error("the plugin `{name}` changed: plugins.lock has {locked}, {} has {found}", .path.display())]
    #[diagnostic(help("`archwright plugin update {name}` takes the file as it is now"))]
    Changed {
        /// The plugin.
        name: String,
        /// Its file.
        path: PathBuf,
        /// The digest in the lock.
        locked: Digest,
        /// The digest of the file.
        found: Digest,
    },
    /// The file of a plugin is gone.
    #[error("the plugin `{name}` is not there: {} is not a file", .path.display())]
    #[diagnostic(help("put it back, or name another file with `archwright plugin remove {name}` and `add`"))]
    Gone {
        /// The plugin.
        name: String,
        /// Its file.
        path: PathBuf,
    },
    /// The component was not brought to this machine yet.
    #[error("the plugin `{name}` is not on this machine: it is {digest} from {from}")]
    #[diagnostic(help("`archwright plugin fetch` brings exactly what plugins.lock names"))]
    NotHere {
        /// The plugin.
        name: String,
        /// Its digest.
        digest: Digest,
        /// Where it comes from.
        from: String,
    },
    /// A component on this machine is not what it was when it was brought.
    #[error("the plugin `{name}` is damaged: {} has to have {locked} and has {found}", .path.display())]
    #[diagnostic(help("`archwright plugin fetch` brings it anew"))]
    Damaged {
        /// The plugin.
        name: String,
        /// Its file.
        path: PathBuf,
        /// The digest it has to have.
        locked: Digest,
        /// The digest it has.
        found: Digest,
    },
    /// What came is not what was asked for.
    #[error("{from} is not the component that is wanted: it has to have {wanted} and has {found}")]
    #[diagnostic(help("it was changed since the digest was taken, or on its way here: nothing of it was used"))]
    OtherDigest {
        /// Where it came from.
        from: String,
        /// The digest it has to have.
        wanted: Digest,
        /// The digest it has.
        found: Digest,
    },
    /// A component whose digest nobody gave.
    #[error("{url} holds the {what} with {digest}")]
    #[diagnostic(help(
        "nothing was added: compare the digest with the one that its author gives, then add it with --digest {digest} \
         (or with --trust, as it is)"
    ))]
    Untrusted {
        /// Its address.
        url: String,
        /// Kind, name and version.
        what: String,
        /// Its digest.
        digest: Digest,
    },
    /// The name is taken.
    #[error("{owner} is named `{name}`")]
    #[diagnostic(help("add it under another name with --name NAME"))]
    Taken {
        /// The name.
        name: String,
        /// Whose it is.
        owner: &'static str,
    },
    /// The name cannot be one.
    #[error("{problem}")]
    Name {
        /// What is wrong and what would be right.
        problem: String,
    },
    /// An address cannot be fetched from.
    #[error("{url}: {problem}")]
    Fetch {
        /// The address.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// A registry, or a reference to one.
    #[error("{reference}: {problem}")]
    Oci {
        /// The reference.
        reference: String,
        /// What is wrong.
        problem: String,
        /// What may help.
        #[help]
        help: Option<String>,
    },
    /// The component is no plugin of this host.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The manifest of a plugin's project is wrong.
    #[cfg(feature = "remote")]
    #[error(transparent)]
    Manifest(#[from] archwright_build::manifest::ManifestError),
    /// A plugin's project is not built.
    #[error(
        "the plugin in {} is not built: there is no {}; `archwright plugin build {}` makes it",
        .folder.display(), .component.display(), .folder.display()
    )]
    NotBuilt {
        /// The project's folder.
        folder: PathBuf,
        /// Where its component would be.
        component: PathBuf,
    },
}

impl RegistryError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
