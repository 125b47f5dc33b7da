//! Networks over the steps of a sequence.
//!
//! Most of a network does not have to go step by step. What depends on no state is computed for all steps at once, and so is
//! what no later step depends on, the scores above all. Only what lies between, the recurrent cell, is unrolled.

use archwright_space::{Network, Op, RecurrentState};
use tch::{TchError, Tensor};

use crate::Problem;
use crate::model::{Compute, Mode, Model, Scores};
use crate::route::{Results, Route, Whole};

/// How a network goes from step to step.
pub(crate) struct Steps {
    /// When each node is computed.
    phases: Vec<Phase>,
    pub(crate) states: Vec<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// For all steps at once, before the first one.
    Before,
    /// Step by step.
    Within,
    /// For all steps at once, after the last one.
    After,
}

/// What goes from one step to the next.
pub(crate) struct State {
    /// Name of the node that gives it.
    pub(crate) name: String,
    /// The node that gives it.
    pub(crate) node: usize,
    /// The node whose result it is in the step after.
    pub(crate) source: usize,
    /// Its length.
    features: i64,
}

impl Steps {
    /// Of a valid network.
    pub(crate) fn of(network: &Network) -> Self {
        let nodes = &network.nodes;
        let state = |RecurrentState { features, node, next, .. }| State {
            name: nodes[node].name.clone(),
            node,
            source: next,
            features: i64::from(features),
        };
        let states: Vec<State> = network.states().into_iter().map(state).collect();
        let mut depends = vec![false; nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            depends[index] = matches!(node.op, Op::State { .. }) || node.inputs.iter().any(|input| depends[*input]);
        }
        let mut sets = vec![false; nodes.len()];
        states.iter().for_each(|state| sets[state.source] = true);
        for (index, node) in nodes.iter().enumerate().rev() {
            if sets[index] {
                node.inputs.iter().for_each(|input| sets[*input] = true);
            }
        }
        let phase = |index: usize| match (depends[index], sets[index]) {
            (false, _) => Phase::Before,
            (true, true) => Phase::Within,
            (true, false) if matches!(nodes[index].op, Op::State { .. }) => Phase::Within,
            (true, false) => Phase::After,
        };
        Self { phases: (0..nodes.len()).map(phase).collect(), states }
    }
}

/// Some steps of several sequences at once.
struct Unroll<'a> {
    model: &'a Model,
    route: &'a dyn Route,
    mode: Mode,
    steps: i64,
    sequences: i64,
    /// What each locked dropout keeps, for all steps.
    masks: Results,
}

impl Model {
    /// The states at the start of so many sequences.
    pub(crate) fn first_states(&self, sequences: i64) -> Result<Vec<Tensor>, TchError> {
        let zeros = |state: &State| Tensor::f_zeros([sequences, state.features], (self.kind(), self.device()));
        self.steps.states.iter().map(zeros).collect()
    }

    /// Scores of tokens (steps x sequences), the rows of one step after those of the other. Goes on from `states`, and leaves
    /// there what the next step goes on from, cut off from this one's gradient.
    pub(crate) fn unroll(&self, tokens: &Tensor, states: &mut [Tensor], mode: Mode) -> Result<Scores, Problem> {
        self.unroll_along(&Whole(&[]), tokens, states, mode)
    }

    /// As [`Model::unroll`], on a way of its own.
    pub(crate) fn unroll_along(
        &self,
        route: &dyn Route,
        tokens: &Tensor,
        states: &mut [Tensor],
        mode: Mode,
    ) -> Result<Scores, Problem> {
        let (steps, sequences) = tokens.size2()?;
        let masks = self.layers.iter().map(|_| None).collect();
        Unroll { model: self, route, mode, steps, sequences, masks }.scores(tokens, states)
    }
}

