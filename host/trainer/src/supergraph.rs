//! Training and evaluating shared weights.

use std::collections::BTreeMap;
use std::time::Instant;

use archwright_protocol::{
    DifferentiateShared, EvaluateShared, FailureKind, Metrics, Outcome, Paths, Recipe, SharedStart, SharedState,
    Subject, Subset, TrainShared,
};
use archwright_space::{Relaxation, Row, seed};
use chacha20::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tch::{Device, Kind, Tensor};

use crate::derivative::{Ahead, Point, first_order, second_order};
use crate::material::{Batch, Material};
use crate::mixture::Mixture;
use crate::model::{Mode, Model};
use crate::opened::{OpenMixture, Opened};
use crate::run::{SIGN_OF_LIFE, loss, seed_libtorch};
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

impl Trainer {
    /// Trains shared weights. With `keeps` they are kept where the last step ends an epoch.
    pub(crate) fn train_shared(
        &mut self,
        train: &TrainShared,
        keeps: bool,
        progress: Progress<'_>,
    ) -> Result<Outcome, Problem> {
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
        let limits = matches!(paths, Paths::Uniform(_)).then_some(train.limits);
        let opened = self.open(supergraph, limits)?;
        let mut loaded = match &train.start {
            SharedStart::Fresh(seed) => Loaded {
                name: String::new(),
                shared: SharedWeights::new(*seed, recipe, self.device),
                states: Vec::new(),
            },
            SharedStart::State(state) => self.take_shared(state, recipe)?,
        };
        let before = loaded.shared.steps;
        let taken = self.shared_steps(&opened, train, &mut loaded, progress);
        let (metrics, ends_epoch) = match taken {
            Ok(taken) => taken,
            Err(problem) => {
                // What was refused before it was computed left the weights as they were.
                let is_refused = matches!(problem.kind, FailureKind::TooLarge | FailureKind::Unsupported);
                if is_refused && loaded.shared.steps == before && !loaded.name.is_empty() {
                    self.shared = Some(loaded);
                }
                return Err(problem);
            }
        };
        let weights = (ends_epoch && keeps).then(|| loaded.shared.save(&self.weights)).transpose()?;
        loaded.name.clone_from(&train.name);
        self.shared = Some(loaded);
        Ok(Outcome { weights, ..Outcome::of(metrics, begun.elapsed().as_secs_f64()) })
    }

    /// Takes an action's steps; gives the metrics of their batches, and whether the last step ends an epoch. Every random
    /// choice derives from the weights' seed, the epoch's number and the step's.
    fn shared_steps(
        &self,
        opened: &Opened,
        train: &TrainShared,
        Loaded { shared, states, .. }: &mut Loaded,
        progress: Progress<'_>,
    ) -> Result<(Metrics, bool), Problem> {
        let recipe = &train.recipe;
        let material = Material::new(&self.data, 1.0, recipe)?;
        let mut at = Position::of(shared, &material, recipe);
        let mut batches = at.batches(shared.seed, &material, recipe);
        let mut sums = Sums::new(self.device)?;
        let mut sign = Instant::now();
        for turn in 0..train.steps {
            let now = Position::of(shared, &material, recipe);
            if now.epoch != at.epoch {
                batches = now.batches(shared.seed, &material, recipe);
            }
            at = now;
            let Some(batch) = batches.get(at.place as usize) else {
                return Err(Problem::new(FailureKind::Unsupported, "there is nothing to learn from"));
            };
            if at.place == 0 {
                states.clear();
            }
            let step = Step { opened, train, material: &material, batch, at, turn: turn as usize };
            self.shared_step(&step, shared, states, &mut sums)?;
            if sign.elapsed() >= SIGN_OF_LIFE {
                sign = Instant::now();
                progress(Position::of(shared, &material, recipe).epochs(), None);
            }
        }
        let metrics = sums.metrics()?;
        let end = Position::of(shared, &material, recipe);
        if end.place == 0 {
            progress(end.epochs(), None);
        }
        Ok((metrics, end.place == 0))
    }

