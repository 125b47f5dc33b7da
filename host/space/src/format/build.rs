//! From values for the decisions to a network.

use std::collections::HashMap;
use std::sync::Arc;

use super::constraint::decided;
use super::mixture::{Mixture, no_values};
use super::model::{Compiled, CompiledUse, Item, Local, MAX_VERTICES, Merge, Module, Number, Primitive, Rate, UseItem};
use crate::open::rows;
use crate::shape::{MAX_NODES, MAX_OPEN_NODES, Shape, infer};
use crate::{Context, Decision, Network, Node, Op, OpenNetwork, SpaceError, Value};

/// Most items that one network may come to.
const MAX_STEPS: usize = 250_000;

type CompiledItem = Item<Number, Arc<CompiledUse>>;

pub(super) fn build(
    network: &Compiled,
    decisions: &[Decision],
    values: &[Value],
    context: &Context,
) -> Result<Network, SpaceError> {
    let mut builder = Builder::new(decisions, values, context, None);
    builder.whole(network)?;
    Ok(Network { nodes: builder.nodes })
}

/// The network of all alternatives.
pub(super) fn open(network: &Compiled, decisions: &[Decision], context: &Context) -> Result<OpenNetwork, SpaceError> {
    let (rows, values) = (rows(decisions), no_values(decisions));
    let mut builder = Builder::new(decisions, &values, context, Some(Mixture::new(decisions, &rows)));
    builder.whole(network)?;
    let choices = builder.mixture.map_or_else(Vec::new, |mixture| mixture.choices);
    Ok(OpenNetwork { network: Network { nodes: builder.nodes }, choices, rows })
}

/// What a place in the network knows.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Path-like name of what is built here.
    pub(super) name: String,
    /// Channels that the module around has to give.
    pub(super) out: u32,
    /// The stride that the module around asks for.
    pub(super) stride: u32,
    /// The node with the state of the innermost recurrent part around.
    pub(super) state: Option<usize>,
}

impl Place {
    pub(super) fn within(&self, name: &str) -> Self {
        let name = if self.name.is_empty() { name.to_owned() } else { format!("{}/{name}", self.name) };
        Self { name, ..*self }
    }
}

pub(super) struct Builder<'a> {
    pub(super) decisions: &'a [Decision],
    pub(super) values: &'a [Value],
    context: &'a Context,
    pub(super) nodes: Vec<Node>,
    pub(super) shapes: Vec<Shape>,
    /// How often each name was used.
    names: HashMap<String, u32>,
    steps: usize,
    /// States so far.
    slots: u32,
    /// Where categorical decisions are left open: what mixes their alternatives.
    pub(super) mixture: Option<Mixture>,
}

impl<'a> Builder<'a> {
    fn new(decisions: &'a [Decision], values: &'a [Value], context: &'a Context, mixture: Option<Mixture>) -> Self {
        Self {
            decisions,
            values,
            context,
            nodes: Vec::new(),
            shapes: Vec::new(),
            names: HashMap::new(),
            steps: 0,
            slots: 0,
            mixture,
        }
    }
}

