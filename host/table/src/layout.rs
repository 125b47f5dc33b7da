//! How a table lies on the disk.
//!
//! A magic number, the length of a head, the head as JSON; then, each starting at a multiple of 8 bytes: where keys begin and
//! the keys of all architectures, in ascending order; for each what building its network told, and their places in the order of fingerprints; the
//! columns, as 64-bit floats with NaN for what is missing; and in the end a digest of all before. Numbers are little-endian.

use std::io::{self, Write};

use archwright_space::Decision;
use serde::{Deserialize, Serialize};

use crate::Measure;

pub(crate) const MAGIC: &[u8; 8] = b"ARCHTBL\x01";
/// Bytes of what building an architecture's network told: fingerprint, nodes, depth, parameters, multiply-adds and bytes of
/// activations; zeros where it has no network.
pub(crate) const FACTS: usize = 32 + 4 + 4 + 3 * 8;
pub(crate) const DIGEST: usize = 32;

/// What a table says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Name under which the space was given.
    pub space: String,
    /// The decisions of its points.
    pub decisions: Vec<Decision>,
    /// Shape of one input of the networks: channels, height, width.
    pub input: Vec<u32>,
    /// Number of classes of the networks.
    pub classes: u32,
    /// Names of the data sets; one without a name where the file names none.
    pub data_sets: Vec<String>,
    /// Architectures.
    pub architectures: u64,
    /// Trainings of an architecture on a data set, at most.
    pub seeds: u32,
    /// Epochs after which there are measurements, in ascending order. The last is a full training.
    pub epochs: Vec<u32>,
    /// What was measured.
    pub columns: Vec<ColumnSummary>,
    /// What it was imported from.
    pub source: Source,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSummary {
    /// Place of the data set in [`Head::data_sets`]; nothing for a size that is the same on all.
    pub data_set: Option<u32>,
    /// What was measured.
    pub measure: Measure,
    /// Header in the file that it comes from.
    pub header: String,
    /// Whether the file gives it in percent.
    pub percent: bool,
    /// Measurements that are there.
    pub count: u64,
    /// The smallest of them; 0 where there are none.
    pub least: f64,
    /// The largest of them.
    pub greatest: f64,
}

/// What a table was imported from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The file's name, without its folder.
    pub file: String,
    /// BLAKE3 of the file, in hexadecimal.
    pub digest: String,
    /// Its rows.
    pub rows: u64,
}

impl Head {
    /// The data sets, for a message.
    pub fn data_sets_told(&self) -> String {
        match &self.data_sets[..] {
            [only] if only.is_empty() => "its only one has no name".to_owned(),
            names => format!("it has {}", names.join(", ")),
        }
    }

    /// Values in a column.
    pub(crate) fn length(&self, column: &ColumnSummary) -> Option<usize> {
        let architectures = usize::try_from(self.architectures).ok()?;
        if column.measure.is_size() {
            return Some(architectures);
        }
        architectures.checked_mul(self.seeds as usize)?.checked_mul(self.epochs.len())
    }
}

/// Writes a table's parts, and what is between them.
pub(crate) struct Writer<W> {
    inner: W,
    hasher: blake3::Hasher,
    length: u64,
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(inner: W, head: &Head) -> io::Result<Self> {
        let mut writer = Self { inner, hasher: blake3::Hasher::new(), length: 0 };
        let head = serde_json::to_vec(head)?;
        writer.put(MAGIC)?;
        writer.put(&(head.len() as u64).to_le_bytes())?;
        writer.put(&head)?;
        writer.align()?;
        Ok(writer)
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn align(&mut self) -> io::Result<()> {
        let lacking = (8 - self.length % 8) % 8;
        self.put(&[0; 8][..lacking as usize])
    }

    pub(crate) fn numbers(&mut self, values: &[f64]) -> io::Result<()> {
        values.iter().try_for_each(|value| self.put(&value.to_le_bytes()))
    }

    /// Writes the digest; gives it, and where everything went.
    pub(crate) fn finish(mut self) -> io::Result<(W, blake3::Hash)> {
        let digest = self.hasher.finalize();
        self.inner.write_all(digest.as_bytes())?;
        self.inner.flush()?;
        Ok((self.inner, digest))
    }
}
