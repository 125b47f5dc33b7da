//! Items: what stands in the layers, branches and choices of modules.

use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::model::{Item, Primitive, Rate, Span, Use, UseItem, Written, WrittenNumber};
use super::parse::{alternatives, decision_name, number};
use super::read::{Entry, Reader, Source, integer, kind, list, real, text};
use crate::{Domain, OPERATIONS, Op};

type WrittenItem = Item<Written, Use>;

/// Keys that tell what an item in the form of a table is.
const KINDS: [&str; 7] = ["op", "module", "choose", "strided", "auxiliary", "recurrent", "places"];

/// Most places in a row.
const MAX_PLACES: i64 = 256;

pub(super) fn item(source: Source<'_>, entry: Entry<'_>) -> Result<WrittenItem, Diagnostic> {
    match entry.get_ref() {
        DeValue::String(name) => named(source, name, entry.span()),
        DeValue::Array(array) if array.is_empty() => source.error(entry.span(), "a sequence has at least one item"),
        DeValue::Array(array) => {
            array.iter().map(|one| item(source, one)).collect::<Result<_, _>>().map(Item::Sequence)
        }
        DeValue::Table(_) => {
            let reader = Reader::of(source, entry, "an item")?;
            let item = table(&reader)?;
            reader.finish()?;
            Ok(item)
        }
        other => {
            let problem = format!("an item is a name, a table or a list of items, not {}", kind(other));
            source.error(entry.span(), problem)
        }
    }
}

/// An operation without attributes of its own, or a module.
fn named(source: Source<'_>, name: &str, span: Span) -> Result<WrittenItem, Diagnostic> {
    if !OPERATIONS.contains(&name) {
        let target = Use { module: name.to_owned(), span, independent: false, bare: true };
        return Ok(Item::Use(UseItem { target, repeat: None, channels: None, stride: None }));
    }
    match plain(name) {
        Some(primitive) => Ok(Item::Primitive(primitive)),
        None if name == "state" => Ok(Item::State),
        None => source.error(span, format!("`{name}` needs attributes: write {{ op = \"{name}\", ... }}")),
    }
}

fn plain(name: &str) -> Option<Primitive<Written>> {
    let op = match name {
        "batch-norm" => return Some(Primitive::BatchNorm { affine: true }),
        "relu" => Op::Relu,
        "relu6" => Op::Relu6,
        "gelu" => Op::Gelu,
        "silu" => Op::Silu,
        "hard-swish" => Op::HardSwish,
        "tanh" => Op::Tanh,
        "sigmoid" => Op::Sigmoid,
        "complement" => Op::Complement,
        "global-avg-pool" => Op::GlobalAvgPool,
        "flatten" => Op::Flatten,
        "identity" => Op::Identity,
        "drop-path" => Op::DropPath,
        _ => return None,
    };
    Some(Primitive::Plain(op))
}

fn table(reader: &Reader<'_>) -> Result<WrittenItem, Diagnostic> {
    let source = reader.source;
    let Some(which) = KINDS.into_iter().find(|key| reader.has(key)) else {
        let expected = KINDS.map(|key| format!("`{key}`")).join(", ");
        return source.error(reader.span.clone(), format!("an item has one of the keys {expected}"));
    };
    let entry = reader.need(which)?;
    match which {
        "op" => operation(reader, &text(source, entry, "op")?, entry.span()).map(Item::Primitive),
        "module" => {
            let module = text(source, entry, "module")?;
            let independent = reader.flag("independent")?.unwrap_or(false);
            let target = Use { module, span: entry.span(), independent, bare: false };
            let optional = |key| reader.get(key).map(|entry| number(source, entry, key)).transpose();
            Ok(Item::Use(UseItem {
                target,
                repeat: optional("repeat")?,
                channels: optional("channels")?,
                stride: optional("stride")?,
            }))
        }
        "choose" => {
            let alternatives = alternatives(source, entry)?;
            Ok(Item::Choose { name: decision_name(reader)?, decision: 0, alternatives })
        }
        "strided" => Ok(Item::Strided {
            strided: Box::new(item(source, entry)?),
            plain: Box::new(item(source, reader.need("plain")?)?),
        }),
        "auxiliary" => Ok(Item::Auxiliary(Box::new(item(source, entry)?))),
        "recurrent" => Ok(Item::Recurrent {
            body: Box::new(item(source, entry)?),
            features: number_or(reader, "features", "out", entry.span())?,
        }),
        _ => places(reader, entry),
    }
}

fn places(reader: &Reader<'_>, entry: Entry<'_>) -> Result<WrittenItem, Diagnostic> {
    let source = reader.source;
    let length_entry = reader.need("length")?;
    let length = number(source, length_entry, "length")?;
    let (least, most) = match &length.number {
        WrittenNumber::Literal(length) => (*length, *length),
        WrittenNumber::Decide { domain: Domain::Integer { low, high, .. }, .. } => (*low, *high),
        WrittenNumber::Decide { domain: Domain::Ordinal(numbers), .. } => {
            let end = |number: Option<&f64>| number.copied().unwrap_or(0.0) as i64;
            (end(numbers.first()), end(numbers.last()))
        }
        _ => {
            let problem = "`length` has to be an integer, or decided here: each place has decisions of its own";
            return source.error(length_entry.span(), problem);
        }
    };
    match usize::try_from(most) {
        Ok(most) if least >= 0 && most as i64 <= MAX_PLACES => {
            Ok(Item::Places { length, most, places: vec![item(source, entry)?] })
        }
        _ => source.error(length_entry.span(), format!("`length` has to be 0 to {MAX_PLACES}")),
    }
}

