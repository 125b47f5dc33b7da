//! Whether examples fit together.

use std::collections::BTreeSet;

use super::{Examples, Pixels};

/// Most gaps or labels that a message lists.
const LISTED: usize = 5;

/// Checks that there are examples with finite values and labels of classes that are numbered from 0.
pub(super) fn check(examples: &Examples) -> Result<(), String> {
    let values: u64 = examples.shape.iter().map(|side| u64::from(*side)).fold(1, u64::saturating_mul);
    let count = examples.labels.len();
    if count == 0 {
        return Err("it holds no examples: there have to be some of at least two classes".into());
    }
    if values == 0 {
        return Err(format!("its examples have the shape {:?}: every side has to be at least 1", examples.shape));
    }
    if values.saturating_mul(count as u64) != examples.pixels.len() as u64 {
        let images = examples.pixels.len() as u64 / values;
        return Err(format!("{images} images and {count} labels: there has to be one label for each image"));
    }
    if let Pixels::Floats(all) = &examples.pixels
        && let Some(index) = all.iter().position(|value| !value.is_finite())
    {
        let example = index as u64 / values;
        return Err(format!("example {example} holds {}: every value has to be a finite number", all[index]));
    }
    let (train, test) = examples.labels.split_at(examples.test_from.unwrap_or(count));
    if train.is_empty() {
        return Err("it holds no training examples: there have to be some of at least two classes".into());
    }
    check_labels(train, test)
}

fn check_labels(train: &[u32], test: &[u32]) -> Result<(), String> {
    let known: BTreeSet<u32> = train.iter().copied().collect();
    let unknown: BTreeSet<u32> = test.iter().copied().filter(|label| !known.contains(label)).collect();
    if !unknown.is_empty() {
        let labels = listed(unknown.iter().map(ToString::to_string));
        return Err(format!("test examples have labels that no training example has: {labels}"));
    }
    if let (1, Some(only)) = (known.len(), known.first()) {
        return Err(format!("every label is {only}: there have to be at least two classes, numbered from 0"));
    }
    let mut next = 0;
    let mut gaps = Vec::new();
    for label in &known {
        match label - next {
            0 => {}
            1 => gaps.push(next.to_string()),
            _ => gaps.push(format!("{next} to {}", label - 1)),
        }
        next = label.saturating_add(1);
    }
    if gaps.is_empty() {
        return Ok(());
    }
    let (largest, gaps) = (known.last().copied().unwrap_or(0), listed(gaps.into_iter()));
    Err(format!("labels go up to {largest}, but none is {gaps}: classes have to be numbered from 0 without gaps"))
}

/// The first few of a list.
fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let first = items.take(LISTED).collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}
