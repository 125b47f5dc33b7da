//! Carrying out actions.

use std::path::PathBuf;
use std::sync::Once;
use std::time::{Duration, Instant};

use archwright_protocol::{
    Action, Epoch, Evaluate, FailureKind, Metrics, Outcome, Ready, Recipe, Setup, Start, Subset, Train, VERSION,
    WEIGHTS_DIR,
};
use archwright_space::{Network, seed};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use tch::{Device, Kind, Reduction, Tensor};

use crate::augment::augment;
use crate::data::{self, Data, shuffle};
use crate::model::{Mode, Model, Scores};
use crate::optimizer::Optimizer;
use crate::schedule::learning_rate;
use crate::{Problem, device, memory, weights};

/// Time between signs of life within an epoch.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// Examples evaluated at once, at least.
const EVALUATION_BATCH: i64 = 256;

/// Told of progress: epochs finished (fractions included), and metrics of the last whole one.
pub type Progress<'a> = &'a mut dyn FnMut(f64, Option<Metrics>);

/// Carries out actions on one task and one device.
pub struct Trainer {
    device: Device,
    data: Data,
    weights: PathBuf,
}

impl Trainer {
    /// Loads the task's data onto the device.
    ///
    /// # Errors
    /// Where there is no such device, or the data cannot be read.
    pub fn new(setup: &Setup) -> Result<(Ready, Self), Problem> {
        let (device, summary) = device::find(&setup.device)?;
        // Both numbers decide how sums are split, and so the last bits of results.
        tch::set_num_threads(i32::try_from(setup.threads).unwrap_or(1));
        static BETWEEN_OPERATIONS: Once = Once::new();
        // libtorch takes this number once in a process.
        BETWEEN_OPERATIONS.call_once(|| tch::set_num_interop_threads(1));
        let location = std::env::var_os(archwright_protocol::DATA_DIR).map(PathBuf::from);
        let data = data::load(&setup.task, location.as_deref(), device)?;
        let weights = std::env::var_os(WEIGHTS_DIR).map_or_else(|| PathBuf::from("weights"), PathBuf::from);
        let ready = Ready {
            protocol: VERSION,
            name: "archwright".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            numerics: device::numerics(device, setup.threads),
            actions: ["train", "train.resume", "evaluate"].map(str::to_owned).to_vec(),
            device: summary,
            data: data.summary(),
        };
        Ok((ready, Self { device, data, weights }))
    }

    /// Carries out an action. Its outcome depends on the action and the data alone.
    ///
    /// # Errors
    /// Where the loss diverges, memory runs out, or weights cannot be read or written.
    pub fn act(&mut self, action: &Action, progress: Progress<'_>) -> Result<Outcome, Problem> {
        let start = Instant::now();
        let mut outcome = match action {
            Action::Train(train) => self.train(train, progress)?,
            Action::Evaluate(evaluate) => self.evaluate(evaluate)?,
            _ => return Err(Problem::new(FailureKind::Unsupported, "this trainer does not know the action")),
        };
        outcome.seconds = start.elapsed().as_secs_f64();
        Ok(outcome)
    }

    fn train(&self, train: &Train, progress: Progress<'_>) -> Result<Outcome, Problem> {
        memory::check(&train.network, &train.recipe, self.device)?;
        if train.evaluate == Subset::Test {
            return Err(Problem::new(FailureKind::Unsupported, "a training never sees the test split"));
        }
        let mut run = Run::start(self, train)?;
        let first = run.curve.len() as u32;
        if first >= train.until_epoch {
            let problem = format!("the weights have seen {first} epochs, {} were asked for", train.until_epoch);
            return Err(Problem::new(FailureKind::Unsupported, problem));
        }
        for epoch in first..train.until_epoch {
            let train_loss = run.epoch(epoch, progress)?;
            let metrics = self.measure(&run.model, &train.input, train.evaluate)?;
            run.curve.push(Epoch { epoch: epoch + 1, train_loss, metrics });
            progress(f64::from(epoch + 1), Some(metrics));
        }
        let Some(last) = run.curve.last() else {
            return Err(Problem::new(FailureKind::Unsupported, "a training has at least one epoch"));
        };
        let metrics = last.metrics;
        let weights = if train.keep_weights {
            Some(weights::save(&self.weights, &run.model, &run.optimizer, run.seed, &run.curve)?)
        } else {
            None
        };
        Ok(Outcome { curve: run.curve, metrics, weights, seconds: 0.0, peak_memory: None })
    }

