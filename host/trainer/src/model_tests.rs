//! Operations against straightforward implementations of their definitions.

use archwright_space::{Network, Node, Op};
use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::model::{Mode, Model};

/// A network of one operation on an input of this shape, flattened to scores.
fn single(shape: [u32; 3], op: Op) -> Model {
    let node = |name: &str, op: Op, inputs: Vec<usize>| Node { name: name.into(), op, inputs };
    let nodes = vec![
        node("input", Op::Input { shape: shape.to_vec() }, vec![]),
        node("op", op, vec![0]),
        node("flatten", Op::Flatten, vec![1]),
    ];
    Model::new(&Network { nodes }, Device::Cpu, false).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::<f64>::try_from(tensor.to_kind(Kind::Double).contiguous().view([-1])).unwrap()
}

fn input(shape: [u32; 3], examples: i64) -> Tensor {
    tch::manual_seed(3);
    let [channels, height, width] = shape.map(i64::from);
    Tensor::randn([examples, channels, height, width], (Kind::Float, Device::Cpu))
}

fn forward(model: &Model, input: &Tensor, mode: Mode) -> Vec<f64> {
    values(&model.forward(input, mode).unwrap().output)
}

fn close(left: &[f64], right: &[f64]) {
    assert_eq!(left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        assert!((left - right).abs() < 1e-4 * (1.0 + right.abs()), "{left} {right}");
    }
}

/// How a window slides along both axes.
#[derive(Clone, Copy, Debug)]
struct Window {
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    dilation: [u32; 2],
}

/// For each channel and each place of a window, the values under it; `None` is padding.
fn windows(x: &[f64], shape: [u32; 3], window: Window) -> Vec<Vec<Vec<Option<f64>>>> {
    let [channels, height, width] = shape.map(|side| side as i64);
    let Window { kernel, stride, padding, dilation } = window;
    let places = |length: i64, axis: usize| {
        let extent = i64::from(dilation[axis] * (kernel[axis] - 1) + 1);
        (0..)
            .map(move |place| place * i64::from(stride[axis]) - i64::from(padding[axis]))
            .take_while(move |start| start + extent <= length + i64::from(padding[axis]))
    };
    (0..channels)
        .map(|channel| {
            let mut all = Vec::new();
            for top in places(height, 0) {
                for left in places(width, 1) {
                    let taps = (0..i64::from(kernel[0]))
                        .flat_map(|row| (0..i64::from(kernel[1])).map(move |column| (row, column)));
                    let under = taps.map(|(row, column)| {
                        let row = top + row * i64::from(dilation[0]);
                        let column = left + column * i64::from(dilation[1]);
                        let inside = (0..height).contains(&row) && (0..width).contains(&column);
                        inside.then(|| x[((channel * height + row) * width + column) as usize])
                    });
                    all.push(under.collect());
                }
            }
            all
        })
        .collect()
}

