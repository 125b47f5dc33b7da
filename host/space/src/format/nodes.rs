//! Graphs whose vertices choose what they read, as in NASNet, ENAS and DARTS.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::build::{Builder, Place, problem};
use super::compile::Compiler;
use super::constraint::evaluate;
use super::diagnostic::Diagnostic;
use super::inputs;
use super::model::{
    CompiledUse, MAX_VERTICES, Merge, Nodes, Number, Outputs, Picks, Use, Vertex, Written, WrittenNumber,
};
use super::parse::{Constants, choices, merge, number};
use super::range::AMOUNT;
use super::read::{Reader, text};
use crate::{CellGraph, Decision, Domain, SpaceError, Value};

/// Most sets of inputs that a vertex chooses from.
const MAX_COMBINATIONS: usize = 10_000;

type Compiled = Nodes<Number, Arc<CompiledUse>>;

pub(super) fn parse(reader: &Reader<'_>, constants: &Constants<'_>) -> Result<Nodes<Written, Use>, Diagnostic> {
    let source = reader.source;
    let count = |key| constants.count(reader, key, 1..=MAX_VERTICES as i64);
    let (inputs, vertices, picks) = (count("inputs")?, count("vertices")?, count("picks")?);
    let repeats = reader.flag("repeats")?.unwrap_or(false);
    if picks > inputs && !repeats {
        let problem = format!("the first vertex has {inputs} inputs to pick from, fewer than {picks} picks");
        return source.error(reader.need("picks")?.span(), problem);
    }
    for vertex in 0..vertices {
        if !repeats && number_of_combinations(inputs + vertex, picks) > MAX_COMBINATIONS {
            let problem = format!("vertex {} would choose from more than {MAX_COMBINATIONS} sets", inputs + vertex);
            return source.error(reader.need("picks")?.span(), format!("{problem} of inputs"));
        }
    }
    let (labels, template) = choices(reader)?;
    Ok(Nodes {
        inputs: inputs::parse(reader, inputs)?,
        labels,
        size: vertices,
        picks,
        repeats,
        outputs: outputs(reader)?,
        vertices: vec![Vertex { picks: Picks::Open, operations: vec![template] }],
        merge: merge(reader, "merge", Merge::Add)?,
        drop_path: reader.flag("drop_path")?.unwrap_or(false),
        output: merge(reader, "output", Merge::Concat)?,
    })
}

/// What a graph's output is made of.
fn outputs(reader: &Reader<'_>) -> Result<Outputs<Written>, Diagnostic> {
    let source = reader.source;
    let Some(entry) = reader.get("outputs") else { return Ok(Outputs::All) };
    match text(source, entry, "outputs")?.as_str() {
        "all" => Ok(Outputs::All),
        "unused" => {
            let none = Written { span: entry.span(), number: WrittenNumber::Literal(0) };
            let besides = reader.get("stacked").map(|entry| number(source, entry, "stacked")).transpose()?;
            Ok(Outputs::Unused { besides: besides.unwrap_or(none) })
        }
        other => source.unknown(entry.span(), "outputs", other, ["all", "unused"]),
    }
}

/// Number of sets of `size` of `count` things.
fn number_of_combinations(count: usize, size: usize) -> usize {
    (0..size).fold(1, |sets: usize, taken| sets.saturating_mul(count.saturating_sub(taken)) / (taken + 1))
}

impl Compiler<'_> {
    /// Each vertex has choices of its own.
    pub(super) fn nodes(&mut self, nodes: &Nodes<Written, Use>) -> Result<Compiled, Diagnostic> {
        let inputs = self.inputs(&nodes.inputs)?;
        let mut vertices = Vec::new();
        for index in inputs.count..inputs.count + nodes.size {
            self.path.push(format!("node-{index}"));
            let picks = self.picks(nodes, index)?;
            let mut operations = Vec::new();
            for pick in 1..=nodes.picks {
                for template in nodes.vertices.iter().flat_map(|vertex| &vertex.operations) {
                    operations.push(self.copy(template, &format!("op-{pick}"))?);
                }
            }
            vertices.push(Vertex { picks, operations });
            self.path.pop();
        }
        Ok(Nodes {
            inputs,
            labels: nodes.labels.clone(),
            size: nodes.size,
            picks: nodes.picks,
            repeats: nodes.repeats,
            outputs: match &nodes.outputs {
                Outputs::All => Outputs::All,
                Outputs::Unused { besides } => Outputs::Unused { besides: self.ranged(besides, "stacked", AMOUNT)? },
            },
            vertices,
            merge: nodes.merge,
            drop_path: nodes.drop_path,
            output: nodes.output,
        })
    }

    /// What vertex `index` picks among those before it.
    fn picks(&mut self, nodes: &Nodes<Written, Use>, index: usize) -> Result<Picks, Diagnostic> {
        if nodes.repeats {
            let labels: Vec<String> = (0..index).map(|from| from.to_string()).collect();
            let mut decisions = Vec::new();
            for pick in 1..=nodes.picks {
                let decides = index > 1;
                let name = format!("input-{pick}");
                let domain = Domain::Categorical(labels.clone());
                decisions.push(if decides { Some(self.decide(&name, domain, 0..0)?) } else { None });
            }
            return Ok(Picks::Each { decisions, vertices: index });
        }
        let sets = combinations(index, nodes.picks);
        self.charge(sets.len())?;
        let label = |set: &Vec<usize>| set.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
        let decision = if sets.len() > 1 {
            let labels = sets.iter().map(label).collect();
            Some(self.decide("inputs", Domain::Categorical(labels), 0..0)?)
        } else {
            None
        };
        Ok(Picks::Set { sets, decision })
    }
}