impl Unroll<'_> {
    fn scores(mut self, tokens: &Tensor, states: &mut [Tensor]) -> Result<Scores, Problem> {
        let mut results: Results = self.model.layers.iter().map(|_| None).collect();
        let tokens = tokens.f_reshape([-1])?;
        self.at_once(Phase::Before, &tokens, &mut results)?;
        self.step_by_step(&mut results, states)?;
        self.at_once(Phase::After, &tokens, &mut results)?;
        let mut auxiliary = Vec::new();
        if matches!(self.mode, Mode::Train { .. }) {
            for layer in self.model.layers.iter().filter(|layer| matches!(layer.compute, Compute::Auxiliary)) {
                let scores = layer.inputs.first().and_then(|input| results[*input].as_ref());
                auxiliary.extend(scores.map(|scores| scores.f_to_kind(self.model.kind())).transpose()?);
            }
        }
        let output = results.pop().flatten();
        let output = output.ok_or_else(|| Problem::from(TchError::Torch("the network gives nothing".into())))?;
        Ok(Scores { output: output.f_to_kind(self.model.kind())?, auxiliary })
    }

    /// Computes the nodes of a phase for all steps at once.
    fn at_once(&mut self, phase: Phase, tokens: &Tensor, results: &mut Results) -> Result<(), Problem> {
        for index in self.nodes(phase) {
            results[index] = match self.model.layers[index].compute {
                Compute::Input => Some(tokens.shallow_clone()),
                _ => self.result(index, results, self.steps)?,
            };
        }
        Ok(())
    }

    fn step_by_step(&mut self, results: &mut Results, states: &mut [Tensor]) -> Result<(), Problem> {
        let model = self.model;
        let within: Vec<usize> = self.nodes(Phase::Within).collect();
        if within.is_empty() {
            return Ok(());
        }
        // What is computed already and goes into the steps, in pieces of one step.
        let sources = model.steps.states.iter().map(|state| state.source);
        let read: Vec<usize> =
            within.iter().flat_map(|index| &model.layers[*index].inputs).copied().chain(sources).collect();
        let mut pieces: Vec<Vec<Tensor>> = model.layers.iter().map(|_| Vec::new()).collect();
        for index in read {
            if let (Some(result), true) = (&results[index], pieces[index].is_empty()) {
                pieces[index] = result.f_split(self.sequences, 0)?;
            }
        }
        // Of what is computed here later phases see what they read.
        let mut kept: Vec<Option<Vec<Tensor>>> = model.layers.iter().map(|_| None).collect();
        for index in self.nodes(Phase::After).chain(self.auxiliary()) {
            for input in &model.layers[index].inputs {
                if model.steps.phases[*input] == Phase::Within {
                    kept[*input] = Some(Vec::new());
                }
            }
        }
        for step in 0..usize::try_from(self.steps).unwrap_or(0) {
            let mut here: Results = pieces.iter().map(|pieces| pieces.get(step).map(Tensor::shallow_clone)).collect();
            for (state, value) in model.steps.states.iter().zip(states.iter()) {
                here[state.node] = Some(value.shallow_clone());
            }
            for index in within.iter().copied().filter(|index| !matches!(model.layers[*index].compute, Compute::State))
            {
                here[index] = self.result(index, &here, 1)?;
            }
            for (state, value) in model.steps.states.iter().zip(states.iter_mut()) {
                // One that the way leaves out stays as it is.
                if let Some(next) = &here[state.source] {
                    *value = next.f_to_kind(model.kind())?;
                }
            }
            for (kept, result) in kept.iter_mut().zip(&here) {
                if let (Some(kept), Some(result)) = (kept, result) {
                    kept.push(result.shallow_clone());
                }
            }
        }
        for (result, kept) in results.iter_mut().zip(kept) {
            if let Some(kept) = kept.filter(|kept| !kept.is_empty()) {
                *result = Some(Tensor::f_cat(&kept, 0)?);
            }
        }
        for value in states {
            *value = value.f_detach()?;
        }
        Ok(())
    }

    /// The result of a node over so many steps; nothing of those that give none.
    fn result(&mut self, index: usize, results: &Results, steps: i64) -> Result<Option<Tensor>, Problem> {
        let (route, rows) = (self.route, steps * self.sequences);
        route.result(index, rows, results, &mut || self.plain(index, results, steps))
    }

    fn plain(&mut self, index: usize, results: &Results, steps: i64) -> Result<Option<Tensor>, Problem> {
        let layer = &self.model.layers[index];
        match layer.compute {
            Compute::SetState | Compute::Auxiliary => Ok(None),
            Compute::LockedDropout(rate) if rate > 0.0 && matches!(self.mode, Mode::Train { .. }) => {
                let x = layer.inputs.first().and_then(|input| results[*input].as_ref());
                let x = x.ok_or_else(|| TchError::Torch("a result was dropped before its use".into()))?;
                Ok(Some(self.locked(index, x, rate, steps)?))
            }
            ref compute => self.model.compute(compute, &layer.inputs, results, self.mode).map(Some),
        }
    }

    /// Drops the same values in every step.
    fn locked(&mut self, index: usize, x: &Tensor, rate: f64, steps: i64) -> Result<Tensor, TchError> {
        let mut shape = x.size();
        shape[0] = self.sequences;
        let mask = match &self.masks[index] {
            Some(mask) => mask.shallow_clone(),
            None => {
                let keep = Tensor::f_full(shape.as_slice(), 1.0 - rate, (x.kind(), x.device()))?;
                keep.f_bernoulli()?.f_div_scalar(1.0 - rate)?
            }
        };
        self.masks[index] = Some(mask.shallow_clone());
        shape.insert(0, steps);
        x.f_reshape(shape.as_slice())?.f_mul(&mask)?.f_reshape(x.size())
    }

    fn nodes(&self, phase: Phase) -> impl Iterator<Item = usize> + use<> {
        let phases = self.model.steps.phases.clone();
        (0..phases.len()).filter(move |index| phases[*index] == phase)
    }

    fn auxiliary(&self) -> impl Iterator<Item = usize> {
        let layers = self.model.layers.iter().enumerate();
        layers.filter(|(_, layer)| matches!(layer.compute, Compute::Auxiliary)).map(|(index, _)| index)
    }
}
