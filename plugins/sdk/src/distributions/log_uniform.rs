use crate::Rng;

/// The distribution of a number whose logarithm is uniform: that of a real decision on a log scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogUniform {
    low: f64,
    high: f64,
}

impl LogUniform {
    /// Between two numbers, where they are above 0, finite and in rising order.
    pub fn new(low: f64, high: f64) -> Option<Self> {
        (low > 0.0 && low < high && high.is_finite()).then_some(Self { low, high })
    }

    /// The density at `x`; 0 outside.
    pub fn density(&self, x: f64) -> f64 {
        if (self.low..=self.high).contains(&x) { 1.0 / (x * (self.high.ln() - self.low.ln())) } else { 0.0 }
    }

    /// The probability of less than `x`.
    pub fn cumulative(&self, x: f64) -> f64 {
        if x <= self.low {
            return 0.0;
        }
        ((x.ln() - self.low.ln()) / (self.high.ln() - self.low.ln())).min(1.0)
    }

    /// The number below which a draw is with this probability, which is in [0, 1].
    pub fn quantile(&self, probability: f64) -> f64 {
        let log = self.low.ln() + (self.high.ln() - self.low.ln()) * probability;
        log.exp().clamp(self.low, self.high)
    }

    /// A draw.
    pub fn draw(&self, rng: &mut Rng) -> f64 {
        self.quantile(rng.uniform())
    }
}
