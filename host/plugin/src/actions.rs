//! What estimators can have done.

use std::collections::HashSet;

use archwright_space::Space;

use crate::bindings::actions as wit;
use crate::checked::{self, Wrong};
use crate::model::{ActionOutcome, PluginAction, Start, Training};

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
    pub(crate) offers: HashSet<String>,
    /// Names of the weights that the estimator has been shown. It can use no others.
    pub(crate) weights: HashSet<String>,
}

impl ActionRules {
    /// The training that a plugin describes.
    pub(crate) fn training(&self, spec: wit::Training, space: &Space, nodes: u32) -> Result<Training, Wrong> {
        self.offered("train")?;
        let start = match spec.start {
            wit::Start::Fresh(seed) => Start::Fresh(seed),
            wit::Start::Resume(weights) => {
                self.offered("train.resume")?;
                Start::Resume(self.shown(weights)?)
            }
            wit::Start::Inherit(weights) => {
                self.offered("train.inherit")?;
                Start::Inherit(self.shown(weights)?)
            }
        };
        if spec.until_epoch == 0 || spec.until_epoch > self.full_epochs {
            let problem =
                format!("{} is not from 1 to {}, the epochs of a full training", spec.until_epoch, self.full_epochs);
            return Err(Wrong::new("until-epoch", problem));
        }
        checked::share("data-share", spec.data_share)?;
        checked::share("resolution-share", spec.resolution_share)?;
        checked::share("width-share", spec.width_share)?;
        checked::share("depth-share", spec.depth_share)?;
        Ok(Training {
            subject: checked::architecture(spec.subject, space, nodes)?,
            start,
            until_epoch: spec.until_epoch,
            data_share: spec.data_share,
            resolution_share: spec.resolution_share,
            width_share: spec.width_share,
            depth_share: spec.depth_share,
        })
    }

    fn offered(&self, action: &str) -> Result<(), Wrong> {
        if self.offers.contains(action) {
            return Ok(());
        }
        Err(Wrong::new("action", format!("`{action}` is not offered here (`setup.offers` lists what is)")))
    }

    fn shown(&self, weights: String) -> Result<String, Wrong> {
        if self.weights.contains(&weights) {
            return Ok(weights);
        }
        Err(Wrong::new("start", format!("no outcome named weights {weights:?}")))
    }
}
