//! Where a project's plugins come from, and exactly which ones they are.
//!
//! A project's `plugins.toml` names plugins and their [`Source`]s, its `plugins.lock` the [`Digest`] of the component that
//! each of them is. [`Project::find`] answers with a file and the digest it has to have; whoever reads the file checks it
//! with [`Located::check`] before anything of it is used. Components from elsewhere lie in a folder of the user
//! ([`Kept`]), named by their digests.
//!
//! With the feature `remote`, [`Remote`] brings plugins from files, addresses and OCI registries, changes projects, and
//! publishes.
//!
//! Invariant: looking a plugin up never reaches out. Only [`Remote`] does, when it is told to.

mod digest;
mod error;
mod file;
mod kept;
mod lock;
mod project;
#[cfg(feature = "remote")]
mod remote;
mod source;

pub use digest::{Digest, NoDigest};
pub use error::RegistryError;
pub use file::FileError;
pub use kept::Kept;
pub use lock::Locked;
pub use project::{LOCK, Located, PLUGINS, Project};
#[cfg(feature = "remote")]
pub use remote::{Added, Published, Remote, Updated, Wanted};
pub use source::{Named, Source};
