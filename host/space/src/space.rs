//! A search space for one task, and every question about it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::seed::Generator;
use crate::size::Size;
use crate::{
    Architecture, Context, Decision, Domain, Encoding, Footprint, Network, Node, Op, Scalar, SearchSpace, Shape,
    SpaceError, Value,
};

/// Most decisions of a space.
pub const MAX_DECISIONS: usize = 10_000;
/// Values that a real decision's neighbours are taken from, evenly spaced over its range.
const REAL_STEPS: usize = 8;

/// A search space and the context its networks are built for.
#[derive(Clone)]
pub struct Space {
    definition: Arc<dyn SearchSpace>,
    context: Context,
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Space").field("decisions", &self.decisions().len()).field("context", &self.context).finish()
    }
}

impl Space {
    /// A space for networks in `context`.
    ///
    /// # Errors
    /// Where the decisions are malformed (names not unique, a condition on a later decision, an empty domain) or the
    /// context is.
    pub fn new(definition: Arc<dyn SearchSpace>, context: Context) -> Result<Self, SpaceError> {
        check_decisions(definition.decisions())?;
        check_context(&context)?;
        Ok(Self { definition, context })
    }

    /// Where the answers come from.
    pub fn definition(&self) -> &Arc<dyn SearchSpace> {
        &self.definition
    }

    /// The decisions, in their fixed order.
    pub fn decisions(&self) -> &[Decision] {
        self.definition.decisions()
    }

