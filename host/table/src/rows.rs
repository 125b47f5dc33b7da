//! Rows of CSV, JSON and Parquet files, one form for all.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::CompressionCodec::{GZIP, LZ4, LZ4_RAW, SNAPPY, UNCOMPRESSED, ZSTD};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Map, Value};

use crate::TableError;

/// Endings of the files that tables are made of.
pub const ENDINGS: [&str; 6] = ["csv", "tsv", "json", "jsonl", "ndjson", "parquet"];

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Empty,
    Number(f64),
    Text(String),
}

impl Cell {
    fn of_text(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.to_owned()) }
    }

    fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Empty,
            Value::Number(number) => number.as_f64().map_or(Self::Empty, Self::Number),
            Value::String(text) => Self::of_text(text),
            other => Self::Text(other.to_string()),
        }
    }

    fn of_field(field: &Field) -> Self {
        match field {
            Field::Null => Self::Empty,
            Field::Str(text) => Self::of_text(text),
            Field::Byte(number) => Self::Number(f64::from(*number)),
            Field::Short(number) => Self::Number(f64::from(*number)),
            Field::Int(number) => Self::Number(f64::from(*number)),
            Field::Long(number) => Self::Number(*number as f64),
            Field::UByte(number) => Self::Number(f64::from(*number)),
            Field::UShort(number) => Self::Number(f64::from(*number)),
            Field::UInt(number) => Self::Number(f64::from(*number)),
            Field::ULong(number) => Self::Number(*number as f64),
            Field::Float(number) => Self::Number(f64::from(*number)),
            Field::Double(number) => Self::Number(*number),
            other => Self::Text(other.to_string()),
        }
    }
}

/// Takes a row's cells, in the order of the headers; an error of its own ends the reading.
pub(crate) trait Sink {
    /// Whether a column of this name would say something.
    fn knows(&self, header: &str) -> bool;
    /// The headers, once, before the rows.
    fn headers(&mut self, headers: &[String]) -> Result<(), TableError>;
    fn row(&mut self, cells: &[Cell]) -> Result<(), TableError>;
}

/// Reads a file whose name says its form: `.csv`, `.json`, `.jsonl` or `.parquet`.
pub(crate) fn read(path: &Path, sink: &mut impl Sink) -> Result<(), TableError> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "csv" => read_separated(path, b',', sink),
        "tsv" => read_separated(path, b'\t', sink),
        "json" | "jsonl" | "ndjson" => read_json(path, sink),
        "parquet" => read_parquet(path, sink),
        _ => Err(form(path, "a file to import ends in .csv, .tsv, .json, .jsonl or .parquet")),
    }
}

fn form(path: &Path, problem: impl ToString) -> TableError {
    TableError::Form { path: path.to_owned(), problem: problem.to_string() }
}

fn open(path: &Path) -> Result<File, TableError> {
    File::open(path).map_err(TableError::file("read", path))
}

fn read_separated(path: &Path, delimiter: u8, sink: &mut impl Sink) -> Result<(), TableError> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(BufReader::new(open(path)?));
    let headers: Vec<String> =
        reader.headers().map_err(|error| form(path, error))?.iter().map(|header| header.trim().to_owned()).collect();
    sink.headers(&headers)?;
    let mut record = csv::StringRecord::new();
    let mut cells = Vec::new();
    while reader.read_record(&mut record).map_err(|error| form(path, error))? {
        cells.clear();
        cells.extend(record.iter().map(|text| Cell::of_text(text.trim())));
        sink.row(&cells)?;
    }
    Ok(())
}

/// A list of objects, an object a line, one object with an object for each architecture, or one with a list or an object for
/// each column.
fn read_json(path: &Path, sink: &mut impl Sink) -> Result<(), TableError> {
    let mut reader = BufReader::new(open(path)?);
    let first = first_letter(&mut reader).map_err(TableError::file("read", path))?;
    let mut values = serde_json::Deserializer::from_reader(reader).into_iter::<Value>();
    let mut objects = Objects { path, sink, headers: Vec::new() };
    if first == Some(b'[') {
        match values.next() {
            Some(Ok(Value::Array(list))) => list.iter().try_for_each(|value| objects.value(value))?,
            Some(Err(error)) => return Err(form(path, error)),
            _ => return Err(form(path, "it is empty")),
        }
        return Ok(());
    }
    for value in values {
        let value = value.map_err(|error| form(path, error))?;
        let members = value.as_object().filter(|members| !members.is_empty());
        match members {
            Some(columns) if columns.values().all(Value::is_array) => objects.columns(columns)?,
            Some(members) if members.values().all(Value::is_object) => {
                // What pandas writes, or a row for each architecture.
                if members.keys().any(|name| objects.sink.knows(name)) {
                    objects.columns(members)?;
                } else {
                    objects.by_architecture(members)?;
                }
            }
            _ => objects.value(&value)?,
        }
    }
    Ok(())
}

