//! How far a mean could be off, and curves with what is likely around them.

use chacha20::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::Serialize;

use crate::data::{DataError, check};
use crate::summary::{quantile_by_selection, quantile_of_sorted, sorted};

/// An interval of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// How a percentile bootstrap (Efron 1979) is done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bootstrap {
    /// How often the runs are drawn anew, with repeats.
    pub resamples: usize,
    /// Share of the resamples inside the interval, above 0 and below 1.
    pub level: f64,
    /// Seed of the draws: the same runs always give the same interval, on every machine.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 1_000, level: 0.95, seed: 0 }
    }
}

/// What a curve and its band show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// The mean, and its interval at a level above 0 and below 1.
    Mean {
        /// The level.
        level: f64,
    },
    /// The median, and the quartiles.
    Median,
}

/// A curve, with a band around it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Band {
    /// What it shows.
    pub shown: Shown,
    /// How many runs it is made of.
    pub runs: usize,
    /// The curve itself.
    pub middle: Vec<f64>,
    /// Lower end of the band at each point.
    pub low: Vec<f64>,
    /// Upper end of the band at each point.
    pub high: Vec<f64>,
}

/// Points of a curve whose resampled means are computed together: their sums fit into a processor's registers.
const TILE: usize = 16;

/// The mean of runs at each point, with a percentile-bootstrap interval. One row a run, one column a point.
///
/// Runs are drawn, not points: a resample is the same runs at every point, so that the band belongs to whole curves. The
/// interval of a single run has no width: nothing is known about others.
///
/// # Errors
/// Where there is no value, rows differ in length, a value is not finite, or `bootstrap` is not as it describes itself.
pub fn mean_curve(runs: &[Vec<f64>], bootstrap: &Bootstrap) -> Result<Band, DataError> {
    let points = check(runs)?;
    let Bootstrap { resamples, level, .. } = *bootstrap;
    if resamples == 0 || !(level > 0.0 && level < 1.0) {
        return Err(DataError::Bootstrap { level, resamples });
    }
    let count = runs.len() as f64;
    let middle = (0..points).map(|point| runs.iter().map(|run| run[point]).sum::<f64>() / count).collect();
    let draws = draws(runs.len(), bootstrap);
    let mut band = Band { shown: Shown::Mean { level }, runs: runs.len(), middle, low: Vec::new(), high: Vec::new() };
    let mut means = vec![vec![0.0; resamples]; TILE];
    for start in (0..points).step_by(TILE) {
        let width = TILE.min(points - start);
        let mut tile = vec![[0.0; TILE]; runs.len()];
        tile.iter_mut().zip(runs).for_each(|(tile, run)| tile[..width].copy_from_slice(&run[start..start + width]));
        for (resample, drawn) in draws.chunks(runs.len()).enumerate() {
            let mut sums = [0.0; TILE];
            for run in drawn {
                sums.iter_mut().zip(&tile[*run]).for_each(|(sum, value)| *sum += value);
            }
            means.iter_mut().zip(sums).for_each(|(means, sum)| means[resample] = sum / count);
        }
        for means in &mut means[..width] {
            band.low.push(quantile_by_selection(means, (1.0 - level) / 2.0));
            band.high.push(quantile_by_selection(means, (1.0 + level) / 2.0));
        }
    }
    Ok(band)
}

/// Which runs the resamples drew, as many each as there are.
fn draws(runs: usize, bootstrap: &Bootstrap) -> Vec<usize> {
    let mut generator = ChaCha8Rng::seed_from_u64(bootstrap.seed);
    // Off from uniform by less than runs / 2^64.
    let mut draw = || ((u128::from(generator.next_u64()) * runs as u128) >> 64) as usize;
    (0..runs * bootstrap.resamples).map(|_| draw()).collect()
}

/// The interval of a mean of independent values, by the percentile bootstrap.
///
/// # Errors
/// As [`mean_curve`].
pub fn mean_interval(values: &[f64], bootstrap: &Bootstrap) -> Result<Interval, DataError> {
    let runs: Vec<Vec<f64>> = values.iter().map(|value| vec![*value]).collect();
    let band = mean_curve(&runs, bootstrap)?;
    Ok(Interval { low: band.low[0], high: band.high[0] })
}

