//! What is new.

use std::collections::HashSet;

#[cfg(any(not(target_arch = "wasm32"), feature = "strategy", feature = "estimator"))]
use crate::{Architecture, Error, Space};

/// Tells whether an architecture's network was seen before, isomorphic ones being the same.
#[derive(Clone, Debug, Default)]
#[cfg_attr(
    all(target_arch = "wasm32", not(any(feature = "strategy", feature = "estimator"))),
    expect(dead_code, reason = "a search space has no space to ask")
)]
pub struct Distinct(HashSet<String>);

#[cfg(any(not(target_arch = "wasm32"), feature = "strategy", feature = "estimator"))]
impl Distinct {
    /// Whether no architecture with an isomorphic network was seen; from now on it was.
    ///
    /// # Errors
    /// Where the architecture has no network.
    pub fn is_new(&mut self, architecture: &Architecture, space: &Space) -> Result<bool, Error> {
        Ok(self.0.insert(space.fingerprint(architecture)?))
    }
    /// The first of at most `tries` architectures that `make` gives whose network was not seen; the last one where all were.
    /// Nothing of no tries.
    ///
    /// # Errors
    /// What `make` fails with, or where an architecture has no network.
    pub fn first_new(
        &mut self,
        space: &Space,
        tries: usize,
        mut make: impl FnMut() -> Result<Architecture, Error>,
    ) -> Result<Option<Architecture>, Error> {
        let mut last = None;
        for _ in 0..tries {
            let architecture = make()?;
            if self.is_new(&architecture, space)? {
                return Ok(Some(architecture));
            }
            last = Some(architecture);
        }
        Ok(last)
    }
}
