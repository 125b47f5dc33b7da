//! Making a table of a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use archwright_space::{Architecture, Facts, Space, Value};
use tempfile::NamedTempFile;

use crate::column::{Measure, Role};
use crate::gather::{Gathered, Gathering, RowKey};
use crate::layout::{ColumnSummary, FACTS, Head, Source, Writer};
use crate::{Column, Table, TableError, point, rows};

/// Most values of a table.
const MAX_VALUES: usize = 1 << 33;

/// Share of a size by which two ways of writing it down may differ.
const ROUNDING: f64 = 0.01;

/// What to import, and how.
#[derive(Clone, Debug)]
pub struct Import<'a> {
    /// The file: `.csv`, `.tsv`, `.json`, `.jsonl` or `.parquet`.
    pub file: &'a Path,
    /// The space that its architectures are points of, in the context of their training.
    pub space: &'a Space,
    /// Name under which the space was given.
    pub name: &'a str,
    /// What columns hold whose headers do not say it.
    pub columns: &'a [(String, Role)],
    /// Epochs of a training, for a file that does not say it.
    pub epochs: u32,
}

/// A table that was made.
#[derive(Debug)]
pub struct Imported {
    /// The table.
    pub table: Table,
    /// What of the file is not in it.
    pub left: Left,
}

/// What of a file was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Columns whose headers say nothing that is known.
    pub columns: Vec<String>,
    /// Architectures whose networks cannot be built. They can be looked up as points, not as isomorphic to others.
    pub unbuilt: u64,
    /// Sizes that the file has otherwise than they are counted of the networks for the inputs of the import. Searches go by
    /// what is counted.
    pub sizes: Vec<Measure>,
}

/// Reads a file and writes a table `into` a file, which is there whole or not at all.
///
/// Accuracies above 1 are taken for percent, the whole column of them. The rows of a file whose trainings are long and many
/// are held in memory, 8 bytes a number.
///
/// # Errors
/// Where the file cannot be read, a column is missing or of another kind, an architecture is no point of the space, rows
/// contradict each other, or the table cannot be written. Names the rows.
pub fn import(import: &Import<'_>, into: &Path) -> Result<Imported, TableError> {
    let mut gathered = Gathered::new(import.space, import.columns);
    rows::read(import.file, &mut gathered)?;
    gathered.check()?;
    if gathered.data_sets.is_empty() {
        gathered.data_sets.push(String::new());
    }
    let mut axes = Axes::of(&gathered)?;
    let order = order(&gathered);
    let mut columns = Vec::new();
    for column in &gathered.columns {
        columns.extend(axes.spread(&gathered, column, &order)?);
    }
    // One level that nobody named is a whole training.
    if !gathered.has_epochs() {
        axes.epochs = vec![import.epochs];
    }
    let head = Head {
        space: import.name.to_owned(),
        decisions: import.space.decisions().to_vec(),
        input: import.space.context().input.clone(),
        classes: import.space.context().classes,
        data_sets: gathered.data_sets.clone(),
        architectures: gathered.architectures.len() as u64,
        seeds: axes.seeds as u32,
        epochs: axes.epochs,
        columns: columns.iter().map(|(summary, _)| summary.clone()).collect(),
        source: source(import.file, gathered.rows())?,
    };
    let facts = facts(import.space, &gathered, &order);
    let unbuilt = facts.iter().filter(|facts| facts.is_none()).count() as u64;
    write(&head, &gathered, &order, &facts, &columns, into).map_err(TableError::file("write", into))?;
    let table = Table::open(into)?;
    let left = Left { columns: gathered.unknown().to_vec(), unbuilt, sizes: other_sizes(&table) };
    Ok(Imported { table, left })
}

/// Sizes of which the table has other values than are counted of the networks, by more than a rounding.
fn other_sizes(table: &Table) -> Vec<Measure> {
    let differs = |measure: &Measure| {
        let columns = (0..table.head().data_sets.len() as u32).filter_map(|place| table.column(place, *measure));
        let rows = |column: Column<'_>| {
            (0..table.len()).any(|row| match (column.get(row, 0, 0), table.facts(row)) {
                (Some(given), Some(Facts { footprint, .. })) => {
                    let counted = match measure {
                        Measure::Parameters => footprint.parameters,
                        _ => footprint.multiply_adds,
                    } as f64;
                    (given - counted).abs() > ROUNDING * counted
                }
                _ => false,
            })
        };
        columns.into_iter().any(rows)
    };
    [Measure::Parameters, Measure::MultiplyAdds].into_iter().filter(differs).collect()
}

/// Places of architectures in the table, in the order in which they were gathered.
fn order(gathered: &Gathered<'_>) -> Vec<usize> {
    let mut by_key: Vec<usize> = (0..gathered.architectures.len()).collect();
    by_key.sort_by_cached_key(|place| point::key(&gathered.architectures[*place]));
    let mut order = vec![0; by_key.len()];
    for (row, place) in by_key.into_iter().enumerate() {
        order[place] = row;
    }
    order
}

