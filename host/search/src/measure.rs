//! Measuring a network's latency without training it.

use std::time::Duration;

use archwright_protocol::{DataFormat, DataSource, Measure, Setup, Split, Task, VERSION};

use crate::error::SearchError;
use crate::search::{Environment, absolute};
use crate::set::LATENCY;
use crate::stop::Stop;
use crate::trainers::{SingleTrainer, TrainerCommand};

/// Silence after which the trainer counts as hung.
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures a network with the bundled trainer on a device (`cpu`, `cuda:0`, ...), on the CPU with so many threads; gives
/// seconds for a batch.
///
/// # Errors
/// Where there is no such device, the trainer cannot be started, the batch does not fit into memory, or `stop` was requested.
pub fn measure(
    environment: &Environment,
    device: &str,
    threads: u32,
    measure: Measure,
    stop: &Stop,
) -> Result<f64, SearchError> {
    let command = TrainerCommand {
        program: absolute(&environment.trainer),
        arguments: Vec::new(),
        folder: std::env::temp_dir(),
        data: None,
        // Nothing is kept.
        weights: std::env::temp_dir(),
    };
    // A trainer has some data; the embedded one lies nowhere.
    let task = Task { data: DataSource::of(DataFormat::Digits), split: Split::default() };
    let setup = Setup { protocol: VERSION, task, device: device.to_owned(), threads };
    let stopped = SearchError::Stopped { before: "the latency was measured" };
    let mut trainer = match SingleTrainer::start(&command, &setup, PATIENCE, stop) {
        Ok(trainer) => trainer,
        Err(_) if stop.requested() => return Err(stopped),
        Err(failure) => return Err(SearchError::Trainer(failure)),
    };
    let ready = trainer.ready();
    if !ready.actions.iter().any(|action| action == LATENCY) {
        return Err(SearchError::CannotMeasure(ready.name.clone()));
    }
    trainer.measure(measure, stop).map_err(|failure| match stop.requested() {
        true => stopped,
        false => SearchError::Measurement(failure),
    })
}
