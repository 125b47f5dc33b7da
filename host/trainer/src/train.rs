//! Carrying out actions.

use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Instant;

use archwright_protocol::{
    Action, Checkpoint, Evaluate, FailureKind, Metrics, Outcome, Ready, Setup, Subset, Train, VERSION, WEIGHTS_DIR,
};
use archwright_space::{Network, Op};
use serde::Serialize;
use tch::{Device, Kind, Reduction, Tensor};

use crate::checkpoint::Keeper;
use crate::data::{self, Data};
use crate::material::right;
use crate::model::{Mode, Model};
use crate::opened::Opened;
use crate::run::Run;
use crate::supergraph::Loaded;
use crate::{Problem, device, memory, weights};

/// Version of how a training goes, raised whenever the same action gives other bits than before. As part of the trainer's
/// version it is part of the key of remembered outcomes.
const PROCEDURE: u32 = 2;
/// Examples evaluated at once, at least.
pub(crate) const EVALUATION_BATCH: i64 = 256;
/// Sequences that a text is evaluated in, side by side, as Merity, Keskar & Socher (2018) and DARTS do; each starts with a
/// fresh state.
pub(crate) const EVALUATION_COLUMNS: i64 = 10;
/// Steps of a text evaluated at once.
const EVALUATION_STEPS: i64 = 35;

/// Told of progress: epochs finished (fractions included), and metrics of the last whole one.
pub type Progress<'a> = &'a mut dyn FnMut(f64, Option<Metrics>);

/// Carries out actions on one task and one device.
pub struct Trainer {
    pub(crate) device: Device,
    pub(crate) data: Data,
    /// The folder of weights.
    pub(crate) weights: PathBuf,
    /// What outcomes depend on besides the action, as text.
    circumstances: String,
    /// Shared weights that were used last.
    pub(crate) shared: Option<Loaded>,
    pub(crate) opened: Option<Arc<Opened>>,
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
            version: format!("{}+procedure.{PROCEDURE}", env!("CARGO_PKG_VERSION")),
            numerics: device::numerics(device, setup.threads),
            actions: data.actions().iter().map(|action| (*action).to_owned()).collect(),
            device: summary,
            data: data.summary(),
        };
        let circumstances = text(&(&setup.task, &ready.data.digest, &ready.version, &ready.numerics))?;
        Ok((ready, Self { device, data, weights, circumstances, shared: None, opened: None }))
    }

    /// Carries out an action. Its outcome depends on the action and the data alone. A training with a checkpoint keeps its
    /// state there, and goes on from what is there already.
    ///
    /// # Errors
    /// Where the loss diverges, memory runs out, weights cannot be read or written, or the checkpoint's name could lead
    /// elsewhere. A checkpoint that cannot be read or written is no error.
    pub fn act(
        &mut self,
        action: &Action,
        checkpoint: Option<&Checkpoint>,
        progress: Progress<'_>,
    ) -> Result<Outcome, Problem> {
        match action {
            Action::Train(train) => self.train(train, checkpoint, progress),
            Action::Evaluate(evaluate) => self.evaluate(evaluate),
            Action::TrainShared(train) => self.train_shared(train, true, progress),
            Action::EvaluateShared(evaluate) => self.evaluate_shared(evaluate, progress),
            Action::DifferentiateShared(differentiate) => self.differentiate_shared(differentiate),
            _ => Err(Problem::new(FailureKind::Unsupported, "this trainer does not know the action")),
        }
    }

    fn train(
        &self,
        train: &Train,
        checkpoint: Option<&Checkpoint>,
        progress: Progress<'_>,
    ) -> Result<Outcome, Problem> {
        self.data.check_recipe(&train.recipe)?;
        memory::check(&train.network, &train.recipe, self.device)?;
        if train.evaluate == Subset::Test {
            return Err(Problem::new(FailureKind::Unsupported, "a training never sees the test split"));
        }
        let begun = Instant::now();
        let Train { latency, network, recipe, .. } = train;
        let latency = self.latency_of(latency.as_ref(), network, recipe, "trained", progress)?;
        let measuring = begun.elapsed().as_secs_f64();
        let keeper = checkpoint.map(|checkpoint| Keeper::new(&self.weights, checkpoint, self.identity(train)?));
        let mut run = Run::start(self, train, keeper.transpose()?)?;
        while run.curve.len() < train.until_epoch as usize {
            let train_loss = run.epoch(progress)?;
            let metrics = self.measure(&run.model, &train.input, train.evaluate)?;
            run.end_epoch(train_loss, metrics)?;
            progress(run.curve.len() as f64, Some(metrics));
        }
        let Some(last) = run.curve.last() else {
            return Err(Problem::new(FailureKind::Unsupported, "a training has at least one epoch"));
        };
        let metrics = last.metrics;
        let weights = train.keep_weights.then(|| run.save()).transpose()?;
        let seconds = measuring + run.seconds();
        Ok(Outcome { curve: run.curve, weights, latency, ..Outcome::of(metrics, seconds) })
    }

    /// A digest of everything that a training's states depend on.
    fn identity(&self, train: &Train) -> Result<String, Problem> {
        let train = Train { keep_weights: false, ..train.clone() };
        let content = text(&(&self.circumstances, train))?;
        Ok(blake3::hash(content.as_bytes()).to_hex().to_string())
    }

    fn evaluate(&self, evaluate: &Evaluate) -> Result<Outcome, Problem> {
        let start = Instant::now();
        let model = self.model(&evaluate.network, &evaluate.input, false)?;
        weights::load(&self.weights, &evaluate.weights, &model, None)?;
        let metrics = self.measure(&model, &evaluate.input, evaluate.subset)?;
        Ok(Outcome::of(metrics, start.elapsed().as_secs_f64()))
    }

    pub(crate) fn model(&self, network: &Network, input: &[u32], bf16: bool) -> Result<Model, Problem> {
        let takes = network.nodes.first().map(|node| &node.op);
        let wanted = Op::Input { shape: input.to_vec() };
        if takes != Some(&wanted) {
            let problem = format!("the network's input is {takes:?}, the action's {input:?}");
            return Err(Problem::new(FailureKind::Unsupported, problem));
        }
        self.data.check_input(input)?;
        self.check_steps(network)?;
        let model = Model::new(network, self.device, bf16 && self.device.is_cuda())?;
        Ok(model)
    }

    /// Checks that a network goes through sequences where the data is one, and there alone.
    fn check_steps(&self, network: &Network) -> Result<(), Problem> {
        let has = |wanted: fn(&Op) -> bool| network.nodes.iter().any(|node| wanted(&node.op));
        let problem = match self.data {
            Data::Images(_) if has(|op| matches!(op, Op::State { .. })) => {
                "a `state` joins the steps of a sequence, which an image is not"
            }
            Data::Text(_) if !has(|op| matches!(op, Op::Embedding { .. })) => {
                "a text's tokens are read by an `embedding`, which the network lacks"
            }
            _ => return Ok(()),
        };
        Err(Problem::new(FailureKind::Unsupported, problem))
    }

    /// Accuracy and loss on a subset, with running statistics.
    pub(crate) fn measure(&self, model: &Model, input: &[u32], subset: Subset) -> Result<Metrics, Problem> {
        let mut tally = Tally::new(self.device)?;
        tch::no_grad(|| match &self.data {
            Data::Images(images) => {
                for batch in images.subset(subset).f_split(EVALUATION_BATCH, 0)? {
                    let (images, labels) = images.batch(&batch, input)?;
                    tally.add(&model.forward(&images, Mode::Evaluate)?.output, &labels)?;
                }
                Ok::<_, Problem>(())
            }
            Data::Text(text) => {
                let columns = text.subset(subset, EVALUATION_COLUMNS)?;
                let mut states = model.first_states(columns.columns())?;
                for rows in columns.windows(EVALUATION_STEPS) {
                    let (tokens, labels) = columns.window(rows)?;
                    tally.add(&model.unroll(&tokens, &mut states, Mode::Evaluate)?.output, &labels)?;
                }
                Ok(())
            }
        })?;
        tally.metrics()
    }
}

