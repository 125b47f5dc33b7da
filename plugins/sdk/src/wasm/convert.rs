//! Between the contract's types and the SDK's. Bindings are generated for each kind of plugin, with types of their own,
//! hence macros.

/// Conversions of `types`, for the bindings in scope as `bindings`.
macro_rules! convert_types {
    () => {
        use archwright_space as sdk;
        use bindings::archwright::nas::log as host_log;
        use bindings::archwright::nas::types as wit;

        /// A line for the run's log.
        pub(super) fn log(level: $crate::LogLevel, message: &str) {
            let level = match level {
                $crate::LogLevel::Debug => host_log::Level::Debug,
                $crate::LogLevel::Info => host_log::Level::Info,
                $crate::LogLevel::Warn => host_log::Level::Warn,
                $crate::LogLevel::Error => host_log::Level::Error,
            };
            host_log::log(level, message);
        }

        fn to_error(error: $crate::Error) -> wit::Error {
            match error {
                $crate::Error::InvalidOptions(text) => wit::Error::InvalidOptions(text),
                $crate::Error::Unsupported(text) => wit::Error::Unsupported(text),
                $crate::Error::Internal(text) => wit::Error::Internal(text),
                $crate::Error::Other(text) => wit::Error::Other(text),
            }
        }

        fn options<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, wit::Error> {
            serde_json::from_str(text).map_err(|error| wit::Error::InvalidOptions(error.to_string()))
        }

        fn from_value(value: wit::Value) -> sdk::Value {
            match value {
                wit::Value::Index(index) => sdk::Value::Index(index),
                wit::Value::Integer(value) => sdk::Value::Integer(value),
                wit::Value::Real(value) => sdk::Value::Real(value),
                wit::Value::Inactive => sdk::Value::Inactive,
            }
        }

        fn to_attribute((name, value): (String, sdk::Attribute)) -> wit::Attribute {
            let value = match value {
                sdk::Attribute::Integer(value) => wit::AttributeValue::Integer(value),
                sdk::Attribute::Real(value) => wit::AttributeValue::Real(value),
                sdk::Attribute::Boolean(value) => wit::AttributeValue::Boolean(value),
                sdk::Attribute::Text(value) => wit::AttributeValue::Text(value),
                sdk::Attribute::Integers(values) => wit::AttributeValue::Integers(values),
                sdk::Attribute::Reals(values) => wit::AttributeValue::Reals(values),
            };
            wit::Attribute { name, value }
        }

        fn to_network(network: &sdk::Network) -> wit::Network {
            let node = |node: &sdk::Node| wit::Node {
                name: node.name.clone(),
                op: node.op.name().to_owned(),
                attributes: node.op.attributes().into_iter().map(to_attribute).collect(),
                inputs: node.inputs.iter().map(|input| *input as u32).collect(),
            };
            wit::Network { nodes: network.nodes.iter().map(node).collect() }
        }
    };
}

