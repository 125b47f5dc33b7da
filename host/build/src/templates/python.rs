//! Projects in Python.

use super::File;
use crate::manifest::Kind;

pub(super) fn files(_: Kind) -> &'static [File] {
    &[]
}
