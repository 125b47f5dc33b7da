//! Turning what an estimator asks for into an action of a trainer, and its content into a key.

use archwright_plugin::PluginError;
use archwright_plugin::model::{
    ActionOutcome, EstimateOutcome, Measurement, OutcomeEpoch, PluginAction, Purpose, SharedDerivative,
    SharedEvaluation, SharedTraining, Start as PluginStart, Step, Training,
};
use archwright_protocol::{
    Action, Epoch, Evaluate, EvaluateShared, Latency, LookUp, Metrics, Outcome, Ready, Recipe, Split, Start, Subset,
    Supergraph, Task, Train,
};
use archwright_space::{Architecture, Context, Footprint, Scalar, Space};
use serde_json::{Value, json};

use crate::experiment::{ObjectiveName, recipe_problem};
use crate::journal::Identity;

/// What a run's actions are made from.
pub(crate) struct ActionMaker<'a> {
    pub(crate) space: &'a Space,
    pub(crate) task: &'a Task,
    pub(crate) recipe: &'a Recipe,
    pub(crate) ready: &'a Ready,
    pub(crate) keep_weights: bool,
    pub(crate) share_isomorphic: bool,
    /// What trainings have measured of a network's latency.
    pub(crate) latency: Option<Latency>,
    /// What architectures share weights by, where they can.
    pub(crate) supergraph: Option<Supergraph>,
}

/// Something to be carried out, before an action is made of it.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// A training that an estimator asked for.
    Train(Training),
    /// A training of shared weights.
    TrainShared(SharedTraining),
    /// An evaluation with shared weights, and whether the latency is of interest: in an estimate, and in no probe.
    EvaluateShared { evaluation: SharedEvaluation, measured: bool },
    /// A derivative with shared weights.
    DifferentiateShared(SharedDerivative),
    /// The full training of an architecture, keeping its weights. `within_limits`: its latency was measured before, and was
    /// within the limit.
    Retrain { subject: Architecture, seed: u64, within_limits: bool },
    /// The evaluation of kept weights.
    Evaluate(Evaluate),
    /// A measurement of a table.
    LookUp(LookUp),
    /// What this host does not know.
    Unknown,
}

/// What comes of an estimator's answer for a job.
pub(crate) enum Next {
    /// The host has this done.
    Act(Request),
    /// The job is over.
    Over(EstimateOutcome),
}

impl Next {
    /// What comes of an answer for a query with this purpose. An estimator that refuses one query in due form can go on with
    /// others; what else it fails by is an error.
    pub(crate) fn of(step: Result<Step, PluginError>, purpose: Purpose) -> Result<Self, PluginError> {
        Ok(match step {
            Ok(Step::Act(action)) => Self::Act(Request::of(action, purpose)),
            Ok(Step::Done(estimate)) => Self::Over(EstimateOutcome::Estimated(estimate)),
            Ok(Step::Failed(reason)) => Self::Over(EstimateOutcome::Failed(reason)),
            Err(error @ PluginError::Guest { .. }) => Self::Over(EstimateOutcome::Failed(error.to_string())),
            Err(error) => return Err(error),
        })
    }
}

impl Request {
    /// What an estimator asks for.
    fn of(action: PluginAction, purpose: Purpose) -> Self {
        match action {
            PluginAction::Train(training) => Self::Train(training),
            PluginAction::TrainShared(training) => Self::TrainShared(training),
            PluginAction::EvaluateShared(evaluation) => {
                Self::EvaluateShared { evaluation, measured: purpose == Purpose::Estimate }
            }
            PluginAction::DifferentiateShared(derivative) => Self::DifferentiateShared(derivative),
            PluginAction::LookUp(Measurement { subject, until_epoch, trained_epochs, training, curve }) => {
                Self::LookUp(LookUp { subject, until_epoch, trained_epochs, training, curve })
            }
            _ => Self::Unknown,
        }
    }

    /// Whether the latency is measured, where something wants it.
    pub(crate) fn is_measured(&self) -> bool {
        match self {
            Self::Train(_) | Self::Retrain { .. } => true,
            Self::EvaluateShared { measured, .. } => *measured,
            _ => false,
        }
    }
}

/// An action, and what its outcome is remembered by.
#[derive(Clone, Debug)]
pub(crate) struct Keyed {
    pub(crate) action: Action,
    pub(crate) key: blake3::Hash,
    pub(crate) fingerprint: String,
}

impl Keyed {
    /// What a journal holds of it.
    pub(crate) fn identity(&self) -> Identity {
        // A fingerprint is a digest in hexadecimal.
        let network = blake3::Hash::from_hex(&self.fingerprint).map_or([0; 32], Into::into);
        Identity { key: self.key.into(), network }
    }
}

