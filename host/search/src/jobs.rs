//! Actions under way, and the order in which their outcomes are delivered.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use archwright_protocol::{Action, Checkpoint, Failure, FailureKind, Outcome, Ready};
use archwright_store::{About, Claim, RunId, Store};

use crate::action::{ActionMaker, Keyed, Request};
use crate::error::SearchError;
use crate::executor::{ActionResult, Executor, ExecutorEvent, Work};
use crate::experiment::{Experiment, TellOrder};
use crate::journal::{Arrival, Identity, Journal, Record};
use crate::report::{Event, Observer};
use crate::shared::{Lineage, goes_together};
use crate::stop::Stop;

/// How often a trainer is told how to come to shared weights that it does not have.
const LEADS: u32 = 2;
/// How long a wait for an outcome goes before it looks whether somebody wants to stop.
const POLL: Duration = Duration::from_millis(100);

/// An outcome on its way to whoever asked for it.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Who asked.
    pub(crate) owner: u64,
    /// What became of the action.
    pub(crate) result: ActionResult,
    /// Whether the outcome was remembered, rather than made for this request.
    pub(crate) remembered: bool,
    /// Fingerprint of the network that the action is about.
    pub(crate) network: Option<[u8; 32]>,
    /// Names the weights that came of it, for whoever asked.
    pub(crate) weights: Option<String>,
    /// Whether the latency was measured, where something wants it.
    pub(crate) measured: bool,
}

/// Actions under way.
///
/// In [`TellOrder::Query`] outcomes are delivered in the order in which their actions were requested. What a run does
/// next then depends on what was delivered alone, never on which trainer was faster.
///
/// While a journal is played back, nothing is carried out: outcomes come from the journal. What was requested and is not in
/// it is carried out once it ends.
pub(crate) struct Jobs<'a> {
    pub(crate) journal: Journal,
    run: RunId,
    executor: &'a mut dyn Executor,
    store: &'a Store,
    maker: &'a ActionMaker<'a>,
    ready: &'a Ready,
    settings: Settings,
    next_ticket: u64,
    pending: VecDeque<Pending>,
    /// What trainers of this process are at work on, by ticket.
    under_way: HashMap<u64, UnderWay>,
    /// Tickets that wait for the same action's outcome, by the action's key.
    shared: HashMap<blake3::Hash, Vec<u64>>,
    /// What another process is at work on.
    elsewhere: Vec<(u64, Keyed)>,
    /// Measurements on their way from a table. Nobody remembers them elsewhere.
    looked_up: HashSet<u64>,
    /// Keys of remembered outcomes that the store has not been told of.
    used: Vec<String>,
    /// Told about every action that is delivered, where somebody wants to know.
    pub(crate) watch: Option<Watch<'a>>,
    lineage: Lineage,
}

/// Looks at the requests and outcomes of delivered actions, by ticket.
pub(crate) type Watch<'a> = Box<dyn FnMut(u64, &Request, &Arrival) + 'a>;

#[derive(Clone, Copy)]
struct Settings {
    order: TellOrder,
    cache: bool,
    /// Seconds between checkpoints.
    checkpoint: f64,
}

/// A request whose outcome was not delivered yet.
struct Pending {
    ticket: u64,
    owner: u64,
    request: Request,
    started: bool,
}

/// An action that a trainer is at work on.
struct UnderWay {
    keyed: Keyed,
    /// How often the trainer was told how to come to the shared weights that it starts from.
    led: u32,
    /// Keeps other processes from the same work.
    _claim: Option<Claim>,
}

impl<'a> Jobs<'a> {
    pub(crate) fn new(
        run: RunId,
        journal: Journal,
        executor: &'a mut dyn Executor,
        store: &'a Store,
        maker: &'a ActionMaker<'a>,
        experiment: &Experiment,
    ) -> Self {
        let mut journal = journal;
        if let Some(clock) = executor.clock() {
            journal.remake(clock);
        }
        Self {
            journal,
            run,
            executor,
            store,
            maker,
            ready: maker.ready,
            settings: Settings {
                order: experiment.run.tell,
                cache: experiment.run.cache,
                checkpoint: experiment.trainer.checkpoint.0,
            },
            next_ticket: 0,
            pending: VecDeque::new(),
            under_way: HashMap::new(),
            shared: HashMap::new(),
            elsewhere: Vec::new(),
            looked_up: HashSet::new(),
            used: Vec::new(),
            watch: None,
            lineage: Lineage::default(),
        }
    }

