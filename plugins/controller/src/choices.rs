//! The decisions of a space as the controller sees them: each a choice among numbered values.

use archwright_sdk::{Condition, Decision, Domain, Error, Value};

/// Most values of one decision. An output layer has a row for each.
const MAX_VALUES: usize = 1_000;

/// One step of a point: a decision with several values, and which of them it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) decision: usize,
    pub(crate) choice: usize,
}

/// What all points have in common.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    list: Vec<Choice>,
    tokens: usize,
}

#[derive(Clone, Debug)]
struct Choice {
    name: String,
    /// Value 0 of an integer decision; none of others, whose values are indices.
    low: Option<i64>,
    count: usize,
    conditions: Vec<Condition>,
    /// Embedding of value 0; those of the others follow.
    token: usize,
}

impl Choices {
    /// # Errors
    /// Names a decision that has no finite number of values, or too many.
    pub(crate) fn new(decisions: &[Decision]) -> Result<Self, Error> {
        // Token 0 is the start.
        let (mut tokens, mut list) = (1, Vec::<Choice>::with_capacity(decisions.len()));
        for (index, decision) in decisions.iter().enumerate() {
            let (low, count) = match &decision.domain {
                Domain::Categorical(labels) => (None, labels.len() as u64),
                Domain::Ordinal(numbers) => (None, numbers.len() as u64),
                Domain::Integer { low, high, .. } => (Some(*low), high.abs_diff(*low).saturating_add(1)),
                Domain::Real { .. } => {
                    return Err(Error::Unsupported(format!(
                        "the controller chooses among values one by one, but decision `{}` is a real number: give it as a \
                         list of numbers",
                        decision.name
                    )));
                }
            };
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            if count > MAX_VALUES {
                return Err(Error::Unsupported(format!(
                    "decision `{}` has {count} values; the controller chooses among {MAX_VALUES} at most",
                    decision.name
                )));
            }
            let alike = decisions[..index].iter().position(|other| other.domain == decision.domain);
            let token = match alike {
                Some(other) => list[other].token,
                None => {
                    tokens += count;
                    tokens - count
                }
            };
            let conditions = decision.active_when.clone();
            list.push(Choice { name: decision.name.clone(), low, count, conditions, token });
        }
        Ok(Self { list, tokens })
    }

    /// Number of decisions.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Number of values of a decision.
    pub(crate) fn count(&self, decision: usize) -> usize {
        self.list[decision].count
    }

    /// Number of embeddings, the start's included.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Embedding of what was chosen in the step before; of the start where there was none.
    pub(crate) fn token(&self, before: Option<Step>) -> usize {
        before.map_or(0, |step| self.list[step.decision].token + step.choice)
    }

    /// Whether a decision's conditions hold after these choices, one for each decision before it.
    pub(crate) fn is_active(&self, decision: usize, chosen: &[Option<usize>]) -> bool {
        self.list[decision].conditions.iter().all(|condition| {
            let choice = chosen.get(condition.decision).copied().flatten();
            choice.is_some_and(|choice| condition.any_of.iter().any(|value| *value as usize == choice))
        })
    }

    /// The value that a choice stands for.
    pub(crate) fn value(&self, decision: usize, choice: Option<usize>) -> Value {
        match (choice, self.list[decision].low) {
            (None, _) => Value::Inactive,
            (Some(choice), Some(low)) => Value::Integer(low.saturating_add_unsigned(choice as u64)),
            (Some(choice), None) => Value::Index(choice as u32),
        }
    }

    /// The steps that lead to a point.
    ///
    /// # Errors
    /// Names the first value that is wrong.
    pub(crate) fn steps(&self, point: &[Value]) -> Result<Vec<Step>, Error> {
        if point.len() != self.list.len() {
            return Err(Error::Internal(format!("a point has {} values, not {}", self.list.len(), point.len())));
        }
        let mut chosen = Vec::with_capacity(point.len());
        let mut steps = Vec::with_capacity(point.len());
        for (decision, value) in point.iter().enumerate() {
            let one = &self.list[decision];
            let choice = match (value, one.low) {
                (Value::Inactive, _) => None,
                (Value::Index(index), None) => Some(*index as usize),
                (Value::Integer(value), Some(low)) if *value >= low => usize::try_from(value.abs_diff(low)).ok(),
                _ => Some(usize::MAX),
            };
            if choice.is_some() != self.is_active(decision, &chosen) || choice.is_some_and(|choice| choice >= one.count)
            {
                return Err(Error::Internal(format!("decision `{}` cannot be {value:?} here", one.name)));
            }
            if let Some(choice) = choice.filter(|_| one.count > 1) {
                steps.push(Step { decision, choice });
            }
            chosen.push(choice);
        }
        Ok(steps)
    }
}
