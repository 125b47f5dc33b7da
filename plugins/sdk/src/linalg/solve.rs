use super::{Cholesky, Matrix, dot};

/// Solves A x = b for a square A by Gaussian elimination with partial pivoting (Golub & Van Loan 2013, section 3.4). Nothing where
/// A is singular to machine precision, or sizes do not fit.
pub fn solve(matrix: &Matrix, right: &[f64]) -> Option<Vec<f64>> {
    let size = matrix.row_count();
    if matrix.column_count() != size || right.len() != size {
        return None;
    }
    let largest = matrix.rows().flatten().fold(0.0, |most: f64, value| most.max(value.abs()));
    let mut left = matrix.clone();
    let mut right = right.to_vec();
    for column in 0..size {
        let magnitude = |row: &usize| left.row(*row)[column].abs();
        let pivot = (column..size).max_by(|one, other| magnitude(one).total_cmp(&magnitude(other)))?;
        if magnitude(&pivot).is_nan() || magnitude(&pivot) <= f64::EPSILON * largest * size as f64 {
            return None;
        }
        left.swap_rows(column, pivot);
        right.swap(column, pivot);
        let top = left.row(column).to_vec();
        for row in column + 1..size {
            let values = left.row_mut(row);
            let factor = values[column] / top[column];
            values.iter_mut().zip(&top).skip(column).for_each(|(value, top)| *value -= factor * top);
            right[row] -= factor * right[column];
        }
    }
    Some(back_substituted(&left, right))
}

/// The x for which A x is closest to b in the sum of squares, by Householder's reflections (Golub & Van Loan 2013, section 5.3).
/// A has at least as many rows as columns. Nothing where its columns depend on each other, to machine precision, or sizes do not
/// fit.
pub fn least_squares(matrix: &Matrix, right: &[f64]) -> Option<Vec<f64>> {
    let (rows, columns) = (matrix.row_count(), matrix.column_count());
    if rows < columns || right.len() != rows {
        return None;
    }
    let mut left = matrix.clone();
    let mut right = right.to_vec();
    let norm = |values: &[f64]| dot(values, values).sqrt();
    let largest = (0..columns).map(|column| norm(&column_below(matrix, column, 0))).fold(0.0, f64::max);
    for column in 0..columns {
        // The reflection that maps the rest of this column onto its first entry.
        let mut mirror = column_below(&left, column, column);
        let length = norm(&mirror);
        if length.is_nan() || length <= f64::EPSILON * largest * rows as f64 {
            return None;
        }
        mirror[0] += length.copysign(mirror[0]);
        let square = dot(&mirror, &mirror);
        for other in column..columns {
            let factor = 2.0 * dot(&mirror, &column_below(&left, other, column)) / square;
            mirror.iter().enumerate().for_each(|(row, value)| left.row_mut(column + row)[other] -= factor * value);
        }
        let factor = 2.0 * dot(&mirror, &right[column..]) / square;
        right[column..].iter_mut().zip(&mirror).for_each(|(right, value)| *right -= factor * value);
    }
    right.truncate(columns);
    Some(back_substituted(&left, right))
}

/// The x for which the sum of squares of A x - b and of `strength` times that of x is smallest: ridge regression (Hoerl & Kennard
/// 1970). `strength` is above 0; with it any A will do. Nothing where a number is not finite, or sizes do not fit.
pub fn ridge(matrix: &Matrix, right: &[f64], strength: f64) -> Option<Vec<f64>> {
    if right.len() != matrix.row_count() {
        return None;
    }
    let transposed = matrix.transposed();
    let squares = transposed.times(matrix)?;
    Some(Cholesky::factor(squares.rows(), strength)?.solve(&transposed.times_vector(right)))
}

fn column_below(matrix: &Matrix, column: usize, row: usize) -> Vec<f64> {
    matrix.rows().skip(row).map(|values| values[column]).collect()
}

/// Solves R x = b, where R is the upper triangle of the first rows.
fn back_substituted(upper: &Matrix, mut right: Vec<f64>) -> Vec<f64> {
    for row in (0..right.len()).rev() {
        let values = upper.row(row);
        let known = dot(&values[row + 1..], &right[row + 1..]);
        right[row] = (right[row] - known) / values[row];
    }
    right
}
