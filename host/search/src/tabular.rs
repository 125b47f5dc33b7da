//! Tasks that are tables of measurements: what is looked up, and the simulated workers that take their time over it.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use archwright_protocol::{
    Action, DataSummary, DeviceSummary, Epoch, Failure, FailureKind, LookUp, Metrics, Outcome, Ready, VERSION,
};
use archwright_space::{Architecture, SizeLimits, Space};
use archwright_table::{Column, Measure, Table, TableError};
use serde::{Deserialize, Serialize};

use crate::executor::{ActionResult, Executor, ExecutorEvent, Work};
use crate::experiment::{ExperimentFile, ObjectiveName, Signal};
use crate::set::LATENCY;
use crate::simulated::Workers;

/// The name under which measurements are offered and needed.
pub(crate) const LOOK_UP: &str = "look-up";

/// What of a table a run is about.
#[derive(Clone, Debug)]
pub(crate) struct Tabular {
    table: Arc<Table>,
    data_set: u32,
    signal: Signal,
    /// Longest latency that counts, in seconds.
    limit: Option<f64>,
    /// Limits of size.
    sizes: SizeLimits,
    space: Arc<OnceLock<Arc<Space>>>,
}

/// The best values that there are on a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Optimum {
    /// Of what the search sees.
    pub seen: Option<f64>,
    /// On the test set.
    pub test: Option<f64>,
}

impl Tabular {
    /// Opens the table that an experiment names and finds in it what the experiment asks for.
    pub(crate) fn open(file: &ExperimentFile, path: &Path) -> Result<Self, crate::ExperimentError> {
        let settings = &file.experiment.task;
        let table = Table::open(path).map_err(|error| file.error(&["task", "data"], error.to_string(), None))?;
        let names = &table.head().data_sets;
        let data_set = match (&settings.data_set, &names[..]) {
            (Some(name), _) => table.data_set(name).ok_or_else(|| {
                let problem = format!("the table has no data set `{name}`: {}", table.head().data_sets_told());
                let help = names.iter().all(String::is_empty).then(|| "leave `data_set` out".into());
                file.error(&["task", "data_set"], problem, help)
            })?,
            (None, [_]) => 0,
            (None, _) => {
                let problem = format!("the table has several data sets: {}", names.join(", "));
                return Err(file.error(&["task", "data"], problem, Some("give `data_set`".into())));
            }
        };
        let signal = settings.signal.unwrap_or_default();
        let limit = file.experiment.latency().and_then(|latency| latency.limit);
        let tabular = Self {
            table: Arc::new(table),
            data_set,
            signal,
            limit,
            sizes: file.experiment.size_limits(),
            space: Arc::default(),
        };
        tabular.check_objectives(file)?;
        Ok(tabular)
    }

    fn check_objectives(&self, file: &ExperimentFile) -> Result<(), crate::ExperimentError> {
        if self.column(self.seen().0).is_none() {
            let problem = format!("the table has no {} of this data set", self.seen().0);
            let help =
                "with `signal = \"test\"` the search sees the test accuracy, which no search with real training may";
            let help = (self.signal == Signal::Validation).then(|| help.to_owned());
            return Err(file.error(&["task", "data"], problem, help));
        }
        let lacking = file.experiment.task.objectives.iter().find(|objective| match objective {
            ObjectiveName::Loss => self.column(self.seen().1).is_none(),
            ObjectiveName::Latency => self.column(Measure::Latency).is_none(),
            ObjectiveName::Perplexity => true,
            _ => false,
        });
        match lacking {
            None => Ok(()),
            Some(objective) => {
                let problem =
                    format!("the table has nothing for the objective `{}`", crate::driver::objective_name(*objective));
                Err(file.error(&["task", "objectives"], problem, None))
            }
        }
    }

    /// Accuracy and loss that the search sees.
    fn seen(&self) -> (Measure, Measure) {
        match self.signal {
            Signal::Validation => (Measure::ValidationAccuracy, Measure::ValidationLoss),
            Signal::Test => (Measure::TestAccuracy, Measure::TestLoss),
        }
    }

