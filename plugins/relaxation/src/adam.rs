/// Keeps a division by a root of 0 finite, as PyTorch has it.
const EPSILON: f64 = 1e-8;

/// Adam (Kingma & Ba 2015, algorithm 1), with weight decay added to the gradient as in the code of DARTS.
#[derive(Clone, Debug)]
pub struct Adam {
    rate: f64,
    betas: [f64; 2],
    decay: f64,
    steps: i32,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Adam {
    /// A learning rate, the decays of both moments, each in [0, 1), and the factor of the parameters in their gradients.
    pub fn new(rate: f64, betas: [f64; 2], decay: f64) -> Self {
        Self { rate, betas, decay, steps: 0, first: Vec::new(), second: Vec::new() }
    }

    /// One step down. The number of parameters is that of the first call; what a gradient lacks is 0.
    pub fn step(&mut self, parameters: &mut [f64], gradient: &[f64]) {
        let [beta1, beta2] = self.betas;
        self.steps = self.steps.saturating_add(1);
        self.first.resize(parameters.len(), 0.0);
        self.second.resize(parameters.len(), 0.0);
        let unbiased = [1.0 - beta1.powi(self.steps), 1.0 - beta2.powi(self.steps)];
        let moments = self.first.iter_mut().zip(&mut self.second);
        let slopes = gradient.iter().copied().chain(std::iter::repeat(0.0));
        for ((parameter, slope), (first, second)) in parameters.iter_mut().zip(slopes).zip(moments) {
            let slope = slope + self.decay * *parameter;
            *first = beta1 * *first + (1.0 - beta1) * slope;
            *second = beta2 * *second + (1.0 - beta2) * slope * slope;
            let root = (*second / unbiased[1]).sqrt() + EPSILON;
            *parameter -= self.rate * (*first / unbiased[0]) / root;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `torch.optim.Adam([1.0, -2.0], lr=0.1, betas=(0.5, 0.999), weight_decay=0.01)` by hand.
    #[test]
    fn steps_are_those_of_the_algorithm() {
        let mut adam = Adam::new(0.1, [0.5, 0.999], 0.01);
        let mut parameters = [1.0, -2.0];
        adam.step(&mut parameters, &[0.5, 0.0]);
        // A first step is as long as the rate, whatever the slope.
        assert!((parameters[0] - 0.9).abs() < 1e-6 && (parameters[1] + 1.9).abs() < 1e-6, "{parameters:?}");
        adam.step(&mut parameters, &[-0.5, 0.0]);
        let [slope1, slope2]: [f64; 2] = [0.51, -0.491];
        let first = (0.25 * slope1 + 0.5 * slope2) / 0.75;
        let second = ((0.999 * slope1.powi(2) + slope2.powi(2)) * 0.001 / (1.0 - 0.999_f64.powi(2))).sqrt();
        assert!((parameters[0] - (0.9 - 0.1 * first / second)).abs() < 1e-6, "{parameters:?}");
    }

    #[test]
    fn without_momentum_and_decay_what_has_no_slope_stays() {
        let mut adam = Adam::new(1e-3, [0.0, 0.999], 0.0);
        let mut parameters = [1.0, 1.0];
        adam.step(&mut parameters, &[1.0, 1.0]);
        let before = parameters[1];
        adam.step(&mut parameters, &[1.0]);
        assert_eq!(parameters[1], before);
        assert!(parameters[0] < before);
    }
}
