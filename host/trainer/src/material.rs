//! The examples that a training goes through, batch by batch.

use archwright_protocol::{FailureKind, Recipe, Subset};
use chacha20::ChaCha8Rng;
use rand_core::SeedableRng;
use tch::{Device, Kind, Reduction, TchError, Tensor};

use crate::Problem;
use crate::augment::augment;
use crate::data::{Columns, Data, ImageData, shuffle};
use crate::model::{Mode, Model, Scores};
use crate::route::Forward;
use crate::train::EVALUATION_COLUMNS;

/// What a training uses of the data.
pub(crate) enum Material<'a> {
    /// Examples by their indices.
    Images { data: &'a ImageData, examples: Vec<i64> },
    /// Sequences side by side.
    Text(Columns),
}

/// What a step of the optimizer sees.
pub(crate) enum Batch {
    /// Images by their indices.
    Images(Vec<i64>),
    /// The first row and the number of rows of a text.
    Rows((i64, i64)),
}

/// A network's scores, and what they are compared with.
pub(crate) struct Scored {
    pub(crate) scores: Scores,
    pub(crate) loss_of: LossOf,
}

impl<'a> Material<'a> {
    /// A share of the training examples, in (0, 1].
    pub(crate) fn new(data: &'a Data, share: f64, recipe: &Recipe) -> Result<Self, Problem> {
        match data {
            Data::Images(data) => {
                let all = data.train();
                let count = ((all.len() as f64 * share).round() as usize).clamp(1, all.len());
                Ok(Self::Images { data, examples: all[..count].to_vec() })
            }
            Data::Text(text) => text.train(share, recipe.batch_size).map(Self::Text),
        }
    }

    /// All validation examples.
    pub(crate) fn validation(data: &'a Data) -> Result<Self, Problem> {
        match data {
            Data::Images(data) => {
                let examples = Vec::try_from(data.subset(Subset::Validation).f_to_device(Device::Cpu)?)?;
                Ok(Self::Images { data, examples })
            }
            Data::Text(text) => text.subset(Subset::Validation, EVALUATION_COLUMNS).map(Self::Text),
        }
    }

    /// The batches of an epoch, those of images in an order that the seed decides.
    pub(crate) fn batches(&self, recipe: &Recipe, seed: u64) -> Vec<Batch> {
        match self {
            Self::Images { examples, .. } => {
                let mut order = examples.clone();
                shuffle(&mut order, &mut ChaCha8Rng::seed_from_u64(seed));
                let batches = order.chunks(recipe.batch_size as usize);
                let batches = batches.filter(|batch| is_batch(batch.len(), order.len()));
                batches.map(|batch| Batch::Images(batch.to_vec())).collect()
            }
            Self::Text(columns) => columns.windows(recipe.sequence_length.into()).map(Batch::Rows).collect(),
        }
    }

    /// Number of the batches of an epoch.
    pub(crate) fn count(&self, recipe: &Recipe) -> usize {
        match self {
            Self::Images { examples, .. } => {
                let (all, each) = (examples.len(), (recipe.batch_size as usize).max(1));
                (0..all).step_by(each).filter(|first| is_batch(each.min(all - first), all)).count()
            }
            Self::Text(columns) => columns.windows(recipe.sequence_length.into()).count(),
        }
    }

    /// Number of images or tokens.
    pub(crate) fn size(&self, batch: &Batch) -> usize {
        match (self, batch) {
            (_, Batch::Images(batch)) => batch.len(),
            (Self::Text(columns), Batch::Rows((_, rows))) => usize::try_from(rows * columns.columns()).unwrap_or(0),
            (Self::Images { .. }, Batch::Rows(_)) => 0,
        }
    }

    /// A network's scores for a batch, and what to compare them with. `states` are those of a text after the batch before.
    pub(crate) fn scores(
        &self,
        network: &impl Forward,
        batch: &Batch,
        states: &mut [Tensor],
        recipe: &Recipe,
        input: &[u32],
        mode: Mode,
    ) -> Result<Scored, Problem> {
        match (self, batch) {
            (Self::Images { data, .. }, Batch::Images(batch)) => {
                let indices = Tensor::f_from_slice(batch)?.f_to_device(network.model().device())?;
                let (images, labels) = data.batch(&indices, input)?;
                let (images, loss_of) = mixed(augment(images, recipe)?, labels, recipe)?;
                let images = if recipe.channels_last { channels_last(&images)? } else { images };
                Ok(Scored { scores: network.forward(&images, mode)?, loss_of })
            }
            (Self::Text(columns), Batch::Rows(rows)) => {
                let (tokens, labels) = columns.window(*rows)?;
                let scores = network.unroll(&tokens, states, mode)?;
                Ok(Scored { scores, loss_of: LossOf { labels, other: None, smoothing: recipe.label_smoothing } })
            }
            _ => Err(Problem::new(FailureKind::Internal, "a batch of other data")),
        }
    }

    /// What an epoch goes on from.
    pub(crate) fn first_states(&self, model: &Model) -> Result<Vec<Tensor>, Problem> {
        match self {
            Self::Images { .. } => Ok(Vec::new()),
            Self::Text(columns) => Ok(model.first_states(columns.columns())?),
        }
    }
}

/// Whether so many of all examples make a batch: a batch norm cannot normalise over one.
fn is_batch(size: usize, all: usize) -> bool {
    size > 1 || all == 1
}

/// Number of examples whose own class, of `labels`, has the highest score.
pub(crate) fn right(scores: &Tensor, labels: &Tensor) -> Result<Tensor, TchError> {
    scores.f_argmax(1, false)?.f_eq_tensor(labels)?.f_sum(Kind::Int64)
}

/// What scores are compared with: one set of labels, or two with mixup.
pub(crate) struct LossOf {
    labels: Tensor,
    other: Option<(Tensor, f64)>,
    smoothing: f64,
}

impl LossOf {
    /// The class of each example; below 0 where it has none.
    pub(crate) fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// Number of examples whose own class has the highest score.
    pub(crate) fn right(&self, scores: &Tensor) -> Result<Tensor, Problem> {
        Ok(right(scores, &self.labels)?)
    }

    pub(crate) fn of(&self, scores: &Tensor) -> Result<Tensor, Problem> {
        let against = |labels: &Tensor| {
            scores.f_cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, self.smoothing)
        };
        let loss = against(&self.labels)?;
        match &self.other {
            None => Ok(loss),
            Some((labels, share)) => {
                Ok(loss.f_mul_scalar(*share)?.f_add(&against(labels)?.f_mul_scalar(1.0 - share)?)?)
            }
        }
    }
}

/// Images mixed with others of the batch (Zhang et al. 2018), and what to compare their scores with.
fn mixed(images: Tensor, labels: Tensor, recipe: &Recipe) -> Result<(Tensor, LossOf), Problem> {
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
pub(crate) fn channels_last(images: &Tensor) -> Result<Tensor, Problem> {
    if images.dim() != 4 {
        return Ok(images.shallow_clone());
    }
    Ok(images.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}
