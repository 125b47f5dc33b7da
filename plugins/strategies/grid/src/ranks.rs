//! The points of the grid by number, without a list of them.

use std::collections::HashMap;

use archwright_sdk::{Decision, Domain, Error, Value};

use crate::axis::Axis;

/// Most states of conditions that are told apart, over all decisions.
const MAX_STATES: usize = 100_000;

/// Numbers the points of a grid from 0.
///
/// A layer for each decision holds the states that earlier decisions can leave it and later ones in, as far as conditions tell
/// them apart, with the number of ways to go on from each.
#[derive(Clone, Debug)]
pub(crate) struct Ranks {
    layers: Vec<Vec<State>>,
    /// For each decision, the numbers of its values in groups that no later condition tells apart.
    groups: Vec<Vec<Vec<u32>>>,
}

#[derive(Clone, Debug)]
struct State {
    /// For each group of the decision's values the state that follows; one state alone where the decision is inactive.
    next: Vec<usize>,
    active: bool,
    /// Points from here.
    count: u128,
}

/// What is known of earlier decisions that later conditions name: the offset of the value, where a condition names it.
type Key = Vec<Option<u32>>;

impl Ranks {
    /// # Errors
    /// Where there are more points than 2^127, or conditions depend on each other too much to count them.
    pub(crate) fn new(decisions: &[Decision], axes: &[Axis]) -> Result<Self, Error> {
        let uses = Uses::new(decisions);
        let mut layers = Vec::with_capacity(axes.len());
        let mut groups = Vec::with_capacity(axes.len());
        let mut keys: Vec<Key> = vec![Vec::new()];
        let mut states = 0;
        for (index, axis) in axes.iter().enumerate() {
            let (offsets, numbers) = uses.groups(index, decisions, axis);
            let live = uses.live(index);
            let (mut following, mut known) = (Vec::new(), HashMap::new());
            let mut layer = Vec::with_capacity(keys.len());
            for key in &keys {
                let is_met = |condition: &archwright_sdk::Condition| {
                    let place = live.iter().position(|one| *one == condition.decision);
                    let value = place.and_then(|place| key.get(place).copied().flatten());
                    value.is_some_and(|value| condition.any_of.contains(&value))
                };
                let active = axis.conditions.iter().all(is_met);
                let ways: &[Option<u32>] = if active { &offsets } else { &[None] };
                let mut next = Vec::with_capacity(ways.len());
                for offset in ways {
                    let key = uses.key(index, &live, key, *offset);
                    let place = *known.entry(key.clone()).or_insert_with(|| {
                        following.push(key);
                        following.len() - 1
                    });
                    next.push(place);
                }
                layer.push(State { next, active, count: 0 });
            }
            states += layer.len();
            if states + following.len() > MAX_STATES {
                return Err(Error::Unsupported(
                    "the conditions of this space are too tangled to count its points, which `shuffle` needs".into(),
                ));
            }
            keys = following;
            layers.push(layer);
            groups.push(numbers);
        }
        let mut ranks = Self { layers, groups };
        ranks.count()?;
        Ok(ranks)
    }

    /// Number of points.
    pub(crate) fn len(&self) -> u128 {
        self.layers.first().and_then(|layer| layer.first()).map_or(1, |state| state.count)
    }

    /// A point by its number.
    pub(crate) fn point(&self, mut number: u128, axes: &[Axis]) -> Vec<Value> {
        let mut values = Vec::with_capacity(axes.len());
        let mut at = 0;
        for (index, axis) in axes.iter().enumerate() {
            let state = &self.layers[index][at];
            if !state.active {
                values.push(Value::Inactive);
                at = state.next[0];
                continue;
            }
            for (group, next) in self.groups[index].iter().zip(&state.next) {
                at = *next;
                let (each, all) = (self.after(index, *next), group.len() as u128);
                if number < each * all {
                    values.push(axis.value(group[(number / each) as usize]));
                    number %= each;
                    break;
                }
                number -= each * all;
            }
        }
        values
    }

    /// Points from a state of the layer after this one.
    fn after(&self, index: usize, state: usize) -> u128 {
        self.layers.get(index + 1).map_or(1, |layer| layer[state].count)
    }

    fn count(&mut self) -> Result<(), Error> {
        for index in (0..self.layers.len()).rev() {
            for place in 0..self.layers[index].len() {
                let state = &self.layers[index][place];
                let sizes = self.groups[index].iter().map(|group| if state.active { group.len() as u128 } else { 1 });
                let ways = state.next.iter().zip(sizes).map(|(next, size)| self.after(index, *next).checked_mul(size));
                let sum = ways.reduce(|sum, ways| sum?.checked_add(ways?)).flatten();
                // The order of a shuffle takes two bits more than the number of points.
                let Some(count) = sum.filter(|sum| *sum < 1 << 126) else {
                    return Err(Error::Unsupported("the grid has too many points for `shuffle`".into()));
                };
                self.layers[index][place].count = count;
            }
        }
        Ok(())
    }
}

/// Which decisions conditions name.
struct Uses {
    /// The last decision with a condition on this one.
    last: Vec<Option<usize>>,
    /// Offsets that conditions on this one name.
    named: Vec<Vec<u32>>,
}

impl Uses {
    fn new(decisions: &[Decision]) -> Self {
        let mut uses = Self { last: vec![None; decisions.len()], named: vec![Vec::new(); decisions.len()] };
        for (index, decision) in decisions.iter().enumerate() {
            for condition in &decision.active_when {
                uses.last[condition.decision] = Some(index);
                uses.named[condition.decision].extend(&condition.any_of);
            }
        }
        uses
    }

    /// Decisions before this one that it or a later one has a condition on.
    fn live(&self, index: usize) -> Vec<usize> {
        (0..index).filter(|earlier| self.last[*earlier].is_some_and(|last| last >= index)).collect()
    }

    /// The values of a decision in groups that no later condition tells apart, and the offset of each where one is named.
    fn groups(&self, index: usize, decisions: &[Decision], axis: &Axis) -> (Vec<Option<u32>>, Vec<Vec<u32>>) {
        let (mut offsets, mut groups) = (Vec::new(), Vec::new());
        let mut rest = Vec::new();
        for number in 0..axis.len() {
            let offset = match (axis.value(number), &decisions[index].domain) {
                (Value::Index(index), _) => Some(index),
                (Value::Integer(value), Domain::Integer { low, .. }) => u32::try_from(value.abs_diff(*low)).ok(),
                _ => None,
            };
            match offset.filter(|offset| self.named[index].contains(offset)) {
                Some(offset) => {
                    offsets.push(Some(offset));
                    groups.push(vec![number]);
                }
                None => rest.push(number),
            }
        }
        if !rest.is_empty() {
            offsets.push(None);
            groups.push(rest);
        }
        (offsets, groups)
    }

    /// What is known after a decision took a value with this offset.
    fn key(&self, index: usize, live: &[usize], key: &Key, offset: Option<u32>) -> Key {
        let is_live = |decision: usize| self.last[decision].is_some_and(|last| last > index);
        let kept = live.iter().zip(key).filter(|(decision, _)| is_live(**decision)).map(|(_, value)| *value);
        kept.chain(is_live(index).then_some(offset)).collect()
    }
}
