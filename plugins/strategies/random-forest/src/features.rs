//! Decisions as a forest sees them.

use archwright_sdk::prelude::*;

use crate::forest::Kind;

/// What each decision's number means.
pub(crate) fn kinds(decisions: &[Decision]) -> Vec<Kind> {
    let kind = |decision: &Decision| match &decision.domain {
        Domain::Categorical(labels) => Kind::Labels(u32::try_from(labels.len()).unwrap_or(u32::MAX)),
        _ => Kind::Ordered,
    };
    decisions.iter().map(kind).collect()
}

/// A number for each decision: the place of a label or of an ordinal's number, the value of an integer or real one. SMAC gives
/// inactive decisions their default; here that is the first value, since spaces have no defaults.
///
/// Splits are at thresholds, so that neither scale nor logarithm matters to them.
pub(crate) fn row(values: &[Value], decisions: &[Decision]) -> Vec<f64> {
    let number = |(value, decision): (&Value, &Decision)| match (value, &decision.domain) {
        (Value::Index(index), _) => f64::from(*index),
        (Value::Integer(value), _) => *value as f64,
        (Value::Real(value), _) => *value,
        (Value::Inactive, Domain::Integer { low, .. }) => *low as f64,
        (Value::Inactive, Domain::Real { low, .. }) => *low,
        (Value::Inactive, _) => 0.0,
    };
    values.iter().zip(decisions).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inactive_decisions_have_their_first_value() {
        let decision = |domain| Decision { name: "one".into(), domain, active_when: Vec::new() };
        let decisions = [
            decision(Domain::Categorical(vec!["a".into(), "b".into()])),
            decision(Domain::Integer { low: 4, high: 9, log_scale: false }),
            decision(Domain::Real { low: 0.25, high: 1.0, log_scale: false }),
            decision(Domain::Ordinal(vec![1.0, 2.0])),
        ];
        let row = |values: [Value; 4]| row(&values, &decisions);
        assert_eq!(row([Value::Index(1), Value::Integer(7), Value::Real(0.5), Value::Index(1)]), [1.0, 7.0, 0.5, 1.0]);
        assert_eq!(row([Value::Inactive; 4]), [0.0, 4.0, 0.25, 0.0]);
        assert_eq!(kinds(&decisions), [Kind::Labels(2), Kind::Ordered, Kind::Ordered, Kind::Ordered]);
    }
}
