//! Feed-forward networks that predict costs (White, Neiswanger & Savani 2021; details from the authors' code).

use archwright_sdk::Rng;

/// Features that are not 0, by index.
pub(crate) type Features = Vec<(usize, f64)>;

/// Adam's decays and epsilon (Kingma & Ba 2015): the authors' code sets the second decay to 0.99, not 0.999; epsilon is that of
/// Keras, which it uses.
const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.99;
const EPSILON: f64 = 1e-7;

/// How networks are made and trained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) epochs: usize,
    pub(crate) batch: usize,
    pub(crate) learning_rate: f64,
}

/// Weights and biases of a layer, or the derivatives by them.
#[derive(Clone)]
struct Layer {
    /// For each input the weights of all outputs.
    weights: Vec<f64>,
    biases: Vec<f64>,
}

/// Layers with rectified outputs, and a linear one with one output.
///
/// Examples go through one by one, in plain loops that leave out what is 0: features mostly are, and so is every other output of
/// a rectified layer. That takes half the fuel of products of matrices.
pub(crate) struct Network {
    layers: Vec<Layer>,
}

impl Network {
    /// Weights as Glorot & Bengio 2010 draw them, uniformly; biases of 0.
    pub(crate) fn new(inputs: usize, settings: &Settings, rng: &mut Rng) -> Self {
        let mut layers = Vec::with_capacity(settings.layers + 1);
        let mut from = inputs;
        for layer in 0..=settings.layers {
            let to = if layer == settings.layers { 1 } else { settings.width };
            let limit = (6.0 / (from + to) as f64).sqrt();
            let weights = (0..from * to).map(|_| limit * (2.0 * rng.uniform() - 1.0)).collect();
            layers.push(Layer { weights, biases: vec![0.0; to] });
            from = to;
        }
        Self { layers }
    }

    /// Trains on costs above 0; smaller ones count for more (the paper's loss): the mean over
    /// examples of the error as a share of the cost.
    pub(crate) fn train(&mut self, rows: &[Features], costs: &[f64], settings: &Settings, rng: &mut Rng) {
        let mut adam = Adam::new(&self.layers, settings.learning_rate);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        for _ in 0..settings.epochs {
            rng.shuffle(&mut order);
            for batch in order.chunks(settings.batch.max(1)) {
                let gradient = self.gradient(batch, rows, costs);
                adam.descend(&mut self.layers, &gradient);
            }
        }
    }

    /// The costs predicted.
    pub(crate) fn predict(&self, rows: &[Features]) -> Vec<f64> {
        let output = |row| self.forward(row).last().and_then(|outputs| outputs.first().copied()).unwrap_or(0.0);
        rows.iter().map(output).collect()
    }

    /// The outputs of each layer.
    fn forward(&self, row: &Features) -> Vec<Vec<f64>> {
        let mut outputs: Vec<Vec<f64>> = Vec::with_capacity(self.layers.len());
        let last = self.layers.len() - 1;
        for (number, layer) in self.layers.iter().enumerate() {
            let mut sums = layer.biases.clone();
            let width = sums.len();
            match outputs.last() {
                None => {
                    for (index, value) in row {
                        add_scaled(&mut sums, *value, &layer.weights[index * width..][..width]);
                    }
                }
                Some(inputs) => {
                    for (input, weights) in inputs.iter().zip(layer.weights.chunks_exact(width)) {
                        if *input != 0.0 {
                            add_scaled(&mut sums, *input, weights);
                        }
                    }
                }
            }
            if number < last {
                sums.iter_mut().for_each(|sum| *sum = sum.max(0.0));
            }
            outputs.push(sums);
        }
        outputs
    }

    /// The derivative of the mean loss of these examples by all weights and biases.
    fn gradient(&self, batch: &[usize], rows: &[Features], costs: &[f64]) -> Vec<Layer> {
        let zeros =
            |layer: &Layer| Layer { weights: vec![0.0; layer.weights.len()], biases: vec![0.0; layer.biases.len()] };
        let mut gradient: Vec<Layer> = self.layers.iter().map(zeros).collect();
        for index in batch {
            self.add_gradient(&rows[*index], costs[*index], batch.len() as f64, &mut gradient);
        }
        gradient
    }

