//! NAS-Bench-201's strings.

use std::collections::BTreeMap;
use std::fmt;

use super::{GenotypeError, Graph, label, later_vertex};
use crate::{Decision, Space, SpaceError};

/// A cell with an operation on each edge: for each vertex but the first, the operations on the edges from all before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeGenotype {
    vertices: Vec<Vec<String>>,
}

impl EdgeGenotype {
    pub(super) fn parse(text: &str) -> Result<Self, GenotypeError> {
        let mut vertices = Vec::new();
        let mut place = 0;
        for (before, vertex) in text.split('+').enumerate() {
            let wrong = |problem: String| Err(GenotypeError::new(place, problem));
            let inner = vertex.trim();
            let Some(inner) = inner.strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else {
                return wrong("each vertex stands between two `|`".into());
            };
            let mut operations = Vec::new();
            for (from, edge) in inner.split('|').enumerate() {
                match edge.split_once('~') {
                    Some((operation, input)) if input.trim() == from.to_string() => {
                        operations.push(operation.trim().to_owned());
                    }
                    _ => return wrong(format!("`{edge}` has to be an operation and its input: `operation~{from}`")),
                }
            }
            if operations.len() != before + 1 {
                let vertex = before + 1;
                return wrong(format!("vertex {vertex} has {} edges instead of {vertex}", operations.len()));
            }
            vertices.push(operations);
            place += vertex.chars().count() + 1;
        }
        Ok(Self { vertices })
    }

    pub(super) fn labels(&self, space: &Space) -> Result<BTreeMap<String, String>, SpaceError> {
        let Some(graph) = cell(space) else {
            return Err(SpaceError::Unsupported("this space has no single cell with operations on its edges".into()));
        };
        if graph.vertices != self.vertices.len() + 1 {
            let found = self.vertices.len() + 1;
            let problem = format!("the genotype has {found} vertices, a cell of this space {}", graph.vertices);
            return Err(SpaceError::Unsupported(problem));
        }
        let mut labels = BTreeMap::new();
        for (to, operations) in (1..).zip(&self.vertices) {
            for (from, operation) in operations.iter().enumerate() {
                let decision = graph.edge(from, to);
                labels.insert(decision.clone(), label(space, &decision, operation)?);
            }
        }
        Ok(labels)
    }

    pub(super) fn of(space: &Space, labels: &BTreeMap<String, String>) -> Option<Self> {
        let graph = cell(space)?;
        let operation = |from: usize, to: usize| labels.get(&graph.edge(from, to)).cloned();
        let vertices: Option<_> =
            (1..graph.vertices).map(|to| (0..to).map(|from| operation(from, to)).collect::<Option<Vec<_>>>()).collect();
        Some(Self { vertices: vertices? })
    }
}

/// A space's only cell with operations on its edges, where all else of the network is fixed.
fn cell(space: &Space) -> Option<Graph> {
    let graph = Graph::of(space).filter(|graph| !graph.bare)?;
    let is_edge = |decision: &Decision| later_vertex(&graph.prefix, &decision.name).is_some();
    let mut decided = space.decisions().iter().filter(|decision| !decision.name.starts_with("recipe/"));
    decided.all(is_edge).then_some(graph)
}

impl fmt::Display for EdgeGenotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, operations) in self.vertices.iter().enumerate() {
            f.write_str(if place == 0 { "|" } else { "+|" })?;
            for (from, operation) in operations.iter().enumerate() {
                write!(f, "{operation}~{from}|")?;
            }
        }
        Ok(())
    }
}
