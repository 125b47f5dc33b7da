//! Classifying examples that are not part of the data.

use archwright_protocol::{FailureKind, Predict, Prediction};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tch::Kind;

use crate::data::{Data, ImageData};
use crate::model::{Mode, Model};
use crate::train::EVALUATION_BATCH;
use crate::{Problem, Trainer, weights};

impl Trainer {
    /// Classifies the examples of files. A file that cannot be used is told by itself.
    ///
    /// # Errors
    /// Where the network does not fit the data, or its weights cannot be read; where the data is a text.
    pub fn predict(&self, predict: &Predict) -> Result<Vec<Prediction>, Problem> {
        let Data::Images(images) = &self.data else {
            let problem = "the data is a text, and only images and arrays are classified: `archwright export` writes the \
                           network as a PyTorch module and an ONNX model, which score the tokens that may come next";
            return Err(Problem::new(FailureKind::Unsupported, problem));
        };
        let model = self.model(&predict.network, &predict.input, false)?;
        weights::load(&self.weights, &predict.weights, &model, None)?;
        let predictions = predict.files.iter().map(|file| match classify(images, &model, file, &predict.input) {
            Ok(probabilities) => Prediction::Probabilities(probabilities),
            Err(problem) => Prediction::Problem(problem.message),
        });
        Ok(predictions.collect())
    }
}

fn classify(images: &ImageData, model: &Model, file: &str, input: &[u32]) -> Result<Vec<Vec<f32>>, Problem> {
    let content = STANDARD.decode(file).map_err(|error| Problem::data(format!("it is not in Base64: {error}")))?;
    let examples = images.given(&content, input)?;
    let mut probabilities = Vec::new();
    for batch in examples.f_split(EVALUATION_BATCH, 0)? {
        let scores = tch::no_grad(|| model.forward(&batch, Mode::Evaluate))?.output;
        probabilities.extend(Vec::<Vec<f32>>::try_from(scores.f_softmax(1, Kind::Float)?)?);
    }
    Ok(probabilities)
}
