use crate::Rng;

/// The normal distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation, above 0.
    pub deviation: f64,
}

impl Normal {
    /// That of mean 0 and standard deviation 1.
    pub const STANDARD: Self = Self { mean: 0.0, deviation: 1.0 };

    /// The density at `x`.
    pub fn density(&self, x: f64) -> f64 {
        let distance = (x - self.mean) / self.deviation;
        (-0.5 * distance * distance).exp() / (self.deviation * (2.0 * std::f64::consts::PI).sqrt())
    }

    /// The logarithm of the density at `x`.
    pub fn log_density(&self, x: f64) -> f64 {
        let distance = (x - self.mean) / self.deviation;
        -0.5 * distance * distance - self.deviation.ln() - 0.5 * std::f64::consts::TAU.ln()
    }

    /// The probability of less than `x`, exact in the lower tail.
    pub fn cumulative(&self, x: f64) -> f64 {
        0.5 * libm::erfc((self.mean - x) / (self.deviation * std::f64::consts::SQRT_2))
    }

    /// The number below which a draw is with this probability: minus infinity for 0, infinity for 1, NaN outside [0, 1].
    /// Exact to about 1e-16 (Wichura 1988, algorithm AS 241, PPND16).
    pub fn quantile(&self, probability: f64) -> f64 {
        self.mean + self.deviation * standard_quantile(probability)
    }

    /// A draw.
    pub fn draw(&self, rng: &mut Rng) -> f64 {
        self.mean + self.deviation * rng.normal()
    }
}

/// The quantile of the standard normal distribution.
fn standard_quantile(probability: f64) -> f64 {
    let centered = probability - 0.5;
    if centered.abs() <= 0.425 {
        let at = 0.180625 - centered * centered;
        return centered * polynomial(&CENTER.0, at) / polynomial(&CENTER.1, at);
    }
    let tail = if centered < 0.0 { probability } else { 1.0 - probability };
    if tail <= 0.0 || tail.is_nan() {
        return if tail == 0.0 { f64::INFINITY.copysign(centered) } else { f64::NAN };
    }
    let depth = (-tail.ln()).sqrt();
    let (coefficients, at) = if depth <= 5.0 { (&TAIL, depth - 1.6) } else { (&FAR_TAIL, depth - 5.0) };
    (polynomial(&coefficients.0, at) / polynomial(&coefficients.1, at)).copysign(centered)
}

/// The value of the polynomial with these coefficients, the constant first.
fn polynomial(coefficients: &[f64; 8], at: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * at + coefficient)
}

/// Coefficients of numerator and denominator.
type Fraction = ([f64; 8], [f64; 8]);

/// For probabilities that are 0.5 to 0.425.
const CENTER: Fraction = (
    [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_66e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_854e3,
    ],
);

/// For tails down to a probability of exp(-25).
const TAIL: Fraction = (
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
);

/// For tails beyond.
const FAR_TAIL: Fraction = (
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
);