impl ActionMaker<'_> {
    /// The action for a request.
    ///
    /// Refuses what cannot be done, with the reason.
    pub(crate) fn make(&self, request: &Request) -> Result<Keyed, String> {
        match request {
            Request::Train(training) => self.train(training),
            Request::TrainShared(training) => self.train_shared(training),
            Request::EvaluateShared { evaluation, measured } => self.evaluate_shared(evaluation, *measured),
            Request::DifferentiateShared(derivative) => self.differentiate_shared(derivative),
            Request::Retrain { subject, seed, within_limits } => self.full(subject, *seed, *within_limits),
            Request::Evaluate(evaluate) => Ok(self.keyed(Action::Evaluate(evaluate.clone()))),
            Request::LookUp(look_up) => Ok(self.keyed(Action::LookUp(Box::new(look_up.clone())))),
            Request::Unknown => Err("this host cannot carry out such an action".into()),
        }
    }

    fn train(&self, training: &Training) -> Result<Keyed, String> {
        let context = Context {
            width_share: training.width_share,
            depth_share: training.depth_share,
            input: self.scaled_input(training.resolution_share),
            ..self.space.context().clone()
        };
        let (start, seed) = match &training.start {
            PluginStart::Fresh(seed) => (Start::Fresh, *seed),
            PluginStart::Resume(_) if !self.ready.actions.iter().any(|action| action == "train.resume") => {
                return Err("this trainer cannot go on from kept weights".into());
            }
            // The order of examples goes on as the first part left it: the weights' file holds the seed's place.
            PluginStart::Resume(weights) => (Start::Resume(weights.clone()), 0),
            PluginStart::Inherit(_) => return Err("this trainer cannot inherit weights across networks".into()),
        };
        let mut train = self.base(&training.subject, &context)?;
        if let Some(latency) = &mut train.latency
            && context != *self.space.context()
        {
            // A smaller network stands for the full one in its training, not in its latency.
            let full = self.space.build(&training.subject).map_err(|error| error.to_string())?;
            latency.network = Some(Box::new(full));
        }
        train.until_epoch = training.until_epoch;
        train.seed = seed;
        train.data_share = training.data_share;
        train.start = start;
        train.keep_weights = self.keep_weights;
        Ok(self.keyed(Action::Train(train)))
    }

    fn full(&self, subject: &Architecture, seed: u64, within_limits: bool) -> Result<Keyed, String> {
        let mut train = self.base(subject, self.space.context())?;
        train.seed = seed;
        if let (Some(latency), true) = (&mut train.latency, within_limits) {
            // A measurement varies: what was found within the limit is not lost for another that is just above it.
            latency.limit = None;
        }
        train.keep_weights = true;
        Ok(self.keyed(Action::Train(train)))
    }

    pub(crate) fn keyed(&self, action: Action) -> Keyed {
        let fingerprint = match &action {
            Action::Train(train) => train.network.fingerprint(),
            Action::Evaluate(evaluate) => evaluate.network.fingerprint(),
            // One that cannot be built fails in the trainer.
            Action::EvaluateShared(evaluate) => {
                let EvaluateShared { subject, .. } = evaluate.as_ref();
                self.space.build(subject).map_or_else(|_| String::new(), |network| network.fingerprint())
            }
            _ => String::new(),
        };
        let key = self.key(&action, &fingerprint);
        Keyed { action, key, fingerprint }
    }

    fn base(&self, subject: &Architecture, context: &Context) -> Result<Train, String> {
        let network = self.space.build_in(subject, context).map_err(|error| error.to_string())?;
        let recipe = self.recipe_of(subject)?;
        Ok(Train {
            network,
            input: context.input.clone(),
            until_epoch: recipe.epochs,
            recipe,
            seed: 0,
            data_share: 1.0,
            start: Start::Fresh,
            evaluate: Subset::Validation,
            keep_weights: false,
            latency: self.latency.clone(),
        })
    }

    /// Height and width of images times `share`, channels as they are.
    fn scaled_input(&self, share: f64) -> Vec<u32> {
        let full = &self.space.context().input;
        let side = |length: u32| ((f64::from(length) * share).round() as u32).clamp(1, length);
        full.iter().enumerate().map(|(axis, length)| if axis == 0 { *length } else { side(*length) }).collect()
    }

    /// The task's recipe with what the architecture decides of it.
    fn recipe_of(&self, subject: &Architecture) -> Result<Recipe, String> {
        recipe_of(self.space, self.recipe, subject)
    }

    /// A digest of everything that determines the action's outcome.
    fn key(&self, action: &Action, fingerprint: &str) -> blake3::Hash {
        // Weights go by the names of nodes: those that are kept are of no use to a network that has other names.
        let shares = |train: &Train| self.share_isomorphic && !train.keep_weights;
        let what = match action {
            Action::Train(train) => {
                let mut what = json!({
                    "train": if shares(train) { json!(fingerprint) } else { json!(train.network) },
                    "input": train.input,
                    "recipe": train.recipe,
                    "until_epoch": train.until_epoch,
                    "seed": train.seed,
                    "data_share": train.data_share,
                    "start": train.start,
                    "evaluate": train.evaluate,
                });
                if let Some(Latency { batch_size, limit, network }) = &train.latency {
                    let network = network.as_ref().map(|network| network.fingerprint());
                    // Devices that give the same bits differ in speed.
                    what["latency"] = json!([batch_size, limit, network, self.ready.device.name]);
                }
                what
            }
            Action::EvaluateShared(evaluate) => {
                let mut what = json!(action);
                if evaluate.latency.is_some() {
                    what["device"] = json!(self.ready.device.name);
                }
                what
            }
            other => json!(other),
        };
        let Split { seed, validation, test } = self.task.split;
        let content = json!({
            "action": what,
            "data": self.ready.data.digest,
            "split": [seed, validation, test],
            "trainer": [self.ready.name, self.ready.version, self.ready.numerics],
        });
        blake3::hash(content.to_string().as_bytes())
    }
}

