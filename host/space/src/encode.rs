//! Architectures as feature vectors.

use std::collections::BTreeSet;

use crate::domain::count;
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
    /// For each cell and input of it: one feature for each sequence of operations that is not empty, shorter ones first,
    /// which is 1 where a path from the input to the output carries it (White, Neiswanger & Savani 2021).
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
        let (low, high, value) =
            if log_scale { (libm::log(low), libm::log(high), libm::log(value)) } else { (low, high, value) };
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
    for cell in checked(cells)? {
        let pairs = (cell.vertices as u64).saturating_mul(cell.vertices as u64 - 1) / 2;
        let start = features.len();
        grow(&mut features, pairs.saturating_mul(cell.operations.len() as u64))?;
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
    for cell in checked(cells)? {
        let base = cell.operations.len() as u64;
        // Every operation leads to another vertex behind the inputs.
        let longest = cell.vertices - cell.inputs;
        let (mut sequences, mut total): (u64, u64) = (1, 0);
        for _ in 0..longest {
            sequences = sequences.saturating_mul(base);
            total = total.saturating_add(sequences);
        }
        let start = features.len();
        grow(&mut features, total.saturating_mul(cell.inputs as u64))?;
        for input in 0..cell.inputs {
            for feature in paths(cell, input) {
                features[start + input * total as usize + feature] = 1.0;
            }
        }
    }
    Ok(features)
}

/// The sequences of operations on paths from an input to the output, numbered: shorter ones first, those of one length as
/// numbers whose digits are operations.
fn paths(cell: &CellGraph, input: usize) -> BTreeSet<usize> {
    let base = cell.operations.len();
    // For each vertex, the number of all shorter sequences with at least one operation, and the digits.
    let mut reached: Vec<BTreeSet<(usize, usize)>> = vec![BTreeSet::new(); cell.vertices];
    let mut from_input = BTreeSet::new();
    for to in 0..cell.vertices {
        for (from, _, operation) in cell.edges.iter().filter(|(_, its, _)| *its == to) {
            if *from == input {
                from_input.insert((to, *operation));
            }
            let longer: Vec<(usize, usize)> = reached[*from]
                .iter()
                .map(|(shorter, digits)| ((shorter + 1) * base, digits * base + operation))
                .collect();
            reached[to].extend(longer);
        }
        let direct: Vec<(usize, usize)> =
            from_input.iter().filter(|(its, _)| *its == to).map(|(_, operation)| (0, *operation)).collect();
        reached[to].extend(direct);
    }
    cell.outputs.iter().flat_map(|output| &reached[*output]).map(|(shorter, digits)| shorter + digits).collect()
}

/// Adds zeros, within the limit.
fn grow(features: &mut Vec<f32>, more: u64) -> Result<(), SpaceError> {
    let length = more.saturating_add(features.len() as u64);
    if length > MAX_FEATURES {
        return Err(SpaceError::Limit { what: "features of an encoding".into(), found: length, limit: MAX_FEATURES });
    }
    features.resize(length as usize, 0.0);
    Ok(())
}

/// Cells whose graphs are well formed, at least one.
fn checked(cells: &[CellGraph]) -> Result<&[CellGraph], SpaceError> {
    if cells.is_empty() {
        let problem = "this space has no `edges` or `nodes` module to encode: use the one-hot encoding";
        return Err(SpaceError::Unsupported(problem.into()));
    }
    for CellGraph { name, vertices, inputs, outputs, operations, edges } in cells {
        let fits = (1..=*vertices).contains(inputs)
            && outputs.iter().all(|output| output < vertices)
            && edges.iter().all(|(from, to, operation)| from < to && to < vertices && *operation < operations.len());
        if !fits {
            return Err(SpaceError::Unsupported(format!("the graph of cell `{name}` is malformed")));
        }
    }
    Ok(cells)
}
