//! What estimators can have done.

use std::collections::HashSet;

use archwright_space::Space;

use crate::bindings::actions as wit;
use crate::checked::{self, NetworkBounds, Wrong};
use crate::model::{
    ActionOutcome, Measurement, Paths, PluginAction, SharedDerivative, SharedEvaluation, SharedTraining, Start,
    Training,
};

/// Most architectures that a step of shared training learns from.
const MAX_PATHS: u64 = 1_000;

/// Most batches that statistics are estimated over for one evaluation.
const MAX_CALIBRATION: u64 = 10_000;

/// An action made by a plugin and not yet returned.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct HostAction(pub(crate) PluginAction);

/// The outcome that a plugin is looking at.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct HostOutcome(pub(crate) ActionOutcome);

/// Which actions an estimator may ask for.
#[derive(Debug)]
pub(crate) struct ActionRules {
    pub(crate) full_epochs: u32,
    pub(crate) epoch_steps: u32,
    pub(crate) offers: HashSet<String>,
    /// Names of the weights that the estimator has been shown. It can use no others.
    pub(crate) weights: HashSet<String>,
}

impl ActionRules {
    /// The training that a plugin describes.
    pub(crate) fn training(
        &self,
        spec: wit::Training,
        space: &Space,
        networks: &NetworkBounds,
    ) -> Result<Training, Wrong> {
        self.offered("train")?;
        let start = match spec.start {
            wit::Start::Fresh(seed) => Start::Fresh(seed),
            wit::Start::Resume(weights) => {
                self.offered("train.resume")?;
                Start::Resume(self.shown("start", weights)?)
            }
            wit::Start::Inherit(weights) => {
                self.offered("train.inherit")?;
                Start::Inherit(self.shown("start", weights)?)
            }
        };
        self.epochs(spec.until_epoch)?;
        checked::share("data-share", spec.data_share)?;
        checked::share("resolution-share", spec.resolution_share)?;
        checked::share("width-share", spec.width_share)?;
        checked::share("depth-share", spec.depth_share)?;
        Ok(Training {
            subject: checked::architecture(spec.subject, space, networks)?,
            start,
            until_epoch: spec.until_epoch,
            data_share: spec.data_share,
            resolution_share: spec.resolution_share,
            width_share: spec.width_share,
            depth_share: spec.depth_share,
        })
    }

    /// The shared training that a plugin describes.
    pub(crate) fn shared_training(
        &self,
        spec: wit::SharedTraining,
        space: &Space,
        networks: &NetworkBounds,
    ) -> Result<SharedTraining, Wrong> {
        self.offered("train-shared")?;
        let start = match spec.start {
            wit::Start::Fresh(seed) => Start::Fresh(seed),
            wit::Start::Resume(weights) => Start::Resume(self.shown("start", weights)?),
            wit::Start::Inherit(_) => return Err(Wrong::new("start", "shared weights are not inherited")),
        };
        if spec.steps == 0 || spec.steps > self.epoch_steps {
            let problem = format!("{} is not from 1 to {}, the steps of an epoch", spec.steps, self.epoch_steps);
            return Err(Wrong::new("steps", problem));
        }
        at_least_one("epochs", spec.epochs)?;
        let paths = match spec.paths {
            wit::Paths::Uniform(count) => {
                at_least_one("paths.uniform", count)?;
                at_most("paths.uniform", u64::from(count), MAX_PATHS)?;
                Paths::Uniform(count)
            }
            wit::Paths::Given(given) if given.is_empty() => return Err(Wrong::new("paths.given", "it is empty")),
            wit::Paths::Given(given) if given.len() as u64 > MAX_PATHS => {
                let problem = format!("{} subjects are more than {MAX_PATHS}", given.len());
                return Err(Wrong::new("paths.given", problem));
            }
            wit::Paths::Given(given) => {
                let subjects = given.into_iter().map(|one| checked::subject(one, space, networks));
                Paths::Given(subjects.collect::<Result<_, _>>().map_err(|wrong| wrong.within("paths.given"))?)
            }
            wit::Paths::Mixture(rate) if !(0.0..1.0).contains(&rate) => {
                return Err(Wrong::new("paths.mixture", format!("{rate} is not in [0, 1)")));
            }
            wit::Paths::Mixture(rate) => Paths::Mixture(rate),
        };
        Ok(SharedTraining { start, steps: spec.steps, epochs: spec.epochs, paths })
    }

    /// The evaluation that a plugin describes.
    pub(crate) fn shared_evaluation(
        &self,
        spec: wit::SharedEvaluation,
        space: &Space,
        networks: &NetworkBounds,
    ) -> Result<SharedEvaluation, Wrong> {
        self.offered("evaluate-shared")?;
        at_most("calibration", u64::from(spec.calibration), MAX_CALIBRATION)?;
        Ok(SharedEvaluation {
            weights: self.shown("weights", spec.weights)?,
            subject: checked::architecture(spec.subject, space, networks)?,
            calibration: spec.calibration,
            batch: spec.batch,
        })
    }

    /// The derivative that a plugin describes.
    pub(crate) fn shared_derivative(
        &self,
        spec: wit::SharedDerivative,
        space: &Space,
    ) -> Result<SharedDerivative, Wrong> {
        self.offered("differentiate-shared")?;
        at_least_one("epochs", spec.epochs)?;
        Ok(SharedDerivative {
            weights: self.shown("weights", spec.weights)?,
            relaxation: checked::relaxation(spec.relaxation, space.decisions())?,
            batch: spec.batch,
            unrolled: spec.unrolled,
            epochs: spec.epochs,
        })
    }

    /// The look-up that a plugin describes.
    pub(crate) fn measurement(
        &self,
        spec: wit::Measurement,
        space: &Space,
        networks: &NetworkBounds,
    ) -> Result<Measurement, Wrong> {
        self.offered("look-up")?;
        self.epochs(spec.until_epoch)?;
        Ok(Measurement {
            subject: checked::architecture(spec.subject, space, networks)?,
            until_epoch: spec.until_epoch,
            trained_epochs: spec.trained_epochs,
            training: spec.training,
            curve: spec.curve,
        })
    }

    fn epochs(&self, until: u32) -> Result<(), Wrong> {
        if until == 0 || until > self.full_epochs {
            let problem = format!("{until} is not from 1 to {}, the epochs of a full training", self.full_epochs);
            return Err(Wrong::new("until-epoch", problem));
        }
        Ok(())
    }

    fn offered(&self, action: &str) -> Result<(), Wrong> {
        if self.offers.contains(action) {
            return Ok(());
        }
        Err(Wrong::new("action", format!("`{action}` is not offered here (`setup.offers` lists what is)")))
    }

    fn shown(&self, field: &str, weights: String) -> Result<String, Wrong> {
        if self.weights.contains(&weights) {
            return Ok(weights);
        }
        Err(Wrong::new(field, format!("no outcome named weights {weights:?}")))
    }
}

fn at_most(field: &str, value: u64, most: u64) -> Result<(), Wrong> {
    if value > most { Err(Wrong::new(field, format!("{value} is more than {most}"))) } else { Ok(()) }
}

fn at_least_one(field: &str, value: u32) -> Result<(), Wrong> {
    if value == 0 { Err(Wrong::new(field, "it has to be at least 1")) } else { Ok(()) }
}
