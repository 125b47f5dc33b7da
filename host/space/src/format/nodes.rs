//! Graphs whose vertices choose what they read, as in NASNet, ENAS and DARTS.

use std::sync::Arc;

use super::build::{Builder, Place, last, problem};
use super::compile::Compiler;
use super::constraint::evaluate;
use super::diagnostic::Diagnostic;
use super::model::{
    CompiledUse, MAX_VERTICES, Merge, Nodes, Number, Outputs, Picks, Use, Vertex, Written, WrittenNumber,
};
use super::parse::{Constants, choices, merge, number, optional_item};
use super::range::AMOUNT;
use super::read::{Reader, text};
use crate::{CellGraph, Decision, Domain, Op, Shape, SpaceError, Value};

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
        inputs,
        fit: optional_item(reader, "fit")?,
        fit_larger: optional_item(reader, "fit_larger")?,
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
        let fit = self.optional_item(nodes.fit.as_deref())?;
        let fit_larger = self.optional_item(nodes.fit_larger.as_deref())?;
        let mut vertices = Vec::new();
        for index in nodes.inputs..nodes.inputs + nodes.size {
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
            inputs: nodes.inputs,
            fit,
            fit_larger,
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
            return Ok(Picks::Each(decisions));
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
    /// Vertices choose inputs and operations; the output is some or all of them, merged.
    pub(super) fn nodes(&mut self, graph: &Compiled, history: &[usize], place: &Place) -> Result<usize, SpaceError> {
        let mut vertices = self.inputs(graph, history, place)?;
        let mut read = vec![false; graph.inputs + graph.vertices.len()];
        for (offset, vertex) in graph.vertices.iter().enumerate() {
            let place = place.within(&format!("node-{}", graph.inputs + offset));
            let picks = vertex
                .picks
                .chosen(self.values)
                .ok_or_else(|| problem(&place, "inputs", "its decisions are inactive".into()))?;
            let mut results = Vec::new();
            for (pick, (from, item)) in picks.iter().zip(&vertex.operations).enumerate() {
                read[*from] = true;
                let mut inner = place.within(&format!("op-{}-from-{from}", pick + 1));
                inner.stride = if *from < graph.inputs { place.stride } else { 1 };
                let mut result = self.item(item, &mut vec![vertices[*from]], &inner)?;
                // Dropping what only passes through would drop the input itself (DARTS).
                if graph.drop_path && result != vertices[*from] && self.nodes[result].op != Op::Identity {
                    result = self.node(&inner.within("drop-path").name, Op::DropPath, vec![result])?;
                }
                results.push(result);
            }
            vertices.push(self.merge(graph.merge, results, &place)?);
        }
        let outputs = match &graph.outputs {
            Outputs::All => vertices.split_off(graph.inputs),
            Outputs::Unused { besides } => {
                let besides = self.value(besides, vertices[graph.inputs - 1], place, "stacked")?;
                let chosen = stacked(graph.inputs, vertices.len(), besides, |vertex| read[vertex]);
                chosen.into_iter().map(|vertex| vertices[vertex]).collect()
            }
        };
        self.merge(graph.output, outputs, place)
    }

    /// The inputs of a graph: the latest results, the first one repeated where there are too few, each fitted.
    fn inputs(&mut self, graph: &Compiled, history: &[usize], place: &Place) -> Result<Vec<usize>, SpaceError> {
        let rows = |shape: Shape| match shape {
            Shape::Map { height, .. } => height,
            Shape::Vector(_) => 1,
        };
        let size = rows(self.shapes[last(history)]);
        let mut inputs = Vec::new();
        for back in (0..graph.inputs).rev() {
            let from = history[history.len().saturating_sub(back + 1)];
            let larger = rows(self.shapes[from]) > size;
            let fit = if larger { graph.fit_larger.as_ref().or(graph.fit.as_ref()) } else { graph.fit.as_ref() };
            let mut inner = place.within(&format!("input-{}", graph.inputs - back - 1));
            inner.stride = if larger { 2 } else { 1 };
            inputs.push(match fit {
                Some(item) => self.item(item, &mut vec![from], &inner)?,
                None => from,
            });
        }
        Ok(inputs)
    }
}

impl Compiled {
    /// The output is what the module stacks.
    pub(super) fn graph(&self, name: &str, decisions: &[Decision], values: &[Value]) -> CellGraph {
        let vertices = self.inputs + self.vertices.len();
        let mut edges = Vec::new();
        for (to, vertex) in (self.inputs..).zip(&self.vertices) {
            let picks = vertex.picks.chosen(values).unwrap_or_default();
            for (from, item) in picks.iter().zip(&vertex.operations) {
                edges.extend(item.chosen(values).map(|operation| (*from, to, operation)));
            }
        }
        let (inputs, operations) = (self.inputs, self.labels.clone());
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