    fn shared_step(
        &self,
        step: &Step<'_>,
        shared: &mut SharedWeights,
        states: &mut Vec<Tensor>,
        sums: &mut Sums,
    ) -> Result<(), Problem> {
        let Step { opened, train, material, batch, at: Position { epoch, place, .. }, .. } = *step;
        let TrainShared { supergraph, recipe, .. } = train;
        let step_seed = seed::derive(seed::derive(shared.seed, "epoch", epoch), "step", place);
        let subjects = step.subjects(step_seed)?;
        let share = 1.0 / subjects.len() as f64;
        let mode = Mode::Train { drop_path: recipe.drop_path * epoch as f64 / f64::from(recipe.epochs) };
        let mut gradients: BTreeMap<String, Tensor> = BTreeMap::new();
        let mut after = Vec::new();
        for subject in subjects {
            let built;
            let network = match &subject {
                Subject::Architecture(architecture) => {
                    built = opened.space.build(architecture)?;
                    &built
                }
                Subject::Relaxation(_) => &opened.mixture()?.network,
            };
            memory::check(network, recipe, self.device)?;
            let model = shared.path(network, recipe)?;
            after = match fits(&model, states) {
                true => states.iter().map(Tensor::shallow_clone).collect(),
                false => material.first_states(&model)?,
            };
            seed_libtorch(step_seed);
            let input = &supergraph.input;
            let scored = match &subject {
                Subject::Architecture(_) => material.scores(&model, batch, &mut after, recipe, input, mode)?,
                Subject::Relaxation(Relaxation { probabilities, .. }) => {
                    let structure = &opened.mixture()?.structure;
                    let unwanted = vec![false; structure.probabilities()];
                    let row = Tensor::f_from_slice(probabilities)?;
                    let mixture = Mixture::new(&model, structure, &row, Some(&unwanted))?;
                    material.scores(&mixture, batch, &mut after, recipe, input, mode)?
                }
            };
            let right = scored.loss_of.right(&scored.scores.output)?;
            let loss = loss(&scored, recipe)?;
            drop(scored);
            let gradient = Tensor::f_run_backward(&[&loss], model.parameters(), false, false)?;
            sums.add(&right, &loss.f_detach()?, material.size(batch))?;
            shared.gather(&model, &gradient, share, &mut gradients)?;
        }
        shared.step(gradients, recipe, learning_rate(recipe, step.at.epochs(), recipe.epochs))?;
        *states = after;
        Ok(())
    }

