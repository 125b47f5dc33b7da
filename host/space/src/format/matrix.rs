//! Graphs as in NAS-Bench-101 (Ying et al. 2019): any edge may be there, vertices have operations, and channels follow from
//! the edges.

use std::sync::Arc;

use super::build::{Builder, Place};
use super::compile::Compiler;
use super::diagnostic::Diagnostic;
use super::model::{CompiledUse, Matrix, Merge, Number, Use, Written, is_yes};
use super::parse::{Constants, choices};
use super::parse_item::item;
use super::read::Reader;
use crate::{CellGraph, Op, SpaceError, Value};

/// Most vertices: the space doubles with each edge.
const MAX_VERTICES: i64 = 16;
/// Most vertices whose orders are all tried.
const MAX_PERMUTED: usize = 6;

type Compiled = Matrix<Number, Arc<CompiledUse>>;

pub(super) fn parse(reader: &Reader<'_>, constants: &Constants<'_>) -> Result<Matrix<Written, Use>, Diagnostic> {
    let vertices = constants.count(reader, "vertices", 2..=MAX_VERTICES)?;
    let pairs = vertices * (vertices - 1) / 2;
    let most_edges = match reader.has("edges") {
        true => constants.count(reader, "edges", 1..=i64::MAX)?.min(pairs),
        false => pairs,
    };
    let (labels, template) = choices(reader)?;
    let project = Box::new(item(reader.source, reader.need("project")?)?);
    Ok(Matrix { vertices, most_edges, labels, edges: Vec::new(), operations: vec![template], project })
}

impl Compiler<'_> {
    /// Each edge is a decision, and each vertex between input and output has one.
    pub(super) fn matrix(&mut self, matrix: &Matrix<Written, Use>) -> Result<Compiled, Diagnostic> {
        let mut edges = Vec::new();
        for (to, from) in (1..matrix.vertices).flat_map(|to| (0..to).map(move |from| (to, from))) {
            edges.push(self.decide_whether(&format!("edge-{from}-{to}"))?);
        }
        let mut operations = Vec::new();
        for vertex in 1..matrix.vertices - 1 {
            for template in &matrix.operations {
                operations.push(self.copy(template, &format!("vertex-{vertex}"))?);
            }
        }
        self.graphs.push((matrix.vertices, matrix.most_edges, edges.clone()));
        let project = Box::new(self.item(&matrix.project)?);
        Ok(Matrix {
            vertices: matrix.vertices,
            most_edges: matrix.most_edges,
            labels: matrix.labels.clone(),
            edges,
            operations,
            project,
        })
    }
}

/// The edges on paths from vertex 0 to the last one.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    vertices: usize,
    edges: Vec<bool>,
}

impl Paths {
    /// Edges have value 1 where they are there; in the order of [`Matrix::edges`].
    pub(super) fn of(vertices: usize, edges: &[usize], values: &[Value]) -> Self {
        let edges = edges.iter().map(|edge| is_yes(values, *edge)).collect();
        let mut paths = Self { vertices, edges };
        let last = vertices - 1;
        let mut reached = vec![false; vertices];
        reached[0] = true;
        for to in 1..vertices {
            reached[to] = (0..to).any(|from| reached[from] && paths.has(from, to));
        }
        let mut reaches = vec![false; vertices];
        reaches[last] = true;
        for from in (0..last).rev() {
            reaches[from] = (from + 1..vertices).any(|to| reaches[to] && paths.has(from, to));
        }
        for (to, reaches) in reaches.iter().enumerate() {
            for (from, reached) in reached[..to].iter().enumerate() {
                paths.edges[pair(from, to)] &= *reached && *reaches;
            }
        }
        paths
    }

    /// Number of edges; none where no path joins input and output.
    pub(super) fn count(&self) -> usize {
        self.edges.iter().filter(|edge| **edge).count()
    }

