//! Which nodes of a network a forward pass computes, and how.

use tch::Tensor;

use crate::Problem;
use crate::model::{Mode, Model, Scores};

/// Results by node, of a sequence all steps one after the other: rows are examples, or steps x sequences. Nothing of those that are not computed, not yet, or not needed any more.
pub(crate) type Results = Vec<Option<Tensor>>;

/// Computes the operation of a node.
pub(crate) type Plain<'a> = &'a mut dyn FnMut() -> Result<Option<Tensor>, Problem>;

/// A way through a network.
pub(crate) trait Route {
    /// For each node, the node after which its result is not needed any more.
    fn last_use(&self) -> &[usize];

    /// The result of a node over so many rows; nothing where the way leaves it out.
    fn result(&self, index: usize, rows: i64, results: &Results, plain: Plain<'_>) -> Result<Option<Tensor>, Problem>;
}

/// Every node, by its operation.
pub(crate) struct Whole<'a>(pub(crate) &'a [usize]);

impl Route for Whole<'_> {
    fn last_use(&self) -> &[usize] {
        self.0
    }

    fn result(&self, _: usize, _: i64, _: &Results, plain: Plain<'_>) -> Result<Option<Tensor>, Problem> {
        plain()
    }
}

/// What gives scores for a batch.
pub(crate) trait Forward {
    /// The weights.
    fn model(&self) -> &Model;

    /// As [`Model::forward`].
    fn forward(&self, input: &Tensor, mode: Mode) -> Result<Scores, Problem>;

    /// As [`Model::unroll`].
    fn unroll(&self, tokens: &Tensor, states: &mut [Tensor], mode: Mode) -> Result<Scores, Problem>;
}

impl Forward for Model {
    fn model(&self) -> &Model {
        self
    }

    fn forward(&self, input: &Tensor, mode: Mode) -> Result<Scores, Problem> {
        self.forward(input, mode)
    }

    fn unroll(&self, tokens: &Tensor, states: &mut [Tensor], mode: Mode) -> Result<Scores, Problem> {
        self.unroll(tokens, states, mode)
    }
}
