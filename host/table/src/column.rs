//! What the columns of a file mean.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Something that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Measure {
    /// Share of the validation examples classified right, in [0, 1].
    ValidationAccuracy,
    /// Mean cross-entropy on the validation examples, in nats.
    ValidationLoss,
    /// Share of the test examples classified right, in [0, 1].
    TestAccuracy,
    /// Mean cross-entropy on the test examples, in nats.
    TestLoss,
    /// Mean training loss of the epoch.
    TrainingLoss,
    /// Seconds of training up to the epoch.
    Seconds,
    /// Seconds of a forward pass.
    Latency,
    /// Trainable parameters.
    Parameters,
    /// Multiply-adds for one input.
    MultiplyAdds,
}

/// Names of the measures, as columns are mapped to them.
const MEASURES: [(&str, Measure); 9] = [
    ("validation-accuracy", Measure::ValidationAccuracy),
    ("validation-loss", Measure::ValidationLoss),
    ("test-accuracy", Measure::TestAccuracy),
    ("test-loss", Measure::TestLoss),
    ("training-loss", Measure::TrainingLoss),
    ("seconds", Measure::Seconds),
    ("latency", Measure::Latency),
    ("parameters", Measure::Parameters),
    ("multiply-adds", Measure::MultiplyAdds),
];

/// How the headers of files that people hold end, behind the name of a data set, in the spelling of [`plain`].
const ENDINGS: [(&str, Measure); 27] = [
    ("validation-accuracy", Measure::ValidationAccuracy),
    ("valid-accuracy", Measure::ValidationAccuracy),
    ("val-accuracy", Measure::ValidationAccuracy),
    ("valid-acc", Measure::ValidationAccuracy),
    ("val-acc", Measure::ValidationAccuracy),
    ("validation-loss", Measure::ValidationLoss),
    ("valid-loss", Measure::ValidationLoss),
    ("val-loss", Measure::ValidationLoss),
    ("test-accuracy", Measure::TestAccuracy),
    ("test-acc", Measure::TestAccuracy),
    ("test-loss", Measure::TestLoss),
    ("training-loss", Measure::TrainingLoss),
    ("train-loss", Measure::TrainingLoss),
    ("training-time", Measure::Seconds),
    ("training-seconds", Measure::Seconds),
    ("train-time", Measure::Seconds),
    ("train-seconds", Measure::Seconds),
    ("seconds", Measure::Seconds),
    ("time", Measure::Seconds),
    ("cost", Measure::Seconds),
    ("latency", Measure::Latency),
    ("parameters", Measure::Parameters),
    ("num-params", Measure::Parameters),
    ("params", Measure::Parameters),
    ("multiply-adds", Measure::MultiplyAdds),
    ("macs", Measure::MultiplyAdds),
    ("madds", Measure::MultiplyAdds),
];

impl Measure {
    /// Whether it is a share of examples, which files may give in percent.
    pub fn is_accuracy(self) -> bool {
        matches!(self, Self::ValidationAccuracy | Self::TestAccuracy)
    }

    /// Whether it is a size of the network, the same in all its trainings on a data set.
    pub fn is_size(self) -> bool {
        matches!(self, Self::Parameters | Self::MultiplyAdds)
    }

    /// What it is counted in, for tables and axes; nothing for counts.
    pub fn unit(self) -> Option<&'static str> {
        match self {
            Self::Seconds | Self::Latency => Some("s"),
            Self::ValidationLoss | Self::TestLoss | Self::TrainingLoss => Some("nats"),
            _ => None,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = MEASURES.iter().find(|(_, measure)| measure == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl FromStr for Measure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = MEASURES.iter().find(|(name, _)| *name == text);
        known.map(|(_, measure)| *measure).ok_or_else(|| {
            let names: Vec<&str> = MEASURES.iter().map(|(name, _)| *name).collect();
            format!("`{text}` is nothing that is measured; there are {}", names.join(", "))
        })
    }
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// Architectures: genotypes in the field's notation, or JSON objects of decisions.
    Architecture,
    /// Values of the decision of this name.
    Decision(String),
    /// The name of the data set that the row is about.
    DataSet,
    /// Epochs of the training so far.
    Epoch,
    /// The number of the training: those of one architecture from several seeds.
    Seed,
    /// Something measured, on this data set or on the only one.
    Measured {
        /// The data set.
        data_set: Option<String>,
        /// What was measured.
        measure: Measure,
        /// What a value is multiplied by, where somebody said it.
        scale: Option<f64>,
    },
    /// Nothing that is wanted.
    Ignored,
}

impl FromStr for Role {
    type Err = String;

