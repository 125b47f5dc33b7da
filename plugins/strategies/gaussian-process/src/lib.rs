//! Bayesian optimization by a Gaussian process over networks (Kandasamy et al. 2018; Ru et al. 2021) or over decisions (Swersky et
//! al. 2013).

mod kernel;
mod process;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use archwright_sdk::prelude::*;
use archwright_surrogates::{Draws, History, Standardized, expected_improvement};

use crate::kernel::{Kernel, Seen};
use crate::process::Process;

/// Variances of the noise to try, in units of the process's own.
const NOISES: [f64; 6] = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0];

/// Options of the Gaussian process.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// What makes two architectures alike.
    pub kernel: KernelName,
    /// How often a node's label takes in those of its inputs: how many steps around a node are seen. 2 in the code of Ru et al.
    /// 2021. For `weisfeiler-lehman`.
    #[schemars(range(min = 0, max = 10))]
    pub refinements: u32,
    /// Random architectures observed before the first process. 30 in the code of Ru et al. 2021.
    #[schemars(range(min = 2, max = 100_000))]
    pub initial: u32,
    /// Architectures chosen by one process, before the next one is fitted. 5 in the code of Ru et al. 2021.
    #[schemars(range(min = 1, max = 10_000))]
    pub batch: u32,
    /// Architectures to choose among, half of them mutants and half of them random. 100 in the code of Ru et al. 2021.
    #[schemars(range(min = 2, max = 10_000))]
    pub candidates: u32,
    /// Best architectures so far that mutants descend from. 10 in the code of Ru et al. 2021.
    #[schemars(range(min = 1, max = 1_000))]
    pub parents: u32,
    /// Most observations that a process is fitted to: the better half of so many, and the latest of the others. What a process
    /// takes grows with the third power.
    #[schemars(range(min = 2, max = 2_000))]
    pub observations: u32,
}

/// What makes two architectures alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KernelName {
    /// That their networks have the same operations in the same surroundings. How wide or large they are is not seen.
    WeisfeilerLehman,
    /// That their decisions have the same values, or values near each other.
    Hamming,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kernel: KernelName::WeisfeilerLehman,
            refinements: 2,
            initial: 30,
            batch: 5,
            candidates: 100,
            parents: 10,
            observations: 300,
        }
    }
}

/// An architecture that may be asked for, with the query that it descends from.
type Candidate = (Architecture, Option<u64>);

/// What a process says of a candidate.
struct Rated {
    /// Whether the kernel cannot tell it from something else.
    repeats: bool,
    improvement: f64,
    mean: f64,
    candidate: Candidate,
}

/// Bayesian optimization by a Gaussian process.
pub struct GaussianProcess {
    space: Space,
    options: Options,
    kernel: Kernel,
    rng: Rng,
    history: History,
    /// What the kernel sees of each observation; nothing of one without a network.
    seen: Vec<Option<Seen>>,
    /// Chosen by the last process and not asked for yet.
    chosen: VecDeque<Candidate>,
}

