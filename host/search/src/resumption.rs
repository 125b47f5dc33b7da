//! Going on with a run that was stopped.

use archwright_protocol::Ready;
use archwright_store::{JournalError, JournalLock, RunId, RunRecord, RunStatus, Store, StoreError};

use crate::error::SearchError;
use crate::executor::Executor;
use crate::experiment::ExperimentFile;
use crate::journal::{Head, Journal};
use crate::parts::{Pinned, Prefer};
use crate::report::{Observer, Report};
use crate::search::{Environment, Search, finish};
use crate::set::Set;
use crate::stop::Stop;

/// A run that can go on: its parts are loaded, and no other process is at work on it.
pub struct Resumption {
    search: Search,
    run: RunId,
    /// What there is to play back; nothing where the run ended before its journal began.
    journal: Option<Journal>,
}

impl Resumption {
    /// Makes ready to go on with a run: the same parts by digest, wherever they are now.
    ///
    /// # Errors
    /// Where the run is finished, another process is at work on it, its journal is damaged, or a part is gone.
    pub fn prepare(record: &RunRecord, environment: &Environment) -> Result<Self, SearchError> {
        let run = record.id;
        if record.status == RunStatus::Finished {
            return Err(SearchError::Finished(run));
        }
        let store = Store::open(&environment.store)?;
        let path = store.journal_path(run);
        let begun = match JournalLock::take(&path) {
            Ok(lock) => Journal::resume(&path, lock),
            Err(JournalError::Busy { .. }) => return Err(SearchError::UnderWay(run)),
            // The host ended between its note in the store and the journal's first record.
            Err(JournalError::Absent { .. }) => return Self::afresh(record, &store, environment),
            Err(error) => Err(error.into()),
        };
        let (head, journal) = match begun {
            Ok((head, journal)) => (head, Some(journal)),
            Err(SearchError::Journal(JournalError::Unbegun { .. })) => {
                std::fs::remove_file(&path)
                    .map_err(|source| StoreError::file(store.folder(), "remove", &path, source))?;
                return Self::afresh(record, &store, environment);
            }
            Err(error) => return Err(error),
        };
        Self::with(run, head, journal, &store, environment)
    }

    fn afresh(record: &RunRecord, store: &Store, environment: &Environment) -> Result<Self, SearchError> {
        Self::with(record.id, Head::of_run(record)?, None, store, environment)
    }

    fn with(
        run: RunId,
        head: Head,
        journal: Option<Journal>,
        store: &Store,
        environment: &Environment,
    ) -> Result<Self, SearchError> {
        let pinned = Pinned { parts: &head.parts, store, prefer: Prefer::Recorded, plugins: true };
        let file = ExperimentFile::recorded(&head.experiment, &head.folder)?;
        let search = Search::prepare_with(file, environment, Some(pinned), Some(head.trainer.clone()))?;
        Ok(Self { search, run, journal })
    }

    /// The run's experiment.
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// Goes on with the run, to the same end as if it had never stopped.
    ///
    /// # Errors
    /// As [`Search::run`], and where the data or the trainer are not what they were, or a plugin answers otherwise.
    pub fn run(self, stop: &Stop, observer: &mut dyn Observer) -> Result<Report, SearchError> {
        let store = Store::open(&self.search.environment().store)?;
        let (mut hands, ready, workers) = self.search.hands(&store, stop, "the run went on")?;
        self.run_on(hands.as_mut(), &ready, workers, stop, observer)
    }

    /// Goes on with the run on any executor; `ready` says what it works on.
    ///
    /// # Errors
    /// As [`Resumption::run`].
    pub fn run_on(
        self,
        executor: &mut dyn Executor,
        ready: &Ready,
        workers: usize,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Report, SearchError> {
        let Self { search, run, journal } = self;
        search.check_trainer(ready)?;
        let store = Store::open(&search.environment().store)?;
        let space = search.space(ready)?;
        store.reopen_run(run)?;
        let journal = match journal {
            Some(journal) => journal,
            None => Journal::create(&store.journal_path(run), &search.head(ready))?,
        };
        let set = Set { search: &search, run, store: &store, ready, space: &space, stop };
        set.start(workers, true, observer);
        let result = set.conduct(journal, executor, observer, None);
        finish(&store, run, result)
    }
}
