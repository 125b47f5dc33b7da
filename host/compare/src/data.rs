//! What numbers have to be like to be compared.

/// What is wrong with numbers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DataError {
    /// There is nothing to compare.
    #[error("there are no values")]
    Empty,
    /// A row is not as long as the first one.
    #[error("row {row} has {found} values, the first row has {wanted}")]
    Uneven {
        /// Which row, from 0.
        row: usize,
        /// Its values.
        found: usize,
        /// The first row's values.
        wanted: usize,
    },
    /// A value is not finite.
    #[error("the value in row {row}, column {column} is not finite")]
    NotFinite {
        /// Which row, from 0.
        row: usize,
        /// Which column, from 0.
        column: usize,
    },
    /// A bootstrap's level is not between 0 and 1, or it has no resamples.
    #[error("a bootstrap needs a level above 0 and below 1 and at least one resample, not {level} and {resamples}")]
    Bootstrap {
        /// The level.
        level: f64,
        /// The resamples.
        resamples: usize,
    },
}

/// How many columns rows of finite values have.
pub(crate) fn check(rows: &[Vec<f64>]) -> Result<usize, DataError> {
    let wanted = rows.first().map_or(0, Vec::len);
    if wanted == 0 {
        return Err(DataError::Empty);
    }
    for (row, values) in rows.iter().enumerate() {
        if values.len() != wanted {
            return Err(DataError::Uneven { row, found: values.len(), wanted });
        }
        if let Some(column) = values.iter().position(|value| !value.is_finite()) {
            return Err(DataError::NotFinite { row, column });
        }
    }
    Ok(wanted)
}

/// Whether there are values, and all of them are finite.
pub(crate) fn all_finite(values: &[f64]) -> bool {
    !values.is_empty() && values.iter().all(|value| value.is_finite())
}
