//! From a distribution to one architecture.

use std::collections::BTreeMap;

use archwright_sdk::{Architecture, Rng, Value};

use crate::{Points, Row, Rows};

/// The label of an edge that carries nothing.
const NONE: &str = "none";
/// Points with one other choice that are tried where the derived point has no network.
const CHANGES: usize = 100;
/// Random points that are tried after those.
const SAMPLES: usize = 100;
/// A probability that rounding took to 0 still has a logarithm.
const LEAST: f64 = 1e-300;

/// Derives architectures.
#[derive(Clone, Debug)]
pub struct Derivation {
    points: Points,
    inputs_per_node: usize,
    seed: u64,
}

impl Derivation {
    /// Derives points of a space by [`choose`]. The seed is that of the random points that are tried where the derived one
    /// has no network.
    pub fn new(points: Points, inputs_per_node: u32, seed: u64) -> Self {
        Self { points, inputs_per_node: inputs_per_node as usize, seed }
    }

    /// The points that architectures are derived from.
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// The architecture derived from these probabilities: the one that [`choose`] gives or, where that has no network, the
    /// first of these that has one:
    ///
    /// 1. with one other choice, those that lose the least likelihood first, at most 100 of them;
    /// 2. the most probable of 100 random points, moved towards the derived one, choice by choice, as long as it has a
    ///    network.
    ///
    /// Nothing where none has.
    pub fn derive(&self, rows: &Rows, probabilities: &[f64]) -> Option<Architecture> {
        let choices = choose(rows, probabilities, self.inputs_per_node);
        let values = self.points.of(rows, &choices, &[]);
        let found = if self.points.has_network(&values) {
            Some(values)
        } else {
            self.changed(rows, probabilities, &choices).or_else(|| self.sampled(rows, probabilities, &choices))
        };
        found.map(Architecture::Point)
    }

    fn changed(&self, rows: &Rows, probabilities: &[f64], choices: &[usize]) -> Option<Vec<Value>> {
        let likelihood = |row: &Row, label: usize| probabilities[row.start + label].max(LEAST).ln();
        let mut changes = Vec::new();
        for (at, (row, choice)) in rows.iter().zip(choices).enumerate() {
            let others = (0..row.labels.len()).filter(|label| label != choice);
            changes.extend(others.map(|label| (likelihood(row, *choice) - likelihood(row, label), at, label)));
        }
        changes.sort_by(|left, right| left.0.total_cmp(&right.0));
        changes.into_iter().take(CHANGES).find_map(|(_, at, label)| {
            let mut choices = choices.to_vec();
            choices[at] = label;
            let values = self.points.of(rows, &choices, &[]);
            self.points.has_network(&values).then_some(values)
        })
    }

    fn sampled(&self, rows: &Rows, probabilities: &[f64], choices: &[usize]) -> Option<Vec<Value>> {
        let mut rng = Rng::new(self.seed);
        let likelihood = |values: &[Value]| -> f64 {
            let active = rows.iter().filter_map(|row| match values.get(row.decision) {
                Some(Value::Index(index)) => Some(probabilities[row.start + *index as usize].max(LEAST).ln()),
                _ => None,
            });
            active.sum()
        };
        let drawn = (0..SAMPLES).filter_map(|_| match self.points.space().sample(rng.next_u64()) {
            Architecture::Point(values) if self.points.has_network(&values) => Some((likelihood(&values), values)),
            _ => None,
        });
        let (_, mut values) = drawn.max_by(|left, right| left.0.total_cmp(&right.0))?;
        let mut chosen = self.points.choices(rows, &values, choices);
        for (at, choice) in choices.iter().enumerate() {
            let before = std::mem::replace(&mut chosen[at], *choice);
            if before == *choice {
                continue;
            }
            let moved = self.points.of(rows, &chosen, &values);
            if self.points.has_network(&moved) {
                values = moved;
            } else {
                chosen[at] = before;
            }
        }
        Some(values)
    }
}

