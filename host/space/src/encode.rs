//! Architectures as feature vectors.

use crate::space::count;
use crate::{CellGraph, Decision, Domain, SpaceError, Value};

/// Longest vector that is given.
const MAX_FEATURES: u64 = 100_000;

/// Ways to make a feature vector of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// For each decision in order: one feature for each value of a categorical one, which is 1 for the value chosen; one
    /// feature in [0, 1] for an ordinal, integer or real one. Inactive decisions are all zeros.
    OneHot,
    /// For each cell: for each pair of vertices in order, one feature for each operation, which is 1 where an edge with
    /// that operation joins them (Ying et al. 2019).
    Adjacency,
    /// For each cell: one feature for each sequence of operations, which is 1 where a path from an input to the output
    /// carries it (White et al. 2021).
    Path,
}

pub(crate) fn one_hot(decisions: &[Decision], values: &[Value]) -> Vec<f32> {
    let mut features = Vec::new();
    for (decision, value) in decisions.iter().zip(values) {
        match &decision.domain {
            Domain::Categorical(labels) => {
                features.extend((0..labels.len() as u32).map(|label| f32::from(*value == Value::Index(label))));
            }
            domain => features.push(scaled(domain, *value) as f32),
        }
    }
    features
}

/// A numeric decision's value by its place in the domain, in [0, 1].
fn scaled(domain: &Domain, value: Value) -> f64 {
    let between = |low: f64, high: f64, value: f64, log_scale: bool| {
        let (low, high, value) = if log_scale { (low.ln(), high.ln(), value.ln()) } else { (low, high, value) };
        if high > low { (value - low) / (high - low) } else { 1.0 }
    };
    match (domain, value) {
        (Domain::Ordinal(_), Value::Index(index)) => {
            let last = count(domain).unwrap_or(1).saturating_sub(1) as f64;
            between(0.0, last, f64::from(index), false)
        }
        (Domain::Integer { low, high, log_scale }, Value::Integer(value)) => {
            between(*low as f64, *high as f64, value as f64, *log_scale)
        }
        (Domain::Real { low, high, log_scale }, Value::Real(value)) => between(*low, *high, value, *log_scale),
        _ => 0.0,
    }
}

pub(crate) fn adjacency(cells: &[CellGraph]) -> Result<Vec<f32>, SpaceError> {
    let mut features = Vec::new();
    for cell in some(cells)? {
        let pairs = (cell.vertices * cell.vertices.saturating_sub(1) / 2) as u64;
        check_length(features.len() as u64 + pairs * cell.operations.len() as u64)?;
        let start = features.len();
        features.resize(start + pairs as usize * cell.operations.len(), 0.0);
        for (from, to, operation) in &cell.edges {
            // Pairs are ordered by their later vertex, then by the earlier one.
            let pair = to * (to - 1) / 2 + from;
            features[start + pair * cell.operations.len() + operation] = 1.0;
        }
    }
    Ok(features)
}

pub(crate) fn path(cells: &[CellGraph]) -> Result<Vec<f32>, SpaceError> {
    let mut features = Vec::new();
    for cell in some(cells)? {
        let base = cell.operations.len() as u64;
        // A path has an operation for each vertex it passes behind the first input, at most.
        let longest = (cell.vertices - cell.inputs.max(1)) as u32;
        let mut length: u64 = 0;
        for steps in 0..=longest {
            length = base.checked_pow(steps).and_then(|paths| length.checked_add(paths)).unwrap_or(u64::MAX);
        }
        let total = length.saturating_mul(cell.inputs.max(1) as u64);
        check_length((features.len() as u64).saturating_add(total))?;
        let start = features.len();
        features.resize(start + total as usize, 0.0);
        for input in 0..cell.inputs.max(1) {
            mark(cell, input, 0, 0, start + input * length as usize, &mut features);
        }
    }
    Ok(features)
}

/// Marks every path that goes on from `vertex`. `code` numbers the operations so far among the sequences of their length,
/// of which `shorter` sequences come before.
fn mark(cell: &CellGraph, vertex: usize, code: usize, shorter: usize, start: usize, features: &mut [f32]) {
    if vertex + 1 == cell.vertices {
        features[start + shorter + code] = 1.0;
        return;
    }
    let base = cell.operations.len();
    for (_, to, operation) in cell.edges.iter().filter(|(from, _, _)| *from == vertex) {
        // Sequences one longer: all shorter ones, 1 + base + base^2 + ..., come before.
        mark(cell, *to, code * base + operation, shorter * base + 1, start, features);
    }
}

fn some(cells: &[CellGraph]) -> Result<&[CellGraph], SpaceError> {
    if cells.is_empty() {
        let problem = "this space has no `edges` or `nodes` module to encode: use the one-hot encoding";
        return Err(SpaceError::Unsupported(problem.into()));
    }
    Ok(cells)
}

fn check_length(length: u64) -> Result<(), SpaceError> {
    if length > MAX_FEATURES {
        return Err(SpaceError::Limit { what: "features of an encoding".into(), found: length, limit: MAX_FEATURES });
    }
    Ok(())
}
