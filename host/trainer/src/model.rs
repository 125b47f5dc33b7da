//! Networks as libtorch computes them.

use archwright_space::{Network, Op, Shape};
use tch::{Device, Kind, TchError, Tensor};

use crate::Problem;
use crate::convolution::Convolution;
use crate::route::{Results, Route, Whole};
use crate::unroll::Steps;

/// Momentum and epsilon of batch norms, as everywhere in the literature.
const MOMENTUM: f64 = 0.1;
const EPSILON: f64 = 1e-5;
/// Bound of an embedding's first weights, which are uniform (Merity, Keskar & Socher 2018).
const EMBEDDING_BOUND: f64 = 0.1;

/// A network with its weights.
pub(crate) struct Model {
    pub(crate) layers: Vec<Layer>,
    /// For each node, the node after which its result is not needed any more.
    last_use: Vec<usize>,
    /// All trainable parameters in one row; `parameters` are views of it.
    pub(crate) flat: Tensor,
    parameters: Vec<Tensor>,
    /// Names of the parameters, e.g. `stem/conv2d/weight`.
    pub(crate) names: Vec<String>,
    /// Running statistics of batch norms, by name; none in a model for derivatives.
    pub(crate) buffers: Vec<(String, Tensor)>,
    /// How it goes from step to step of a sequence.
    pub(crate) steps: Steps,
    /// The parameter with the embedding's weights.
    embedding: Option<usize>,
    /// Compute convolutions and fully connected layers in bfloat16.
    bf16: bool,
}

/// How a forward pass goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    /// Training, dropping paths with this probability.
    Train { drop_path: f64 },
    /// Evaluation: running statistics, nothing dropped.
    Evaluate,
    /// As evaluation, but batch norms use the batch's statistics, and their running ones become the mean over `seen`
    /// batches before and this one.
    Calibrate { seen: u32 },
}

/// Results of a forward pass: class scores in the weights' precision, rows are examples.
pub(crate) struct Scores {
    pub(crate) output: Tensor,
    pub(crate) auxiliary: Vec<Tensor>,
}

pub(crate) struct Layer {
    pub(crate) compute: Compute,
    pub(crate) inputs: Vec<usize>,
}

/// An operation with the places of its parameters and buffers.
pub(crate) enum Compute {
    Input,
    Conv { weight: usize, bias: Option<usize>, convolution: Convolution },
    BatchNorm { weights: Option<[usize; 2]>, statistics: [usize; 2] },
    Linear { weight: usize, bias: Option<usize> },
    Embedding { weight: usize },
    TiedLinear { bias: Option<usize> },
    State,
    SetState,
    MaxPool { kernel: [i64; 2], stride: [i64; 2], padding: [i64; 2] },
    AvgPool { kernel: [i64; 2], stride: [i64; 2], padding: [i64; 2], count_include_pad: bool },
    Zero { stride: [i64; 2] },
    Shift { rows: i64, columns: i64 },
    Truncate { channels: i64 },
    Dropout(f64),
    LockedDropout(f64),
    DropPath,
    Auxiliary,
    Add,
    Multiply,
    Mean,
    Concat,
    Pass(fn(&Tensor) -> Result<Tensor, TchError>),
}

/// How a parameter starts.
pub(crate) enum Start {
    /// Uniform in plus or minus this bound.
    Uniform(f64),
    One,
    Zero,
}

/// Parameters and buffers while a model is built.
#[derive(Default)]
struct Plan {
    parameters: Vec<(String, Vec<i64>, Start)>,
    buffers: Vec<(String, i64, f64)>,
}

impl Plan {
    fn parameter(&mut self, node: &str, name: &str, shape: Vec<i64>, start: Start) -> usize {
        self.parameters.push((format!("{node}/{name}"), shape, start));
        self.parameters.len() - 1
    }

    fn buffer(&mut self, node: &str, name: &str, length: i64, value: f64) -> usize {
        self.buffers.push((format!("{node}/{name}"), length, value));
        self.buffers.len() - 1
    }
}

impl Model {
    /// A network with fresh weights, drawn from libtorch's generator in the order of the nodes, as PyTorch's layers start:
    /// uniform with a variance of a third of the inverse fan-in (`kaiming_uniform_` with a = sqrt 5; He et al. 2015).
    pub(crate) fn new(network: &Network, device: Device, bf16: bool) -> Result<Self, Problem> {
        let parameter = |_: &str, shape: &[i64], start: &Start| Ok(start.draw(shape)?);
        let buffer = |_: &str, length, value| Ok(Tensor::f_full([length], value, (Kind::Float, device))?);
        Self::with(network, device, bf16, parameter, buffer)
    }