/// What is summed up over a subset.
pub(crate) struct Tally {
    right: Tensor,
    loss: Tensor,
    count: Tensor,
}

impl Tally {
    pub(crate) fn new(device: Device) -> Result<Self, Problem> {
        let zero = |kind| Tensor::f_zeros([], (kind, device));
        Ok(Self { right: zero(Kind::Int64)?, loss: zero(Kind::Double)?, count: zero(Kind::Int64)? })
    }

    /// Adds examples; those whose label is below 0 are none.
    pub(crate) fn add(&mut self, scores: &Tensor, labels: &Tensor) -> Result<(), Problem> {
        self.right = self.right.f_add(&right(scores, labels)?)?;
        let sum = scores.f_cross_entropy_loss::<Tensor>(labels, None, Reduction::Sum, -100, 0.0)?;
        self.loss = self.loss.f_add(&sum)?;
        self.count = self.count.f_add(&labels.f_ge(0)?.f_sum(Kind::Int64)?)?;
        Ok(())
    }

    pub(crate) fn metrics(&self) -> Result<Metrics, Problem> {
        let count = i64::try_from(&self.count)? as f64;
        let loss = f64::try_from(&self.loss)? / count;
        if !loss.is_finite() {
            return Err(Problem::new(FailureKind::Diverged, "the validation loss is not finite"));
        }
        Ok(Metrics { accuracy: i64::try_from(&self.right)? as f64 / count, loss })
    }
}

fn text(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Problem::new(FailureKind::Internal, error.to_string()))
}
