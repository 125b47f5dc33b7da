//! From TOML to modules.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use toml::de::{DeTable, DeValue};

use super::constraint::constraints;
use super::diagnostic::Diagnostic;
use super::model::{Combine, File, Item, Merge, Module, RecipeSetting, Span, Use, Written, WrittenNumber};
use super::parse_item::item;
use super::read::{Entry, Reader, Source, integer, kind, list, real, text};
use super::{edges, highway, matrix, nodes, skips};
use crate::{Domain, OPERATIONS, Scalar};

/// Deepest nesting of tables and lists that is read.
const MAX_NESTING: usize = 32;
/// Longest name of anything.
const MAX_NAME: usize = 64;
/// Kinds of modules.
const KINDS: [&str; 7] = ["chain", "branches", "edges", "nodes", "highway", "matrix", "skips"];
/// Names that places know, so that nothing else may have them.
const LOCALS: [&str; 4] = ["in", "out", "stride", "classes"];

type WrittenItem = Item<Written, Use>;

pub(super) fn file(text_of_file: &str, given: &BTreeMap<String, Scalar>) -> Result<File, Diagnostic> {
    let source = Source(text_of_file);
    let table = DeTable::parse(text_of_file).map_err(|error| {
        Diagnostic::new(text_of_file, error.span().unwrap_or(0..0), error.message().to_owned(), None)
    })?;
    let reader = Reader::new(source, table.get_ref(), 0..0);
    for (_, _, entry) in reader.entries() {
        check_nesting(source, entry, 0)?;
    }
    let name = reader.need("name")?;
    let (name, name_span) = (text(source, name, "name")?, name.span());
    check_name(source, name_span, &name)?;
    let summary = reader.text("summary")?.unwrap_or_default();
    let references = match reader.get("references") {
        Some(entry) => list(source, entry, "references")?
            .into_iter()
            .map(|one| text(source, one, "references"))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let network = reader.need("network")?;
    let network = (text(source, network, "network")?, network.span());
    let (options, mut numbers) = options(source, reader.get("options"), given)?;
    if let Some(entry) = reader.get("numbers") {
        for (key, span, entry) in Reader::of(source, entry, "`numbers`")?.entries() {
            check_name(source, span.clone(), key)?;
            if LOCALS.contains(&key) || numbers.contains_key(key) {
                return source.error(span, format!("the name `{key}` is taken"));
            }
            numbers.insert(key.to_owned(), Rc::new(number(source, entry, key)?));
        }
    }
    let mut modules = BTreeMap::new();
    for (key, span, entry) in Reader::of(source, reader.need("module")?, "`module`")?.entries() {
        check_name(source, span.clone(), key)?;
        if OPERATIONS.contains(&key) {
            return source.error(span, format!("an operation has the name `{key}`: name the module otherwise"));
        }
        let module = module(&Reader::of(source, entry, "a module")?, &Constants(&options))?;
        modules.insert(key.to_owned(), Rc::new(module));
    }
    let recipe = match reader.get("recipe") {
        Some(entry) => recipe(Reader::of(source, entry, "`recipe`")?)?,
        None => Vec::new(),
    };
    let constraints = match reader.get("constraint") {
        Some(entry) => constraints(source, entry)?,
        None => Vec::new(),
    };
    reader.finish()?;
    Ok(File { name, summary, references, options, numbers, modules, network, recipe, constraints })
}

/// Checks a name that decisions or nodes are named by.
pub(super) fn check_name(source: Source<'_>, span: Span, name: &str) -> Result<(), Diagnostic> {
    let fits = |char: char| char.is_ascii_alphanumeric() || "_-+.".contains(char);
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
        let problem = format!("a name has 1 to {MAX_NAME} letters, digits, `_`, `-`, `+` or `.`");
        return source.error(span, problem);
    }
    Ok(())
}

/// Nesting is bounded before anything recurses into it.
fn check_nesting(source: Source<'_>, entry: Entry<'_>, depth: usize) -> Result<(), Diagnostic> {
    if depth > MAX_NESTING {
        return source.error(entry.span(), format!("tables and lists are nested more than {MAX_NESTING} deep"));
    }
    match entry.get_ref() {
        DeValue::Table(table) => table.iter().try_for_each(|(_, entry)| check_nesting(source, entry, depth + 1)),
        DeValue::Array(array) => array.iter().try_for_each(|entry| check_nesting(source, entry, depth + 1)),
        _ => Ok(()),
    }
}

