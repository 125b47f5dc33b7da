//! NAS-Bench-101's matrices and labels.

use std::collections::BTreeMap;
use std::fmt;

use super::python::{Literal, listed, parse};
use super::{GenotypeError, Graph};
use crate::{Space, SpaceError};

/// A cell as an upper triangular matrix of edges and a label for each vertex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixGenotype {
    /// Whether it was written as JSON.
    json: bool,
    matrix: Vec<Vec<bool>>,
    /// `input`, operations, `output`.
    ops: Vec<String>,
}

impl MatrixGenotype {
    pub(super) fn parse(text: &str) -> Result<Self, GenotypeError> {
        let wrong = |problem: String| Err(GenotypeError::new(0, problem));
        let Literal::Call { name, arguments } = parse(text)? else { return wrong("it is no genotype".into()) };
        // ModelSpec's arguments have an order; JSON's have not.
        let given = |key: &str, place: usize| {
            let named = arguments.iter().find(|(name, _)| name.as_deref() == Some(key));
            named.or_else(|| arguments.get(place).filter(|(name, _)| name.is_none())).map(|(_, value)| value)
        };
        let (Some(matrix), Some(ops)) = (given("matrix", 0), given("ops", 1)) else {
            return wrong("it has to have `matrix` and `ops`".into());
        };
        let matrix = match matrix {
            Literal::List(rows) => rows.iter().map(Literal::indices).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let ops = match ops {
            Literal::List(ops) => ops.iter().map(text_of).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let (Some(matrix), Some(ops)) = (matrix, ops) else {
            return wrong("`matrix` has to be a list of rows of 0 and 1, and `ops` a list of labels".into());
        };
        let count = ops.len();
        if count < 2 || ops[0] != "input" || ops[count - 1] != "output" {
            return wrong("`ops` has to start with `input` and to end with `output`".into());
        }
        if matrix.len() != count || matrix.iter().any(|row| row.len() != count) {
            return wrong(format!("`matrix` has to have {count} rows and columns, one for each of `ops`"));
        }
        let upper = |(row, values): (usize, &Vec<usize>)| {
            values.iter().enumerate().all(|(column, value)| *value == 0 || (*value == 1 && column > row))
        };
        if !matrix.iter().enumerate().all(upper) {
            return wrong("`matrix` has to be 0 or 1 above the diagonal and 0 elsewhere".into());
        }
        let matrix = matrix.into_iter().map(|row| row.into_iter().map(|value| value == 1).collect()).collect();
        Ok(Self { json: name.is_empty(), matrix, ops })
    }

    pub(super) fn labels(&self, space: &Space) -> Result<BTreeMap<String, String>, SpaceError> {
        let Some(graph) = cell(space) else {
            return Err(SpaceError::Unsupported("this space has no cell with operations on its vertices".into()));
        };
        let (count, vertices) = (self.ops.len(), graph.vertices);
        if count > vertices {
            let problem = format!("the genotype has {count} vertices, a cell of this space at most {vertices}");
            return Err(SpaceError::Unsupported(problem));
        }
        // A smaller cell is one whose further vertices, before the output, join nothing.
        let place = |vertex: usize| if vertex + 1 == count { vertices - 1 } else { vertex };
        let mut labels = BTreeMap::new();
        for to in 1..vertices {
            for from in 0..to {
                labels.insert(graph.edge(from, to), "no".to_owned());
            }
        }
        for (from, row) in self.matrix.iter().enumerate() {
            for (to, _) in row.iter().enumerate().filter(|(_, edge)| **edge) {
                labels.insert(graph.edge(place(from), place(to)), "yes".to_owned());
            }
        }
        for vertex in 1..vertices - 1 {
            let decision = operation(&graph, vertex);
            let label = match self.ops.get(vertex).filter(|_| vertex + 1 < count) {
                Some(operation) => super::label(space, &decision, operation)?,
                None => first_label(space, &decision),
            };
            labels.insert(decision, label);
        }
        Ok(labels)
    }

    /// The cell of a point; vertices without edges are left out.
    pub(super) fn of(space: &Space, labels: &BTreeMap<String, String>) -> Option<Self> {
        let graph = cell(space)?;
        let vertices = graph.vertices;
        let joins = |from: usize, to: usize| labels.get(&graph.edge(from, to)).is_some_and(|edge| edge == "yes");
        let last = vertices - 1;
        let is_joined = |vertex: usize| {
            (0..vertex).any(|from| joins(from, vertex)) || (vertex + 1..vertices).any(|to| joins(vertex, to))
        };
        let kept: Vec<usize> =
            (0..vertices).filter(|vertex| *vertex == 0 || *vertex == last || is_joined(*vertex)).collect();
        let ops = kept.iter().map(|vertex| match *vertex {
            0 => Some("input".to_owned()),
            vertex if vertex == last => Some("output".to_owned()),
            vertex => labels.get(&operation(&graph, vertex)).cloned(),
        });
        let row = |from: &usize| kept.iter().map(|to| from < to && joins(*from, *to)).collect();
        Some(Self { json: false, matrix: kept.iter().map(row).collect(), ops: ops.collect::<Option<_>>()? })
    }
}

fn text_of(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn first_label(space: &Space, decision: &str) -> String {
    let found = space.decisions().iter().find(|one| one.name == decision);
    match found.map(|one| &one.domain) {
        Some(crate::Domain::Categorical(labels)) => labels.first().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

/// A space's only cell whose edges are there or not.
fn cell(space: &Space) -> Option<Graph> {
    Graph::of(space).filter(|graph| graph.bare)
}

/// Name of the decision of a vertex between input and output.
fn operation(graph: &Graph, vertex: usize) -> String {
    format!("{}vertex-{vertex}", graph.prefix)
}

impl fmt::Display for MatrixGenotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.json { "{\"matrix\": [" } else { "ModelSpec(matrix=[" })?;
        let bits = |row: &Vec<bool>| row.iter().map(|edge| u8::from(*edge)).collect::<Vec<_>>();
        listed(f, self.matrix.iter().map(|row| format!("{:?}", bits(row))))?;
        f.write_str(if self.json { "], \"ops\": [" } else { "], ops=[" })?;
        let quote = if self.json { '"' } else { '\'' };
        listed(f, self.ops.iter().map(|op| format!("{quote}{op}{quote}")))?;
        f.write_str(if self.json { "]}" } else { "])" })
    }
}
