//! The statistics against those of scipy, scikit-posthocs and statsmodels, as `reference.py` wrote them down.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use archwright_compare::{
    Better, Finding, Ranking, critical_difference, deviation, friedman, mann_whitney, mean, nemenyi, quartiles,
    vargha_delaney, wilcoxon, wilcoxon_holm,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    critical_differences: Vec<(usize, usize, f64, f64)>,
    sets: Vec<Set>,
}

#[derive(Deserialize)]
struct Set {
    seed: u64,
    methods: usize,
    blocks: usize,
    levels: u64,
    equal: bool,
    shift: u64,
    summary: Vec<[f64; 5]>,
    mean_ranks: Vec<f64>,
    friedman: Option<(Option<f64>, Option<f64>)>,
    nemenyi: Vec<f64>,
    wilcoxon: Vec<(f64, Option<f64>)>,
    wilcoxon_holm: Vec<f64>,
    mann_whitney: Vec<(f64, f64)>,
    a12: Vec<f64>,
}

impl Set {
    /// The values that the set stands for, as `reference.py` derives them.
    fn values(&self) -> Vec<Vec<f64>> {
        let mut state = self.seed;
        let mut draw = || {
            state = state * 48271 % 0x7fff_ffff;
            state
        };
        let mut rows: Vec<Vec<f64>> = Vec::new();
        for method in 0..self.methods as u64 {
            let row = (0..self.blocks).map(|_| (draw() % self.levels + method * self.shift) as f64).collect();
            rows.push(if self.equal && method > 0 { rows[0].clone() } else { row });
        }
        rows
    }
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("reference.json")).unwrap()
}

#[track_caller]
fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "found {found}, wanted {wanted}");
}

/// What scipy has no answer for (all values equal) is no difference at all.
#[track_caller]
fn same(found: Option<Finding>, statistic: Option<f64>, p: Option<f64>) {
    let found = found.unwrap();
    close(found.statistic, statistic.unwrap_or(0.0));
    close(found.p, p.unwrap_or(1.0));
}

fn upper(matrix: &[Vec<f64>]) -> Vec<f64> {
    for (place, row) in matrix.iter().enumerate() {
        assert_eq!(row[place], 1.0);
        assert!(row.iter().enumerate().all(|(other, p)| *p == matrix[other][place]));
    }
    matrix.iter().enumerate().flat_map(|(place, row)| row[place + 1..].to_vec()).collect()
}

#[track_caller]
fn all_close(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    found.iter().zip(wanted).for_each(|(found, wanted)| close(*found, *wanted));
}

#[test]
fn summaries_are_those_of_numpy() {
    for set in reference().sets {
        for (row, wanted) in set.values().iter().zip(&set.summary) {
            let found = quartiles(row).unwrap();
            let found = [mean(row).unwrap(), deviation(row).unwrap(), found.low, found.median, found.high];
            all_close(&found, wanted);
        }
    }
}

#[test]
fn tests_of_all_methods_are_those_of_scipy_and_scikit_posthocs() {
    let reference = reference();
    assert_eq!(reference.sets.len(), 52);
    for set in reference.sets {
        let ranking = Ranking::of(&set.values(), Better::Lower).unwrap();
        all_close(&ranking.mean(), &set.mean_ranks);
        all_close(&upper(&nemenyi(&ranking)), &set.nemenyi);
        if let Some((statistic, p)) = set.friedman {
            same(friedman(&ranking), statistic, p);
        }
    }
    for (methods, blocks, alpha, wanted) in reference.critical_differences {
        close(critical_difference(methods, blocks, alpha).unwrap(), wanted);
    }
}

#[test]
fn tests_of_pairs_are_those_of_scipy_and_statsmodels() {
    for set in reference().sets {
        let rows = set.values();
        all_close(&upper(&wilcoxon_holm(&rows).unwrap()), &set.wilcoxon_holm);
        let cut = 1 + set.blocks / 2;
        let mut place = 0;
        for (one, left) in rows.iter().enumerate() {
            for right in &rows[one + 1..] {
                let (statistic, p) = set.wilcoxon[place];
                same(wilcoxon(left, right), Some(statistic), p);
                let (statistic, p) = set.mann_whitney[place];
                same(mann_whitney(left, &right[..cut]), Some(statistic), Some(p));
                close(vargha_delaney(left, &right[..cut]).unwrap(), set.a12[place]);
                place += 1;
            }
        }
        assert_eq!(place, set.wilcoxon.len());
    }
}