type Numbers = BTreeMap<String, Rc<Written>>;

/// The options in force, and as numbers.
fn options(
    source: Source<'_>,
    entry: Option<Entry<'_>>,
    given: &BTreeMap<String, Scalar>,
) -> Result<(BTreeMap<String, Scalar>, Numbers), Diagnostic> {
    let mut options = BTreeMap::new();
    let mut numbers = BTreeMap::new();
    let entries = match entry {
        Some(entry) => Reader::of(source, entry, "`options`")?.entries(),
        None => Vec::new(),
    };
    let known: Vec<&str> = entries.iter().map(|(key, _, _)| *key).collect();
    if let Some(unknown) = given.keys().find(|key| !known.contains(&key.as_str())) {
        return source.unknown(0..0, "option", unknown, known);
    }
    for (key, span, entry) in entries {
        check_name(source, span.clone(), key)?;
        if LOCALS.contains(&key) {
            return source.error(span, format!("the name `{key}` is taken"));
        }
        let default = integer(source, entry, key)?;
        let value = match given.get(key) {
            None => default,
            Some(Scalar::Integer(value)) => *value,
            Some(other) => {
                let kind = match other {
                    Scalar::Boolean(_) => "a truth value",
                    Scalar::Integer(_) => "an integer",
                    Scalar::Real(_) => "a real number",
                    Scalar::Text(_) => "text",
                };
                return source.error(entry.span(), format!("the option `{key}` has to be an integer, not {kind}"));
            }
        };
        options.insert(key.to_owned(), Scalar::Integer(value));
        let number = Written { span: entry.span(), number: WrittenNumber::Literal(value) };
        numbers.insert(key.to_owned(), Rc::new(number));
    }
    Ok((options, numbers))
}

fn module(reader: &Reader<'_>, constants: &Constants<'_>) -> Result<Module<Written, Use>, Diagnostic> {
    let source = reader.source;
    let entry = reader.need("kind")?;
    let kind = text(source, entry, "kind")?;
    let module = match kind.as_str() {
        "chain" => Module::Chain { layers: items(source, reader.need("layers")?, "layers")? },
        "branches" => {
            let merge = merge(reader, "merge", Merge::Add)?;
            Module::Branches { branches: items(source, reader.need("branches")?, "branches")?, merge }
        }
        "edges" => Module::Edges(edges::parse(reader, constants)?),
        "nodes" => Module::Nodes(nodes::parse(reader, constants)?),
        "highway" => Module::Highway(highway::parse(reader)?),
        "matrix" => Module::Matrix(matrix::parse(reader, constants)?),
        "skips" => Module::Skips(skips::parse(reader, constants)?),
        other => return source.unknown(entry.span(), "kind of module", other, KINDS),
    };
    reader.finish()?;
    Ok(module)
}

fn items(source: Source<'_>, entry: Entry<'_>, what: &str) -> Result<Vec<WrittenItem>, Diagnostic> {
    let list = list(source, entry, what)?;
    if list.is_empty() {
        return source.error(entry.span(), format!("`{what}` is empty"));
    }
    list.into_iter().map(|one| item(source, one)).collect()
}

pub(super) fn merge(reader: &Reader<'_>, key: &'static str, default: Merge) -> Result<Merge, Diagnostic> {
    let Some(entry) = reader.get(key) else { return Ok(default) };
    match text(reader.source, entry, key)?.as_str() {
        "add" => Ok(Merge::Add),
        "multiply" => Ok(Merge::Multiply),
        "mean" => Ok(Merge::Mean),
        "concat" => Ok(Merge::Concat),
        other => reader.source.unknown(entry.span(), key, other, ["add", "multiply", "mean", "concat"]),
    }
}

/// Numbers that are known before anything is decided: the options.
pub(super) struct Constants<'a>(&'a BTreeMap<String, Scalar>);

