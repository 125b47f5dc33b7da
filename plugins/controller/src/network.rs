//! The LSTM, its output layers, and their derivatives.

use archwright_sdk::Rng;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Zip, s};

use crate::choices::{Choices, Step};
use crate::controller::Settings;

/// Numbers kept at once of the way forward: 32 MiB; in tests so few that small batches come in parts.
const TRACE: usize = if cfg!(test) { 1 << 10 } else { 1 << 22 };

/// Numbers that the way forward keeps for each unit: four gates, the cell, its squashed value, the output.
const KEPT: usize = 7;

/// The weights, and what follows from them.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    hidden: usize,
    layers: usize,
    /// Factor of raw scores: one over the temperature.
    sharpness: f64,
    tanh_constant: f64,
    /// By place: see [`Network::new`].
    pub(crate) weights: Vec<Array2<f64>>,
    /// What the lowest layer's gates get from each embedding. It is the same in all steps and points, and so computed when
    /// it is first needed after the weights changed.
    fed: Array2<f64>,
    is_fed: Vec<bool>,
}

const EMBEDDINGS: usize = 0;

/// Gates from the layer's input, one row for each gate of each unit: input, forget, output, candidate.
fn from_input(layer: usize) -> usize {
    1 + 3 * layer
}

/// Gates from the layer's own output a step before.
fn from_before(layer: usize) -> usize {
    2 + 3 * layer
}

fn gate_bias(layer: usize) -> usize {
    3 + 3 * layer
}

/// The state of all layers after a step, one row for each point.
#[derive(Clone, Debug)]
struct State {
    cells: Vec<Array2<f64>>,
    outputs: Vec<Array2<f64>>,
}

/// One layer in one step.
struct Activations {
    gates: Array2<f64>,
    cell: Array2<f64>,
    squashed: Array2<f64>,
    output: Array2<f64>,
}

/// The distribution of one step.
pub(crate) struct Distribution {
    logs: Vec<f64>,
    /// Derivatives of the scores in the softmax by those of the output layer.
    slopes: Vec<f64>,
}

/// What is told of each point, by its place, and says what a change of it would be worth: see [`Network::pass`].
type Visit<'a> = dyn FnMut(usize, &[Distribution]) -> Option<Vec<Vec<f64>>> + 'a;

/// A point on its way through the network: its state.
pub(crate) struct Walk(State);

impl Network {
    /// Weights drawn evenly from the initial range; biases are 0.
    pub(crate) fn new(choices: &Choices, settings: &Settings, rng: &mut Rng) -> Self {
        let Settings { hidden, layers, temperature, tanh_constant, initial_range } = *settings;
        let mut draw = |rows: usize, columns: usize| {
            Array2::from_shape_fn((rows, columns), |_| (2.0 * rng.uniform() - 1.0) * initial_range)
        };
        let mut weights = vec![draw(choices.tokens(), hidden)];
        for _ in 0..layers {
            weights.extend([draw(4 * hidden, hidden), draw(4 * hidden, hidden), Array2::zeros((1, 4 * hidden))]);
        }
        for decision in 0..choices.len() {
            // A single value needs no scores.
            let count = if choices.count(decision) > 1 { choices.count(decision) } else { 0 };
            weights.extend([draw(count, hidden), Array2::zeros((1, count))]);
        }
        Self {
            hidden,
            layers,
            sharpness: 1.0 / temperature,
            tanh_constant,
            weights,
            fed: Array2::zeros((choices.tokens(), 4 * hidden)),
            is_fed: vec![false; choices.tokens()],
        }
    }

    /// To be called after the weights changed.
    pub(crate) fn changed(&mut self) {
        self.is_fed.fill(false);
    }

    /// Multiply-adds of one step forward.
    pub(crate) fn work(&self) -> u64 {
        // What the lowest layer gets from its input is computed once for each embedding.
        4 * (self.hidden as u64).pow(2) * (2 * self.layers as u64 - 1)
    }

    fn output(&self, decision: usize) -> usize {
        1 + 3 * self.layers + 2 * decision
    }

    fn feed(&mut self, token: usize) {
        if !std::mem::replace(&mut self.is_fed[token], true) {
            let fed = self.weights[from_input(0)].dot(&self.weights[EMBEDDINGS].row(token));
            self.fed.row_mut(token).assign(&(fed + self.weights[gate_bias(0)].row(0)));
        }
    }

