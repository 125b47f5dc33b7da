//! The space whose architectures share weights.

use std::sync::{Arc, OnceLock};

use archwright_protocol::{FailureKind, Supergraph};
use archwright_space::{Context, Definition, Network, Row, SizeLimits, Space};

use crate::condense::condense;
use crate::mixture::Structure;
use crate::{Problem, Trainer};

/// The space that shared weights were used for last.
pub(crate) struct Opened {
    supergraph: Supergraph,
    limits: SizeLimits,
    /// Random architectures of it are within the limits.
    pub(crate) space: Space,
    /// Made when it is used first.
    mixture: OnceLock<OpenMixture>,
}

/// All architectures of a space at once.
pub(crate) struct OpenMixture {
    pub(crate) network: Network,
    pub(crate) structure: Structure,
    pub(crate) rows: Vec<Row>,
}

impl Trainer {
    /// The space of a supergraph; `limits` are those that random architectures are drawn within, none where none are drawn.
    pub(crate) fn open(&mut self, of: &Supergraph, limits: Option<SizeLimits>) -> Result<Arc<Opened>, Problem> {
        let is_it =
            |opened: &&Arc<Opened>| opened.supergraph == *of && limits.is_none_or(|limits| opened.limits == limits);
        if let Some(opened) = self.opened.as_ref().filter(is_it) {
            return Ok(Arc::clone(opened));
        }
        let limits = limits.unwrap_or_default();
        let space = space(of, limits)?;
        let opened = Arc::new(Opened { supergraph: of.clone(), limits, space, mixture: OnceLock::new() });
        self.opened = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

impl Opened {
    /// The mixture of all architectures.
    pub(crate) fn mixture(&self) -> Result<&OpenMixture, Problem> {
        if let Some(mixture) = self.mixture.get() {
            return Ok(mixture);
        }
        let open = condense(self.space.open()?);
        let structure = Structure::of(&open)?;
        Ok(self.mixture.get_or_init(|| OpenMixture { structure, network: open.network, rows: open.rows }))
    }
}

fn space(of: &Supergraph, limits: SizeLimits) -> Result<Space, Problem> {
    let problem = |problem: String| Problem::new(FailureKind::Unsupported, format!("the supergraph: {problem}"));
    let definition =
        Definition::parse_with(&of.definition, &of.options).map_err(|diagnostic| problem(diagnostic.to_string()))?;
    let context = Context::full(of.input.clone(), of.classes);
    let space = Space::new(Arc::new(definition), context).map_err(|error| problem(error.to_string()))?;
    space.limited(limits).map_err(|unmet| problem(unmet.to_string()))
}
