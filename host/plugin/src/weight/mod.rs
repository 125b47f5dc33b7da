//! What a component asks of the compiler, counted before anything of it is compiled.
//!
//! Compiling is no call of the plugin, and takes no fuel. So that a small file cannot keep the host busy for good or use
//! up its memory, everything that compiling takes more of than there are bytes in the file is counted first:
//! [`declarations`] what is declared and how often components are put together, [`work`] what the functions take.
//! The counts are the same on every machine.

mod declarations;
mod work;

use wasmparser::BinaryReaderError;

use crate::PluginError;
use crate::guest::MESSAGE_BYTES;
use crate::limits::{Bound, InForce};
use crate::text::shown;

/// Why a component is not compiled.
#[derive(Debug)]
enum Refused {
    Limit(Bound),
    Unsupported(&'static str),
    Malformed(BinaryReaderError),
}

impl From<BinaryReaderError> for Refused {
    fn from(error: BinaryReaderError) -> Self {
        Self::Malformed(error)
    }
}

/// Refuses a component that takes more to compile than the limits allow.
pub(crate) fn check(file: &str, bytes: &[u8], limits: &InForce) -> Result<(), PluginError> {
    let refused = match declarations::check(bytes, limits).and_then(|()| work::check(bytes, limits)) {
        Ok(()) => return Ok(()),
        Err(refused) => refused,
    };
    let problem = match refused {
        Refused::Limit(bound) => return Err(PluginError::limit(file, "load", bound)),
        Refused::Unsupported(problem) => problem.into(),
        Refused::Malformed(error) => format!("it does not compile: {}", shown(&error.to_string(), MESSAGE_BYTES)),
    };
    Err(PluginError::Load { file: file.into(), problem })
}

fn within(found: u64, bound: Bound) -> Result<(), Refused> {
    if found <= bound.limit { Ok(()) } else { Err(Refused::Limit(bound)) }
}
