//! Search spaces as components.

use std::marker::PhantomData;

use bindings::exports::archwright::nas::search_space as contract;

use super::{log_panics, schema, texts};
use crate::{SearchSpace, Versioned};

/// Generated from `wit/`.
#[expect(missing_docs, clippy::all, clippy::allow_attributes, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "search-space-plugin",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "archwright_sdk::wasm::search_space::bindings",
    });
}

convert_types!();

/// A search space as the component's export.
pub struct Export<T>(PhantomData<T>);

/// A space with its options.
pub struct Definition<T>(T);

impl<T: SearchSpace + Versioned> contract::Guest for Export<T> {
    type Definition = Definition<T>;

    fn describe() -> wit::Description {
        wit::Description {
            name: T::NAME.into(),
            version: T::VERSION.into(),
            summary: T::SUMMARY.into(),
            options_schema: schema::<T::Options>(),
            references: texts(T::REFERENCES),
            needs: Vec::new(),
            gives: Vec::new(),
        }
    }
}

impl<T: SearchSpace + Versioned> contract::GuestDefinition for Definition<T> {
    fn open(text: String) -> Result<contract::Definition, wit::Error> {
        log_panics();
        let space = T::open(options(&text)?).map_err(to_error)?;
        Ok(contract::Definition::new(Self(space)))
    }

    fn decisions(&self) -> Vec<wit::Decision> {
        self.0.decisions().into_iter().map(to_decision).collect()
    }

    fn build(&self, values: Vec<wit::Value>, context: contract::Context) -> Result<wit::Network, wit::Error> {
        let values: Vec<_> = values.into_iter().map(from_value).collect();
        let contract::Context { input, classes, width_share, depth_share } = context;
        let context = sdk::Context { input, classes, width_share, depth_share };
        self.0.build(&values, &context).map(|network| to_network(&network)).map_err(to_error)
    }

    fn recipe(&self, values: Vec<wit::Value>) -> Result<Vec<wit::Attribute>, wit::Error> {
        let values: Vec<_> = values.into_iter().map(from_value).collect();
        let recipe = self.0.recipe(&values).map_err(to_error)?;
        let attribute = |(name, value)| {
            let value = match value {
                sdk::Scalar::Boolean(value) => sdk::Attribute::Boolean(value),
                sdk::Scalar::Integer(value) => sdk::Attribute::Integer(value),
                sdk::Scalar::Real(value) => sdk::Attribute::Real(value),
                sdk::Scalar::Text(value) => sdk::Attribute::Text(value),
            };
            to_attribute((name, value))
        };
        Ok(recipe.into_iter().map(attribute).collect())
    }
}

fn to_decision(decision: sdk::Decision) -> wit::Decision {
    let domain = match decision.domain {
        sdk::Domain::Categorical(labels) => wit::Domain::Categorical(labels),
        sdk::Domain::Ordinal(numbers) => wit::Domain::Ordinal(numbers),
        sdk::Domain::Integer { low, high, log_scale } => {
            wit::Domain::Integer(wit::IntegerRange { low, high, log_scale })
        }
        sdk::Domain::Real { low, high, log_scale } => wit::Domain::Real(wit::RealRange { low, high, log_scale }),
    };
    let condition =
        |condition: sdk::Condition| wit::Condition { decision: condition.decision as u32, any_of: condition.any_of };
    let active_when = decision.active_when.into_iter().map(condition).collect();
    wit::Decision { name: decision.name, domain, active_when }
}
