//! Weights that all architectures of a space share: what is asked of them, and how a state of theirs came to be.

use std::collections::HashMap;

use archwright_plugin::model::{
    Paths as PluginPaths, SharedDerivative, SharedEvaluation, SharedTraining, Start as PluginStart,
    Subject as PluginSubject,
};
use archwright_protocol::{
    Action, DifferentiateShared, EvaluateShared, Paths, Recipe, SharedStart, SharedState, Subject, Supergraph,
    TrainShared,
};

use crate::action::{ActionMaker, Keyed};

impl ActionMaker<'_> {
    /// The shared training that an estimator asks for. The state that it leads to is named by the action's key.
    pub(crate) fn train_shared(&self, training: &SharedTraining) -> Result<Keyed, String> {
        let start = match &training.start {
            PluginStart::Fresh(seed) => SharedStart::Fresh(*seed),
            PluginStart::Resume(name) => SharedStart::State(state(name)),
            PluginStart::Inherit(_) => return Err("shared weights are not inherited".into()),
        };
        let paths = match &training.paths {
            PluginPaths::Uniform(count) => Paths::Uniform(*count),
            PluginPaths::Mixture(rate) => Paths::Mixture(*rate),
            PluginPaths::Given(subjects) => Paths::Given(subjects.iter().map(subject).collect()),
        };
        // What decides nothing about an action has no place in its key.
        let is_drawn = matches!(paths, Paths::Uniform(_));
        let limits = self.space.limits().filter(|_| is_drawn).copied().unwrap_or_default();
        let mut keyed = self.keyed(Action::TrainShared(Box::new(TrainShared {
            supergraph: self.shared_by()?,
            recipe: self.spanning(training.epochs),
            start,
            steps: training.steps,
            paths,
            limits,
            name: String::new(),
        })));
        if let Action::TrainShared(train) = &mut keyed.action {
            train.name = keyed.key.to_hex().to_string();
        }
        Ok(keyed)
    }

    /// The evaluation that an estimator asks for. One that is `measured` finds out the latency, where something wants it.
    pub(crate) fn evaluate_shared(&self, evaluation: &SharedEvaluation, measured: bool) -> Result<Keyed, String> {
        Ok(self.keyed(Action::EvaluateShared(Box::new(EvaluateShared {
            supergraph: self.shared_by()?,
            recipe: self.recipe.clone(),
            state: state(&evaluation.weights),
            subject: evaluation.subject.clone(),
            calibration: evaluation.calibration,
            batch: evaluation.batch,
            latency: self.latency.clone().filter(|_| measured),
        }))))
    }

    pub(crate) fn differentiate_shared(&self, derivative: &SharedDerivative) -> Result<Keyed, String> {
        Ok(self.keyed(Action::DifferentiateShared(Box::new(DifferentiateShared {
            supergraph: self.shared_by()?,
            recipe: self.spanning(derivative.epochs),
            state: state(&derivative.weights),
            relaxation: derivative.relaxation.clone(),
            batch: derivative.batch,
            unrolled: derivative.unrolled,
        }))))
    }

    fn shared_by(&self) -> Result<Supergraph, String> {
        self.supergraph
            .clone()
            .ok_or_else(|| "the architectures of a space that is a component share no weights".into())
    }

    fn spanning(&self, epochs: u32) -> Recipe {
        Recipe { epochs, ..self.recipe.clone() }
    }
}

fn state(name: &str) -> SharedState {
    SharedState { name: name.to_owned(), kept: None }
}

fn subject(of: &PluginSubject) -> Subject {
    match of {
        PluginSubject::Architecture(architecture) => Subject::Architecture(architecture.clone()),
        PluginSubject::Relaxation(relaxation) => Subject::Relaxation(relaxation.clone()),
    }
}

/// The last states of a lineage whose weights stay: that of the last epoch, and the one before, from which a run goes on
/// that was killed before its next step was safe.
const STAYING: usize = 2;

/// How the states of a run's shared weights came to be.
#[derive(Default)]
pub(crate) struct Lineage {
    states: HashMap<String, Origin>,
    /// Digests of kept weights that the run has left behind, and that may be there still.
    behind: Vec<String>,
    /// Whether there are more of them than were taken last.
    has_more: bool,
}

/// Where a state comes from.
struct Origin {
    /// The training that leads to it.
    training: SharedTraining,
    /// Digest of its weights, where they were kept.
    kept: Option<String>,
}

