//! Derivatives of a mixture's loss by its probabilities.

use tch::{TchError, Tensor};

use crate::Problem;
use crate::mixture::{Mixture, Structure};
use crate::model::Model;

/// How far the weights are moved to measure a change of the gradient (Liu, Simonyan & Yang 2019, section 2.3, footnote 2).
const DISTANCE: f64 = 0.01;

/// Where a mixture stands, and which derivatives are wanted: all, or those marked. Others are 0.
#[derive(Clone, Copy)]
pub(crate) struct Point<'a> {
    pub(crate) structure: &'a Structure,
    pub(crate) probabilities: &'a Tensor,
    pub(crate) wanted: Option<&'a [bool]>,
}

/// The loss of a batch, a scalar. With the same weights and probabilities it has to be the same: what is random in it, as
/// dropout and augmentation, has to start from a seed each time.
pub(crate) type Loss<'a> = dyn FnMut(&Mixture<'_>) -> Result<Tensor, Problem> + 'a;

/// A loss and its derivative by each probability.
pub(crate) struct Derivative {
    pub(crate) loss: Tensor,
    pub(crate) by_probabilities: Tensor,
}

/// A step of the weights that second-order derivatives look ahead by: stochastic gradient descent without Nesterov's
/// momentum.
pub(crate) struct Ahead<'a> {
    /// The learning rate.
    pub(crate) rate: f64,
    /// The momentum, and what it has gathered so far, a row as long as the weights.
    pub(crate) momentum: Option<(f64, &'a Tensor)>,
    pub(crate) weight_decay: f64,
}

/// The derivative of a batch's loss. Running statistics of batch norms stay as they are.
pub(crate) fn first_order(model: &Model, at: Point<'_>, loss: &mut Loss<'_>) -> Result<Derivative, Problem> {
    keeping_statistics(model, || Ok(by_probabilities(model, at, loss, false)?.0))
}

/// The derivative of the validation loss behind a step of the weights along the gradient of the training loss, which depends on
/// the probabilities as well: DARTS's equations 7 and 8. With weights `w`, the step `w'` and the rate `r` it is
/// `dVal(w', p)/dp - r (dTrain(w+, p)/dp - dTrain(w-, p)/dp) / 2e`, where `w+` and `w-` are `w` plus and minus `e` times
/// `dVal(w', p)/dw'`, 0.01 far from `w`. The loss that it gives is the validation loss behind the step. Weights and running statistics are
/// afterwards what they were.
pub(crate) fn second_order(
    model: &Model,
    at: Point<'_>,
    training: &mut Loss<'_>,
    validation: &mut Loss<'_>,
    ahead: &Ahead<'_>,
) -> Result<Derivative, Problem> {
    second_order_over(DISTANCE, model, at, training, validation, ahead)
}

/// As [`second_order`], with `w+` and `w-` so far from `w`.
pub(crate) fn second_order_over(
    distance: f64,
    model: &Model,
    at: Point<'_>,
    training: &mut Loss<'_>,
    validation: &mut Loss<'_>,
    ahead: &Ahead<'_>,
) -> Result<Derivative, Problem> {
    let weights = model.flat.f_detach_copy()?;
    let derivative = keeping_statistics(model, || {
        let nothing = vec![false; at.structure.probabilities()];
        let mixture = Mixture::new(model, at.structure, at.probabilities, Some(&nothing))?;
        let step = step(model, &weights, &training(&mixture)?, ahead)?;
        set(model, &weights.f_sub(&step)?)?;
        let (mut derivative, direction) = by_probabilities(model, at, validation, true)?;
        let Some(direction) = direction else { return Ok(derivative) };
        let norm = f64::try_from(direction.f_norm()?)?;
        if norm > 0.0 {
            let epsilon = distance / norm;
            let mut moved = |by: f64| {
                set(model, &weights.f_add(&direction.f_mul_scalar(by)?)?)?;
                Ok::<_, Problem>(by_probabilities(model, at, training, false)?.0.by_probabilities)
            };
            let change = moved(epsilon)?.f_sub(&moved(-epsilon)?)?;
            let change = change.f_mul_scalar(ahead.rate / (2.0 * epsilon))?;
            derivative.by_probabilities = derivative.by_probabilities.f_sub(&change)?;
        }
        Ok(derivative)
    });
    set(model, &weights)?;
    derivative
}

/// What a step takes from the weights.
fn step(model: &Model, weights: &Tensor, loss: &Tensor, ahead: &Ahead<'_>) -> Result<Tensor, TchError> {
    let mut step = model.gradient(loss)?.f_add(&weights.f_mul_scalar(ahead.weight_decay)?)?;
    if let Some((momentum, gathered)) = ahead.momentum {
        step = step.f_add(&gathered.f_mul_scalar(momentum)?)?;
    }
    step.f_mul_scalar(ahead.rate)
}

/// The derivative with the weights as they are and, where wanted, that by the weights.
fn by_probabilities(
    model: &Model,
    at: Point<'_>,
    loss: &mut Loss<'_>,
    by_weights: bool,
) -> Result<(Derivative, Option<Tensor>), Problem> {
    let leaf = at.probabilities.f_detach_copy()?.f_set_requires_grad(true)?;
    let loss = loss(&Mixture::new(model, at.structure, &leaf, at.wanted)?)?;
    let mut rows = vec![leaf.f_zeros_like()?.f_detach()?];
    let weights = if by_weights { model.parameters() } else { &[] };
    rows.extend(weights.iter().map(Tensor::f_zeros_like).collect::<Result<Vec<_>, _>>()?);
    if loss.requires_grad() {
        let sources: Vec<&Tensor> = [&leaf].into_iter().chain(weights).collect();
        let gradients = Tensor::f_run_backward(&[&loss], &sources, false, false)?;
        // What has no part in the loss has no gradient.
        for (row, gradient) in rows.iter_mut().zip(gradients).filter(|(_, gradient)| gradient.defined()) {
            *row = gradient;
        }
    }
    let by_probabilities = rows.remove(0);
    let rows = rows.iter().map(|row| row.f_reshape([-1])).collect::<Result<Vec<_>, _>>()?;
    let by_weights = if rows.is_empty() { None } else { Some(Tensor::f_cat(&rows, 0)?) };
    Ok((Derivative { loss: loss.f_detach()?, by_probabilities }, by_weights))
}

fn set(model: &Model, weights: &Tensor) -> Result<(), TchError> {
    tch::no_grad(|| model.flat.shallow_clone().f_copy_(weights)).map(|_| ())
}

/// Puts running statistics back to what they were before.
fn keeping_statistics<T>(model: &Model, work: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    let kept = model.buffers.iter().map(|(_, statistic)| statistic.f_detach_copy()).collect::<Result<Vec<_>, _>>()?;
    let result = work();
    for ((_, statistic), kept) in model.buffers.iter().zip(&kept) {
        tch::no_grad(|| statistic.shallow_clone().f_copy_(kept))?;
    }
    result
}