    fn column(&self, measure: Measure) -> Option<Column<'_>> {
        self.table.column(self.data_set, measure)
    }

    /// The best values of an objective after a full training, the mean over trainings, among what the experiment allows: as the
    /// search sees it, and on the test set.
    pub(crate) fn optimum(&self, objective: ObjectiveName) -> Optimum {
        let ((seen, test), best): (_, fn(f64, f64) -> f64) = match objective {
            ObjectiveName::Accuracy => ((self.seen().0, Measure::TestAccuracy), f64::max),
            ObjectiveName::Loss => ((self.seen().1, Measure::TestLoss), f64::min),
            _ => return Optimum::default(),
        };
        let level = self.table.head().epochs.len().saturating_sub(1);
        let latency = self.column(Measure::Latency);
        let is_allowed = |row: &usize| {
            let small = self.table.facts(*row).is_none_or(|facts| self.sizes.check(&facts.footprint).is_ok());
            let latency = latency.as_ref().and_then(|column| column.mean(*row, level));
            small && self.limit.zip(latency).is_none_or(|(limit, latency)| latency <= limit)
        };
        let of = |measure| {
            let column = self.column(measure)?;
            let rows = (0..self.table.len()).filter(is_allowed);
            rows.filter_map(|row| column.mean(row, level)).reduce(best)
        };
        Optimum { seen: of(seen), test: of(test) }
    }

    /// What the search sees of each architecture that the experiment allows after a full training, the mean over trainings.
    pub(crate) fn values(&self) -> Vec<f64> {
        let level = self.table.head().epochs.len().saturating_sub(1);
        let Some(column) = self.column(self.seen().0) else { return Vec::new() };
        let small = |row: &usize| self.table.facts(*row).is_none_or(|facts| self.sizes.check(&facts.footprint).is_ok());
        (0..self.table.len()).filter(small).filter_map(|row| column.mean(row, level)).collect()
    }

    /// Trainings of an architecture that have what the search sees at a level.
    fn trainings_at(&self, row: usize, level: usize) -> Vec<usize> {
        let Some(column) = self.column(self.seen().0) else { return Vec::new() };
        let trainings = 0..self.table.head().seeds as usize;
        trainings.filter(|training| column.get(row, *training, level).is_some()).collect()
    }

    /// What an architecture comes to on the test set, the mean over all of its trainings, whichever of them the search saw.
    fn test(&self, row: usize, level: usize) -> Option<Metrics> {
        let mean = |measure| self.column(measure)?.mean(row, level);
        let accuracy = mean(Measure::TestAccuracy)?;
        Some(Metrics { accuracy, loss: mean(Measure::TestLoss).unwrap_or(f64::NAN) })
    }

    /// Epochs of a full training.
    pub(crate) fn epochs(&self) -> u32 {
        self.table.head().epochs.last().copied().unwrap_or(1)
    }

    /// What a trainer would say of itself and its data.
    pub(crate) fn ready(&self) -> Ready {
        let head = self.table.head();
        let mut actions = vec![LOOK_UP.to_owned()];
        if self.column(Measure::Latency).is_some() {
            actions.push(LATENCY.to_owned());
        }
        Ready {
            protocol: VERSION,
            name: "table".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            numerics: "measurements".into(),
            actions,
            device: DeviceSummary { name: "table".into(), memory: None },
            data: DataSummary {
                digest: self.table.digest().to_hex().to_string(),
                input: head.input.clone(),
                classes: head.classes,
                train: 0,
                validation: 0,
                test: 0,
                normalisation: None,
                class_names: None,
            },
        }
    }

    /// Checks that the table is about the points of a space; gives the space with what the table knows of it.
    pub(crate) fn fit(&self, space: Space) -> Result<Space, TableError> {
        self.table.check_space(&space)?;
        if !self.table.knows(&space) {
            return Ok(space);
        }
        let table: Arc<Table> = Arc::clone(&self.table);
        Ok(space.with_known(table))
    }

    /// The space of all runs on the table, once there is one.
    pub(crate) fn space(&self) -> &OnceLock<Arc<Space>> {
        &self.space
    }

    fn look_up(&self, space: &Space, look_up: &LookUp) -> ActionResult {
        let LookUp { subject, until_epoch, trained_epochs, training, curve } = look_up;
        let failure = |kind, message: String| Err(Failure { kind, message });
        let Some(row) = self.table.find(space, subject) else {
            return failure(FailureKind::Data, format!("the table has nothing of {}", readable(space, subject)));
        };
        let epochs = &self.table.head().epochs;
        let fits = epochs.partition_point(|epoch| epoch <= until_epoch).saturating_sub(1);
        // An architecture that lacks a level has been stopped before, or was not looked at there.
        let levels = (0..=fits).rev().chain(fits + 1..epochs.len());
        let mut there = levels.map(|level| (level, self.trainings_at(row, level)));
        let Some((level, trainings)) = there.find(|(_, trainings)| !trainings.is_empty()) else {
            let problem = format!("the table has no {} of {}", self.seen().0, readable(space, subject));
            return failure(FailureKind::Data, problem);
        };
        let chosen = training.and_then(|number| trainings.get((number % trainings.len() as u64) as usize));
        let view = View { tabular: self, row, trainings: chosen.map_or(trainings.clone(), |one| vec![*one]) };
        let first = if *curve { 0 } else { level };
        let entries = (first..=level).filter_map(|level| {
            let metrics = view.metrics(level, self.seen())?;
            let train_loss = view.value(Measure::TrainingLoss, level).unwrap_or(f64::NAN);
            Some(Epoch { epoch: epochs[level], train_loss, metrics })
        });
        let latency =
            (0..=level).rev().chain(level + 1..epochs.len()).find_map(|any| view.value(Measure::Latency, any));
        if let (Some(limit), Some(latency)) = (self.limit, latency)
            && latency > limit
        {
            let problem = format!("its latency is {latency} s, above the limit of {limit} s");
            return failure(FailureKind::Infeasible, problem);
        }
        let trained = epochs.iter().rposition(|epoch| epoch <= trained_epochs);
        let spent = trained.map_or(Some(0.0), |level| view.seconds(level));
        let Some(seconds) = view.seconds(level).zip(spent).map(|(all, spent)| (all - spent).max(0.0)) else {
            return failure(FailureKind::Data, format!("the table has no seconds of {}", readable(space, subject)));
        };
        let metrics = view.metrics(level, self.seen()).unwrap_or(Metrics { accuracy: f64::NAN, loss: f64::NAN });
        Ok(Outcome { curve: entries.collect(), latency, test: self.test(row, level), ..Outcome::of(metrics, seconds) })
    }
}