impl Lineage {
    /// Notes that a training led to the state `name`; says whether that is new.
    pub(crate) fn add(&mut self, name: String, training: &SharedTraining, kept: Option<&String>) -> bool {
        let origin = Origin { training: training.clone(), kept: kept.cloned() };
        let is_new = self.states.insert(name.clone(), origin).is_none();
        if let (true, Some(_), Some(left)) = (is_new, kept, self.left_by(&name)) {
            self.behind.push(left);
            self.has_more = true;
        }
        is_new
    }

    /// The weights that nobody goes on from once the state `name` is there: of the kept states that led to it, the first that
    /// does not stay.
    fn left_by(&self, name: &str) -> Option<String> {
        let mut staying = STAYING;
        let mut next = self.states.get(name);
        while let Some(Origin { training, kept }) = next {
            match (kept, staying) {
                (Some(digest), 0) => return Some(digest.clone()),
                (Some(_), _) => staying -= 1,
                (None, _) => {}
            }
            let PluginStart::Resume(before) = &training.start else { return None };
            next = self.states.get(before);
        }
        None
    }

    /// Weights that were left behind; nothing where there are no more than the last time, unless `all` are asked for.
    pub(crate) fn take_behind(&mut self, all: bool) -> Vec<String> {
        if !std::mem::take(&mut self.has_more) && !all {
            return Vec::new();
        }
        std::mem::take(&mut self.behind)
    }

    /// Takes weights back that could not go.
    pub(crate) fn still_behind(&mut self, weights: Vec<String>) {
        self.behind.extend(weights);
    }

    /// Says in an action where the weights that it starts from are kept.
    pub(crate) fn locate(&self, action: &mut Action) {
        let state = match action {
            Action::TrainShared(train) => match &mut train.start {
                SharedStart::State(state) => state,
                SharedStart::Fresh(_) => return,
            },
            Action::EvaluateShared(evaluate) => &mut evaluate.state,
            Action::DifferentiateShared(differentiate) => &mut differentiate.state,
            _ => return,
        };
        state.kept = self.states.get(&state.name).and_then(|origin| origin.kept.clone());
    }

    /// The trainings that lead to the state that an action starts from, each from the one before: back to the last state whose
    /// weights are kept and there still, or to the first.
    pub(crate) fn ancestry(
        &self,
        action: &Action,
        maker: &ActionMaker<'_>,
        is_there: impl Fn(&str) -> bool,
    ) -> Result<Vec<TrainShared>, String> {
        let mut ancestry = Vec::new();
        let mut name = start_of(action);
        while let Some(origin) = name.as_ref().and_then(|name| self.states.get(name)) {
            if !ancestry.is_empty() && origin.kept.as_deref().is_some_and(&is_there) {
                break;
            }
            let mut action = maker.train_shared(&origin.training)?.action;
            self.locate(&mut action);
            name = start_of(&action);
            if let Action::TrainShared(train) = action {
                ancestry.push(*train);
            }
        }
        ancestry.reverse();
        Ok(ancestry)
    }
}

/// Name of the state of shared weights that an action starts from.
pub(crate) fn start_of(action: &Action) -> Option<String> {
    match action {
        Action::TrainShared(train) => match &train.start {
            SharedStart::State(state) => Some(state.name.clone()),
            SharedStart::Fresh(_) => None,
        },
        Action::EvaluateShared(evaluate) => Some(evaluate.state.name.clone()),
        Action::DifferentiateShared(differentiate) => Some(differentiate.state.name.clone()),
        _ => None,
    }
}

/// Digest of the kept shared weights that an action starts from.
pub(crate) fn kept_start(action: &Action) -> Option<&String> {
    let state = match action {
        Action::TrainShared(train) => match &train.start {
            SharedStart::State(state) => state,
            SharedStart::Fresh(_) => return None,
        },
        Action::EvaluateShared(evaluate) => &evaluate.state,
        Action::DifferentiateShared(differentiate) => &differentiate.state,
        _ => return None,
    };
    state.kept.as_ref()
}

/// Whether an action goes on from shared weights that are in a trainer's memory alone, or leaves some there.
pub(crate) fn goes_together(action: &Action) -> bool {
    match action {
        Action::TrainShared(_) => true,
        Action::EvaluateShared(evaluate) => evaluate.state.kept.is_none(),
        Action::DifferentiateShared(differentiate) => differentiate.state.kept.is_none(),
        _ => false,
    }
}