    /// Evaluates an architecture with shared weights.
    pub(crate) fn evaluate_shared(
        &mut self,
        evaluate: &EvaluateShared,
        progress: Progress<'_>,
    ) -> Result<Outcome, Problem> {
        let begun = Instant::now();
        let EvaluateShared { supergraph, recipe, state, subject, calibration, batch, latency } = evaluate;
        let network = self.open(supergraph, None)?.space.build(subject)?;
        let latency = self.latency_of(latency.as_ref(), &network, recipe, "evaluated", progress)?;
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
        Ok(Outcome { latency, ..Outcome::of(metrics, begun.elapsed().as_secs_f64()) })
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
    pub(crate) fn differentiate_shared(&mut self, differentiate: &DifferentiateShared) -> Result<Outcome, Problem> {
        let begun = Instant::now();
        let DifferentiateShared { supergraph, recipe, state, .. } = differentiate;
        let opened = self.open(supergraph, None)?;
        let mixture = opened.mixture()?;
        memory::check(&mixture.network, recipe, self.device)?;
        let loaded = self.take_shared(state, recipe)?;
        let result = self.derivative(differentiate, mixture, &loaded.shared);
        self.shared = Some(loaded);
        let (metrics, gradient) = result?;
        Ok(Outcome { gradient, ..Outcome::of(metrics, begun.elapsed().as_secs_f64()) })
    }

    fn derivative(
        &self,
        differentiate: &DifferentiateShared,
        mixture: &OpenMixture,
        shared: &SharedWeights,
    ) -> Result<(Metrics, Vec<f32>), Problem> {
        let DifferentiateShared { supergraph, recipe, relaxation, batch, unrolled, .. } = differentiate;
        let model = shared.judged(&mixture.network, recipe, *unrolled)?;
        let validation = Material::validation(&self.data)?;
        let validation_batch = numbered(&validation, recipe, *batch)?;
        let random = seed::derive(seed::derive(shared.seed, "derivative", *batch), "state", shared.steps);
        let mut right = None;
        let mode = Mode::Train { drop_path: 0.0 };
        let losses = |material: &Material<'_>, batch: &Batch, mixture: &Mixture<'_>, recipe: &Recipe| {
            let mut states = material.first_states(&model)?;
            seed_libtorch(random);
            material.scores(mixture, batch, &mut states, recipe, &supergraph.input, mode)
        };
        // The architecture is judged by the cross-entropy of its scores, whatever else its weights learn by.
        let judge = Recipe { auxiliary_weight: 0.0, label_smoothing: 0.0, mixup: 0.0, ..recipe.clone() };
        let mut on_validation = |mixture: &Mixture<'_>| {
            let scored = losses(&validation, &validation_batch, mixture, &judge)?;
            right = Some(scored.loss_of.right(&scored.scores.output)?);
            loss(&scored, &judge)
        };
        let probabilities = Tensor::f_from_slice(&relaxation.probabilities)?.f_to_device(self.device)?;
        let wanted = (!relaxation.wanted.is_empty()).then_some(relaxation.wanted.as_slice());
        let at = Point { structure: &mixture.structure, probabilities: &probabilities, wanted };
        let derivative = if *unrolled {
            let training = Material::new(&self.data, 1.0, recipe)?;
            let next = Position::of(shared, &training, recipe);
            let batches = next.batches(shared.seed, &training, recipe);
            let training_batch = batches.get(next.place as usize);
            let training_batch = training_batch.ok_or_else(|| Problem::data("there are no training examples"))?;
            let mut on_training =
                |mixture: &Mixture<'_>| loss(&losses(&training, training_batch, mixture, recipe)?, recipe);
            let gathered = shared.momentum(&model)?;
            let ahead = Ahead {
                rate: learning_rate(recipe, next.epochs(), recipe.epochs),
                momentum: gathered.as_ref().map(|gathered| (recipe.momentum, gathered)),
                weight_decay: recipe.weight_decay,
            };
            second_order(&model, at, &mut on_training, &mut on_validation, &ahead)?
        } else {
            first_order(&model, at, &mut on_validation)?
        };
        let loss = f64::try_from(&derivative.loss)?;
        let gradient = Vec::<f32>::try_from(derivative.by_probabilities.f_to_device(Device::Cpu)?)?;
        if !loss.is_finite() || gradient.iter().any(|one| !one.is_finite()) {
            return Err(Problem::new(FailureKind::Diverged, "the loss or a derivative of it is not finite"));
        }
        let right = right.map(|right| i64::try_from(&right)).transpose()?.unwrap_or(0);
        let accuracy = right as f64 / validation.size(&validation_batch).max(1) as f64;
        Ok((Metrics { accuracy, loss }, gradient))
    }

    /// Leads shared weights to the state that the last of these trainings leads to, each from the one before.
    ///
    /// # Errors
    /// As the trainings.
    pub fn retrace(&mut self, ancestry: &[TrainShared], progress: Progress<'_>) -> Result<(), Problem> {
        let at_hand = self.shared.as_ref().map(|loaded| loaded.name.as_str());
        let done = ancestry.iter().position(|train| Some(train.name.as_str()) == at_hand);
        for (place, train) in ancestry.iter().enumerate().skip(done.map_or(0, |place| place + 1)) {
            // Those on the way were let go of before.
            self.train_shared(train, place + 1 == ancestry.len(), progress)?;
        }
        Ok(())
    }

