//! Weights that all architectures of a space share.

use std::collections::BTreeMap;
use std::path::Path;

use archwright_protocol::Recipe;
use archwright_space::{Network, seed};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

use crate::model::{Model, Start};
use crate::optimizer::{Optimizer, clip};
use crate::run::seed_libtorch;
use crate::{Problem, tensors, weights};

/// What names of the optimizer's state and of batch norms' statistics start with in a file.
const STATE: &str = "optimizer/";
const STATISTIC: &str = "statistic/";

/// Shared weights, with the optimizer's state of each.
///
/// A parameter goes by its node's name and its shape. It comes to be when the first path needs it, with values that its name
/// and the seed decide: which paths came before makes no difference.
pub(crate) struct SharedWeights {
    /// Decides first values, paths, and the order of examples.
    pub(crate) seed: u64,
    device: Device,
    /// The value of each parameter, and then its state.
    parameters: BTreeMap<String, Vec<Tensor>>,
    statistics: BTreeMap<String, Tensor>,
    state_names: &'static [&'static str],
    /// Steps of the optimizer.
    pub(crate) steps: u64,
    /// Those that each parameter had a part in.
    taken: BTreeMap<String, u64>,
}

/// How far shared weights are, as their file says.
#[derive(Serialize, Deserialize)]
struct Progress {
    seed: u64,
    steps: u64,
    taken: BTreeMap<String, u64>,
}

impl SharedWeights {
    pub(crate) fn new(seed: u64, recipe: &Recipe, device: Device) -> Self {
        Self {
            seed,
            device,
            parameters: BTreeMap::new(),
            statistics: BTreeMap::new(),
            state_names: Optimizer::state_names(recipe),
            steps: 0,
            taken: BTreeMap::new(),
        }
    }

    /// Whether the state is what the recipe's optimizer goes on from.
    pub(crate) fn has_state_for(&self, recipe: &Recipe) -> bool {
        self.state_names == Optimizer::state_names(recipe)
    }

    /// A path to train: a network with copies of its parameters. Its batch norms update the shared statistics.
    pub(crate) fn path(&mut self, network: &Network, recipe: &Recipe) -> Result<Model, Problem> {
        let model = self.model(network, recipe.bf16 && self.device.is_cuda())?;
        for (key, value) in keys(&model).zip(model.parameters()) {
            if !self.parameters.contains_key(&key) {
                let value = value.f_detach_copy()?;
                let state = self.state_names.iter().map(|_| value.f_zeros_like());
                let rows = state.collect::<Result<Vec<_>, _>>()?;
                self.parameters.insert(key, [value].into_iter().chain(rows).collect());
            }
        }
        for (name, statistic) in &model.buffers {
            let key = key(name, &statistic.size());
            self.statistics.entry(key).or_insert_with(|| statistic.shallow_clone());
        }
        Ok(model)
    }

    /// An architecture's network with copies of its weights, of the statistics as well.
    pub(crate) fn alone(&self, network: &Network) -> Result<Model, Problem> {
        let mut model = self.model(network, false)?;
        for (_, statistic) in &mut model.buffers {
            *statistic = statistic.f_detach_copy()?;
        }
        Ok(model)
    }

    /// An architecture's network with copies of its weights, to differentiate a loss. By the weights as well where they are
    /// `unrolled`, which moves them by so little that it takes all bits.
    pub(crate) fn judged(&self, network: &Network, recipe: &Recipe, unrolled: bool) -> Result<Model, Problem> {
        let bf16 = recipe.bf16 && self.device.is_cuda() && !unrolled;
        let model = self.model(network, bf16)?.without_statistics();
        Ok(if unrolled { model } else { model.fixed()? })
    }

