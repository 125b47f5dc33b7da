//! Numbering the decisions: from modules that name each other to modules that hold each other.
//!
//! A module's decisions are made once, however often it is used, unless a use is `independent`.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::Definition;
use super::diagnostic::Diagnostic;
use super::model::{
    Compiled, CompiledUse, Edges, File, Item, Local, Module, Nodes, Number, Primitive, RecipeSetting, Setting, Span,
    Use, UseItem, Vertex, Written, WrittenNumber,
};
use super::read::Source;
use crate::space::{MAX_DECISIONS, count};
use crate::{Condition, Decision, Domain};

/// Most items that a file may come to, with every independent use counted.
const MAX_ITEMS: usize = 100_000;

type WrittenItem = Item<Written, Use>;
type CompiledItem = Item<Number, Arc<CompiledUse>>;

pub(super) fn compile(text: &str, file: File) -> Result<Definition, Diagnostic> {
    let mut compiler = Compiler {
        source: Source(text),
        file: &file,
        decisions: Vec::new(),
        names: BTreeSet::new(),
        path: Vec::new(),
        conditions: Vec::new(),
        numbers: BTreeMap::new(),
        shared: BTreeMap::new(),
        open: Vec::new(),
        items: 0,
    };
    let names: Vec<&String> = file.numbers.keys().collect();
    for name in names {
        compiler.named_number(name)?;
    }
    let (name, span) = &file.network;
    let root = Use { module: name.clone(), span: span.clone(), independent: false };
    let network = Arc::clone(&compiler.module(&root)?.module);
    for name in file.modules.keys() {
        // A module that is not used is checked like the others, but decides nothing.
        if !compiler.shared.contains_key(name) {
            compiler.check_unused(name)?;
        }
    }
    compiler.path = vec!["recipe".into()];
    let mut recipe = Vec::new();
    for (key, setting) in &file.recipe {
        let setting = match setting {
            RecipeSetting::Fixed(scalar) => Setting::Fixed(scalar.clone()),
            RecipeSetting::Decide { domain, labels } => {
                Setting::Decided(compiler.decide(key, domain.clone(), 0..0)?, labels.clone())
            }
        };
        recipe.push((key.clone(), setting));
    }
    let decisions = compiler.decisions;
    let File { name, summary, references, options, .. } = file;
    Ok(Definition { name, summary, references, options, decisions, network, recipe })
}

/// A module compiled for all its uses that are not independent.
struct Shared {
    used: Arc<CompiledUse>,
    /// Conditions under which it was used first.
    conditions: Vec<Condition>,
    /// Its decisions, those of modules within it included.
    decisions: std::ops::Range<usize>,
}

struct Compiler<'a> {
    source: Source<'a>,
    file: &'a File,
    decisions: Vec<Decision>,
    names: BTreeSet<String>,
    /// Where we are, for names of decisions.
    path: Vec<String>,
    /// What has to hold for what is compiled to exist.
    conditions: Vec<Condition>,
    numbers: BTreeMap<String, Number>,
    shared: BTreeMap<String, Shared>,
    /// Modules and numbers that are being compiled, to find those that hold themselves.
    open: Vec<String>,
    items: usize,
}

