//! A training under way.

use std::time::{Duration, Instant};

use archwright_protocol::{Epoch, FailureKind, Metrics, Recipe, Start, Train};
use archwright_space::seed;
use tch::{Device, Kind, Tensor};

use crate::checkpoint::{Keeper, State};
use crate::material::{Batch, Material, Scored};
use crate::model::{Mode, Model, Scores};
use crate::optimizer::Optimizer;
use crate::schedule::learning_rate;
use crate::{Problem, Progress, Trainer, weights};

/// Time between signs of life within an epoch.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// A training under way.
pub(crate) struct Run<'a> {
    trainer: &'a Trainer,
    train: &'a Train,
    seed: u64,
    pub(crate) model: Model,
    optimizer: Optimizer,
    /// Whole epochs so far.
    pub(crate) curve: Vec<Epoch>,
    /// Steps taken in the epoch after those.
    step: usize,
    /// Sum of the losses in that epoch.
    loss: Tensor,
    /// What this training uses of the data.
    material: Material<'a>,
    /// What goes from one step of a text to the next.
    states: Vec<Tensor>,
    begun: Instant,
    /// Seconds of work before it was gone on with.
    before: f64,
    keeper: Option<Keeper>,
}

impl<'a> Run<'a> {
    /// Goes on from the checkpoint where there is one that is good, or from what the action says.
    pub(crate) fn start(trainer: &'a Trainer, train: &'a Train, keeper: Option<Keeper>) -> Result<Self, Problem> {
        let continued = keeper.as_ref().and_then(|keeper| Self::from_checkpoint(trainer, train, keeper));
        let run = continued.map_or_else(|| Self::from_start(trainer, train), Ok)?;
        Ok(Self { keeper, ..run })
    }

    fn from_checkpoint(trainer: &'a Trainer, train: &'a Train, keeper: &Keeper) -> Option<Self> {
        if !keeper.path().exists() {
            return None;
        }
        let restored = Self::new(trainer, train).and_then(|mut run| {
            let State { progress, step, loss, seconds } =
                keeper.restore(&run.model, &mut run.optimizer, &run.states)?;
            let loss = Tensor::f_full([], f64::from_bits(loss), (Kind::Double, trainer.device))?;
            Ok(Self { seed: progress.seed, curve: progress.curve, step, loss, before: seconds, ..run })
        });
        let path = keeper.path();
        restored
            .inspect_err(|problem| {
                eprintln!("archwright-trainer: the checkpoint {} is not used: {problem}", path.display());
            })
            .ok()
    }

    fn from_start(trainer: &'a Trainer, train: &'a Train) -> Result<Self, Problem> {
        let mut run = Self::new(trainer, train)?;
        if let Start::Resume(digest) = &train.start {
            let progress = weights::load(&trainer.weights, digest, &run.model, Some(&mut run.optimizer))?;
            (run.seed, run.curve) = (progress.seed, progress.curve);
        }
        let seen = run.curve.len();
        if seen >= train.until_epoch as usize {
            let problem = format!("the weights have seen {seen} epochs, {} were asked for", train.until_epoch);
            return Err(Problem::new(FailureKind::Unsupported, problem));
        }
        Ok(run)
    }

    fn new(trainer: &'a Trainer, train: &'a Train) -> Result<Self, Problem> {
        let begun = Instant::now();
        seed_libtorch(seed::derive(train.seed, "weights", 0));
        let model = trainer.model(&train.network, &train.input, train.recipe.bf16)?;
        let optimizer = Optimizer::new(&train.recipe, &model.flat)?;
        let material = Material::new(&trainer.data, train.data_share, &train.recipe)?;
        let states = material.first_states(&model)?;
        Ok(Self {
            trainer,
            train,
            seed: train.seed,
            model,
            optimizer,
            curve: Vec::new(),
            step: 0,
            loss: no_loss(trainer.device)?,
            material,
            states,
            begun,
            before: 0.0,
            keeper: None,
        })
    }

    /// Seconds of work so far, those before it was gone on with included.
    pub(crate) fn seconds(&self) -> f64 {
        self.before + self.begun.elapsed().as_secs_f64()
    }

