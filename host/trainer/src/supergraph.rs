//! Training and evaluating shared weights.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use archwright_protocol::{
    DifferentiateShared, EvaluateShared, FailureKind, Metrics, Outcome, Paths, Recipe, SharedStart, SharedState,
    Subject, Subset, Supergraph, TrainShared,
};
use archwright_space::{Context, Definition, Space, seed};
use tch::{Device, Kind, Tensor};

use crate::material::{Batch, Material};
use crate::model::{Mode, Model};
use crate::run::{SIGN_OF_LIFE, gradient, seed_libtorch};
use crate::schedule::learning_rate;
use crate::shared::{SharedWeights, forget_statistics};
use crate::train::Tally;
use crate::{Problem, Progress, Trainer, memory, weights};

/// Shared weights that are at hand.
pub(crate) struct Loaded {
    name: String,
    shared: SharedWeights,
    /// What goes from one step of a text to the next.
    states: Vec<Tensor>,
}

/// The space that shared weights were used for last.
pub(crate) struct Opened {
    supergraph: Supergraph,
    space: Arc<Space>,
}

impl Trainer {
    /// Trains shared weights.
    pub(crate) fn train_shared(&mut self, train: &TrainShared, progress: Progress<'_>) -> Result<Outcome, Problem> {
        let begun = Instant::now();
        let TrainShared { supergraph, recipe, steps, paths, .. } = train;
        self.data.check_recipe(recipe)?;
        let empty = match paths {
            Paths::Given(given) => given.is_empty(),
            Paths::Uniform(count) => *count == 0,
            Paths::Mixture(_) => false,
        };
        if empty || *steps == 0 {
            return Err(Problem::new(FailureKind::Unsupported, "there is nothing to train"));
        }
        let space = self.space(supergraph)?;
        let mut loaded = match &train.start {
            SharedStart::Fresh(seed) => Loaded {
                name: String::new(),
                shared: SharedWeights::new(*seed, recipe, self.device),
                states: Vec::new(),
            },
            SharedStart::State(state) => self.take_shared(state, recipe)?,
        };
        let (metrics, ends_epoch) = self.shared_steps(&space, train, &mut loaded, progress)?;
        let weights = ends_epoch.then(|| loaded.shared.save(&self.weights)).transpose()?;
        loaded.name.clone_from(&train.name);
        self.shared = Some(loaded);
        Ok(Outcome { weights, ..Outcome::of(metrics, begun.elapsed().as_secs_f64()) })
    }

    /// Takes an action's steps; gives the metrics of their batches, and whether the last step ends an epoch. Every random
    /// choice derives from the weights' seed, the epoch's number and the step's.
    fn shared_steps(
        &self,
        space: &Space,
        train: &TrainShared,
        Loaded { shared, states, .. }: &mut Loaded,
        progress: Progress<'_>,
    ) -> Result<(Metrics, bool), Problem> {
        let recipe = &train.recipe;
        let material = Material::new(&self.data, 1.0, recipe)?;
        let weights_seed = shared.seed;
        let order = |epoch: u64| material.batches(recipe, seed::derive(weights_seed, "order", epoch));
        let mut batches = order(0);
        let length = batches.len().max(1) as u64;
        let mut at_hand = 0;
        let mut sums = Sums::new(self.device)?;
        let mut sign = Instant::now();
        for turn in 0..train.steps {
            let (epoch, place) = (shared.steps / length, shared.steps % length);
            if epoch != at_hand {
                batches = order(epoch);
                at_hand = epoch;
            }
            let Some(batch) = batches.get(place as usize) else {
                return Err(Problem::new(FailureKind::Unsupported, "there is nothing to learn from"));
            };
            if place == 0 {
                states.clear();
            }
            let step = Step { space, train, material: &material, batch, epoch, place, length, turn: turn as usize };
            self.shared_step(&step, shared, states, &mut sums)?;
            if sign.elapsed() >= SIGN_OF_LIFE {
                sign = Instant::now();
                progress(shared.steps as f64 / length as f64, None);
            }
        }
        let metrics = sums.metrics()?;
        Ok((metrics, shared.steps.is_multiple_of(length)))
    }

