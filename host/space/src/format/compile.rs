//! Numbering the decisions: from modules that name each other to modules that hold each other.
//!
//! A module's decisions are made once, however often it is used, unless a use is `independent`.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::Definition;
use super::constraint::{self, Constraint, Measure, WrittenMeasure};
use super::diagnostic::Diagnostic;
use super::model::{
    Compiled, CompiledUse, File, Item, Local, Module, Number, Primitive, Rate, RecipeSetting, Setting, Span, Use,
    UseItem, Written, WrittenNumber,
};
use super::range::{AMOUNT, PERCENT, REPEAT, Range, SIZE};
use super::read::Source;
use super::scope::Scopes;
use crate::domain::count;
use crate::{Condition, Domain, OPERATIONS};

/// Most items, labels and condition values that a file may come to, with every independent use counted.
const MAX_ITEMS: usize = 250_000;
/// Deepest nesting of items, modules within modules counted on.
const MAX_DEPTH: usize = 64;
/// Most terms of a number, those of the numbers that it names included.
const MAX_TERMS: usize = 100;

type WrittenItem = Item<Written, Use>;
type CompiledItem = Item<Number, Arc<CompiledUse>>;

pub(super) fn compile(text: &str, file: File) -> Result<Definition, Diagnostic> {
    let mut compiler = Compiler {
        source: Source(text),
        file: &file,
        scopes: Scopes::new(),
        path: Vec::new(),
        numbers: BTreeMap::new(),
        shared: BTreeMap::new(),
        open: Vec::new(),
        items: 0,
        depth: 0,
        graphs: Vec::new(),
    };
    for name in file.numbers.keys() {
        compiler.named_number(name)?;
    }
    let (name, span) = &file.network;
    let root = Use { module: name.clone(), span: span.clone(), independent: false, bare: false };
    let network = Arc::clone(&compiler.module(&root)?.module);
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
    // Modules that are not used are checked like the others, but decide nothing.
    let (used, uses) = compiler.scopes.mark();
    let graphs = compiler.graphs.len();
    for name in file.modules.keys() {
        compiler.module(&Use { module: name.clone(), span: 0..0, independent: false, bare: false })?;
    }
    compiler.scopes.back_to(used, uses);
    compiler.graphs.truncate(graphs);
    let decisions = match compiler.scopes.finish(MAX_ITEMS) {
        Some(decisions) => decisions,
        None => return compiler.too_large(),
    };
    let mut constraints: Vec<Constraint> = compiler.graphs.iter().map(Constraint::on_paths).collect();
    for constraint in &file.constraints {
        let measure = match &constraint.measure {
            WrittenMeasure::Count { labels, within } => {
                constraint::counted(compiler.source, &decisions, labels, within.as_ref())?
            }
            WrittenMeasure::Number(written) => compiler.constrained(written)?,
        };
        let compiled = constraint.compiled(measure);
        match compiled.settled() {
            None => constraints.push(compiled),
            Some(Ok(())) => {}
            Some(Err(error)) => return compiler.source.error(constraint.span.clone(), error.to_string()),
        }
    }
    let File { name, summary, references, options, .. } = file;
    Ok(Definition { name, summary, references, options, decisions, network, recipe, constraints })
}

pub(super) struct Compiler<'a> {
    pub(super) source: Source<'a>,
    pub(super) file: &'a File,
    pub(super) scopes: Scopes,
    /// Where we are, for names of decisions.
    pub(super) path: Vec<String>,
    numbers: BTreeMap<String, Number>,
    /// Modules compiled for all their uses that are not independent, with their scopes.
    shared: BTreeMap<String, (Arc<CompiledUse>, usize)>,
    /// Modules and numbers that are being compiled, to find those that hold themselves.
    open: Vec<String>,
    items: usize,
    depth: usize,
    /// Graphs whose edges are decided: vertices, most edges on paths through them, and the edges' decisions.
    pub(super) graphs: Vec<(usize, usize, Vec<usize>)>,
}