    /// Trains to the end of the epoch; gives the mean loss. Every random choice derives from the seed, the epoch's number
    /// and the step's, so that a training that was interrupted anywhere goes on as if it had not been.
    pub(crate) fn epoch(&mut self, progress: Progress<'_>) -> Result<f64, Problem> {
        let Train { recipe, until_epoch, .. } = self.train;
        let epoch = self.curve.len() as u32;
        let batches = self.material.batches(recipe, seed::derive(self.seed, "order", epoch.into()));
        let epoch_seed = seed::derive(self.seed, "epoch", epoch.into());
        let mode = Mode::Train { drop_path: recipe.drop_path * f64::from(epoch) / f64::from(*until_epoch) };
        let at = |step: usize| f64::from(epoch) + step as f64 / batches.len() as f64;
        if self.step == 0 {
            self.states = self.material.first_states(&self.model)?;
        }
        let mut sign = Instant::now();
        for (step, batch) in batches.iter().enumerate().skip(self.step) {
            seed_libtorch(seed::derive(epoch_seed, "step", step as u64));
            let loss = self.step(batch, mode, learning_rate(recipe, at(step), *until_epoch))?;
            self.loss = self.loss.f_add(&loss.f_mul_scalar(self.material.size(batch) as f64)?)?;
            self.step = step + 1;
            // Writing may take long, too.
            if self.keep_if_due() || sign.elapsed() >= SIGN_OF_LIFE {
                sign = Instant::now();
                progress(at(self.step), None);
            }
        }
        let seen: usize = batches.iter().map(|batch| self.material.size(batch)).sum();
        let mean = f64::try_from(&self.loss)? / seen.max(1) as f64;
        if mean.is_finite() {
            Ok(mean)
        } else {
            let problem = format!("the loss of epoch {} is not finite: the training diverged", epoch + 1);
            Err(Problem::new(FailureKind::Diverged, problem))
        }
    }

    /// Ends an epoch.
    pub(crate) fn end_epoch(&mut self, train_loss: f64, metrics: Metrics) -> Result<(), Problem> {
        self.curve.push(Epoch { epoch: self.curve.len() as u32 + 1, train_loss, metrics });
        (self.step, self.loss) = (0, no_loss(self.trainer.device)?);
        self.keep_if_due();
        Ok(())
    }

    /// Writes the weights; gives their digest.
    pub(crate) fn save(&self) -> Result<String, Problem> {
        weights::save(&self.trainer.weights, &self.model, &self.optimizer, &self.progress())
    }

    fn progress(&self) -> weights::Progress {
        weights::Progress { seed: self.seed, steps: self.optimizer.steps, curve: self.curve.clone() }
    }

    /// Writes a checkpoint where the time has come; says whether it had.
    fn keep_if_due(&mut self) -> bool {
        if !self.keeper.as_ref().is_some_and(Keeper::is_due) {
            return false;
        }
        // A device that cannot give the number fails the next step as well.
        let Ok(loss) = f64::try_from(&self.loss) else { return false };
        let state = State { progress: self.progress(), step: self.step, loss: loss.to_bits(), seconds: self.seconds() };
        if let Some(keeper) = &mut self.keeper {
            keeper.keep(&self.model, &self.optimizer, &self.states, &state);
        }
        true
    }

    /// Takes a step along the gradient of a batch; gives its mean loss.
    fn step(&mut self, batch: &Batch, mode: Mode, rate: f64) -> Result<Tensor, Problem> {
        let Train { recipe, input, .. } = self.train;
        let scored = self.material.scores(&self.model, batch, &mut self.states, recipe, input, mode)?;
        step(&mut self.model, &mut self.optimizer, scored, recipe, rate)
    }
}

/// The loss of scores, with that of auxiliary heads.
pub(crate) fn loss(scored: &Scored, recipe: &Recipe) -> Result<Tensor, Problem> {
    let Scored { scores: Scores { output, auxiliary }, loss_of } = scored;
    let mut loss = loss_of.of(output)?;
    if recipe.auxiliary_weight > 0.0 {
        for scores in auxiliary {
            loss = loss.f_add(&loss_of.of(scores)?.f_mul_scalar(recipe.auxiliary_weight)?)?;
        }
    }
    Ok(loss)
}

/// Takes a step of a network's weights along the gradient of its loss; gives the loss.
pub(crate) fn step(
    model: &mut Model,
    optimizer: &mut Optimizer,
    scored: Scored,
    recipe: &Recipe,
    rate: f64,
) -> Result<Tensor, Problem> {
    let loss = loss(&scored, recipe)?;
    drop(scored);
    if !model.parameters().is_empty() {
        let gradient = model.gradient(&loss)?;
        tch::no_grad(|| optimizer.step(&mut model.flat, gradient, rate))?;
    }
    Ok(loss.f_detach()?)
}

/// Seeds libtorch's generators on all devices. The sign bit of a seed is nothing to them.
pub(crate) fn seed_libtorch(seed: u64) {
    tch::manual_seed((seed >> 1).cast_signed());
}

pub(crate) fn no_loss(device: Device) -> Result<Tensor, Problem> {
    Ok(Tensor::f_zeros([], (Kind::Double, device))?)
}