fn source(path: &Path, rows: u64) -> Result<Source, TableError> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(TableError::file("read", path))?;
    hasher.update_reader(file).map_err(TableError::file("read", path))?;
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Source { file, digest: hasher.finalize().to_hex().to_string(), rows })
}

/// What building the network of each architecture tells, in the order of the table's rows; nothing where it has none.
fn facts(space: &Space, gathered: &Gathered<'_>, order: &[usize]) -> Vec<Option<Facts>> {
    let all = &gathered.architectures;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = all.len().div_ceil(threads).max(1);
    let one = |values: &Vec<Value>| space.facts(&Architecture::Point(values.clone())).ok();
    let found: Vec<Option<Facts>> = std::thread::scope(|scope| {
        let parts: Vec<_> =
            all.chunks(share).map(|part| scope.spawn(move || part.iter().map(one).collect::<Vec<_>>())).collect();
        // A thread that panicked has nothing to tell, and its architectures count as having no network.
        parts
            .into_iter()
            .zip(all.chunks(share))
            .flat_map(|(part, of)| part.join().unwrap_or(vec![None; of.len()]))
            .collect()
    });
    let mut sorted = vec![None; order.len()];
    for (facts, row) in found.into_iter().zip(order) {
        sorted[*row] = facts;
    }
    sorted
}

/// How many trainings and levels there are.
struct Axes {
    seeds: usize,
    epochs: Vec<u32>,
    /// For each row of the file, the place of its training among those of its architecture and data set.
    seed_of: Vec<u32>,
    level_of: Vec<u32>,
}

impl Axes {
    fn of(gathered: &Gathered<'_>) -> Result<Self, TableError> {
        let keys = &gathered.keys;
        let mut epochs: Vec<u32> = keys.iter().map(|key| key.epoch as u32).collect();
        epochs.sort_unstable();
        epochs.dedup();
        let level_of = |key: &RowKey| epochs.partition_point(|epoch| *epoch < key.epoch as u32) as u32;
        let level_of = keys.iter().map(level_of).collect();
        let mut sorted: Vec<usize> = (0..keys.len()).collect();
        let of = |place: &usize| (keys[*place].architecture, keys[*place].data_set, keys[*place].seed as u64);
        sorted.sort_by_key(|place| (of(place), keys[*place].epoch as u64, keys[*place].row));
        let mut seed_of = vec![0; keys.len()];
        let (mut seed, mut seeds) = (0, 1);
        for pair in sorted.windows(2) {
            let (before, here) = (&keys[pair[0]], &keys[pair[1]]);
            if of(&pair[0]) == of(&pair[1]) && before.epoch == here.epoch {
                let problem = format!("it is about the same training and epoch as row {}", before.row);
                return Err(TableError::Rows { problems: vec![(here.row, problem)], more: 0 });
            }
            let same_subject = (before.architecture, before.data_set) == (here.architecture, here.data_set);
            seed = match (same_subject, before.seed == here.seed) {
                (true, true) => seed,
                (true, false) => seed + 1,
                (false, _) => 0,
            };
            seed_of[pair[1]] = seed;
            seeds = seeds.max(seed as usize + 1);
        }
        let values = gathered.architectures.len().checked_mul(seeds).and_then(|count| count.checked_mul(epochs.len()));
        let all = values.and_then(|count| count.checked_mul(gathered.columns.len() * gathered.data_sets.len().max(1)));
        if all.is_none_or(|all| all > MAX_VALUES) {
            let problem = format!(
                "{} architectures with up to {seeds} trainings and {} epochs each are too many",
                gathered.architectures.len(),
                epochs.len()
            );
            return Err(TableError::Columns(problem));
        }
        Ok(Self { seeds, epochs, seed_of, level_of })
    }