    /// A network with copies of the parameters that `parameter` gives for names, shapes and starts, and with the very buffers
    /// that `buffer` gives for names, lengths and first values.
    pub(crate) fn with(
        network: &Network,
        device: Device,
        bf16: bool,
        parameter: impl FnMut(&str, &[i64], &Start) -> Result<Tensor, Problem>,
        buffer: impl FnMut(&str, i64, f64) -> Result<Tensor, Problem>,
    ) -> Result<Self, Problem> {
        Self::in_kind(network, (Kind::Float, device), bf16, parameter, buffer)
    }

    /// As [`Model::with`], in another precision than 32 bits.
    pub(crate) fn in_kind(
        network: &Network,
        options: (Kind, Device),
        bf16: bool,
        parameter: impl FnMut(&str, &[i64], &Start) -> Result<Tensor, Problem>,
        mut buffer: impl FnMut(&str, i64, f64) -> Result<Tensor, Problem>,
    ) -> Result<Self, Problem> {
        network.footprint()?;
        let shapes = network.shapes()?;
        let mut plan = Plan::default();
        let layers = network
            .nodes
            .iter()
            .map(|node| {
                let input = node.inputs.first().map(|input| shapes[*input]);
                Ok(Layer { compute: compute(&mut plan, &node.name, &node.op, input)?, inputs: node.inputs.clone() })
            })
            .collect::<Result<Vec<_>, Problem>>()?;
        let mut last_use: Vec<usize> = (0..layers.len()).collect();
        for (index, layer) in layers.iter().enumerate() {
            layer.inputs.iter().for_each(|input| last_use[*input] = index);
        }
        let (flat, parameters) = allocate(&plan, options, parameter)?;
        let buffers = plan
            .buffers
            .iter()
            .map(|(name, length, value)| Ok((name.clone(), buffer(name, *length, *value)?)))
            .collect::<Result<_, Problem>>()?;
        let names = plan.parameters.into_iter().map(|(name, _, _)| name).collect();
        let steps = Steps::of(network);
        let embedding = layers.iter().find_map(|layer| match layer.compute {
            Compute::Embedding { weight } => Some(weight),
            _ => None,
        });
        Ok(Self { layers, last_use, flat, parameters, names, buffers, steps, embedding, bf16 })
    }