    fn start(&self, rows: usize) -> State {
        let zeros = vec![Array2::zeros((rows, self.hidden)); self.layers];
        State { cells: zeros.clone(), outputs: zeros }
    }

    /// One layer in one step. `gates` are what they get from the layer's input.
    fn activate(
        &self,
        layer: usize,
        mut gates: Array2<f64>,
        before: Option<(ArrayView2<'_, f64>, ArrayView2<'_, f64>)>,
    ) -> Activations {
        let (rows, hidden) = (gates.nrows(), self.hidden);
        // Before the first step there is nothing, which adds nothing.
        if let Some((_, output)) = before {
            gates += &transform(output, &self.weights[from_before(layer)]);
        }
        let mut cell = Array2::zeros((rows, hidden));
        for row in 0..rows {
            let mut gates = gates.row_mut(row);
            gates.slice_mut(s![..3 * hidden]).mapv_inplace(|one| 1.0 / (1.0 + (-one).exp()));
            gates.slice_mut(s![3 * hidden..]).mapv_inplace(f64::tanh);
            let (input, candidate) = (gates.slice(s![..hidden]), gates.slice(s![3 * hidden..]));
            let mut cell = cell.row_mut(row);
            Zip::from(&mut cell).and(input).and(candidate).for_each(|cell, input, one| *cell = input * one);
            if let Some((old, _)) = before {
                let forget = gates.slice(s![hidden..2 * hidden]);
                Zip::from(&mut cell).and(forget).and(old.row(row)).for_each(|cell, forget, old| *cell += forget * old);
            }
        }
        let squashed = cell.mapv(f64::tanh);
        let output = &squashed * &gates.slice(s![.., 2 * hidden..3 * hidden]);
        Activations { gates, cell, squashed, output }
    }

    /// All layers in one step, from the lowest up; `tokens` are fed.
    fn advance(&self, tokens: &[usize], before: Option<&State>) -> Vec<Activations> {
        let rows = tokens.len();
        let mut step: Vec<Activations> = Vec::with_capacity(self.layers);
        for layer in 0..self.layers {
            let gates = match step.last() {
                None => self.fed.select(Axis(0), tokens),
                Some(below) => {
                    transform(below.output.view(), &self.weights[from_input(layer)]) + &self.weights[gate_bias(layer)]
                }
            };
            let before = before
                .map(|state| (state.cells[layer].slice(s![..rows, ..]), state.outputs[layer].slice(s![..rows, ..])));
            step.push(self.activate(layer, gates, before));
        }
        step
    }

    fn distribution(&self, decision: usize, output: ArrayView1<'_, f64>) -> Distribution {
        let place = self.output(decision);
        let scores = self.weights[place].dot(&output) + self.weights[place + 1].row(0);
        let mut logs = scores.to_vec();
        let mut slopes = vec![self.sharpness; logs.len()];
        for (score, slope) in logs.iter_mut().zip(&mut slopes) {
            *score *= self.sharpness;
            if self.tanh_constant > 0.0 {
                let squashed = score.tanh();
                *score = self.tanh_constant * squashed;
                *slope *= self.tanh_constant * (1.0 - squashed * squashed);
            }
        }
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum = logs.iter().map(|score| (score - largest).exp()).sum::<f64>().ln() + largest;
        logs.iter_mut().for_each(|score| *score -= sum);
        Distribution { logs, slopes }
    }

    /// A point before its first step.
    pub(crate) fn walk(&self) -> Walk {
        Walk(self.start(1))
    }

    /// The distribution of a walk's next step, given the step before.
    pub(crate) fn next(&mut self, walk: &mut Walk, token: usize, decision: usize) -> Distribution {
        self.feed(token);
        let step = self.advance(&[token], Some(&walk.0));
        (walk.0.cells, walk.0.outputs) = step.into_iter().map(|layer| (layer.cell, layer.output)).unzip();
        self.distribution(decision, walk.0.outputs[self.layers - 1].row(0))
    }

