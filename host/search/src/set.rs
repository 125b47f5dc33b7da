//! Conducting a run, whatever of it is played back and whatever happens now.

use std::sync::Arc;

use archwright_plugin::model::Objective;
use archwright_plugin::{Estimator, EstimatorSetup, Strategy, StrategySetup};
use archwright_protocol::{DataFormat, Ready, Recipe};
use archwright_space::{Space, seed};
use archwright_store::{RunId, Store};
use serde_json::json;

use crate::action::ActionMaker;
use crate::driver::Driver;
use crate::error::SearchError;
use crate::executor::Executor;
use crate::finale::Finale;
use crate::jobs::{Jobs, Watch};
use crate::journal::{Journal, Record, answer};
use crate::parts::{log_sink, needs};
use crate::report::{Event, Observer, Report, Summary};
use crate::search::{Search, objective};
use crate::stop::Stop;
use crate::tabular::{LOOK_UP, Tabular};

/// Everything that a run is conducted with, but for its journal and its trainers.
pub(crate) struct Set<'a> {
    pub(crate) search: &'a Search,
    pub(crate) run: RunId,
    pub(crate) store: &'a Store,
    pub(crate) ready: &'a Ready,
    pub(crate) space: &'a Arc<Space>,
    pub(crate) stop: &'a Stop,
}

impl Set<'_> {
    pub(crate) fn start(&self, workers: usize, resumed: bool, observer: &mut dyn Observer) {
        observer.on(Event::Started(&Summary {
            run: self.run,
            settings: json!(self.search.experiment),
            trainer: self.ready.clone(),
            space_size: self.space.size().to_string(),
            workers,
            resumed,
        }));
    }

    /// Conducts the run from its start to its end, whatever of it is played back and whatever happens now.
    pub(crate) fn conduct(
        &self,
        mut journal: Journal,
        executor: &mut dyn Executor,
        observer: &mut dyn Observer,
        watch: Option<Watch<'_>>,
    ) -> Result<Report, SearchError> {
        let Self { search, run, store, space, stop, .. } = *self;
        let settings = &search.experiment.run;
        let mut strategy = self.open_strategy(&mut journal)?;
        let mut estimator = self.open_estimator(&mut journal)?;
        let maker = self.maker();
        let mut jobs = Jobs::new(run, journal, executor, store, &maker, &search.experiment);
        jobs.watch = watch;
        let searched = self.driver(&mut strategy, &mut estimator).search(&mut jobs, observer)?;
        let is_text = search.loaded.task.data.format == DataFormat::Text;
        let measured = search.loaded.tabular.as_ref().map(Tabular::epochs);
        let report = Finale { run, settings, space, stop, is_text, measured, latency: search.experiment.latency() }
            .conclude(searched, &mut jobs, observer)?;
        jobs.journal.put(&Record::Ended { report: json!(report).to_string().into() })?;
        jobs.rest()?;
        jobs.journal.sync()?;
        if jobs.journal.is_writing() {
            jobs.let_go(true);
        }
        Ok(report)
    }

    /// Hands the estimator to `work`, as it is at the end of the search that `journal` plays back, or fresh. Nothing of it is
    /// on record.
    pub(crate) fn with_estimator<T>(
        &self,
        journal: Option<Journal>,
        executor: &mut dyn Executor,
        observer: &mut dyn Observer,
        work: impl FnOnce(&mut Estimator, &mut Jobs<'_>, &mut dyn Observer) -> Result<T, SearchError>,
    ) -> Result<T, SearchError> {
        let Self { search, run, store, .. } = *self;
        let played = journal.is_some();
        let mut journal = journal.unwrap_or_else(Journal::nowhere);
        let mut strategy = if played { Some(self.open_strategy(&mut journal)?) } else { None };
        let mut estimator = self.open_estimator(&mut journal)?;
        let maker = self.maker();
        let mut jobs = Jobs::new(run, journal, executor, store, &maker, &search.experiment);
        if let Some(strategy) = &mut strategy {
            self.driver(strategy, &mut estimator).search(&mut jobs, &mut ())?;
        }
        jobs.journal.leave();
        work(&mut estimator, &mut jobs, observer)
    }

    fn objectives(&self) -> Vec<Objective> {
        self.search.experiment.task.objectives.iter().map(|one| objective(*one)).collect()
    }

    fn keeps_weights(&self) -> bool {
        self.search.experiment.run.keep_weights || needs(&self.search.loaded.estimator, RESUME)
    }

    /// What the run's actions are made from.
    pub(crate) fn maker(&self) -> ActionMaker<'_> {
        let Search { experiment, loaded, .. } = self.search;
        ActionMaker {
            space: self.space,
            task: &loaded.task,
            recipe: &experiment.task.recipe,
            ready: self.ready,
            keep_weights: self.keeps_weights(),
            share_isomorphic: experiment.run.share_isomorphic,
            latency: experiment.latency(),
            supergraph: self.search.supergraph(self.ready),
        }
    }

    fn driver<'s>(&'s self, strategy: &'s mut Strategy, estimator: &'s mut Estimator) -> Driver<'s> {
        let Self { search, run, store, space, stop, .. } = *self;
        let goal = objective(search.experiment.task.objectives[0]).goal;
        let on_table = search.is_on_table();
        Driver { run, experiment: &search.experiment, goal, space, strategy, estimator, store, stop, on_table }
    }

    fn open_strategy(&self, journal: &mut Journal) -> Result<Strategy, SearchError> {
        let Search { experiment, loaded, .. } = self.search;
        let setup = StrategySetup {
            objectives: self.objectives(),
            options: json!(experiment.strategy.options),
            seed: seed::derive(experiment.run.seed, "strategy", 0),
            max_queries: experiment.budget.queries,
            offers: loaded.estimator.description().gives.clone(),
        };
        let log = log_sink(loaded.strategy.name());
        let opened = Strategy::open(&loaded.strategy, Arc::clone(self.space), setup, &experiment.limits, log);
        let fuel = opened.as_ref().map_or(0, Strategy::fuel_used);
        journal.put(&Record::StrategyOpened { answer: answer(&opened, |_| ()), fuel })?;
        Ok(opened?)
    }

    fn open_estimator(&self, journal: &mut Journal) -> Result<Estimator, SearchError> {
        let Search { experiment, loaded, .. } = self.search;
        let setup = EstimatorSetup {
            objectives: self.objectives(),
            options: json!(experiment.estimator.options),
            seed: seed::derive(experiment.run.seed, "estimator", 0),
            full_epochs: experiment.task.recipe.epochs,
            offers: offers(self.ready, self.keeps_weights(), loaded.text.is_some()),
            epoch_steps: epoch_steps(self.ready, loaded.task.data.format, &experiment.task.recipe),
        };
        let log = log_sink(loaded.estimator.name());
        let opened = Estimator::open(&loaded.estimator, Arc::clone(self.space), setup, &experiment.limits, log);
        let fuel = opened.as_ref().map_or(0, Estimator::fuel_used);
        journal.put(&Record::EstimatorOpened { answer: answer(&opened, |_| ()), fuel })?;
        Ok(opened?)
    }
}

