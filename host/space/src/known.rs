//! What is known of a space's architectures without building their networks.

use std::sync::Arc;

use crate::{Architecture, Footprint, Space, SpaceError, Value};

/// What building the network of a point tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What [`Space::fingerprint`] gives in hexadecimal.
    pub fingerprint: [u8; 32],
    /// Nodes of the network.
    pub nodes: u32,
    /// What [`Space::profile`] gives.
    pub footprint: Footprint,
}

impl Facts {
    /// The fingerprint as [`Space::fingerprint`] gives it.
    pub fn fingerprint_text(&self) -> String {
        blake3::Hash::from_bytes(self.fingerprint).to_hex().to_string()
    }
}

/// Facts of many points, found out before.
pub trait Known: Send + Sync {
    /// What is known of a point.
    fn facts(&self, values: &[Value]) -> Option<Facts>;
}

impl Space {
    /// What building a point's network tells.
    ///
    /// # Errors
    /// Where the architecture does not belong to this space or cannot be built.
    pub fn facts(&self, of: &Architecture) -> Result<Facts, SpaceError> {
        let network = self.build(of)?;
        let fingerprint = blake3::Hash::from_hex(self.identify(of, &network)?).map_or([0; 32], Into::into);
        Ok(Facts { fingerprint, nodes: network.nodes.len() as u32, footprint: network.footprint()? })
    }

    /// The space with facts that need not be found out again, which have to be those of this very space: it answers the same
    /// as without, sooner.
    #[must_use]
    pub fn with_known(self, known: Arc<dyn Known>) -> Self {
        Self { known: Some(known), ..self }
    }

    /// What is known of an architecture without building its network.
    pub fn known_facts(&self, of: &Architecture) -> Option<Facts> {
        match (of, &self.known) {
            (Architecture::Point(values), Some(known)) => known.facts(values),
            _ => None,
        }
    }
}
