//! A search space for one task, and every question about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{all_values, check_decisions, check_point, is_active};
use crate::seed::Generator;
use crate::size::Size;
use crate::{
    Architecture, Context, Decision, Encoding, Footprint, Known, Network, Node, Op, OpenNetwork, Scalar, SearchSpace,
    Shape, SizeLimits, SpaceError, Value, WholeWork,
};

/// Draws after which meeting the constraints is given up.
pub(crate) const CONSTRAINED_DRAWS: usize = 100;
/// Points whose networks are tried before a space counts as one that has none.
const BUILT_DRAWS: usize = 10;
/// Most points that are looked at to count those that meet the constraints.
const COUNTED_POINTS: u128 = 100_000;
/// Most decisions of points that are looked at so.
const COUNTED_DECISIONS: usize = 200;

/// A search space and the context its networks are built for.
#[derive(Clone)]
pub struct Space {
    pub(crate) definition: Arc<dyn SearchSpace>,
    pub(crate) context: Context,
    /// Limits of the size of what is drawn, where there are some.
    pub(crate) limits: Option<SizeLimits>,
    /// A point that meets the constraints, and is within the limits.
    pub(crate) some_point: Arc<[Value]>,
    /// What need not be found out by building networks.
    pub(crate) known: Option<Arc<dyn Known>>,
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
    /// context is, no random point meets the constraints, or the networks of random points cannot be built.
    pub fn new(definition: Arc<dyn SearchSpace>, context: Context) -> Result<Self, SpaceError> {
        check_decisions(definition.decisions())?;
        check_context(&context)?;
        let mut space = Self { definition, context, limits: None, some_point: Arc::default(), known: None };
        let mut generator = Generator::new(0);
        match (0..CONSTRAINED_DRAWS * 100).find_map(|_| space.admitted(space.points().random(&mut generator), &mut 0)) {
            Some(values) => space.some_point = values.into(),
            None => {
                let draws = CONSTRAINED_DRAWS * 100;
                let problem = format!("none of {draws} random points meets all constraints of this space");
                return Err(SpaceError::Constraint(problem));
            }
        }
        space.check_builds(&mut generator)?;
        Ok(space)
    }