    fn shared_step(
        &self,
        step: &Step<'_>,
        shared: &mut SharedWeights,
        states: &mut Vec<Tensor>,
        sums: &mut Sums,
    ) -> Result<(), Problem> {
        let Step { space, train, material, batch, place, epoch, .. } = *step;
        let TrainShared { supergraph, recipe, .. } = train;
        let step_seed = seed::derive(seed::derive(shared.seed, "epoch", epoch), "step", place);
        let subjects = step.subjects(step_seed);
        let share = 1.0 / subjects.len() as f64;
        let mode = Mode::Train { drop_path: recipe.drop_path * epoch as f64 / f64::from(recipe.epochs) };
        let mut gradients: BTreeMap<String, Tensor> = BTreeMap::new();
        let before = std::mem::take(states);
        for subject in subjects {
            let Subject::Architecture(architecture) = subject else {
                return Err(Problem::new(FailureKind::Unsupported, "this trainer does not compute mixtures"));
            };
            let network = space.build(&architecture)?;
            if step.turn == 0 {
                memory::check(&network, recipe, self.device)?;
            }
            let model = shared.path(&network, recipe)?;
            *states = before.iter().map(Tensor::shallow_clone).collect();
            if !fits(&model, states) {
                *states = material.first_states(&model)?;
            }
            seed_libtorch(step_seed);
            let scored = material.scores(&model, batch, states, recipe, &supergraph.input, mode)?;
            let right = scored.loss_of.right(&scored.scores.output)?;
            let (loss, gradient) = gradient(&model, scored, recipe)?;
            sums.add(&right, &loss, material.size(batch))?;
            shared.gather(&model, &gradient, share, &mut gradients)?;
        }
        shared.step(gradients, recipe, learning_rate(recipe, step.at(), recipe.epochs))
    }

    /// Evaluates an architecture with shared weights.
    pub(crate) fn evaluate_shared(&mut self, evaluate: &EvaluateShared) -> Result<Outcome, Problem> {
        let begun = Instant::now();
        let EvaluateShared { supergraph, recipe, state, subject, calibration, batch } = evaluate;
        let network = self.space(supergraph)?.build(subject)?;
        let loaded = self.take_shared(state, recipe)?;
        let model = loaded.shared.alone(&network);
        self.shared = Some(loaded);
        let model = model?;
        if *calibration > 0 && !model.buffers.is_empty() {
            self.calibrate(&model, evaluate)?;
        }
        let metrics = match batch {
            None => self.measure(&model, &supergraph.input, Subset::Validation)?,
            Some(number) => self.measure_batch(&model, evaluate, *number)?,
        };
        Ok(Outcome::of(metrics, begun.elapsed().as_secs_f64()))
    }

    /// Accuracy and loss on one validation batch.
    fn measure_batch(&self, model: &Model, evaluate: &EvaluateShared, number: u64) -> Result<Metrics, Problem> {
        let EvaluateShared { supergraph, recipe, .. } = evaluate;
        let material = Material::validation(&self.data)?;
        let batch = numbered(&material, recipe, number)?;
        // As it is: what changes images in training is for training.
        let plain = Recipe { crop_padding: 0, flip: false, cutout: 0, mixup: 0.0, ..recipe.clone() };
        let mut states = material.first_states(model)?;
        let mut tally = Tally::new(self.device)?;
        tch::no_grad(|| {
            let scored = material.scores(model, &batch, &mut states, &plain, &supergraph.input, Mode::Evaluate)?;
            tally.add(&scored.scores.output, scored.loss_of.labels())
        })?;
        tally.metrics()
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

    /// Differentiates the loss of a relaxation.
    pub(crate) fn differentiate_shared(&mut self, _: &DifferentiateShared) -> Result<Outcome, Problem> {
        Err(Problem::new(FailureKind::Unsupported, "this trainer does not compute mixtures"))
    }

    /// Leads shared weights to the state that the last of these trainings leads to, each from the one before.
    ///
    /// # Errors
    /// As the trainings.
    pub fn retrace(&mut self, ancestry: &[TrainShared], progress: Progress<'_>) -> Result<(), Problem> {
        let at_hand = self.shared.as_ref().map(|loaded| loaded.name.as_str());
        let done = ancestry.iter().position(|train| Some(train.name.as_str()) == at_hand);
        for train in ancestry.iter().skip(done.map_or(0, |place| place + 1)) {
            self.train_shared(train, progress)?;
        }
        Ok(())
    }

    /// Shared weights in a state: those at hand, or read.
    fn take_shared(&mut self, state: &SharedState, recipe: &Recipe) -> Result<Loaded, Problem> {
        let is_it = |loaded: &mut Loaded| loaded.name == state.name && loaded.shared.has_state_for(recipe);
        if let Some(loaded) = self.shared.take_if(is_it) {
            return Ok(loaded);
        }
        let there = |digest: &&String| weights::exists(&self.weights, digest);
        let Some(digest) = state.kept.as_ref().filter(there) else {
            let problem = format!("the shared weights in state {} are not at hand", state.name);
            return Err(Problem::new(FailureKind::UnknownState, problem));
        };
        let shared = SharedWeights::load(&self.weights, digest, recipe, self.device)?;
        Ok(Loaded { name: state.name.clone(), shared, states: Vec::new() })
    }

    fn space(&mut self, of: &Supergraph) -> Result<Arc<Space>, Problem> {
        if let Some(opened) = self.opened.as_ref().filter(|opened| opened.supergraph == *of) {
            return Ok(Arc::clone(&opened.space));
        }
        let space = Arc::new(open(of)?);
        self.opened = Some(Opened { supergraph: of.clone(), space: Arc::clone(&space) });
        Ok(space)
    }
}

/// One step of shared training.
#[derive(Clone, Copy)]
struct Step<'a> {
    space: &'a Space,
    train: &'a TrainShared,
    material: &'a Material<'a>,
    batch: &'a Batch,
    epoch: u64,
    /// Steps of the epoch before it, and of the whole epoch.
    place: u64,
    length: u64,
    /// Steps of the action before it.
    turn: usize,
}

