//! When decisions exist. A module that is used in several places exists where any of its uses does; its decisions are
//! conditioned on what all uses have in common.

use std::collections::{BTreeMap, HashMap};

use crate::{Condition, Decision, Domain, MAX_DECISIONS};

/// The scope of what always exists.
const ROOT: usize = 0;

/// Decisions as they are found, by the module that they belong to.
pub(super) struct Scopes {
    decisions: Vec<Draft>,
    /// For each scope, the scopes used in it and when, within it.
    uses: Vec<Vec<(usize, Vec<Condition>)>>,
    /// Scopes whose module is complete, in this order: what a module uses comes before it.
    closed: Vec<usize>,
    /// The scope that we are in.
    scope: usize,
    /// What has to hold for what is compiled to exist, within its scope.
    pub(super) conditions: Vec<Condition>,
    /// How often each name was asked for.
    names: HashMap<String, u32>,
}

/// A decision whose conditions are those of its scope and its own.
struct Draft {
    name: String,
    domain: Domain,
    scope: usize,
    conditions: Vec<Condition>,
}

/// What to go back to when a scope is closed.
pub(super) struct Outer {
    scope: usize,
    conditions: Vec<Condition>,
}

/// Conditions that hold together: the values that each decision may have.
type Conjunction = BTreeMap<usize, Vec<u32>>;

impl Scopes {
    pub(super) fn new() -> Self {
        Self {
            decisions: Vec::new(),
            uses: vec![Vec::new()],
            closed: Vec::new(),
            scope: ROOT,
            conditions: Vec::new(),
            names: HashMap::new(),
        }
    }

    /// Opens the scope of a module that is used here.
    pub(super) fn open(&mut self) -> Outer {
        let scope = self.uses.len();
        self.uses.push(Vec::new());
        self.use_again(scope);
        let conditions = std::mem::take(&mut self.conditions);
        Outer { scope: std::mem::replace(&mut self.scope, scope), conditions }
    }

    /// Closes it, and tells its number.
    pub(super) fn close(&mut self, outer: Outer) -> usize {
        let scope = std::mem::replace(&mut self.scope, outer.scope);
        self.conditions = outer.conditions;
        self.closed.push(scope);
        scope
    }

    /// A module with a scope is used here.
    pub(super) fn use_again(&mut self, scope: usize) {
        self.uses[self.scope].push((scope, self.conditions.clone()));
    }

    /// Adds a decision; nothing where there are too many.
    pub(super) fn decide(&mut self, name: String, domain: Domain) -> Option<usize> {
        if self.decisions.len() == MAX_DECISIONS {
            return None;
        }
        let name = self.unused_name(name);
        let draft = Draft { name, domain, scope: self.scope, conditions: self.conditions.clone() };
        self.decisions.push(draft);
        Some(self.decisions.len() - 1)
    }

    pub(super) fn domain(&self, decision: usize) -> &Domain {
        &self.decisions[decision].domain
    }

    /// Numbers of decisions and of uses at the root so far.
    pub(super) fn mark(&self) -> (usize, usize) {
        (self.decisions.len(), self.uses[ROOT].len())
    }

    /// Forgets what came after a mark.
    pub(super) fn back_to(&mut self, decisions: usize, uses: usize) {
        self.decisions.truncate(decisions);
        self.uses[ROOT].truncate(uses);
    }

    /// The decisions with all their conditions; nothing where those have more than `limit` values in all.
    pub(super) fn finish(&self, limit: usize) -> Option<Vec<Decision>> {
        let mut existing: Vec<Option<Conjunction>> = vec![None; self.uses.len()];
        existing[ROOT] = Some(Conjunction::new());
        let mut values = 0;
        // Where a module is used is known once all modules that use it were looked at.
        for scope in std::iter::once(ROOT).chain(self.closed.iter().rev().copied()) {
            let Some(here) = existing[scope].clone() else { continue };
            for (used, conditions) in &self.uses[scope] {
                let there = both(&here, conditions);
                values += there.values().map(Vec::len).sum::<usize>();
                existing[*used] = Some(match existing[*used].take() {
                    None => there,
                    Some(elsewhere) => self.either(&elsewhere, &there, &existing),
                });
                if values > limit {
                    return None;
                }
            }
        }
        let mut decisions = Vec::with_capacity(self.decisions.len());
        for draft in &self.decisions {
            let here = existing[draft.scope].as_ref()?;
            let all = both(here, &draft.conditions);
            values += all.values().map(Vec::len).sum::<usize>();
            if values > limit {
                return None;
            }
            let active_when = all.into_iter().map(|(decision, any_of)| Condition { decision, any_of }).collect();
            decisions.push(Decision { name: draft.name.clone(), domain: draft.domain.clone(), active_when });
        }
        Some(decisions)
    }

    /// The strongest conjunction that holds wherever one of two does.
    fn either(&self, left: &Conjunction, right: &Conjunction, existing: &[Option<Conjunction>]) -> Conjunction {
        let mut either = Conjunction::new();
        for (decision, any_of) in left {
            let Some(others) = right.get(decision) else { continue };
            let mut union: Vec<u32> = any_of.iter().chain(others).copied().collect();
            union.sort_unstable();
            union.dedup();
            let draft = &self.decisions[*decision];
            let always = draft.conditions.is_empty() && existing[draft.scope].as_ref().is_some_and(BTreeMap::is_empty);
            let all = crate::domain::count(&draft.domain).is_some_and(|count| count == union.len() as u128);
            if !(always && all) {
                either.insert(*decision, union);
            }
        }
        either
    }

    /// A name that no other decision has.
    fn unused_name(&mut self, name: String) -> String {
        let mut number = self.names.get(&name).map_or(1, |number| number + 1);
        let mut candidate = if number == 1 { name.clone() } else { format!("{name}-{number}") };
        while number > 1 && self.names.contains_key(&candidate) {
            number += 1;
            candidate = format!("{name}-{number}");
        }
        self.names.insert(name, number);
        if number > 1 {
            self.names.insert(candidate.clone(), 1);
        }
        candidate
    }

    /// A prefix for the decisions of a module that no other use of a module has.
    pub(super) fn unused_prefix(&mut self, prefix: String) -> String {
        let mark = self.unused_name(format!("{prefix}/"));
        match mark.rsplit_once('/') {
            Some((_, "")) | None => prefix,
            Some((_, number)) => format!("{prefix}{number}"),
        }
    }
}

/// A conjunction with further conditions.
fn both(conjunction: &Conjunction, conditions: &[Condition]) -> Conjunction {
    let mut all = conjunction.clone();
    for Condition { decision, any_of } in conditions {
        all.entry(*decision)
            .and_modify(|values| values.retain(|value| any_of.contains(value)))
            .or_insert_with(|| any_of.clone());
    }
    all
}
