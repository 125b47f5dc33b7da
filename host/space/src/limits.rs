//! Upper limits of the size and work of a space's networks, which an experiment sets.

use serde::{Deserialize, Serialize};

use crate::{Architecture, Footprint, Space, SpaceError};

/// Upper limits of what a network may need, each where it is set. They are for one input, as [`Footprint`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeLimits {
    /// Most trainable parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// Most multiply-adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiply_adds: Option<u64>,
    /// Most bytes of activations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_bytes: Option<u64>,
}

/// A limit, and what a network needs of what it limits.
struct Limited {
    name: &'static str,
    needed: u64,
    limit: u64,
}

impl Space {
    /// Whether an architecture belongs to this space and is within the limits, where there are some.
    pub fn admits(&self, of: &Architecture) -> bool {
        let within = |limits: &SizeLimits| self.profile(of).is_ok_and(|size| limits.check(&size).is_ok());
        self.check(of).is_ok() && self.limits.as_ref().is_none_or(within)
    }
}

impl SizeLimits {
    /// Whether anything is limited.
    pub fn are_set(&self) -> bool {
        *self != Self::default()
    }

    /// Whether nothing is limited.
    pub fn are_unset(&self) -> bool {
        !self.are_set()
    }

    /// Checks that a network of this size is within the limits.
    ///
    /// # Errors
    /// Names the first limit that is exceeded, what there is and what may be.
    pub fn check(&self, footprint: &Footprint) -> Result<(), SpaceError> {
        match self.limited(footprint).find(|one| one.needed > one.limit) {
            Some(Limited { name, needed, limit }) => {
                Err(SpaceError::Limit { what: format!("constraint `{name}`"), found: needed, limit })
            }
            None => Ok(()),
        }
    }

    fn limited(&self, footprint: &Footprint) -> impl Iterator<Item = Limited> + use<> {
        let all = [
            ("parameters", self.parameters, footprint.parameters),
            ("multiply_adds", self.multiply_adds, footprint.multiply_adds),
            ("activation_bytes", self.activation_bytes, footprint.activation_bytes),
        ];
        all.into_iter().filter_map(|(name, limit, needed)| Some(Limited { name, needed, limit: limit? }))
    }
}

/// What is known of limits that no architecture is within.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Unmet {
    /// The limit that was exceeded by everything that was looked at; none where each was met, but never all at once.
    pub limit: Option<&'static str>,
    problem: String,
}

/// The least that the architectures looked at need of what is limited.
#[derive(Debug)]
pub(crate) struct Least {
    limits: SizeLimits,
    seen: Option<Footprint>,
    looked_at: usize,
}

impl Least {
    pub(crate) fn new(limits: SizeLimits) -> Self {
        Self { limits, seen: None, looked_at: 0 }
    }

    pub(crate) fn see(&mut self, footprint: &Footprint) {
        self.looked_at += 1;
        let least = self.seen.get_or_insert(*footprint);
        least.parameters = least.parameters.min(footprint.parameters);
        least.multiply_adds = least.multiply_adds.min(footprint.multiply_adds);
        least.activation_bytes = least.activation_bytes.min(footprint.activation_bytes);
    }

    pub(crate) fn unmet(&self) -> Unmet {
        let Self { limits, seen, looked_at } = self;
        let Some(seen) = seen else {
            return Unmet { limit: None, problem: "no random architecture of the search space can be built".into() };
        };
        let of =
            |one: &Limited| format!("`{}` is at most {}, the smallest seen is {}", one.name, one.limit, one.needed);
        let intro = format!("none of {looked_at} random architectures meets the constraints");
        match limits.limited(seen).find(|one| one.needed > one.limit) {
            Some(one) => Unmet { limit: Some(one.name), problem: format!("{intro}: {}", of(&one)) },
            None => {
                let all: Vec<String> = limits.limited(seen).map(|one| of(&one)).collect();
                Unmet { limit: None, problem: format!("{intro} all at once: {}", all.join("; ")) }
            }
        }
    }
}