/// The first letter that is no white space, which is not taken out; a byte-order mark is.
fn first_letter(reader: &mut BufReader<File>) -> std::io::Result<Option<u8>> {
    const MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
    if reader.fill_buf()?.starts_with(&MARK) {
        reader.consume(MARK.len());
    }
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        match buffer.iter().position(|byte| !byte.is_ascii_whitespace()) {
            Some(place) => return Ok(Some(buffer[place])),
            None => {
                let length = buffer.len();
                reader.consume(length);
            }
        }
    }
}

struct Objects<'a, S> {
    path: &'a Path,
    sink: &'a mut S,
    headers: Vec<String>,
}

impl<S: Sink> Objects<'_, S> {
    fn value(&mut self, value: &Value) -> Result<(), TableError> {
        match value {
            Value::Object(row) => self.row(row),
            _ => Err(form(self.path, "its rows are JSON objects with a member for each column")),
        }
    }

    /// An object of measurements for each architecture.
    fn by_architecture(&mut self, members: &Map<String, Value>) -> Result<(), TableError> {
        for (architecture, rest) in members {
            let mut row = rest.as_object().cloned().unwrap_or_default();
            row.insert("architecture".into(), architecture.as_str().into());
            self.row(&row)?;
        }
        Ok(())
    }

    /// A list of values for each column, or an object with a value for each row.
    fn columns(&mut self, columns: &Map<String, Value>) -> Result<(), TableError> {
        let mut rows: Vec<&String> = columns.values().filter_map(Value::as_object).flat_map(Map::keys).collect();
        // Rows are numbered as a rule: 10 comes after 9.
        rows.sort_by_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), *name));
        rows.dedup();
        let lists = || columns.iter().filter_map(|(name, values)| Some((name, values.as_array()?)));
        let length = lists().map(|(_, list)| list.len()).max().unwrap_or(rows.len());
        if let Some((name, list)) = lists().find(|(_, list)| list.len() < length) {
            let problem = format!("`{name}` has {} values, and another column {length}", list.len());
            return Err(form(self.path, problem));
        }
        for number in 0..length {
            let of_row = |values: &Value| match values {
                Value::Array(list) => list.get(number).cloned(),
                _ => rows.get(number).and_then(|row| values.get(row.as_str()).cloned()),
            };
            let cells = columns.iter().map(|(name, values)| (name.clone(), of_row(values).unwrap_or_default()));
            self.row(&cells.collect())?;
        }
        Ok(())
    }

    fn row(&mut self, row: &Map<String, Value>) -> Result<(), TableError> {
        if self.headers.is_empty() {
            self.headers = row.keys().cloned().collect();
            self.sink.headers(&self.headers)?;
        }
        if let Some(other) = row.keys().find(|key| !self.headers.contains(key)) {
            return Err(form(
                self.path,
                format!("the first row has no `{other}`: all rows have to have the same members"),
            ));
        }
        let cells: Vec<Cell> =
            self.headers.iter().map(|header| row.get(header).map_or(Cell::Empty, Cell::of_value)).collect();
        self.sink.row(&cells)
    }
}

fn read_parquet(path: &Path, sink: &mut impl Sink) -> Result<(), TableError> {
    let reader = SerializedFileReader::new(open(path)?).map_err(|error| form(path, error))?;
    let reader = Arc::new(reader);
    check_compression(path, reader.metadata())?;
    let fields = reader.metadata().file_metadata().schema().get_fields();
    let headers: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    sink.headers(&headers)?;
    let rows = reader.get_row_iter(None).map_err(|error| form(path, error))?;
    let mut cells = Vec::new();
    for row in rows {
        let row = row.map_err(|error| form(path, error))?;
        cells.clear();
        cells.extend(row.get_column_iter().map(|(_, field)| Cell::of_field(field)));
        sink.row(&cells)?;
    }
    Ok(())
}

/// Refuses compressions that are not read, before the first row.
fn check_compression(path: &Path, metadata: &ParquetMetaData) -> Result<(), TableError> {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let mut codecs = columns.map(|column| column.compression_codec());
    let other = codecs.find(|codec| !matches!(codec, UNCOMPRESSED | SNAPPY | GZIP | ZSTD | LZ4 | LZ4_RAW));
    let Some(other) = other else { return Ok(()) };
    let read = "uncompressed, SNAPPY, GZIP, ZSTD and LZ4 are read";
    Err(form(path, format!("its columns are compressed with {other}: {read}")))
}