    /// The vertices between input and output that are on paths, in the order in which their labels and edges, written down,
    /// come first of all orders that go along the edges. With more vertices than can be tried they stay in their own order.
    fn canonical(&self, labels: &[usize]) -> Vec<usize> {
        let last = self.vertices - 1;
        let is_on_path = |vertex: &usize| (0..*vertex).any(|from| self.has(from, *vertex));
        let inner: Vec<usize> = (1..last).filter(is_on_path).collect();
        if inner.len() > MAX_PERMUTED {
            return inner;
        }
        let written = |order: &Vec<usize>| -> Vec<usize> {
            let all: Vec<usize> = [0].into_iter().chain(order.iter().copied()).chain([last]).collect();
            let edges = all.iter().flat_map(|from| all.iter().map(|to| usize::from(self.joins(*from, *to))));
            order.iter().map(|vertex| labels[vertex - 1]).chain(edges).collect()
        };
        // Along the edges, so that no vertex has fewer channels than one that reads it.
        let goes_along = |order: &Vec<usize>| {
            (0..order.len()).all(|place| (0..place).all(|before| !self.joins(order[place], order[before])))
        };
        permutations(&inner).into_iter().filter(goes_along).min_by_key(written).unwrap_or_default()
    }

    fn joins(&self, from: usize, to: usize) -> bool {
        from < to && self.has(from, to)
    }

    fn has(&self, from: usize, to: usize) -> bool {
        self.edges[pair(from, to)]
    }

    /// Channels of each vertex: what the output has is shared among the vertices that it reads; others have as many as
    /// the widest that reads them. What is left over goes to vertices in an order that their numbers have no part in, so
    /// that isomorphic cells are one network.
    fn channels(&self, input: u32, output: u32, labels: &[usize]) -> Vec<u32> {
        let last = self.vertices - 1;
        let mut channels = vec![0; self.vertices];
        (channels[0], channels[last]) = (input, output);
        let mut read: Vec<usize> = (1..last).filter(|vertex| self.has(*vertex, last)).collect();
        let count = (read.len() as u32).max(1);
        if !output.is_multiple_of(count) {
            let order = self.canonical(labels);
            read.sort_by_key(|vertex| order.iter().position(|other| other == vertex));
        }
        for (place, vertex) in read.into_iter().enumerate() {
            channels[vertex] = output / count + u32::from((place as u32) < output % count);
        }
        for vertex in (1..last).rev().filter(|vertex| !self.has(*vertex, last)) {
            let widest = (vertex + 1..last).filter(|to| self.has(vertex, *to)).map(|to| channels[to]).max();
            channels[vertex] = widest.unwrap_or(0);
        }
        channels
    }
}

fn permutations(things: &[usize]) -> Vec<Vec<usize>> {
    let Some((first, rest)) = things.split_first() else { return vec![Vec::new()] };
    let with_first = |order: Vec<usize>| {
        (0..=order.len()).map(move |place| {
            let mut longer = order.clone();
            longer.insert(place, *first);
            longer
        })
    };
    permutations(rest).into_iter().flat_map(with_first).collect()
}

/// Place of an edge in the list of all.
fn pair(from: usize, to: usize) -> usize {
    to * (to - 1) / 2 + from
}

