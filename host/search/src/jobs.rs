//! Actions under way, and the order in which their outcomes are delivered.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use archwright_protocol::{Failure, FailureKind, Outcome};
use archwright_store::{Store, StoreError};

use crate::action::Keyed;
use crate::executor::{ActionResult, Executor, ExecutorEvent};
use crate::experiment::TellOrder;
use crate::report::{Event, Observer};
use crate::stop::Stop;

/// How long a wait for an outcome goes before it looks whether somebody wants to stop.
const POLL: Duration = Duration::from_millis(100);

/// An outcome on its way to whoever asked for it.
#[derive(Debug)]
pub(crate) struct Delivery<T> {
    /// Who asked.
    pub(crate) owner: T,
    /// What became of the action.
    pub(crate) result: ActionResult,
    /// Whether the outcome was remembered, rather than made for this request.
    pub(crate) remembered: bool,
}

/// Actions under way.
///
/// In [`TellOrder::Query`] outcomes are delivered in the order in which their actions were requested. What a run does
/// next then depends on what was delivered alone, never on which trainer was faster.
pub(crate) struct Jobs<'a, T> {
    executor: &'a mut dyn Executor,
    store: &'a Store,
    order: TellOrder,
    cache: bool,
    next_ticket: u64,
    pending: VecDeque<(T, Source)>,
    /// Tickets of actions under way, by key: a second request for the same waits for the first.
    under_way: HashMap<String, u64>,
    keys: BTreeMap<u64, String>,
    ended: HashMap<u64, ActionResult>,
}

enum Source {
    Remembered(Box<Outcome>),
    Refused(Failure),
    Ticket { ticket: u64, first: bool },
}

impl<'a, T> Jobs<'a, T> {
    pub(crate) fn new(executor: &'a mut dyn Executor, store: &'a Store, order: TellOrder, cache: bool) -> Self {
        Self {
            executor,
            store,
            order,
            cache,
            next_ticket: 0,
            pending: VecDeque::new(),
            under_way: HashMap::new(),
            keys: BTreeMap::new(),
            ended: HashMap::new(),
        }
    }

    /// Requests an action, or takes its outcome from memory. An action that could not be made is delivered as failed.
    pub(crate) fn request(&mut self, owner: T, action: Result<Keyed, String>) -> Result<(), StoreError> {
        let source = match action {
            Err(message) => Source::Refused(Failure { kind: FailureKind::Unsupported, message }),
            Ok(Keyed { action, key }) => {
                if let Some(ticket) = self.under_way.get(&key) {
                    Source::Ticket { ticket: *ticket, first: false }
                } else if let Some(outcome) = self.remembered(&key, wants_weights(&action))? {
                    Source::Remembered(Box::new(outcome))
                } else {
                    let ticket = self.next_ticket;
                    self.next_ticket += 1;
                    self.under_way.insert(key.clone(), ticket);
                    self.keys.insert(ticket, key);
                    self.executor.submit(ticket, action);
                    Source::Ticket { ticket, first: true }
                }
            }
        };
        self.pending.push_back((owner, source));
        Ok(())
    }

    fn remembered(&self, key: &str, weights: bool) -> Result<Option<Outcome>, StoreError> {
        if !self.cache {
            return Ok(None);
        }
        let usable = |outcome: &Outcome| {
            !weights || outcome.weights.as_deref().is_some_and(|digest| self.store.has_weights(digest))
        };
        Ok(self.store.outcome(key)?.filter(usable))
    }

    /// Waits for the next delivery; `None` where nothing is under way or `stop` was requested.
    pub(crate) fn deliver(
        &mut self,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Option<Delivery<T>>, StoreError> {
        while !self.pending.is_empty() && !stop.requested() {
            if let Some(index) = self.deliverable() {
                return Ok(self.pending.remove(index).map(|(owner, source)| self.fulfil(owner, source)));
            }
            match self.executor.next(POLL) {
                Some(ExecutorEvent::Progress { epoch, metrics, .. }) => {
                    observer.on(Event::Progress { epoch, metrics });
                }
                Some(ExecutorEvent::Retried { failure, .. }) => observer.on(Event::Retried(&failure)),
                Some(ExecutorEvent::Ended { ticket, result }) => self.end(ticket, result)?,
                None => {}
            }
        }
        Ok(None)
    }

    /// Place of the request that is delivered next, where its outcome is there.
    fn deliverable(&self) -> Option<usize> {
        let there = |source: &Source| match source {
            Source::Remembered(_) | Source::Refused(_) => true,
            Source::Ticket { ticket, .. } => self.ended.contains_key(ticket),
        };
        match self.order {
            TellOrder::Query => self.pending.front().filter(|(_, source)| there(source)).map(|_| 0),
            TellOrder::Arrival => self.pending.iter().position(|(_, source)| there(source)),
        }
    }

    fn fulfil(&mut self, owner: T, source: Source) -> Delivery<T> {
        match source {
            Source::Remembered(outcome) => Delivery { owner, result: Ok(*outcome), remembered: true },
            Source::Refused(failure) => Delivery { owner, result: Err(failure), remembered: false },
            Source::Ticket { ticket, first } => {
                let result = self.ended.get(&ticket).cloned().unwrap_or_else(|| {
                    Err(Failure { kind: FailureKind::Internal, message: "the outcome was lost".into() })
                });
                let wanted =
                    |source: &Source| matches!(source, Source::Ticket { ticket: other, .. } if *other == ticket);
                if !self.pending.iter().any(|(_, source)| wanted(source)) {
                    self.ended.remove(&ticket);
                    if let Some(key) = self.keys.remove(&ticket) {
                        self.under_way.remove(&key);
                    }
                }
                Delivery { owner, result, remembered: !first }
            }
        }
    }

    /// Takes note of an action's end. An outcome is on disk before anybody sees it.
    fn end(&mut self, ticket: u64, result: ActionResult) -> Result<(), StoreError> {
        if let (Ok(outcome), Some(key)) = (&result, self.keys.get(&ticket)) {
            self.store.record_outcome(key, outcome)?;
        }
        self.ended.insert(ticket, result);
        Ok(())
    }

    /// Keeps outcomes that came after the last delivery, so that stopping loses none of them.
    pub(crate) fn keep_arrived(&mut self) -> Result<(), StoreError> {
        while let Some(event) = self.executor.next(Duration::ZERO) {
            if let ExecutorEvent::Ended { ticket, result } = event {
                self.end(ticket, result)?;
            }
        }
        Ok(())
    }
}

fn wants_weights(action: &archwright_protocol::Action) -> bool {
    matches!(action, archwright_protocol::Action::Train(train) if train.keep_weights)
}