    fn evaluate(&self, evaluate: &Evaluate) -> Result<Outcome, Problem> {
        let mut model = self.model(&evaluate.network, &evaluate.input, false)?;
        weights::load(&self.weights, &evaluate.weights, &mut model, None)?;
        let metrics = self.measure(&model, &evaluate.input, evaluate.subset)?;
        Ok(Outcome { curve: Vec::new(), metrics, weights: None, seconds: 0.0, peak_memory: None })
    }

    fn model(&self, network: &Network, input: &[u32], bf16: bool) -> Result<Model, Problem> {
        let takes = network.nodes.first().map(|node| &node.op);
        let wanted = archwright_space::Op::Input { shape: input.to_vec() };
        if takes != Some(&wanted) {
            let problem = format!("the network's input is {takes:?}, the action's {input:?}");
            return Err(Problem::new(FailureKind::Unsupported, problem));
        }
        self.data.check_input(input)?;
        let model = Model::new(network, self.device, bf16 && self.device.is_cuda())?;
        Ok(model)
    }

    /// Accuracy and loss on a subset, with running statistics.
    fn measure(&self, model: &Model, input: &[u32], subset: Subset) -> Result<Metrics, Problem> {
        let indices = self.data.subset(subset);
        let mut right = Tensor::f_zeros([], (Kind::Int64, self.device))?;
        let mut loss = Tensor::f_zeros([], (Kind::Double, self.device))?;
        tch::no_grad(|| {
            for batch in indices.f_split(EVALUATION_BATCH, 0)? {
                let (images, labels) = self.data.batch(&batch, input)?;
                let scores = model.forward(&images, Mode::Evaluate)?.output;
                right = right.f_add(&scores.f_argmax(1, false)?.f_eq_tensor(&labels)?.f_sum(Kind::Int64)?)?;
                let sum = scores.f_cross_entropy_loss::<Tensor>(&labels, None, Reduction::Sum, -100, 0.0)?;
                loss = loss.f_add(&sum)?;
            }
            Ok::<_, Problem>(())
        })?;
        let count = indices.size()[0] as f64;
        let loss = f64::try_from(&loss)? / count;
        if !loss.is_finite() {
            return Err(Problem::new(FailureKind::Diverged, "the validation loss is not finite"));
        }
        Ok(Metrics { accuracy: i64::try_from(&right)? as f64 / count, loss })
    }
}

/// A training under way.
struct Run<'a> {
    trainer: &'a Trainer,
    train: &'a Train,
    seed: u64,
    model: Model,
    optimizer: Optimizer,
    curve: Vec<Epoch>,
    /// Examples that this training uses.
    examples: Vec<i64>,
}

impl<'a> Run<'a> {
    fn start(trainer: &'a Trainer, train: &'a Train) -> Result<Self, Problem> {
        seed_libtorch(seed::derive(train.seed, "weights", 0));
        let mut model = trainer.model(&train.network, &train.input, train.recipe.bf16)?;
        let mut optimizer = Optimizer::new(&train.recipe, &model.flat)?;
        let (mut seed, mut curve) = (train.seed, Vec::new());
        if let Start::Resume(digest) = &train.start {
            let progress = weights::load(&trainer.weights, digest, &mut model, Some(&mut optimizer))?;
            (seed, curve) = (progress.seed, progress.curve);
        }
        let all = trainer.data.train();
        let count = ((all.len() as f64 * train.data_share).round() as usize).clamp(1, all.len());
        Ok(Self { trainer, train, seed, model, optimizer, curve, examples: all[..count].to_vec() })
    }

    /// Trains for one epoch; gives the mean loss. Every random choice derives from the seed and the epoch's number, so that
    /// a training that was interrupted between epochs goes on as if it had not been.
    fn epoch(&mut self, epoch: u32, progress: Progress<'_>) -> Result<f64, Problem> {
        let Train { recipe, until_epoch, input, .. } = self.train;
        let mut order = self.examples.clone();
        shuffle(&mut order, &mut ChaCha8Rng::seed_from_u64(seed::derive(self.seed, "order", epoch.into())));
        seed_libtorch(seed::derive(self.seed, "epoch", epoch.into()));
        let mode = Mode::Train { drop_path: recipe.drop_path * f64::from(epoch) / f64::from(*until_epoch) };
        let batches: Vec<&[i64]> = order.chunks(recipe.batch_size as usize).collect();
        // A batch norm cannot normalise over one example.
        let batches: Vec<&[i64]> = batches.into_iter().filter(|batch| batch.len() > 1 || order.len() == 1).collect();
        let steps = batches.len();
        let mut total = Tensor::f_zeros([], (Kind::Double, self.trainer.device))?;
        let mut sign = Instant::now();
        for (step, batch) in batches.iter().enumerate() {
            let at = f64::from(epoch) + step as f64 / steps as f64;
            let indices = Tensor::f_from_slice(batch)?.f_to_device(self.trainer.device)?;
            let (images, labels) = self.trainer.data.batch(&indices, input)?;
            let images = augment(images, recipe)?;
            let loss = self.step(images, &labels, mode, learning_rate(recipe, at, *until_epoch))?;
            total = total.f_add(&loss.f_mul_scalar(batch.len() as f64)?)?;
            if sign.elapsed() >= SIGN_OF_LIFE {
                sign = Instant::now();
                progress(at, None);
            }
        }
        let seen: usize = batches.iter().map(|batch| batch.len()).sum();
        let mean = f64::try_from(&total)? / seen.max(1) as f64;
        if mean.is_finite() {
            Ok(mean)
        } else {
            let problem = format!("the loss of epoch {} is not finite: the training diverged", epoch + 1);
            Err(Problem::new(FailureKind::Diverged, problem))
        }
    }