impl Strategy for GaussianProcess {
    const NAME: &'static str = "gaussian-process";
    const SUMMARY: &'static str = "A Gaussian process over networks, expected improvement (Ru et al. 2021)";
    const REFERENCES: &'static [&'static str] =
        &["arXiv:2006.07556", "arXiv:1802.07191", "arXiv:1409.4011", "https://github.com/xingchenwan/nasbowl"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let kernel = match options.kernel {
            KernelName::WeisfeilerLehman => Kernel::WeisfeilerLehman(options.refinements),
            KernelName::Hamming => Kernel::Hamming(setup.decisions),
        };
        Ok(Self {
            space,
            options,
            kernel,
            rng: Rng::new(setup.seed),
            history: History::new(&setup.objectives),
            seen: Vec::new(),
            chosen: VecDeque::new(),
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let mut queries = Vec::new();
        let mut fitted = false;
        while queries.len() < capacity {
            // One process a call, whatever the capacity: observations come between calls.
            if self.chosen.is_empty() && !fitted && self.seen.len() >= self.options.initial as usize {
                self.choose(capacity - queries.len())?;
                fitted = true;
            }
            let next = match self.chosen.pop_front() {
                Some(next) => Some(next),
                None => Draws::new(&self.space, &self.history).random(&mut self.rng)?.map(|random| (random, None)),
            };
            let Some((architecture, parent)) = next else { break };
            queries.push(self.history.ask(architecture, parent)?);
        }
        Ok(self.history.reply(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            // What failed has no cost, and nothing is learned from it.
            if let Some(observed) = self.history.tell(observation)? {
                self.seen.push(self.kernel.see(&observed.architecture, &self.space));
            }
        }
        Ok(())
    }
}

impl GaussianProcess {
    /// Fits a process and chooses a batch, at least `wanted`: the candidates of the largest expected improvement.
    fn choose(&mut self, wanted: usize) -> Result<(), Error> {
        let size = wanted.max(self.options.batch as usize);
        let candidates = self.candidates(size)?;
        let mut kept = self.history.kept(self.options.observations as usize);
        kept.retain(|index| self.seen[*index].is_some());
        let costs = self.history.standardized(&kept);
        let known: Vec<&Seen> = kept.iter().filter_map(|index| self.seen[*index].as_ref()).collect();
        let Some((process, length)) = fit(&self.kernel, &known, &costs) else {
            // No covariance that arithmetic can cope with: as if nothing was known.
            self.chosen = candidates.into_iter().take(size).collect();
            return Ok(());
        };
        let mut rated = Vec::new();
        let mut rated_seen: Vec<Seen> = Vec::new();
        for candidate in candidates {
            // Points without a network would fail.
            let Some(seen) = self.kernel.see(&candidate.0, &self.space) else { continue };
            let covariance = |other: &Seen| self.kernel.covariance(self.kernel.compare(&seen, other), length);
            let with: Vec<f64> = known.iter().map(|known| covariance(known)).collect();
            let (mean, variance) = process.predict(&with, covariance(&seen));
            let repeats = known.contains(&&seen) || rated_seen.contains(&seen);
            let improvement = expected_improvement(mean, variance.sqrt(), costs.best);
            rated.push(Rated { repeats, improvement, mean, candidate });
            rated_seen.push(seen);
        }
        // What the kernel cannot tell from what was observed or from a candidate before comes last: most likely the same network.
        // Among equals, where no improvement is in sight, the best mean.
        rated.sort_by(|left, right| {
            let improvements = right.improvement.total_cmp(&left.improvement);
            left.repeats.cmp(&right.repeats).then(improvements).then(left.mean.total_cmp(&right.mean))
        });
        self.chosen = rated.into_iter().take(size).map(|rated| rated.candidate).collect();
        Ok(())
    }

    /// Mutants of the best and as many random ones.
    fn candidates(&mut self, wanted: usize) -> Result<Vec<Candidate>, Error> {
        let count = wanted.max(self.options.candidates as usize);
        let observed = self.history.observed();
        let best = self.history.best(count);
        let parents: Vec<Architecture> = best.iter().map(|index| observed[*index].architecture.clone()).collect();
        let mut draws = Draws::new(&self.space, &self.history);
        let mutants = draws.mutants(&parents, self.options.parents as usize, count / 2, 1, &mut self.rng)?;
        let left = count - mutants.len();
        let mut candidates: Vec<Candidate> = mutants
            .into_iter()
            .map(|(architecture, parent)| (architecture, Some(observed[best[parent]].query)))
            .collect();
        let randoms = draws.randoms(left, &mut self.rng)?;
        candidates.extend(randoms.into_iter().map(|architecture| (architecture, None)));
        Ok(candidates)
    }
}

/// The process of the largest marginal likelihood, and its kernel's length; nothing where none can be computed.
fn fit(kernel: &Kernel, known: &[&Seen], costs: &Standardized) -> Option<(Process, f64)> {
    if known.is_empty() {
        return None;
    }
    let mut compared = vec![vec![0.0; known.len()]; known.len()];
    for (row, left) in known.iter().enumerate() {
        for (column, right) in known.iter().enumerate().take(row + 1) {
            let value = kernel.compare(left, right);
            compared[row][column] = value;
            compared[column][row] = value;
        }
    }
    let mut best: Option<(Process, f64)> = None;
    for length in kernel.lengths() {
        let covariance: Vec<Vec<f64>> = compared
            .iter()
            .map(|row| row.iter().map(|compared| kernel.covariance(*compared, *length)).collect())
            .collect();
        for noise in NOISES {
            if let Some(process) = Process::fit(&covariance, &costs.costs, noise)
                && best.as_ref().is_none_or(|(best, _)| process.likelihood > best.likelihood)
            {
                best = Some((process, *length));
            }
        }
    }
    best
}

archwright_sdk::export_strategy!(GaussianProcess);
