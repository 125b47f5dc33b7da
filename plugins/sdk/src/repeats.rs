//! Estimates from several trainings of one architecture.

use std::collections::BTreeMap;

use archwright_space::Architecture;

use crate::{CurvePoint, Error, Estimate, Outcome, Space, Start, Step, Training};

/// Which epoch of a training counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// The last one.
    Last,
    /// The one with the best first objective.
    Best,
}

/// Trains architectures once or over several seeds, and averages.
///
/// The seed of a training follows from the estimator's seed and the network alone, so that the same network is trained the
/// same way whenever it is asked for.
#[derive(Clone, Debug)]
pub struct Repeats {
    space: Space,
    seed: u64,
    repeats: u32,
    report: Report,
    goal: crate::Goal,
    jobs: BTreeMap<u64, Job>,
}

#[derive(Clone, Debug)]
struct Job {
    training: Training,
    /// Share of the full budget that one training spends.
    fidelity: f64,
    seeds: Vec<u64>,
    /// Objectives of each training so far.
    results: Vec<Vec<f64>>,
    cost: f64,
    curve: Vec<CurvePoint>,
}

impl Repeats {
    /// Averages over `repeats` (at least 1) trainings.
    pub fn new(space: Space, seed: u64, repeats: u32, report: Report, goal: crate::Goal) -> Self {
        Self { space, seed, repeats, report, goal, jobs: BTreeMap::new() }
    }

    /// Starts a job: the first training. `training.start` is replaced by fresh weights.
    ///
    /// # Errors
    /// Where the architecture has no network.
    pub fn begin(&mut self, job: u64, training: Training, fidelity: f64) -> Result<Step, Error> {
        let seeds = seeds(self.seed, &self.space, &training.subject, self.repeats)?;
        let state = Job { training, fidelity, seeds, results: Vec::new(), cost: 0.0, curve: Vec::new() };
        let step = state.next();
        self.jobs.insert(job, state);
        Ok(step)
    }

    /// Goes on with a job: the next training, or the estimate.
    ///
    /// # Errors
    /// Where there is no such job.
    pub fn advance(&mut self, job: u64, outcome: &Outcome) -> Result<Step, Error> {
        let Some(mut state) = self.jobs.remove(&job) else {
            return Err(Error::Internal(format!("job {job} is not open")));
        };
        if let Some(reason) = &outcome.failure {
            return Ok(Step::Failed(reason.clone()));
        }
        let better = |left: f64, right: f64| self.goal.is_better(left, right);
        let first = |epoch: &crate::Epoch| epoch.objectives.first().copied().unwrap_or(f64::NAN);
        let counted = match self.report {
            Report::Last => outcome.curve.last(),
            Report::Best => {
                outcome.curve.iter().reduce(|best, epoch| if better(first(epoch), first(best)) { epoch } else { best })
            }
        };
        let Some(counted) = counted else {
            return Ok(Step::Failed("the training has no validation metrics".into()));
        };
        state.results.push(counted.objectives.clone());
        state.cost += outcome.cost;
        if state.curve.is_empty() {
            let epochs = f64::from(state.training.until_epoch);
            state.curve = outcome
                .curve
                .iter()
                .map(|epoch| CurvePoint {
                    fidelity: (state.fidelity * f64::from(epoch.epoch) / epochs).min(1.0),
                    value: first(epoch),
                })
                .collect();
        }
        if state.results.len() < state.seeds.len() {
            let step = state.next();
            self.jobs.insert(job, state);
            return Ok(step);
        }
        Ok(Step::done(state.estimate()))
    }
}

impl Job {
    fn next(&self) -> Step {
        let seed = self.seeds.get(self.results.len()).copied().unwrap_or(0);
        Step::Train(Training { start: Start::Fresh(seed), ..self.training.clone() })
    }

    fn estimate(self) -> Estimate {
        let count = self.results.len() as f64;
        let objectives = self.results.first().map_or(0, Vec::len);
        let mean = |index: usize| self.results.iter().map(|result| result[index]).sum::<f64>() / count;
        let means: Vec<f64> = (0..objectives).map(mean).collect();
        let deviation = |index: usize| {
            let squares: f64 = self.results.iter().map(|result| (result[index] - means[index]).powi(2)).sum();
            (squares / (count - 1.0)).sqrt()
        };
        let uncertainty = if self.results.len() > 1 { (0..objectives).map(deviation).collect() } else { Vec::new() };
        Estimate {
            uncertainty,
            objectives: means,
            gradient: Vec::new(),
            cost: self.cost,
            fidelity: self.fidelity,
            curve: self.curve,
        }
    }
}

/// Seeds of the trainings of an architecture: they follow from its network.
fn seeds(seed: u64, space: &Space, architecture: &Architecture, count: u32) -> Result<Vec<u64>, Error> {
    let fingerprint = space.fingerprint(architecture)?;
    Ok((0..count).map(|repeat| archwright_space::seed::derive(seed, &fingerprint, repeat.into())).collect())
}
