//! Whether a network fits before it is built.

use archwright_protocol::{FailureKind, Optimizer, Recipe};
use archwright_space::{Network, Op};
use tch::Device;

use crate::{Problem, device};

/// Refuses a training that cannot fit into the device's free memory. The estimate is a lower bound: weights, gradients and
/// the optimizer's state, and every result that the backward pass needs, for one batch; of a text for all steps that
/// gradients go back.
pub(crate) fn check(network: &Network, recipe: &Recipe, device: Device) -> Result<(), Problem> {
    let footprint = network.footprint()?;
    let states = match recipe.optimizer {
        Optimizer::Sgd => 1,
        Optimizer::Adamw => 2,
    };
    let weights = footprint.parameters.saturating_mul(4 * (2 + states));
    let steps = if is_of_steps(network) { recipe.sequence_length } else { 1 };
    let activations = kept_bytes(network)?.saturating_mul(recipe.batch_size.into()).saturating_mul(steps.into());
    let needed = weights.saturating_add(activations);
    match available(device) {
        Some(available) if needed > available => Err(Problem::new(
            FailureKind::TooLarge,
            format!(
                "a training needs at least {} MiB ({} parameters, batches of {}), the device has {} MiB free",
                needed >> 20,
                footprint.parameters,
                recipe.batch_size,
                available >> 20
            ),
        )),
        _ => Ok(()),
    }
}

/// Refuses a forward pass that cannot fit into the device's free memory. The estimate is a lower bound: weights, and the
/// largest result of the batch.
pub(crate) fn check_forward(
    network: &Network,
    batch_size: u32,
    recipe: &Recipe,
    device: Device,
) -> Result<(), Problem> {
    let steps = if is_of_steps(network) { recipe.sequence_length } else { 1 };
    let largest = network.shapes()?.iter().map(|shape| shape.values().saturating_mul(4)).max().unwrap_or(0);
    let batch = largest.saturating_mul(batch_size.into()).saturating_mul(steps.into());
    let needed = network.footprint()?.parameters.saturating_mul(4).saturating_add(batch);
    match available(device) {
        Some(available) if needed > available => Err(Problem::new(
            FailureKind::TooLarge,
            format!(
                "a forward pass needs at least {} MiB for a batch of {batch_size}, the device has {} MiB free",
                needed >> 20,
                available >> 20
            ),
        )),
        _ => Ok(()),
    }
}

fn available(device: Device) -> Option<u64> {
    match device {
        Device::Cuda(index) => device::free_memory(index),
        _ => of_machine(),
    }
}

/// Whether each example is a sequence: its network reads tokens.
fn is_of_steps(network: &Network) -> bool {
    network.vocabulary().is_some()
}

/// Bytes of the results that are kept for the backward pass, for one image or step: those that convolutions, fully
/// connected layers and batch norms take in, and the scores.
fn kept_bytes(network: &Network) -> Result<u64, Problem> {
    let shapes = network.shapes()?;
    let mut kept = vec![false; network.nodes.len()];
    if let Some(last) = kept.last_mut() {
        *last = true;
    }
    for node in &network.nodes {
        if matches!(node.op, Op::Conv2d { .. } | Op::Linear { .. } | Op::TiedLinear { .. } | Op::BatchNorm { .. }) {
            node.inputs.iter().for_each(|input| kept[*input] = true);
        }
    }
    let bytes = kept.iter().zip(&shapes).filter(|(kept, _)| **kept).map(|(_, shape)| shape.values() * 4);
    Ok(bytes.fold(0, u64::saturating_add))
}

/// Memory that is free on this machine, within the limits of this process's group.
pub(crate) fn of_machine() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let available = line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10;
    let read = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok();
    match (read("memory.max"), read("memory.current")) {
        (Some(limit), Some(used)) => Some(available.min(limit.saturating_sub(used))),
        _ => Some(available),
    }
}