/// All sets of `size` of the numbers below `count`, in order.
fn combinations(count: usize, size: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for taken in 0..size {
        // Enough have to be left for the rest of the set.
        let end = (count + taken + 1).saturating_sub(size);
        all = all
            .into_iter()
            .flat_map(|set| {
                let next = set.last().map_or(0, |last| last + 1);
                (next..end).map(move |one| set.iter().copied().chain([one]).collect())
            })
            .collect();
    }
    all
}

impl Builder<'_> {
    /// Vertices choose inputs and operations; the output is some or all of them, merged. Where decisions are open, each pick
    /// is a mixture of all vertices that it may be of, and all vertices that choose come out, used or not.
    pub(super) fn nodes(&mut self, graph: &Compiled, history: &[usize], place: &Place) -> Result<usize, SpaceError> {
        let inputs = graph.inputs.count;
        let mut vertices = self.inputs(&graph.inputs, history, place)?;
        let mut read = vec![false; inputs + graph.vertices.len()];
        for (offset, vertex) in graph.vertices.iter().enumerate() {
            let place = place.within(&format!("node-{}", inputs + offset));
            let mut operation = |builder: &mut Self, pick: usize, from: usize| {
                let mut inner = place.within(&format!("op-{}-from-{from}", pick + 1));
                inner.stride = if from < inputs { place.stride } else { 1 };
                builder.operation(&vertex.operations[pick], vertices[from], &inner, graph.drop_path)
            };
            let mut results = Vec::new();
            if self.is_open() {
                for pick in 0..graph.picks {
                    results.push(self.pick(&vertex.picks, pick, &place, &mut operation)?);
                }
            } else {
                let picks = vertex.picks.chosen(self.values);
                let picks = picks.ok_or_else(|| problem(&place, "inputs", "its decisions are inactive".into()))?;
                for (pick, from) in picks.into_iter().enumerate() {
                    read[from] = true;
                    results.push(operation(self, pick, from)?);
                }
            }
            vertices.push(self.merge(graph.merge, results, &place)?);
        }
        let outputs = match &graph.outputs {
            Outputs::All => vertices.split_off(inputs),
            Outputs::Unused { besides } => {
                let besides = self.value(besides, vertices[inputs - 1], place, "stacked")?;
                let chosen = stacked(inputs, vertices.len(), besides, |vertex| read[vertex]);
                chosen.into_iter().map(|vertex| vertices[vertex]).collect()
            }
        };
        self.merge(graph.output, outputs, place)
    }

    /// The mixture of all that a pick may be of.
    fn pick(
        &mut self,
        picks: &Picks,
        pick: usize,
        place: &Place,
        operation: &mut impl FnMut(&mut Self, usize, usize) -> Result<usize, SpaceError>,
    ) -> Result<usize, SpaceError> {
        // The vertex that each label of the decision stands for.
        let (decision, labels) = match picks {
            Picks::Open => (None, Vec::new()),
            Picks::Set { sets, decision } => (*decision, sets.iter().map(|set| set[pick]).collect()),
            Picks::Each { decisions, vertices } => (decisions[pick], (0..*vertices).collect()),
        };
        let Some(decision) = decision else {
            return operation(self, pick, labels.first().copied().unwrap_or(0));
        };
        let mut parts = BTreeMap::<usize, Vec<usize>>::new();
        for (label, from) in labels.into_iter().enumerate() {
            parts.entry(from).or_default().push(self.term(decision, label)?);
        }
        let parts = parts.into_iter().map(|(from, terms)| Ok((operation(self, pick, from)?, terms)));
        let parts = parts.collect::<Result<Vec<_>, SpaceError>>()?;
        self.choice_of(decision, &place.within(&format!("input-{}", pick + 1)).name, parts)
    }
}

impl Compiled {
    /// The output is what the module stacks.
    pub(super) fn graph(&self, name: &str, decisions: &[Decision], values: &[Value]) -> CellGraph {
        let (inputs, operations) = (self.inputs.count, self.labels.clone());
        let vertices = inputs + self.vertices.len();
        let mut edges = Vec::new();
        for (to, vertex) in (inputs..).zip(&self.vertices) {
            let picks = vertex.picks.chosen(values).unwrap_or_default();
            for (from, item) in picks.iter().zip(&vertex.operations) {
                edges.extend(item.chosen(values).map(|operation| (*from, to, operation)));
            }
        }
        let outputs = match &self.outputs {
            Outputs::All => (inputs..vertices).collect(),
            Outputs::Unused { besides } => {
                // A number that depends on the place is left out: the encoding has no place.
                let besides = evaluate(besides, decisions, values).unwrap_or(0);
                stacked(inputs, vertices, besides, |vertex| edges.iter().any(|(from, ..)| *from == vertex))
            }
        };
        CellGraph { name: name.to_owned(), vertices, inputs, outputs, operations, edges }
    }
}

/// The vertices that are stacked: those that choose and that nothing reads, and those with a bit in `besides`.
fn stacked(inputs: usize, vertices: usize, besides: i64, is_read: impl Fn(usize) -> bool) -> Vec<usize> {
    let named = |vertex: usize| vertex < 63 && besides >> vertex & 1 == 1;
    (0..vertices).filter(|vertex| named(*vertex) || (*vertex >= inputs && !is_read(*vertex))).collect()
}
