use super::dot;

/// A matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// The matrix whose value at (row, column) is `value(row, column)`.
    pub fn from_fn(rows: usize, columns: usize, mut value: impl FnMut(usize, usize) -> f64) -> Self {
        let mut values = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            values.extend((0..columns).map(|column| value(row, column)));
        }
        Self { rows, columns, values }
    }

    /// The matrix with these rows; nothing where they are not equally long.
    pub fn from_rows<R: AsRef<[f64]>>(rows: &[R]) -> Option<Self> {
        let columns = rows.first().map_or(0, |row| row.as_ref().len());
        if rows.iter().any(|row| row.as_ref().len() != columns) {
            return None;
        }
        let values = rows.iter().flat_map(|row| row.as_ref().iter().copied()).collect();
        Some(Self { rows: rows.len(), columns, values })
    }

    /// Ones on the diagonal, zeros elsewhere.
    pub fn identity(size: usize) -> Self {
        Self::from_fn(size, size, |row, column| if row == column { 1.0 } else { 0.0 })
    }

    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn column_count(&self) -> usize {
        self.columns
    }

    /// A row, counted from 0.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// A row to change, counted from 0.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// The rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        (0..self.rows).map(|row| self.row(row))
    }

    /// The matrix with rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |row, column| self.row(column)[row])
    }

    /// The product with a vector that has a value for each column; values beyond count for nothing.
    pub fn times_vector(&self, vector: &[f64]) -> Vec<f64> {
        self.rows().map(|row| dot(row, vector)).collect()
    }

    /// The product with a matrix that has a row for each column of this; nothing where it has another number of rows.
    pub fn times(&self, other: &Self) -> Option<Self> {
        if self.columns != other.rows {
            return None;
        }
        let other = other.transposed();
        Some(Self::from_fn(self.rows, other.rows, |row, column| dot(self.row(row), other.row(column))))
    }

    pub(super) fn swap_rows(&mut self, left: usize, right: usize) {
        for column in 0..self.columns {
            self.values.swap(left * self.columns + column, right * self.columns + column);
        }
    }
}
