//! A space and the components that benchmarks search it with.

#![allow(dead_code, clippy::allow_attributes, reason = "each benchmark uses a part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use archwright_plugin::model::{Goal, Objective};
use archwright_plugin::{Component, Limits, Strategy, StrategySetup};
use archwright_space::{Context, Decision, Domain, Network, Node, Op, Scalar, SearchSpace, Space, SpaceError, Value};

/// Decisions of the space.
const DECISIONS: usize = 20;

/// Edges of five operations, as many as a small cell of DARTS's kind has decisions.
struct Cell(Vec<Decision>);

impl SearchSpace for Cell {
    fn decisions(&self) -> &[Decision] {
        &self.0
    }

    fn build(&self, _: &[Value], context: &Context) -> Result<Network, SpaceError> {
        let node = |name: &str, op, inputs| Node { name: name.into(), op, inputs };
        let scores = Op::Linear { out_features: context.classes, bias: true };
        Ok(Network {
            nodes: vec![
                node("input", Op::Input { shape: context.input.clone() }, vec![]),
                node("pool", Op::GlobalAvgPool, vec![0]),
                node("scores", scores, vec![1]),
            ],
        })
    }

    fn recipe(&self, _: &[Value]) -> Result<std::collections::BTreeMap<String, Scalar>, SpaceError> {
        Ok(std::collections::BTreeMap::new())
    }
}

/// The space, for images.
pub(crate) fn space() -> Result<Arc<Space>, SpaceError> {
    let labels = || ["zero", "identity", "conv1", "conv3", "pool"].map(String::from).to_vec();
    let decision = |edge: usize| Decision {
        name: format!("edge-{edge}/op"),
        domain: Domain::Categorical(labels()),
        active_when: vec![],
    };
    let cell = Arc::new(Cell((0..DECISIONS).map(decision).collect()));
    Ok(Arc::new(Space::new(cell, Context::full(vec![3, 32, 32], 10))?))
}

/// Starts a search of the space.
pub(crate) fn open(component: &Component, space: &Arc<Space>) -> Result<Strategy, Box<dyn std::error::Error>> {
    let setup = StrategySetup {
        objectives: vec![Objective { name: "accuracy".into(), goal: Goal::Maximize }],
        options: component.options(&serde_json::Map::new())?,
        seed: 1,
        max_queries: None,
        offers: vec![],
    };
    Ok(Strategy::open(component, Arc::clone(space), setup, &Limits::default(), Arc::new(|_, _| ()))?)
}

/// The folder that cargo builds into in the release profile.
pub(crate) fn built() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release")
}