/// Conversions for strategies and estimators, which see the space.
macro_rules! convert_plugins {
    () => {
        convert_types!();

        use bindings::archwright::nas::space as host;

        fn to_value(value: sdk::Value) -> wit::Value {
            match value {
                sdk::Value::Index(index) => wit::Value::Index(index),
                sdk::Value::Integer(value) => wit::Value::Integer(value),
                sdk::Value::Real(value) => wit::Value::Real(value),
                sdk::Value::Inactive => wit::Value::Inactive,
            }
        }

        fn from_attribute(attribute: wit::Attribute) -> (String, sdk::Attribute) {
            let value = match attribute.value {
                wit::AttributeValue::Integer(value) => sdk::Attribute::Integer(value),
                wit::AttributeValue::Real(value) => sdk::Attribute::Real(value),
                wit::AttributeValue::Boolean(value) => sdk::Attribute::Boolean(value),
                wit::AttributeValue::Text(value) => sdk::Attribute::Text(value),
                wit::AttributeValue::Integers(values) => sdk::Attribute::Integers(values),
                wit::AttributeValue::Reals(values) => sdk::Attribute::Reals(values),
            };
            (attribute.name, value)
        }

        fn from_network(network: wit::Network) -> Result<sdk::Network, $crate::Error> {
            let node = |node: wit::Node| {
                let attributes: Vec<_> = node.attributes.into_iter().map(from_attribute).collect();
                let op = sdk::Op::parse(&node.op, &attributes).map_err($crate::Error::Internal)?;
                let inputs = node.inputs.into_iter().map(|input| input as usize).collect();
                Ok(sdk::Node { name: node.name, op, inputs })
            };
            Ok(sdk::Network { nodes: network.nodes.into_iter().map(node).collect::<Result<_, $crate::Error>>()? })
        }

        fn from_error(error: wit::Error) -> $crate::Error {
            match error {
                wit::Error::InvalidOptions(text) => $crate::Error::InvalidOptions(text),
                wit::Error::Unsupported(text) => $crate::Error::Unsupported(text),
                wit::Error::Internal(text) => $crate::Error::Internal(text),
                wit::Error::Other(text) => $crate::Error::Other(text),
            }
        }

        fn to_architecture(architecture: &sdk::Architecture) -> wit::Architecture {
            match architecture {
                sdk::Architecture::Point(values) => {
                    wit::Architecture::Point(values.iter().copied().map(to_value).collect())
                }
                sdk::Architecture::Network(network) => wit::Architecture::Network(to_network(network)),
            }
        }

        /// As [`to_architecture`], in the memory of what it is given.
        fn into_architecture(architecture: sdk::Architecture) -> wit::Architecture {
            match architecture {
                sdk::Architecture::Point(values) => {
                    wit::Architecture::Point(values.into_iter().map(to_value).collect())
                }
                sdk::Architecture::Network(network) => wit::Architecture::Network(to_network(&network)),
            }
        }

        fn from_architecture(architecture: wit::Architecture) -> Result<sdk::Architecture, $crate::Error> {
            Ok(match architecture {
                wit::Architecture::Point(values) => {
                    sdk::Architecture::Point(values.into_iter().map(from_value).collect())
                }
                wit::Architecture::Network(network) => sdk::Architecture::Network(from_network(network)?),
            })
        }

        fn from_decision(decision: wit::Decision) -> sdk::Decision {
            let domain = match decision.domain {
                wit::Domain::Categorical(labels) => sdk::Domain::Categorical(labels),
                wit::Domain::Ordinal(numbers) => sdk::Domain::Ordinal(numbers),
                wit::Domain::Integer(wit::IntegerRange { low, high, log_scale }) => {
                    sdk::Domain::Integer { low, high, log_scale }
                }
                wit::Domain::Real(wit::RealRange { low, high, log_scale }) => {
                    sdk::Domain::Real { low, high, log_scale }
                }
            };
            let condition = |condition: wit::Condition| sdk::Condition {
                decision: condition.decision as usize,
                any_of: condition.any_of,
            };
            let active_when = decision.active_when.into_iter().map(condition).collect();
            sdk::Decision { name: decision.name, domain, active_when }
        }

        fn to_relaxation(relaxation: $crate::Relaxation) -> wit::Relaxation {
            let $crate::Relaxation { probabilities, wanted } = relaxation;
            wit::Relaxation { probabilities, wanted: (!wanted.is_empty()).then_some(wanted) }
        }

        fn to_subject(subject: $crate::Subject) -> wit::Subject {
            match subject {
                $crate::Subject::Architecture(one) => wit::Subject::Architecture(into_architecture(one)),
                $crate::Subject::Relaxation(one) => wit::Subject::Relaxation(to_relaxation(one)),
            }
        }

        fn from_objective(objective: wit::Objective) -> $crate::Objective {
            let goal = match objective.goal {
                wit::Goal::Minimize => $crate::Goal::Minimize,
                wit::Goal::Maximize => $crate::Goal::Maximize,
            };
            $crate::Objective { name: objective.name, goal }
        }
    };
}