    /// Goes through points, told as their steps, and for each gives `visit` its place and the distributions of its steps.
    /// What comes back is by how much more a change of the logarithms of the probabilities of all values of each step would
    /// be worth; their derivatives by the weights are added to `gradient`. `None`: no derivatives are wanted.
    pub(crate) fn pass(
        &mut self,
        choices: &Choices,
        points: &[Vec<Step>],
        visit: &mut Visit<'_>,
        gradient: Option<&mut [Array2<f64>]>,
    ) {
        // Longest first: the points that are still under way in a step are the first rows.
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(points[*place].len()));
        let longest = order.first().map_or(0, |place| points[*place].len());
        let rows = (TRACE / (KEPT * self.hidden * self.layers * longest.max(1))).max(1);
        let mut gradient = gradient;
        for part in order.chunks(rows) {
            self.pass_part(choices, points, part, visit, gradient.as_deref_mut());
        }
    }

    fn pass_part(
        &mut self,
        choices: &Choices,
        points: &[Vec<Step>],
        part: &[usize],
        visit: &mut Visit<'_>,
        gradient: Option<&mut [Array2<f64>]>,
    ) {
        let mut distributions: Vec<Vec<Distribution>> = part.iter().map(|_| Vec::new()).collect();
        let mut trace: Vec<(Vec<usize>, Vec<Activations>)> = Vec::new();
        let mut state: Option<State> = None;
        let longest = part.first().map_or(0, |place| points[*place].len());
        for time in 0..longest {
            let rows = part.partition_point(|place| points[*place].len() > time);
            let before = |place: &usize| time.checked_sub(1).map(|before| points[*place][before]);
            let tokens: Vec<usize> = part[..rows].iter().map(|place| choices.token(before(place))).collect();
            tokens.iter().for_each(|token| self.feed(*token));
            let step = self.advance(&tokens, state.as_ref());
            let top = &step[self.layers - 1].output;
            for (row, place) in part[..rows].iter().enumerate() {
                distributions[row].push(self.distribution(points[*place][time].decision, top.row(row)));
            }
            state = Some(State {
                cells: step.iter().map(|layer| layer.cell.clone()).collect(),
                outputs: step.iter().map(|layer| layer.output.clone()).collect(),
            });
            trace.push((tokens, step));
        }
        let worth: Vec<_> = part.iter().zip(&distributions).map(|(place, of)| visit(*place, of)).collect();
        let Some(gradient) = gradient else { return };
        // By the raw scores of all steps.
        let scores: Vec<Vec<Vec<f64>>> = worth
            .into_iter()
            .zip(&distributions)
            .map(|(worth, of)| worth.map_or(Vec::new(), |worth| worth.iter().zip(of).map(raw).collect()))
            .collect();
        self.back(points, part, &trace, &scores, gradient);
    }

    /// Back-propagation through time.
    fn back(
        &self,
        points: &[Vec<Step>],
        part: &[usize],
        trace: &[(Vec<usize>, Vec<Activations>)],
        scores: &[Vec<Vec<f64>>],
        gradient: &mut [Array2<f64>],
    ) {
        let hidden = self.hidden;
        // By the state that a step leaves, from the step after it.
        let mut later = self.start(part.len());
        let mut fed = Array2::<f64>::zeros(self.fed.dim());
        for (time, (tokens, step)) in trace.iter().enumerate().rev() {
            let rows = tokens.len();
            let mut outer = Array2::<f64>::zeros((rows, hidden));
            for (row, place) in part[..rows].iter().enumerate() {
                let Some(scores) = scores[row].get(time) else { continue };
                let weights = self.output(points[*place][time].decision);
                let output = step[self.layers - 1].output.row(row);
                for (value, by) in scores.iter().enumerate() {
                    outer.row_mut(row).scaled_add(*by, &self.weights[weights].row(value));
                    gradient[weights].row_mut(value).scaled_add(*by, &output);
                    gradient[weights + 1][[0, value]] += by;
                }
            }
            for layer in (0..self.layers).rev() {
                let before = time.checked_sub(1).map(|before| &trace[before].1[layer]);
                outer += &later.outputs[layer].slice(s![..rows, ..]);
                let by_cell = later.cells[layer].slice_mut(s![..rows, ..]);
                let gates = by_gates(&step[layer], before, &outer, by_cell);
                if let Some(before) = before {
                    let output = before.output.slice(s![..rows, ..]);
                    general_mat_mul(1.0, &gates.t(), &output, 1.0, &mut gradient[from_before(layer)]);
                    let by_output = gates.dot(&self.weights[from_before(layer)]);
                    later.outputs[layer].slice_mut(s![..rows, ..]).assign(&by_output);
                }
                if layer > 0 {
                    let below = &step[layer - 1].output;
                    general_mat_mul(1.0, &gates.t(), below, 1.0, &mut gradient[from_input(layer)]);
                    gradient[gate_bias(layer)] += &gates.sum_axis(Axis(0));
                    outer = gates.dot(&self.weights[from_input(layer)]);
                } else {
                    for (row, token) in tokens.iter().enumerate() {
                        let mut of_token = fed.row_mut(*token);
                        of_token += &gates.row(row);
                    }
                }
            }
        }
        let mut used: Vec<usize> = trace.iter().flat_map(|(tokens, _)| tokens.iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        let fed = fed.select(Axis(0), &used);
        let embeddings = self.weights[EMBEDDINGS].select(Axis(0), &used);
        general_mat_mul(1.0, &fed.t(), &embeddings, 1.0, &mut gradient[from_input(0)]);
        gradient[gate_bias(0)] += &fed.sum_axis(Axis(0));
        for (token, by) in used.iter().zip(fed.dot(&self.weights[from_input(0)]).rows()) {
            let mut of_token = gradient[EMBEDDINGS].row_mut(*token);
            of_token += &by;
        }
    }
}

