//! The search space as a plugin sees it: answered by the host in a component, by a space in the same process natively.

/// A handle on the search space.
#[derive(Clone, Debug)]
pub struct Space {
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) native: std::sync::Arc<archwright_space::Space>,
    /// The decisions, where what is drawn follows from them alone and is drawn here: a call of the host costs more.
    #[cfg(all(target_arch = "wasm32", any(feature = "strategy", feature = "estimator")))]
    pub(crate) points: Option<std::sync::Arc<[archwright_space::Decision]>>,
}

#[cfg(not(target_arch = "wasm32"))]
mod answers {
    use archwright_space::{Architecture, Encoding, Footprint, Network};

    use super::Space;
    use crate::{Error, LogLevel};

    impl Space {
        /// A handle on a space in this process.
        pub fn new(space: std::sync::Arc<archwright_space::Space>) -> Self {
            Self { native: space }
        }

        /// A random architecture: every active decision drawn uniformly.
        pub fn sample(&self, seed: u64) -> Architecture {
            self.native.sample(seed)
        }

        /// The parent with another value for one active decision.
        ///
        /// # Errors
        /// Where the parent is no point of the space.
        pub fn mutate(&self, parent: &Architecture, seed: u64) -> Result<Architecture, Error> {
            Ok(self.native.mutate(parent, seed)?)
        }

        /// Each decision from one parent or the other.
        ///
        /// # Errors
        /// Where a parent is no point of the space.
        pub fn crossover(&self, left: &Architecture, right: &Architecture, seed: u64) -> Result<Architecture, Error> {
            Ok(self.native.crossover(left, right, seed)?)
        }

        /// The architectures one decision away, in a fixed order, at most `limit`.
        ///
        /// # Errors
        /// Where `of` is no point of the space.
        pub fn neighbors(&self, of: &Architecture, limit: u32) -> Result<Vec<Architecture>, Error> {
            Ok(self.native.neighbors(of, limit as usize)?)
        }

        /// The same text for two architectures exactly when their networks are isomorphic.
        ///
        /// # Errors
        /// Where the architecture has no network.
        pub fn fingerprint(&self, of: &Architecture) -> Result<String, Error> {
            Ok(self.native.fingerprint(of)?)
        }

        /// A feature vector of fixed length.
        ///
        /// # Errors
        /// Where the space has no such encoding.
        pub fn encode(&self, of: &Architecture, encoding: Encoding) -> Result<Vec<f32>, Error> {
            Ok(self.native.encode(of, encoding)?)
        }

        /// The network an architecture stands for.
        ///
        /// # Errors
        /// Where it has none.
        pub fn build(&self, of: &Architecture) -> Result<Network, Error> {
            Ok(self.native.build(of)?)
        }

        /// Whether an architecture meets the constraints of the space and of the experiment.
        pub fn admits(&self, of: &Architecture) -> bool {
            self.native.admits(of)
        }

        /// Size and work of an architecture's network.
        ///
        /// # Errors
        /// Where it has none.
        pub fn profile(&self, of: &Architecture) -> Result<Footprint, Error> {
            Ok(self.native.profile(of)?)
        }
    }

    /// A line for the run's log.
    pub fn log(level: LogLevel, message: &str) {
        eprintln!("{level:?}: {message}");
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub use answers::log;

#[cfg(target_arch = "wasm32")]
pub use crate::wasm::log;
