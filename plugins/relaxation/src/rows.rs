use std::ops::Range;

use archwright_sdk::{Decision, Domain, Error, Estimate, Relaxation, Rng};

use crate::noise;

/// The categorical decisions of a space and where their labels lie in a list of one number for each label.
#[derive(Clone, Debug)]
pub struct Rows {
    rows: Vec<Row>,
    len: usize,
    whole: bool,
}

/// One categorical decision.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its index among all decisions.
    pub decision: usize,
    /// Its name.
    pub name: String,
    /// Its labels, never empty.
    pub labels: Vec<String>,
    /// Where its first label lies.
    pub start: usize,
}

impl Row {
    /// Where its labels lie.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.labels.len()
    }
}

impl Rows {
    /// The rows of a space with these decisions.
    ///
    /// # Errors
    /// Where none of them is categorical.
    pub fn of(decisions: &[Decision]) -> Result<Self, Error> {
        let mut rows = Vec::new();
        let mut len = 0;
        for (index, decision) in decisions.iter().enumerate() {
            if let Domain::Categorical(labels) = &decision.domain {
                rows.push(Row { decision: index, name: decision.name.clone(), labels: labels.clone(), start: len });
                len += labels.len();
            }
        }
        if rows.is_empty() {
            let problem = "this space has no categorical decision, so there is nothing to relax";
            return Err(Error::Unsupported(problem.into()));
        }
        let whole = rows.len() == decisions.len();
        Ok(Self { rows, len, whole })
    }

    /// The rows, in decision order.
    pub fn iter(&self) -> std::slice::Iter<'_, Row> {
        self.rows.iter()
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Number of labels of all rows together.
    pub fn labels(&self) -> usize {
        self.len
    }

    /// Whether every decision of the space is categorical.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The softmax of each row of logits divided by a temperature above 0.
    pub fn softmax(&self, logits: &[f64], temperature: f64) -> Vec<f64> {
        let mut probabilities = Vec::with_capacity(logits.len());
        for row in &self.rows {
            let logits = &logits[row.range()];
            // A shift changes no softmax, and keeps exponentials finite.
            let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let start = probabilities.len();
            probabilities.extend(logits.iter().map(|logit| ((logit - largest) / temperature).exp()));
            let sum: f64 = probabilities[start..].iter().sum();
            probabilities[start..].iter_mut().for_each(|one| *one /= sum);
        }
        probabilities
    }

    /// The derivatives by what a softmax is taken of, from those by its outcome `probabilities`: the Jacobian
    /// p_j (δ_ij − p_i).
    pub fn to_logits(&self, probabilities: &[f64], gradient: &[f64]) -> Vec<f64> {
        let mut by_logit = Vec::with_capacity(probabilities.len());
        for row in &self.rows {
            let (probabilities, gradient) = (&probabilities[row.range()], &gradient[row.range()]);
            let mean: f64 = probabilities.iter().zip(gradient).map(|(share, slope)| share * slope).sum();
            by_logit.extend(probabilities.iter().zip(gradient).map(|(share, slope)| share * (slope - mean)));
        }
        by_logit
    }

    /// One label of each row, drawn with these probabilities.
    pub fn sample(&self, probabilities: &[f64], rng: &mut Rng) -> Vec<usize> {
        self.rows.iter().map(|row| noise::draw(&probabilities[row.range()], rng)).collect()
    }

    /// The label of each row with the largest value; of equals the first.
    pub fn argmax(&self, values: &[f64]) -> Vec<usize> {
        self.rows.iter().map(|row| largest(&values[row.range()])).collect()
    }

    /// 1 for the chosen label of each row, else 0.
    pub fn one_hot(&self, choices: &[usize]) -> Vec<f64> {
        let mut values = vec![0.0; self.len];
        for (row, choice) in self.rows.iter().zip(choices) {
            values[row.start + choice] = 1.0;
        }
        values
    }

    /// As a query has it. What rounding to 32 bits takes from a row's sum goes to its largest probability.
    pub fn relaxation(&self, probabilities: &[f64], wanted: Vec<bool>) -> Relaxation {
        let mut rounded: Vec<f32> = probabilities.iter().map(|one| *one as f32).collect();
        for row in &self.rows {
            let sum: f64 = rounded[row.range()].iter().copied().map(f64::from).sum();
            let at = row.start + largest(&probabilities[row.range()]);
            rounded[at] = (f64::from(rounded[at]) + 1.0 - sum) as f32;
        }
        Relaxation { probabilities: rounded, wanted }
    }

    /// One path of each row, computed alone, together with those that `wanted` names.
    pub fn path(&self, choices: &[usize], wanted: Vec<bool>) -> Relaxation {
        self.relaxation(&self.one_hot(choices), wanted)
    }