impl Constants<'_> {
    /// A small count, which decides what there is to decide: an integer, or an option's name.
    pub(super) fn count(
        &self,
        reader: &Reader<'_>,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<usize, Diagnostic> {
        let entry = reader.need(key)?;
        let (count, what) = match entry.get_ref() {
            DeValue::String(name) => match self.0.get(name.as_ref()) {
                Some(Scalar::Integer(value)) => (*value, format!(", but the option `{name}` is {value}")),
                _ => {
                    return reader.source.unknown(entry.span(), "option", name, self.0.keys().map(String::as_str));
                }
            },
            _ => (integer(reader.source, entry, key)?, String::new()),
        };
        match usize::try_from(count) {
            Ok(size) if range.contains(&count) => Ok(size),
            _ => {
                let (low, high) = (range.start(), range.end());
                let should = if *high == i64::MAX { format!("at least {low}") } else { format!("{low} to {high}") };
                reader.source.error(entry.span(), format!("`{key}` has to be {should}{what}"))
            }
        }
    }
}

/// Labelled items, in the file's order.
pub(super) fn alternatives(source: Source<'_>, entry: Entry<'_>) -> Result<Vec<(String, WrittenItem)>, Diagnostic> {
    let entries = Reader::of(source, entry, "a choice")?.entries();
    if entries.is_empty() {
        return source.error(entry.span(), "a choice needs at least one alternative");
    }
    let alternative = |(label, span, entry): (&str, Span, Entry<'_>)| {
        check_name(source, span, label)?;
        Ok((label.to_owned(), item(source, entry)?))
    };
    entries.into_iter().map(alternative).collect()
}

/// A module's `choices`: their labels, and the choice between them that stands for each of the graph's places.
pub(super) fn choices(reader: &Reader<'_>) -> Result<(Vec<String>, WrittenItem), Diagnostic> {
    let alternatives = alternatives(reader.source, reader.need("choices")?)?;
    let labels = alternatives.iter().map(|(label, _)| label.clone()).collect();
    Ok((labels, Item::Choose { name: None, decision: 0, alternatives }))
}

/// An item that may be left out.
pub(super) fn optional_item(reader: &Reader<'_>, key: &'static str) -> Result<Option<Box<WrittenItem>>, Diagnostic> {
    reader.get(key).map(|entry| item(reader.source, entry).map(Box::new)).transpose()
}

/// A number: an integer, a name, or a table that decides or combines.
pub(super) fn number(source: Source<'_>, entry: Entry<'_>, what: &str) -> Result<Written, Diagnostic> {
    let span = entry.span();
    let number = match entry.get_ref() {
        DeValue::Integer(_) => WrittenNumber::Literal(integer(source, entry, what)?),
        DeValue::String(name) => WrittenNumber::Name(name.to_string()),
        DeValue::Table(_) => {
            let reader = Reader::of(source, entry, what)?;
            let number = match combination(&reader)? {
                Some(number) => number,
                None => {
                    let name = decision_name(&reader)?;
                    let (domain, _) = domain(&reader)?;
                    if !is_whole(&domain) {
                        return source.error(span, format!("`{what}` has to be a whole number for every choice"));
                    }
                    WrittenNumber::Decide { domain, name }
                }
            };
            reader.finish()?;
            number
        }
        other => {
            let problem =
                format!("`{what}` has to be an integer, a name or a table that decides it, not {}", kind(other));
            return source.error(span, problem);
        }
    };
    Ok(Written { span, number })
}

/// The name that a decision is given.
pub(super) fn decision_name(reader: &Reader<'_>) -> Result<Option<String>, Diagnostic> {
    let Some(entry) = reader.get("name") else { return Ok(None) };
    let name = text(reader.source, entry, "name")?;
    check_name(reader.source, entry.span(), &name)?;
    Ok(Some(name))
}

fn combination(reader: &Reader<'_>) -> Result<Option<WrittenNumber>, Diagnostic> {
    let kinds =
        [("times", Combine::Times), ("plus", Combine::Plus), ("minus", Combine::Minus), ("divide", Combine::Divide)];
    for (key, combine) in kinds {
        if reader.has(key) {
            let entry = reader.need(key)?;
            let parts = list(reader.source, entry, key)?;
            if parts.len() < 2 {
                return reader.source.error(entry.span(), format!("`{key}` takes at least two numbers"));
            }
            let parts = parts.into_iter().map(|part| number(reader.source, part, key)).collect::<Result<_, _>>()?;
            return Ok(Some(WrittenNumber::Combine(combine, parts)));
        }
    }
    Ok(None)
}

