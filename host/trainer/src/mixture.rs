//! Mixtures: all networks of a space at once, each alternative times a coefficient (Liu, Simonyan & Yang 2019).
//!
//! Only what has a part in the scores is computed, so that a mixture that one alternative has all of costs what that
//! alternative costs. Where the derivative by a coefficient of 0 is wanted, its branch is computed as well, but nothing of it is
//! kept for a gradient: by the weights in there it is 0.

use archwright_protocol::FailureKind;
use archwright_space::{OpenNetwork, Shape};
use tch::{Device, Kind, TchError, Tensor};

use crate::Problem;
use crate::model::{Compute, Mode, Model, Scores};
use crate::route::{Forward, Plain, Results, Route};

/// What a mixture's forward pass has to know of an open network.
pub(crate) struct Structure {
    /// The shape of each node's result, without the batch.
    shapes: Vec<Vec<i64>>,
    /// For nodes that mix, the places of the probabilities that make up the coefficient of each input.
    terms: Vec<Option<Vec<Vec<usize>>>>,
    probabilities: usize,
}

impl Structure {
    pub(crate) fn of(open: &OpenNetwork) -> Result<Self, Problem> {
        let sides = |shape: Shape| match shape {
            Shape::Map { channels, height, width } => vec![channels.into(), height.into(), width.into()],
            Shape::Vector(length) => vec![length.into()],
        };
        let mut terms = vec![None; open.network.nodes.len()];
        for choice in &open.choices {
            terms[choice.node] = Some(choice.terms.clone());
        }
        let shapes = open.network.shapes()?.into_iter().map(sides).collect();
        Ok(Self { shapes, terms, probabilities: open.probabilities() })
    }

    /// Length of the list of probabilities.
    pub(crate) fn probabilities(&self) -> usize {
        self.probabilities
    }
}

/// How much of a node is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Need {
    Nothing,
    /// Its result, but nothing that a gradient goes back through.
    Value,
    All,
}

/// An input of a node that mixes.
struct Part {
    input: usize,
    /// Nothing where it is 1 and its derivative is not wanted.
    coefficient: Option<Tensor>,
    /// Whether no gradient goes on to the input.
    cut: bool,
}

/// A network of all alternatives with a coefficient for each.
pub(crate) struct Mixture<'a> {
    model: &'a Model,
    structure: &'a Structure,
    need: Vec<Need>,
    /// For nodes that mix, the inputs that they read.
    parts: Vec<Option<Vec<Part>>>,
    last_use: Vec<usize>,
}

impl<'a> Mixture<'a> {
    /// The mixture of `model`, made of the open network, by a row of probabilities, which may require a gradient. Derivatives by
    /// them are wanted where `wanted` says so, by default all; there is no gradient by the others.
    ///
    /// In training, batch norms of all branches that are computed update their running statistics.
    pub(crate) fn new(
        model: &'a Model,
        structure: &'a Structure,
        probabilities: &Tensor,
        wanted: Option<&[bool]>,
    ) -> Result<Self, Problem> {
        let count = structure.probabilities;
        if probabilities.size() != [count as i64] || wanted.is_some_and(|wanted| wanted.len() != count) {
            let problem = format!("a mixture with {count} probabilities was given {:?}", probabilities.size());
            return Err(Problem::new(FailureKind::Internal, problem));
        }
        if model.layers.len() != structure.terms.len() {
            return Err(Problem::new(FailureKind::Internal, "a mixture was given another network's weights"));
        }
        let coefficients = Coefficients::of(model, probabilities, wanted)?;
        let need = Search::of(model, structure, &coefficients).run();
        let mut parts: Vec<Option<Vec<Part>>> = Vec::new();
        for (index, terms) in structure.terms.iter().enumerate() {
            parts.push(match terms {
                Some(terms) if need[index] > Need::Nothing => {
                    let inputs = model.layers[index].inputs.iter().zip(terms);
                    let read = inputs.filter(|(_, terms)| coefficients.is_read(terms, need[index]));
                    let part = |(input, terms): (&usize, &Vec<usize>)| {
                        let (coefficient, cut) = (coefficients.tensor(terms)?, coefficients.is_zero(terms));
                        Ok(Part { input: *input, coefficient, cut })
                    };
                    Some(read.map(part).collect::<Result<_, TchError>>()?)
                }
                _ => None,
            });
        }
        let mut last_use: Vec<usize> = (0..need.len()).collect();
        for (index, layer) in model.layers.iter().enumerate().filter(|(index, _)| need[*index] > Need::Nothing) {
            match (&parts[index], &layer.compute) {
                (Some(parts), _) => parts.iter().for_each(|part| last_use[part.input] = index),
                (None, Compute::Zero { .. }) => {}
                (None, _) => layer.inputs.iter().for_each(|input| last_use[*input] = index),
            }
        }
        Ok(Self { model, structure, need, parts, last_use })
    }

