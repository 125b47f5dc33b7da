//! Reading a schema.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value};

use super::check::{self, Problem};
use crate::text::{is_plain, shown};

/// Levels of nesting, references followed.
const MAX_DEPTH: usize = 16;

/// Schemas and values within a schema, references followed: a small schema may refer to a large one many times.
const MAX_NODES: usize = 10_000;

/// Bytes of text that count as much as a value.
const TEXT_BYTES: usize = 16;

/// Longest name in a path that is shown, in bytes.
const KEY_BYTES: usize = 100;

/// The schema of a plugin's options.
#[derive(Debug)]
pub(crate) struct Schema {
    root: Node,
}

/// What one value has to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Any of these; empty: any at all.
    pub(super) types: Vec<Type>,
    /// One of these, where there are any.
    pub(super) values: Option<Vec<Value>>,
    /// At least one of these, where there are any.
    pub(super) alternatives: Vec<Self>,
    pub(super) minimum: Option<Bound>,
    pub(super) maximum: Option<Bound>,
    /// Characters of a text.
    pub(super) length: Count,
    /// Elements of a list.
    pub(super) count: Count,
    pub(super) unique: bool,
    pub(super) items: Option<Box<Self>>,
    pub(super) properties: BTreeMap<String, Self>,
    pub(super) required: BTreeSet<String>,
    pub(super) others: Others,
    pub(super) default: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) at: Number,
    pub(super) exclusive: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) least: Option<u64>,
    pub(super) most: Option<u64>,
}

/// Keys that are not among the properties.
#[derive(Clone, Debug, Default)]
pub(super) enum Others {
    /// Refused. Where a schema does not say, a misspelt option is the likelier case.
    #[default]
    Refused,
    Anything,
    Each(Box<Node>),
}

impl Schema {
    pub(crate) fn compile(schema: &Value) -> Result<Self, Problem> {
        check_texts(schema, "#", false)?;
        let definitions = schema.get("$defs").and_then(Value::as_object);
        let mut compiler = Compiler { definitions, nodes: 0 };
        let root = compiler.node(schema, "#", 0)?;
        if root.types != [Type::Object] {
            return Err(Problem::new("#", "the options as a whole have to be of type \"object\""));
        }
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// Names of the options.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.root.properties.keys().map(String::as_str)
    }
}

/// Refuses texts that would play tricks where they are shown. A documentation comment may have several lines.
fn check_texts(value: &Value, path: &str, is_prose: bool) -> Result<(), Problem> {
    let check = |text: &str, path: &str| {
        let forbidden = |character: &char| !(is_plain(*character) || is_prose && *character == '\n');
        match text.chars().find(forbidden) {
            Some(character) => {
                let problem = format!("it holds the control character {}", character.escape_default());
                Err(Problem::new(path, problem))
            }
            None => Ok(()),
        }
    };
    match value {
        Value::String(text) => check(text, path),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .try_for_each(|(index, one)| check_texts(one, &format!("{path}/{index}"), is_prose)),
        Value::Object(members) => members.iter().try_for_each(|(name, one)| {
            let path = format!("{path}/{}", shown(name, KEY_BYTES));
            check(name, &path)?;
            check_texts(one, &path, matches!(name.as_str(), "title" | "description" | "$comment"))
        }),
        _ => Ok(()),
    }
}

struct Compiler<'a> {
    definitions: Option<&'a Map<String, Value>>,
    nodes: usize,
}

