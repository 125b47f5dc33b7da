use super::dot;

/// The Cholesky factor L of a symmetric positive definite matrix A: the lower triangle with L L' = A (Golub & Van Loan 2013,
/// section 4.2).
#[derive(Clone, Debug)]
pub struct Cholesky {
    size: usize,
    /// Rows of `size`, of which the lower triangle counts.
    values: Vec<f64>,
}

impl Cholesky {
    /// Factors a symmetric matrix, given row by row, after `diagonal` was added to its diagonal; of each row the values up to
    /// the diagonal are read. Nothing where the matrix is not positive definite, or rows are too short.
    pub fn factor<'a>(rows: impl IntoIterator<Item = &'a [f64]>, diagonal: f64) -> Option<Self> {
        let rows: Vec<&[f64]> = rows.into_iter().collect();
        let size = rows.len();
        let mut factor = Self { size, values: vec![0.0; size * size] };
        for (row, covariances) in rows.iter().enumerate() {
            if covariances.len() <= row {
                return None;
            }
            for (column, covariance) in covariances.iter().enumerate().take(row + 1) {
                let left = covariance - dot(&factor.row(row)[..column], &factor.row(column)[..column]);
                factor.values[row * size + column] = if column < row {
                    left / factor.values[column * size + column]
                } else {
                    let pivot = left + diagonal;
                    if !(pivot > 0.0 && pivot.is_finite()) {
                        return None;
                    }
                    pivot.sqrt()
                };
            }
        }
        Some(factor)
    }

    /// Number of rows of the matrix.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A row of L up to the diagonal, counted from 0.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.size..][..=row]
    }

    /// Solves L x = b, where `right` is b, of one value for each row.
    ///
    /// # Panics
    /// Where `right` is longer.
    pub fn forward(&self, right: &[f64]) -> Vec<f64> {
        let mut solved: Vec<f64> = Vec::with_capacity(self.size);
        for (row, right) in right.iter().enumerate() {
            let factors = self.row(row);
            solved.push((right - dot(&factors[..row], &solved)) / factors[row]);
        }
        solved
    }

    /// Solves L' x = b, where `right` is b, of one value for each row.
    ///
    /// # Panics
    /// Where `right` is shorter.
    pub fn backward(&self, mut right: Vec<f64>) -> Vec<f64> {
        for row in (0..self.size).rev() {
            let factors = self.row(row);
            let value = right[row] / factors[row];
            right[row] = value;
            right[..row].iter_mut().zip(factors).for_each(|(right, factor)| *right -= factor * value);
        }
        right
    }

    /// Solves A x = b, where `right` is b, of one value for each row.
    ///
    /// # Panics
    /// Where `right` has another length.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        self.backward(self.forward(right))
    }

    /// The logarithm of A's determinant.
    pub fn log_determinant(&self) -> f64 {
        2.0 * (0..self.size).map(|row| self.row(row)[row].ln()).sum::<f64>()
    }
}
