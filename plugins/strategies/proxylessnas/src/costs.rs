//! What paths cost.

use archwright_relaxation::{Points, Rows};
use archwright_sdk::prelude::*;

use crate::latencies;
use crate::options::Cost;

/// The least that a network is taken to take: a fitted model may say less than nothing.
const LEAST_SECONDS: f64 = 1e-6;
/// Random points that are tried where the one of first labels has no network.
const BASES: usize = 100;

/// A linear model of the cost of a mixture: that of one architecture, and what each label adds to it in the place of that
/// architecture's own.
///
/// It is exact where the costs of decisions add up, as those of blocks in a row whose shapes are fixed do.
#[derive(Clone, Debug)]
pub(crate) struct Costs {
    measured: Cost,
    base: f64,
    added: Vec<f64>,
    target: f64,
    weight: f64,
}

impl Costs {
    /// Fits the model by the size of one architecture and of all that differ from it in one categorical decision. What has
    /// no network, or is of a decision that is inactive there, adds nothing.
    ///
    /// # Errors
    /// Where no architecture is found that has a network.
    pub(crate) fn fit(points: &Points, rows: &Rows, measured: Cost, weight: f64, seed: u64) -> Result<Self, Error> {
        let (values, base) = base(points, rows, measured, seed)?;
        let choices = points.choices(rows, &values, &vec![0; rows.count()]);
        let mut added = vec![0.0; rows.labels()];
        for (at, row) in rows.iter().enumerate() {
            for label in (0..row.labels.len()).filter(|label| *label != choices[at]) {
                let mut changed = choices.clone();
                changed[at] = label;
                if let Some(cost) = cost(points, measured, &points.of(rows, &changed, &values)) {
                    added[row.start + label] = cost - base;
                }
            }
        }
        Ok(Self { measured, base, added, target: 1.0, weight })
    }

    /// Fits the model to latencies of architectures. Nothing for fewer than two.
    pub(crate) fn of_latencies(rows: &Rows, measured: &[(Vec<Value>, f64)], weight: f64) -> Option<Self> {
        let latencies::Fitted { base, added } = latencies::fit(rows, measured)?;
        Some(Self { measured: Cost::Latency, base, added, target: 1.0, weight })
    }

    /// Sets the cost that counts as 1.
    pub(crate) fn aim(&mut self, target: f64) {
        self.target = target.max(f64::MIN_POSITIVE);
    }

    /// The cost expected under these probabilities: the sum over rows of Σ_j p_j F(o_j) (Cai, Zhu & Han 2019, section 3.3.1).
    pub(crate) fn expected(&self, probabilities: &[f64]) -> f64 {
        self.base + self.added.iter().zip(probabilities).map(|(added, share)| added * share).sum::<f64>()
    }

    /// The derivative of the weighted expected cost by the probability of a label.
    pub(crate) fn slope(&self, label: usize) -> f64 {
        self.weight * self.added[label] / self.target
    }

    /// What a point's value is multiplied by: its own cost counts, where it is known, not the model's. 1 for one without a
    /// network.
    pub(crate) fn factor(&self, points: &Points, rows: &Rows, values: &[Value]) -> f64 {
        let (cost, least) = match self.measured {
            Cost::Latency => {
                let choices = points.choices(rows, values, &vec![0; rows.count()]);
                (Some(self.expected(&rows.one_hot(&choices))), LEAST_SECONDS)
            }
            measured => (cost(points, measured, values), 1.0),
        };
        // A network that costs nothing is still not worth infinitely much.
        (self.target / cost.unwrap_or(self.target).max(least)).powf(self.weight)
    }
}