    /// The limits of what is drawn, where there are some.
    pub fn limits(&self) -> Option<&SizeLimits> {
        self.limits.as_ref()
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
            Architecture::Point(values) => self.check_values(values),
            Architecture::Network(network) => fits(network, &self.context),
        }
    }

    /// The same text for two architectures exactly when their networks are isomorphic and they decide the same recipe.
    ///
    /// # Errors
    /// Where the architecture does not belong to this space or cannot be built.
    pub fn fingerprint(&self, of: &Architecture) -> Result<String, SpaceError> {
        match self.known_facts(of) {
            Some(facts) => Ok(facts.fingerprint_text()),
            None => self.identify(of, &self.build(of)?),
        }
    }

    /// The fingerprint of an architecture whose network is built.
    pub(crate) fn identify(&self, of: &Architecture, network: &Network) -> Result<String, SpaceError> {
        let network = network.fingerprint();
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

    /// The network an architecture stands for. It gives one score for each class.
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
                self.check_values(values)?;
                let network = self.definition.build(values, context)?;
                does_task(&network, context)?;
                Ok(network)
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

    /// The network of all alternatives of this space, for its context. It gives one score for each class.
    ///
    /// # Errors
    /// As [`SearchSpace::open`]; also where the network is malformed.
    pub fn open(&self) -> Result<OpenNetwork, SpaceError> {
        let open = self.definition.open(&self.context)?;
        open.check(self.decisions())?;
        does_task(&open.network, &self.context)?;
        Ok(open)
    }

    /// Training hyperparameters that the architecture decides.
    ///
    /// # Errors
    /// Where the architecture does not belong to this space.
    pub fn recipe(&self, of: &Architecture) -> Result<BTreeMap<String, Scalar>, SpaceError> {
        match of {
            Architecture::Point(values) => {
                self.check_values(values)?;
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
        match self.known_facts(of) {
            Some(facts) => Ok(facts.footprint),
            None => self.build(of)?.footprint(),
        }
    }

    /// Parameters and multiply-adds of the network as it is written, with operations that lead nowhere or work on zeros,
    /// which [`Space::build`] leaves out.
    ///
    /// # Errors
    /// Where the architecture does not belong to this space or cannot be built.
    pub fn whole_work(&self, of: &Architecture) -> Result<WholeWork, SpaceError> {
        match of {
            Architecture::Point(values) => {
                self.check_values(values)?;
                self.definition.build_whole(values, &self.context)?.whole_work()
            }
            Architecture::Network(network) => network.whole_work(),
        }
    }

    /// Number of points. Those of a space with constraints are counted one by one, where they are few.
    pub fn size(&self) -> Size {
        let spanned = Size::of(self.decisions());
        match spanned {
            Size::Points(points) if self.definition.is_constrained() => match points {
                0..=COUNTED_POINTS if self.decisions().len() <= COUNTED_DECISIONS => {
                    Size::Points(self.count_admitted(&mut Vec::new()))
                }
                _ => Size::Uncountable,
            },
            spanned => spanned,
        }
    }

    /// Names and readable values of the active decisions; nothing for a network given outright.
    pub fn label(&self, of: &Architecture) -> Vec<(String, String)> {
        let Architecture::Point(values) = of else { return Vec::new() };
        self.decisions()
            .iter()
            .zip(values)
            .filter_map(|(decision, value)| Some((decision.name.clone(), decision.domain.text(*value)?)))
            .collect()
    }

    /// The point whose active decisions have these readable values, as [`Space::label`] gives them.
    ///
    /// # Errors
    /// Where a value is missing, is not one of its decision's, or is of no decision that is active; where the point does not
    /// meet the space's constraints.
    pub fn point_of(&self, labels: &BTreeMap<String, String>) -> Result<Architecture, SpaceError> {
        let problem = |decision: &str, problem: String| SpaceError::Value { decision: decision.to_owned(), problem };
        let mut values = Vec::with_capacity(self.decisions().len());
        for decision in self.decisions() {
            let given = labels.get(&decision.name);
            let value = match (is_active(self.decisions(), decision, &values), given) {
                (false, None) => Value::Inactive,
                (true, Some(text)) => decision
                    .domain
                    .read(text)
                    .ok_or_else(|| problem(&decision.name, format!("`{text}` is none of its values")))?,
                (true, None) => return Err(problem(&decision.name, "it has no value".into())),
                (false, Some(_)) => {
                    return Err(problem(&decision.name, "it has a value although its conditions do not hold".into()));
                }
            };
            values.push(value);
        }
        let names = || self.decisions().iter().map(|decision| decision.name.as_str());
        if let Some(unknown) = labels.keys().find(|name| !names().any(|known| known == *name)) {
            let hint = crate::nearest(unknown, names()).map(|near| format!("; did you mean `{near}`?"));
            return Err(problem(unknown, format!("this space has no such decision{}", hint.unwrap_or_default())));
        }
        let point = Architecture::Point(values);
        self.check(&point)?;
        Ok(point)
    }

    /// Checks that some point has a network. Single points may have none: inputs may be too small for them.
    fn check_builds(&self, generator: &mut Generator) -> Result<(), SpaceError> {
        let Err(first) = self.build(&Architecture::Point(self.some_point.to_vec())) else { return Ok(()) };
        let drawn = (1..BUILT_DRAWS).filter_map(|_| self.admitted(self.points().random(generator), &mut 0));
        let mut others = drawn.map(|values| self.build(&Architecture::Point(values)));
        if others.any(|built| built.is_ok()) { Ok(()) } else { Err(first) }
    }

    /// Number of points that begin like this.
    fn count_admitted(&self, values: &mut Vec<Value>) -> u128 {
        let Some(decision) = self.decisions().get(values.len()) else {
            return u128::from(self.definition.admits(values).is_ok());
        };
        let all = if is_active(self.decisions(), decision, values) {
            all_values(&decision.domain)
        } else {
            vec![Value::Inactive]
        };
        let mut count = 0;
        for value in all {
            values.push(value);
            count += self.count_admitted(values);
            values.pop();
        }
        count
    }

    fn check_values(&self, values: &[Value]) -> Result<(), SpaceError> {
        check_point(self.decisions(), values)?;
        self.definition.admits(values)
    }

    /// The values of a point of this space.
    pub(crate) fn point<'a>(&self, of: &'a Architecture) -> Result<&'a [Value], SpaceError> {
        match of {
            Architecture::Point(values) => {
                self.check_values(values)?;
                Ok(values)
            }
            Architecture::Network(_) => Err(SpaceError::no_point()),
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
    does_task(network, context)
}

/// Checks that a network takes the inputs of the task, and that its outputs are scores for its classes.
fn does_task(network: &Network, context: &Context) -> Result<(), SpaceError> {
    match network.nodes.first().map(|node| &node.op) {
        Some(Op::Input { shape }) if *shape == context.input => {}
        _ => return Err(SpaceError::Network(format!("its input has to have the shape {:?}", context.input))),
    }
    let outputs = network.shapes()?.into_iter().zip(&network.nodes).enumerate();
    for (index, (shape, node)) in outputs {
        let what = match node.op {
            Op::Auxiliary => "an auxiliary head",
            _ if index + 1 == network.nodes.len() => "the output",
            _ => continue,
        };
        if shape != Shape::Vector(context.classes) {
            let found = match shape {
                Shape::Vector(1) => "1 score".to_owned(),
                Shape::Vector(scores) => format!("{scores} scores"),
                Shape::Map { .. } => format!("a {shape} map"),
            };
            let should = format!("it has to give {} scores, one for each class", context.classes);
            return Err(node.problem(format!("{what} gives {found}; {should}")));
        }
    }
    Ok(())
}