impl Builder<'_> {
    fn whole(&mut self, network: &Compiled) -> Result<(), SpaceError> {
        let input = self.node("input", Op::Input { shape: self.context.input.clone() }, Vec::new())?;
        let place = Place { name: String::new(), out: self.context.input[0], stride: 1, state: None };
        let output = self.module(network, &[input], &place)?;
        // The output has to come last, behind auxiliary heads.
        if output + 1 != self.nodes.len() {
            self.node("output", Op::Identity, vec![output])?;
        }
        Ok(())
    }

    /// Adds a node.
    pub(super) fn node(&mut self, name: &str, op: Op, inputs: Vec<usize>) -> Result<usize, SpaceError> {
        let most = if self.is_open() { MAX_OPEN_NODES } else { MAX_NODES };
        if self.nodes.len() >= most {
            let limit = most as u64;
            return Err(SpaceError::Limit { what: "nodes of a network".into(), found: limit + 1, limit });
        }
        let uses = self.names.entry(name.to_owned()).or_insert(0);
        *uses += 1;
        let name = if *uses == 1 { name.to_owned() } else { format!("{name}-{uses}") };
        let shapes: Vec<Shape> = inputs.iter().map(|input| self.shapes[*input]).collect();
        let node = Node { name, op, inputs };
        let shape = infer(&node.op, &shapes).map_err(|problem| node.problem(problem))?;
        self.nodes.push(node);
        self.shapes.push(shape);
        Ok(self.nodes.len() - 1)
    }

    /// Builds a module on what came before; the last of `history` is what comes in.
    fn module(&mut self, module: &Compiled, history: &[usize], place: &Place) -> Result<usize, SpaceError> {
        match module.as_ref() {
            Module::Chain { layers } => self.sequence(layers, history, place),
            Module::Branches { branches, merge } => {
                let mut results = Vec::new();
                for (index, branch) in branches.iter().enumerate() {
                    let place = place.within(&format!("branch-{}", index + 1));
                    results.push(self.item(branch, &mut history.to_vec(), &place)?);
                }
                self.merge(*merge, results, place)
            }
            Module::Edges(edges) => self.edges(edges, history, place),
            Module::Nodes(nodes) => self.nodes(nodes, history, place),
            Module::Matrix(matrix) => self.matrix(matrix, last(history), place),
            Module::Skips(skips) => self.skips(skips, last(history), place),
            Module::Highway(highway) => self.highway(highway, last(history), place),
        }
    }

    pub(super) fn merge(&mut self, merge: Merge, results: Vec<usize>, place: &Place) -> Result<usize, SpaceError> {
        let op = match merge {
            Merge::Add => Op::Add,
            Merge::Multiply => Op::Multiply,
            Merge::Mean => Op::Mean,
            Merge::Concat => Op::Concat,
        };
        self.node(&place.within(op.name()).name, op, results)
    }

    fn sequence(&mut self, items: &[CompiledItem], history: &[usize], place: &Place) -> Result<usize, SpaceError> {
        let mut history = history.to_vec();
        for (index, item) in items.iter().enumerate() {
            let place = if items.len() == 1 { place.clone() } else { place.within(&(index + 1).to_string()) };
            let result = self.item(item, &mut history, &place)?;
            if !self.is_cell(item) {
                history = vec![result];
            }
        }
        Ok(last(&history))
    }

    /// Whether an item's results are what later graphs reach back to. Behind anything else, a stem say, they start anew.
    fn is_cell(&self, item: &CompiledItem) -> bool {
        match item {
            Item::Use(used) => match used.target.module.as_ref() {
                Module::Nodes(_) => true,
                Module::Edges(edges) => edges.inputs.count > 1,
                _ => false,
            },
            // What comes behind it reaches back to is mixed, too.
            Item::Choose { .. } if self.is_open() => true,
            Item::Choose { decision, alternatives, .. } => match self.values[*decision] {
                Value::Index(index) => self.is_cell(&alternatives[index as usize].1),
                _ => false,
            },
            Item::Auxiliary(_) => true,
            Item::Places { places, .. } => places.iter().all(|item| match item {
                // Places beyond the length that was chosen have no values; they are alike.
                Item::Choose { decision, .. } if self.values[*decision] == Value::Inactive => true,
                item => self.is_cell(item),
            }),
            _ => false,
        }
    }

    /// Builds an item on what came before. A repeated module adds what it gave to `history` each time.
    pub(super) fn item(
        &mut self,
        item: &CompiledItem,
        history: &mut Vec<usize>,
        place: &Place,
    ) -> Result<usize, SpaceError> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            let limit = MAX_STEPS as u64;
            return Err(SpaceError::Limit { what: "items of a network".into(), found: limit + 1, limit });
        }
        let input = last(history);
        match item {
            Item::Primitive(primitive) => {
                let op = self.primitive(primitive, input, place)?;
                let place = place.within(op.name());
                self.node(&place.name, op, vec![input])
            }
            Item::Sequence(items) => self.sequence(items, history, place),
            Item::Use(used) => self.used(used, history, place),
            Item::Choose { decision, alternatives, .. } if self.is_open() => {
                *history = self.mixed(*decision, alternatives, place, |builder, item, place| {
                    let mut own = history.clone();
                    let result = builder.item(item, &mut own, place)?;
                    Ok(if builder.is_cell(item) { own } else { vec![result] })
                })?;
                Ok(last(history))
            }
            Item::Choose { decision, alternatives, .. } => {
                let index = self.index(*decision, place)?;
                let (label, chosen) = &alternatives[index];
                self.item(chosen, history, &place.within(label))
            }
            Item::Strided { strided, plain } => {
                self.item(if place.stride > 1 { strided } else { plain }, history, place)
            }
            Item::Auxiliary(head) => {
                self.auxiliary(head, history, place)?;
                Ok(input)
            }
            Item::Recurrent { body, features } => {
                let features = self.channels(features, input, place)?;
                self.recurrent(body, features, history, &place.within("recurrent"))
            }
            Item::State => place.state.ok_or_else(|| {
                problem(place, "state", "there is no `recurrent` around it whose state it could give".into())
            }),
            Item::Places { length, most, places } => {
                let length = self.count(length, input, place, "length")?.min(*most as u64) as usize;
                for (index, item) in places.iter().take(length).enumerate() {
                    let result = self.item(item, history, &place.within(&format!("layer-{}", index + 1)))?;
                    if !self.is_cell(item) {
                        *history = vec![result];
                    }
                }
                Ok(last(history))
            }
        }
    }

    fn used(
        &mut self,
        used: &UseItem<Number, Arc<CompiledUse>>,
        history: &mut Vec<usize>,
        place: &Place,
    ) -> Result<usize, SpaceError> {
        let input = last(history);
        let repeat = match &used.repeat {
            Some(number) => self.count(number, input, place, "repeat")?,
            None => 1,
        };
        let mut inner = place.within(&used.target.name);
        if let Some(channels) = &used.channels {
            inner.out = self.channels(channels, input, place)?;
        }
        if let Some(stride) = &used.stride {
            inner.stride = self.size(stride, input, place, "stride")?;
        }
        for index in 0..repeat {
            self.steps += 1;
            let mut inner = inner.clone();
            if used.repeat.is_some() {
                inner.name = format!("{}-{}", inner.name, index + 1);
            }
            if index > 0 {
                inner.stride = 1;
            }
            let result = self.module(&used.target.module, history, &inner)?;
            history.push(result);
            if history.len() > MAX_VERTICES {
                history.remove(0);
            }
        }
        Ok(last(history))
    }

    /// A part whose result is its state in the next step.
    fn recurrent(
        &mut self,
        body: &CompiledItem,
        features: u32,
        history: &[usize],
        place: &Place,
    ) -> Result<usize, SpaceError> {
        let slot = self.slots;
        self.slots += 1;
        let state = self.node(&place.within("state").name, Op::State { slot, features }, Vec::new())?;
        let inner = Place { state: Some(state), ..place.clone() };
        let result = self.item(body, &mut history.to_vec(), &inner)?;
        self.node(&place.within("set-state").name, Op::SetState { slot }, vec![result])?;
        Ok(result)
    }

    /// A head for training, left out where the feature map is too small for it.
    fn auxiliary(&mut self, head: &CompiledItem, history: &[usize], place: &Place) -> Result<(), SpaceError> {
        let before = self.nodes.len();
        let place = place.within("auxiliary");
        self.check_head(&place)?;
        match self.item(head, &mut history.to_vec(), &place) {
            Ok(scores) => self.node(&place.name, Op::Auxiliary, vec![scores]).map(|_| ()),
            Err(SpaceError::Node { .. }) => {
                self.nodes.truncate(before);
                self.shapes.truncate(before);
                self.forget_choices();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn primitive(&self, primitive: &Primitive<Number>, input: usize, place: &Place) -> Result<Op, SpaceError> {
        let size = |number: &Number, what: &str| self.size(number, input, place, what);
        let pair = |pair: &[Number; 2], what: &str| Ok::<_, SpaceError>([size(&pair[0], what)?, size(&pair[1], what)?]);
        Ok(match primitive {
            Primitive::Conv { channels, kernel, stride, padding, dilation, groups, bias } => {
                let kernel = pair(kernel, "kernel")?;
                let dilation = size(dilation, "dilation")?;
                Op::Conv2d {
                    out_channels: self.channels(channels, input, place)?,
                    kernel,
                    stride: [size(stride, "stride")?; 2],
                    padding: match padding {
                        Some(padding) => pair(padding, "padding")?,
                        None => same(kernel, dilation),
                    },
                    dilation: [dilation; 2],
                    groups: size(groups, "groups")?,
                    bias: *bias,
                }
            }
            Primitive::BatchNorm { affine } => Op::BatchNorm { affine: *affine },
            Primitive::Linear { features, bias } => {
                Op::Linear { out_features: size(features, "features")?, bias: *bias }
            }
            Primitive::Pool { max, kernel, stride, padding, count_include_pad } => {
                let kernel = pair(kernel, "kernel")?;
                let stride = [size(stride, "stride")?; 2];
                let padding = match padding {
                    Some(padding) => pair(padding, "padding")?,
                    None => same(kernel, 1),
                };
                if *max {
                    Op::MaxPool { kernel, stride, padding }
                } else {
                    Op::AvgPool { kernel, stride, padding, count_include_pad: *count_include_pad }
                }
            }
            Primitive::Zero { stride } => Op::Zero { stride: [size(stride, "stride")?; 2] },
            Primitive::Shift { rows, columns } => {
                Op::Shift { rows: size(rows, "rows")?, columns: size(columns, "columns")? }
            }
            Primitive::Truncate { channels } => Op::Truncate { channels: self.channels(channels, input, place)? },
            Primitive::Embedding { vocabulary, features } => Op::Embedding {
                vocabulary: size(vocabulary, "vocabulary")?,
                features: self.channels(features, input, place)?,
            },
            Primitive::TiedLinear { features, bias } => {
                Op::TiedLinear { out_features: size(features, "features")?, bias: *bias }
            }
            Primitive::Dropout { rate, locked } => {
                let rate = match rate {
                    Rate::Fixed(rate) => *rate,
                    Rate::Percent(percent) => f64::from(size(percent, "percent")?) / 100.0,
                };
                if *locked { Op::LockedDropout { rate } } else { Op::Dropout { rate } }
            }
            Primitive::Plain(op) => op.clone(),
        })
    }

    /// A count of repeated parts, under the share of the depth.
    fn count(&self, number: &Number, input: usize, place: &Place, what: &str) -> Result<u64, SpaceError> {
        let full = u64::from(self.size(number, input, place, what)?);
        let shared = (full as f64 * self.context.depth_share).round() as u64;
        Ok(if full == 0 { 0 } else { shared.max(1) })
    }

    /// A number of channels, under the share of the width unless it follows from channels that are under it already.
    fn channels(&self, number: &Number, input: usize, place: &Place) -> Result<u32, SpaceError> {
        let full = self.size(number, input, place, "channels")?;
        if is_relative(number) {
            return Ok(full);
        }
        let shared = (f64::from(full) * self.context.width_share).round() as u32;
        Ok(if full == 0 { 0 } else { shared.max(1) })
    }

    fn size(&self, number: &Number, input: usize, place: &Place, what: &str) -> Result<u32, SpaceError> {
        let value = self.value(number, input, place, what)?;
        u32::try_from(value).map_err(|_| problem(place, what, format!("{value} is not 0 to {}", u32::MAX)))
    }

    pub(super) fn value(&self, number: &Number, input: usize, place: &Place, what: &str) -> Result<i64, SpaceError> {
        match number {
            Number::Literal(value) => Ok(*value),
            Number::Local(Local::In) => Ok(self.shapes[input].channels().into()),
            Number::Local(Local::Out) => Ok(place.out.into()),
            Number::Local(Local::Stride) => Ok(place.stride.into()),
            Number::Local(Local::Classes) => Ok(self.context.classes.into()),
            Number::Decided(index) if self.is_open() => {
                Err(self.refused(*index, &format!("`{what}` of `{}`", place.name)))
            }
            Number::Decided(index) => {
                let decision = &self.decisions[*index];
                decided(&decision.domain, self.values[*index]).ok_or_else(|| inactive(decision, place))
            }
            Number::Combine(combine, parts) => {
                let mut values = parts.iter().map(|part| self.value(part, input, place, what));
                let first = values.next().unwrap_or(Ok(0))?;
                values.try_fold(first, |left, right| {
                    let right = right?;
                    combine
                        .apply(left, right)
                        .ok_or_else(|| problem(place, what, format!("{combine:?} of {left} and {right} has no value")))
                })
            }
        }
    }

    fn index(&self, decision: usize, place: &Place) -> Result<usize, SpaceError> {
        match self.values[decision] {
            Value::Index(index) => Ok(index as usize),
            _ => Err(inactive(&self.decisions[decision], place)),
        }
    }
}

pub(super) fn last(history: &[usize]) -> usize {
    history.last().copied().unwrap_or(0)
}

/// Padding that keeps the size at stride 1, for odd kernels.
fn same(kernel: [u32; 2], dilation: u32) -> [u32; 2] {
    kernel.map(|side| side.saturating_sub(1).saturating_mul(dilation) / 2)
}

fn is_relative(number: &Number) -> bool {
    match number {
        Number::Local(Local::In | Local::Out | Local::Classes) => true,
        Number::Combine(_, parts) => parts.iter().any(is_relative),
        _ => false,
    }
}

pub(super) fn problem(place: &Place, what: &str, problem: String) -> SpaceError {
    SpaceError::Node { node: place.name.clone(), op: what.to_owned(), problem }
}

fn inactive(decision: &Decision, place: &Place) -> SpaceError {
    let problem = format!("it is inactive, but `{}` needs it", place.name);
    SpaceError::Value { decision: decision.name.clone(), problem }
}
