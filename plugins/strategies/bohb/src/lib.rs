//! BOHB: Hyperband whose architectures come from a density of good ones (Falkner et al. 2018).

mod model;

use archwright_density::Axis;
use archwright_relaxation::Points;
use archwright_rungs::{Brackets, Fresh, Sizes, Told, hyperband};
use archwright_sdk::prelude::*;

use model::{Observed, Shape};

/// The most promising points of a draw that are looked at before a random architecture is taken.
const TRIES: usize = 20;

/// Kernels that a call may compute before it leaves the other queries to the next call: what bounds its fuel.
const WORK: usize = 30_000_000;

/// Options of BOHB.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// What a full training takes, in units of the least that is spent on an architecture: R. A query's fidelity is its share of
    /// this.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_resource: u32,
    /// One of so many architectures of a rung is promoted. 3 in Falkner et al. 2018.
    #[schemars(range(min = 2, max = 1_000))]
    pub eta: u32,
    /// How many architectures a bracket begins with: "even" divides evenly on every rung, 81, 27, 9, 6 and 5 by default, as in
    /// the authors' code; "rounded-up" is as much as a bracket can afford, 81, 34, 15, 8 and 5.
    pub sizes: Sizes,
    /// Observations of a fidelity that its model needs, of good and of bad architectures: N_min. Left out, and at least, the
    /// number of decisions and one more (Falkner et al. 2018, section 3.2).
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_points: Option<u32>,
    /// Percentage of the observations that counts as good. 15 in Falkner et al. 2018.
    #[schemars(range(min = 1, max = 99))]
    pub top_n_percent: u32,
    /// Points drawn from the model for an architecture, the most promising of which is taken: N_s. 64 in Falkner et al. 2018.
    #[schemars(range(min = 1, max = 1_000))]
    pub samples: u32,
    /// Share of the architectures that are random all the same: rho. 1/3 in Falkner et al. 2018.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub random_fraction: f64,
    /// How much wider than in the model the points are drawn around good ones: b_w. 3 in Falkner et al. 2018.
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub bandwidth_factor: f64,
    /// The least bandwidth of the model, for decisions on which all good architectures agree. 1e-3 in the authors' code.
    #[schemars(range(min = 1e-9, max = 1.0))]
    pub min_bandwidth: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_resource: 81,
            eta: 3,
            sizes: Sizes::Even,
            min_points: None,
            top_n_percent: 15,
            samples: 64,
            random_fraction: 1.0 / 3.0,
            bandwidth_factor: 3.0,
            min_bandwidth: 1e-3,
        }
    }
}

/// BOHB.
pub struct Bohb {
    brackets: Brackets,
    source: Source,
}

/// Where architectures come from.
struct Source {
    options: Options,
    rng: Rng,
    fresh: Fresh,
    points: Points,
    axes: Vec<Axis>,
    observed: Observed,
}

impl Strategy for Bohb {
    const NAME: &'static str = "bohb";
    const SUMMARY: &'static str = "Hyperband with architectures from a density of good ones (Falkner et al. 2018)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1807.01774"];
    const NEEDS: &'static [&'static str] = &["fidelity"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let plans = hyperband(options.max_resource.into(), options.eta.into(), options.sizes)?;
        check(&options)?;
        let axes: Vec<Axis> = setup.decisions.iter().map(|decision| Axis::new(&decision.domain)).collect();
        let least = axes.len() + 1;
        let shape = Shape {
            min_points: options.min_points.map_or(least, |points| least.max(points as usize)),
            top_n_percent: options.top_n_percent as usize,
            min_bandwidth: options.min_bandwidth,
        };
        Ok(Self {
            brackets: Brackets::new(&setup.objectives, plans, None),
            source: Source {
                options,
                rng: Rng::new(setup.seed),
                fresh: Fresh::new(space.clone()),
                points: Points::new(setup.decisions, space),
                axes,
                observed: Observed::new(shape),
            },
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let capacity = capacity.min(self.source.at_once());
        self.brackets.ask(capacity, || Ok(self.source.draw()))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            let Told { architecture, fidelity, loss } = self.brackets.tell(observation)?;
            if let Architecture::Point(values) = architecture {
                let coordinates = self.source.axes.iter().zip(values).map(|(axis, value)| axis.coordinate(value));
                self.source.observed.add(fidelity, coordinates.collect(), loss);
            }
        }
        Ok(())
    }
}

impl Source {
    /// Architectures that one call may draw.
    fn at_once(&self) -> usize {
        let kernels = self.observed.modelled().saturating_mul(self.axes.len());
        (WORK / kernels.saturating_mul(self.options.samples as usize).max(1)).max(1)
    }

    /// The most promising of the points that the model draws; a random one where there is no model, for a share of the
    /// architectures, and where no point may be asked for.
    fn draw(&mut self) -> Architecture {
        if self.rng.uniform() < self.options.random_fraction {
            return self.fresh.draw(&mut self.rng);
        }
        let Some(model) = self.observed.model(&self.axes, &mut self.rng) else {
            return self.fresh.draw(&mut self.rng);
        };
        let mut drawn: Vec<(f64, Vec<f64>)> = (0..self.options.samples)
            .map(|_| {
                let point = model.good.draw(self.options.bandwidth_factor, &mut self.rng);
                (model.good.log_density(&point) - model.bad.log_density(&point), point)
            })
            .collect();
        // Stable: of equals the one drawn first.
        drawn.sort_by(|left, right| right.0.total_cmp(&left.0));
        for (_, point) in drawn.into_iter().take(TRIES) {
            let values = self.points.settled(|decision, _| self.axes[decision].value(point[decision]));
            if !self.points.is_admitted(&values) {
                continue;
            }
            let architecture = Architecture::Point(values);
            if self.fresh.is_new(&architecture) {
                return architecture;
            }
        }
        self.fresh.draw(&mut self.rng)
    }
}

/// What the host has checked before; natively nobody has.
fn check(options: &Options) -> Result<(), Error> {
    let is_right = (1..=99).contains(&options.top_n_percent)
        && options.samples > 0
        && (0.0..=1.0).contains(&options.random_fraction)
        && (0.0..=1_000.0).contains(&options.bandwidth_factor)
        && (1e-9..=1.0).contains(&options.min_bandwidth);
    if is_right {
        return Ok(());
    }
    Err(Error::InvalidOptions(
        "`top_n_percent` has to be in 1 to 99, `samples` at least 1, `random_fraction` in 0 to 1, `bandwidth_factor` in 0 to \
         1,000, and `min_bandwidth` in 1e-9 to 1"
            .into(),
    ))
}

archwright_sdk::export_strategy!(Bohb);

#[cfg(test)]
mod tests;