fn readable(space: &Space, subject: &Architecture) -> String {
    let labels = space.label(subject).into_iter().map(|(name, label)| format!("{name}={label}"));
    labels.collect::<Vec<_>>().join(" ")
}

/// What a table has of one architecture in some of its trainings.
struct View<'a> {
    tabular: &'a Tabular,
    row: usize,
    trainings: Vec<usize>,
}

impl View<'_> {
    /// The mean over the trainings that have it.
    fn value(&self, measure: Measure, level: usize) -> Option<f64> {
        let column = self.tabular.column(measure)?;
        let values: Vec<f64> =
            self.trainings.iter().filter_map(|training| column.get(self.row, *training, level)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    fn metrics(&self, level: usize, (accuracy, loss): (Measure, Measure)) -> Option<Metrics> {
        let accuracy = self.value(accuracy, level)?;
        Some(Metrics { accuracy, loss: self.value(loss, level).unwrap_or(f64::NAN) })
    }

    /// What the training cost up to a level: as recorded, there or in proportion at another level; where the table has no times
    /// at all, the share of a full training, which costs 1.
    fn seconds(&self, level: usize) -> Option<f64> {
        let epochs = &self.tabular.table.head().epochs;
        let share = |of: usize| f64::from(epochs[level]) / f64::from(epochs[of]);
        if self.tabular.column(Measure::Seconds).is_none() {
            return Some(share(epochs.len() - 1));
        }
        let mut others = (level..epochs.len()).chain((0..level).rev());
        others.find_map(|other| Some(self.value(Measure::Seconds, other)? * share(other)))
    }
}

/// Simulated workers, who take as long over a measurement as it took.
///
/// What comes of what is submitted is determined by that alone.
pub(crate) struct TableExecutor {
    tabular: Tabular,
    space: Arc<Space>,
    workers: Workers,
}

impl TableExecutor {
    pub(crate) fn new(tabular: Tabular, space: Arc<Space>, workers: usize) -> Self {
        Self { tabular, space, workers: Workers::new(workers) }
    }
}

impl Executor for TableExecutor {
    fn submit(&mut self, ticket: u64, work: Work) {
        let result = match &work.action {
            Action::LookUp(look_up) => self.tabular.look_up(&self.space, look_up),
            _ => {
                let message = "a table of measurements trains nothing".to_owned();
                Err(Failure { kind: FailureKind::Unsupported, message })
            }
        };
        self.workers.submit(ticket, result);
    }

    fn next(&mut self, patience: Duration) -> Option<ExecutorEvent> {
        self.workers.next(patience)
    }

    fn clock(&self) -> Option<f64> {
        Some(self.workers.now())
    }
}