/// An edge into a vertex.
struct Edge {
    strength: f64,
    /// Its row.
    at: usize,
    /// Its most probable label that is not `none`.
    label: usize,
    none: usize,
}

/// One label for each row: the most probable one.
///
/// With `inputs_per_node` above 0 edges follow the rule of Liu, Simonyan & Yang 2019 (section 2.4): of the edges into a
/// vertex so many are kept whose most probable label other than `none` has the largest probability, with that label; the
/// others get `none`. An edge is a row that has a label `none` and others, and whose name has a part `edge-F-T`, F and T
/// being numbers; T is its vertex, in the module that the name up to there tells. Of equals the first is kept.
pub fn choose(rows: &Rows, probabilities: &[f64], inputs_per_node: usize) -> Vec<usize> {
    let mut choices = rows.argmax(probabilities);
    if inputs_per_node == 0 {
        return choices;
    }
    let mut vertices: BTreeMap<(&str, u32), Vec<Edge>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let Some(vertex) = vertex(&row.name) else { continue };
        let Some(none) = row.labels.iter().position(|label| label == NONE) else { continue };
        let probabilities = &probabilities[row.range()];
        let others = (0..row.labels.len()).filter(|label| *label != none);
        let strongest = others.reduce(|best, one| if probabilities[one] > probabilities[best] { one } else { best });
        if let Some(label) = strongest {
            vertices.entry(vertex).or_default().push(Edge { strength: probabilities[label], at, label, none });
        }
    }
    for mut edges in vertices.into_values() {
        edges.sort_by(|left, right| right.strength.total_cmp(&left.strength));
        for (rank, edge) in edges.into_iter().enumerate() {
            choices[edge.at] = if rank < inputs_per_node { edge.label } else { edge.none };
        }
    }
    choices
}