    fn step(&mut self, images: Tensor, labels: &Tensor, mode: Mode, rate: f64) -> Result<Tensor, Problem> {
        let recipe = &self.train.recipe;
        let (images, loss_of) = mixed(images, labels, recipe)?;
        let images = if recipe.channels_last { channels_last(&images)? } else { images };
        let Scores { output, auxiliary } = self.model.forward(&images, mode)?;
        let mut loss = loss_of.of(&output)?;
        if recipe.auxiliary_weight > 0.0 {
            for scores in &auxiliary {
                loss = loss.f_add(&loss_of.of(scores)?.f_mul_scalar(recipe.auxiliary_weight)?)?;
            }
        }
        let parameters = self.model.parameters();
        let gradients = Tensor::f_run_backward(&[&loss], parameters, false, false)?;
        let rows = gradients
            .iter()
            .zip(parameters)
            // A head without weight in the loss gets no gradient.
            .map(
                |(gradient, parameter)| {
                    if gradient.defined() { gradient.f_reshape([-1]) } else { parameter.f_zeros_like()?.f_view([-1]) }
                },
            )
            .collect::<Result<Vec<_>, _>>()?;
        if !rows.is_empty() {
            let gradient = Tensor::f_cat(&rows, 0)?;
            tch::no_grad(|| self.optimizer.step(&mut self.model.flat, gradient, rate))?;
        }
        Ok(loss.f_detach()?)
    }
}

/// What scores are compared with: one set of labels, or two with mixup.
struct LossOf<'a> {
    labels: &'a Tensor,
    other: Option<(Tensor, f64)>,
    smoothing: f64,
}

impl LossOf<'_> {
    fn of(&self, scores: &Tensor) -> Result<Tensor, Problem> {
        let against = |labels: &Tensor| {
            scores.f_cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, self.smoothing)
        };
        let loss = against(self.labels)?;
        match &self.other {
            None => Ok(loss),
            Some((labels, share)) => {
                Ok(loss.f_mul_scalar(*share)?.f_add(&against(labels)?.f_mul_scalar(1.0 - share)?)?)
            }
        }
    }
}

/// Images mixed with others of the batch (Zhang et al. 2018), and what to compare their scores with.
fn mixed<'a>(images: Tensor, labels: &'a Tensor, recipe: &Recipe) -> Result<(Tensor, LossOf<'a>), Problem> {
    let smoothing = recipe.label_smoothing;
    if recipe.mixup == 0.0 {
        return Ok((images, LossOf { labels, other: None, smoothing }));
    }
    // A draw from Beta(a, a) is x / (x + y) for x, y from Gamma(a).
    let shape = Tensor::f_full([2], recipe.mixup, (Kind::Double, Device::Cpu))?;
    let draws = Vec::<f64>::try_from(Tensor::f_internal_standard_gamma(&shape)?)?;
    let sum = draws[0] + draws[1];
    let share = if sum > 0.0 { draws[0] / sum } else { 1.0 };
    let others = Tensor::f_randperm(images.size()[0], (Kind::Int64, images.device()))?;
    let partner = images.f_index_select(0, &others)?;
    let images = images.f_mul_scalar(share)?.f_add(&partner.f_mul_scalar(1.0 - share)?)?;
    let other = labels.f_index_select(0, &others)?;
    Ok((images, LossOf { labels, other: Some((other, share)), smoothing }))
}

/// The same values with channels next to each other in memory.
fn channels_last(images: &Tensor) -> Result<Tensor, Problem> {
    if images.dim() != 4 {
        return Ok(images.shallow_clone());
    }
    Ok(images.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}

/// Seeds libtorch's generators on all devices. The sign bit of a seed is nothing to them.
fn seed_libtorch(seed: u64) {
    tch::manual_seed((seed >> 1).cast_signed());
}