    /// The chosen label of each row, and no other.
    pub fn only(&self, choices: &[usize]) -> Vec<bool> {
        self.one_hot(choices).into_iter().map(|one| one > 0.0).collect()
    }
}

/// The derivatives that an estimate has for each of `labels` labels, where it has them.
pub fn gradient(estimate: &Estimate, labels: usize) -> Option<Vec<f64>> {
    let fits = estimate.gradient.len() == labels && estimate.gradient.iter().all(|slope| slope.is_finite());
    fits.then(|| estimate.gradient.iter().copied().map(f64::from).collect())
}

fn largest(values: &[f64]) -> usize {
    let better = |best: usize, index: usize| if values[index] > values[best] { index } else { best };
    (0..values.len()).reduce(better).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::estimate;

    use super::*;
    use crate::testing::categorical;

    fn rows() -> Rows {
        let real = Decision {
            name: "rate".into(),
            domain: Domain::Real { low: 0.0, high: 1.0, log_scale: false },
            active_when: vec![],
        };
        Rows::of(&[categorical("a", &["x", "y", "z"]), real, categorical("b", &["x", "y"])]).unwrap()
    }

    #[test]
    fn only_categorical_decisions_have_rows() {
        let rows = rows();
        let places: Vec<_> = rows.iter().map(|row| (row.decision, row.range())).collect();
        assert_eq!(places, [(0, 0..3), (2, 3..5)]);
        assert_eq!((rows.count(), rows.labels(), rows.is_whole()), (2, 5, false));
        let error = Rows::of(&[]).unwrap_err();
        assert!(matches!(error, Error::Unsupported(_)), "{error}");
    }

    #[test]
    fn a_softmax_survives_large_logits() {
        let probabilities = rows().softmax(&[1000.0, 1000.0, -1000.0, 0.0, 2.0_f64.ln() * 0.5], 0.5);
        let expected = [0.5, 0.5, 0.0, 1.0 / 3.0, 2.0 / 3.0];
        assert!(
            probabilities.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-12),
            "{probabilities:?}"
        );
    }

    #[test]
    fn the_chain_rule_agrees_with_finite_differences() {
        let rows = rows();
        let logits = [0.3, -0.7, 1.1, 0.2, -0.4];
        // A loss that is not linear: the derivative is that at the probabilities.
        let target = [0.2, 0.5, 0.3, 0.9, 0.1];
        for temperature in [1.0, 0.3] {
            let loss = |logits: &[f64]| -> f64 {
                rows.softmax(logits, temperature).iter().zip(target).map(|(one, other)| (one - other).powi(2)).sum()
            };
            let probabilities = rows.softmax(&logits, temperature);
            let gradient: Vec<f64> = probabilities.iter().zip(target).map(|(one, other)| 2.0 * (one - other)).collect();
            let by_logit = rows.to_logits(&probabilities, &gradient);
            for index in 0..logits.len() {
                let mut moved = [logits, logits];
                moved[0][index] += 1e-5;
                moved[1][index] -= 1e-5;
                let difference = (loss(&moved[0]) - loss(&moved[1])) / 2e-5;
                assert!((by_logit[index] / temperature - difference).abs() < 1e-8, "{index}: {difference}");
            }
        }
    }

    #[test]
    fn rows_of_32_bits_sum_to_1() {
        let labels: Vec<String> = (0..997).map(|label| label.to_string()).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let rows = Rows::of(&[categorical("a", &labels)]).unwrap();
        let mut rng = Rng::new(0);
        for _ in 0..20 {
            let logits: Vec<f64> = (0..997).map(|_| 3.0 * noise::normal(&mut rng)).collect();
            let relaxation = rows.relaxation(&rows.softmax(&logits, 1.0), Vec::new());
            let sum: f64 = relaxation.probabilities.iter().copied().map(f64::from).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
            assert!(relaxation.probabilities.iter().all(|one| *one >= 0.0));
        }
    }

    #[test]
    fn paths_are_ones_among_zeros() {
        let rows = rows();
        assert_eq!(rows.argmax(&[0.1, 0.7, 0.7, 0.5, 0.5]), [1, 0]);
        let path = rows.path(&[2, 1], rows.only(&[2, 1]));
        assert_eq!(path.probabilities, [0.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(path.wanted, [false, false, true, false, true]);
    }

    #[test]
    fn a_gradient_of_another_length_is_none() {
        let mut given = estimate(0.5);
        assert_eq!(gradient(&given, 2), None);
        given.gradient = vec![1.0, 2.0];
        assert_eq!(gradient(&given, 2), Some(vec![1.0, 2.0]));
        given.gradient[0] = f32::NAN;
        assert_eq!(gradient(&given, 2), None);
    }
}