fn convolution(
    x: &[f64],
    shape: [u32; 3],
    weight: &[f64],
    bias: &[f64],
    out: u32,
    groups: u32,
    window: Window,
) -> Vec<f64> {
    let windows = windows(x, shape, window);
    let (each, outs) = ((shape[0] / groups) as usize, (out / groups) as usize);
    let taps = (window.kernel[0] * window.kernel[1]) as usize;
    (0..out as usize)
        .flat_map(|channel| {
            let first = channel / outs * each;
            let windows = &windows;
            (0..windows[0].len()).map(move |place| {
                let sum: f64 = (0..each)
                    .flat_map(|input| {
                        windows[first + input][place].iter().enumerate().map(move |(tap, value)| (input, tap, value))
                    })
                    .map(|(input, tap, value)| weight[(channel * each + input) * taps + tap] * value.unwrap_or(0.0))
                    .sum();
                sum + bias[channel]
            })
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn convolutions(
        groups in 1u32..3,
        each in 1u32..3,
        outs in 1u32..3,
        kernel in [1u32..4, 1u32..4],
        stride in [1u32..3, 1u32..3],
        padding in [0u32..3, 0u32..3],
        dilation in [1u32..3, 1u32..3],
    ) {
        let shape = [groups * each, 6, 7];
        let out = groups * outs;
        let op = Op::Conv2d { out_channels: out, kernel, stride, padding, dilation, groups, bias: true };
        tch::manual_seed(1);
        let model = single(shape, op);
        let x = input(shape, 1);
        let [weight, bias] = [0, 1].map(|index| values(&model.parameters()[index]));
        let window = Window { kernel, stride, padding, dilation };
        let expected = convolution(&values(&x), shape, &weight, &bias, out, groups, window);
        close(&forward(&model, &x, Mode::Evaluate), &expected);
    }

    #[test]
    fn pools(kernel in [1u32..4, 1u32..4], stride in [1u32..3, 1u32..3], pad in any::<[bool; 2]>(), count in any::<bool>()) {
        let shape = [2, 6, 5];
        let padding = [u32::from(pad[0]) * (kernel[0] / 2), u32::from(pad[1]) * (kernel[1] / 2)];
        let x = input(shape, 1);
        let windows = windows(&values(&x), shape, Window { kernel, stride, padding, dilation: [1, 1] });
        let flat = || windows.iter().flatten();
        let largest: Vec<f64> = flat().map(|window| window.iter().flatten().copied().fold(f64::MIN, f64::max)).collect();
        let model = single(shape, Op::MaxPool { kernel, stride, padding });
        close(&forward(&model, &x, Mode::Evaluate), &largest);
        let mean = |window: &Vec<Option<f64>>| {
            let inside = window.iter().flatten().count();
            window.iter().flatten().sum::<f64>() / (if count { window.len() } else { inside }) as f64
        };
        let means: Vec<f64> = flat().map(mean).collect();
        let model = single(shape, Op::AvgPool { kernel, stride, padding, count_include_pad: count });
        close(&forward(&model, &x, Mode::Evaluate), &means);
    }
}

#[test]
fn batch_norm_normalises_by_the_batch_and_keeps_running_statistics() {
    let shape = [2, 3, 3];
    let model = single(shape, Op::BatchNorm { affine: true });
    let x = input(shape, 4);
    let per_channel = |channel: i64| values(&x.select(1, channel));
    let statistics = [0, 1].map(|channel| {
        let values = per_channel(channel);
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (mean, squares / count, squares / (count - 1.0))
    });
    let normalise = |of: &dyn Fn(usize) -> (f64, f64)| -> Vec<f64> {
        let place = |index: usize| index / 9 % 2;
        values(&x)
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let (mean, variance) = of(place(index));
                (value - mean) / (variance + 1e-5).sqrt()
            })
            .collect()
    };
    let trained = forward(&model, &x, Mode::Train { drop_path: 0.0 });
    close(&trained, &normalise(&|channel| (statistics[channel].0, statistics[channel].1)));
    // Running statistics moved a tenth of the way from (0, 1), the variance being the unbiased one.
    let running = |channel: usize| (0.1 * statistics[channel].0, 0.9 + 0.1 * statistics[channel].2);
    close(&forward(&model, &x, Mode::Evaluate), &normalise(&running));
}

#[test]
fn pointwise_operations() {
    let shape = [1, 4, 4];
    let x = input(shape, 1) * 3.0;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let cases: [(Op, &dyn Fn(f64) -> f64); 8] = [
        (Op::Relu, &|x| x.max(0.0)),
        (Op::Relu6, &|x| x.clamp(0.0, 6.0)),
        (Op::Silu, &|x| x * sigmoid(x)),
        (Op::HardSwish, &|x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
        (Op::Tanh, &f64::tanh),
        (Op::Sigmoid, &sigmoid),
        (Op::Identity, &|x| x),
        (Op::Zero { stride: [1, 1] }, &|_| 0.0),
    ];
    for (op, function) in cases {
        let expected: Vec<f64> = values(&x).into_iter().map(function).collect();
        close(&forward(&single(shape, op), &x, Mode::Evaluate), &expected);
    }
}

#[test]
fn shift_moves_up_and_left() {
    let shape = [1, 3, 3];
    let x = Tensor::arange(9, (Kind::Float, Device::Cpu)).view([1, 1, 3, 3]);
    let model = single(shape, Op::Shift { rows: 1, columns: 2 });
    assert_eq!(forward(&model, &x, Mode::Evaluate), [5.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let gone = single(shape, Op::Shift { rows: 5, columns: 0 });
    assert_eq!(forward(&gone, &x, Mode::Evaluate), [0.0; 9]);
}

#[test]
fn truncate_keeps_the_first_channels() {
    let x = Tensor::arange(12, (Kind::Float, Device::Cpu)).view([1, 3, 2, 2]);
    let model = single([3, 2, 2], Op::Truncate { channels: 2 });
    assert_eq!(forward(&model, &x, Mode::Evaluate), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
}

#[test]
fn drop_path_drops_whole_examples_and_keeps_the_mean() {
    let model = single([1, 2, 2], Op::DropPath);
    let x = Tensor::ones([1000, 1, 2, 2], (Kind::Float, Device::Cpu));
    let dropped = forward(&model, &x, Mode::Train { drop_path: 0.25 });
    for example in dropped.chunks(4) {
        assert!(example.iter().all(|value| *value == example[0]));
        assert!(example[0] == 0.0 || (example[0] - 1.0 / 0.75).abs() < 1e-6);
    }
    let mean = dropped.iter().sum::<f64>() / dropped.len() as f64;
    assert!((mean - 1.0).abs() < 0.1, "{mean}");
    assert_eq!(forward(&model, &x, Mode::Evaluate), values(&x));
}