    fn model(&self, network: &Network, bf16: bool) -> Result<Model, Problem> {
        let parameter = |name: &str, shape: &[i64], start: &Start| {
            let key = key(name, shape);
            if let Some(known) = self.parameters.get(&key) {
                return Ok(known[0].shallow_clone());
            }
            seed_libtorch(seed::derive(self.seed, &key, 0));
            Ok(start.draw(shape)?)
        };
        let statistic = |name: &str, length: i64, value: f64| match self.statistics.get(&key(name, &[length])) {
            Some(known) => Ok(known.shallow_clone()),
            None => Ok(Tensor::f_full([length], value, (Kind::Float, self.device))?),
        };
        Model::with(network, self.device, bf16, parameter, statistic)
    }

    /// Adds a share of a path's gradient, parameter by parameter, to those of others. What has no part in the loss has none.
    pub(crate) fn gather(
        &self,
        model: &Model,
        gradient: &[Tensor],
        share: f64,
        into: &mut BTreeMap<String, Tensor>,
    ) -> Result<(), Problem> {
        for (key, gradient) in keys(model).zip(gradient).filter(|(_, gradient)| gradient.defined()) {
            let gradient = if share == 1.0 { gradient.shallow_clone() } else { gradient.f_mul_scalar(share)? };
            let sum = match into.get(&key) {
                Some(others) => others.f_add(&gradient)?,
                None => gradient,
            };
            into.insert(key, sum);
        }
        Ok(())
    }

    /// The momentum of a network's parameters, in one row; nothing where there is none.
    pub(crate) fn momentum(&self, model: &Model) -> Result<Option<Tensor>, Problem> {
        if self.state_names != ["momentum"] {
            return Ok(None);
        }
        let row = |key: String, parameter: &Tensor| match self.parameters.get(&key).and_then(|rows| rows.get(1)) {
            Some(momentum) => momentum.f_reshape([-1]),
            None => parameter.f_zeros_like()?.f_reshape([-1]),
        };
        let rows = keys(model).zip(model.parameters()).map(|(key, parameter)| row(key, parameter));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(if rows.is_empty() { None } else { Some(Tensor::f_cat(&rows, 0)?.f_detach()?) })
    }

    /// Takes a step of all parameters that have a gradient.
    pub(crate) fn step(
        &mut self,
        gradients: BTreeMap<String, Tensor>,
        recipe: &Recipe,
        rate: f64,
    ) -> Result<(), Problem> {
        self.steps += 1;
        if gradients.is_empty() {
            return Ok(());
        }
        // The norm is that of all of them together.
        let all = tch::no_grad(|| clip(row(gradients.values())?, recipe.gradient_clip))?;
        let recipe = Recipe { gradient_clip: 0.0, ..recipe.clone() };
        // Moments are corrected by the steps that a parameter has taken, and paths come to some late.
        let mut groups: BTreeMap<u64, Vec<(String, Tensor)>> = BTreeMap::new();
        let mut offset = 0;
        for (key, gradient) in gradients {
            let length = gradient.numel() as i64;
            let part = all.f_narrow(0, offset, length)?;
            offset += length;
            let taken = self.taken.entry(key.clone()).or_insert(0);
            groups.entry(*taken).or_default().push((key, part));
            *taken += 1;
        }
        groups.into_iter().try_for_each(|(taken, group)| self.step_of(taken, &group, &recipe, rate))
    }