    fn compute(&self, index: usize, rows: i64, results: &Results, plain: Plain<'_>) -> Result<Option<Tensor>, Problem> {
        if matches!(self.model.layers[index].compute, Compute::Zero { .. }) {
            return Ok(Some(self.zeros(index, rows)?));
        }
        let Some(parts) = &self.parts[index] else { return plain() };
        let mut sum: Option<Tensor> = None;
        for Part { input, coefficient, cut } in parts {
            let result = results[*input].as_ref();
            let result = result.ok_or_else(|| TchError::Torch("a result was dropped before its use".into()))?;
            let result = if *cut { result.f_detach()? } else { result.shallow_clone() };
            sum = Some(match (sum, coefficient) {
                (None, None) => result,
                (None, Some(coefficient)) => result.f_mul(coefficient)?,
                (Some(sum), None) => sum.f_add(&result)?,
                // Multiplies and adds in one pass over memory.
                (Some(sum), Some(coefficient)) => sum.f_addcmul(&result, coefficient)?,
            });
        }
        Ok(Some(sum.map_or_else(|| self.zeros(index, rows), Ok)?))
    }

    /// Zeros in the shape of a node's result.
    fn zeros(&self, index: usize, rows: i64) -> Result<Tensor, TchError> {
        let shape: Vec<i64> = [rows].iter().chain(&self.structure.shapes[index]).copied().collect();
        Tensor::f_zeros(shape, (self.model.kind(), self.model.device()))
    }
}

impl Route for Mixture<'_> {
    fn last_use(&self) -> &[usize] {
        &self.last_use
    }

    fn result(&self, index: usize, rows: i64, results: &Results, plain: Plain<'_>) -> Result<Option<Tensor>, Problem> {
        match self.need[index] {
            Need::Nothing => Ok(None),
            Need::Value => tch::no_grad(|| self.compute(index, rows, results, plain)),
            Need::All => self.compute(index, rows, results, plain),
        }
    }
}

impl Forward for Mixture<'_> {
    fn model(&self) -> &Model {
        self.model
    }

    fn forward(&self, input: &Tensor, mode: Mode) -> Result<Scores, Problem> {
        self.model.forward_along(self, input, mode)
    }

    fn unroll(&self, tokens: &Tensor, states: &mut [Tensor], mode: Mode) -> Result<Scores, Problem> {
        self.model.unroll_along(self, tokens, states, mode)
    }
}

/// The probabilities one by one.
struct Coefficients<'a> {
    values: Vec<f64>,
    /// Those that are not wanted are cut off from the gradient.
    tensors: Vec<Tensor>,
    wanted: Option<&'a [bool]>,
}

