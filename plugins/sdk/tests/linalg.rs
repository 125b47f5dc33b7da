//! Solutions solve: they are put back into the equations.

use archwright_sdk::Rng;
use archwright_sdk::linalg::{Cholesky, Matrix, dot, least_squares, ridge, solve};
use proptest::prelude::*;

fn random(rows: usize, columns: usize, rng: &mut Rng) -> Matrix {
    Matrix::from_fn(rows, columns, |_, _| rng.normal())
}

fn vector(size: usize, rng: &mut Rng) -> Vec<f64> {
    (0..size).map(|_| rng.normal()).collect()
}

fn assert_close(left: &[f64], right: &[f64], tolerance: f64) {
    assert_eq!(left.len(), right.len());
    let most = left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f64::max);
    assert!(most < tolerance, "{left:?}\n{right:?}");
}

#[test]
fn products_are_sums_of_products() {
    let left = Matrix::from_rows(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).unwrap();
    let right = Matrix::from_rows(&[[1.0, 0.0, 2.0], [0.5, 1.0, 0.0]]).unwrap();
    let product = left.times(&right).unwrap();
    let expected = [[2.0, 2.0, 2.0], [5.0, 4.0, 6.0], [8.0, 6.0, 10.0]];
    assert_eq!(product, Matrix::from_rows(&expected).unwrap());
    assert_eq!(left.times_vector(&[1.0, -1.0]), [-1.0, -1.0, -1.0]);
    assert_eq!(left.transposed().transposed(), left);
    assert_eq!(left.times(&Matrix::identity(2)).unwrap(), left);
    assert!(left.times(&left).is_none());
    assert!(Matrix::from_rows(&[vec![1.0], vec![1.0, 2.0]]).is_none());
    assert_eq!(Matrix::from_rows::<[f64; 0]>(&[]).unwrap().row_count(), 0);
}

#[test]
fn what_has_no_solution_has_none() {
    let singular = Matrix::from_rows(&[[1.0, 2.0], [2.0, 4.0]]).unwrap();
    assert_eq!(solve(&singular, &[1.0, 1.0]), None);
    assert_eq!(least_squares(&singular, &[1.0, 1.0]), None);
    assert!(ridge(&singular, &[1.0, 1.0], 0.1).is_some());
    assert_eq!(solve(&Matrix::from_rows(&[[f64::NAN]]).unwrap(), &[1.0]), None);
    assert_eq!(solve(&Matrix::identity(2), &[1.0]), None);
    assert_eq!(least_squares(&Matrix::from_rows(&[[1.0, 0.0]]).unwrap(), &[1.0]), None);
    for matrix in [&[vec![1.0, 2.0], vec![2.0, 1.0]][..], &[vec![f64::NAN]], &[vec![1.0], vec![2.0]]] {
        assert!(Cholesky::factor(matrix.iter().map(Vec::as_slice), 0.0).is_none());
    }
    assert_eq!(solve(&Matrix::identity(0), &[]), Some(Vec::new()));
}

#[test]
fn a_line_through_points_is_the_published_one() {
    // Anscombe's first set: 3.0001 + 0.5001 x.
    let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
    let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
    let rows = x.map(|x| [1.0, x]);
    let line = least_squares(&Matrix::from_rows(&rows).unwrap(), &y).unwrap();
    assert_close(&line, &[3.000_090_909_090_909, 0.500_090_909_090_909_1], 1e-12);
}

proptest! {
    #[test]
    fn solutions_solve(seed: u64, size in 1_usize..12) {
        let mut rng = Rng::new(seed);
        let matrix = random(size, size, &mut rng);
        let right = vector(size, &mut rng);
        // One in very many random matrices is close to singular, and its solution far from exact.
        if let Some(solution) = solve(&matrix, &right) {
            let scale = solution.iter().fold(1.0, |most: f64, value| most.max(value.abs()));
            assert_close(&matrix.times_vector(&solution), &right, 1e-10 * scale);
        }
    }

    #[test]
    fn factors_multiply_to_the_matrix(seed: u64, size in 1_usize..12) {
        let mut rng = Rng::new(seed);
        let root = random(size, size + 3, &mut rng);
        let matrix = root.times(&root.transposed()).unwrap();
        let factor = Cholesky::factor(matrix.rows(), 0.5).unwrap();
        for row in 0..size {
            for column in 0..=row {
                let diagonal = if row == column { 0.5 } else { 0.0 };
                let product = dot(factor.row(row), factor.row(column));
                prop_assert!((product - matrix.row(row)[column] - diagonal).abs() < 1e-10);
            }
        }
        let right = vector(size, &mut rng);
        let solution = factor.solve(&right);
        let shifted = Matrix::from_fn(size, size, |row, column| {
            matrix.row(row)[column] + if row == column { 0.5 } else { 0.0 }
        });
        assert_close(&shifted.times_vector(&solution), &right, 1e-9);
        assert_close(&solve(&shifted, &right).unwrap(), &solution, 1e-9);
        let determinant: f64 = (0..size).map(|row| factor.row(row)[row].powi(2).ln()).sum();
        prop_assert!((factor.log_determinant() - determinant).abs() < 1e-9);
    }

    #[test]
    fn what_least_squares_leave_is_at_right_angles_to_every_column(seed: u64, columns in 1_usize..6, more in 0_usize..8) {
        let mut rng = Rng::new(seed);
        let rows = columns + more;
        let matrix = random(rows, columns, &mut rng);
        let right = vector(rows, &mut rng);
        let solution = least_squares(&matrix, &right).unwrap();
        let scale = solution.iter().fold(1.0, |most: f64, value| most.max(value.abs()));
        let fitted = matrix.times_vector(&solution);
        let left: Vec<f64> = right.iter().zip(&fitted).map(|(right, fitted)| right - fitted).collect();
        assert_close(&matrix.transposed().times_vector(&left), &vec![0.0; columns], 1e-9 * scale);
        let penalized = ridge(&matrix, &right, 1e-3).unwrap();
        prop_assert!(dot(&penalized, &penalized) <= dot(&solution, &solution) * (1.0 + 1e-9));
    }
}
