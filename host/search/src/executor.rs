//! What carries out actions: the seam between the search and the machines that train.

use std::time::Duration;

use archwright_protocol::{Action, Checkpoint, Failure, Metrics, Outcome};

/// What became of an action.
pub type ActionResult = Result<Outcome, Failure>;

/// Carries out actions, several at a time. Nothing in an action is bound to this machine.
pub trait Executor {
    /// Hands over an action; `ticket` names it in events. It may keep its state in `checkpoint` while it goes on, and goes
    /// on from there where there is one.
    fn submit(&mut self, ticket: u64, action: Action, checkpoint: Option<Checkpoint>);

    /// The next event, or `None` where none came within `patience`.
    fn next(&mut self, patience: Duration) -> Option<ExecutorEvent>;
}

/// Something an executor tells.
#[derive(Clone, Debug)]
pub enum ExecutorEvent {
    /// An action goes on.
    Progress {
        /// The action's ticket.
        ticket: u64,
        /// Epochs finished, fractions included.
        epoch: f64,
        /// Metrics of the last finished epoch.
        metrics: Option<Metrics>,
    },
    /// A trainer was lost; its action is tried again.
    Retried {
        /// The action's ticket.
        ticket: u64,
        /// How the trainer was lost.
        failure: Failure,
    },
    /// An action ended.
    Ended {
        /// The action's ticket.
        ticket: u64,
        /// What became of it.
        result: ActionResult,
    },
}