    /// A column of the file as columns of the table: one for each data set it is about.
    fn spread(
        &self,
        gathered: &Gathered<'_>,
        column: &Gathering,
        order: &[usize],
    ) -> Result<Vec<(ColumnSummary, Vec<f64>)>, TableError> {
        let greatest = column.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let percent = column.measure.is_accuracy() && column.scale.is_none() && greatest > 1.0;
        if percent && greatest < 2.0 {
            let header = &column.header;
            let problem = format!(
                "the largest value of `{header}` is {greatest}: are these shares or percent? say {header}=...*1 or *0.01"
            );
            return Err(TableError::Columns(problem));
        }
        let scale = column.scale.unwrap_or(1.0);
        let value = |value: f64| if percent { value / 100.0 } else { value * scale };
        if let Some(place) = column.values.iter().position(|given| !is_possible(column.measure, value(*given))) {
            let problem = format!("`{}` holds {}, which is no {}", column.header, column.values[place], column.measure);
            return Err(TableError::Rows { problems: vec![(gathered.keys[place].row, problem)], more: 0 });
        }
        let is_size = column.measure.is_size();
        let by_row = gathered.data_sets_by_row() && column.data_set.is_none();
        let is_there = |data_set: &u32| {
            let mut rows = gathered.keys.iter().zip(&column.values);
            rows.any(|(key, given)| key.data_set == *data_set && !given.is_nan())
        };
        let all = 0..gathered.data_sets.len() as u32;
        let there: Vec<u32> = if by_row { all.clone().filter(is_there).collect() } else { Vec::new() };
        let data_sets: Vec<Option<u32>> = match &column.data_set {
            Some(name) => {
                let place = gathered.data_sets.iter().position(|one| one == name);
                place.map(|place| Some(place as u32)).into_iter().collect()
            }
            // A size that is said for no data set, or for one alone, is that on any.
            None if is_size && there.len() < 2 => vec![None],
            None if by_row => there.into_iter().map(Some).collect(),
            None => all.map(Some).collect(),
        };
        let length = if is_size { order.len() } else { order.len() * self.seeds * self.epochs.len() };
        let mut spread = Vec::new();
        for data_set in data_sets {
            let mut values = vec![f64::NAN; length];
            for (at, (key, given)) in gathered.keys.iter().zip(&column.values).enumerate() {
                if given.is_nan() || (by_row && data_set.is_some_and(|its| its != key.data_set)) {
                    continue;
                }
                let row = order[key.architecture as usize];
                let place = match is_size {
                    true => row,
                    false => {
                        (row * self.seeds + self.seed_of[at] as usize) * self.epochs.len() + self.level_of[at] as usize
                    }
                };
                let value = value(*given);
                if is_size && !values[place].is_nan() && values[place] != value {
                    let problem = format!(
                        "`{}` holds {given}, and for the same architecture in an earlier row something else",
                        column.header
                    );
                    return Err(TableError::Rows { problems: vec![(key.row, problem)], more: 0 });
                }
                values[place] = value;
            }
            let known = || values.iter().filter(|value| !value.is_nan());
            let bound = |fold: fn(f64, f64) -> f64| known().copied().reduce(fold).unwrap_or(0.0);
            spread.push((
                ColumnSummary {
                    data_set,
                    measure: column.measure,
                    header: column.header.clone(),
                    percent,
                    count: known().count() as u64,
                    least: bound(f64::min),
                    greatest: bound(f64::max),
                },
                values,
            ));
        }
        Ok(spread)
    }
}

fn is_possible(measure: Measure, value: f64) -> bool {
    value.is_nan() || if measure.is_accuracy() { (0.0..=1.0).contains(&value) } else { value >= 0.0 }
}

fn write(
    head: &Head,
    gathered: &Gathered<'_>,
    order: &[usize],
    facts: &[Option<Facts>],
    columns: &[(ColumnSummary, Vec<f64>)],
    into: &Path,
) -> std::io::Result<()> {
    let folder = into.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = NamedTempFile::new_in(folder)?;
    let mut writer = Writer::new(BufWriter::new(file), head)?;
    let by_row: HashMap<usize, usize> = order.iter().enumerate().map(|(place, row)| (*row, place)).collect();
    let keys: Vec<Vec<u8>> = (0..order.len()).map(|row| point::key(&gathered.architectures[by_row[&row]])).collect();
    let mut at = 0u64;
    writer.put(&at.to_le_bytes())?;
    for key in &keys {
        at += key.len() as u64;
        writer.put(&at.to_le_bytes())?;
    }
    keys.iter().try_for_each(|key| writer.put(key))?;
    writer.align()?;
    for facts in facts {
        let Some(Facts { fingerprint, nodes, footprint }) = facts else {
            writer.put(&[0; FACTS])?;
            continue;
        };
        writer.put(fingerprint)?;
        writer.put(&nodes.to_le_bytes())?;
        writer.put(&footprint.depth.to_le_bytes())?;
        for number in [footprint.parameters, footprint.multiply_adds, footprint.activation_bytes] {
            writer.put(&number.to_le_bytes())?;
        }
    }
    let mut by_fingerprint: Vec<u32> = (0..facts.len() as u32).collect();
    by_fingerprint.sort_by_key(|row| facts[*row as usize].map_or([0; 32], |facts| facts.fingerprint));
    by_fingerprint.iter().try_for_each(|row| writer.put(&row.to_le_bytes()))?;
    writer.align()?;
    columns.iter().try_for_each(|(_, values)| writer.numbers(values))?;
    let (file, _) = writer.finish()?;
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(into).map_err(|error| error.error)?;
    Ok(())
}
