//! Looking measurements up.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use archwright_space::{Architecture, Facts, Footprint, Known, Space, Value};
use memmap2::Mmap;

use crate::layout::{DIGEST, FACTS, Head, MAGIC};
use crate::{Measure, TableError, point};

/// A table, mapped into memory.
#[derive(Debug)]
pub struct Table {
    map: Mmap,
    head: Head,
    digest: blake3::Hash,
    /// Where in the file things lie.
    offsets: Range<usize>,
    keys: Range<usize>,
    facts: Range<usize>,
    /// Rows in the order of fingerprints.
    by_fingerprint: Range<usize>,
    columns: Vec<Range<usize>>,
}

/// What was measured of one thing on one data set.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    bytes: &'a [u8],
    seeds: usize,
    levels: usize,
    /// Whether there is one value for an architecture.
    flat: bool,
}

impl Table {
    /// Opens a table and checks its digest.
    ///
    /// # Errors
    /// Where there is none, or it is damaged.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        let file = File::open(path).map_err(TableError::file("read", path))?;
        // SAFETY: a table is written once under its name, by a rename, and not changed afterwards. Whoever cuts the file short
        // under a running program ends it, as with any mapped file.
        let map = unsafe { Mmap::map(&file) }.map_err(TableError::file("read", path))?;
        Self::of(map).map_err(|problem| TableError::Damaged { path: path.to_owned(), problem: problem.into() })
    }

    fn of(map: Mmap) -> Result<Self, &'static str> {
        let body = map.len().checked_sub(DIGEST).ok_or("it is too short")?;
        if !map.starts_with(MAGIC) {
            return Err("it starts with something else");
        }
        let digest = blake3::hash(&map[..body]);
        if digest.as_bytes() != &map[body..] {
            return Err("its content and its digest differ: it is cut off, or was changed");
        }
        let mut at = MAGIC.len();
        let mut take = |length: usize| {
            let end = at.checked_add(length).filter(|end| *end <= body).ok_or("it ends too early")?;
            let range = at..end;
            at = end.next_multiple_of(8);
            Ok::<_, &'static str>(range)
        };
        let length = number(&map[take(8)?]);
        let head = take(usize::try_from(length).map_err(|_| "its head is too long")?)?;
        let head: Head = serde_json::from_slice(&map[head]).map_err(|_| "its head cannot be read")?;
        let rows = usize::try_from(head.architectures).map_err(|_| "it has too many architectures")?;
        let offsets = take(rows.checked_add(1).and_then(|count| count.checked_mul(8)).ok_or("it ends too early")?)?;
        let last = number(&map[offsets.end - 8..offsets.end]);
        let keys = take(usize::try_from(last).map_err(|_| "it ends too early")?)?;
        let facts = take(rows.checked_mul(FACTS).ok_or("it ends too early")?)?;
        let by_fingerprint = take(rows.checked_mul(4).ok_or("it ends too early")?)?;
        let mut columns = Vec::new();
        for column in &head.columns {
            let length = head.length(column).and_then(|length| length.checked_mul(8)).ok_or("it ends too early")?;
            columns.push(take(length)?);
        }
        Ok(Self { offsets, keys, facts, by_fingerprint, columns, digest, head, map })
    }

    /// What the table says of itself.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// BLAKE3 of everything in it.
    pub fn digest(&self) -> blake3::Hash {
        self.digest
    }

    /// Architectures.
    pub fn len(&self) -> usize {
        self.offsets.len() / 8 - 1
    }

    /// Whether it has no architectures, as no imported table.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks that the points of `space` are those that the table is about.
    ///
    /// # Errors
    /// Names the first decision that differs.
    pub fn check_space(&self, space: &Space) -> Result<(), TableError> {
        let other = |problem: String| Err(TableError::OtherSpace { space: self.head.space.clone(), problem });
        let (ours, theirs) = (&self.head.decisions, space.decisions());
        if let Some((ours, theirs)) = ours.iter().zip(theirs).find(|(ours, theirs)| ours != theirs) {
            if ours.name == theirs.name {
                return other(format!("the decision `{}` is between other values", ours.name));
            }
            return other(format!("it has the decision `{}`, the table `{}`", theirs.name, ours.name));
        }
        if ours.len() != theirs.len() {
            return other(format!("it has {} decisions, the table {}", theirs.len(), ours.len()));
        }
        Ok(())
    }

    /// Row of an architecture: of the very point, or else of one whose network is isomorphic.
    pub fn find(&self, space: &Space, architecture: &Architecture) -> Option<usize> {
        if let Architecture::Point(values) = architecture
            && let Some(row) = self.find_point(values)
        {
            return Some(row);
        }
        let wanted = blake3::Hash::from_hex(space.fingerprint(architecture).ok()?).ok()?;
        let at = |place: usize| {
            let row = self.map[self.by_fingerprint.clone()].get(place * 4..)?.get(..4)?;
            let row = u32::from_le_bytes(row.try_into().ok()?) as usize;
            Some((row, self.fact(row)?.get(..32)?))
        };
        let place = partition(self.len(), |place| at(place).is_some_and(|(_, one)| *one < wanted.as_bytes()[..]));
        at(place).filter(|(_, one)| one == wanted.as_bytes()).map(|(row, _)| row)
    }

    fn fact(&self, row: usize) -> Option<&[u8]> {
        self.map[self.facts.clone()].get(row * FACTS..)?.get(..FACTS)
    }

    /// What building the network of a row's architecture told, where it has one.
    pub fn facts(&self, row: usize) -> Option<Facts> {
        let bytes = self.fact(row)?;
        let short = |at: usize| bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
        let fingerprint = bytes[..32].try_into().ok().filter(|bytes| *bytes != [0; 32])?;
        let [parameters, multiply_adds, activation_bytes] = [40, 48, 56].map(|at| number(&bytes[at..at + 8]));
        let footprint = Footprint { parameters, multiply_adds, depth: short(36), activation_bytes };
        Some(Facts { fingerprint, nodes: short(32), footprint })
    }

    /// Whether what is known of networks is true of those of `space`, which may have other options than at the import, as far as
    /// a few rows tell.
    pub fn knows(&self, space: &Space) -> bool {
        let last = self.len().saturating_sub(1);
        [0, last / 3, last / 2, last].into_iter().all(|row| {
            self.architecture(row).is_some_and(|architecture| space.facts(&architecture).ok() == self.facts(row))
        })
    }

    fn find_point(&self, values: &[Value]) -> Option<usize> {
        let wanted = point::key(values);
        let row = partition(self.len(), |row| self.key(row).is_some_and(|key| *key < wanted[..]));
        (row < self.len() && self.key(row)? == wanted).then_some(row)
    }

    fn key(&self, row: usize) -> Option<&[u8]> {
        let offset = |row: usize| {
            let bytes = self.map[self.offsets.clone()].get(row * 8..)?.get(..8)?;
            usize::try_from(number(bytes)).ok()
        };
        self.map[self.keys.clone()].get(offset(row)?..offset(row + 1)?)
    }

    /// The architecture of a row.
    pub fn architecture(&self, row: usize) -> Option<Architecture> {
        if row >= self.len() {
            return None;
        }
        point::of_key(self.key(row)?).map(Architecture::Point)
    }

    /// Place of a data set, by its name.
    pub fn data_set(&self, name: &str) -> Option<u32> {
        self.head.data_sets.iter().position(|one| one == name).map(|place| place as u32)
    }

    /// What was measured on a data set, or of architectures on any.
    pub fn column(&self, data_set: u32, measure: Measure) -> Option<Column<'_>> {
        let is_it = |column: &crate::ColumnSummary| {
            column.measure == measure && column.data_set.is_none_or(|its| its == data_set)
        };
        let place = self.head.columns.iter().position(is_it)?;
        let flat = measure.is_size();
        let bytes = &self.map[self.columns[place].clone()];
        Some(Column { bytes, seeds: self.head.seeds as usize, levels: self.head.epochs.len(), flat })
    }
}

impl Known for Table {
    fn facts(&self, values: &[Value]) -> Option<Facts> {
        Self::facts(self, self.find_point(values)?)
    }
}

impl Column<'_> {
    /// The measurement of an architecture in training number `seed` after as many epochs as `level` stands for; of what does
    /// not depend on them, whatever they are.
    pub fn get(&self, row: usize, seed: usize, level: usize) -> Option<f64> {
        let place = if self.flat {
            row
        } else {
            if seed >= self.seeds || level >= self.levels {
                return None;
            }
            (row * self.seeds + seed) * self.levels + level
        };
        let bytes = self.bytes.get(place.checked_mul(8)?..)?.get(..8)?;
        Some(f64::from_bits(number(bytes))).filter(|value| !value.is_nan())
    }

    /// The mean over all trainings of an architecture that have this measurement.
    pub fn mean(&self, row: usize, level: usize) -> Option<f64> {
        if self.flat {
            return self.get(row, 0, level);
        }
        let (sum, count) = (0..self.seeds)
            .filter_map(|seed| self.get(row, seed, level))
            .fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }
}

/// The first of `count` places for which `before` is false, where it is true up to one and then false.
fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}
