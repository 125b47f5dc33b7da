//! Estimators as components.

use std::cell::RefCell;
use std::marker::PhantomData;

use bindings::archwright::nas::actions;
use bindings::exports::archwright::nas::estimator as contract;

use super::{log_panics, schema, texts};
use crate::{Estimator, Versioned};

/// Generated from `wit/`.
#[expect(missing_docs, clippy::all, clippy::allow_attributes, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "estimator-plugin",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "archwright_sdk::wasm::estimator::bindings",
    });
}

convert_plugins!();
answer_by_host!();

/// An estimator as the component's export.
pub struct Export<T>(PhantomData<T>);

/// An estimator at work.
pub struct Estimation<T>(RefCell<T>);

impl<T: Estimator + Versioned> contract::Guest for Export<T> {
    type Estimation = Estimation<T>;

    fn describe() -> wit::Description {
        wit::Description {
            name: T::NAME.into(),
            version: T::VERSION.into(),
            summary: T::SUMMARY.into(),
            options_schema: schema::<T::Options>(),
            references: texts(T::REFERENCES),
            needs: texts(T::NEEDS),
            gives: texts(T::GIVES),
        }
    }
}

impl<T: Estimator + Versioned> contract::GuestEstimation for Estimation<T> {
    fn open(setup: contract::Setup) -> Result<contract::Estimation, wit::Error> {
        log_panics();
        let options = options(&setup.options)?;
        let setup = crate::EstimatorSetup {
            decisions: setup.decisions.into_iter().map(from_decision).collect(),
            objectives: setup.objectives.into_iter().map(from_objective).collect(),
            seed: setup.seed,
            full_epochs: setup.full_epochs,
            offers: setup.offers,
            epoch_steps: setup.epoch_steps,
        };
        let space = crate::Space::with(&setup.decisions);
        let estimation = T::open(setup, options, space).map_err(to_error)?;
        Ok(contract::Estimation::new(Self(RefCell::new(estimation))))
    }

    fn begin(&self, job: u64, query: wit::Query) -> Result<contract::Step, wit::Error> {
        let subject = match query.subject {
            wit::Subject::Architecture(architecture) => {
                crate::Subject::Architecture(from_architecture(architecture).map_err(to_error)?)
            }
            wit::Subject::Relaxation(relaxation) => crate::Subject::Relaxation(from_relaxation(relaxation)),
        };
        let purpose = match query.purpose {
            wit::Purpose::Estimate => crate::Purpose::Estimate,
            wit::Purpose::Probe => crate::Purpose::Probe,
            wit::Purpose::Train => crate::Purpose::Train,
        };
        let query = crate::Query { id: query.id, subject, fidelity: query.fidelity, parent: query.parent, purpose };
        let step = self.0.borrow_mut().begin(job, &query).map_err(to_error)?;
        to_step(step)
    }

    fn advance(&self, job: u64, outcome: &actions::Outcome) -> Result<contract::Step, wit::Error> {
        let epoch = |epoch: actions::Epoch| crate::Epoch {
            epoch: epoch.epoch,
            train_loss: epoch.train_loss,
            objectives: epoch.objectives,
        };
        let outcome = crate::Outcome {
            failure: outcome.failure(),
            curve: outcome.curve().unwrap_or_default().into_iter().map(epoch).collect(),
            weights: outcome.weights(),
            objectives: outcome.objectives().unwrap_or_default(),
            gradient: outcome.gradient().unwrap_or_default(),
            cost: outcome.cost(),
        };
        let step = self.0.borrow_mut().advance(job, &outcome).map_err(to_error)?;
        to_step(step)
    }
}

fn to_step(step: crate::Step) -> Result<contract::Step, wit::Error> {
    Ok(match step {
        crate::Step::Train(training) => contract::Step::Act(actions::train(&to_training(training))?),
        crate::Step::TrainShared(training) => contract::Step::Act(actions::train_shared(&to_shared(training))?),
        crate::Step::EvaluateShared(evaluation) => {
            let crate::SharedEvaluation { weights, subject, calibration, batch } = evaluation;
            let subject = into_architecture(subject);
            let spec = actions::SharedEvaluation { weights, subject, calibration, batch };
            contract::Step::Act(actions::evaluate_shared(&spec)?)
        }
        crate::Step::DifferentiateShared(derivative) => {
            let crate::SharedDerivative { weights, relaxation, batch, unrolled, epochs } = derivative;
            let relaxation = to_relaxation(relaxation);
            let spec = actions::SharedDerivative { weights, relaxation, batch, unrolled, epochs };
            contract::Step::Act(actions::differentiate_shared(&spec)?)
        }
        crate::Step::LookUp(crate::Measurement { subject, until_epoch, trained_epochs, training, curve }) => {
            let subject = into_architecture(subject);
            let spec = actions::Measurement { subject, until_epoch, trained_epochs, training, curve };
            contract::Step::Act(actions::look_up(&spec)?)
        }
        crate::Step::Done(estimate) => contract::Step::Done(to_estimate(estimate)),
        crate::Step::Failed(reason) => contract::Step::Failed(reason),
    })
}

fn to_training(training: crate::Training) -> actions::Training {
    actions::Training {
        subject: into_architecture(training.subject),
        start: to_start(training.start),
        until_epoch: training.until_epoch,
        data_share: training.data_share,
        resolution_share: training.resolution_share,
        width_share: training.width_share,
        depth_share: training.depth_share,
    }
}

fn from_relaxation(relaxation: wit::Relaxation) -> crate::Relaxation {
    let wit::Relaxation { probabilities, wanted } = relaxation;
    crate::Relaxation { probabilities, wanted: wanted.unwrap_or_default() }
}

fn to_start(start: crate::Start) -> actions::Start {
    match start {
        crate::Start::Fresh(seed) => actions::Start::Fresh(seed),
        crate::Start::Resume(weights) => actions::Start::Resume(weights),
        crate::Start::Inherit(weights) => actions::Start::Inherit(weights),
    }
}

fn to_shared(training: crate::SharedTraining) -> actions::SharedTraining {
    let crate::SharedTraining { start, steps, epochs, paths } = training;
    let paths = match paths {
        crate::Paths::Uniform(count) => actions::Paths::Uniform(count),
        crate::Paths::Given(subjects) => actions::Paths::Given(subjects.into_iter().map(to_subject).collect()),
        crate::Paths::Mixture(rate) => actions::Paths::Mixture(rate),
    };
    actions::SharedTraining { start: to_start(start), steps, epochs, paths }
}

fn to_estimate(estimate: crate::Estimate) -> wit::Estimate {
    let point = |point: crate::CurvePoint| wit::CurvePoint { fidelity: point.fidelity, value: point.value };
    wit::Estimate {
        objectives: estimate.objectives,
        uncertainty: known(estimate.uncertainty),
        gradient: known(estimate.gradient),
        cost: estimate.cost,
        fidelity: estimate.fidelity,
        curve: known(estimate.curve).map(|points| points.into_iter().map(point).collect()),
    }
}

/// A list that is left out where it is empty.
fn known<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