fn operation(reader: &Reader<'_>, name: &str, span: Span) -> Result<Primitive<Written>, Diagnostic> {
    let source = reader.source;
    let whole = |key: &'static str, default: i64| match reader.get(key) {
        Some(entry) => number(source, entry, key),
        None => Ok(literal(default, span.clone())),
    };
    let needed = |key: &'static str| number(source, reader.need(key)?, key);
    let primitive = match name {
        "conv2d" => Primitive::Conv {
            channels: number_or(reader, "channels", "out", span.clone())?,
            kernel: pair(source, reader.need("kernel")?, "kernel")?,
            stride: whole("stride", 1)?,
            padding: reader.get("padding").map(|entry| pair(source, entry, "padding")).transpose()?,
            dilation: whole("dilation", 1)?,
            groups: whole("groups", 1)?,
            bias: reader.flag("bias")?.unwrap_or(false),
        },
        "batch-norm" => Primitive::BatchNorm { affine: reader.flag("affine")?.unwrap_or(true) },
        "linear" => Primitive::Linear { features: needed("features")?, bias: reader.flag("bias")?.unwrap_or(true) },
        "max-pool" | "avg-pool" => Primitive::Pool {
            max: name == "max-pool",
            kernel: pair(source, reader.need("kernel")?, "kernel")?,
            stride: whole("stride", 1)?,
            padding: reader.get("padding").map(|entry| pair(source, entry, "padding")).transpose()?,
            count_include_pad: reader.flag("count_include_pad")?.unwrap_or(false),
        },
        "zero" => Primitive::Zero { stride: whole("stride", 1)? },
        "shift" => Primitive::Shift { rows: whole("rows", 0)?, columns: whole("columns", 0)? },
        "truncate" => Primitive::Truncate { channels: needed("channels")? },
        "embedding" => Primitive::Embedding {
            vocabulary: number_or(reader, "vocabulary", "classes", span.clone())?,
            features: needed("features")?,
        },
        "tied-linear" => Primitive::TiedLinear {
            features: number_or(reader, "features", "classes", span.clone())?,
            bias: reader.flag("bias")?.unwrap_or(true),
        },
        "dropout" | "locked-dropout" => {
            Primitive::Dropout { rate: rate(source, reader.need("rate")?)?, locked: name == "locked-dropout" }
        }
        other => match plain(other) {
            Some(primitive) => primitive,
            None if OPERATIONS.contains(&other) => {
                let problem =
                    format!("`{other}` comes from modules, `auxiliary` and `recurrent`, or is written \"{other}\"");
                return source.error(span, problem);
            }
            None => return source.unknown(span, "operation", other, OPERATIONS),
        },
    };
    Ok(primitive)
}

fn literal(value: i64, span: Span) -> Written {
    Written { span, number: WrittenNumber::Literal(value) }
}

/// The number at `key`, or else the one with the name `default`.
fn number_or(reader: &Reader<'_>, key: &'static str, default: &str, span: Span) -> Result<Written, Diagnostic> {
    match reader.get(key) {
        Some(entry) => number(reader.source, entry, key),
        None => Ok(Written { span, number: WrittenNumber::Name(default.into()) }),
    }
}

/// A probability: a real number, or a whole one in percent.
fn rate(source: Source<'_>, entry: Entry<'_>) -> Result<Rate<Written>, Diagnostic> {
    if matches!(entry.get_ref(), DeValue::Table(_)) {
        let reader = Reader::of(source, entry, "a rate")?;
        let percent = number(source, reader.need("percent")?, "percent")?;
        reader.finish()?;
        return Ok(Rate::Percent(percent));
    }
    let rate = real(source, entry, "rate")?;
    if !(0.0..1.0).contains(&rate) {
        return source.error(entry.span(), "`rate` has to be at least 0 and below 1");
    }
    Ok(Rate::Fixed(rate))
}

/// One number for rows and columns, or a list of both.
fn pair(source: Source<'_>, entry: Entry<'_>, key: &str) -> Result<[Written; 2], Diagnostic> {
    match entry.get_ref() {
        DeValue::Array(_) => match list(source, entry, key)?[..] {
            [rows, columns] => Ok([
                literal(integer(source, rows, key)?, rows.span()),
                literal(integer(source, columns, key)?, columns.span()),
            ]),
            _ => source.error(entry.span(), format!("`{key}` takes one number, or two: rows and columns")),
        },
        _ => {
            let number = number(source, entry, key)?;
            Ok([number.clone(), number])
        }
    }
}
