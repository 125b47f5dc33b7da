//! Strategies as components.

use std::cell::RefCell;
use std::marker::PhantomData;

use bindings::exports::archwright::nas::strategy as contract;

use super::{log_panics, schema, texts};
use crate::{Strategy, Versioned};

/// Generated from `wit/`.
#[expect(missing_docs, clippy::all, clippy::allow_attributes, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "strategy-plugin",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "archwright_sdk::wasm::strategy::bindings",
    });
}

convert_plugins!();
#[cfg(not(feature = "estimator"))]
answer_by_host!();

/// A strategy as the component's export.
pub struct Export<T>(PhantomData<T>);

/// A search under way.
pub struct Search<T>(RefCell<T>);

impl<T: Strategy + Versioned> contract::Guest for Export<T> {
    type Search = Search<T>;

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

impl<T: Strategy + Versioned> contract::GuestSearch for Search<T> {
    fn open(setup: contract::Setup) -> Result<contract::Search, wit::Error> {
        log_panics();
        let options = options(&setup.options)?;
        let setup = crate::Setup {
            decisions: setup.decisions.into_iter().map(from_decision).collect(),
            objectives: setup.objectives.into_iter().map(from_objective).collect(),
            seed: setup.seed,
            max_queries: setup.max_queries,
            offers: setup.offers,
        };
        let space = crate::Space::with(&setup.decisions);
        let search = T::open(setup, options, space).map_err(to_error)?;
        Ok(contract::Search::new(Self(RefCell::new(search))))
    }

    fn ask(&self, capacity: u32) -> Result<contract::Reply, wit::Error> {
        let reply = self.0.borrow_mut().ask(capacity as usize).map_err(to_error)?;
        Ok(match reply {
            crate::Reply::Queries(queries) => contract::Reply::Queries(queries.into_iter().map(to_query).collect()),
            crate::Reply::Waiting => contract::Reply::Waiting,
            crate::Reply::Finished => contract::Reply::Finished,
        })
    }

    fn tell(&self, observations: Vec<wit::Observation>) -> Result<(), wit::Error> {
        let observations: Vec<_> = observations.into_iter().map(from_observation).collect();
        self.0.borrow_mut().tell(&observations).map_err(to_error)
    }

    fn recommend(&self) -> Result<Vec<wit::Architecture>, wit::Error> {
        Ok(self.0.borrow_mut().recommend().into_iter().map(into_architecture).collect())
    }
}

fn to_query(query: crate::Query) -> wit::Query {
    let crate::Query { id, subject, fidelity, parent, purpose } = query;
    let purpose = match purpose {
        crate::Purpose::Estimate => wit::Purpose::Estimate,
        crate::Purpose::Probe => wit::Purpose::Probe,
        crate::Purpose::Train => wit::Purpose::Train,
    };
    wit::Query { id, subject: to_subject(subject), fidelity, parent, purpose }
}

fn from_observation(observation: wit::Observation) -> crate::Observation {
    let outcome = match observation.outcome {
        wit::EstimateOutcome::Estimated(estimate) => crate::EstimateOutcome::Estimated(crate::Estimate {
            objectives: estimate.objectives,
            uncertainty: estimate.uncertainty.unwrap_or_default(),
            gradient: estimate.gradient.unwrap_or_default(),
            cost: estimate.cost,
            fidelity: estimate.fidelity,
            curve: estimate
                .curve
                .unwrap_or_default()
                .into_iter()
                .map(|point| crate::CurvePoint { fidelity: point.fidelity, value: point.value })
                .collect(),
        }),
        wit::EstimateOutcome::Failed(reason) => crate::EstimateOutcome::Failed(reason),
    };
    crate::Observation { query: observation.query, outcome }
}