impl Distribution {
    /// Logarithms of the probabilities.
    pub(crate) fn logs(&self) -> &[f64] {
        &self.logs
    }

    pub(crate) fn entropy(&self) -> f64 {
        -self.logs.iter().map(|log| log.exp() * log).sum::<f64>()
    }

    /// The first value whose probabilities up to it exceed `uniform`, in [0, 1).
    pub(crate) fn draw(&self, uniform: f64) -> usize {
        let mut sum = 0.0;
        let found = self.logs.iter().position(|log| {
            sum += log.exp();
            uniform < sum
        });
        // Rounding may leave the sum a little below 1.
        found.unwrap_or(self.logs.len() - 1)
    }
}

/// Derivatives by raw scores from those by the logarithms of probabilities.
fn raw((worth, of): (&Vec<f64>, &Distribution)) -> Vec<f64> {
    let sum: f64 = worth.iter().sum();
    let one = |((worth, log), slope): ((&f64, &f64), &f64)| (worth - log.exp() * sum) * slope;
    worth.iter().zip(&of.logs).zip(&of.slopes).map(one).collect()
}

/// `rows` times the transpose of `weights`. A single row takes the way that needs the fewest instructions for it.
fn transform(rows: ArrayView2<'_, f64>, weights: &Array2<f64>) -> Array2<f64> {
    if rows.nrows() == 1 {
        let product: Array1<f64> = weights.dot(&rows.row(0));
        product.insert_axis(Axis(0))
    } else {
        rows.dot(&weights.t())
    }
}

/// Derivatives by the gates before they are squashed, from those by the layer's output and, in `by_cell`, by its cell; leaves
/// there what goes on to the cell a step before.
fn by_gates(
    layer: &Activations,
    before: Option<&Activations>,
    by_output: &Array2<f64>,
    mut by_cell: ndarray::ArrayViewMut2<'_, f64>,
) -> Array2<f64> {
    let (rows, hidden) = by_output.dim();
    let mut by = Array2::zeros((rows, 4 * hidden));
    for row in 0..rows {
        let (gates, squashed) = (layer.gates.row(row), layer.squashed.row(row));
        let mut by = by.row_mut(row);
        for unit in 0..hidden {
            let (input, forget) = (gates[unit], gates[hidden + unit]);
            let (output, candidate) = (gates[2 * hidden + unit], gates[3 * hidden + unit]);
            let (outer, squashed) = (by_output[[row, unit]], squashed[unit]);
            let cell = by_cell[[row, unit]] + outer * output * (1.0 - squashed * squashed);
            let old = before.map_or(0.0, |before| before.cell[[row, unit]]);
            by[unit] = cell * candidate * input * (1.0 - input);
            by[hidden + unit] = cell * old * forget * (1.0 - forget);
            by[2 * hidden + unit] = outer * squashed * output * (1.0 - output);
            by[3 * hidden + unit] = cell * input * (1.0 - candidate * candidate);
            by_cell[[row, unit]] = cell * forget;
        }
    }
    by
}
