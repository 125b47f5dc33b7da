//! Simulated workers on a simulated clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use crate::executor::{ActionResult, ExecutorEvent};

/// Workers who take as long over what they are handed as its outcome says.
///
/// What comes of what is handed over is determined by that alone.
pub(crate) struct Workers {
    count: usize,
    now: f64,
    /// Ends of what is worked on, in the order of time and then of tickets.
    ends: BinaryHeap<Reverse<(Time, u64)>>,
    results: HashMap<u64, ActionResult>,
    waiting: VecDeque<(u64, f64)>,
}

/// A moment. None is NaN: seconds are sums of finite ones.
#[derive(Clone, Copy, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Workers {
    /// So many workers, at least one.
    pub(crate) fn new(count: usize) -> Self {
        let (ends, results, waiting) = (BinaryHeap::new(), HashMap::new(), VecDeque::new());
        Self { count: count.max(1), now: 0.0, ends, results, waiting }
    }

    /// Hands over what will come of an action.
    pub(crate) fn submit(&mut self, ticket: u64, result: ActionResult) {
        // What fails costs nothing.
        let seconds = result.as_ref().map_or(0.0, |outcome| outcome.seconds);
        self.results.insert(ticket, result);
        if self.ends.len() < self.count {
            self.ends.push(Reverse((Time(self.now + seconds), ticket)));
        } else {
            self.waiting.push_back((ticket, seconds));
        }
    }

    /// With patience, time goes on to the next end; without, only what ends now is told.
    pub(crate) fn next(&mut self, patience: Duration) -> Option<ExecutorEvent> {
        let Reverse((Time(end), ticket)) = *self.ends.peek()?;
        if patience.is_zero() && end > self.now {
            return None;
        }
        self.ends.pop();
        self.now = end;
        if let Some((ticket, seconds)) = self.waiting.pop_front() {
            self.ends.push(Reverse((Time(self.now + seconds), ticket)));
        }
        let result = self.results.remove(&ticket)?;
        Some(ExecutorEvent::Ended { ticket, result })
    }

    /// Seconds on the clock.
    pub(crate) fn now(&self) -> f64 {
        self.now
    }
}