    /// Adds one example's part of the derivative.
    fn add_gradient(&self, row: &Features, cost: f64, count: f64, gradient: &mut [Layer]) {
        let outputs = self.forward(row);
        let last = outputs.len() - 1;
        let error = outputs[last][0] / cost - 1.0;
        if error == 0.0 {
            return;
        }
        // By the sums that the layer's outputs are made of.
        let mut slopes = vec![error.signum() / (cost * count)];
        for number in (0..=last).rev() {
            let width = slopes.len();
            let Layer { weights: by_weights, biases: by_biases } = &mut gradient[number];
            add_scaled(by_biases, 1.0, &slopes);
            if number == 0 {
                for (index, value) in row {
                    add_scaled(&mut by_weights[index * width..][..width], *value, &slopes);
                }
                return;
            }
            let inputs = &outputs[number - 1];
            let mut before = vec![0.0; inputs.len()];
            let weights = self.layers[number].weights.chunks_exact(width).zip(by_weights.chunks_exact_mut(width));
            for ((input, slope), (weights, by_weights)) in inputs.iter().zip(&mut before).zip(weights) {
                // What is rectified to 0 passes nothing on, and nothing back.
                if *input > 0.0 {
                    add_scaled(by_weights, *input, &slopes);
                    *slope = dot(weights, &slopes);
                }
            }
            slopes = before;
        }
    }
}

/// How many numbers a loop takes at a time: what it takes to go round costs as much fuel as a product and a sum.
const AT_ONCE: usize = 10;

/// Adds a multiple of one list to another.
fn add_scaled(to: &mut [f64], factor: f64, list: &[f64]) {
    let ((many_to, rest_to), (many, rest)) = (to.as_chunks_mut::<AT_ONCE>(), list.as_chunks::<AT_ONCE>());
    for (to, list) in many_to.iter_mut().zip(many) {
        for place in 0..AT_ONCE {
            to[place] += factor * list[place];
        }
    }
    rest_to.iter_mut().zip(rest).for_each(|(to, value)| *to += factor * value);
}

/// The sum of the products of two lists.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let ((many_left, rest_left), (many_right, rest_right)) =
        (left.as_chunks::<AT_ONCE>(), right.as_chunks::<AT_ONCE>());
    let mut sum = rest_left.iter().zip(rest_right).map(|(left, right)| left * right).sum();
    for (left, right) in many_left.iter().zip(many_right) {
        for place in 0..AT_ONCE {
            sum += left[place] * right[place];
        }
    }
    sum
}

/// Adam (Kingma & Ba 2015, algorithm 1).
struct Adam {
    learning_rate: f64,
    /// For each weight and bias the mean of its derivatives, and that of their squares.
    means: Vec<(f64, f64)>,
    /// Powers of the decays: the weight of what the means started from.
    powers: (f64, f64),
}

impl Adam {
    fn new(layers: &[Layer], learning_rate: f64) -> Self {
        let count = layers.iter().map(|layer| layer.weights.len() + layer.biases.len()).sum();
        Self { learning_rate, means: vec![(0.0, 0.0); count], powers: (1.0, 1.0) }
    }

