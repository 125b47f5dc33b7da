//! Carrying out again what was done for a run.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use archwright_protocol::{Action, FailureKind, Outcome, Start};
use archwright_space::seed;
use archwright_store::Store;
use serde_json::{Value, json};

use crate::action::{ActionMaker, Request};
use crate::error::SearchError;
use crate::executor::{ActionResult, Executor, ExecutorEvent, Work};
use crate::journal::{Arrival, Difference};
use crate::lock::differences;
use crate::set::Set;
use crate::shared::{Lineage, kept_start};
use crate::stop::Stop;
use crate::verify::VERIFIED;

/// A sample of a run's actions, with what came of them.
pub(crate) struct Repetition {
    count: usize,
    /// By a number that is drawn always the same.
    sample: BTreeMap<(u64, u64), (Request, Outcome)>,
    lineage: Lineage,
}

impl Repetition {
    /// A sample of so many actions.
    pub(crate) fn new(count: u64) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Self { count, sample: BTreeMap::new(), lineage: Lineage::default() }
    }

    /// Takes note of an action. In the sample are those that were carried out for the run: trainings, what was done with
    /// shared weights, and look-ups.
    pub(crate) fn see(&mut self, ticket: u64, request: &Request, arrival: &Arrival) {
        let Ok(outcome) = &arrival.result else { return };
        if let (Request::TrainShared(training), Some(identity)) = (request, &arrival.identity) {
            let name = blake3::Hash::from_bytes(identity.key).to_hex().to_string();
            self.lineage.add(name, training, outcome.weights.as_ref());
        }
        let is_wanted = match request {
            Request::Evaluate(_) => false,
            Request::LookUp(_) => true,
            _ => !arrival.remembered,
        };
        if is_wanted {
            let order = seed::derive(ticket, "repeat", 0);
            self.sample.insert((order, ticket), (request.clone(), outcome.clone()));
            if self.sample.len() > self.count {
                self.sample.pop_last();
            }
        }
    }

    /// Actions in the sample.
    pub(crate) fn count(&self) -> u64 {
        self.sample.len() as u64
    }

    /// Carries the sample out on the CPU, in the order of the run; gives what comes out otherwise, seconds and latencies
    /// aside.
    pub(crate) fn differences(self, set: &Set<'_>) -> Result<Vec<Difference>, SearchError> {
        let Set { search, store, ready, stop, .. } = *set;
        // What is trained again is of no use to anybody, and the store may be one that is only looked at.
        let folder = tempfile::tempdir().map_err(SearchError::Scratch)?;
        let (mut executor, here): (Box<dyn Executor>, _) = match search.on_table()? {
            Some((executor, here)) => (Box::new(executor), here),
            None => {
                let pool = search.pool(folder.path(), &["cpu".to_owned()], stop, VERIFIED)?;
                let here = pool.ready().clone();
                (Box::new(pool), here)
            }
        };
        let changed = differences(ready, &here);
        if !changed.is_empty() {
            return Err(SearchError::Changed(changed));
        }
        // A measurement does not repeat, and a limit that it decides by may fall out otherwise.
        let maker = ActionMaker { keep_weights: false, share_isomorphic: true, latency: None, ..set.maker() };
        let mut bench = Bench { executor: executor.as_mut(), store, weights: folder.path(), maker: &maker, stop };
        let mut sample: Vec<_> = self.sample.into_iter().map(|((_, ticket), done)| (ticket, done)).collect();
        sample.sort_by_key(|(ticket, _)| *ticket);
        let mut different = Vec::new();
        for (ticket, (request, recorded)) in sample {
            let Ok(keyed) = maker.make(&request) else { continue };
            let result = bench.carry_out(ticket, keyed.action, &self.lineage)?;
            let [recorded, here] = match result {
                Ok(outcome) => [compared(&request, &recorded), compared(&request, &outcome)],
                Err(failure) => [json!("an outcome"), json!(failure)],
            };
            if recorded != here {
                let what = format!("the outcome of action {} when it is carried out again", ticket + 1);
                different.push(Difference::inside(&what, &recorded, &here));
            }
        }
        Ok(different)
    }
}

/// What of an outcome repeats.
fn compared(request: &Request, outcome: &Outcome) -> Value {
    // Others keep no weights when they are repeated.
    let weights = outcome.weights.as_ref().filter(|_| matches!(request, Request::TrainShared(_)));
    json!([outcome.curve, outcome.metrics, outcome.gradient, outcome.test, weights])
}

/// What actions are carried out with.
struct Bench<'a> {
    executor: &'a mut dyn Executor,
    store: &'a Store,
    /// The folder of weights, which has those of the store that are needed.
    weights: &'a Path,
    maker: &'a ActionMaker<'a>,
    stop: &'a Stop,
}

impl Bench<'_> {
    /// Carries an action out, from the last shared weights that are there; where that cannot be, from the beginning.
    fn carry_out(&mut self, ticket: u64, action: Action, lineage: &Lineage) -> Result<ActionResult, SearchError> {
        let mut located = action.clone();
        lineage.locate(&mut located);
        self.lend(&located)?;
        let mut result = self.act(ticket, Work { together: true, ..Work::new(located) })?;
        for from_kept in [true, false] {
            if !matches!(&result, Err(failure) if failure.kind == FailureKind::UnknownState) {
                break;
            }
            let is_there = |digest: &str| from_kept && self.store.has_weights(digest);
            let Ok(ancestry) = lineage.ancestry(&action, self.maker, is_there) else { break };
            if let Some(first) = ancestry.first() {
                self.lend(&Action::TrainShared(Box::new(first.clone())))?;
            }
            result = self.act(ticket, Work { ancestry, together: true, ..Work::new(action.clone()) })?;
        }
        Ok(result)
    }

    /// Has the weights that an action starts from among those of the bench, where the store has them.
    fn lend(&self, action: &Action) -> Result<(), SearchError> {
        let digest = match action {
            Action::Train(train) => match &train.start {
                Start::Resume(digest) => Some(digest),
                Start::Fresh => None,
            },
            other => kept_start(other),
        };
        let Some(digest) = digest.filter(|digest| self.store.has_weights(digest)) else { return Ok(()) };
        let from = crate::search::absolute(&self.store.weights_path(digest));
        let Some(name) = from.file_name() else { return Ok(()) };
        match symlink(&from, self.weights.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(SearchError::Scratch(error)),
            _ => Ok(()),
        }
    }

    fn act(&mut self, ticket: u64, work: Work) -> Result<ActionResult, SearchError> {
        self.executor.submit(ticket, work);
        loop {
            if self.stop.requested() {
                return Err(SearchError::Stopped { before: VERIFIED });
            }
            if let Some(ExecutorEvent::Ended { result, .. }) = self.executor.next(Duration::from_millis(100)) {
                return Ok(result);
            }
        }
    }
}