impl<'a> Compiler<'a> {
    fn node(&mut self, schema: &'a Value, path: &str, depth: usize) -> Result<Node, Problem> {
        if depth > MAX_DEPTH {
            let problem =
                format!("schemas nested deeper than {MAX_DEPTH} levels, or within themselves, are not supported");
            return Err(Problem::new(path, problem));
        }
        self.count(1, path)?;
        let keywords = match schema {
            Value::Object(keywords) => keywords,
            Value::Bool(true) => return Ok(Node::default()),
            _ => return Err(Problem::new(path, "a schema is an object")),
        };
        let mut node = self.base(keywords, path, depth)?;
        for (keyword, value) in keywords {
            self.keyword(&mut node, keyword, value, &format!("{path}/{keyword}"), depth)?;
        }
        if let Some(default) = &node.default {
            node.default = Some(
                check::value(&node, default, "")
                    .map_err(|problem| Problem::new(&format!("{path}/default{}", problem.path), problem.problem))?,
            );
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, path: &str) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            let problem = format!("more than {MAX_NODES} schemas and values, references followed, are not supported");
            return Err(Problem::new(path, problem));
        }
        Ok(())
    }

    /// What a reference or a single `allOf` says; other keywords come on top.
    fn base(&mut self, keywords: &'a Map<String, Value>, path: &str, depth: usize) -> Result<Node, Problem> {
        if let Some(reference) = keywords.get("$ref") {
            let name = reference.as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
            let Some(name) = name else {
                let problem = "only references to \"#/$defs/...\" are supported";
                return Err(Problem::new(&format!("{path}/$ref"), problem));
            };
            let target = self.definitions.and_then(|definitions| definitions.get(name));
            let Some(target) = target else {
                return Err(Problem::new(&format!("{path}/$ref"), format!("there is no definition `{name}`")));
            };
            return self.node(target, &format!("#/$defs/{name}"), depth + 1);
        }
        match keywords.get("allOf").map(Value::as_array) {
            None => Ok(Node::default()),
            Some(Some(parts)) if parts.len() == 1 => self.node(&parts[0], &format!("{path}/allOf/0"), depth + 1),
            Some(_) => Err(Problem::new(&format!("{path}/allOf"), "only a list of one schema is supported")),
        }
    }

    fn keyword(
        &mut self,
        node: &mut Node,
        keyword: &str,
        value: &'a Value,
        path: &str,
        depth: usize,
    ) -> Result<(), Problem> {
        if matches!(keyword, "const" | "enum" | "default" | "required" | "type") {
            self.count(size(value), path)?;
        }
        match keyword {
            "type" => node.types = types(value, path)?,
            "const" => node.values = Some(vec![value.clone()]),
            "enum" => node.values = Some(list(value, path)?.to_vec()),
            "anyOf" | "oneOf" => {
                node.alternatives = list(value, path)?
                    .iter()
                    .enumerate()
                    .map(|(index, one)| self.node(one, &format!("{path}/{index}"), depth + 1))
                    .collect::<Result<_, _>>()?;
                if node.alternatives.is_empty() {
                    return Err(Problem::new(path, "the list is empty"));
                }
            }
            "minimum" => node.minimum = Some(Bound { at: number(value, path)?, exclusive: false }),
            "maximum" => node.maximum = Some(Bound { at: number(value, path)?, exclusive: false }),
            "exclusiveMinimum" => node.minimum = Some(Bound { at: number(value, path)?, exclusive: true }),
            "exclusiveMaximum" => node.maximum = Some(Bound { at: number(value, path)?, exclusive: true }),
            "minLength" => node.length.least = Some(count(value, path)?),
            "maxLength" => node.length.most = Some(count(value, path)?),
            "minItems" => node.count.least = Some(count(value, path)?),
            "maxItems" => node.count.most = Some(count(value, path)?),
            "uniqueItems" => node.unique = flag(value, path)?,
            "items" => node.items = Some(Box::new(self.node(value, path, depth + 1)?)),
            "properties" => {
                let Value::Object(properties) = value else { return Err(Problem::new(path, "it has to be an object")) };
                for (name, one) in properties {
                    let property = self.node(one, &format!("{path}/{name}"), depth + 1)?;
                    node.properties.insert(name.clone(), property);
                }
            }
            "required" => {
                for name in list(value, path)? {
                    let Value::String(name) = name else {
                        return Err(Problem::new(path, "it has to be a list of names"));
                    };
                    node.required.insert(name.clone());
                }
            }
            "additionalProperties" => {
                node.others = match value {
                    Value::Bool(false) => Others::Refused,
                    Value::Bool(true) => Others::Anything,
                    _ => Others::Each(Box::new(self.node(value, path, depth + 1)?)),
                };
            }
            "default" => node.default = Some(value.clone()),
            "format" => format(node, value),
            // Handled above, or says nothing of values.
            "$ref" | "allOf" | "$schema" | "$id" | "$comment" | "$defs" | "title" | "description" | "examples"
            | "deprecated" | "readOnly" | "writeOnly" => {}
            _ if keyword.starts_with("x-") => {}
            _ => return Err(Problem::new(path, "the keyword is not supported")),
        }
        Ok(())
    }
}

/// The integer formats of schema generators are ranges; a bound given outright is narrower and stays.
fn format(node: &mut Node, format: &Value) {
    let (low, high) = match format.as_str() {
        Some("int8") => (i8::MIN.into(), i8::MAX as u64),
        Some("int16") => (i16::MIN.into(), i16::MAX as u64),
        Some("int32") => (i32::MIN.into(), i32::MAX as u64),
        Some("int64") => (i64::MIN, i64::MAX as u64),
        Some("uint8") => (0, u8::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32" | "uint") => (0, u32::MAX.into()),
        Some("uint64") => (0, u64::MAX),
        _ => return,
    };
    node.minimum.get_or_insert_with(|| Bound { at: low.into(), exclusive: false });
    node.maximum.get_or_insert_with(|| Bound { at: high.into(), exclusive: false });
}

fn types(value: &Value, path: &str) -> Result<Vec<Type>, Problem> {
    let names = match value {
        Value::Array(names) => names.as_slice(),
        one => std::slice::from_ref(one),
    };
    names
        .iter()
        .map(|name| match name.as_str() {
            Some("null") => Ok(Type::Null),
            Some("boolean") => Ok(Type::Boolean),
            Some("integer") => Ok(Type::Integer),
            Some("number") => Ok(Type::Number),
            Some("string") => Ok(Type::String),
            Some("array") => Ok(Type::Array),
            Some("object") => Ok(Type::Object),
            _ => Err(Problem::new(path, format!("there is no type {name}"))),
        })
        .collect()
}

/// How much there is in a value.
fn size(value: &Value) -> usize {
    let text = |text: &str| text.len() / TEXT_BYTES;
    1 + match value {
        Value::String(one) => text(one),
        Value::Array(elements) => elements.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(name, one)| text(name) + size(one)).sum(),
        _ => 0,
    }
}

fn list<'a>(value: &'a Value, path: &str) -> Result<&'a [Value], Problem> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| Problem::new(path, "it has to be a list"))
}

fn number(value: &Value, path: &str) -> Result<Number, Problem> {
    value.as_number().cloned().ok_or_else(|| Problem::new(path, "it has to be a number"))
}

fn count(value: &Value, path: &str) -> Result<u64, Problem> {
    value.as_u64().ok_or_else(|| Problem::new(path, "it has to be a whole number of at least 0"))
}

fn flag(value: &Value, path: &str) -> Result<bool, Problem> {
    value.as_bool().ok_or_else(|| Problem::new(path, "it has to be true or false"))
}
