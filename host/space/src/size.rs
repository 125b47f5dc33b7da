//! How many points a space has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::Decision;
use crate::domain::count;

/// Decisions looked at after which counting gives up.
const PATIENCE: u32 = 2_000_000;
/// Most decisions of which each depends on the one before.
const MAX_DEPTH: usize = 500;

/// Number of points of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Exactly so many.
    Points(u128),
    /// More than 2^128, or with conditions too tangled to count.
    Uncountable,
    /// A real decision makes it infinite.
    Infinite,
}

impl Size {
    /// The number, where there is one.
    pub fn points(self) -> Option<u128> {
        match self {
            Self::Points(points) => Some(points),
            Self::Uncountable | Self::Infinite => None,
        }
    }

    pub(crate) fn of(decisions: &[Decision]) -> Self {
        let mut real = decisions.iter().filter(|decision| count(&decision.domain).is_none());
        if real.next().is_some() {
            return Self::Infinite;
        }
        let open: Open = decisions
            .iter()
            .enumerate()
            .map(|(index, decision)| {
                let conditions = decision
                    .active_when
                    .iter()
                    .map(|condition| (condition.decision, condition.any_of.iter().copied().collect()))
                    .collect();
                (index, conditions)
            })
            .collect();
        let mut steps = PATIENCE;
        points(decisions, open, &mut steps, 0).map_or(Self::Uncountable, Self::Points)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Points(1) => f.write_str("1 point"),
            Self::Points(points) if *points >= 1_000_000_000 => write!(f, "{:.2e} points", *points as f64),
            Self::Points(points) => write!(f, "{points} points"),
            Self::Uncountable => f.write_str("finitely many points, too many to count"),
            Self::Infinite => f.write_str("infinitely many points"),
        }
    }
}

/// Decisions that are not settled, with the conditions on other such.
type Open = BTreeMap<usize, Vec<(usize, BTreeSet<u32>)>>;

/// Number of ways to settle the open decisions; `None` for too many, or out of patience.
fn points(decisions: &[Decision], open: Open, steps: &mut u32, depth: usize) -> Option<u128> {
    if depth == MAX_DEPTH {
        return None;
    }
    *steps = steps.checked_sub(open.len() as u32)?;
    let mut total: u128 = 1;
    for component in components(open) {
        let (root, _) = component.first_key_value()?;
        let values = count(&decisions[*root].domain)?;
        let ways =
            if component.len() == 1 { values } else { branch(decisions, *root, values, &component, steps, depth)? };
        total = total.checked_mul(ways)?;
    }
    Some(total)
}

/// Splits open decisions into groups without conditions between them.
fn components(open: Open) -> Vec<Open> {
    // Each decision points to an earlier one of its group, the first one to itself.
    let mut earlier: BTreeMap<usize, usize> = open.keys().map(|index| (*index, *index)).collect();
    fn first(earlier: &mut BTreeMap<usize, usize>, mut index: usize) -> usize {
        while earlier[&index] != index {
            let next = earlier[&earlier[&index]];
            earlier.insert(index, next);
            index = next;
        }
        index
    }
    for (index, conditions) in &open {
        for (other, _) in conditions {
            let (left, right) = (first(&mut earlier, *index), first(&mut earlier, *other));
            earlier.insert(left.max(right), left.min(right));
        }
    }
    let mut components: BTreeMap<usize, Open> = BTreeMap::new();
    for (index, conditions) in open {
        components.entry(first(&mut earlier, index)).or_default().insert(index, conditions);
    }
    components.into_values().collect()
}

/// Settles the first decision of a component, on which no condition is left. Values that no condition tells apart are
/// counted together.
fn branch(
    decisions: &[Decision],
    root: usize,
    values: u128,
    component: &Open,
    steps: &mut u32,
    depth: usize,
) -> Option<u128> {
    let named: BTreeSet<u32> = component
        .values()
        .flatten()
        .filter(|(other, _)| *other == root)
        .flat_map(|(_, any_of)| any_of.iter().copied())
        .collect();
    let unnamed = values.checked_sub(named.len() as u128)?;
    let mut total: u128 = 0;
    for value in named {
        total = total.checked_add(points(decisions, settle(component, root, Some(value)), steps, depth + 1)?)?;
    }
    if unnamed > 0 {
        let ways = points(decisions, settle(component, root, None), steps, depth + 1)?;
        total = total.checked_add(ways.checked_mul(unnamed)?)?;
    }
    Some(total)
}

/// What is open once `root` has a value: decisions whose conditions fail are gone, with all that depend on them.
fn settle(component: &Open, root: usize, value: Option<u32>) -> Open {
    let mut left = Open::new();
    let mut gone = BTreeSet::new();
    for (index, conditions) in component.iter().filter(|(index, _)| **index != root) {
        let fails = conditions.iter().any(|(other, any_of)| {
            gone.contains(other) || (*other == root && !value.is_some_and(|value| any_of.contains(&value)))
        });
        if fails {
            gone.insert(*index);
        } else {
            let rest = conditions.iter().filter(|(other, _)| *other != root).cloned().collect();
            left.insert(*index, rest);
        }
    }
    left
}
