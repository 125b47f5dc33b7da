//! A run's journal: written while the run goes on, played back to resume it or to verify it.
//!
//! What a run does is determined by its parts and by what reaches it from outside: outcomes of actions, in the order in
//! which they are delivered, and the clock where the budget has one. The journal holds both. Playing it back is running the
//! same loop: what comes from outside is taken from the journal, and what plugins answer is compared with it. Where the
//! journal ends, a resumed run goes on and writes again.

mod difference;
mod head;
mod history;
mod listing;
mod observations;
mod record;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Instant;

use archwright_protocol::Outcome;
use archwright_store::{JournalEnd, JournalError, JournalLock, JournalReader, JournalWriter};
use serde::Serialize;

use crate::error::SearchError;
use crate::executor::ActionResult;

pub use difference::Difference;
pub(crate) use head::Head;
pub use history::history;
pub use listing::list;
pub use observations::{Observation, Observations, observations};
pub(crate) use record::{Identity, Record, answer};

/// Arrivals that a resumed run makes sure of having in the store, too: more than were under way at a time.
const LATEST: usize = 1024;

/// The journal of a run that goes on or is played back.
pub(crate) struct Journal {
    tape: Tape,
    /// Whether fuel has to be the recorded one as well.
    exact: bool,
    /// The record that is being written or compared.
    written: Vec<u8>,
    /// Outcomes that are there and were not delivered yet, by ticket.
    arrived: HashMap<u64, Arrival>,
    /// Keys of the outcomes that this run made.
    made: HashSet<[u8; 32]>,
    /// What was played back last.
    latest: Vec<(Identity, Outcome)>,
    /// Seconds that the run had taken when `since` began.
    before: f64,
    since: Instant,
    /// The clock of an executor that simulates time.
    simulated: Option<f64>,
    /// Whether outcomes are made again while a journal is played back, and compared.
    remakes: bool,
    records: u64,
}

enum Tape {
    Writing(JournalWriter),
    /// What is written is not kept.
    Nowhere,
    Playing {
        reader: JournalReader,
        /// The record that comes next.
        next: Option<Vec<u8>>,
        /// What makes a writer of it at its end.
        lock: Option<JournalLock>,
    },
}

/// An outcome that is there.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) identity: Option<Identity>,
    pub(crate) remembered: bool,
    pub(crate) result: ActionResult,
}

impl Journal {
    /// Starts a journal.
    pub(crate) fn create(path: &Path, head: &Head) -> Result<Self, SearchError> {
        let mut journal = Self::on(Tape::Writing(JournalWriter::create(path)?), false);
        journal.put(&head.record()?)?;
        journal.sync()?;
        Ok(journal)
    }

    /// Starts a journal that can be made again: it is handed to the system when it ends, and on disk when the system sees fit.
    pub(crate) fn create_unsynced(path: &Path, head: &Head) -> Result<Self, SearchError> {
        let mut journal = Self::on(Tape::Writing(JournalWriter::create_unsynced(path)?), false);
        journal.remakes = true;
        journal.put(&head.record()?)?;
        Ok(journal)
    }

    /// A journal that keeps nothing.
    pub(crate) fn nowhere() -> Self {
        Self::on(Tape::Nowhere, false)
    }

    /// Plays a journal back, to go on behind its end.
    pub(crate) fn resume(path: &Path, lock: JournalLock) -> Result<(Head, Self), SearchError> {
        Self::play(path, Some(lock), false)
    }

    /// Plays a journal back, to compare.
    pub(crate) fn verify(path: &Path) -> Result<(Head, Self), SearchError> {
        Self::play(path, None, true)
    }

    /// Plays a journal back, to come to where it leads.
    pub(crate) fn replay(path: &Path) -> Result<(Head, Self), SearchError> {
        Self::play(path, None, false)
    }

    fn play(path: &Path, lock: Option<JournalLock>, exact: bool) -> Result<(Head, Self), SearchError> {
        let mut reader = JournalReader::open(path)?;
        let head = Head::read(&mut reader)?;
        let mut journal = Self::on(Tape::Playing { reader, next: None, lock }, exact);
        journal.records = 1;
        Ok((head, journal))
    }

    fn on(tape: Tape, exact: bool) -> Self {
        Self {
            tape,
            exact,
            written: Vec::new(),
            arrived: HashMap::new(),
            made: HashSet::new(),
            latest: Vec::new(),
            before: 0.0,
            since: Instant::now(),
            simulated: None,
            remakes: false,
            records: 0,
        }
    }

    /// Has outcomes made again while a journal is played back, and goes by a simulated clock.
    pub(crate) fn remake(&mut self, clock: f64) {
        self.remakes = true;
        self.simulated = Some(clock);
    }