    /// Requests an action. One that cannot be made is delivered as failed.
    pub(crate) fn request(&mut self, owner: u64, request: Request) -> Result<(), SearchError> {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.pending.push_back(Pending { ticket, owner, request, started: false });
        if self.is_playing()? { Ok(()) } else { self.start_all() }
    }

    /// Whether outcomes come from the journal.
    fn is_playing(&mut self) -> Result<bool, SearchError> {
        Ok(!self.journal.remakes() && self.journal.is_playing()?)
    }

    /// Waits for the next delivery; `None` where nothing is under way or `stop` was requested.
    pub(crate) fn deliver(
        &mut self,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Option<Delivery>, SearchError> {
        while !self.pending.is_empty() && !stop.requested() {
            if self.is_playing()? {
                let (ticket, owner) = self.journal.next_delivery()?;
                let place = self.pending.iter().position(|one| (one.ticket, one.owner) == (ticket, owner));
                return match place.and_then(|index| self.fulfil(index)) {
                    Some(delivery) => Ok(Some(delivery)),
                    None => Err(SearchError::Record {
                        record: self.journal.records() - 1,
                        problem: format!("it delivers action {ticket} to {owner}, who does not wait for it"),
                    }),
                };
            }
            self.start_all()?;
            self.let_go(false);
            if let Some(index) = self.deliverable() {
                let Pending { ticket, owner, .. } = &self.pending[index];
                self.journal.put(&Record::Delivered { ticket: *ticket, owner: *owner })?;
                return Ok(self.fulfil(index));
            }
            self.rest()?;
            if let Some(event) = self.executor.next(POLL) {
                self.take_in(event, observer)?;
            }
            self.look_elsewhere()?;
        }
        Ok(None)
    }

    /// Lets go of shared weights that the run has left behind, where there are more than before; of `all` that others have
    /// needed as well.
    pub(crate) fn let_go(&mut self, all: bool) {
        let behind = self.lineage.take_behind(all);
        match self.store.let_go(self.run, &behind) {
            Ok(needed) => self.lineage.still_behind(needed),
            // What stays costs space alone.
            Err(error) => {
                tracing::warn!(%error, "shared weights that are not needed any more stay");
                self.lineage.still_behind(behind);
            }
        }
    }

    /// What is done before a wait: everything so far outlives this process.
    pub(crate) fn rest(&mut self) -> Result<(), SearchError> {
        if self.journal.remakes() {
            return Ok(());
        }
        self.journal.flush()?;
        if !self.used.is_empty() {
            self.store.note_used(self.run, &self.used)?;
            self.used.clear();
        }
        Ok(())
    }

    /// Starts what was requested and is neither started nor there.
    fn start_all(&mut self) -> Result<(), SearchError> {
        for (Identity { key, network }, outcome) in self.journal.take_latest() {
            let [key, network] = [key, network].map(|bytes| blake3::Hash::from_bytes(bytes).to_hex());
            if self.settings.cache && self.store.outcome(&key)?.is_none() {
                let action = if outcome.curve.is_empty() { "evaluate" } else { "train" };
                let about =
                    About { run: Some(self.run), action, fingerprint: Some(&network), data: &self.ready.data.digest };
                self.store.record_outcome(&key, &outcome, &about)?;
            }
        }
        for index in 0..self.pending.len() {
            let Pending { ticket, started, .. } = self.pending[index];
            if !started {
                self.pending[index].started = true;
                if !self.journal.has_arrived(ticket) {
                    self.start(index)?;
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, index: usize) -> Result<(), SearchError> {
        let Pending { ticket, request, .. } = &self.pending[index];
        let ticket = *ticket;
        if let Request::LookUp(look_up) = request {
            self.looked_up.insert(ticket);
            self.executor.submit(ticket, Work::new(Action::LookUp(Box::new(look_up.clone()))));
            return Ok(());
        }
        match self.maker.make(request) {
            Err(message) => {
                let result = Err(Failure { kind: FailureKind::Unsupported, message });
                self.journal.arrive(ticket, Arrival { identity: None, remembered: false, result })
            }
            Ok(keyed) => match self.shared.get_mut(&keyed.key) {
                Some(waiting) => {
                    waiting.push(ticket);
                    Ok(())
                }
                None => self.obtain(ticket, keyed),
            },
        }
    }

    /// Takes an outcome from memory, or has it made, unless another process is making it.
    fn obtain(&mut self, ticket: u64, keyed: Keyed) -> Result<(), SearchError> {
        if !self.settings.cache {
            self.submit(ticket, keyed, None);
            return Ok(());
        }
        let key = keyed.key.to_hex();
        if self.recall(ticket, &keyed)? {
            return Ok(());
        }
        match self.store.claim(&key)? {
            None => self.elsewhere.push((ticket, keyed)),
            // It may have been made between the two.
            Some(claim) => {
                if !self.recall(ticket, &keyed)? {
                    self.submit(ticket, keyed, Some(claim));
                }
            }
        }
        Ok(())
    }

    fn submit(&mut self, ticket: u64, keyed: Keyed, claim: Option<Claim>) {
        self.shared.insert(keyed.key, Vec::new());
        let checkpoint = Checkpoint { name: self.checkpoint(&keyed), seconds: self.settings.checkpoint };
        let checkpoint = matches!(keyed.action, Action::Train(_)).then_some(checkpoint);
        let mut action = keyed.action.clone();
        self.lineage.locate(&mut action);
        let together = goes_together(&action);
        self.executor.submit(ticket, Work { checkpoint, together, ..Work::new(action) });
        self.under_way.insert(ticket, UnderWay { keyed, led: 0, _claim: claim });
    }

    /// Hands an action over again, with how to come to the shared weights that it starts from; false where nobody knows.
    ///
    /// The first time that is from the last weights that are kept. Where these have gone, too, by the time they are read, it
    /// is from the beginning.
    fn lead(&mut self, ticket: u64, keyed: &Keyed, led: u32) -> bool {
        let is_there = |digest: &str| led == 0 && self.store.has_weights(digest);
        let ancestry = self.lineage.ancestry(&keyed.action, self.maker, is_there);
        let Some(ancestry) = ancestry.ok().filter(|ancestry| !ancestry.is_empty()) else { return false };
        let work = Work { ancestry, together: true, ..Work::new(keyed.action.clone()) };
        self.executor.submit(ticket, work);
        true
    }

    /// Name of the checkpoint of an action. Processes that share no outcomes share no checkpoints.
    fn checkpoint(&self, keyed: &Keyed) -> String {
        let key = keyed.key.to_hex();
        if self.settings.cache { key.to_string() } else { format!("{key}-{}", self.run) }
    }

    /// Whether the outcome is remembered; it then has arrived.
    fn recall(&mut self, ticket: u64, keyed: &Keyed) -> Result<bool, SearchError> {
        let key = keyed.key.to_hex();
        let known = self.store.outcome(&key)?;
        let needs_weights = match &keyed.action {
            Action::Train(train) => train.keep_weights,
            // Shared weights that are gone are come to again, where somebody goes on from them.
            _ => false,
        };
        let outcome = if needs_weights {
            self.store.recall(self.run, &key, true)?
        } else {
            // Noted with others: between now and then nothing of it can be lost that is still needed.
            self.used.extend(known.is_some().then(|| key.to_string()));
            known
        };
        let Some(outcome) = outcome else { return Ok(false) };
        let identity = keyed.identity();
        // What this run made and its journal lost, to a machine without power say, it made.
        let lost = !self.journal.has_made(&identity.key) && self.store.has_made(self.run, &key)?;
        self.journal.arrive(ticket, Arrival { identity: Some(identity), remembered: !lost, result: Ok(outcome) })?;
        Ok(true)
    }

    /// Looks whether other processes are done with what is waited for.
    fn look_elsewhere(&mut self) -> Result<(), SearchError> {
        for (ticket, keyed) in std::mem::take(&mut self.elsewhere) {
            self.obtain(ticket, keyed)?;
        }
        Ok(())
    }

    /// Place of the request that is delivered next, where its outcome is there.
    fn deliverable(&self) -> Option<usize> {
        match self.settings.order {
            TellOrder::Query => self.pending.front().filter(|one| self.journal.has_arrived(one.ticket)).map(|_| 0),
            TellOrder::Arrival => self.pending.iter().position(|one| self.journal.has_arrived(one.ticket)),
        }
    }

    fn fulfil(&mut self, index: usize) -> Option<Delivery> {
        let arrival = self.journal.take(self.pending.get(index)?.ticket)?;
        let Pending { ticket, owner, request, .. } = self.pending.remove(index)?;
        if let Some(watch) = &mut self.watch {
            watch(ticket, &request, &arrival);
        }
        let Arrival { mut result, remembered, identity } = arrival;
        let weights = match (&request, &mut result, &identity) {
            (Request::TrainShared(training), Ok(outcome), Some(identity)) => {
                let name = blake3::Hash::from_bytes(identity.key).to_hex().to_string();
                let is_new = self.lineage.add(name.clone(), training, outcome.weights.as_ref());
                if !is_new {
                    // Whoever waited for the same training pays nothing for it.
                    outcome.seconds = 0.0;
                }
                Some(name)
            }
            (_, Ok(outcome), _) => outcome.weights.clone(),
            _ => None,
        };
        let network = identity.map(|identity| identity.network).filter(|network| *network != [0; 32]);
        Some(Delivery { owner, result, remembered, network, weights, measured: request.is_measured() })
    }

    /// Takes note of an event, and of all others that are there: what they bring is made safe together.
    fn take_in(&mut self, first: ExecutorEvent, observer: &mut dyn Observer) -> Result<(), SearchError> {
        let mut ended = Vec::new();
        let mut next = Some(first);
        while let Some(event) = next {
            match event {
                ExecutorEvent::Progress { ticket, epoch, metrics } => {
                    let shared = self.under_way.get(&ticket).and_then(|one| match &one.keyed.action {
                        Action::TrainShared(train) => Some(train.recipe.epochs),
                        _ => None,
                    });
                    observer.on(Event::Progress { epoch, metrics, shared });
                }
                ExecutorEvent::Retried { failure, .. } => observer.on(Event::Retried(&failure)),
                ExecutorEvent::Ended { ticket, result } => ended.push((ticket, result)),
            }
            next = self.executor.next(Duration::ZERO);
        }
        self.end(ended)
    }

    /// Takes note of actions' ends. They are on disk before anybody sees them.
    fn end(&mut self, ended: Vec<(u64, ActionResult)>) -> Result<(), SearchError> {
        if let Some(clock) = self.executor.clock() {
            self.journal.remake(clock);
        }
        let mut made = Vec::new();
        for (ticket, result) in ended {
            if self.looked_up.remove(&ticket) {
                self.journal.arrive(ticket, Arrival { identity: None, remembered: true, result })?;
                continue;
            }
            if let Err(Failure { kind: FailureKind::Storage, message }) = result {
                return Err(SearchError::Storage { run: self.run, problem: message });
            }
            let Some(mut under_way) = self.under_way.remove(&ticket) else { continue };
            let is_lost = matches!(&result, Err(failure) if failure.kind == FailureKind::UnknownState);
            if is_lost && under_way.led < LEADS && self.lead(ticket, &under_way.keyed, under_way.led) {
                under_way.led += 1;
                self.under_way.insert(ticket, under_way);
                continue;
            }
            let identity = Some(under_way.keyed.identity());
            self.journal.arrive(ticket, Arrival { identity, remembered: false, result: result.clone() })?;
            for ticket in self.shared.remove(&under_way.keyed.key).unwrap_or_default() {
                self.journal.arrive(ticket, Arrival { identity, remembered: true, result: result.clone() })?;
            }
            made.push((under_way, result));
        }
        if made.is_empty() {
            return Ok(());
        }
        self.journal.sync()?;
        for (under_way, result) in made {
            if let Ok(outcome) = &result {
                self.record(&under_way.keyed, outcome)?;
            }
            self.store.remove_checkpoint(&self.checkpoint(&under_way.keyed));
        }
        Ok(())
    }

    fn record(&self, keyed: &Keyed, outcome: &Outcome) -> Result<(), SearchError> {
        let action = match keyed.action {
            Action::Train(_) => "train",
            Action::TrainShared(_) => "train-shared",
            Action::EvaluateShared(_) => "evaluate-shared",
            Action::DifferentiateShared(_) => "differentiate-shared",
            _ => "evaluate",
        };
        let data = &self.ready.data.digest;
        let about = About { run: Some(self.run), action, fingerprint: Some(&keyed.fingerprint), data };
        Ok(self.store.record_outcome(&keyed.key.to_hex(), outcome, &about)?)
    }

    /// Keeps outcomes that came after the last delivery, so that stopping loses none of them.
    pub(crate) fn keep_arrived(&mut self) -> Result<(), SearchError> {
        if self.is_playing()? {
            return Ok(());
        }
        let mut ended = Vec::new();
        while let Some(event) = self.executor.next(Duration::ZERO) {
            if let ExecutorEvent::Ended { ticket, result } = event {
                ended.push((ticket, result));
            }
        }
        self.end(ended)?;
        self.rest()?;
        self.journal.sync()
    }
}
