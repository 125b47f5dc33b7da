use std::collections::BTreeMap;

use chacha20::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};

/// A random generator whose values never change: ChaCha with 8 rounds.
#[derive(Debug)]
pub struct Rng(ChaCha8Rng);

impl Clone for Rng {
    fn clone(&self) -> Self {
        Self(ChaCha8Rng::deserialize_state(&self.0.serialize_state()))
    }
}

impl Rng {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Any 64 bits, a seed for something else, say.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        // Draws beyond the last multiple of the bound are thrown away, so that every value is as likely.
        let bound = bound as u64;
        let zone = u64::MAX - u64::MAX % bound;
        loop {
            let draw = self.0.next_u64();
            if draw < zone {
                return (draw % bound) as usize;
            }
        }
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of these, evenly; `None` of nothing.
    pub fn choose<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }

    /// The standard normal distribution (Box & Muller 1958). The same bits in every component; natively as exact as the
    /// machine's logarithm and cosine are.
    pub fn normal(&mut self) -> f64 {
        // In (0, 1]: the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (2.0 * std::f64::consts::PI * self.uniform()).cos()
    }

    /// A place in a list of weights, with a probability that is proportional to its weight. Weights are at least 0. Any place,
    /// evenly, where all are 0; `None` of no weights.
    pub fn choose_weighted(&mut self, weights: &[f64]) -> Option<usize> {
        if weights.is_empty() {
            return None;
        }
        let sum: f64 = weights.iter().sum();
        if sum <= 0.0 {
            return Some(self.below(weights.len()));
        }
        let mut left = self.uniform() * sum;
        for (place, weight) in weights.iter().enumerate() {
            if left < *weight {
                return Some(place);
            }
            left -= weight;
        }
        // Rounding left nothing to fall into: the last one that can come.
        Some(weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0))
    }

    /// `count` different numbers of `0..bound` in random order, every order as likely: a sample without replacement. All of them
    /// where `bound` is smaller.
    pub fn sample(&mut self, count: usize, bound: usize) -> Vec<usize> {
        // Fisher & Yates's shuffle, stopped once the first ones are settled. Numbers that were swapped away are remembered alone,
        // so that a small sample of a large range is cheap.
        let mut moved: BTreeMap<usize, usize> = BTreeMap::new();
        let mut drawn = Vec::with_capacity(count.min(bound));
        for place in 0..count.min(bound) {
            let other = place + self.below(bound - place);
            let here = moved.get(&place).copied().unwrap_or(place);
            drawn.push(moved.insert(other, here).unwrap_or(other));
        }
        drawn
    }

    /// Puts a list into a random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}
