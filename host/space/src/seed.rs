//! Seeds, derived so that no two uses share one, and the generator they seed.

use chacha20::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};

/// A seed for one use: the first eight bytes, little-endian, of BLAKE3 over `seed`, the label and `index`. Value-stable
/// across versions and machines.
pub fn derive(seed: u64, label: &str, index: u64) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("archwright 2026 seed");
    hasher.update(&seed.to_le_bytes());
    hasher.update(&(label.len() as u64).to_le_bytes());
    hasher.update(label.as_bytes());
    hasher.update(&index.to_le_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

/// ChaCha with 8 rounds: a named generator whose values never change.
pub(crate) struct Generator(ChaCha8Rng);

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in `0..bound`; 0 for a bound of 0. Rejection keeps it exactly uniform.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let zone = u64::MAX - u64::MAX % bound;
        loop {
            let draw = self.0.next_u64();
            if draw < zone {
                return draw % bound;
            }
        }
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}