    /// The parameters, in the order of their names.
    pub(crate) fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }

    /// The same for derivatives: batch norms normalise by the batch and leave no trace of it.
    pub(crate) fn without_statistics(self) -> Self {
        Self { buffers: Vec::new(), ..self }
    }

    /// The same with weights that get no gradient.
    pub(crate) fn fixed(mut self) -> Result<Self, TchError> {
        self.parameters = self.parameters.iter().map(Tensor::f_detach).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The device that it computes on.
    pub(crate) fn device(&self) -> Device {
        self.flat.device()
    }

    /// The precision of its weights.
    pub(crate) fn kind(&self) -> Kind {
        self.flat.kind()
    }

    /// The gradient of a loss by all parameters, in one row.
    pub(crate) fn gradient(&self, loss: &Tensor) -> Result<Tensor, TchError> {
        let gradients = Tensor::f_run_backward(&[loss], &self.parameters, false, false)?;
        let rows = gradients.iter().zip(&self.parameters);
        // What has no part in the loss, such as a head without weight, gets no gradient.
        let row = |(gradient, parameter): (&Tensor, &Tensor)| match gradient.defined() {
            true => gradient.f_reshape([-1]),
            false => parameter.f_zeros_like()?.f_view([-1]),
        };
        let rows = rows.map(row).collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() { self.flat.f_zeros_like() } else { Tensor::f_cat(&rows, 0) }
    }

    /// Scores of a batch of images (examples x channels x height x width).
    pub(crate) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Scores, Problem> {
        self.forward_along(&Whole(&self.last_use), input, mode)
    }

    /// As [`Model::forward`], on a way of its own.
    pub(crate) fn forward_along(&self, route: &dyn Route, input: &Tensor, mode: Mode) -> Result<Scores, Problem> {
        let rows = input.size().first().copied().unwrap_or(0);
        let mut results: Results = Vec::with_capacity(self.layers.len());
        let mut auxiliary = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let result = match &layer.compute {
                Compute::Input => Some(input.shallow_clone()),
                Compute::Auxiliary => {
                    if let (Mode::Train { .. }, Some(scores)) = (mode, &results[layer.inputs[0]]) {
                        auxiliary.push(scores.f_to_kind(self.kind())?);
                    }
                    None
                }
                compute => {
                    let mut plain = || self.compute(compute, &layer.inputs, &results, mode).map(Some);
                    route.result(index, rows, &results, &mut plain)?
                }
            };
            results.push(result);
            for input in &layer.inputs {
                if route.last_use()[*input] == index {
                    results[*input] = None;
                }
            }
        }
        let output = results.pop().flatten();
        let output = output.ok_or_else(|| Problem::from(TchError::Torch("the network gives nothing".into())))?;
        Ok(Scores { output: output.f_to_kind(self.kind())?, auxiliary })
    }

    /// The result of an operation, from results by node.
    pub(crate) fn compute(
        &self,
        compute: &Compute,
        inputs: &[usize],
        results: &[Option<Tensor>],
        mode: Mode,
    ) -> Result<Tensor, Problem> {
        let get = |index: usize| {
            results[index].as_ref().ok_or_else(|| TchError::Torch("a result was dropped before its use".into()))
        };
        let x = get(inputs[0])?;
        let training = matches!(mode, Mode::Train { .. });
        Ok(match compute {
            Compute::Conv { weight, bias, convolution } => {
                let (x, weight, bias) = self.lowered(x, *weight, *bias)?;
                convolution.of(&x, &weight, bias.as_ref(), training)?
            }
            Compute::Linear { weight, bias } => {
                let (x, weight, bias) = self.lowered(x, *weight, *bias)?;
                x.f_linear(&weight, bias.as_ref())?
            }
            Compute::Embedding { weight } => Tensor::f_embedding(&self.parameters[*weight], x, -1, false, false)?,
            Compute::TiedLinear { bias } => {
                let embedding =
                    self.embedding.ok_or_else(|| TchError::Torch("there is no embedding to share".into()))?;
                let (x, weight, bias) = self.lowered(x, embedding, *bias)?;
                x.f_linear(&weight, bias.as_ref())?
            }
            Compute::BatchNorm { weights, statistics } => x.f_batch_norm(
                weights.map(|[weight, _]| &self.parameters[weight]),
                weights.map(|[_, bias]| &self.parameters[bias]),
                self.buffers.get(statistics[0]).map(|(_, mean)| mean),
                self.buffers.get(statistics[1]).map(|(_, variance)| variance),
                !matches!(mode, Mode::Evaluate),
                if let Mode::Calibrate { seen } = mode { 1.0 / (f64::from(seen) + 1.0) } else { MOMENTUM },
                EPSILON,
                true,
            )?,
            Compute::MaxPool { kernel, stride, padding } => x.f_max_pool2d(kernel, stride, padding, [1, 1], false)?,
            Compute::AvgPool { kernel, stride, padding, count_include_pad } => {
                x.f_avg_pool2d(kernel, stride, padding, false, *count_include_pad, None)?
            }
            Compute::Zero { stride } => {
                x.f_slice(2, None, None, stride[0])?.f_slice(3, None, None, stride[1])?.f_zeros_like()?
            }
            Compute::Shift { rows, columns } => shift(x, *rows, *columns)?,
            Compute::Truncate { channels } => x.f_slice(1, None, *channels, 1)?,
            // In a sequence it is locked by the caller; an image is a sequence of one step.
            Compute::Dropout(rate) | Compute::LockedDropout(rate) => x.f_dropout(*rate, training)?,
            Compute::DropPath => match mode {
                Mode::Train { drop_path } if drop_path > 0.0 => {
                    let keep = 1.0 - drop_path;
                    let examples = x.size()[0];
                    let mut shape = vec![1; x.dim()];
                    shape[0] = examples;
                    let mask = Tensor::f_full(shape, keep, (x.kind(), x.device()))?.f_bernoulli()?;
                    x.f_mul(&mask.f_div_scalar(keep)?)?
                }
                _ => x.shallow_clone(),
            },
            Compute::Add => fold(inputs, get, Tensor::f_add)?,
            Compute::Multiply => fold(inputs, get, Tensor::f_mul)?,
            Compute::Mean => fold(inputs, get, Tensor::f_add)?.f_div_scalar(inputs.len() as f64)?,
            Compute::Concat => {
                let parts = inputs.iter().map(|input| get(*input)).collect::<Result<Vec<_>, _>>()?;
                Tensor::f_cat(&parts, 1)?
            }
            Compute::Pass(pass) => pass(x)?,
            // Handled by the caller.
            Compute::Input | Compute::Auxiliary | Compute::State | Compute::SetState => x.shallow_clone(),
        })
    }

    /// Input, weight and bias in the precision to compute in.
    fn lowered(
        &self,
        x: &Tensor,
        weight: usize,
        bias: Option<usize>,
    ) -> Result<(Tensor, Tensor, Option<Tensor>), TchError> {
        let weight = &self.parameters[weight];
        let bias = bias.map(|bias| &self.parameters[bias]);
        if !self.bf16 {
            return Ok((x.shallow_clone(), weight.shallow_clone(), bias.map(Tensor::shallow_clone)));
        }
        let lower = |tensor: &Tensor| tensor.f_to_kind(Kind::BFloat16);
        Ok((lower(x)?, lower(weight)?, bias.map(lower).transpose()?))
    }
}

