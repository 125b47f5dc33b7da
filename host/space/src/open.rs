//! Networks whose decisions are open: every alternative is there, and coefficients say how much of each.

use crate::{Decision, Domain, Network, Op, SpaceError};

/// The mixture of all networks of a space, as DARTS relaxes one (Liu, Simonyan & Yang 2019, section 2.2).
///
/// It is computed with a probability for each label of each categorical decision, all in one flat list; `rows` says which
/// are whose. Those of a decision that exists under conditions are the probabilities given that the conditions hold.
/// Constraints have no part in it.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenNetwork {
    /// The network, not simplified. Its nodes have the names that they have in the network of a point, so that weights go
    /// by the same names.
    pub network: Network,
    /// The nodes that mix, in their order.
    pub choices: Vec<Choice>,
    /// The categorical decisions, as [`rows`] gives them.
    pub rows: Vec<Row>,
}

/// A node of an [`OpenNetwork`], written as an [`Op::Add`] of inputs of one shape. Its value is the sum of its inputs, each
/// times a coefficient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Index of the node.
    pub node: usize,
    /// For each input the places in the list of probabilities whose sum is its coefficient.
    pub terms: Vec<Vec<usize>>,
}

/// The probabilities of one categorical decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index of the decision.
    pub decision: usize,
    /// Place of its first label in the list of probabilities.
    pub offset: usize,
    /// Number of its labels.
    pub length: usize,
}

/// The rows of the categorical decisions among `decisions`, one behind the other, in the order of the decisions. Other
/// decisions have none.
pub fn rows(decisions: &[Decision]) -> Vec<Row> {
    let mut offset = 0;
    let categorical = decisions.iter().enumerate().filter_map(|(decision, one)| match &one.domain {
        Domain::Categorical(labels) => Some((decision, labels.len())),
        _ => None,
    });
    let row = |(decision, length)| {
        offset += length;
        Row { decision, offset: offset - length, length }
    };
    categorical.map(row).collect()
}

impl OpenNetwork {
    /// Length of the list of probabilities.
    pub fn probabilities(&self) -> usize {
        self.rows.last().map_or(0, |row| row.offset + row.length)
    }

    /// Checks that the network is valid, that its rows are those of `decisions`, and that choices are sums whose inputs have
    /// coefficients from the list of probabilities.
    ///
    /// # Errors
    /// Names the node that is malformed.
    pub fn check(&self, decisions: &[Decision]) -> Result<(), SpaceError> {
        self.network.footprint()?;
        if self.rows != rows(decisions) {
            return Err(SpaceError::Network("the rows of the mixture are not those of the space's decisions".into()));
        }
        if !self.choices.is_sorted_by(|left, right| left.node < right.node) {
            return Err(SpaceError::Network("the choices of the mixture are not in the order of their nodes".into()));
        }
        let all = self.probabilities();
        for Choice { node, terms } in &self.choices {
            let Some(node) = self.network.nodes.get(*node) else {
                return Err(SpaceError::Network(format!("a choice is node {node}, which there is not")));
            };
            if node.op != Op::Add || node.inputs.len() != terms.len() {
                let problem = format!("a choice is an `add` with terms for each input, these are for {}", terms.len());
                return Err(node.problem(problem));
            }
            if let Some(place) = terms.iter().flatten().find(|place| **place >= all) {
                return Err(node.problem(format!("there is no probability {place}, of {all}")));
            }
        }
        Ok(())
    }
}