/// A point with a network, and its cost: of the first labels but `none`, since behind an edge that carries nothing no other
/// costs anything; or else a random one.
fn base(points: &Points, rows: &Rows, measured: Cost, seed: u64) -> Result<(Vec<Value>, f64), Error> {
    let mut rng = Rng::new(seed);
    let carrying = rows.iter().map(|row| row.labels.iter().position(|label| label != "none").unwrap_or(0));
    let first = points.of(rows, &carrying.collect::<Vec<_>>(), &[]);
    let random = (0..BASES).filter_map(|_| match points.space().sample(rng.next_u64()) {
        Architecture::Point(values) => Some(values),
        Architecture::Network(_) => None,
    });
    let mut tried = std::iter::once(first).chain(random);
    let found = tried.find_map(|values| cost(points, measured, &values).map(|cost| (values, cost)));
    found
        .ok_or_else(|| Error::Unsupported("none of 100 random architectures has a network to measure `cost` of".into()))
}

fn cost(points: &Points, measured: Cost, values: &[Value]) -> Option<f64> {
    let footprint = points.space().profile(&Architecture::Point(values.to_vec())).ok()?;
    match measured {
        Cost::None | Cost::Latency => None,
        Cost::MultiplyAdds => Some(footprint.multiply_adds as f64),
        Cost::Parameters => Some(footprint.parameters as f64),
    }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, setup};

    use super::*;

    /// In a chain of blocks of fixed shapes costs add up.
    #[test]
    fn costs_of_its_own_space_are_exact() {
        let space = bundled_space("proxylessnas");
        let decisions = setup(&space, 0).decisions;
        let rows = Rows::of(&decisions).unwrap();
        let points = Points::new(decisions, space.clone());
        for measured in [Cost::MultiplyAdds, Cost::Parameters] {
            let costs = Costs::fit(&points, &rows, measured, 0.1, 0).unwrap();
            for seed in 0..10 {
                let Architecture::Point(values) = space.sample(seed) else { panic!("a network") };
                let choices = points.choices(&rows, &values, &[0; 21]);
                let expected = costs.expected(&rows.one_hot(&choices));
                assert_eq!(Some(expected), cost(&points, measured, &values), "{measured:?}");
            }
        }
    }

    #[test]
    fn slopes_are_those_of_the_expected_cost() {
        let space = bundled_space("nas-bench-201");
        let decisions = setup(&space, 0).decisions;
        let rows = Rows::of(&decisions).unwrap();
        let points = Points::new(decisions, space);
        let mut costs = Costs::fit(&points, &rows, Cost::Parameters, 0.3, 0).unwrap();
        costs.aim(1e6);
        let mut probabilities = rows.softmax(&vec![0.0; 30], 1.0);
        let before = costs.expected(&probabilities);
        for label in 0..30 {
            probabilities[label] += 1e-3;
            let moved = costs.expected(&probabilities);
            probabilities[label] -= 1e-3;
            assert!((costs.slope(label) - 0.3 * (moved - before) / 1e-3 / 1e6).abs() < 1e-6);
        }
        // What has no parameters adds none, on every edge; 3x3 convolutions add the most.
        for labels in costs.added.chunks(5) {
            assert_eq!([labels[0], labels[1], labels[4]], [0.0; 3], "{labels:?}");
            assert!(labels[3] > 8.0 * labels[2] && labels[2] > 0.0, "{labels:?}");
        }
    }

    #[test]
    fn what_costs_the_target_keeps_its_value() {
        let space = bundled_space("proxylessnas");
        let decisions = setup(&space, 0).decisions;
        let rows = Rows::of(&decisions).unwrap();
        let points = Points::new(decisions, space);
        let mut costs = Costs::fit(&points, &rows, Cost::MultiplyAdds, 0.5, 0).unwrap();
        let values = points.of(&rows, &[0; 21], &[]);
        costs.aim(costs.base);
        assert!((costs.factor(&points, &rows, &values) - 1.0).abs() < 1e-12);
        costs.aim(costs.base * 4.0);
        assert!((costs.factor(&points, &rows, &values) - 2.0).abs() < 1e-12);
    }
}
