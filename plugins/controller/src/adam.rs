use ndarray::{Array2, Zip};

/// Adam (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1), uphill, after the gradient was clipped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Step size, above 0.
    pub learning_rate: f64,
    /// Decay of the mean of gradients, in [0, 1).
    pub first_decay: f64,
    /// Decay of the mean of squared gradients, in [0, 1).
    pub second_decay: f64,
    /// What is added to the root of the latter, above 0.
    pub epsilon: f64,
    /// Largest norm of all gradients together; a longer one is scaled down. 0: any.
    pub clip: f64,
}

impl Adam {
    /// The paper's decays and epsilon.
    pub fn new(learning_rate: f64, clip: f64) -> Self {
        Self { learning_rate, first_decay: 0.9, second_decay: 0.999, epsilon: 1e-8, clip }
    }
}

/// The state of [`Adam`].
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    first: Vec<Array2<f64>>,
    second: Vec<Array2<f64>>,
    /// Powers of the decays: the weight of what the means started from.
    powers: (f64, f64),
}

impl Moments {
    pub(crate) fn new(tensors: &[Array2<f64>]) -> Self {
        let zeros: Vec<_> = tensors.iter().map(|tensor| Array2::zeros(tensor.dim())).collect();
        Self { first: zeros.clone(), second: zeros, powers: (1.0, 1.0) }
    }

    /// One step uphill. A gradient that is not finite moves nothing: one such step would spoil all later ones.
    pub(crate) fn ascend(&mut self, adam: &Adam, tensors: &mut [Array2<f64>], gradient: &[Array2<f64>]) {
        let norm = gradient.iter().flatten().map(|one| one * one).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return;
        }
        let scale = if adam.clip > 0.0 && norm > adam.clip { adam.clip / norm } else { 1.0 };
        self.powers.0 *= adam.first_decay;
        self.powers.1 *= adam.second_decay;
        let (first_weight, second_weight) = (1.0 - self.powers.0, 1.0 - self.powers.1);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((tensor, gradient), (first, second)) in tensors.iter_mut().zip(gradient).zip(moments) {
            Zip::from(tensor).and(gradient).and(first).and(second).for_each(|weight, gradient, first, second| {
                let gradient = gradient * scale;
                *first = adam.first_decay * *first + (1.0 - adam.first_decay) * gradient;
                *second = adam.second_decay * *second + (1.0 - adam.second_decay) * gradient * gradient;
                let root = (*second / second_weight).sqrt();
                *weight += adam.learning_rate * (*first / first_weight) / (root + adam.epsilon);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbs_a_parabola() {
        let mut tensors = vec![Array2::from_elem((1, 2), 0.0)];
        let mut moments = Moments::new(&tensors);
        let adam = Adam::new(0.05, 1.0);
        for _ in 0..1000 {
            let gradient = vec![tensors[0].mapv(|x| -2.0 * (x - 3.0))];
            moments.ascend(&adam, &mut tensors, &gradient);
        }
        assert!(tensors[0].iter().all(|x| (x - 3.0).abs() < 1e-3), "{tensors:?}");
    }

    #[test]
    fn the_first_step_is_as_long_as_the_learning_rate() {
        let mut tensors = vec![Array2::from_elem((1, 1), 0.0)];
        Moments::new(&tensors).ascend(&Adam::new(0.1, 0.0), &mut tensors, &[Array2::from_elem((1, 1), 1e3)]);
        assert!((tensors[0][[0, 0]] - 0.1).abs() < 1e-9);
    }

    #[test]
    fn infinite_gradients_move_nothing() {
        let mut tensors = vec![Array2::from_elem((1, 1), 1.0)];
        let gradient = [Array2::from_elem((1, 1), f64::INFINITY)];
        Moments::new(&tensors).ascend(&Adam::new(0.1, 1.0), &mut tensors, &gradient);
        assert_eq!(tensors[0][[0, 0]], 1.0);
    }
}