/// The median of runs at each point, between the quartiles. One row a run, one column a point.
///
/// # Errors
/// Where there is no value, rows differ in length, or a value is not finite.
pub fn median_curve(runs: &[Vec<f64>]) -> Result<Band, DataError> {
    let points = check(runs)?;
    let mut band =
        Band { shown: Shown::Median, runs: runs.len(), middle: Vec::new(), low: Vec::new(), high: Vec::new() };
    for point in 0..points {
        let values = sorted(&runs.iter().map(|run| run[point]).collect::<Vec<f64>>());
        band.low.push(quantile_of_sorted(&values, 0.25));
        band.middle.push(quantile_of_sorted(&values, 0.5));
        band.high.push(quantile_of_sorted(&values, 0.75));
    }
    Ok(band)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Means of all 5^5 samples of five values, which the bootstrap draws from.
    fn all_means(values: [f64; 5]) -> Vec<f64> {
        let means = (0..3125).map(|code| (0..5).map(|place| values[code / 5usize.pow(place) % 5]).sum::<f64>() / 5.0);
        sorted(&means.collect::<Vec<f64>>())
    }

    #[test]
    fn the_interval_is_that_of_all_samples() {
        let values = [0.3, 1.1, 1.9, 4.2, 0.7];
        let all = all_means(values);
        for level in [0.5, 0.8, 0.95] {
            let bootstrap = Bootstrap { resamples: 50_000, level, seed: 3 };
            let found = mean_interval(&values, &bootstrap).unwrap();
            assert!((found.low - quantile_of_sorted(&all, (1.0 - level) / 2.0)).abs() < 0.03, "{found:?}");
            assert!((found.high - quantile_of_sorted(&all, (1.0 + level) / 2.0)).abs() < 0.03, "{found:?}");
        }
    }

    #[test]
    fn an_interval_never_changes() {
        let values: Vec<f64> = (0..20).map(|step| f64::from(step * step % 7)).collect();
        let found = mean_interval(&values, &Bootstrap::default()).unwrap();
        assert_eq!(found, Interval { low: 1.45, high: 2.65 });
    }

    #[test]
    fn a_resample_is_the_same_runs_at_every_point() {
        let runs: Vec<Vec<f64>> =
            (0..7).map(|run| (0..150).map(|point| f64::from(run * run + point)).collect()).collect();
        let band = mean_curve(&runs, &Bootstrap::default()).unwrap();
        let widths: Vec<f64> = band.low.iter().zip(&band.high).map(|(low, high)| high - low).collect();
        assert!(widths.iter().all(|width| (width - widths[0]).abs() < 1e-9), "{widths:?}");
    }

    #[test]
    fn what_has_no_interval_is_an_error_and_one_run_has_no_width() {
        let band = mean_curve(&[vec![1.0, 2.0]], &Bootstrap::default()).unwrap();
        assert_eq!((band.runs, &band.low, &band.high), (1, &band.middle, &band.middle));
        assert_eq!(mean_curve(&[], &Bootstrap::default()), Err(DataError::Empty));
        let uneven = [vec![1.0], vec![1.0, 2.0]];
        assert_eq!(median_curve(&uneven), Err(DataError::Uneven { row: 1, found: 2, wanted: 1 }));
        assert_eq!(median_curve(&[vec![f64::NAN]]), Err(DataError::NotFinite { row: 0, column: 0 }));
        for (level, resamples) in [(0.0, 1), (1.0, 1), (f64::NAN, 1), (0.9, 0)] {
            let bootstrap = Bootstrap { resamples, level, seed: 0 };
            assert!(matches!(mean_interval(&[1.0], &bootstrap), Err(DataError::Bootstrap { .. })));
        }
    }

    proptest! {
        #[test]
        fn bands_stay_among_the_runs(runs in prop::collection::vec(prop::collection::vec(-1e3f64..1e3, 3), 1..12)) {
            let bootstrap = Bootstrap { resamples: 50, ..Bootstrap::default() };
            let bands = [mean_curve(&runs, &bootstrap).unwrap(), median_curve(&runs).unwrap()];
            for (point, band) in (0..3).flat_map(|point| bands.iter().map(move |band| (point, band))) {
                let values = sorted(&runs.iter().map(|run| run[point]).collect::<Vec<f64>>());
                let (least, most) = (values[0] - 1e-9, values[values.len() - 1] + 1e-9);
                prop_assert!(least <= band.low[point] && band.low[point] <= band.high[point]);
                prop_assert!(band.high[point] <= most && (least..=most).contains(&band.middle[point]));
            }
        }
    }
}
