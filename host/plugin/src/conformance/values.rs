//! What a plugin under test is told: made-up estimates.

use archwright_space::Space;

use super::spaces;
use crate::model::{CurvePoint, Estimate, Goal, Objective, Purpose, Query, Relaxation, Subject as Asked};

/// Queries after which shared weights have learned all that they will.
const TRAINED: usize = 20;

/// Which values the first objective has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// Those of an accuracy.
    Ordinary,
    /// Turned round: what was best is worst.
    Turned,
    /// Always the same.
    Constant,
    /// Up to 1e300 on either side of 0.
    Huge,
    /// Near 1e-300.
    Tiny,
    /// Below 0.
    Negative,
}

impl Values {
    fn of(self, accuracy: f64) -> f64 {
        match self {
            Self::Ordinary => accuracy,
            Self::Turned => 1.0 - accuracy,
            Self::Constant => 0.5,
            Self::Huge => (accuracy - 0.5) * 2e300,
            Self::Tiny => accuracy * 1e-300,
            Self::Negative => accuracy - 100.0,
        }
    }
}

/// How an estimate is filled in besides its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Details {
    /// With a curve, at the fidelity that was asked for.
    Usual,
    /// Without a curve, and for free.
    Bare,
    /// With uncertainty.
    Uncertain,
    /// Of half the fidelity that was asked for.
    Short,
}

pub(super) fn accuracy() -> Objective {
    Objective { name: "accuracy".into(), goal: Goal::Maximize }
}

pub(super) fn loss() -> Objective {
    Objective { name: "loss".into(), goal: Goal::Minimize }
}

pub(super) fn parameters() -> Objective {
    Objective { name: "parameters".into(), goal: Goal::Minimize }
}

/// An estimate of a query; `trained` queries have trained shared weights so far.
pub(super) fn estimate(
    space: &Space,
    query: &Query,
    trained: usize,
    objectives: usize,
    values: Values,
    details: Details,
) -> Estimate {
    let (accuracy, gradient) = match &query.subject {
        Asked::Architecture(architecture) => (spaces::accuracy(space, architecture), Vec::new()),
        Asked::Relaxation(Relaxation { probabilities, .. }) => relaxed(space, probabilities),
    };
    let mut fidelity = match query.purpose {
        // In (0, 1] even before anything was trained.
        Purpose::Train => trained.clamp(1, TRAINED) as f64 / TRAINED as f64,
        _ => query.fidelity,
    };
    if details == Details::Short {
        fidelity *= 0.5;
    }
    let first = values.of(accuracy);
    let others = (1..objectives).map(|index| 1e6 * index as f64 * (1.0 + accuracy));
    let at = |share: f64| CurvePoint { fidelity: fidelity * share, value: first * (0.5 + 0.5 * share) };
    Estimate {
        objectives: std::iter::once(first).chain(others).collect(),
        uncertainty: if details == Details::Uncertain { vec![0.01; objectives] } else { Vec::new() },
        gradient,
        cost: if details == Details::Bare { 0.0 } else { 10.0 * fidelity },
        fidelity,
        curve: if details == Details::Bare { Vec::new() } else { vec![at(0.5), at(1.0)] },
    }
}

/// Accuracy and gradient of a distribution: later labels are better.
pub(super) fn relaxed(space: &Space, rows: &[f32]) -> (f64, Vec<f32>) {
    let lengths = archwright_space::rows(space.decisions()).into_iter().map(|row| row.length);
    let gradient: Vec<f32> =
        lengths.flat_map(|length| (0..length).map(move |label| -(label as f32) / length as f32)).collect();
    let loss: f32 = rows.iter().zip(&gradient).map(|(share, slope)| share * slope).sum();
    (f64::from(-loss) / rows.len().max(1) as f64, gradient)
}
