//! Sets of numbers that mostly count up.

use std::collections::HashSet;

/// A set of numbers. Those that were added in the order 0, 1, 2, ... take no memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    /// Every number below it is in the set.
    below: u64,
    others: HashSet<u64>,
}

impl Ids {
    pub(crate) fn contains(&self, id: u64) -> bool {
        id < self.below || (!self.others.is_empty() && self.others.contains(&id))
    }

    /// The set's numbers that were added in order: what comes next in that order takes no memory here either.
    pub(crate) fn counted(&self) -> Self {
        Self { below: self.below, others: HashSet::new() }
    }

    pub(crate) fn insert(&mut self, id: u64) {
        if id != self.below {
            if id > self.below {
                self.others.insert(id);
            }
            return;
        }
        self.below += 1;
        while !self.others.is_empty() && self.others.remove(&self.below) {
            self.below += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_what_a_set_holds(ids in proptest::collection::vec(0..40u64, 0..60)) {
            let (mut set, mut ours) = (HashSet::new(), Ids::default());
            for id in ids {
                prop_assert_eq!(ours.contains(id), set.contains(&id));
                set.insert(id);
                ours.insert(id);
            }
            prop_assert!((0..50).all(|id| ours.contains(id) == set.contains(&id)));
            let counted = ours.counted();
            let first_missing = (0..).find(|id| !set.contains(id)).unwrap_or_default();
            prop_assert!((0..50).all(|id| counted.contains(id) == (id < first_missing)));
        }
    }
}