    fn descend(&mut self, layers: &mut [Layer], gradient: &[Layer]) {
        self.powers.0 *= FIRST_DECAY;
        self.powers.1 *= SECOND_DECAY;
        // The bias corrections in one factor, as Keras has it (the paper's section 2).
        let rate = self.learning_rate * (1.0 - self.powers.1).sqrt() / (1.0 - self.powers.0);
        let weights = layers.iter_mut().flat_map(|layer| [&mut layer.weights, &mut layer.biases]);
        let slopes = gradient.iter().flat_map(|layer| [&layer.weights, &layer.biases]);
        let mut means = self.means.as_mut_slice();
        for (weights, slopes) in weights.zip(slopes) {
            let (these, rest) = means.split_at_mut(weights.len());
            means = rest;
            for ((weight, slope), (first, second)) in weights.iter_mut().zip(slopes).zip(these) {
                *first += (1.0 - FIRST_DECAY) * (slope - *first);
                *second += (1.0 - SECOND_DECAY) * (slope * slope - *second);
                *weight -= rate * *first / (second.sqrt() + EPSILON);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { layers: 3, width: 13, epochs: 400, batch: 8, learning_rate: 0.01 };

    fn rows(count: usize, rng: &mut Rng) -> Vec<Features> {
        (0..count).map(|_| (0..4).filter(|_| rng.below(3) > 0).map(|index| (index, 1.0)).collect()).collect()
    }

    /// As the definition has it, with all zeros.
    fn reference(network: &Network, row: &Features) -> f64 {
        let width = network.layers[0].biases.len();
        let mut values = vec![0.0; network.layers[0].weights.len() / width];
        row.iter().for_each(|(index, value)| values[*index] = *value);
        let last = network.layers.len() - 1;
        for (number, Layer { weights, biases }) in network.layers.iter().enumerate() {
            let sum = |(to, bias): (usize, &f64)| {
                let inputs = values.iter().enumerate();
                bias + inputs.map(|(from, value)| value * weights[from * biases.len() + to]).sum::<f64>()
            };
            let sums = biases.iter().enumerate().map(sum);
            values = sums.map(|sum| if number < last { sum.max(0.0) } else { sum }).collect();
        }
        values[0]
    }

    fn loss(network: &Network, rows: &[Features], costs: &[f64]) -> f64 {
        let errors = rows.iter().zip(costs).map(|(row, cost)| (reference(network, row) / cost - 1.0).abs());
        errors.sum::<f64>() / rows.len() as f64
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let mut rng = Rng::new(3);
        let rows = rows(8, &mut rng);
        let costs: Vec<f64> = (0..8).map(|_| 0.2 + rng.uniform()).collect();
        let mut network = Network::new(4, &SETTINGS, &mut rng);
        // Biases other than 0, so that no sum is on the edge of a rectifier.
        let biases = network.layers.iter_mut().flat_map(|layer| &mut layer.biases);
        biases.for_each(|bias| *bias = 0.1 * rng.uniform());
        let predicted = network.predict(&rows);
        for (row, predicted) in rows.iter().zip(&predicted) {
            assert!((reference(&network, row) - predicted).abs() < 1e-12);
        }
        let gradient = network.gradient(&[0, 1, 2, 3, 4, 5, 6, 7], &rows, &costs);
        for (number, layer) in gradient.iter().enumerate() {
            for (place, found) in layer.weights.iter().chain(&layer.biases).enumerate() {
                let mut moved = |by: f64| {
                    let Layer { weights, biases } = &mut network.layers[number];
                    let weight = weights.iter_mut().chain(biases).nth(place).unwrap();
                    let before = *weight;
                    *weight += by;
                    let loss = loss(&network, &rows, &costs);
                    let Layer { weights, biases } = &mut network.layers[number];
                    *weights.iter_mut().chain(biases).nth(place).unwrap() = before;
                    loss
                };
                let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((slope - found).abs() < 1e-6, "layer {number}, {place}: {found}, not {slope}");
            }
        }
    }

    #[test]
    fn learns_a_sum() {
        let mut rng = Rng::new(0);
        let rows: Vec<Features> = (0..16_usize)
            .map(|bits| (0..4).filter(|bit| bits >> bit & 1 == 1).map(|bit| (bit, 1.0)).collect())
            .collect();
        let costs: Vec<f64> =
            rows.iter().map(|row| 0.5 + row.iter().map(|(bit, _)| *bit as f64).sum::<f64>() / 3.0).collect();
        let mut network = Network::new(4, &SETTINGS, &mut rng);
        let before = loss(&network, &rows, &costs);
        network.train(&rows, &costs, &SETTINGS, &mut rng);
        let after = loss(&network, &rows, &costs);
        assert!(after < 0.1 && after < before / 5.0, "{before} to {after}");
    }

    #[test]
    fn without_features_the_bias_learns_the_median() {
        let mut rng = Rng::new(0);
        let rows = vec![Vec::new(); 9];
        let mut network = Network::new(0, &SETTINGS, &mut rng);
        network.train(&rows, &[1.0; 9], &SETTINGS, &mut rng);
        assert!((network.predict(&rows)[0] - 1.0).abs() < 0.05);
    }
}