    /// What networks are built for.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Checks that an architecture belongs to this space: a point whose values are those of the active decisions and in
    /// range, or a valid network for inputs and classes of the context.
    ///
    /// # Errors
    /// Names the first wrong value and what would be right.
    pub fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        match architecture {
            Architecture::Point(values) => check_point(self.decisions(), values),
            Architecture::Network(network) => fits(network, &self.context),
        }
    }

    /// A random architecture: every active decision drawn uniformly, on a log scale where its domain says so.
    pub fn sample(&self, seed: u64) -> Architecture {
        let mut generator = Generator::new(seed);
        let mut values = Vec::with_capacity(self.decisions().len());
        for decision in self.decisions() {
            let active = is_active(self.decisions(), decision, &values);
            values.push(if active { draw(&decision.domain, &mut generator) } else { Value::Inactive });
        }
        Architecture::Point(values)
    }

    /// The parent with another value for one active decision. Decisions that the change activates are drawn afresh. A space
    /// without a decision that could change gives the parent.
    ///
    /// # Errors
    /// Where the parent is no point of this space.
    pub fn mutate(&self, parent: &Architecture, seed: u64) -> Result<Architecture, SpaceError> {
        let values = self.point(parent)?;
        let mut generator = Generator::new(seed);
        let open: Vec<usize> = (0..values.len())
            .filter(|index| values[*index] != Value::Inactive && has_choice(&self.decisions()[*index].domain))
            .collect();
        if open.is_empty() {
            return Ok(parent.clone());
        }
        let chosen = open[generator.below(open.len() as u64) as usize];
        let mut changed = values.to_vec();
        changed[chosen] = draw_other(&self.decisions()[chosen].domain, values[chosen], &mut generator);
        self.repair(&mut changed, &mut generator);
        Ok(Architecture::Point(changed))
    }

    /// Each decision from one parent or the other, evenly. Decisions that are active in the child alone are drawn afresh.
    ///
    /// # Errors
    /// Where a parent is no point of this space.
    pub fn crossover(&self, left: &Architecture, right: &Architecture, seed: u64) -> Result<Architecture, SpaceError> {
        let (left, right) = (self.point(left)?, self.point(right)?);
        let mut generator = Generator::new(seed);
        let mut child: Vec<Value> = left
            .iter()
            .zip(right)
            .map(|(left, right)| {
                let (first, second) = if generator.below(2) == 0 { (left, right) } else { (right, left) };
                if *first == Value::Inactive { *second } else { *first }
            })
            .collect();
        self.repair(&mut child, &mut generator);
        Ok(Architecture::Point(child))
    }

    /// The architectures one decision away, in decision order, at most `limit`: every other value of a categorical
    /// decision, the values beside the present one of an ordinal or integer decision, and of a real one the others of nine
    /// evenly spaced values. Decisions that a change activates take their first value.
    ///
    /// # Errors
    /// Where `of` is no point of this space.
    pub fn neighbors(&self, of: &Architecture, limit: usize) -> Result<Vec<Architecture>, SpaceError> {
        let values = self.point(of)?;
        let mut neighbors = Vec::new();
        for (index, decision) in self.decisions().iter().enumerate() {
            if values[index] == Value::Inactive {
                continue;
            }
            for other in beside(&decision.domain, values[index]) {
                if neighbors.len() == limit {
                    return Ok(neighbors);
                }
                let mut changed = values.to_vec();
                changed[index] = other;
                self.settle(&mut changed, first_value);
                neighbors.push(Architecture::Point(changed));
            }
        }
        Ok(neighbors)
    }

    /// The same text for two architectures exactly when their networks are isomorphic and they decide the same recipe.
    ///
    /// # Errors
    /// Where the architecture does not belong to this space or cannot be built.
    pub fn fingerprint(&self, of: &Architecture) -> Result<String, SpaceError> {
        let network = self.build(of)?.fingerprint();
        let recipe = self.recipe(of)?;
        if recipe.is_empty() {
            return Ok(network);
        }
        let text = format!("{network}{recipe:?}");
        Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
    }

    /// A feature vector whose length is the same for all architectures of the space.
    ///
    /// # Errors
    /// Where the architecture is no point of this space, or the space has no such encoding.
    pub fn encode(&self, of: &Architecture, encoding: Encoding) -> Result<Vec<f32>, SpaceError> {
        let values = self.point(of)?;
        match encoding {
            Encoding::OneHot => Ok(crate::encode::one_hot(self.decisions(), values)),
            Encoding::Adjacency => crate::encode::adjacency(&self.definition.cells(values)?),
            Encoding::Path => crate::encode::path(&self.definition.cells(values)?),
        }
    }

    /// The network an architecture stands for.
    ///
    /// # Errors
    /// Where the architecture does not belong to this space or cannot be built.
    pub fn build(&self, of: &Architecture) -> Result<Network, SpaceError> {
        self.build_in(of, &self.context)
    }

    /// The network an architecture stands for in another context. A network given outright is fed the context's inputs,
    /// and has neither another width nor another depth.
    ///
    /// # Errors
    /// Where the architecture does not belong to this space or cannot be built there.
    pub fn build_in(&self, of: &Architecture, context: &Context) -> Result<Network, SpaceError> {
        check_context(context)?;
        match of {
            Architecture::Point(values) => {
                check_point(self.decisions(), values)?;
                self.definition.build(values, context)
            }
            Architecture::Network(network) => {
                if (context.width_share, context.depth_share) != (1.0, 1.0) {
                    let problem = "a network given outright has no share of its width or depth";
                    return Err(SpaceError::Unsupported(problem.into()));
                }
                let mut network = network.clone();
                if let Some(Node { op: Op::Input { shape }, .. }) = network.nodes.first_mut() {
                    shape.clone_from(&context.input);
                }
                fits(&network, context)?;
                Ok(network)
            }
        }
    }

    /// Training hyperparameters that the architecture decides.
    ///
    /// # Errors
    /// Where the architecture does not belong to this space.
    pub fn recipe(&self, of: &Architecture) -> Result<BTreeMap<String, Scalar>, SpaceError> {
        match of {
            Architecture::Point(values) => {
                check_point(self.decisions(), values)?;
                self.definition.recipe(values)
            }
            Architecture::Network(_) => Ok(BTreeMap::new()),
        }
    }

    /// Size and work of an architecture's network.
    ///
    /// # Errors
    /// Where the architecture does not belong to this space or cannot be built.
    pub fn profile(&self, of: &Architecture) -> Result<Footprint, SpaceError> {
        self.build(of)?.footprint()
    }

    /// Number of points.
    pub fn size(&self) -> Size {
        Size::of(self.decisions())
    }

    /// Names and readable values of the active decisions; nothing for a network given outright.
    pub fn label(&self, of: &Architecture) -> Vec<(String, String)> {
        let Architecture::Point(values) = of else { return Vec::new() };
        self.decisions()
            .iter()
            .zip(values)
            .filter_map(|(decision, value)| {
                let text = match (&decision.domain, value) {
                    (Domain::Categorical(labels), Value::Index(index)) => labels.get(*index as usize)?.clone(),
                    (Domain::Ordinal(numbers), Value::Index(index)) => numbers.get(*index as usize)?.to_string(),
                    (_, Value::Integer(value)) => value.to_string(),
                    (_, Value::Real(value)) => value.to_string(),
                    _ => return None,
                };
                Some((decision.name.clone(), text))
            })
            .collect()
    }

    /// The values of a point of this space.
    fn point<'a>(&self, of: &'a Architecture) -> Result<&'a [Value], SpaceError> {
        match of {
            Architecture::Point(values) => {
                check_point(self.decisions(), values)?;
                Ok(values)
            }
            Architecture::Network(_) => {
                Err(SpaceError::Unsupported("a network given outright is no point of this space".into()))
            }
        }
    }

    /// Makes values a point again after some changed, drawing what became active.
    fn repair(&self, values: &mut [Value], generator: &mut Generator) {
        self.settle(values, |domain| draw(domain, generator));
    }

    fn settle(&self, values: &mut [Value], mut fill: impl FnMut(&Domain) -> Value) {
        for (index, decision) in self.decisions().iter().enumerate() {
            if !is_active(self.decisions(), decision, values) {
                values[index] = Value::Inactive;
            } else if values[index] == Value::Inactive {
                values[index] = fill(&decision.domain);
            }
        }
    }
}