fn is_whole(domain: &Domain) -> bool {
    match domain {
        Domain::Ordinal(numbers) => numbers.iter().all(|number| number.fract() == 0.0 && number.abs() < 1e9),
        Domain::Integer { .. } => true,
        _ => false,
    }
}

/// `choose`, `integer` or `real`; with the values of a categorical choice.
fn domain(reader: &Reader<'_>) -> Result<(Domain, Vec<Scalar>), Diagnostic> {
    let source = reader.source;
    let log_scale = reader.flag("log")?.unwrap_or(false);
    let range = |entry: Entry<'_>, key: &str| match list(source, entry, key)?[..] {
        [low, high] => Ok((real(source, low, key)?, real(source, high, key)?)),
        _ => source.error(entry.span(), format!("`{key}` takes two numbers, the smallest and the largest")),
    };
    let (domain, labels, span) = if let Some(entry) = reader.get("choose") {
        let (domain, labels) = chosen(source, entry)?;
        (domain, labels, entry.span())
    } else if let Some(entry) = reader.get("integer") {
        let (low, high) = range(entry, "integer")?;
        if low.fract() != 0.0 || high.fract() != 0.0 || low.abs().max(high.abs()) > 1e9 {
            return source.error(entry.span(), "`integer` takes integers up to 10^9");
        }
        (Domain::Integer { low: low as i64, high: high as i64, log_scale }, Vec::new(), entry.span())
    } else if let Some(entry) = reader.get("real") {
        let (low, high) = range(entry, "real")?;
        (Domain::Real { low, high, log_scale }, Vec::new(), entry.span())
    } else {
        let expected = "`choose`, `integer`, `real`, `times`, `plus`, `minus` or `divide`";
        return source.error(reader.span.clone(), format!("the table has none of {expected}"));
    };
    match crate::domain::domain_problem(&domain) {
        Some(problem) => source.error(span, problem),
        None => Ok((domain, labels)),
    }
}

/// Numbers are ordered, anything else is not.
fn chosen(source: Source<'_>, entry: Entry<'_>) -> Result<(Domain, Vec<Scalar>), Diagnostic> {
    let values = list(source, entry, "choose")?;
    let is_number = |one: &Entry<'_>| matches!(one.get_ref(), DeValue::Integer(_) | DeValue::Float(_));
    if values.iter().all(is_number) {
        let numbers = values.into_iter().map(|one| real(source, one, "choose")).collect::<Result<_, _>>()?;
        return Ok((Domain::Ordinal(numbers), Vec::new()));
    }
    let scalars = values.into_iter().map(|one| scalar(source, one)).collect::<Result<Vec<_>, _>>()?;
    let label = |scalar: &Scalar| match scalar {
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::Real(value) => value.to_string(),
        Scalar::Text(value) => value.clone(),
    };
    Ok((Domain::Categorical(scalars.iter().map(label).collect()), scalars))
}

fn scalar(source: Source<'_>, entry: Entry<'_>) -> Result<Scalar, Diagnostic> {
    match entry.get_ref() {
        DeValue::Boolean(value) => Ok(Scalar::Boolean(*value)),
        DeValue::Integer(_) => integer(source, entry, "value").map(Scalar::Integer),
        DeValue::Float(_) => real(source, entry, "value").map(Scalar::Real),
        DeValue::String(value) => Ok(Scalar::Text(value.to_string())),
        other => source.error(entry.span(), format!("a single value is wanted here, not {}", kind(other))),
    }
}

fn recipe(reader: Reader<'_>) -> Result<Vec<(String, RecipeSetting)>, Diagnostic> {
    let source = reader.source;
    let setting = |entry: Entry<'_>| match entry.get_ref() {
        DeValue::Table(_) => {
            let reader = Reader::of(source, entry, "a hyperparameter")?;
            let (domain, labels) = domain(&reader)?;
            reader.finish()?;
            Ok(RecipeSetting::Decide { domain, labels })
        }
        _ => scalar(source, entry).map(RecipeSetting::Fixed),
    };
    let named = |(key, span, entry): (&str, Span, Entry<'_>)| {
        check_name(source, span, key)?;
        Ok((key.to_owned(), setting(entry)?))
    };
    reader.entries().into_iter().map(named).collect()
}
