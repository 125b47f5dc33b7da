//! What a journal is made of.
//!
//! What the host hands a plugin is not written again where an earlier record has it: the estimator gets a query as the
//! strategy asked for it, the strategy an outcome as the estimator gave it. What the host makes something else of, an
//! action's outcome, has a checksum of what it was made.

use std::borrow::Cow;

use archwright_plugin::PluginError;
use archwright_plugin::model::{Reply, Step};
use archwright_protocol::{Failure, Outcome};
use archwright_space::Architecture;
use serde::{Deserialize, Serialize, Serializer};

/// Version of the records. A change of [`Record`], or of the form of any type within it, needs a new one.
pub(crate) const VERSION: u32 = 4;

/// What a plugin answered, or its error as a person sees it.
pub(crate) type Answer<T> = Result<T, String>;

/// One step of a run. In a file each is a record in [postcard](https://postcard.jamesmunns.com)'s compact form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Record<'a> {
    /// The first record: what the run is, as JSON.
    Begun { version: u32, head: Cow<'a, str> },
    /// The strategy was opened with what the head says.
    StrategyOpened { answer: Answer<()>, fuel: u64 },
    /// The estimator was opened with what the head says.
    EstimatorOpened { answer: Answer<()>, fuel: u64 },
    /// The strategy was asked for at most `capacity` queries.
    Asked { capacity: u32, answer: Answer<Cow<'a, Reply>>, fuel: u64 },
    /// The estimator began on the query in place `sequence`; or that failed before, beyond a constraint of size.
    Started { sequence: u64, answer: Answer<Cow<'a, Step>>, fuel: u64 },
    /// The outcome of action number `ticket` is there, `at` seconds after the run began.
    Arrived {
        ticket: u64,
        /// What the action was; none where it could not be made.
        identity: Option<Identity>,
        at: f64,
        remembered: bool,
        result: Result<Cow<'a, Outcome>, Cow<'a, Failure>>,
    },
    /// The outcome of action number `ticket` went to `owner`, who asked for it.
    Delivered { ticket: u64, owner: u64 },
    /// The estimator was shown the outcome that was delivered to `sequence`.
    Advanced { sequence: u64, argument: u32, answer: Answer<Cow<'a, Step>>, fuel: u64 },
    /// The strategy was told what came of the queries in these places.
    Told { sequences: Cow<'a, [u64]>, answer: Answer<()>, fuel: u64 },
    /// The budget's time was over.
    TimeOver,
    /// The search ended, `at` seconds after the run began.
    Searched { at: f64 },
    /// The strategy was asked for the architectures it would pick.
    Recommended { answer: Answer<Cow<'a, [Architecture]>>, fuel: u64 },
    /// The run ended; its report, as JSON.
    Ended { report: Cow<'a, str> },
}

/// What tells an action from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// What its outcome is remembered by: a digest of everything that determines it.
    #[serde(serialize_with = "digest")]
    pub(crate) key: [u8; 32],
    /// The fingerprint of its network.
    #[serde(serialize_with = "digest")]
    pub(crate) network: [u8; 32],
}

/// A digest as bytes, or in hexadecimal for readers.
fn digest<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return serializer.serialize_str(&blake3::Hash::from_bytes(*bytes).to_hex());
    }
    bytes.serialize(serializer)
}

/// A plugin's answer as it is written down.
pub(crate) fn answer<'a, T, U>(given: &'a Result<T, PluginError>, shown: impl FnOnce(&'a T) -> U) -> Answer<U> {
    match given {
        Ok(value) => Ok(shown(value)),
        Err(error) => Err(error.to_string()),
    }
}

/// CRC-32 of an argument's compact form; 0 for one that has none.
pub(crate) fn checksum(argument: &impl Serialize) -> u32 {
    postcard::to_stdvec(argument).map_or(0, |bytes| crc32fast::hash(&bytes))
}

impl Record<'_> {
    /// First byte of [`Record::Arrived`]: its place among the variants.
    pub(crate) const ARRIVED: u8 = 5;
    /// First byte of [`Record::TimeOver`].
    pub(crate) const TIME_OVER: u8 = 9;

    /// Appends the record in its compact form.
    pub(crate) fn write(&self, buffer: &mut Vec<u8>) {
        // Most records are small, and a slice of known length is written faster than a buffer that grows.
        let mut small = [0; 256];
        if let Ok(written) = postcard::to_slice(self, &mut small) {
            buffer.extend_from_slice(written);
            return;
        }
        // Nothing in a record is of a kind that has no compact form, and a buffer in memory takes everything.
        if let Ok(written) = postcard::to_extend(self, std::mem::take(buffer)) {
            *buffer = written;
        }
    }

    /// Leaves out what the call took, where it is of a call.
    pub(crate) fn forget_fuel(&mut self) {
        match self {
            Self::StrategyOpened { fuel, .. }
            | Self::EstimatorOpened { fuel, .. }
            | Self::Asked { fuel, .. }
            | Self::Started { fuel, .. }
            | Self::Advanced { fuel, .. }
            | Self::Told { fuel, .. }
            | Self::Recommended { fuel, .. } => *fuel = 0,
            _ => {}
        }
    }
}
