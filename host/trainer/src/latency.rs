//! Measuring how long networks take.

use std::time::{Duration, Instant};

use archwright_protocol::{FailureKind, Latency, Measure, Recipe};
use archwright_space::{Network, Op};
use tch::{Cuda, Device, Kind, Tensor};

use crate::material::channels_last;
use crate::model::{Mode, Model};
use crate::run::SIGN_OF_LIFE;
use crate::{Problem, Progress, Trainer, memory};

/// Forward passes before those that count: the first ones allocate, and choose how to compute.
const WARM_UP: usize = 3;
/// Time that passes are repeated for, the least that PyTorch's `torch.utils.benchmark.Timer.blocked_autorange` measures. As
/// there, the median counts: single passes that something else on the machine held up do not move it.
const TIME: Duration = Duration::from_millis(200);
/// Fewest and most passes that count, however long they take.
const LEAST: usize = 5;
const MOST: usize = 1000;

impl Trainer {
    /// Measures a network that need not fit the data; gives seconds for a batch.
    ///
    /// # Errors
    /// Where the network is not valid, or the batch does not fit into memory.
    pub fn measure_latency(&self, measure: &Measure, progress: Progress<'_>) -> Result<f64, Problem> {
        let Measure { network, batch_size, recipe } = measure;
        let model = Model::new(network, self.device, recipe.bf16 && self.device.is_cuda())?;
        latency(&model, network, *batch_size, recipe, progress)
    }

    /// The latency that an action about `network` asks for, measured before it. `left` says what is left undone where it is
    /// above the limit.
    ///
    /// # Errors
    /// As [`Trainer::measure_latency`], and where the latency is above the limit.
    pub(crate) fn latency_of(
        &self,
        asked: Option<&Latency>,
        network: &Network,
        recipe: &Recipe,
        left: &str,
        progress: Progress<'_>,
    ) -> Result<Option<f64>, Problem> {
        let Some(Latency { batch_size, limit, network: instead }) = asked else { return Ok(None) };
        let network = instead.as_deref().unwrap_or(network);
        let Some(Op::Input { shape }) = network.nodes.first().map(|node| &node.op) else {
            return Err(Problem::new(FailureKind::Unsupported, "the network to measure has no input"));
        };
        let model = self.model(network, &shape.clone(), recipe.bf16)?;
        let measured = latency(&model, network, *batch_size, recipe, progress)?;
        match limit {
            Some(limit) if measured > *limit => Err(Problem::new(
                FailureKind::Infeasible,
                format!(
                    "the network takes {measured:.3e} s for a batch of {batch_size}, its latency may be {limit:.3e} s at \
                     most: it was not {left}"
                ),
            )),
            _ => Ok(Some(measured)),
        }
    }
}

/// Seconds of a forward pass in evaluation mode, the median of several. Of a network for sequences it is the pass over all
/// steps of the recipe's length, from fresh states.
fn latency(
    model: &Model,
    network: &Network,
    batch_size: u32,
    recipe: &Recipe,
    progress: Progress<'_>,
) -> Result<f64, Problem> {
    if batch_size == 0 {
        return Err(Problem::new(FailureKind::Unsupported, "a latency is that of a batch of at least one"));
    }
    memory::check_forward(network, batch_size, recipe, model.device())?;
    let mut sign = Instant::now();
    tch::no_grad(|| {
        let input = Input::new(model, network, batch_size, recipe)?;
        for _ in 0..WARM_UP {
            input.pass(model)?;
        }
        let begun = Instant::now();
        let mut seconds = Vec::new();
        while seconds.len() < LEAST || (seconds.len() < MOST && begun.elapsed() < TIME) {
            seconds.push(input.pass(model)?);
            if sign.elapsed() >= SIGN_OF_LIFE {
                sign = Instant::now();
                progress(0.0, None);
            }
        }
        seconds.sort_by(f64::total_cmp);
        let middle = seconds.len() / 2;
        Ok(if seconds.len().is_multiple_of(2) {
            f64::midpoint(seconds[middle - 1], seconds[middle])
        } else {
            seconds[middle]
        })
    })
}

/// What a network is fed. Its values say nothing of how long it takes.
enum Input {
    Images(Tensor),
    /// Steps x sequences.
    Tokens(Tensor),
}

impl Input {
    fn new(model: &Model, network: &Network, batch_size: u32, recipe: &Recipe) -> Result<Self, Problem> {
        let device = model.device();
        if let Some(vocabulary) = network.vocabulary() {
            let shape = [i64::from(recipe.sequence_length), i64::from(batch_size)];
            return Ok(Self::Tokens(Tensor::f_randint(vocabulary.into(), shape, (Kind::Int64, device))?));
        }
        let Some(Op::Input { shape }) = network.nodes.first().map(|node| &node.op) else {
            return Err(Problem::new(FailureKind::Unsupported, "the network to measure has no input"));
        };
        let shape: Vec<i64> = std::iter::once(batch_size).chain(shape.iter().copied()).map(i64::from).collect();
        let images = Tensor::f_rand(shape, (Kind::Float, device))?;
        Ok(Self::Images(if recipe.channels_last { channels_last(&images)? } else { images }))
    }

    /// One forward pass; gives the seconds that it took.
    fn pass(&self, model: &Model) -> Result<f64, Problem> {
        finish(model.device());
        let begun = Instant::now();
        match self {
            Self::Images(images) => model.forward(images, Mode::Evaluate)?,
            Self::Tokens(tokens) => {
                let (_, sequences) = tokens.size2()?;
                model.unroll(tokens, &mut model.first_states(sequences)?, Mode::Evaluate)?
            }
        };
        finish(model.device());
        Ok(begun.elapsed().as_secs_f64())
    }
}

/// Waits until a device is done: a GPU works on after the call that gave it work.
fn finish(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}