    /// Whether outcomes are made again.
    pub(crate) fn remakes(&self) -> bool {
        self.remakes
    }

    /// Leaves the rest of what is played back aside; from here on nothing is kept.
    pub(crate) fn leave(&mut self) {
        self.tape = Tape::Nowhere;
    }

    /// Whether what happens is written down: the run goes on by itself.
    pub(crate) fn is_writing(&self) -> bool {
        matches!(self.tape, Tape::Writing(_))
    }

    /// Records so far.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Seconds since the run began, the time between its processes left out; on a simulated clock where there is one.
    pub(crate) fn elapsed(&self) -> f64 {
        self.simulated.unwrap_or_else(|| self.before + self.since.elapsed().as_secs_f64())
    }

    /// Writes a record, or compares it with the one that was written.
    pub(crate) fn put(&mut self, record: &Record<'_>) -> Result<(), SearchError> {
        if matches!(self.tape, Tape::Nowhere) {
            return Ok(());
        }
        // At the end of a journal that goes on, the tape is another one afterwards.
        if let Some(recorded) = self.next()? {
            self.written.clear();
            record.write(&mut self.written);
            if recorded != self.written {
                self.compare(&recorded, record)?;
            }
        } else if let Tape::Writing(writer) = &mut self.tape {
            writer.append(|buffer| record.write(buffer))?;
        }
        self.records += 1;
        Ok(())
    }

    fn compare(&self, recorded: &[u8], here: &Record<'_>) -> Result<(), SearchError> {
        let mut recorded = read(self.records, recorded)?;
        if !self.exact {
            let mut written = read(self.records, &self.written)?;
            recorded.forget_fuel();
            written.forget_fuel();
            if recorded == written {
                return Ok(());
            }
        }
        Err(SearchError::Differs(Difference::between(self.records, &recorded, here).into()))
    }

    /// Whether there are records to play back. Where none are left, the run goes on by itself from here.
    pub(crate) fn is_playing(&mut self) -> Result<bool, SearchError> {
        if !matches!(self.tape, Tape::Playing { .. }) {
            return Ok(false);
        }
        let next = self.next()?;
        let playing = next.is_some();
        self.keep(next);
        Ok(playing)
    }

    /// The delivery that comes next; an error where something else does.
    pub(crate) fn next_delivery(&mut self) -> Result<(u64, u64), SearchError> {
        match self.next_input()? {
            Record::Delivered { ticket, owner } => Ok((ticket, owner)),
            other => Err(self.out_of_place(&other, "waiting for an outcome")),
        }
    }

    /// Takes note of the end of the search; gives the seconds that it took.
    pub(crate) fn searched(&mut self) -> Result<f64, SearchError> {
        if !self.is_playing()? {
            let at = self.elapsed();
            self.put(&Record::Searched { at })?;
            return Ok(at);
        }
        match self.next_input()? {
            Record::Searched { at } => Ok(at),
            other => Err(self.out_of_place(&other, "the end of the search")),
        }
    }