impl Compiler<'_> {
    fn module(&mut self, used: &Use) -> Result<Arc<CompiledUse>, Diagnostic> {
        let Use { module: name, span, independent } = used;
        if !independent && let Some(shared) = self.shared.get(name) {
            let used = Arc::clone(&shared.used);
            self.share(name);
            return Ok(used);
        }
        let Some(module) = self.file.modules.get(name) else {
            return self.source.unknown(span.clone(), "module", name, self.file.modules.keys().map(String::as_str));
        };
        self.enter(name, span)?;
        let module = Rc::clone(module);
        let first = self.decisions.len();
        let around = std::mem::take(&mut self.path);
        self.path = if *name == self.file.network.0 {
            Vec::new()
        } else if *independent {
            // A place or an alternative says better where we are than the module's name.
            let prefix = if around.is_empty() { name.clone() } else { around.join("/") };
            vec![self.unused_prefix(prefix)]
        } else {
            vec![self.unused_prefix(name.clone())]
        };
        let compiled: Compiled = Arc::new(match module.as_ref() {
            Module::Chain { layers } => Module::Chain { layers: self.items(layers)? },
            Module::Branches { branches, merge } => Module::Branches { branches: self.items(branches)?, merge: *merge },
            Module::Edges(edges) => Module::Edges(Edges {
                vertices: edges.vertices,
                labels: edges.labels.clone(),
                nothing: edges.nothing,
                edges: self.items(&edges.edges)?,
            }),
            Module::Nodes(nodes) => Module::Nodes(self.nodes(nodes)?),
        });
        self.path = around;
        self.open.pop();
        let used = Arc::new(CompiledUse { name: name.clone(), module: compiled });
        if !independent {
            let shared = Shared {
                used: Arc::clone(&used),
                conditions: self.conditions.clone(),
                decisions: first..self.decisions.len(),
            };
            self.shared.insert(name.clone(), shared);
        }
        Ok(used)
    }

    /// A module that is used in several places exists under the conditions that all of them have in common.
    fn share(&mut self, name: &str) {
        let Some(shared) = self.shared.get_mut(name) else { return };
        let common = shared.conditions.iter().zip(&self.conditions).take_while(|(left, right)| left == right).count();
        let extra = common..shared.conditions.len();
        for decision in &mut self.decisions[shared.decisions.clone()] {
            decision.active_when.drain(extra.clone());
        }
        shared.conditions.truncate(common);
        let range = shared.decisions.clone();
        for inner in self.shared.values_mut() {
            if range.start <= inner.decisions.start
                && inner.decisions.end <= range.end
                && inner.conditions.len() > common
            {
                inner.conditions.drain(common..extra.end.min(inner.conditions.len()).max(common));
            }
        }
    }

    fn check_unused(&mut self, name: &str) -> Result<(), Diagnostic> {
        let (decisions, names) = (self.decisions.len(), self.names.clone());
        self.module(&Use { module: name.to_owned(), span: 0..0, independent: true })?;
        self.decisions.truncate(decisions);
        self.names = names;
        self.shared.retain(|_, shared| shared.decisions.end <= decisions);
        Ok(())
    }

    fn enter(&mut self, name: &str, span: &Span) -> Result<(), Diagnostic> {
        if self.open.iter().any(|open| open == name) {
            let problem = format!("`{name}` holds itself: {} -> {name}", self.open.join(" -> "));
            return self.source.error(span.clone(), problem);
        }
        self.open.push(name.to_owned());
        Ok(())
    }

    fn items(&mut self, items: &[WrittenItem]) -> Result<Vec<CompiledItem>, Diagnostic> {
        items.iter().map(|item| self.item(item)).collect()
    }

    fn item(&mut self, item: &WrittenItem) -> Result<CompiledItem, Diagnostic> {
        self.items += 1;
        if self.items > MAX_ITEMS {
            return self.source.error(0..0, format!("the modules come to more than {MAX_ITEMS} items"));
        }
        Ok(match item {
            Item::Primitive(primitive) => Item::Primitive(self.primitive(primitive)?),
            Item::Sequence(items) => Item::Sequence(self.items(items)?),
            Item::Use(used) => Item::Use(UseItem {
                repeat: self.optional(used.repeat.as_ref(), "repeat")?,
                channels: self.optional(used.channels.as_ref(), "channels")?,
                stride: self.optional(used.stride.as_ref(), "stride")?,
                target: self.module(&used.target)?,
            }),
            Item::Choose { name, alternatives, .. } => self.choose(name.as_deref(), alternatives)?,
            Item::Strided { strided, plain } => {
                Item::Strided { strided: Box::new(self.item(strided)?), plain: Box::new(self.item(plain)?) }
            }
            Item::Auxiliary(head) => Item::Auxiliary(Box::new(self.item(head)?)),
            Item::Places { length, most, places } => self.places(length, *most, places)?,
        })
    }

    fn choose(
        &mut self,
        name: Option<&str>,
        alternatives: &[(String, WrittenItem)],
    ) -> Result<CompiledItem, Diagnostic> {
        let labels = alternatives.iter().map(|(label, _)| label.clone()).collect();
        let decision = self.decide(name.unwrap_or("op"), Domain::Categorical(labels), 0..0)?;
        let mut compiled = Vec::new();
        for (index, (label, alternative)) in alternatives.iter().enumerate() {
            self.conditions.push(Condition { decision, any_of: vec![index as u32] });
            self.path.push(label.clone());
            compiled.push((label.clone(), self.item(alternative)?));
            self.path.pop();
            self.conditions.pop();
        }
        Ok(Item::Choose { name: None, decision, alternatives: compiled })
    }

    fn places(&mut self, length: &Written, most: usize, places: &[WrittenItem]) -> Result<CompiledItem, Diagnostic> {
        let length = self.number(length, "length")?;
        let mut compiled = Vec::new();
        for place in 1..=most {
            let condition = self.at_least(&length, place as i64);
            let conditions = self.conditions.len();
            self.conditions.extend(condition);
            self.path.push(format!("layer-{place}"));
            for item in places {
                compiled.push(self.item(item)?);
            }
            self.path.pop();
            self.conditions.truncate(conditions);
        }
        Ok(Item::Places { length, most, places: compiled })
    }

    /// That a decided number is `least` or more; nothing where it always is.
    fn at_least(&self, number: &Number, least: i64) -> Option<Condition> {
        let Number::Decided(decision) = number else { return None };
        let domain = &self.decisions[*decision].domain;
        let values = u32::try_from(count(domain)?).ok()?;
        let reaches = |value: &u32| match domain {
            Domain::Integer { low, .. } => low.saturating_add(i64::from(*value)) >= least,
            Domain::Ordinal(numbers) => numbers[*value as usize] >= least as f64,
            _ => true,
        };
        let any_of: Vec<u32> = (0..values).filter(reaches).collect();
        (any_of.len() < values as usize).then_some(Condition { decision: *decision, any_of })
    }

    fn nodes(&mut self, nodes: &Nodes<Written, Use>) -> Result<Nodes<Number, Arc<CompiledUse>>, Diagnostic> {
        let fit = nodes.fit.as_deref().map(|item| self.item(item).map(Box::new)).transpose()?;
        let fit_larger = nodes.fit_larger.as_deref().map(|item| self.item(item).map(Box::new)).transpose()?;
        let mut vertices = Vec::new();
        for (index, vertex) in nodes.vertices.iter().enumerate() {
            self.path.push(format!("node-{}", nodes.inputs + index));
            let label = |set: &Vec<usize>| set.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
            let decision = if vertex.picks.len() > 1 {
                let labels = vertex.picks.iter().map(label).collect();
                Some(self.decide("inputs", Domain::Categorical(labels), 0..0)?)
            } else {
                None
            };
            let operations = self.items(&vertex.operations)?;
            vertices.push(Vertex { picks: vertex.picks.clone(), decision, operations });
            self.path.pop();
        }
        Ok(Nodes {
            inputs: nodes.inputs,
            fit,
            fit_larger,
            labels: nodes.labels.clone(),
            vertices,
            merge: nodes.merge,
            drop_path: nodes.drop_path,
        })
    }

    fn primitive(&mut self, primitive: &Primitive<Written>) -> Result<Primitive<Number>, Diagnostic> {
        Ok(match primitive {
            Primitive::Conv { channels, kernel, stride, padding, dilation, groups, bias } => Primitive::Conv {
                channels: self.number(channels, "channels")?,
                kernel: self.pair(kernel, "kernel")?,
                stride: self.number(stride, "stride")?,
                padding: padding.as_ref().map(|padding| self.pair(padding, "padding")).transpose()?,
                dilation: self.number(dilation, "dilation")?,
                groups: self.number(groups, "groups")?,
                bias: *bias,
            },
            Primitive::BatchNorm { affine } => Primitive::BatchNorm { affine: *affine },
            Primitive::Linear { features, bias } => {
                Primitive::Linear { features: self.number(features, "features")?, bias: *bias }
            }
            Primitive::Pool { max, kernel, stride, padding, count_include_pad } => Primitive::Pool {
                max: *max,
                kernel: self.pair(kernel, "kernel")?,
                stride: self.number(stride, "stride")?,
                padding: padding.as_ref().map(|padding| self.pair(padding, "padding")).transpose()?,
                count_include_pad: *count_include_pad,
            },
            Primitive::Zero { stride } => Primitive::Zero { stride: self.number(stride, "stride")? },
            Primitive::Shift { rows, columns } => {
                Primitive::Shift { rows: self.number(rows, "rows")?, columns: self.number(columns, "columns")? }
            }
            Primitive::Dropout { rate } => Primitive::Dropout { rate: *rate },
            Primitive::Plain(op) => Primitive::Plain(op.clone()),
        })
    }

    fn optional(&mut self, number: Option<&Written>, name: &str) -> Result<Option<Number>, Diagnostic> {
        number.map(|number| self.number(number, name)).transpose()
    }

    /// Rows and columns; where one number was written for both, it is decided once.
    fn pair(&mut self, pair: &[Written; 2], name: &str) -> Result<[Number; 2], Diagnostic> {
        let first = self.number(&pair[0], name)?;
        let second = if pair[0].span == pair[1].span { first.clone() } else { self.number(&pair[1], name)? };
        Ok([first, second])
    }

    fn number(&mut self, written: &Written, name: &str) -> Result<Number, Diagnostic> {
        match &written.number {
            WrittenNumber::Literal(value) => Ok(Number::Literal(*value)),
            WrittenNumber::Name(name) => match local(name) {
                Some(local) => Ok(Number::Local(local)),
                None if self.file.numbers.contains_key(name) => self.named_number(name),
                None => {
                    let known = self.file.numbers.keys().map(String::as_str).chain(["in", "out", "stride", "classes"]);
                    self.source.unknown(written.span.clone(), "number", name, known)
                }
            },
            WrittenNumber::Decide { domain, name: given } => {
                let name = given.as_deref().unwrap_or(name);
                self.decide(name, domain.clone(), written.span.clone()).map(Number::Decided)
            }
            WrittenNumber::Combine(combine, parts) => {
                let parts = parts.iter().map(|part| self.number(part, name)).collect::<Result<_, _>>()?;
                Ok(Number::Combine(*combine, parts))
            }
        }
    }

    /// A number with a name is decided once, unconditionally.
    fn named_number(&mut self, name: &str) -> Result<Number, Diagnostic> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(number.clone());
        }
        let written = Rc::clone(&self.file.numbers[name]);
        self.enter(name, &written.span)?;
        let path = std::mem::take(&mut self.path);
        let number = self.number(&written, name)?;
        self.path = path;
        self.open.pop();
        self.numbers.insert(name.to_owned(), number.clone());
        Ok(number)
    }

    fn decide(&mut self, name: &str, domain: Domain, span: Span) -> Result<usize, Diagnostic> {
        if self.decisions.len() == MAX_DECISIONS {
            return self.source.error(span, format!("the space has more than {MAX_DECISIONS} decisions"));
        }
        let path: Vec<&str> = self.path.iter().map(String::as_str).chain([name]).collect();
        let name = self.unused_name(path.join("/"));
        self.decisions.push(Decision { name, domain, active_when: self.conditions.clone() });
        Ok(self.decisions.len() - 1)
    }

    fn unused_name(&mut self, name: String) -> String {
        let mut candidate = name.clone();
        let mut number = 2;
        while !self.names.insert(candidate.clone()) {
            candidate = format!("{name}-{number}");
            number += 1;
        }
        candidate
    }

    /// A prefix for the decisions of a module that no other use of a module has.
    fn unused_prefix(&mut self, prefix: String) -> String {
        let mark = self.unused_name(format!("{prefix}/"));
        match mark.rsplit_once('/') {
            Some((_, "")) | None => prefix,
            Some((_, number)) => format!("{prefix}{number}"),
        }
    }
}

fn local(name: &str) -> Option<Local> {
    match name {
        "in" => Some(Local::In),
        "out" => Some(Local::Out),
        "stride" => Some(Local::Stride),
        "classes" => Some(Local::Classes),
        _ => None,
    }
}