    /// A step of parameters that have taken as many before.
    fn step_of(&mut self, taken: u64, group: &[(String, Tensor)], recipe: &Recipe, rate: f64) -> Result<(), Problem> {
        let parameters = &self.parameters;
        let kept = |place: usize| group.iter().filter_map(move |(key, _)| parameters.get(key)?.get(place));
        let mut flat = row(kept(0))?;
        let mut optimizer = Optimizer::new(recipe, &flat)?;
        for (place, (_, state)) in optimizer.state.iter_mut().enumerate() {
            *state = row(kept(place + 1))?;
        }
        optimizer.steps = taken;
        let gradient = row(group.iter().map(|(_, gradient)| gradient))?;
        tch::no_grad(|| optimizer.step(&mut flat, gradient, rate))?;
        // All of them may be pieces of the new row. Where a path's are, the others would keep whole rows in memory.
        let is_all = group.len() == self.parameters.len();
        for (place, row) in [&flat].into_iter().chain(optimizer.state.iter().map(|(_, state)| state)).enumerate() {
            let mut offset = 0;
            for (key, _) in group {
                let Some(kept) = self.parameters.get_mut(key).and_then(|rows| rows.get_mut(place)) else { continue };
                let length = kept.numel() as i64;
                let new = row.f_narrow(0, offset, length)?.f_view(kept.size().as_slice())?;
                if is_all {
                    *kept = new;
                } else {
                    tch::no_grad(|| kept.f_copy_(&new))?;
                }
                offset += length;
            }
        }
        Ok(())
    }

    /// Writes all weights, statistics and state; gives the file's digest.
    pub(crate) fn save(&self, folder: &Path) -> Result<String, Problem> {
        let progress = Progress { seed: self.seed, steps: self.steps, taken: self.taken.clone() };
        let mut named = Vec::new();
        for (key, rows) in &self.parameters {
            named.push((key.clone(), tensors::values(&rows[0])?));
            for (name, state) in self.state_names.iter().zip(&rows[1..]) {
                named.push((format!("{STATE}{name}/{key}"), tensors::values(state)?));
            }
        }
        for (key, statistic) in &self.statistics {
            named.push((format!("{STATISTIC}{key}"), tensors::values(statistic)?));
        }
        weights::store(folder, &tensors::serialize(named, &progress)?)
    }

    /// Reads what [`SharedWeights::save`] wrote.
    pub(crate) fn load(folder: &Path, digest: &str, recipe: &Recipe, device: Device) -> Result<Self, Problem> {
        weights::read(folder, digest, |contents| {
            let progress: Progress = contents.about()?;
            let mut shared = Self::new(progress.seed, recipe, device);
            shared.steps = progress.steps;
            shared.taken = progress.taken;
            let mut states = BTreeMap::new();
            for (name, tensor) in contents.tensors()? {
                let tensor = tensor.f_to_device(device)?;
                if let Some(key) = name.strip_prefix(STATISTIC) {
                    shared.statistics.insert(key.to_owned(), tensor);
                } else if let Some(state) = name.strip_prefix(STATE) {
                    states.insert(state.to_owned(), tensor);
                } else {
                    shared.parameters.insert(name, vec![tensor]);
                }
            }
            for (key, rows) in &mut shared.parameters {
                for name in shared.state_names {
                    // Another optimizer's state is none of this one's.
                    let kept = states.remove(&format!("{name}/{key}"));
                    rows.push(kept.map_or_else(|| rows[0].f_zeros_like(), Ok)?);
                }
            }
            Ok(shared)
        })
    }
}

/// Tensors one after the other.
fn row<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Result<Tensor, TchError> {
    let rows = tensors.map(|tensor| tensor.f_reshape([-1])).collect::<Result<Vec<_>, _>>()?;
    Tensor::f_cat(&rows, 0)
}

/// Names of a network's parameters among shared weights, in its order.
fn keys(model: &Model) -> impl Iterator<Item = String> {
    model.names.iter().zip(model.parameters()).map(|(name, parameter)| key(name, &parameter.size()))
}

fn key(name: &str, shape: &[i64]) -> String {
    let sides: Vec<String> = shape.iter().map(ToString::to_string).collect();
    format!("{name}:{}", sides.join("x"))
}

/// Sets statistics back to what they are before any batch.
pub(crate) fn forget_statistics(model: &Model) -> Result<(), TchError> {
    for (name, statistic) in &model.buffers {
        let first = if name.ends_with("running_var") { 1.0 } else { 0.0 };
        let _ = statistic.shallow_clone().f_fill_(first)?;
    }
    Ok(())
}
