use archwright_sdk::{Decision, Error, Rng, Value};
use ndarray::Array2;

use crate::adam::{Adam, Moments};
use crate::choices::{Choices, Step};
use crate::network::{Distribution, Network};

/// The make of a controller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Units of each layer, and length of an embedding; at least 1.
    pub hidden: usize,
    /// Layers of the LSTM, at least 1.
    pub layers: usize,
    /// What scores are divided by before the softmax, above 0: above 1 evens probabilities out (Bello et al. 2017,
    /// arXiv:1611.09940, appendix). 1: nothing.
    pub temperature: f64,
    /// Bounds scores to `tanh_constant * tanh(score)`, after the temperature (Bello et al. 2017). 0: no bound.
    pub tanh_constant: f64,
    /// Weights start out even in plus or minus this; biases start at 0.
    pub initial_range: f64,
}

/// An LSTM that chooses one decision after the other.
#[derive(Clone, Debug)]
pub struct Controller {
    choices: Choices,
    network: Network,
    moments: Moments,
    adam: Adam,
}

/// A point that a controller drew.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// One value for each decision.
    pub point: Vec<Value>,
    /// Logarithms of the probabilities of the values in it, of the active decisions that have several.
    pub log_probabilities: Vec<f64>,
}

/// How likely a point is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Logarithms of the probabilities of its values, as in a [`Sample`]. Their sum is the point's.
    pub log_probabilities: Vec<f64>,
    /// Sum of the entropies of the distributions that they were chosen from.
    pub entropy: f64,
}

impl Score {
    /// Logarithm of the point's probability.
    pub fn log_probability(&self) -> f64 {
        self.log_probabilities.iter().sum()
    }
}

impl Controller {
    /// A controller for these decisions, which `rng` draws the weights of.
    ///
    /// # Errors
    /// Where a decision is a real number or has more than a thousand values: names it. Where a setting is out of range.
    pub fn new(decisions: &[Decision], settings: &Settings, adam: Adam, rng: &mut Rng) -> Result<Self, Error> {
        let Settings { hidden, layers, temperature, tanh_constant, initial_range } = *settings;
        let wrong = |what: &str| Err(Error::InvalidOptions(format!("a controller's {what}")));
        if hidden == 0 || layers == 0 {
            return wrong("hidden size and number of layers have to be at least 1");
        }
        if !(temperature > 0.0 && temperature.is_finite()) {
            return wrong("temperature has to be above 0");
        }
        if !(tanh_constant >= 0.0 && tanh_constant.is_finite() && initial_range >= 0.0 && initial_range.is_finite()) {
            return wrong("tanh constant and initial range have to be at least 0");
        }
        let choices = Choices::new(decisions)?;
        let network = Network::new(&choices, settings, rng);
        let moments = Moments::new(&network.weights);
        Ok(Self { choices, network, moments, adam })
    }

    /// Draws a point. Whether it meets the space's constraints is not looked at.
    pub fn sample(&mut self, rng: &mut Rng) -> Sample {
        let mut chosen: Vec<Option<usize>> = Vec::with_capacity(self.choices.len());
        let mut sample = Sample { point: Vec::with_capacity(self.choices.len()), log_probabilities: Vec::new() };
        let mut walk = self.network.walk();
        let mut before = None;
        for decision in 0..self.choices.len() {
            let choice = if !self.choices.is_active(decision, &chosen) {
                None
            } else if self.choices.count(decision) == 1 {
                Some(0)
            } else {
                let distribution = self.network.next(&mut walk, self.choices.token(before), decision);
                let choice = distribution.draw(rng.uniform());
                sample.log_probabilities.push(distribution.logs()[choice]);
                before = Some(Step { decision, choice });
                Some(choice)
            };
            sample.point.push(self.choices.value(decision, choice));
            chosen.push(choice);
        }
        sample
    }

    /// How likely these points are.
    ///
    /// # Errors
    /// Where one is no point of the space.
    pub fn score(&mut self, points: &[&[Value]]) -> Result<Vec<Score>, Error> {
        let steps = self.steps(points)?;
        let mut scores = vec![Score::default(); points.len()];
        self.network.pass(
            &self.choices,
            &steps,
            &mut |place, distributions| {
                scores[place] = score(&steps[place], distributions);
                None
            },
            None,
        );
        Ok(scores)
    }

    /// One step of Adam up the gradient of the sum over points of `weight * log p + entropy_weight * entropy`. `weigh` gives
    /// for the point in some place and its score the weight of each of its values' log p, in the order of
    /// [`Score::log_probabilities`]. The weights may depend on the score: they are the derivatives of what is to grow.
    ///
    /// # Errors
    /// Where one is no point of the space.
    pub fn improve(
        &mut self,
        points: &[&[Value]],
        entropy_weight: f64,
        weigh: impl FnMut(usize, &Score) -> Vec<f64>,
    ) -> Result<(), Error> {
        let gradient = self.gradient(points, entropy_weight, weigh)?;
        self.moments.ascend(&self.adam, &mut self.network.weights, &gradient);
        self.network.changed();
        Ok(())
    }

    /// The gradient that [`Controller::improve`] goes up, by all weights.
    pub(crate) fn gradient(
        &mut self,
        points: &[&[Value]],
        entropy_weight: f64,
        mut weigh: impl FnMut(usize, &Score) -> Vec<f64>,
    ) -> Result<Vec<Array2<f64>>, Error> {
        let steps = self.steps(points)?;
        let mut gradient: Vec<_> = self.network.weights.iter().map(|one| Array2::zeros(one.dim())).collect();
        self.network.pass(
            &self.choices,
            &steps,
            &mut |place, distributions| {
                let steps = &steps[place];
                let weights = weigh(place, &score(steps, distributions));
                let worth = steps.iter().zip(distributions).enumerate().map(|(time, (step, distribution))| {
                    // The entropy is the sum of -p log p: by log p it has the derivative -p (log p + 1).
                    let by = |log: &f64| -entropy_weight * log.exp() * (log + 1.0);
                    let mut worth: Vec<f64> = distribution.logs().iter().map(by).collect();
                    worth[step.choice] += weights.get(time).copied().unwrap_or(0.0);
                    worth
                });
                Some(worth.collect())
            },
            Some(&mut gradient),
        );
        Ok(gradient)
    }

    /// Multiply-adds of the way forward for a point in which all decisions are active. The way back takes twice as many.
    pub fn work(&self) -> u64 {
        let steps = (0..self.choices.len()).filter(|decision| self.choices.count(*decision) > 1).count();
        self.network.work() * steps as u64
    }

    fn steps(&self, points: &[&[Value]]) -> Result<Vec<Vec<Step>>, Error> {
        points.iter().map(|point| self.choices.steps(point)).collect()
    }

    #[cfg(test)]
    pub(crate) fn weights(&mut self) -> &mut Vec<Array2<f64>> {
        self.network.changed();
        &mut self.network.weights
    }
}

fn score(steps: &[Step], distributions: &[Distribution]) -> Score {
    let chosen = steps.iter().zip(distributions);
    Score {
        log_probabilities: chosen.map(|(step, distribution)| distribution.logs()[step.choice]).collect(),
        entropy: distributions.iter().map(Distribution::entropy).sum(),
    }
}
