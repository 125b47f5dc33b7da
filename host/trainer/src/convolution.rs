//! Convolutions. Depthwise ones of trainings on the CPU take another way to the same result where oneDNN has no fast gradient for
//! them as they stand.
//!
//! Its fast kernels for a gradient by depthwise weights take windows up to 3 wide, and those for a gradient by the input no
//! dilation; for all others it computes as if every 16 channels were connected, which is up to 16 times the work. A wide window is
//! therefore taken apart into [strips](strips), and a dilated one slides over [folded](folded) maps.

use tch::{Kind, TchError, Tensor};

/// Columns of a window with a fast gradient by the weights.
const WIDTH: i64 = 3;

/// How windows slide over maps; of each, rows before columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    pub(crate) stride: [i64; 2],
    pub(crate) padding: [i64; 2],
    pub(crate) dilation: [i64; 2],
    pub(crate) groups: i64,
}

impl Convolution {
    /// The convolution of `x`; `training` where gradients will be wanted.
    pub(crate) fn of(
        self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        training: bool,
    ) -> Result<Tensor, TchError> {
        if training && x.device() == tch::Device::Cpu && self.is_depthwise(x, weight) {
            self.depthwise(x, weight, bias)
        } else {
            self.plain(x, weight, bias)
        }
    }

    fn plain(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
        let Self { stride, padding, dilation, groups } = self;
        x.f_conv2d(weight, bias, stride, padding, dilation, groups)
    }

    /// Whether each channel has a window of its own, and channels lie next to each other in memory: else other kernels compute.
    fn is_depthwise(self, x: &Tensor, weight: &Tensor) -> bool {
        let (Ok((_, channels, height, width)), Ok((out, 1, ..))) = (x.size4(), weight.size4()) else { return false };
        let is_together = x.stride() == [height * width * channels, 1, width * channels, channels];
        is_together && channels > 1 && [out, self.groups] == [channels; 2] && x.kind() == Kind::Float
    }

    fn depthwise(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
        let Self { stride, padding, dilation, .. } = self;
        let [apart, columns] = dilation;
        if apart > 1 && columns == apart && padding.iter().all(|padding| padding % apart == 0) {
            let near = Self { padding: padding.map(|padding| padding / apart), dilation: [1, 1], ..self };
            if stride == dilation {
                // The window sees every other row and column alone.
                let x = x.f_slice(2, None, None, apart)?.f_slice(3, None, None, apart)?;
                return Self { stride: [1, 1], ..near }.near(&x, weight, bias);
            }
            if stride == [1, 1]
                && keeps_size(near.padding, weight)
                && x.size()[2..].iter().all(|side| side % apart == 0)
            {
                return near.folded(apart, x, weight, bias);
            }
        }
        if dilation == [1, 1] { self.near(x, weight, bias) } else { self.plain(x, weight, bias) }
    }

    /// As [`Convolution::plain`] without dilation.
    fn near(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
        // Weights that do not learn need no gradient, and one window is faster than its parts.
        if weight.size()[3] > WIDTH && weight.requires_grad() {
            self.strips(x, weight, bias)
        } else {
            self.plain(x, weight, bias)
        }
    }

    /// The sum over strips of the window, each up to 3 wide.
    fn strips(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
        let (width, columns) = (x.size4()?.3, weight.size4()?.3);
        let ([rows, around], [_, stride]) = (self.padding, self.stride);
        let last = (width + 2 * around - columns) / stride * stride;
        let strip = Self { padding: [rows, 0], ..self };
        let mut sum: Option<Tensor> = None;
        for first in (0..columns).step_by(WIDTH as usize) {
            let wide = WIDTH.min(columns - first);
            // What the strip sees from its first to its last place, zeros beyond the map.
            let seen = x.f_constant_pad_nd([around - first, last + first + wide - around - width])?;
            let bias = bias.filter(|_| first == 0);
            let part = strip.plain(&seen, &weight.f_narrow(3, first, wide)?, bias)?;
            sum = Some(match sum {
                Some(sum) => sum.f_add(&part)?,
                None => part,
            });
        }
        sum.map_or_else(|| self.plain(x, weight, bias), Ok)
    }