impl Start {
    /// A first value, on the CPU, so that a seed means the same weights on every device.
    pub(crate) fn draw(&self, shape: &[i64]) -> Result<Tensor, TchError> {
        let options = (Kind::Float, Device::Cpu);
        match self {
            Self::Uniform(bound) => Tensor::f_empty(shape, options)?.f_uniform_(-bound, *bound),
            Self::One => Tensor::f_ones(shape, options),
            Self::Zero => Tensor::f_zeros(shape, options),
        }
    }
}

/// One row for all parameters, and the parameters as trainable views of it.
fn allocate(
    plan: &Plan,
    options: (Kind, Device),
    mut parameter: impl FnMut(&str, &[i64], &Start) -> Result<Tensor, Problem>,
) -> Result<(Tensor, Vec<Tensor>), Problem> {
    // One concatenation instead of a copy for each: a supergraph has thousands.
    let (kind, device) = options;
    let row = |(name, shape, start): &(String, Vec<i64>, Start)| {
        Ok(parameter(name, shape, start)?.f_to_device(device)?.f_to_kind(kind)?.f_reshape([-1])?)
    };
    let rows = plan.parameters.iter().map(row).collect::<Result<Vec<_>, Problem>>()?;
    let flat = if rows.is_empty() { Tensor::f_zeros([0], options)? } else { Tensor::f_cat(&rows, 0)?.f_detach()? };
    let mut parameters = Vec::new();
    let mut offset = 0;
    for (_, shape, _) in &plan.parameters {
        let length = shape.iter().product();
        let view = flat.f_narrow(0, offset, length)?.f_view(shape.as_slice())?;
        offset += length;
        parameters.push(view.f_detach()?.f_set_requires_grad(true)?);
    }
    Ok((flat, parameters))
}