impl<'a> Coefficients<'a> {
    fn of(model: &Model, probabilities: &Tensor, wanted: Option<&'a [bool]>) -> Result<Self, Problem> {
        let values = Vec::try_from(probabilities.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?)?;
        let mut tensors = if values.is_empty() {
            Vec::new()
        } else {
            probabilities.f_to_device(model.device())?.f_to_kind(model.kind())?.f_unbind(0)?
        };
        for (tensor, wanted) in tensors.iter_mut().zip(wanted.unwrap_or_default()) {
            if !wanted {
                *tensor = tensor.f_detach()?;
            }
        }
        Ok(Self { values, tensors, wanted })
    }

    fn is_wanted(&self, terms: &[usize]) -> bool {
        terms.iter().any(|term| self.wanted.is_none_or(|wanted| wanted[*term]))
    }

    fn is_zero(&self, terms: &[usize]) -> bool {
        terms.iter().all(|term| self.values[*term] == 0.0)
    }

    /// Whether a node that mixes reads the input with these terms. By a coefficient of 0 within what has itself one of 0
    /// the derivative is 0.
    fn is_read(&self, terms: &[usize], need: Need) -> bool {
        !self.is_zero(terms) || (need == Need::All && self.is_wanted(terms))
    }

    /// The sum of the terms; nothing where it is 1 and no derivative is wanted.
    fn tensor(&self, terms: &[usize]) -> Result<Option<Tensor>, TchError> {
        let value: f64 = terms.iter().map(|term| self.values[*term]).sum();
        let [first, rest @ ..] = terms else { return Tensor::f_zeros([], (Kind::Float, Device::Cpu)).map(Some) };
        if value == 1.0 && !self.is_wanted(terms) {
            return Ok(None);
        }
        let mut sum = self.tensors[*first].shallow_clone();
        for term in rest {
            sum = sum.f_add(&self.tensors[*term])?;
        }
        Ok(Some(sum))
    }
}

/// Goes back from what comes out to what it needs.
struct Search<'a> {
    model: &'a Model,
    structure: &'a Structure,
    coefficients: &'a Coefficients<'a>,
    need: Vec<Need>,
}

impl<'a> Search<'a> {
    fn of(model: &'a Model, structure: &'a Structure, coefficients: &'a Coefficients<'a>) -> Self {
        Self { model, structure, coefficients, need: vec![Need::Nothing; model.layers.len()] }
    }

    fn run(mut self) -> Vec<Need> {
        let layers = self.model.layers.iter().enumerate();
        let heads = layers.filter(|(_, layer)| matches!(layer.compute, Compute::Auxiliary)).map(|(index, _)| index);
        let roots = heads.chain(self.need.len().checked_sub(1)).collect();
        self.reach(roots, Need::All);
        let mut branches = Vec::new();
        for (index, terms) in self.structure.terms.iter().enumerate() {
            if let (Some(terms), Need::All) = (terms, self.need[index]) {
                let inputs = self.model.layers[index].inputs.iter().zip(terms);
                let blind = inputs.filter(|(_, terms)| {
                    self.coefficients.is_zero(terms) && self.coefficients.is_read(terms, Need::All)
                });
                branches.extend(blind.map(|(input, _)| *input));
            }
        }
        self.reach(branches, Need::Value);
        self.need
    }

    /// Marks what nodes need that goes into the scores.
    fn reach(&mut self, mut open: Vec<usize>, need: Need) {
        while let Some(index) = open.pop() {
            if self.need[index] >= need {
                continue;
            }
            self.need[index] = need;
            let layer = &self.model.layers[index];
            match (&self.structure.terms[index], &layer.compute) {
                (Some(terms), _) => {
                    let inputs = layer.inputs.iter().zip(terms);
                    let read = inputs.filter(|(_, terms)| !self.coefficients.is_zero(terms));
                    open.extend(read.map(|(input, _)| *input));
                }
                // Its result is known from its shape.
                (None, Compute::Zero { .. }) => {}
                (None, _) => open.extend(&layer.inputs),
            }
            let states = self.model.steps.states.iter().filter(|state| state.node == index);
            open.extend(states.map(|state| state.source));
        }
    }
}
