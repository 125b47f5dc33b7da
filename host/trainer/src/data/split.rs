//! Dividing examples into training, validation and test.

use archwright_protocol::Split;
use archwright_space::seed;
use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::Examples;

/// Indices of examples.
#[derive(Debug, PartialEq)]
pub(crate) struct Division {
    /// In a random order.
    pub(crate) train: Vec<i64>,
    pub(crate) validation: Vec<i64>,
    pub(crate) test: Vec<i64>,
}

/// Divides class by class, so that each part has its share of every class.
pub(super) fn divide(examples: &Examples, classes: u32, split: &Split) -> Result<Division, String> {
    let own_test = examples.test_from.unwrap_or(examples.labels.len());
    let mut by_class = vec![Vec::new(); classes as usize];
    for (index, label) in examples.labels[..own_test].iter().enumerate() {
        by_class[*label as usize].push(index as i64);
    }
    let mut division = Division { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
    for (class, mut members) in by_class.into_iter().enumerate() {
        shuffle(&mut members, &mut generator(split.seed, "class", class as u64));
        if examples.test_from.is_none() {
            let count = (members.len() as f64 * split.test).round() as usize;
            division.test.extend(members.drain(..count.min(members.len())));
        }
        let count = (members.len() as f64 * split.validation).round() as usize;
        division.validation.extend(members.drain(..count.min(members.len())));
        division.train.extend(members);
    }
    division.test.extend((own_test..examples.labels.len()).map(|index| index as i64));
    division.validation.sort_unstable();
    division.test.sort_unstable();
    division.train.sort_unstable();
    shuffle(&mut division.train, &mut generator(split.seed, "train", 0));
    let Split { validation, test, .. } = split;
    let parts = [
        ("training", division.train.len(), "smaller shares"),
        ("validation", division.validation.len(), "a larger share"),
        ("test", division.test.len(), "a larger share"),
    ];
    if let Some((name, _, remedy)) = parts.into_iter().find(|(_, size, _)| *size == 0) {
        let count = examples.labels.len();
        return Err(format!(
            "no examples are left for {name}: there are {count} in {classes} classes, and the split takes {validation} of \
             each class for validation, and {test} for the test where the data has none: more examples are needed, or \
             {remedy}"
        ));
    }
    Ok(division)
}

fn generator(seed: u64, label: &str, index: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed::derive(seed, label, index))
}

/// Fisher and Yates's shuffle.
pub(crate) fn shuffle(list: &mut [i64], generator: &mut ChaCha8Rng) {
    for last in (1..list.len()).rev() {
        let bound = last as u64 + 1;
        let zone = u64::MAX - u64::MAX % bound;
        let draw = loop {
            let draw = generator.next_u64();
            if draw < zone {
                break draw;
            }
        };
        list.swap(last, (draw % bound) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pixels;
    use super::*;

    fn examples(test_from: Option<usize>) -> Examples {
        let labels: Vec<u32> = (0..100).map(|index| index % 5).collect();
        Examples { shape: [1, 1, 1], pixels: Pixels::Bytes(vec![0; 100]), labels, test_from }
    }

    #[test]
    fn parts_are_disjoint_complete_and_have_their_share_of_every_class() {
        let division = divide(&examples(None), 5, &Split::default()).unwrap();
        assert_eq!([division.train.len(), division.validation.len(), division.test.len()], [65, 15, 20]);
        let mut all: Vec<i64> =
            [&division.train, &division.validation, &division.test].into_iter().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        for class in 0..5 {
            assert_eq!(division.test.iter().filter(|index| *index % 5 == class).count(), 4);
        }
    }

    #[test]
    fn a_test_part_of_its_own_is_the_test() {
        let division = divide(&examples(Some(80)), 5, &Split::default()).unwrap();
        assert_eq!(division.test, (80..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_seed_alone_decides() {
        let with = |seed| divide(&examples(None), 5, &Split { seed, ..Split::default() }).unwrap();
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }
}