fn compute(plan: &mut Plan, name: &str, op: &Op, input: Option<Shape>) -> Result<Compute, Problem> {
    let channels = i64::from(input.map_or(0, Shape::channels));
    let pair = |pair: [u32; 2]| pair.map(i64::from);
    Ok(match op {
        Op::Input { .. } => Compute::Input,
        Op::Conv2d { out_channels, kernel, stride, padding, dilation, groups, bias } => {
            let [rows, columns] = pair(*kernel);
            let fan_in = channels / i64::from(*groups) * rows * columns;
            let (weight, bias) = weights(plan, name, (*out_channels).into(), fan_in, *bias, |out| {
                vec![out, channels / i64::from(*groups), rows, columns]
            });
            let (stride, padding, dilation) = (pair(*stride), pair(*padding), pair(*dilation));
            Compute::Conv {
                weight,
                bias,
                convolution: Convolution { stride, padding, dilation, groups: (*groups).into() },
            }
        }
        Op::Linear { out_features, bias } => {
            let (weight, bias) =
                weights(plan, name, (*out_features).into(), channels, *bias, |out| vec![out, channels]);
            Compute::Linear { weight, bias }
        }
        Op::Embedding { vocabulary, features } => Compute::Embedding {
            weight: plan.parameter(
                name,
                "weight",
                vec![(*vocabulary).into(), (*features).into()],
                Start::Uniform(EMBEDDING_BOUND),
            ),
        },
        Op::TiedLinear { out_features, bias } => {
            let start = Start::Uniform(bound(channels));
            Compute::TiedLinear {
                bias: bias.then(|| plan.parameter(name, "bias", vec![(*out_features).into()], start)),
            }
        }
        Op::State { .. } => Compute::State,
        Op::SetState { .. } => Compute::SetState,
        Op::BatchNorm { affine } => Compute::BatchNorm {
            weights: affine.then(|| {
                [
                    plan.parameter(name, "weight", vec![channels], Start::One),
                    plan.parameter(name, "bias", vec![channels], Start::Zero),
                ]
            }),
            statistics: [
                plan.buffer(name, "running_mean", channels, 0.0),
                plan.buffer(name, "running_var", channels, 1.0),
            ],
        },
        Op::MaxPool { kernel, stride, padding } => {
            Compute::MaxPool { kernel: pair(*kernel), stride: pair(*stride), padding: pair(*padding) }
        }
        Op::AvgPool { kernel, stride, padding, count_include_pad } => Compute::AvgPool {
            kernel: pair(*kernel),
            stride: pair(*stride),
            padding: pair(*padding),
            count_include_pad: *count_include_pad,
        },
        Op::Zero { stride } => Compute::Zero { stride: pair(*stride) },
        Op::Shift { rows, columns } => Compute::Shift { rows: (*rows).into(), columns: (*columns).into() },
        Op::Truncate { channels } => Compute::Truncate { channels: (*channels).into() },
        Op::Dropout { rate } => Compute::Dropout(*rate),
        Op::LockedDropout { rate } => Compute::LockedDropout(*rate),
        Op::DropPath => Compute::DropPath,
        Op::Auxiliary => Compute::Auxiliary,
        Op::Add => Compute::Add,
        Op::Multiply => Compute::Multiply,
        Op::Mean => Compute::Mean,
        Op::Concat => Compute::Concat,
        Op::Relu => Compute::Pass(Tensor::f_relu),
        Op::Relu6 => Compute::Pass(Tensor::f_relu6),
        Op::Gelu => Compute::Pass(|x| x.f_gelu("none")),
        Op::Silu => Compute::Pass(Tensor::f_silu),
        Op::HardSwish => Compute::Pass(Tensor::f_hardswish),
        Op::Tanh => Compute::Pass(Tensor::f_tanh),
        Op::Sigmoid => Compute::Pass(Tensor::f_sigmoid),
        Op::Complement => Compute::Pass(|x| x.f_neg()?.f_add_scalar(1.0)),
        Op::GlobalAvgPool => Compute::Pass(|x| x.f_mean_dim([2i64, 3].as_slice(), false, None)),
        Op::Flatten => Compute::Pass(|x| x.f_flatten(1, -1)),
        Op::Identity => Compute::Pass(|x| Ok(x.shallow_clone())),
        other => {
            let problem = format!("this trainer does not know the operation `{}`", other.name());
            return Err(Problem::new(archwright_protocol::FailureKind::Unsupported, problem));
        }
    })
}

/// A weight and, where wanted, a bias, as PyTorch's convolutions and fully connected layers have them.
fn weights(
    plan: &mut Plan,
    name: &str,
    out: i64,
    fan_in: i64,
    bias: bool,
    shape: impl FnOnce(i64) -> Vec<i64>,
) -> (usize, Option<usize>) {
    let bound = bound(fan_in);
    let weight = plan.parameter(name, "weight", shape(out), Start::Uniform(bound));
    (weight, bias.then(|| plan.parameter(name, "bias", vec![out], Start::Uniform(bound))))
}

/// Bound of first weights with so many inputs.
fn bound(fan_in: i64) -> f64 {
    1.0 / (fan_in.max(1) as f64).sqrt()
}

/// The result of an operation on two tensors over all inputs.
fn fold<'a>(
    inputs: &[usize],
    get: impl Fn(usize) -> Result<&'a Tensor, TchError>,
    operation: fn(&Tensor, &Tensor) -> Result<Tensor, TchError>,
) -> Result<Tensor, TchError> {
    let mut result = get(inputs[0])?.shallow_clone();
    for input in &inputs[1..] {
        result = operation(&result, get(*input)?)?;
    }
    Ok(result)
}

/// Moves a map up and left, filling with zeros.
fn shift(x: &Tensor, rows: i64, columns: i64) -> Result<Tensor, TchError> {
    let size = x.size();
    let (rows, columns) = (rows.min(size[2]), columns.min(size[3]));
    x.f_slice(2, rows, None, 1)?.f_slice(3, columns, None, 1)?.f_constant_pad_nd([0, columns, 0, rows])
}