    /// `architecture`, `decision:NAME`, `data-set`, `epoch`, `seed`, `ignore`, or `[DATA-SET/]MEASURE[*FACTOR]`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("decision:") {
            return Ok(Self::Decision(name.to_owned()));
        }
        match text {
            "architecture" => return Ok(Self::Architecture),
            "data-set" => return Ok(Self::DataSet),
            "epoch" => return Ok(Self::Epoch),
            "seed" => return Ok(Self::Seed),
            "ignore" => return Ok(Self::Ignored),
            _ => {}
        }
        let (what, scale) = match text.rsplit_once('*') {
            None => (text, None),
            Some((what, factor)) => {
                let factor: Result<f64, _> = factor.trim().parse();
                let scale = factor.ok().filter(|factor| factor.is_finite() && *factor != 0.0);
                (what.trim(), Some(scale.ok_or_else(|| format!("`{text}`: behind `*` stands a number other than 0"))?))
            }
        };
        let (data_set, measure) = match what.rsplit_once('/') {
            Some((data_set, measure)) if !data_set.is_empty() => (Some(data_set.to_owned()), measure),
            _ => (None, what),
        };
        let measure = measure.parse().map_err(|problem| {
            format!("{problem}; and architecture, decision:NAME, data-set, epoch, seed and ignore for other columns")
        })?;
        Ok(Self::Measured { data_set, measure, scale })
    }
}

/// A column and what it holds, written `COLUMN=ROLE`.
///
/// # Errors
/// Where the text has another form.
pub fn assignment(text: &str) -> Result<(String, Role), String> {
    // A header may hold the sign, a role does not.
    let (column, role) = text.rsplit_once('=').ok_or("a column and what it holds are written COLUMN=ROLE")?;
    Ok((column.to_owned(), role.trim().parse()?))
}

/// What a header says by itself, where it is one that people use. Units are taken to be the usual ones: seconds, single
/// parameters.
pub(crate) fn recognise(header: &str, is_decision: impl Fn(&str) -> bool) -> Option<Role> {
    if is_decision(header) {
        return Some(Role::Decision(header.to_owned()));
    }
    let plain = plain(header);
    match plain.as_str() {
        "architecture" | "arch" | "arch-str" | "architecture-string" | "genotype" => return Some(Role::Architecture),
        "data-set" | "dataset" | "task" => return Some(Role::DataSet),
        "epoch" | "epochs" => return Some(Role::Epoch),
        "seed" => return Some(Role::Seed),
        _ => {}
    }
    ENDINGS.iter().find_map(|(ending, measure)| {
        let before = plain.strip_suffix(ending)?;
        let data_set = match before.strip_suffix('-') {
            Some(name) if !name.is_empty() => Some(name.to_owned()),
            _ if before.is_empty() => None,
            _ => return None,
        };
        Some(Role::Measured { data_set, measure: *measure, scale: None })
    })
}

/// A header in lower case, with one dash for whatever is between its words.
fn plain(header: &str) -> String {
    let words = header.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(data_set: Option<&str>, measure: Measure) -> Option<Role> {
        Some(Role::Measured { data_set: data_set.map(str::to_owned), measure, scale: None })
    }

    #[test]
    fn usual_headers_are_recognised() {
        let none = |_: &str| false;
        assert_eq!(recognise("cifar10_test_accuracy", none), measured(Some("cifar10"), Measure::TestAccuracy));
        assert_eq!(
            recognise("imagenet16_120_val_acc", none),
            measured(Some("imagenet16-120"), Measure::ValidationAccuracy)
        );
        assert_eq!(recognise("Valid Loss", none), measured(None, Measure::ValidationLoss));
        assert_eq!(recognise("time", none), measured(None, Measure::Seconds));
        assert_eq!(recognise("lifetime", none), None);
        assert_eq!(recognise("arch_str", none), Some(Role::Architecture));
        assert_eq!(recognise("flops", none), None);
        let is_decision = |name: &str| name == "cell/edge-0-1";
        assert_eq!(recognise("cell/edge-0-1", is_decision), Some(Role::Decision("cell/edge-0-1".into())));
    }

    #[test]
    fn assignments_say_everything() {
        let (column, role) = assignment("params (M)=parameters*1e6").unwrap();
        assert_eq!(column, "params (M)");
        assert_eq!(role, Role::Measured { data_set: None, measure: Measure::Parameters, scale: Some(1e6) });
        let (_, role) = assignment("x=cifar10/test-accuracy").unwrap();
        assert_eq!(Some(role), measured(Some("cifar10"), Measure::TestAccuracy));
        for wrong in ["x", "x=accuracy", "x=parameters*0", "x=parameters*y"] {
            assert!(assignment(wrong).is_err(), "{wrong}");
        }
    }
}