/// The name under which trainings are offered and needed.
pub(crate) const TRAIN: &str = "train";

/// The name under which going on from kept weights is offered and needed.
const RESUME: &str = "train.resume";

/// The name under which trainers offer to measure latencies.
pub(crate) const LATENCY: &str = "latency";

/// The name under which trainers offer weights that architectures share.
const SHARED: &str = "shared";

/// What estimators can have done here. Weights are shared in spaces that trainers can read.
fn offers(ready: &Ready, keep_weights: bool, declarative: bool) -> Vec<String> {
    let offered = |action: &&String| [TRAIN, LOOK_UP].contains(&action.as_str()) || (*action == RESUME && keep_weights);
    let mut offers: Vec<String> = ready.actions.iter().filter(offered).cloned().collect();
    if declarative && ready.actions.iter().any(|action| action == SHARED) {
        offers.extend(["train-shared", "evaluate-shared", "differentiate-shared"].map(String::from));
    }
    offers
}

/// Steps of an epoch over all training examples.
fn epoch_steps(ready: &Ready, format: DataFormat, recipe: &Recipe) -> u32 {
    let (examples, batch) = (ready.data.train, u64::from(recipe.batch_size.max(1)));
    let steps = match format {
        DataFormat::Text => (examples.saturating_sub(1) / batch).div_ceil(recipe.sequence_length.max(1).into()),
        // A batch of one example is left out: a batch norm cannot normalise over it.
        _ => examples / batch + u64::from(examples % batch > 1),
    };
    u32::try_from(steps).unwrap_or(u32::MAX).max(1)
}