fn check_context(context: &Context) -> Result<(), SpaceError> {
    let share = |share: f64| share > 0.0 && share <= 1.0;
    if !share(context.width_share) || !share(context.depth_share) {
        return Err(SpaceError::Network("shares of width and depth have to be above 0 and at most 1".into()));
    }
    if context.classes == 0 || context.input.is_empty() || context.input.contains(&0) {
        return Err(SpaceError::Network("classes and every side of the input have to be at least 1".into()));
    }
    Ok(())
}

/// Checks that a network is valid and does the task.
fn fits(network: &Network, context: &Context) -> Result<(), SpaceError> {
    network.validate()?;
    let wrong = |problem: String| Err(SpaceError::Network(problem));
    match network.nodes.first().map(|node| &node.op) {
        Some(Op::Input { shape }) if *shape == context.input => {}
        _ => return wrong(format!("its input has to have the shape {:?}", context.input)),
    }
    match network.shapes()?.last() {
        Some(Shape::Vector(scores)) if *scores == context.classes => Ok(()),
        _ => wrong(format!("its last node has to give {} scores, one for each class", context.classes)),
    }
}

fn check_decisions(decisions: &[Decision]) -> Result<(), SpaceError> {
    if decisions.len() > MAX_DECISIONS {
        return Err(SpaceError::Limit {
            what: "decisions of a space".into(),
            found: decisions.len() as u64,
            limit: MAX_DECISIONS as u64,
        });
    }
    let mut names = HashSet::new();
    for (index, decision) in decisions.iter().enumerate() {
        let problem =
            |problem: &str| Err(SpaceError::Value { decision: decision.name.clone(), problem: problem.to_owned() });
        if decision.name.is_empty() || !names.insert(decision.name.as_str()) {
            return problem("names of decisions have to be unique and not empty");
        }
        if let Some(wrong) = domain_problem(&decision.domain) {
            return problem(wrong);
        }
        for condition in &decision.active_when {
            let Some(other) = decisions[..index].get(condition.decision) else {
                return problem("a condition has to be on an earlier decision");
            };
            match count(&other.domain) {
                Some(count) if condition.any_of.iter().all(|value| u128::from(*value) < count) => {}
                Some(_) => return problem("a condition names a value that its decision does not have"),
                None => return problem("a condition cannot be on a real decision"),
            }
        }
    }
    Ok(())
}

