//! A table of all cells of NAS-Bench-201, with what cheaper trainings would show.
//!
//! The real table has accuracies after the full training alone, so what less shows is made up here, and only its order
//! counts. The accuracies' order becomes one of normal numbers; each cell has one more normal number, how much slower than
//! others it starts; mixed, they are the order at a share of the training. The weights are such that Kendall's tau with the
//! order after the full training falls by an eighth for every division of the share by three: 0.875 at a third, 0.625 at 1/27,
//! 0.5 at 1/81. The cell that is first there shows the table's highest accuracy, and so on. As its start stays with a cell, the
//! errors of its rungs are alike, which is harder than errors of their own would be.

use std::collections::HashMap;
use std::sync::Arc;

use archwright_sdk::{Architecture, Rng, Space, Value};
use archwright_space::genotype::Genotype;
use archwright_space::{Context, Definition, bundled};

/// Shares of the training that the table knows: 1, 1/3, ..., 1/81.
const RUNGS: usize = 5;

/// The table, by cell.
pub(crate) struct Table {
    space: Space,
    places: HashMap<Vec<u32>, usize>,
    /// What a training of 1/3 to the power of the rung shows, in percent.
    seen: Vec<Vec<f64>>,
    /// Parameters of networks with one cell for each stage, as the benchmark counts them: those of operations that lead nowhere
    /// are parameters, too. A cell that is not connected at all would have next to none otherwise, and as all such cells are
    /// equally bad and small, none of them would dominate another.
    parameters: Vec<f64>,
}

impl Table {
    /// Reads CSV: genotypes in the column `architecture`, accuracies in percent in the column `accuracy`.
    pub(crate) fn new(text: &str, architecture: &str, accuracy: &str) -> Self {
        // One cell for each stage: the same points, and smaller networks to tell isomorphic ones by.
        let source = bundled::source("nas-bench-201").unwrap();
        let small = source.replace("cells = 5 ", "cells = 1 ");
        assert_ne!(small, source);
        let definition = Arc::new(Definition::parse(&small).unwrap());
        let space = archwright_space::Space::new(definition, Context::full(vec![3, 32, 32], 10)).unwrap();
        let mut lines = text.lines();
        let columns: Vec<&str> = lines.next().expect("a header").split(',').collect();
        let column = |name: &str| {
            columns.iter().position(|column| *column == name).unwrap_or_else(|| panic!("there is no column `{name}`"))
        };
        let (architecture, accuracy) = (column(architecture), column(accuracy));
        let mut places = HashMap::new();
        let (mut accuracies, mut parameters) = (Vec::new(), Vec::new());
        for (place, line) in lines.enumerate() {
            let fields: Vec<&str> = line.split(',').collect();
            let point = Genotype::parse(fields[architecture]).unwrap().locate(&space).unwrap();
            places.insert(key(&point), place);
            accuracies.push(fields[accuracy].parse().unwrap());
            parameters.push(space.whole_work(&point).unwrap().parameters as f64);
        }
        assert_eq!((places.len(), accuracies.len()), (15_625, 15_625), "the table does not have each cell once");
        Self { space: Space::new(Arc::new(space)), places, seen: cheaper(accuracies), parameters }
    }

    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// What a training of this share of the full one shows, in percent; the accuracy itself where that is 1.
    pub(crate) fn seen(&self, architecture: &Architecture, share: f64) -> f64 {
        let rung = -share.log(3.0);
        assert!((rung - rung.round()).abs() < 1e-9, "nothing is made up for a share of {share}");
        self.seen[rung.round() as usize][self.place(architecture)]
    }

    pub(crate) fn parameters(&self, architecture: &Architecture) -> f64 {
        self.parameters[self.place(architecture)]
    }

    /// Parameters of the smallest and of the largest network.
    pub(crate) fn sizes(&self) -> (f64, f64) {
        let extreme = |worse: fn(f64, f64) -> f64| self.parameters.iter().copied().reduce(worse);
        (extreme(f64::min).expect("cells"), extreme(f64::max).expect("cells"))
    }

    /// What a training of 1/3 to the power of `rung` shows of each cell.
    pub(crate) fn rung(&self, rung: usize) -> &[f64] {
        &self.seen[rung]
    }

    fn place(&self, architecture: &Architecture) -> usize {
        self.places[&key(architecture)]
    }
}

/// Kendall's tau of what a training of 1/3 to the power of `rung` shows with the accuracies.
pub(crate) fn tau(rung: usize) -> f64 {
    1.0 - rung as f64 / 8.0
}

fn key(architecture: &Architecture) -> Vec<u32> {
    let Architecture::Point(values) = architecture else { panic!("a network") };
    values.iter().map(|value| if let Value::Index(index) = value { *index } else { panic!("{value:?}") }).collect()
}

/// What each rung shows, from the full training to the cheapest.
fn cheaper(accuracies: Vec<f64>) -> Vec<Vec<f64>> {
    let mut rng = Rng::new(0);
    let mut normals = || -> Vec<f64> { accuracies.iter().map(|_| normal(&mut rng)).collect() };
    let (mut merits, slowness) = (normals(), normals());
    merits.sort_by(f64::total_cmp);
    let merits = in_order_of(&accuracies, &merits);
    let mut sorted = accuracies.clone();
    sorted.sort_by(f64::total_cmp);
    let show = |rung| {
        // Of two normal numbers with correlation r, tau is asin(r) divided by a right angle.
        let correlation = (tau(rung) * std::f64::consts::FRAC_PI_2).sin();
        let rest = (1.0 - correlation * correlation).sqrt();
        let order: Vec<f64> =
            merits.iter().zip(&slowness).map(|(merit, slow)| correlation * merit - rest * slow).collect();
        in_order_of(&order, &sorted)
    };
    let cheap: Vec<Vec<f64>> = (1..RUNGS).map(show).collect();
    [vec![accuracies], cheap].concat()
}

/// `sorted` laid out such that the smallest comes where `numbers` has its smallest, and so on.
fn in_order_of(numbers: &[f64], sorted: &[f64]) -> Vec<f64> {
    let mut places: Vec<usize> = (0..numbers.len()).collect();
    places.sort_by(|left, right| numbers[*left].total_cmp(&numbers[*right]));
    let mut laid = vec![0.0; numbers.len()];
    for (place, number) in places.into_iter().zip(sorted) {
        laid[place] = *number;
    }
    laid
}

/// A normal number, near enough.
fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.uniform()).sum::<f64>() - 6.0
}
