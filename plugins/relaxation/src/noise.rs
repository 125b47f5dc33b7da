//! Random numbers of other distributions than the uniform one.

use std::f64::consts::TAU;

use archwright_sdk::Rng;

/// Uniform in (0, 1): neither end has a finite logarithm of its logarithm.
fn open(rng: &mut Rng) -> f64 {
    rng.uniform().max(f64::EPSILON / 4.0)
}

/// The standard normal distribution (Box & Muller 1958).
pub fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * open(rng).ln()).sqrt();
    radius * (TAU * rng.uniform()).cos()
}

/// The standard Gumbel distribution. The largest of logits with this noise is distributed as the softmax of the logits.
pub fn gumbel(rng: &mut Rng) -> f64 {
    -(-open(rng).ln()).ln()
}

/// An index with these probabilities; they need not sum to 1. Any index, evenly, where all are 0; 0 of an empty list.
pub fn draw(probabilities: &[f64], rng: &mut Rng) -> usize {
    rng.choose_weighted(probabilities).unwrap_or(0)
}

/// Two different indices, drawn one after the other without replacement; none of a list of fewer than two.
pub fn pair(probabilities: &[f64], rng: &mut Rng) -> Option<[usize; 2]> {
    if probabilities.len() < 2 {
        return None;
    }
    let first = draw(probabilities, rng);
    // Without the first one's place, so that the rest is drawn from evenly where its probabilities are 0.
    let rest: Vec<f64> =
        probabilities.iter().enumerate().filter(|(index, _)| *index != first).map(|(_, one)| *one).collect();
    let second = draw(&rest, rng);
    Some([first, if second < first { second } else { second + 1 }])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 20_000;

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut rng = Rng::new(1);
        let drawn: Vec<f64> = (0..DRAWS).map(|_| normal(&mut rng)).collect();
        let mean = drawn.iter().sum::<f64>() / DRAWS as f64;
        let variance = drawn.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / DRAWS as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn gumbel_numbers_have_the_mean_and_variance_of_theirs() {
        let mut rng = Rng::new(2);
        let drawn: Vec<f64> = (0..DRAWS).map(|_| gumbel(&mut rng)).collect();
        let mean = drawn.iter().sum::<f64>() / DRAWS as f64;
        let variance = drawn.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / DRAWS as f64;
        assert!((mean - 0.577_216).abs() < 0.04, "{mean}");
        assert!((variance - std::f64::consts::PI.powi(2) / 6.0).abs() < 0.1, "{variance}");
    }

    #[test]
    fn draws_come_as_often_as_they_are_likely() {
        let mut rng = Rng::new(3);
        let mut counts = [0; 4];
        (0..DRAWS).for_each(|_| counts[draw(&[0.1, 0.0, 0.3, 0.6], &mut rng)] += 1);
        assert_eq!(counts[1], 0);
        for (count, share) in counts.into_iter().zip([0.1, 0.0, 0.3, 0.6]) {
            assert!((f64::from(count) / DRAWS as f64 - share).abs() < 0.02, "{counts:?}");
        }
        assert!(draw(&[0.0, 0.0], &mut rng) < 2);
        assert_eq!(draw(&[], &mut rng), 0);
    }

    #[test]
    fn pairs_differ() {
        let mut rng = Rng::new(4);
        let mut firsts = [0; 3];
        for _ in 0..DRAWS {
            let [first, second] = pair(&[0.5, 0.5, 0.0], &mut rng).unwrap();
            assert!(first != second && second != 2, "{first} {second}");
            firsts[first] += 1;
        }
        assert!((f64::from(firsts[0]) / DRAWS as f64 - 0.5).abs() < 0.02, "{firsts:?}");
        let [first, second] = pair(&[0.0, 1.0], &mut rng).unwrap();
        assert_eq!([first, second], [1, 0]);
        assert_eq!(pair(&[1.0], &mut rng), None);
    }
}
