//! Training and evaluating shared weights.

use std::sync::Arc;
use std::time::Instant;

use archwright_protocol::{
    Epoch, EvaluateShared, FailureKind, Outcome, Paths, Recipe, Start, Subset, Supergraph, TrainShared,
};
use archwright_space::{Architecture, Context, Definition, Space, seed};
use tch::Tensor;

use crate::material::Material;
use crate::model::{Mode, Model};
use crate::run::{SIGN_OF_LIFE, no_loss, seed_libtorch, step};
use crate::schedule::learning_rate;
use crate::shared::{SharedWeights, forget_statistics};
use crate::weights::Progress as Seen;
use crate::{Problem, Progress, Trainer, memory};

/// Shared weights that are at hand, by the digest that an outcome gave them.
pub(crate) struct Loaded {
    digest: String,
    shared: SharedWeights,
    seen: Seen,
}

impl Trainer {
    /// Trains shared weights, a path a step, and keeps them.
    pub(crate) fn train_shared(&mut self, train: &TrainShared, progress: Progress<'_>) -> Result<Outcome, Problem> {
        let begun = Instant::now();
        let TrainShared { supergraph, recipe, epochs, until_epoch, paths, .. } = train;
        self.data.check_recipe(recipe)?;
        let space = space(supergraph)?;
        if matches!(paths, Paths::Given(given) if given.is_empty()) {
            return Err(Problem::new(FailureKind::Unsupported, "there is no path to train"));
        }
        let (mut shared, mut seen) = match &train.start {
            Start::Fresh => (
                SharedWeights::new(train.seed, recipe, self.device),
                Seen { seed: train.seed, steps: 0, curve: Vec::new() },
            ),
            Start::Resume(digest) => self.take_shared(digest, recipe)?,
        };
        if seen.curve.len() >= *until_epoch as usize || until_epoch > epochs {
            let problem = format!(
                "the shared weights have seen {} epochs, {until_epoch} of {epochs} were asked for",
                seen.curve.len()
            );
            return Err(Problem::new(FailureKind::Unsupported, problem));
        }
        while seen.curve.len() < *until_epoch as usize {
            let epoch = seen.curve.len() as u32;
            let epoch_seed = seed::derive(seen.seed, "epoch", epoch.into());
            let train_loss = self.shared_epoch(&space, train, &mut shared, (epoch, seen.seed), progress)?;
            // One path stands for all: how the weights get better shows on it as well.
            let shown = path(&space, paths, (epoch_seed, "shown", 0), epoch as usize);
            let model = shared.alone(&space.build(&shown)?)?;
            let metrics = self.measure(&model, &supergraph.input, Subset::Validation)?;
            seen.curve.push(Epoch { epoch: epoch + 1, train_loss, metrics });
            progress(seen.curve.len() as f64, Some(metrics));
        }
        seen.steps = shared.steps;
        let Some(last) = seen.curve.last() else {
            return Err(Problem::new(FailureKind::Unsupported, "a training has at least one epoch"));
        };
        let (metrics, curve) = (last.metrics, seen.curve.clone());
        let digest = shared.save(&self.weights, &seen)?;
        self.shared = Some(Loaded { digest: digest.clone(), shared, seen });
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Outcome { curve, metrics, weights: Some(digest), seconds, peak_memory: None, latency: None })
    }

    /// An epoch of paths; gives the mean loss. Every random choice derives from the seed, the epoch's number and the step's.
    fn shared_epoch(
        &self,
        space: &Space,
        train: &TrainShared,
        shared: &mut SharedWeights,
        (epoch, seed): (u32, u64),
        progress: Progress<'_>,
    ) -> Result<f64, Problem> {
        let TrainShared { supergraph, recipe, epochs, paths, .. } = train;
        let material = Material::new(&self.data, 1.0, recipe)?;
        let batches = material.batches(recipe, seed::derive(seed, "order", epoch.into()));
        let epoch_seed = seed::derive(seed, "epoch", epoch.into());
        let mode = Mode::Train { drop_path: recipe.drop_path * f64::from(epoch) / f64::from(*epochs) };
        let mut sum = no_loss(self.device)?;
        let mut states = Vec::new();
        let mut sign = Instant::now();
        for (place, batch) in batches.iter().enumerate() {
            let at = f64::from(epoch) + place as f64 / batches.len() as f64;
            let turn = epoch as usize * batches.len() + place;
            let path = path(space, paths, (epoch_seed, "path", place as u64), turn);
            let network = space.build(&path)?;
            if place == 0 {
                memory::check(&network, recipe, self.device)?;
            }
            let (mut model, mut optimizer) = shared.path(&network, recipe)?;
            if place == 0 || !fits(&model, &states) {
                states = material.first_states(&model)?;
            }
            seed_libtorch(seed::derive(epoch_seed, "step", place as u64));
            let scored = material.scores(&model, batch, &mut states, recipe, &supergraph.input, mode)?;
            let loss = step(&mut model, &mut optimizer, scored, recipe, learning_rate(recipe, at, *epochs))?;
            shared.take_in(&model, &optimizer)?;
            sum = sum.f_add(&loss.f_mul_scalar(material.size(batch) as f64)?)?;
            if sign.elapsed() >= SIGN_OF_LIFE {
                sign = Instant::now();
                progress(at, None);
            }
        }
        let examples: usize = batches.iter().map(|batch| material.size(batch)).sum();
        let mean = f64::try_from(&sum)? / examples.max(1) as f64;
        if mean.is_finite() {
            return Ok(mean);
        }
        let problem = format!("the loss of epoch {} is not finite: the shared weights diverged", epoch + 1);
        Err(Problem::new(FailureKind::Diverged, problem))
    }

    /// Evaluates an architecture with shared weights.
    pub(crate) fn evaluate_shared(&mut self, evaluate: &EvaluateShared) -> Result<Outcome, Problem> {
        let begun = Instant::now();
        let EvaluateShared { supergraph, recipe, weights, subject, calibration, subset } = evaluate;
        if *subset == Subset::Test {
            return Err(Problem::new(FailureKind::Unsupported, "shared weights never see the test split"));
        }
        let network = space(supergraph)?.build(subject)?;
        let (shared, seen) = self.take_shared(weights, recipe)?;
        let model = shared.alone(&network);
        self.shared = Some(Loaded { digest: weights.clone(), shared, seen });
        let model = model?;
        if *calibration > 0 && !model.buffers.is_empty() {
            self.calibrate(&model, evaluate)?;
        }
        let metrics = self.measure(&model, &supergraph.input, *subset)?;
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Outcome { curve: Vec::new(), metrics, weights: None, seconds, peak_memory: None, latency: None })
    }

    /// Estimates the statistics of batch norms anew, over batches of training examples (Guo et al. 2020, section 3.4).
    fn calibrate(&self, model: &Model, evaluate: &EvaluateShared) -> Result<(), Problem> {
        let EvaluateShared { supergraph, recipe, calibration, .. } = evaluate;
        forget_statistics(model)?;
        let material = Material::new(&self.data, 1.0, recipe)?;
        let order = seed::derive(0, "calibration", 0);
        let mut states = material.first_states(model)?;
        seed_libtorch(order);
        for (seen, batch) in (0..*calibration).zip(&material.batches(recipe, order)) {
            let mode = Mode::Calibrate { seen };
            tch::no_grad(|| material.scores(model, batch, &mut states, recipe, &supergraph.input, mode))?;
        }
        Ok(())
    }

    /// The shared weights with this digest: those at hand, or read.
    fn take_shared(&mut self, digest: &str, recipe: &Recipe) -> Result<(SharedWeights, Seen), Problem> {
        let is_it = |loaded: &mut Loaded| loaded.digest == digest && loaded.shared.has_state_for(recipe);
        if let Some(Loaded { shared, seen, .. }) = self.shared.take_if(is_it) {
            return Ok((shared, seen));
        }
        SharedWeights::load(&self.weights, digest, recipe, self.device)
    }
}

fn space(of: &Supergraph) -> Result<Space, Problem> {
    let problem = |problem: String| Problem::new(FailureKind::Unsupported, format!("the supergraph: {problem}"));
    let definition =
        Definition::parse_with(&of.definition, &of.options).map_err(|diagnostic| problem(diagnostic.to_string()))?;
    let context = Context::full(of.input.clone(), of.classes);
    Space::new(Arc::new(definition), context).map_err(|error| problem(error.to_string()))
}

/// A path: drawn from the seed, or the one whose turn it is. Given ones are not empty.
fn path(space: &Space, paths: &Paths, (seed, label, index): (u64, &str, u64), turn: usize) -> Architecture {
    match paths {
        Paths::Uniform => space.sample(seed::derive(seed, label, index)),
        Paths::Given(given) => given[turn % given.len()].clone(),
    }
}

/// Whether states are those of a network, from which it can go on.
fn fits(model: &Model, states: &[Tensor]) -> bool {
    model.steps.states.len() == states.len()
}
