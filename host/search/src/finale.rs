//! The end of a run: the best architectures are retrained in full, and the best of them is tested.

use archwright_protocol::{Evaluate, Latency, LookUp, Metrics, Outcome, Subset};
use archwright_space::{Architecture, Space, SpaceError, seed};
use archwright_store::RunId;

use crate::action::Request;
use crate::driver::{Candidate, Searched};
use crate::error::SearchError;
use crate::experiment::RunSettings;
use crate::jobs::Jobs;
use crate::report::{Event, Finalist, Observer, Report, mean_and_deviation, median};
use crate::stop::Stop;

/// Retrains the candidates over several seeds, and tests the one that is best on the validation split. The test split is
/// touched here and nowhere else, once for each seed of the found network.
pub(crate) struct Finale<'a> {
    pub(crate) run: RunId,
    pub(crate) settings: &'a RunSettings,
    pub(crate) space: &'a Space,
    pub(crate) stop: &'a Stop,
    /// Whether the data is a text: its networks are compared by perplexity.
    pub(crate) is_text: bool,
    /// Where the task is a table of measurements, epochs of a full training: measurements of it stand for retraining.
    pub(crate) measured: Option<u32>,
    /// What trainings measure of a network's latency.
    pub(crate) latency: Option<Latency>,
}

/// A finalist's trainings so far.
struct Retrained {
    architecture: Architecture,
    outcomes: Vec<Outcome>,
    failures: Vec<String>,
}