impl Compiler<'_> {
    fn module(&mut self, used: &Use) -> Result<Arc<CompiledUse>, Diagnostic> {
        let Use { module: name, span, independent, bare: _ } = used;
        if !independent && let Some((used, scope)) = self.shared.get(name) {
            self.scopes.use_again(*scope);
            return Ok(Arc::clone(used));
        }
        let Some(module) = self.file.modules.get(name) else {
            return self.unknown_module(used);
        };
        self.enter(name, span)?;
        let module = Rc::clone(module);
        let around = std::mem::take(&mut self.path);
        self.path = if *name == self.file.network.0 {
            Vec::new()
        } else if *independent && !around.is_empty() {
            // A place or an alternative says better where we are than the module's name.
            vec![self.scopes.unused_prefix(around.join("/"))]
        } else {
            vec![self.scopes.unused_prefix(name.clone())]
        };
        let outer = if *independent { None } else { Some(self.scopes.open()) };
        let compiled: Compiled = Arc::new(match module.as_ref() {
            Module::Chain { layers } => Module::Chain { layers: self.items(layers)? },
            Module::Branches { branches, merge } => Module::Branches { branches: self.items(branches)?, merge: *merge },
            Module::Edges(edges) => Module::Edges(self.edges(edges)?),
            Module::Nodes(nodes) => Module::Nodes(self.nodes(nodes)?),
            Module::Matrix(matrix) => Module::Matrix(self.matrix(matrix)?),
            Module::Skips(skips) => Module::Skips(self.skips(skips)?),
            Module::Highway(highway) => Module::Highway(self.highway(highway)?),
        });
        self.path = around;
        self.open.pop();
        let used = Arc::new(CompiledUse { name: name.clone(), module: compiled });
        if let Some(outer) = outer {
            let scope = self.scopes.close(outer);
            self.shared.insert(name.clone(), (Arc::clone(&used), scope));
        }
        Ok(used)
    }

    fn unknown_module<T>(&self, used: &Use) -> Result<T, Diagnostic> {
        let Use { module: name, span, independent: _, bare } = used;
        let known = || self.file.modules.keys().map(String::as_str);
        if *bare && let Some(nearest) = crate::nearest(name, known().chain(OPERATIONS)) {
            return self.source.unknown(span.clone(), "operation or module", name, [nearest]);
        }
        self.source.unknown(span.clone(), if *bare { "operation or module" } else { "module" }, name, known())
    }

    fn enter(&mut self, name: &str, span: &Span) -> Result<(), Diagnostic> {
        if self.open.iter().any(|open| open == name) {
            let problem = format!("`{name}` holds itself: {} -> {name}", self.open.join(" -> "));
            return self.source.error(span.clone(), problem);
        }
        if self.open.len() == MAX_DEPTH {
            let problem = format!("`{name}` is nested in more than {MAX_DEPTH} modules or numbers");
            return self.source.error(span.clone(), problem);
        }
        self.open.push(name.to_owned());
        Ok(())
    }

    pub(super) fn charge(&mut self, items: usize) -> Result<(), Diagnostic> {
        self.items = self.items.saturating_add(items);
        if self.items > MAX_ITEMS { self.too_large() } else { Ok(()) }
    }

    fn too_large<T>(&self) -> Result<T, Diagnostic> {
        let problem = format!("the modules come to more than {MAX_ITEMS} items, labels and conditions");
        self.source.error(self.file.network.1.clone(), problem)
    }

    fn items(&mut self, items: &[WrittenItem]) -> Result<Vec<CompiledItem>, Diagnostic> {
        items.iter().map(|item| self.item(item)).collect()
    }

    pub(super) fn item(&mut self, item: &WrittenItem) -> Result<CompiledItem, Diagnostic> {
        self.charge(1)?;
        if self.depth == MAX_DEPTH {
            let open = self.open.join(" -> ");
            let problem = format!("items are nested more than {MAX_DEPTH} deep, in {open}");
            return self.source.error(self.file.network.1.clone(), problem);
        }
        self.depth += 1;
        let compiled = match item {
            Item::Primitive(primitive) => Item::Primitive(self.primitive(primitive)?),
            Item::Sequence(items) => Item::Sequence(self.items(items)?),
            Item::Use(used) => Item::Use(UseItem {
                repeat: self.optional(used.repeat.as_ref(), "repeat", REPEAT)?,
                channels: self.optional(used.channels.as_ref(), "channels", SIZE)?,
                stride: self.optional(used.stride.as_ref(), "stride", SIZE)?,
                target: self.module(&used.target)?,
            }),
            Item::Choose { name, alternatives, .. } => {
                let decision = self.choice(name.as_deref().unwrap_or("op"), alternatives)?;
                self.alternatives(decision, alternatives)?
            }
            Item::Strided { strided, plain } => {
                Item::Strided { strided: Box::new(self.item(strided)?), plain: Box::new(self.item(plain)?) }
            }
            Item::Auxiliary(head) => Item::Auxiliary(Box::new(self.item(head)?)),
            Item::Recurrent { body, features } => {
                Item::Recurrent { features: self.ranged(features, "features", SIZE)?, body: Box::new(self.item(body)?) }
            }
            Item::State => Item::State,
            Item::Places { length, most, places } => self.places(length, *most, places)?,
        };
        self.depth -= 1;
        Ok(compiled)
    }

    fn choice(&mut self, name: &str, alternatives: &[(String, WrittenItem)]) -> Result<usize, Diagnostic> {
        let labels = alternatives.iter().map(|(label, _)| label.clone()).collect();
        self.decide(name, Domain::Categorical(labels), 0..0)
    }

    fn alternatives(
        &mut self,
        decision: usize,
        alternatives: &[(String, WrittenItem)],
    ) -> Result<CompiledItem, Diagnostic> {
        let mut compiled = Vec::new();
        for (index, (label, alternative)) in alternatives.iter().enumerate() {
            self.scopes.conditions.push(Condition { decision, any_of: vec![index as u32] });
            self.path.push(label.clone());
            compiled.push((label.clone(), self.item(alternative)?));
            self.path.pop();
            self.scopes.conditions.pop();
        }
        Ok(Item::Choose { name: None, decision, alternatives: compiled })
    }

    fn places(&mut self, length: &Written, most: usize, places: &[WrittenItem]) -> Result<CompiledItem, Diagnostic> {
        let length = self.number(length, "length")?;
        let mut compiled = Vec::new();
        for place in 1..=most {
            let conditions = self.scopes.conditions.len();
            let condition = self.at_least(&length, place as i64);
            self.scopes.conditions.extend(condition);
            self.path.push(format!("layer-{place}"));
            for item in places {
                compiled.push(self.item(item)?);
            }
            self.path.pop();
            self.scopes.conditions.truncate(conditions);
        }
        Ok(Item::Places { length, most, places: compiled })
    }

    /// That a decided number is `least` or more; nothing where it always is.
    fn at_least(&self, number: &Number, least: i64) -> Option<Condition> {
        let Number::Decided(decision) = number else { return None };
        let domain = self.scopes.domain(*decision);
        let values = u32::try_from(count(domain)?).ok()?;
        let reaches = |value: &u32| match domain {
            Domain::Integer { low, .. } => low.saturating_add(i64::from(*value)) >= least,
            Domain::Ordinal(numbers) => numbers[*value as usize] >= least as f64,
            _ => true,
        };
        let any_of: Vec<u32> = (0..values).filter(reaches).collect();
        (any_of.len() < values as usize).then_some(Condition { decision: *decision, any_of })
    }

    pub(super) fn optional_item(
        &mut self,
        item: Option<&WrittenItem>,
    ) -> Result<Option<Box<CompiledItem>>, Diagnostic> {
        item.map(|item| self.item(item).map(Box::new)).transpose()
    }

    /// A decision between `no` and `yes`.
    pub(super) fn decide_whether(&mut self, name: &str) -> Result<usize, Diagnostic> {
        self.decide(name, Domain::Categorical(vec!["no".into(), "yes".into()]), 0..0)
    }

    /// A choice of its own for one of the places that a choice was written for.
    pub(super) fn copy(&mut self, template: &WrittenItem, name: &str) -> Result<CompiledItem, Diagnostic> {
        match template {
            Item::Choose { alternatives, .. } => {
                let decision = self.choice(name, alternatives)?;
                self.path.push(name.to_owned());
                let compiled = self.alternatives(decision, alternatives)?;
                self.path.pop();
                Ok(compiled)
            }
            other => self.item(other),
        }
    }

    fn primitive(&mut self, primitive: &Primitive<Written>) -> Result<Primitive<Number>, Diagnostic> {
        Ok(match primitive {
            Primitive::Conv { channels, kernel, stride, padding, dilation, groups, bias } => Primitive::Conv {
                channels: self.ranged(channels, "channels", SIZE)?,
                kernel: self.pair(kernel, "kernel", SIZE)?,
                stride: self.ranged(stride, "stride", SIZE)?,
                padding: padding.as_ref().map(|padding| self.pair(padding, "padding", AMOUNT)).transpose()?,
                dilation: self.ranged(dilation, "dilation", SIZE)?,
                groups: self.ranged(groups, "groups", SIZE)?,
                bias: *bias,
            },
            Primitive::BatchNorm { affine } => Primitive::BatchNorm { affine: *affine },
            Primitive::Linear { features, bias } => {
                Primitive::Linear { features: self.ranged(features, "features", SIZE)?, bias: *bias }
            }
            Primitive::Pool { max, kernel, stride, padding, count_include_pad } => Primitive::Pool {
                max: *max,
                kernel: self.pair(kernel, "kernel", SIZE)?,
                stride: self.ranged(stride, "stride", SIZE)?,
                padding: padding.as_ref().map(|padding| self.pair(padding, "padding", AMOUNT)).transpose()?,
                count_include_pad: *count_include_pad,
            },
            Primitive::Zero { stride } => Primitive::Zero { stride: self.ranged(stride, "stride", SIZE)? },
            Primitive::Shift { rows, columns } => Primitive::Shift {
                rows: self.ranged(rows, "rows", AMOUNT)?,
                columns: self.ranged(columns, "columns", AMOUNT)?,
            },
            Primitive::Truncate { channels } => {
                Primitive::Truncate { channels: self.ranged(channels, "channels", SIZE)? }
            }
            Primitive::Embedding { vocabulary, features } => Primitive::Embedding {
                vocabulary: self.ranged(vocabulary, "vocabulary", SIZE)?,
                features: self.ranged(features, "features", SIZE)?,
            },
            Primitive::TiedLinear { features, bias } => {
                Primitive::TiedLinear { features: self.ranged(features, "features", SIZE)?, bias: *bias }
            }
            Primitive::Dropout { rate, locked } => {
                let rate = match rate {
                    Rate::Fixed(rate) => Rate::Fixed(*rate),
                    Rate::Percent(percent) => Rate::Percent(self.ranged(percent, "percent", PERCENT)?),
                };
                Primitive::Dropout { rate, locked: *locked }
            }
            Primitive::Plain(op) => Primitive::Plain(op.clone()),
        })
    }

    fn optional(&mut self, number: Option<&Written>, name: &str, range: Range) -> Result<Option<Number>, Diagnostic> {
        number.map(|number| self.ranged(number, name, range)).transpose()
    }

    /// Rows and columns; where one number was written for both, it is decided once.
    fn pair(&mut self, pair: &[Written; 2], name: &str, range: Range) -> Result<[Number; 2], Diagnostic> {
        let first = self.ranged(&pair[0], name, range)?;
        let second = if pair[0].span == pair[1].span { first.clone() } else { self.ranged(&pair[1], name, range)? };
        Ok([first, second])
    }

    pub(super) fn number(&mut self, written: &Written, name: &str) -> Result<Number, Diagnostic> {
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
                let parts: Vec<Number> = parts.iter().map(|part| self.number(part, name)).collect::<Result<_, _>>()?;
                if parts.iter().map(terms).sum::<usize>() > MAX_TERMS {
                    let problem = format!("with the numbers that it names it has more than {MAX_TERMS} terms");
                    return self.source.error(written.span.clone(), problem);
                }
                Ok(Number::Combine(*combine, parts.into()))
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

    /// A number that a constraint bounds: the same wherever it stands.
    fn constrained(&mut self, written: &Written) -> Result<Measure, Diagnostic> {
        if constraint::decides(written) {
            let problem = "a constraint decides nothing: name the number in `[numbers]`";
            return self.source.error(written.span.clone(), problem);
        }
        let number = self.number(written, "number")?;
        if constraint::is_local(&number) {
            let problem = "this depends on the place in the network, which a constraint does not have";
            return self.source.error(written.span.clone(), problem);
        }
        Ok(Measure::Number(number))
    }

    pub(super) fn decide(&mut self, name: &str, domain: Domain, span: Span) -> Result<usize, Diagnostic> {
        let labels = match &domain {
            Domain::Categorical(labels) => labels.len(),
            Domain::Ordinal(numbers) => numbers.len(),
            _ => 1,
        };
        self.charge(labels)?;
        let path: Vec<&str> = self.path.iter().map(String::as_str).chain([name]).collect();
        match self.scopes.decide(path.join("/"), domain) {
            Some(decision) => Ok(decision),
            None => {
                let limit = crate::MAX_DECISIONS;
                self.source.error(span, format!("the space has more than {limit} decisions"))
            }
        }
    }
}

/// Terms of a number, itself counted.
fn terms(number: &Number) -> usize {
    match number {
        Number::Combine(_, parts) => 1 + parts.iter().map(terms).sum::<usize>(),
        _ => 1,
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
