//! Two binary gates of each decision, of which one is open (Cai, Zhu & Han 2019, section 3.2.1).

use archwright_relaxation::{Parameters, draw, pair};
use archwright_sdk::Rng;
use archwright_sdk::distributions::log_sum;

/// Two labels of a row, as places among all labels, and their probabilities among the two.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    places: [usize; 2],
    shares: [f64; 2],
}

/// The labels that one step of the architecture's parameters is about. A row with one label has no pair.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Gates {
    pairs: Vec<Pair>,
    /// The label of each row whose gate is open.
    pub(crate) open: Vec<usize>,
}

impl Gates {
    /// Samples two labels of each row without replacement, then which of them is open, by their probabilities.
    pub(crate) fn sample(parameters: &Parameters, rng: &mut Rng) -> Self {
        let probabilities = parameters.probabilities();
        let mut gates = Self::default();
        for row in parameters.rows.iter() {
            let Some(labels) = pair(&probabilities[row.range()], rng) else {
                gates.open.push(0);
                continue;
            };
            let places = labels.map(|label| row.start + label);
            let [first, second] = places.map(|place| parameters.logits[place]);
            // The softmax of two logits.
            let share = 1.0 / (1.0 + (second - first).exp());
            let shares = [share, 1.0 - share];
            gates.open.push(labels[draw(&shares, rng)]);
            gates.pairs.push(Pair { places, shares });
        }
        gates
    }

    /// The labels of which derivatives are wanted: both of each pair, and where there is none the open one.
    pub(crate) fn wanted(&self, parameters: &Parameters) -> Vec<bool> {
        let mut wanted = parameters.rows.only(&self.open);
        self.pairs.iter().flat_map(|pair| pair.places).for_each(|place| wanted[place] = true);
        wanted
    }

    /// The derivatives by the logits from those by the gates: ∂L/∂α_i ≈ Σ_j ∂L/∂g_j p_j (δ_ij − p_i) over the pair
    /// (equation 4).
    pub(crate) fn to_logits(&self, by_gate: &[f64]) -> Vec<f64> {
        let mut by_logit = vec![0.0; by_gate.len()];
        for Pair { places, shares } in &self.pairs {
            let mean: f64 = places.iter().zip(shares).map(|(place, share)| by_gate[*place] * share).sum();
            for (place, share) in places.iter().zip(shares) {
                by_logit[*place] = share * (by_gate[*place] - mean);
            }
        }
        by_logit
    }

    /// Shifts both logits of each pair, so that what the step made of `before` leaves the probabilities of all other labels
    /// as they were.
    pub(crate) fn rescale(&self, before: &[f64], logits: &mut [f64]) {
        for Pair { places, .. } in &self.pairs {
            let offset = log_sum(&places.map(|place| logits[place])) - log_sum(&places.map(|place| before[place]));
            places.iter().for_each(|place| logits[*place] -= offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use archwright_relaxation::testing::categorical;
    use archwright_relaxation::{Adam, Rows};

    use super::*;

    fn parameters() -> Parameters {
        let decisions =
            [categorical("a", &["x", "y", "z", "w"]), categorical("b", &["x"]), categorical("c", &["x", "y"])];
        let optimizer = Adam::new(0.1, [0.0, 0.999], 0.0);
        Parameters::new(Rows::of(&decisions).unwrap(), 1.0, optimizer, &mut Rng::new(3))
    }

    #[test]
    fn two_labels_of_each_row_are_wanted_and_one_is_open() {
        let parameters = parameters();
        let mut rng = Rng::new(0);
        for _ in 0..50 {
            let gates = Gates::sample(&parameters, &mut rng);
            let wanted = gates.wanted(&parameters);
            let counts = parameters.rows.iter().map(|row| wanted[row.range()].iter().filter(|one| **one).count());
            assert_eq!(counts.collect::<Vec<_>>(), [2, 1, 2]);
            let open = parameters.rows.only(&gates.open);
            assert!(open.iter().zip(&wanted).all(|(open, wanted)| !open || *wanted));
        }
    }

    #[test]
    fn derivatives_agree_with_finite_differences_of_the_pair() {
        let parameters = parameters();
        let gates = Gates::sample(&parameters, &mut Rng::new(1));
        let slopes = [0.4, -1.0, 0.7, 0.2, 5.0, -0.3, 0.9];
        // The loss that is linear in the gates, with the probabilities of the pair for gates.
        let loss = |logits: &[f64]| -> f64 {
            let pair = |Pair { places, .. }: &Pair| {
                let weights = places.map(|place| logits[place].exp());
                (weights[0] * slopes[places[0]] + weights[1] * slopes[places[1]]) / (weights[0] + weights[1])
            };
            gates.pairs.iter().map(pair).sum()
        };
        let by_logit = gates.to_logits(&slopes);
        for place in 0..slopes.len() {
            let mut moved = [parameters.logits.clone(), parameters.logits.clone()];
            moved[0][place] += 1e-5;
            moved[1][place] -= 1e-5;
            let difference = (loss(&moved[0]) - loss(&moved[1])) / 2e-5;
            assert!((by_logit[place] - difference).abs() < 1e-8, "{place}: {difference}");
        }
    }

    #[test]
    fn a_step_leaves_the_probabilities_of_other_labels() {
        let mut parameters = parameters();
        let mut rng = Rng::new(2);
        for _ in 0..20 {
            let gates = Gates::sample(&parameters, &mut rng);
            let (logits, probabilities) = (parameters.logits.clone(), parameters.probabilities());
            parameters.descend(&gates.to_logits(&[1.0, -2.0, 0.5, 0.1, 3.0, -0.2, 0.4]));
            gates.rescale(&logits, &mut parameters.logits);
            let wanted = gates.wanted(&parameters);
            for (place, after) in parameters.probabilities().into_iter().enumerate() {
                let same = (after - probabilities[place]).abs() < 1e-12;
                assert!(same != wanted[place] || place == 4, "{place}");
            }
        }
    }
}
