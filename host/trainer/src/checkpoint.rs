//! The state of a training that goes on, on disk, for those who go on after a crash.

use std::path::{Path, PathBuf};
use std::time::Instant;

use archwright_protocol::{Checkpoint, FailureKind};
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::model::Model;
use crate::optimizer::Optimizer;
use crate::tensors::{Contents, Values};
use crate::weights::Progress;
use crate::{Problem, storage, tensors};

/// The folder of checkpoints within that of weights.
const FOLDER: &str = "checkpoints";
/// Longest name of a checkpoint.
const LONGEST_NAME: usize = 128;
/// Name of the last tensor, the digest of all bytes before it. Tensors of bytes lie behind those of floats.
const DIGEST: &str = "digest";

/// How far a training has got.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) progress: Progress,
    /// Steps taken in the epoch after those of the curve.
    pub(crate) step: usize,
    /// Bits of the losses' sum in that epoch: JSON has no words for what is not finite.
    pub(crate) loss: u64,
    /// Seconds of work so far.
    pub(crate) seconds: f64,
}

/// A checkpoint's state, and whose it is.
#[derive(Serialize, Deserialize)]
struct Entry<S> {
    identity: String,
    state: S,
}

/// Keeps a training's state.
pub(crate) struct Keeper {
    folder: PathBuf,
    file: String,
    /// Says which training this is.
    identity: String,
    /// Seconds of work between two checkpoints.
    interval: f64,
    last: Instant,
    complained: bool,
}

impl Keeper {
    /// Keeps the state of the training that `identity` stands for in the folder of weights.
    pub(crate) fn new(weights: &Path, checkpoint: &Checkpoint, identity: String) -> Result<Self, Problem> {
        check(checkpoint)?;
        let folder = weights.join(FOLDER);
        let file = format!("{}.safetensors", checkpoint.name);
        storage::remove_leftovers(&folder, &file);
        Ok(Self { folder, file, identity, interval: checkpoint.seconds, last: Instant::now(), complained: false })
    }

    /// Where the checkpoint lies.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(&self.file)
    }

    /// Reads the checkpoint into a model, an optimizer and the states of sequences. After a failure these are good for
    /// nothing.
    pub(crate) fn restore(
        &self,
        model: &Model,
        optimizer: &mut Optimizer,
        states: &[Tensor],
    ) -> Result<State, Problem> {
        let content = storage::read(&self.path()).map_err(|error| Problem::data(error.to_string()))?;
        if !is_whole(&content) {
            return Err(Problem::data("it is damaged: its digest is not that of its content"));
        }
        let contents = Contents::parse(&content)?;
        let Entry { identity, state } = contents.about::<Entry<State>>()?;
        if identity != self.identity {
            return Err(Problem::data("it belongs to another training"));
        }
        contents.restore(model, Some(optimizer))?;
        contents.restore_states(model, states)?;
        optimizer.steps = state.progress.steps;
        Ok(state)
    }

    /// Whether the time for a checkpoint has come.
    pub(crate) fn is_due(&self) -> bool {
        self.last.elapsed().as_secs_f64() >= self.interval
    }

    /// Writes a checkpoint. Where that fails, the training goes on without it until the next is due.
    pub(crate) fn keep(&mut self, model: &Model, optimizer: &Optimizer, states: &[Tensor], state: &State) {
        if let Err(problem) = self.write(model, optimizer, states, state)
            && !self.complained
        {
            self.complained = true;
            eprintln!(
                "archwright-trainer: cannot write the checkpoint {}: {problem}; the training goes on without",
                self.path().display()
            );
        }
        self.last = Instant::now();
    }

    fn write(&self, model: &Model, optimizer: &Optimizer, states: &[Tensor], state: &State) -> Result<(), Problem> {
        let mut tensors = tensors::of(model, optimizer)?;
        tensors.extend(tensors::of_states(model, states)?);
        let digest = Values { kind: Dtype::U8, shape: vec![blake3::OUT_LEN], bytes: vec![0; blake3::OUT_LEN] };
        tensors.push((DIGEST.into(), digest));
        let mut content = tensors::serialize(tensors, &Entry { identity: self.identity.clone(), state })?;
        if let Some((before, digest)) = content.split_last_chunk_mut::<{ blake3::OUT_LEN }>() {
            *digest = blake3::hash(before).into();
        }
        storage::write(&self.folder, &self.file, &content)
            .map_err(|error| Problem::new(FailureKind::Storage, error.to_string()))
    }
}

/// Whether the content ends with the digest of what is before.
fn is_whole(content: &[u8]) -> bool {
    content
        .split_last_chunk::<{ blake3::OUT_LEN }>()
        .is_some_and(|(before, digest)| blake3::hash(before) == blake3::Hash::from_bytes(*digest))
}

/// Refuses names that could lead out of the folder, and intervals that are none.
fn check(checkpoint: &Checkpoint) -> Result<(), Problem> {
    let Checkpoint { name, seconds } = checkpoint;
    let plain = name.chars().all(|character| character.is_ascii_alphanumeric() || "-_".contains(character));
    if !plain || !(1..=LONGEST_NAME).contains(&name.len()) {
        let problem =
            format!("a checkpoint's name is 1 to {LONGEST_NAME} letters, digits, `-` and `_`, not {name:.150?}");
        return Err(Problem::new(FailureKind::Unsupported, problem));
    }
    if !seconds.is_finite() || *seconds <= 0.0 {
        let problem = format!("the seconds between checkpoints are {seconds}, they have to be above 0");
        return Err(Problem::new(FailureKind::Unsupported, problem));
    }
    Ok(())
}