/// The module and the vertex that the edge of this name leads to.
fn vertex(name: &str) -> Option<(&str, u32)> {
    let mut start = 0;
    for part in name.split('/') {
        let ends = part.strip_prefix("edge-").and_then(|ends| ends.split_once('-'));
        if let Some((Ok(_), Ok(to))) = ends.map(|(from, to)| (from.parse::<u32>(), to.parse::<u32>())) {
            return Some((&name[..start], to));
        }
        start += part.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, setup, space};

    use super::*;
    use crate::testing::categorical;

    #[test]
    fn names_tell_edges() {
        assert_eq!(vertex("normal/edge-0-2"), Some(("normal/", 2)));
        assert_eq!(vertex("a/b/edge-10-12/op"), Some(("a/b/", 12)));
        assert_eq!(vertex("edge-0-1"), Some(("", 1)));
        for name in ["normal/node-2/op-1", "cell/edge-0", "cell/edge-x-1", "cell/my-edge-0-1", "cell/edge-0-1-2"] {
            assert_eq!(vertex(name), None, "{name}");
        }
    }

    /// Two edges of a vertex are kept by their strongest operation but `none`, however strong that is.
    #[test]
    fn each_vertex_keeps_its_strongest_edges() {
        let labels = ["none", "skip", "conv"];
        let names = ["cell/edge-0-3", "cell/edge-1-3", "cell/edge-2-3", "other/edge-0-3", "other/kind"];
        let rows = Rows::of(&names.map(|name| categorical(name, &labels))).unwrap();
        let probabilities = [
            0.8, 0.05, 0.15, // weak: `conv` at 0.15
            0.5, 0.3, 0.2, // second: `skip` at 0.3, less than `none`
            0.1, 0.2, 0.7, // first
            0.9, 0.06, 0.04, // the only edge of its module
            0.6, 0.3, 0.1, // no edge
        ];
        assert_eq!(choose(&rows, &probabilities, 2), [0, 1, 2, 1, 0]);
        assert_eq!(choose(&rows, &probabilities, 1), [0, 0, 2, 1, 0]);
        assert_eq!(choose(&rows, &probabilities, 3), [2, 1, 2, 1, 0]);
        assert_eq!(choose(&rows, &probabilities, 0), [0, 0, 2, 0, 0]);
    }

    #[test]
    fn edges_that_must_carry_something_are_left_alone() {
        let rows = Rows::of(&[
            categorical("cell/edge-0-2", &["skip", "conv"]),
            categorical("cell/edge-1-2", &["none", "conv"]),
            categorical("cell/edge-0-1", &["none"]),
        ]);
        assert_eq!(choose(&rows.unwrap(), &[0.2, 0.8, 0.9, 0.1, 1.0], 1), [1, 1, 0]);
    }

    #[test]
    fn equals_keep_their_order() {
        let names = ["c/edge-0-3", "c/edge-1-3", "c/edge-2-3"];
        let rows = Rows::of(&names.map(|name| categorical(name, &["none", "a", "b"]))).unwrap();
        assert_eq!(choose(&rows, &[1.0 / 3.0; 9], 2), [1, 1, 0]);
    }

    fn derivation(space: archwright_sdk::Space) -> (Derivation, Rows) {
        let decisions = setup(&space, 0).decisions;
        let rows = Rows::of(&decisions).unwrap();
        (Derivation::new(Points::new(decisions, space), 0, 5), rows)
    }

    #[test]
    fn derived_points_are_the_most_probable() {
        let (derivation, rows) = derivation(bundled_space("nas-bench-201"));
        let choices = [3, 1, 2, 4, 0, 3];
        let derived = derivation.derive(&rows, &rows.one_hot(&choices)).unwrap();
        assert_eq!(derived, Architecture::Point(choices.map(|one| Value::Index(one as u32)).to_vec()));
    }

    #[test]
    fn inactive_decisions_have_no_value() {
        let (derivation, rows) = derivation(bundled_space("residual"));
        let choices: Vec<usize> = rows.iter().map(|row| row.labels.len() - 1).collect();
        let derived = derivation.derive(&rows, &rows.one_hot(&choices)).unwrap();
        let Architecture::Point(values) = &derived else { panic!("a network") };
        assert!(values.contains(&Value::Inactive));
        assert!(derivation.points().space().build(&derived).is_ok());
    }

    /// In NAS-Bench-101 an edge is there or not, and networks without a path or with too many edges are no points.
    #[test]
    fn where_the_most_probable_point_is_none_another_is_found() {
        let (derivation, rows) = derivation(bundled_space("nas-bench-101"));
        for label in [0, 1] {
            let choices: Vec<usize> = vec![label; rows.count()];
            assert!(!derivation.points().has_network(&derivation.points().of(&rows, &choices, &[])), "{label}");
            let probabilities = rows.one_hot(&choices);
            let derived = derivation.derive(&rows, &probabilities).unwrap();
            assert!(derivation.points().space().build(&derived).is_ok());
            assert_eq!(derivation.derive(&rows, &probabilities), Some(derived), "the same whenever it is asked for");
        }
    }

    /// One change is enough where one is: that which loses the least.
    #[test]
    fn the_least_unlikely_change_comes_first() {
        let text = r#"
name = "small"
summary = "One convolution of three"
network = "network"

[module.network]
kind = "chain"
layers = [
    { choose = { narrow = { op = "conv2d", kernel = 33, padding = 0, channels = 8 }, wide = { op = "conv2d", kernel = 3, channels = 16 }, wider = { op = "conv2d", kernel = 3, channels = 32 } } },
    "global-avg-pool",
    { op = "linear", features = "classes" },
]
"#;
        let (derivation, rows) = derivation(space(text));
        let derived = derivation.derive(&rows, &[0.5, 0.2, 0.3]).unwrap();
        assert_eq!(derived, Architecture::Point(vec![Value::Index(2)]));
    }
}