    /// Shared weights in a state: those at hand, or read.
    fn take_shared(&mut self, state: &SharedState, recipe: &Recipe) -> Result<Loaded, Problem> {
        let is_it = |loaded: &mut Loaded| loaded.name == state.name && loaded.shared.has_state_for(recipe);
        if let Some(loaded) = self.shared.take_if(is_it) {
            return Ok(loaded);
        }
        let lost = || {
            let problem = format!("the shared weights in state {} are not at hand", state.name);
            Problem::new(FailureKind::UnknownState, problem)
        };
        let is_there = |digest: &String| weights::exists(&self.weights, digest);
        let digest = state.kept.as_ref().filter(|digest| is_there(digest)).ok_or_else(lost)?;
        let loaded = SharedWeights::load(&self.weights, digest, recipe, self.device);
        // Whoever else has gone on from them may let go of them at any moment.
        let shared = loaded.map_err(|problem| if is_there(digest) { problem } else { lost() })?;
        Ok(Loaded { name: state.name.clone(), shared, states: Vec::new() })
    }
}

/// How far shared weights have come.
#[derive(Clone, Copy)]
struct Position {
    /// Whole epochs.
    epoch: u64,
    /// Steps of the epoch after those, and of a whole one.
    place: u64,
    length: u64,
}

impl Position {
    fn of(shared: &SharedWeights, material: &Material<'_>, recipe: &Recipe) -> Self {
        let length = material.count(recipe).max(1) as u64;
        Self { epoch: shared.steps / length, place: shared.steps % length, length }
    }

    /// Epochs, fractions included.
    fn epochs(self) -> f64 {
        self.epoch as f64 + self.place as f64 / self.length as f64
    }

    /// The training batches of the epoch, for weights of this seed.
    fn batches(self, seed: u64, material: &Material<'_>, recipe: &Recipe) -> Vec<Batch> {
        material.batches(recipe, seed::derive(seed, "order", self.epoch))
    }
}

/// One step of shared training.
#[derive(Clone, Copy)]
struct Step<'a> {
    opened: &'a Opened,
    train: &'a TrainShared,
    material: &'a Material<'a>,
    batch: &'a Batch,
    at: Position,
    /// Steps of the action before it.
    turn: usize,
}

impl Step<'_> {
    /// What learns.
    fn subjects(&self, step_seed: u64) -> Result<Vec<Subject>, Problem> {
        let sample = |index: u32| self.opened.space.sample(seed::derive(step_seed, "path", index.into()));
        Ok(match &self.train.paths {
            Paths::Uniform(count) => (0..*count).map(|index| Subject::Architecture(sample(index))).collect(),
            // Not empty, as was checked.
            Paths::Given(given) => vec![given[self.turn % given.len()].clone()],
            Paths::Mixture(rate) => {
                let rows = &self.opened.mixture()?.rows;
                vec![Subject::Relaxation(dropped(rows, *rate, seed::derive(step_seed, "paths", 0)))]
            }
        })
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

/// All labels alike, each left out with a probability such that a decision loses all of its labels with probability `rate`
/// (Bender et al. 2018, section 3.2). One that would lose all keeps them.
fn dropped(rows: &[Row], rate: f64, seed: u64) -> Relaxation {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut unit = || (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut probabilities = Vec::new();
    for row in rows {
        let each = rate.powf(1.0 / row.length.max(1) as f64);
        let mut kept: Vec<bool> = (0..row.length).map(|_| unit() >= each).collect();
        if !kept.contains(&true) {
            kept.fill(true);
        }
        let share = 1.0 / kept.iter().filter(|kept| **kept).count() as f32;
        probabilities.extend(kept.iter().map(|kept| if *kept { share } else { 0.0 }));
    }
    Relaxation::new(probabilities)
}

/// A batch of a number that counts through all passes.
fn numbered(material: &Material<'_>, recipe: &Recipe, number: u64) -> Result<Batch, Problem> {
    let length = material.count(recipe) as u64;
    let found = number.checked_rem(length).and_then(|place| {
        let order = seed::derive(0, "validation", number / length);
        material.batches(recipe, order).into_iter().nth(place as usize)
    });
    found.ok_or_else(|| Problem::data("there are no validation examples"))
}

/// Whether states are those of a network, from which it can go on.
fn fits(model: &Model, states: &[Tensor]) -> bool {
    model.steps.states.len() == states.len()
}
