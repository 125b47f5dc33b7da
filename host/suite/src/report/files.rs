//! Every run and every observation, as tables for other programs.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use archwright_space::{Architecture, Value};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::whole;
use crate::SuiteError;
use crate::results::{Problem, Results, Run};

const SCHEMA: &str = "message observations {
    REQUIRED BINARY task (UTF8);
    REQUIRED BINARY space (UTF8);
    REQUIRED BINARY method (UTF8);
    REQUIRED INT64 seed;
    REQUIRED INT64 query;
    REQUIRED BINARY architecture (UTF8);
    REQUIRED DOUBLE fidelity;
    OPTIONAL DOUBLE seen;
    OPTIONAL DOUBLE test;
    REQUIRED DOUBLE cost;
    REQUIRED DOUBLE at;
    OPTIONAL DOUBLE best;
}";

const HEADERS: [&str; 12] =
    ["task", "space", "method", "seed", "query", "architecture", "fidelity", "seen", "test", "cost", "at", "best"];

/// Writes `runs.csv`, `observations.csv` and `observations.parquet`.
///
/// `seen` is what the search saw of the first objective, `test` the test accuracy that a table has, `cost` and `at` are
/// seconds of the task's clock and of the run's, `best` is what the best so far comes to. What is not known is empty.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<(), SuiteError> {
    let texts = Texts::of(results);
    std::thread::scope(|scope| {
        let parquet =
            scope.spawn(|| whole(&folder.join("observations.parquet"), |file| parquet(results, &texts, file)));
        let path = folder.join("runs.csv");
        whole(&path, |file| runs(results, &path, file))?;
        let path = folder.join("observations.csv");
        whole(&path, |file| observations(results, &texts, &path, file))?;
        match parquet.join() {
            Ok(written) => written,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Architectures as text, each made once.
struct Texts(HashMap<Vec<u8>, String>);

impl Texts {
    fn of(results: &Results) -> Self {
        let mut texts = HashMap::new();
        for (_, _, run) in all(results) {
            for one in &run.observations {
                let Some(architecture @ Architecture::Point(values)) = &one.architecture else { continue };
                texts.entry(key(architecture)).or_insert_with(|| values.iter().map(text).collect::<Vec<_>>().join(" "));
            }
        }
        Self(texts)
    }

    fn get(&self, architecture: Option<&Architecture>) -> &str {
        match architecture {
            Some(point @ Architecture::Point(_)) => self.0.get(&key(point)).map_or("", String::as_str),
            Some(Architecture::Network(_)) => "network",
            None => "mixture",
        }
    }
}

/// Equal for equal architectures alone.
pub(super) fn key(architecture: &Architecture) -> Vec<u8> {
    let values = match architecture {
        Architecture::Point(values) => values,
        Architecture::Network(network) => return format!("{network:?}").into_bytes(),
    };
    let mut key = Vec::with_capacity(values.len() * 9);
    for value in values {
        let (kind, bytes) = match value {
            Value::Index(index) => (0, u64::from(*index)),
            Value::Integer(integer) => (1, integer.cast_unsigned()),
            Value::Real(real) => (2, real.to_bits()),
            Value::Inactive => (3, 0),
        };
        key.push(kind);
        key.extend_from_slice(&bytes.to_le_bytes());
    }
    key
}

/// One value of a point: an index, a number, or `-` for a decision that is inactive.
fn text(value: &Value) -> String {
    match value {
        Value::Index(index) => index.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Inactive => "-".into(),
    }
}

fn all(results: &Results) -> impl Iterator<Item = (&Problem, &str, &Run)> {
    results.problems.iter().flat_map(|problem| {
        let methods = problem.methods.iter();
        methods.flat_map(move |method| method.runs.iter().map(move |run| (problem, method.name.as_str(), run)))
    })
}

fn csv(file: &mut File) -> csv::Writer<BufWriter<&mut File>> {
    csv::Writer::from_writer(BufWriter::with_capacity(1 << 20, file))
}

fn runs(results: &Results, path: &Path, file: &mut File) -> Result<(), SuiteError> {
    let failed = |error: csv::Error| SuiteError::file("write", path)(error.into());
    let mut writer = csv(file);
    let headers =
        ["task", "space", "method", "seed", "run", "value", "validation", "queries", "failed", "cost", "found"];
    writer.write_record(headers).map_err(failed)?;
    for (problem, method, run) in all(results) {
        let found = &run.report.found;
        let decisions: Vec<String> = found.decisions.iter().map(|(name, label)| format!("{name}={label}")).collect();
        writer
            .write_record([
                &problem.task,
                &problem.space,
                method,
                &run.seed.to_string(),
                &run.id.to_string(),
                &number(run.value),
                &number(found.validation_accuracy),
                &run.observations.len().to_string(),
                &run.report.tried.failed.to_string(),
                &number(run.trace.cost.last().copied().unwrap_or(0.0)),
                &decisions.join(" "),
            ])
            .map_err(failed)?;
    }
    writer.flush().map_err(SuiteError::file("write", path))
}

fn number(value: f64) -> String {
    if value.is_nan() { String::new() } else { value.to_string() }
}

fn observations(results: &Results, texts: &Texts, path: &Path, file: &mut File) -> Result<(), SuiteError> {
    let failed = |error: csv::Error| SuiteError::file("write", path)(error.into());
    let mut writer = csv(file);
    writer.write_record(HEADERS).map_err(failed)?;
    for (problem, method, run) in all(results) {
        let seed = run.seed.to_string();
        for (one, best) in run.observations.iter().zip(&run.trace.value) {
            let test = one.test.map_or(f64::NAN, |test| test.accuracy);
            writer
                .write_record([
                    problem.task.as_str(),
                    &problem.space,
                    method,
                    &seed,
                    &one.sequence.to_string(),
                    texts.get(one.architecture.as_ref()),
                    &number(one.fidelity),
                    &number(one.objectives.first().copied().unwrap_or(f64::NAN)),
                    &number(test),
                    &number(one.cost),
                    &number(one.at),
                    &number(*best),
                ])
                .map_err(failed)?;
        }
    }
    writer.flush().map_err(SuiteError::file("write", path))
}

fn parquet(results: &Results, texts: &Texts, file: &mut File) -> Result<(), SuiteError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("archwright".into())
        .build();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    // One group of rows for each method, so that a reader can take one alone.
    for problem in &results.problems {
        for method in &problem.methods {
            let rows = || {
                method
                    .runs
                    .iter()
                    .flat_map(|run| run.observations.iter().zip(&run.trace.value).map(move |row| (run, row)))
            };
            let count = rows().count();
            let mut group = writer.next_row_group()?;
            for constant in [&problem.task, &problem.space, &method.name] {
                texts_of(&mut group, std::iter::repeat_n(constant.as_str(), count))?;
            }
            integers(&mut group, rows().map(|(run, _)| run.seed.cast_signed()))?;
            integers(&mut group, rows().map(|(_, (one, _))| one.sequence.cast_signed()))?;
            texts_of(&mut group, rows().map(|(_, (one, _))| texts.get(one.architecture.as_ref())))?;
            reals(&mut group, rows().map(|(_, (one, _))| one.fidelity), false)?;
            reals(&mut group, rows().map(|(_, (one, _))| one.objectives.first().copied().unwrap_or(f64::NAN)), true)?;
            reals(&mut group, rows().map(|(_, (one, _))| one.test.map_or(f64::NAN, |test| test.accuracy)), true)?;
            reals(&mut group, rows().map(|(_, (one, _))| one.cost), false)?;
            reals(&mut group, rows().map(|(_, (one, _))| one.at), false)?;
            reals(&mut group, rows().map(|(_, (_, best))| *best), true)?;
            group.close()?;
        }
    }
    writer.close()?;
    Ok(())
}

type Group<'a, 'f> = SerializedRowGroupWriter<'a, &'f mut File>;

fn missing() -> ParquetError {
    ParquetError::General("the schema has fewer columns than are written".into())
}

fn texts_of<'t>(group: &mut Group<'_, '_>, values: impl Iterator<Item = &'t str>) -> Result<(), ParquetError> {
    let values: Vec<ByteArray> = values.map(ByteArray::from).collect();
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
    column.close()
}

fn integers(group: &mut Group<'_, '_>, values: impl Iterator<Item = i64>) -> Result<(), ParquetError> {
    let values: Vec<i64> = values.collect();
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<Int64Type>().write_batch(&values, None, None)?;
    column.close()
}

/// With `optional`, NaN is nothing.
fn reals(group: &mut Group<'_, '_>, values: impl Iterator<Item = f64>, optional: bool) -> Result<(), ParquetError> {
    let values: Vec<f64> = values.collect();
    let mut column = group.next_column()?.ok_or_else(missing)?;
    if optional {
        let levels: Vec<i16> = values.iter().map(|value| i16::from(!value.is_nan())).collect();
        let known: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
        column.typed::<DoubleType>().write_batch(&known, Some(&levels), None)?;
    } else {
        column.typed::<DoubleType>().write_batch(&values, None, None)?;
    }
    column.close()
}