impl Finale<'_> {
    pub(crate) fn conclude(
        &self,
        searched: Searched,
        jobs: &mut Jobs<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Report, SearchError> {
        let Searched { tried, candidates } = searched;
        let queries = tried.queries;
        let retrained = self.retrain(candidates, queries, jobs, observer)?;
        let failures: Vec<String> = retrained.iter().flat_map(|one| one.failures.clone()).collect();
        let mut finalists = Vec::new();
        for one in &retrained {
            if !one.outcomes.is_empty() {
                finalists.push((self.finalist(one)?, one));
            }
        }
        let limit = self.latency.as_ref().and_then(|latency| latency.limit);
        let above = |one: &Finalist| limit.zip(one.latency).is_some_and(|(limit, latency)| latency > limit);
        // Stable: of equals, the one that did better in the search. Those whose latency was within its limit in the search,
        // and is not now that it was measured again, come last.
        finalists.sort_by(|(left, _), (right, _)| {
            let better = match (left.validation_perplexity, right.validation_perplexity) {
                (Some(left), Some(right)) => left.total_cmp(&right),
                _ => right.validation_accuracy.total_cmp(&left.validation_accuracy),
            };
            above(left).cmp(&above(right)).then(better)
        });
        let Some((found, best)) = finalists.first() else {
            return Err(SearchError::NoFinalist(failures.last().cloned().unwrap_or_else(|| "there was none".into())));
        };
        let found = found.clone();
        let test = match self.measured {
            Some(_) => best.outcomes.iter().filter_map(|outcome| outcome.test).collect(),
            None => self.test(&found, queries, jobs, observer)?,
        };
        let accuracies: Vec<f64> = test.iter().map(|metrics| metrics.accuracy).collect();
        let (test_accuracy, test_accuracy_deviation) = mean_and_deviation(&accuracies);
        let test_accuracy = (!test.is_empty()).then_some(test_accuracy);
        let (test_perplexity, test_perplexity_deviation) = self.perplexity(test.iter());
        Ok(Report {
            run: self.run,
            test_accuracy,
            test_accuracy_deviation,
            test_perplexity,
            test_perplexity_deviation,
            found,
            test,
            finalists: finalists.into_iter().map(|(finalist, _)| finalist).collect(),
            latency_batch: self.latency.as_ref().map(|latency| latency.batch_size),
            tried,
        })
    }

    fn retrain(
        &self,
        candidates: Vec<Candidate>,
        queries: u64,
        jobs: &mut Jobs<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Retrained>, SearchError> {
        let seeds = if self.measured.is_some() { 1 } else { u64::from(self.settings.final_seeds) };
        if self.measured.is_none() {
            observer.on(Event::Retraining { trainings: candidates.len() as u64 * seeds });
        }
        for (index, Candidate { architecture, measured }) in candidates.iter().enumerate() {
            for repeat in 0..seeds {
                let subject = architecture.clone();
                let request = match self.measured {
                    Some(until_epoch) => Request::LookUp(LookUp {
                        subject,
                        until_epoch,
                        trained_epochs: 0,
                        training: None,
                        curve: false,
                    }),
                    None => {
                        let seed = seed::derive(self.settings.seed, "final", repeat);
                        Request::Retrain { subject, seed, within_limits: *measured }
                    }
                };
                jobs.request(index as u64, request)?;
            }
        }
        let mut retrained: Vec<Retrained> = candidates
            .into_iter()
            .map(|Candidate { architecture, .. }| Retrained {
                architecture,
                outcomes: Vec::new(),
                failures: Vec::new(),
            })
            .collect();
        while let Some(delivery) = jobs.deliver(self.stop, observer)? {
            if self.measured.is_none() {
                observer.on(Event::Retrained);
            }
            let Some(one) = usize::try_from(delivery.owner).ok().and_then(|index| retrained.get_mut(index)) else {
                continue;
            };
            match delivery.result {
                Ok(outcome) => one.outcomes.push(outcome),
                Err(failure) => one.failures.push(failure.message),
            }
        }
        self.heed_stop(queries, jobs)?;
        Ok(retrained)
    }

    /// Mean and deviation of the perplexity, where the data has one.
    fn perplexity<'m>(&self, metrics: impl Iterator<Item = &'m Metrics>) -> (Option<f64>, Option<f64>) {
        if !self.is_text {
            return (None, None);
        }
        let perplexities: Vec<f64> = metrics.map(|metrics| metrics.loss.exp()).collect();
        let (mean, deviation) = mean_and_deviation(&perplexities);
        (Some(mean), deviation)
    }

    fn finalist(&self, retrained: &Retrained) -> Result<Finalist, SpaceError> {
        let accuracies: Vec<f64> = retrained.outcomes.iter().map(|outcome| outcome.metrics.accuracy).collect();
        let (validation_accuracy, validation_accuracy_deviation) = mean_and_deviation(&accuracies);
        let (validation_perplexity, validation_perplexity_deviation) =
            self.perplexity(retrained.outcomes.iter().map(|outcome| &outcome.metrics));
        Ok(Finalist {
            decisions: self.space.label(&retrained.architecture),
            fingerprint: self.space.fingerprint(&retrained.architecture)?,
            footprint: self.space.profile(&retrained.architecture)?,
            architecture: retrained.architecture.clone(),
            validation_accuracy,
            validation_accuracy_deviation,
            validation_perplexity,
            validation_perplexity_deviation,
            latency: median(retrained.outcomes.iter().filter_map(|outcome| outcome.latency).collect()),
            weights: retrained.outcomes.iter().filter_map(|outcome| outcome.weights.clone()).collect(),
            failures: retrained.failures.clone(),
        })
    }

    fn test(
        &self,
        found: &Finalist,
        queries: u64,
        jobs: &mut Jobs<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Metrics>, SearchError> {
        let network = self.space.build(&found.architecture)?;
        for (index, weights) in found.weights.iter().enumerate() {
            let evaluate = Evaluate {
                network: network.clone(),
                input: self.space.context().input.clone(),
                weights: weights.clone(),
                subset: Subset::Test,
            };
            jobs.request(index as u64, Request::Evaluate(evaluate))?;
        }
        let mut metrics = Vec::new();
        let mut problem = "the trainer kept no weights".to_owned();
        while let Some(delivery) = jobs.deliver(self.stop, observer)? {
            match delivery.result {
                Ok(outcome) => metrics.push(outcome.metrics),
                Err(failure) => problem = failure.message,
            }
        }
        self.heed_stop(queries, jobs)?;
        if metrics.is_empty() {
            return Err(SearchError::NoFinalist(format!("the found network cannot be tested: {problem}")));
        }
        Ok(metrics)
    }

    fn heed_stop(&self, queries: u64, jobs: &mut Jobs<'_>) -> Result<(), SearchError> {
        if self.stop.requested() {
            jobs.keep_arrived()?;
            return Err(SearchError::InterruptedFinale { run: self.run, queries });
        }
        Ok(())
    }
}