    fn next_input(&mut self) -> Result<Record<'static>, SearchError> {
        let next = self.next()?.unwrap_or_default();
        let record = read(self.records, &next)?;
        self.records += 1;
        Ok(record)
    }

    /// The error for a record in the place of something that it cannot stand for.
    fn out_of_place(&self, recorded: &Record<'_>, here: &str) -> SearchError {
        let (what, record) = ("what comes next".into(), Some(self.records - 1));
        let difference = Difference { record, what, recorded: difference::call(recorded), here: here.into() };
        SearchError::Differs(difference.into())
    }

    /// Whether the budget's `seconds` are over: by the clock, or as they were when the journal was written.
    pub(crate) fn time_is_over(&mut self, seconds: f64) -> Result<bool, SearchError> {
        if let Some(next) = self.next()? {
            let over = next.first() == Some(&Record::TIME_OVER);
            if over {
                self.records += 1;
            } else {
                self.keep(Some(next));
            }
            return Ok(over);
        }
        let over = self.elapsed() >= seconds;
        if over {
            self.put(&Record::TimeOver)?;
        }
        Ok(over)
    }

    /// Takes note of an outcome. It is safe after [`Journal::sync`].
    pub(crate) fn arrive(&mut self, ticket: u64, arrival: Arrival) -> Result<(), SearchError> {
        let Arrival { identity, remembered, result } = &arrival;
        let result = match result {
            Ok(outcome) => Ok(std::borrow::Cow::Borrowed(outcome)),
            Err(failure) => Err(std::borrow::Cow::Borrowed(failure)),
        };
        let at = self.elapsed();
        self.put(&Record::Arrived { ticket, identity: *identity, at, remembered: *remembered, result })?;
        self.keep_arrival(ticket, arrival);
        Ok(())
    }

    fn keep_arrival(&mut self, ticket: u64, arrival: Arrival) {
        self.made.extend(arrival.identity.filter(|_| !arrival.remembered).map(|identity| identity.key));
        self.arrived.insert(ticket, arrival);
    }

    /// Whether this run made the outcome under `key`.
    pub(crate) fn has_made(&self, key: &[u8; 32]) -> bool {
        self.made.contains(key)
    }

    /// Whether the outcome of action `ticket` is there.
    pub(crate) fn has_arrived(&self, ticket: u64) -> bool {
        self.arrived.contains_key(&ticket)
    }

    /// The outcome of action `ticket`, once.
    pub(crate) fn take(&mut self, ticket: u64) -> Option<Arrival> {
        self.arrived.remove(&ticket)
    }

    /// The actions that were played back last, with their outcomes, once: the process that wrote the journal may have
    /// ended before it recorded them in the store.
    pub(crate) fn take_latest(&mut self) -> Vec<(Identity, Outcome)> {
        std::mem::take(&mut self.latest)
    }

    /// A checksum of what a plugin is handed.
    pub(crate) fn checksum(&self, argument: &impl Serialize) -> u32 {
        if matches!(self.tape, Tape::Nowhere) {
            return 0;
        }
        record::checksum(argument)
    }

    /// Has every record outlive this process.
    pub(crate) fn flush(&mut self) -> Result<(), SearchError> {
        match &mut self.tape {
            Tape::Writing(writer) => Ok(writer.flush()?),
            Tape::Playing { .. } | Tape::Nowhere => Ok(()),
        }
    }

    /// Has every record outlive the machine; or, where outcomes can be made again, this process.
    pub(crate) fn sync(&mut self) -> Result<(), SearchError> {
        if self.remakes {
            return self.flush();
        }
        match &mut self.tape {
            Tape::Writing(writer) => Ok(writer.sync()?),
            Tape::Playing { .. } | Tape::Nowhere => Ok(()),
        }
    }

    /// The next record that is no arrival; arrivals before it are taken note of. At the end the run goes on by itself.
    fn next(&mut self) -> Result<Option<Vec<u8>>, SearchError> {
        loop {
            let Tape::Playing { reader, next, lock } = &mut self.tape else { return Ok(None) };
            if let Some(record) = next.take() {
                return Ok(Some(record));
            }
            let record = match reader.next_record() {
                // What was cut off was acknowledged to nobody.
                Err(JournalError::Torn { .. }) if lock.is_some() => None,
                record => record?.map(<[u8]>::to_vec),
            };
            let Some(record) = record else {
                let end = reader.end();
                let lock = lock.take();
                self.go_on(lock, end)?;
                return Ok(None);
            };
            if record.first() != Some(&Record::ARRIVED) || self.remakes {
                return Ok(Some(record));
            }
            let Record::Arrived { ticket, identity, at, remembered, result } = read(self.records, &record)? else {
                continue;
            };
            self.records += 1;
            self.before = at;
            let result = result.map(std::borrow::Cow::into_owned).map_err(std::borrow::Cow::into_owned);
            if let (Ok(outcome), Some(identity), false) = (&result, identity, remembered) {
                if self.latest.len() == LATEST {
                    self.latest.drain(..LATEST / 2);
                }
                self.latest.push((identity, outcome.clone()));
            }
            self.keep_arrival(ticket, Arrival { identity, remembered, result });
        }
    }

    /// Puts a record back.
    fn keep(&mut self, record: Option<Vec<u8>>) {
        if let Tape::Playing { next, .. } = &mut self.tape {
            *next = record;
        }
    }

    fn go_on(&mut self, lock: Option<JournalLock>, end: JournalEnd) -> Result<(), SearchError> {
        let lock = lock.ok_or(SearchError::Replayed { records: self.records })?;
        self.tape = Tape::Writing(lock.resume(end)?);
        self.since = Instant::now();
        Ok(())
    }
}

/// A record of a journal, number `number`.
fn read(number: u64, bytes: &[u8]) -> Result<Record<'static>, SearchError> {
    postcard::from_bytes(bytes).map_err(|error| unreadable(number, &error))
}

/// The next record for a reader; nothing at the end, or where a journal that is being written breaks off.
fn following(reader: &mut JournalReader) -> Result<Option<Record<'static>>, SearchError> {
    let number = reader.end().records;
    match reader.next_record() {
        Ok(Some(record)) => read(number, record).map(Some),
        Ok(None) | Err(JournalError::Torn { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn unreadable(record: u64, error: &postcard::Error) -> SearchError {
    SearchError::Record { record, problem: error.to_string() }
}
