//! Classifying examples with the network that a run found.

use archwright_protocol::{Predict, Prediction};
use archwright_store::Store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::SearchError;
use crate::found::Found;
use crate::search::Search;
use crate::stop::Stop;
use crate::trainers::SingleTrainer;

/// Bytes of files that are sent to a trainer at once, unless one alone is larger.
const MESSAGE: usize = 8 << 20;

/// What became of files.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// One for each file, in their order.
    pub predictions: Vec<Prediction>,
    /// Names of the classes, where the data has them.
    pub class_names: Option<Vec<String>>,
}

impl Search {
    /// Classifies the contents of files with a found network, on a trainer with this search's data.
    ///
    /// # Errors
    /// Where no trainer can be started, it cannot predict, its data are not the run's, the weights are gone, or `stop` was
    /// requested.
    pub fn predict(&self, found: &Found, files: &[Vec<u8>], stop: &Stop) -> Result<Predicted, SearchError> {
        let store = Store::open(&self.environment().store)?;
        found.check_weights(&store)?;
        let mut predictor = self.predictor(&store, stop)?;
        let ready = predictor.ready();
        if !ready.actions.iter().any(|action| action == "predict") {
            return Err(match found.report.test_perplexity {
                Some(_) => SearchError::ScoresTokens(found.report.run),
                None => SearchError::CannotPredict(ready.name.clone()),
            });
        }
        if ready.data.digest != found.data.digest {
            let (recorded, here) = (&found.data.digest, &ready.data.digest);
            return Err(SearchError::Changed(vec![format!("the data's digest: recorded {recorded}, here {here}")]));
        }
        let class_names = ready.data.class_names.clone();
        let mut predictions = Vec::new();
        for part in parts(files) {
            let predict = Predict {
                network: found.network.clone(),
                input: found.data.input.clone(),
                weights: found.weights.clone(),
                files: part.iter().map(|file| STANDARD.encode(file)).collect(),
            };
            predictions.extend(predictor.predict(predict, stop).map_err(|failure| match stop.requested() {
                true => SearchError::Stopped { before: "all files were classified" },
                false => SearchError::Prediction(failure),
            })?);
        }
        Ok(Predicted { predictions, class_names })
    }

    /// Starts a trainer on the first of this search's devices.
    fn predictor(&self, store: &Store, stop: &Stop) -> Result<SingleTrainer, SearchError> {
        let device = self.workers().into_iter().next().unwrap_or_else(|| "cpu".into());
        let patience = self.experiment().trainer.patience.duration();
        let started = SingleTrainer::start(&self.command(&store.weights()), &self.setup(device), patience, stop);
        if stop.requested() {
            return Err(SearchError::Stopped { before: "anything was classified" });
        }
        started.map_err(SearchError::Trainer)
    }
}

/// Files that are sent at once.
fn parts(files: &[Vec<u8>]) -> Vec<&[Vec<u8>]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, file) in files.iter().enumerate() {
        if index > start && bytes + file.len() > MESSAGE {
            parts.push(&files[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += file.len();
    }
    if start < files.len() {
        parts.push(&files[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_of_bounded_size_and_hold_every_file() {
        let files: Vec<Vec<u8>> = [MESSAGE + 1, 1, MESSAGE - 1, 1, 0].iter().map(|size| vec![0; *size]).collect();
        let sizes: Vec<usize> = parts(&files).iter().map(|part| part.len()).collect();
        assert_eq!(sizes, [1, 2, 2]);
        assert!(parts(&[]).is_empty());
    }
}
