use crate::Rng;

/// A distribution over the places of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Categorical(Vec<f64>);

impl Categorical {
    /// Places as likely as these weights are large, which are at least 0 and finite. Nothing where one is not, or none is above 0.
    pub fn new(weights: &[f64]) -> Option<Self> {
        let largest = weights.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 || weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
            return None;
        }
        // Shares of the largest: the sum of finite weights need not be finite.
        let shares: Vec<f64> = weights.iter().map(|weight| weight / largest).collect();
        let sum: f64 = shares.iter().sum();
        Some(Self(shares.into_iter().map(|share| share / sum).collect()))
    }

    /// The distribution whose probabilities are proportional to exp(logit). Nothing of no logits, or where one is NaN or infinite.
    pub fn from_logits(logits: &[f64]) -> Option<Self> {
        let is_some = !logits.is_empty() && logits.iter().all(|logit| logit.is_finite());
        is_some.then(|| Self(softmax(logits)))
    }

    /// The probability of each place. They sum to 1, up to rounding.
    pub fn probabilities(&self) -> &[f64] {
        &self.0
    }

    /// The logarithm of a place's probability: minus infinity of one that cannot come or is not there.
    pub fn log_probability(&self, place: usize) -> f64 {
        self.0.get(place).map_or(f64::NEG_INFINITY, |probability| probability.ln())
    }

    /// The entropy in nats: from 0, where one place is certain, to ln(n), where all are as likely.
    pub fn entropy(&self) -> f64 {
        let term = |probability: &f64| if *probability > 0.0 { -probability * probability.ln() } else { 0.0 };
        self.0.iter().map(term).sum()
    }

    /// The likeliest place; of equals the first one.
    pub fn mode(&self) -> usize {
        let places = 0..self.0.len();
        places.reduce(|best, place| if self.0[place] > self.0[best] { place } else { best }).unwrap_or(0)
    }

    /// A draw.
    pub fn draw(&self, rng: &mut Rng) -> usize {
        rng.choose_weighted(&self.0).unwrap_or(0)
    }
}

/// Probabilities proportional to exp(logit). Logits that are far from each other make no overflow.
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}