/// A recipe with what an architecture decides of it.
pub(crate) fn recipe_of(space: &Space, recipe: &Recipe, subject: &Architecture) -> Result<Recipe, String> {
    let decided = space.recipe(subject).map_err(|error| error.to_string())?;
    override_recipe(recipe, decided)
}

/// A recipe with some keys replaced.
fn override_recipe(recipe: &Recipe, decided: std::collections::BTreeMap<String, Scalar>) -> Result<Recipe, String> {
    if decided.is_empty() {
        return Ok(recipe.clone());
    }
    let mut merged = match serde_json::to_value(recipe) {
        Ok(Value::Object(merged)) => merged,
        _ => return Err("the recipe is not a table".into()),
    };
    for (key, value) in decided {
        merged.insert(key, json!(value));
    }
    let recipe: Recipe = serde_json::from_value(Value::Object(merged))
        .map_err(|error| format!("the architecture decides a recipe that cannot be: {error}"))?;
    match recipe_problem(&recipe) {
        None => Ok(recipe),
        Some((key, should)) => Err(format!("the architecture decides a recipe whose `{key}` is not {should}")),
    }
}

/// The values of `objectives` for a network with this footprint, these metrics and this latency; footprint and latency are
/// 0 where none asks for them.
fn objective_values(objectives: &[ObjectiveName], footprint: &Footprint, metrics: &Metrics, latency: f64) -> Vec<f64> {
    objectives
        .iter()
        .map(|objective| match objective {
            ObjectiveName::Accuracy => metrics.accuracy,
            ObjectiveName::Loss => metrics.loss,
            ObjectiveName::Perplexity => metrics.loss.exp(),
            ObjectiveName::Parameters => footprint.parameters as f64,
            ObjectiveName::MultiplyAdds => footprint.multiply_adds as f64,
            ObjectiveName::ActivationBytes => footprint.activation_bytes as f64,
            ObjectiveName::Latency => latency,
        })
        .collect()
}

/// What an estimator sees of an outcome. The footprint is found out where an objective asks for it; without one, as for a
/// relaxation, such objectives have no value. A latency is there where it was `measured`, and 0 elsewhere.
pub(crate) fn shown(
    outcome: &Outcome,
    objectives: &[ObjectiveName],
    weights: Option<String>,
    measured: bool,
    footprint: impl FnOnce() -> Result<Footprint, String>,
) -> ActionOutcome {
    if measured && outcome.latency.is_none() && objectives.contains(&ObjectiveName::Latency) {
        return failed("the trainer measured no latency, although it was asked to".into());
    }
    let latency = outcome.latency.unwrap_or_default();
    let footprint = if objectives.iter().any(|one| one.is_size()) { footprint() } else { Ok(Footprint::default()) };
    let footprint = match footprint {
        Ok(footprint) => footprint,
        Err(problem) => return failed(problem),
    };
    let values = |metrics: &Metrics| objective_values(objectives, &footprint, metrics, latency);
    let epoch = |epoch: &Epoch| OutcomeEpoch {
        epoch: epoch.epoch,
        train_loss: epoch.train_loss,
        objectives: values(&epoch.metrics),
    };
    ActionOutcome {
        failure: None,
        curve: Some(outcome.curve.iter().map(epoch).collect()),
        weights,
        objectives: Some(values(&outcome.metrics)),
        gradient: (!outcome.gradient.is_empty()).then(|| outcome.gradient.clone()),
        cost: outcome.seconds,
    }
}

/// What an estimator sees of a failed action.
pub(crate) fn failed(reason: String) -> ActionOutcome {
    ActionOutcome { failure: Some(reason), ..ActionOutcome::default() }
}
