//! A random order of numbers, without a list of them.

use archwright_sdk::Rng;

/// Rounds of the network. Four are enough to look random (Luby & Rackoff 1988).
const ROUNDS: usize = 8;

/// A permutation of the numbers below a bound: a Feistel network over the next power of four, walked along until a number
/// is below the bound (Black & Rogaway 2002).
#[derive(Clone, Debug)]
pub(crate) struct Order {
    bound: u128,
    /// Bits of half a number.
    half: u32,
    keys: [u64; ROUNDS],
}

impl Order {
    /// A permutation of the numbers below `bound`, which is at most 2^126.
    pub(crate) fn new(bound: u128, rng: &mut Rng) -> Self {
        let bits = 128 - bound.saturating_sub(1).leading_zeros();
        Self { bound, half: bits.div_ceil(2).max(1), keys: std::array::from_fn(|_| rng.next_u64()) }
    }

    /// The number at a place. Both are below the bound.
    pub(crate) fn at(&self, place: u128) -> u128 {
        // A permutation of all numbers leads back below the bound, after four steps on average at most.
        let mut number = self.step(place);
        while number >= self.bound {
            number = self.step(number);
        }
        number
    }

    fn step(&self, number: u128) -> u128 {
        let mask = (1_u128 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (u128::from(mix(right as u64 ^ key)) & mask));
        }
        left << self.half | right
    }
}

/// The finalizer of SplitMix64 (Steele, Lea & Flood 2014).
fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_once() {
        for bound in [1, 2, 3, 16, 17, 1000] {
            let order = Order::new(bound, &mut Rng::new(bound as u64));
            let mut numbers: Vec<u128> = (0..bound).map(|place| order.at(place)).collect();
            assert!(bound < 16 || !numbers.is_sorted());
            numbers.sort_unstable();
            assert_eq!(numbers, (0..bound).collect::<Vec<_>>());
        }
        let large = Order::new(1 << 126, &mut Rng::new(0));
        assert!(large.at(0) != large.at(1) && large.at(2) < 1 << 126);
    }

    #[test]
    fn first_numbers_are_spread_evenly() {
        let mut counts = [0; 4];
        for seed in 0..2_000 {
            counts[(Order::new(100, &mut Rng::new(seed)).at(0) / 25) as usize] += 1;
        }
        // Four standard deviations of a binomial distribution.
        assert!(counts.iter().all(|count| (422..=578).contains(count)), "{counts:?}");
    }
}
