//! Components of JavaScript projects.

use std::path::Path;

use anyhow::{Result, bail};

use crate::manifest::Manifest;

pub(crate) fn component(_: &Path, _: &Manifest) -> Result<Vec<u8>> {
    bail!("this program cannot build plugins in JavaScript")
}