pub(crate) fn domain_problem(domain: &Domain) -> Option<&'static str> {
    match domain {
        Domain::Categorical(labels) if labels.is_empty() => Some("a domain has at least one value"),
        Domain::Categorical(labels) if labels.iter().collect::<HashSet<_>>().len() < labels.len() => {
            Some("the labels have to differ")
        }
        Domain::Ordinal(numbers) if numbers.is_empty() => Some("a domain has at least one value"),
        Domain::Ordinal(numbers) if !numbers.iter().all(|number| number.is_finite()) => {
            Some("the numbers have to be finite")
        }
        Domain::Ordinal(numbers) if !numbers.is_sorted_by(|left, right| left < right) => {
            Some("the numbers have to increase")
        }
        Domain::Integer { low, high, .. } if low > high => Some("`low` exceeds `high`"),
        Domain::Integer { low, high, .. } if high.checked_sub(*low).is_none_or(|range| range > 1 << 52) => {
            Some("the range is too large")
        }
        Domain::Integer { low, log_scale: true, .. } if *low <= 0 => Some("a log scale needs `low` above 0"),
        Domain::Real { low, high, .. } if !(low.is_finite() && high.is_finite() && low <= high) => {
            Some("`low` and `high` have to be finite, and `low` at most `high`")
        }
        Domain::Real { low, high, .. } if !(high - low).is_finite() => Some("the range is too large"),
        Domain::Real { low, log_scale: true, .. } if *low <= 0.0 => Some("a log scale needs `low` above 0"),
        _ => None,
    }
}

/// Number of values; none for a real domain.
pub(crate) fn count(domain: &Domain) -> Option<u128> {
    match domain {
        Domain::Categorical(labels) => Some(labels.len() as u128),
        Domain::Ordinal(numbers) => Some(numbers.len() as u128),
        Domain::Integer { low, high, .. } => Some((i128::from(*high) - i128::from(*low) + 1).unsigned_abs()),
        Domain::Real { .. } => None,
    }
}

fn has_choice(domain: &Domain) -> bool {
    match domain {
        Domain::Real { low, high, .. } => low < high,
        domain => count(domain).is_some_and(|count| count > 1),
    }
}

/// A value as conditions count it.
fn offset(domain: &Domain, value: Value) -> Option<u32> {
    match (domain, value) {
        (_, Value::Index(index)) => Some(index),
        (Domain::Integer { low, .. }, Value::Integer(value)) => u32::try_from(value.checked_sub(*low)?).ok(),
        _ => None,
    }
}

/// Whether a decision's conditions hold, given the values of all earlier ones.
pub(crate) fn is_active(decisions: &[Decision], decision: &Decision, values: &[Value]) -> bool {
    decision.active_when.iter().all(|condition| {
        let value = values.get(condition.decision).copied().unwrap_or(Value::Inactive);
        offset(&decisions[condition.decision].domain, value).is_some_and(|offset| condition.any_of.contains(&offset))
    })
}