    /// A convolution whose windows have `apart` rows and columns between those that they see. This one, whose windows see
    /// neighbours, slides over a map in which they are: every `apart` columns become one of as many times the channels, and
    /// every `apart` rows one behind the other, zeros between them. In memory everything stays where it is, but for the zeros.
    fn folded(self, apart: i64, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
        let (examples, channels, height, width) = x.size4()?;
        let zeros = self.padding[1] * apart;
        let all = width + zeros;
        let view = |x: &Tensor, sides: [i64; 4]| x.f_permute([0, 2, 3, 1])?.f_reshape(sides)?.f_permute([0, 3, 1, 2]);
        let x = view(&x.f_constant_pad_nd([zeros, 0])?, [examples, height / apart, all, channels * apart])?;
        let weight = weight.f_repeat([apart, 1, 1, 1])?;
        let bias = bias.map(|bias| bias.f_repeat([apart])).transpose()?;
        let y = Self { groups: self.groups * apart, ..self }.near(&x, &weight, bias.as_ref())?;
        let y = view(&y, [examples, height, all, channels])?.f_narrow(3, zeros, width)?;
        y.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
    }
}

/// Whether maps keep their size under windows of neighbours.
fn keeps_size(padding: [i64; 2], weight: &Tensor) -> bool {
    weight.size()[2..].iter().zip(padding).all(|(side, padding)| *side == 2 * padding + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tch::Device;

    use super::*;
    use crate::material::channels_last;
    use crate::mixture_tests::Draws;

    fn close(left: &Tensor, right: &Tensor) -> bool {
        left.size() == right.size() && f64::try_from((left - right).abs().max()).unwrap() < 1e-3
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Results and gradients are those of libtorch's convolution.
        #[test]
        fn every_way_comes_to_the_same(
            side in prop::sample::select(vec![[8i64, 8], [12, 8], [9, 12], [8, 7]]),
            kernel in prop::sample::select(vec![[3i64, 3], [5, 5], [7, 7], [3, 5], [2, 4], [5, 3]]),
            stride in 1..=2i64,
            apart in 1..=3i64,
            keeps in any::<bool>(),
            has_bias in any::<bool>(),
            learns in any::<bool>(),
        ) {
            let padding = kernel.map(|side| if keeps { apart * (side / 2) } else { 1 });
            let seen = (0..2).all(|axis| side[axis] + 2 * padding[axis] > apart * (kernel[axis] - 1));
            prop_assume!(seen);
            let convolution = Convolution { stride: [stride; 2], padding, dilation: [apart; 2], groups: 4 };
            let mut draws = Draws::new(1);
            let mut leaf = |shape: &[i64]| draws.values(shape).to_kind(Kind::Float).set_requires_grad(true);
            let images = leaf(&[2, 4, side[0], side[1]]);
            let weight = leaf(&[4, 1, kernel[0], kernel[1]]).set_requires_grad(learns);
            let bias = has_bias.then(|| leaf(&[4]));
            let x = channels_last(&images).unwrap();
            prop_assert!(convolution.is_depthwise(&x, &weight));
            let plain = convolution.plain(&x, &weight, bias.as_ref()).unwrap();
            let found = convolution.of(&x, &weight, bias.as_ref(), true).unwrap();
            prop_assert!(close(&found, &plain));
            prop_assert!(learns || found.size()[1] == 4);
            let by = draws.values(&plain.size()).to_kind(Kind::Float);
            let leaves: Vec<&Tensor> =
                [&images].into_iter().chain(learns.then_some(&weight)).chain(bias.as_ref()).collect();
            let gradients = |y: &Tensor| Tensor::run_backward(&[(y * &by).sum(Kind::Float)], &leaves, true, false);
            for (found, expected) in gradients(&found).iter().zip(gradients(&plain)) {
                prop_assert!(close(found, &expected));
            }
        }
    }

    #[test]
    fn other_layouts_and_connected_channels_are_left_alone() {
        let convolution = Convolution { stride: [1, 1], padding: [2, 2], dilation: [1, 1], groups: 4 };
        let x = Tensor::zeros([2, 4, 8, 8], (Kind::Float, Device::Cpu));
        let weight = Tensor::zeros([4, 1, 5, 5], (Kind::Float, Device::Cpu));
        assert!(!convolution.is_depthwise(&x, &weight));
        let x = channels_last(&x).unwrap();
        assert!(convolution.is_depthwise(&x, &weight));
        assert!(!convolution.is_depthwise(&x.to_kind(Kind::Double), &weight));
        assert!(!convolution.is_depthwise(&x, &Tensor::zeros([8, 1, 5, 5], (Kind::Float, Device::Cpu))));
        let pairs = Convolution { groups: 2, ..convolution };
        assert!(!pairs.is_depthwise(&x, &Tensor::zeros([4, 2, 5, 5], (Kind::Float, Device::Cpu))));
    }
}