impl Builder<'_> {
    /// Where decisions are open, every edge is there, and what goes along it is scaled by the probability that it is.
    pub(super) fn matrix(&mut self, matrix: &Compiled, input: usize, place: &Place) -> Result<usize, SpaceError> {
        let paths = match self.is_open() {
            true => Paths { vertices: matrix.vertices, edges: vec![true; matrix.edges.len()] },
            false => Paths::of(matrix.vertices, &matrix.edges, self.values),
        };
        let last = matrix.vertices - 1;
        let labels: Vec<usize> = matrix.operations.iter().map(|item| item.chosen(self.values).unwrap_or(0)).collect();
        let channels = paths.channels(self.shapes[input].channels(), place.out, &labels);
        let mut vertices = vec![input];
        for (vertex, channels) in channels.into_iter().enumerate().take(last).skip(1) {
            let place = place.within(&format!("vertex-{vertex}"));
            let mut read = Vec::new();
            for from in (1..vertex).filter(|from| paths.has(*from, vertex)) {
                let part = self.truncated(vertices[from], channels, &place)?;
                read.push(self.along(matrix, part, (from, vertex), &place)?);
            }
            if paths.has(0, vertex) {
                let part = self.projected(matrix, input, channels, &place)?;
                read.push(self.along(matrix, part, (0, vertex), &place)?);
            }
            // One that is on no path stands for nothing.
            vertices.push(match read.is_empty() {
                true => input,
                false => {
                    let sum = self.merge(Merge::Add, read, &place)?;
                    let inner = Place { out: channels, stride: 1, ..place.clone() };
                    self.item(&matrix.operations[vertex - 1], &mut vec![sum], &inner)?
                }
            });
        }
        let read = (1..last).filter(|vertex| paths.has(*vertex, last));
        let stacked = read.map(|vertex| self.along(matrix, vertices[vertex], (vertex, last), place));
        let stacked = stacked.collect::<Result<Vec<_>, _>>()?;
        if stacked.is_empty() {
            let projected = self.projected(matrix, input, place.out, place)?;
            return self.along(matrix, projected, (0, last), place);
        }
        let stacked = self.merge(Merge::Concat, stacked, place)?;
        if !paths.has(0, last) {
            return Ok(stacked);
        }
        let projected = self.projected(matrix, input, place.out, place)?;
        let projected = self.along(matrix, projected, (0, last), place)?;
        self.merge(Merge::Add, vec![stacked, projected], place)
    }

    /// What goes along an edge: all of it where it is settled that the edge is there.
    fn along(
        &mut self,
        matrix: &Compiled,
        part: usize,
        (from, to): (usize, usize),
        place: &Place,
    ) -> Result<usize, SpaceError> {
        if !self.is_open() {
            return Ok(part);
        }
        let term = self.term_of_yes(matrix.edges[pair(from, to)])?;
        self.choice(&place.within(&format!("edge-{from}-{to}")).name, vec![(part, vec![term])])
    }

    fn projected(
        &mut self,
        matrix: &Compiled,
        input: usize,
        channels: u32,
        place: &Place,
    ) -> Result<usize, SpaceError> {
        let inner = Place { out: channels, stride: 1, ..place.within("project") };
        self.item(&matrix.project, &mut vec![input], &inner)
    }

    /// The first channels of a map.
    fn truncated(&mut self, from: usize, channels: u32, place: &Place) -> Result<usize, SpaceError> {
        if self.shapes[from].channels() == channels {
            return Ok(from);
        }
        self.node(&place.within("truncate").name, Op::Truncate { channels }, vec![from])
    }
}

impl Compiled {
    /// Operations stand on the edges that lead to their vertices; those into the output carry `output`.
    pub(super) fn graph(&self, name: &str, values: &[Value]) -> CellGraph {
        let paths = Paths::of(self.vertices, &self.edges, values);
        let last = self.vertices - 1;
        let chosen = |vertex: usize| self.operations.get(vertex - 1)?.chosen(values);
        let pairs = (1..self.vertices).flat_map(|to| (0..to).map(move |from| (from, to)));
        let edges = pairs.filter(|(from, to)| paths.has(*from, *to)).filter_map(|(from, to)| {
            let operation = if to == last { self.labels.len() } else { chosen(to)? };
            Some((from, to, operation))
        });
        CellGraph {
            name: name.to_owned(),
            vertices: self.vertices,
            inputs: 1,
            outputs: vec![last],
            operations: self.labels.iter().cloned().chain(["output".into()]).collect(),
            edges: edges.collect(),
        }
    }
}