/// The space's answers by the host, for the bindings in scope.
macro_rules! answer_by_host {
    () => {
        impl $crate::Space {
            /// The space with these decisions that the host answers about.
            pub(super) fn with(decisions: &[sdk::Decision]) -> Self {
                Self { points: host::admits_all().then(|| decisions.into()) }
            }

            fn points(&self) -> Option<sdk::Points<'_>> {
                self.points.as_deref().map(sdk::Points::new)
            }

            /// A random architecture: every active decision drawn uniformly.
            ///
            /// # Panics
            /// Never: a sampled architecture is a point, or a network of known operations.
            pub fn sample(&self, seed: u64) -> sdk::Architecture {
                match self.points() {
                    Some(points) => points.sample(seed),
                    None => from_architecture(host::sample(seed)).unwrap_or_else(|error| panic!("{error}")),
                }
            }

            /// The parent with another value for one active decision.
            ///
            /// # Errors
            /// Where the parent is no point of the space.
            pub fn mutate(&self, parent: &sdk::Architecture, seed: u64) -> Result<sdk::Architecture, $crate::Error> {
                match self.points() {
                    Some(points) => Ok(points.mutate(parent, seed)?),
                    None => from_architecture(host::mutate(&to_architecture(parent), seed).map_err(from_error)?),
                }
            }

            /// Each decision from one parent or the other.
            ///
            /// # Errors
            /// Where a parent is no point of the space.
            pub fn crossover(
                &self,
                left: &sdk::Architecture,
                right: &sdk::Architecture,
                seed: u64,
            ) -> Result<sdk::Architecture, $crate::Error> {
                if let Some(points) = self.points() {
                    return Ok(points.crossover(left, right, seed)?);
                }
                let (left, right) = (to_architecture(left), to_architecture(right));
                from_architecture(host::crossover(&left, &right, seed).map_err(from_error)?)
            }

            /// The architectures one decision away, in a fixed order, at most `limit`.
            ///
            /// # Errors
            /// Where `of` is no point of the space.
            pub fn neighbors(
                &self,
                of: &sdk::Architecture,
                limit: u32,
            ) -> Result<Vec<sdk::Architecture>, $crate::Error> {
                if let Some(points) = self.points() {
                    return Ok(points.neighbors(of, limit as usize)?);
                }
                let neighbors = host::neighbors(&to_architecture(of), limit).map_err(from_error)?;
                neighbors.into_iter().map(from_architecture).collect()
            }

            /// The same text for two architectures exactly when their networks are isomorphic.
            ///
            /// # Errors
            /// Where the architecture has no network.
            pub fn fingerprint(&self, of: &sdk::Architecture) -> Result<String, $crate::Error> {
                host::fingerprint(&to_architecture(of)).map_err(from_error)
            }

            /// A feature vector of fixed length.
            ///
            /// # Errors
            /// Where the space has no such encoding.
            pub fn encode(&self, of: &sdk::Architecture, encoding: sdk::Encoding) -> Result<Vec<f32>, $crate::Error> {
                let encoding = match encoding {
                    sdk::Encoding::OneHot => host::Encoding::OneHot,
                    sdk::Encoding::Adjacency => host::Encoding::Adjacency,
                    sdk::Encoding::Path => host::Encoding::Path,
                };
                host::encode(&to_architecture(of), encoding).map_err(from_error)
            }

            /// The network an architecture stands for.
            ///
            /// # Errors
            /// Where it has none.
            pub fn build(&self, of: &sdk::Architecture) -> Result<sdk::Network, $crate::Error> {
                from_network(host::build(&to_architecture(of)).map_err(from_error)?)
            }

            /// Whether an architecture meets the constraints of the space and of the experiment.
            pub fn admits(&self, of: &sdk::Architecture) -> bool {
                host::admits(&to_architecture(of))
            }

            /// Size and work of an architecture's network.
            ///
            /// # Errors
            /// Where it has none.
            pub fn profile(&self, of: &sdk::Architecture) -> Result<sdk::Footprint, $crate::Error> {
                let host::Footprint { parameters, multiply_adds, depth, activation_bytes } =
                    host::profile(&to_architecture(of)).map_err(from_error)?;
                Ok(sdk::Footprint { parameters, multiply_adds, depth, activation_bytes })
            }
        }
    };
}
