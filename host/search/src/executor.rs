//! What carries out actions: the seam between the search and the machines that train.

use std::time::Duration;

use archwright_protocol::{Action, Checkpoint, Failure, Metrics, Outcome, TrainShared};

/// What became of an action.
pub type ActionResult = Result<Outcome, Failure>;

/// Carries out actions, several at a time. Nothing in an action is bound to this machine.
pub trait Executor {
    /// Hands over work; `ticket` names it in events.
    fn submit(&mut self, ticket: u64, work: Work);

    /// The next event, or `None` where none came within `patience`.
    fn next(&mut self, patience: Duration) -> Option<ExecutorEvent>;

    /// Seconds on the clock of an executor that simulates time. What becomes of actions there is determined by what was
    /// submitted and when, so that a run which goes on makes its past again rather than reading it.
    fn clock(&self) -> Option<f64> {
        None
    }
}

/// An action, and what may help to carry it out.
#[derive(Clone, Debug)]
pub struct Work {
    /// What to do.
    pub action: Action,
    /// It may keep its state here while it goes on, and goes on from there where there is one.
    pub checkpoint: Option<Checkpoint>,
    /// How to come to the shared weights that it starts from, where they are not at hand.
    pub ancestry: Vec<TrainShared>,
    /// Whether it should go where others that asked for this went, because it goes on from what they left there.
    pub together: bool,
}

impl Work {
    /// An action and nothing else.
    pub fn new(action: Action) -> Self {
        Self { action, checkpoint: None, ancestry: Vec::new(), together: false }
    }
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