impl Step<'_> {
    /// Epochs of training before it.
    fn at(&self) -> f64 {
        self.epoch as f64 + self.place as f64 / self.length as f64
    }

    /// What learns.
    fn subjects(&self, step_seed: u64) -> Vec<Subject> {
        match &self.train.paths {
            Paths::Uniform(count) => (0..*count)
                .map(|index| Subject::Architecture(self.space.sample(seed::derive(step_seed, "path", index.into()))))
                .collect(),
            // Not empty, as was checked.
            Paths::Given(given) => given.iter().cycle().skip(self.turn % given.len()).take(1).cloned().collect(),
            Paths::Mixture(_) => Vec::new(),
        }
    }
}

/// What is summed up over batches that weights learn from.
struct Sums {
    right: Tensor,
    loss: Tensor,
    examples: usize,
}

impl Sums {
    fn new(device: Device) -> Result<Self, Problem> {
        let zero = |kind| Tensor::f_zeros([], (kind, device));
        Ok(Self { right: zero(Kind::Int64)?, loss: zero(Kind::Double)?, examples: 0 })
    }

    /// Adds a batch of so many examples, by those that came out right and the mean loss.
    fn add(&mut self, right: &Tensor, loss: &Tensor, examples: usize) -> Result<(), Problem> {
        self.right = self.right.f_add(right)?;
        self.loss = self.loss.f_add(&loss.f_mul_scalar(examples as f64)?)?;
        self.examples += examples;
        Ok(())
    }

    fn metrics(&self) -> Result<Metrics, Problem> {
        let examples = self.examples.max(1) as f64;
        let loss = f64::try_from(&self.loss)? / examples;
        if !loss.is_finite() {
            return Err(Problem::new(FailureKind::Diverged, "the loss is not finite: the shared weights diverged"));
        }
        Ok(Metrics { accuracy: i64::try_from(&self.right)? as f64 / examples, loss })
    }
}

/// A batch of a number that counts through all passes.
fn numbered(material: &Material<'_>, recipe: &Recipe, number: u64) -> Result<Batch, Problem> {
    let order = |pass| material.batches(recipe, seed::derive(0, "validation", pass));
    let length = order(0).len() as u64;
    let found = (length > 0).then(|| order(number / length).into_iter().nth((number % length) as usize)).flatten();
    found.ok_or_else(|| Problem::data("there are no validation examples"))
}

fn open(of: &Supergraph) -> Result<Space, Problem> {
    let problem = |problem: String| Problem::new(FailureKind::Unsupported, format!("the supergraph: {problem}"));
    let definition =
        Definition::parse_with(&of.definition, &of.options).map_err(|diagnostic| problem(diagnostic.to_string()))?;
    let context = Context::full(of.input.clone(), of.classes);
    Space::new(Arc::new(definition), context).map_err(|error| problem(error.to_string()))
}

/// Whether states are those of a network, from which it can go on.
fn fits(model: &Model, states: &[Tensor]) -> bool {
    model.steps.states.len() == states.len()
}