/// Checks that values are a point of a space with these decisions.
pub(crate) fn check_point(decisions: &[Decision], values: &[Value]) -> Result<(), SpaceError> {
    if values.len() != decisions.len() {
        return Err(SpaceError::Length { expected: decisions.len(), found: values.len() });
    }
    for (decision, value) in decisions.iter().zip(values) {
        let problem = |problem: String| Err(SpaceError::Value { decision: decision.name.clone(), problem });
        let active = is_active(decisions, decision, values);
        match (&decision.domain, value) {
            (_, Value::Inactive) if !active => {}
            (_, Value::Inactive) => return problem("it is inactive although its conditions hold".into()),
            _ if !active => return problem("it has a value although its conditions do not hold".into()),
            (Domain::Categorical(_) | Domain::Ordinal(_), Value::Index(index)) => {
                let count = count(&decision.domain).unwrap_or(0);
                if u128::from(*index) >= count {
                    return problem(format!("index {index} is not below {count}"));
                }
            }
            (Domain::Integer { low, high, .. }, Value::Integer(value)) => {
                if !(low..=high).contains(&value) {
                    return problem(format!("{value} is not in {low} to {high}"));
                }
            }
            (Domain::Real { low, high, .. }, Value::Real(value)) => {
                if !(*low..=*high).contains(value) {
                    return problem(format!("{value} is not in {low} to {high}"));
                }
            }
            (_, value) => return problem(format!("{value:?} is not a value of its kind of domain")),
        }
    }
    Ok(())
}

fn draw(domain: &Domain, generator: &mut Generator) -> Value {
    match domain {
        Domain::Categorical(labels) => Value::Index(generator.below(labels.len() as u64) as u32),
        Domain::Ordinal(numbers) => Value::Index(generator.below(numbers.len() as u64) as u32),
        Domain::Integer { low, high, log_scale: false } => {
            let offset = generator.below(high.abs_diff(*low) + 1);
            Value::Integer(low.saturating_add_unsigned(offset))
        }
        Domain::Integer { low, high, log_scale: true } => {
            // Each integer owns the stretch of the log scale from itself to the next.
            let drawn = log_between(*low as f64, *high as f64 + 1.0, generator.unit());
            Value::Integer((drawn.floor() as i64).clamp(*low, *high))
        }
        Domain::Real { low, high, log_scale } => {
            let unit = generator.unit();
            let drawn = if *log_scale { log_between(*low, *high, unit) } else { low + (high - low) * unit };
            Value::Real(drawn.clamp(*low, *high))
        }
    }
}

fn log_between(low: f64, high: f64, unit: f64) -> f64 {
    (low.ln() + (high.ln() - low.ln()) * unit).exp()
}

/// A value other than `than`, from a domain with several.
fn draw_other(domain: &Domain, than: Value, generator: &mut Generator) -> Value {
    let mut draws = (0..1_000).map(|_| draw(domain, generator));
    match draws.find(|value| *value != than) {
        Some(value) => value,
        // A range so narrow that rounding leaves few of its values.
        None => beside(domain, than).first().copied().unwrap_or(than),
    }
}

fn first_value(domain: &Domain) -> Value {
    match domain {
        Domain::Categorical(_) | Domain::Ordinal(_) => Value::Index(0),
        Domain::Integer { low, .. } => Value::Integer(*low),
        Domain::Real { low, .. } => Value::Real(*low),
    }
}

/// Values that count as one step away.
fn beside(domain: &Domain, value: Value) -> Vec<Value> {
    match (domain, value) {
        (Domain::Categorical(labels), Value::Index(index)) => {
            (0..labels.len() as u32).filter(|other| *other != index).map(Value::Index).collect()
        }
        (Domain::Ordinal(numbers), Value::Index(index)) => [index.checked_sub(1), index.checked_add(1)]
            .into_iter()
            .flatten()
            .filter(|other| (*other as usize) < numbers.len())
            .map(Value::Index)
            .collect(),
        (Domain::Integer { low, high, .. }, Value::Integer(value)) => [value.checked_sub(1), value.checked_add(1)]
            .into_iter()
            .flatten()
            .filter(|other| (low..=high).contains(&other))
            .map(Value::Integer)
            .collect(),
        (Domain::Real { low, high, log_scale }, Value::Real(value)) => (0..=REAL_STEPS)
            .map(|step| {
                let unit = step as f64 / REAL_STEPS as f64;
                let at = if *log_scale { log_between(*low, *high, unit) } else { low + (high - low) * unit };
                at.clamp(*low, *high)
            })
            .filter(|other| *other != value)
            .map(Value::Real)
            .collect(),
        _ => Vec::new(),
    }
}
