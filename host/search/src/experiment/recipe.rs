//! What a recipe can be, and what a search space may decide of it.

use archwright_protocol::Recipe;
use archwright_space::{Scalar, SearchSpace};
use serde_json::{Value, json};

use super::words::plain;
use super::{ExperimentError, ExperimentFile, nearest};

const POSITIVE: &str = "finite and above 0";
const NOT_NEGATIVE: &str = "finite and at least 0";

impl ExperimentFile {
    /// Checks that recipes can have what points of a search space may decide of them.
    ///
    /// # Errors
    /// Names the first key that is none of a recipe's or that can get a value out of range, and what would be right.
    pub fn check_space_recipe(&self, space: &dyn SearchSpace) -> Result<(), ExperimentError> {
        for (key, values) in space.recipe_extremes() {
            if let Some((problem, help)) = values.iter().find_map(|value| self.decided_problem(&key, value)) {
                let message = format!("the search space's `[recipe]` is wrong: {problem}");
                return Err(self.error(&["space", "use"], message, help));
            }
        }
        Ok(())
    }

    /// What is wrong with a value for a key of the task's recipe, and what may help.
    fn decided_problem(&self, key: &str, value: &Scalar) -> Option<(String, Option<String>)> {
        let Ok(Value::Object(mut merged)) = serde_json::to_value(&self.experiment.task.recipe) else { return None };
        if !merged.contains_key(key) {
            let help = match nearest(key, merged.keys().map(String::as_str)) {
                Some(name) => format!("did you mean `{name}`?"),
                None => "docs/experiments.md lists the keys of `[task.recipe]`".into(),
            };
            return Some((format!("a recipe has no key `{key}`"), Some(help)));
        }
        let shown = json!(value);
        merged.insert(key.to_owned(), shown.clone());
        let problem = match serde_json::from_value::<Recipe>(Value::Object(merged)) {
            Err(error) => plain(&error.to_string(), Some(key)),
            Ok(recipe) => {
                let (wrong, should) = recipe_problem(&recipe)?;
                format!("`{wrong}` has to be {should}, not {shown}")
            }
        };
        Some((problem, None))
    }
}

/// The first key of a recipe that is out of range, and what it has to be.
pub(crate) fn recipe_problem(recipe: &Recipe) -> Option<(&'static str, &'static str)> {
    let Recipe {
        epochs,
        batch_size,
        sequence_length,
        optimizer: _,
        learning_rate,
        momentum,
        nesterov: _,
        betas,
        epsilon,
        weight_decay,
        schedule: _,
        final_learning_rate,
        step_epochs,
        step_factor,
        warmup_epochs,
        label_smoothing,
        gradient_clip,
        drop_path,
        auxiliary_weight,
        crop_padding,
        flip: _,
        cutout,
        mixup,
        bf16: _,
        channels_last: _,
    } = recipe;
    let below_one = |value: f64| (0.0..1.0).contains(&value);
    let not_negative = |value: f64| value.is_finite() && value >= 0.0;
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let checks = [
        ("epochs", (1..=1_000_000).contains(epochs), "1 to 10^6"),
        ("batch_size", (1..=1_000_000).contains(batch_size), "1 to 10^6"),
        ("sequence_length", (1..=1_000_000).contains(sequence_length), "1 to 10^6"),
        ("learning_rate", positive(*learning_rate), POSITIVE),
        ("momentum", below_one(*momentum), "at least 0 and below 1"),
        ("betas", betas.iter().all(|beta| below_one(*beta)), "two numbers, each at least 0 and below 1"),
        ("epsilon", positive(*epsilon), POSITIVE),
        ("weight_decay", not_negative(*weight_decay), NOT_NEGATIVE),
        ("final_learning_rate", not_negative(*final_learning_rate), NOT_NEGATIVE),
        ("step_epochs", *step_epochs >= 1, "at least 1"),
        ("step_factor", *step_factor > 0.0 && *step_factor <= 1.0, "above 0 and at most 1"),
        ("warmup_epochs", not_negative(*warmup_epochs), NOT_NEGATIVE),
        ("label_smoothing", below_one(*label_smoothing), "at least 0 and below 1"),
        ("gradient_clip", not_negative(*gradient_clip), NOT_NEGATIVE),
        ("drop_path", below_one(*drop_path), "at least 0 and below 1"),
        ("auxiliary_weight", not_negative(*auxiliary_weight), NOT_NEGATIVE),
        ("crop_padding", *crop_padding <= 4096, "at most 4096"),
        ("cutout", *cutout <= 4096, "at most 4096"),
        ("mixup", not_negative(*mixup), NOT_NEGATIVE),
    ];
    checks.into_iter().find(|(_, holds, _)| !holds).map(|(key, _, should)| (key, should))
}
