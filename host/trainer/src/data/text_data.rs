//! A text on the device.

use archwright_protocol::{DataSummary, FailureKind, Subset};
use tch::{Device, Kind, TchError, Tensor};

use super::text::Text;
use crate::Problem;

/// The target of places that are behind a text's end. `cross_entropy_loss` leaves it out.
const NO_TARGET: i64 = -100;

/// A text's parts on the device, as rows of tokens.
pub(crate) struct TextData {
    train: Tensor,
    validation: Tensor,
    test: Tensor,
    summary: DataSummary,
}

impl TextData {
    pub(super) fn new(text: &Text, device: Device) -> Result<Self, Problem> {
        // As many bytes as tokens need; they become indices window by window.
        let row = |tokens: &[u32]| -> Result<Tensor, TchError> {
            let tokens: Vec<i32> = tokens.iter().map(|token| token.cast_signed()).collect();
            Tensor::f_from_slice(&tokens)?.f_to_device(device)
        };
        let Text { vocabulary, train, validation, test } = text;
        let summary = DataSummary {
            digest: digest(text),
            input: vec![1],
            classes: u32::try_from(vocabulary.len()).unwrap_or(u32::MAX),
            train: train.len() as u64,
            validation: validation.len() as u64,
            test: test.len() as u64,
            normalisation: None,
            class_names: None,
        };
        Ok(Self { train: row(train)?, validation: row(validation)?, test: row(test)?, summary })
    }

    pub(crate) fn summary(&self) -> DataSummary {
        self.summary.clone()
    }

    /// The first `share` of the training part in so many columns.
    pub(crate) fn train(&self, share: f64, columns: u32) -> Result<Columns, Problem> {
        let all = self.train.size()[0];
        let count = ((all as f64 * share).round() as i64).clamp(1, all);
        let columns = i64::from(columns);
        if count <= columns {
            let problem = format!(
                "{count} tokens of the training part are too few for batches of {columns} sequences, which take {} at \
                 least: lower `batch_size`, or take more text",
                columns + 1
            );
            return Err(Problem::data(problem));
        }
        Ok(Columns::whole(&self.train.f_narrow(0, 0, count)?, columns)?)
    }

    /// A part to evaluate on, in so many columns at most.
    pub(crate) fn subset(&self, subset: Subset, columns: i64) -> Result<Columns, Problem> {
        let tokens = match subset {
            Subset::Validation => &self.validation,
            Subset::Test => &self.test,
        };
        if tokens.size()[0] < 2 {
            return Err(Problem::new(FailureKind::Data, "the part holds no token to predict"));
        }
        Ok(Columns::padded(tokens, columns)?)
    }
}

/// A digest of everything that trainings and evaluations read.
fn digest(text: &Text) -> String {
    let mut hasher = blake3::Hasher::new();
    let length = |hasher: &mut blake3::Hasher, length: usize| {
        hasher.update(&(length as u64).to_le_bytes());
    };
    hasher.update(b"text");
    length(&mut hasher, text.vocabulary.len());
    for token in &text.vocabulary {
        length(&mut hasher, token.len());
        hasher.update(token.as_bytes());
    }
    for part in [&text.train, &text.validation, &text.test] {
        length(&mut hasher, part.len());
        for token in part {
            hasher.update(&token.to_le_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// A text in columns side by side, each of which is read from top to bottom.
pub(crate) struct Columns {
    /// Tokens, rows x columns.
    inputs: Tensor,
    /// The token behind each.
    targets: Tensor,
}

impl Columns {
    /// Columns without a gap; what is left of the text at its end is left out.
    fn whole(tokens: &Tensor, columns: i64) -> Result<Self, TchError> {
        let rows = (tokens.size()[0] - 1) / columns;
        let from = |start| tokens.f_narrow(0, start, rows * columns)?.f_view([columns, rows])?.f_tr()?.f_contiguous();
        Ok(Self { inputs: from(0)?, targets: from(1)? })
    }

    /// Columns in which every token but the first is predicted once; the last one is filled up.
    fn padded(tokens: &Tensor, columns: i64) -> Result<Self, TchError> {
        let predicted = tokens.size()[0] - 1;
        let rows = (predicted as u64).div_ceil(columns.min(predicted) as u64).cast_signed();
        let columns = (predicted as u64).div_ceil(rows as u64).cast_signed();
        let from = |start, filling: i64| {
            let padding = [0, rows * columns - predicted];
            let part = tokens.f_narrow(0, start, predicted)?.f_constant_pad_nd(padding)?;
            let part = part.f_to_kind(Kind::Int64)?;
            let _ = part.f_narrow(0, predicted, padding[1])?.f_fill_(filling)?;
            part.f_view([columns, rows])?.f_tr()?.f_contiguous()
        };
        Ok(Self { inputs: from(0, 0)?, targets: from(1, NO_TARGET)? })
    }

    pub(crate) fn rows(&self) -> i64 {
        self.inputs.size()[0]
    }

    pub(crate) fn columns(&self) -> i64 {
        self.inputs.size()[1]
    }

    /// Windows of `length` rows, the last one of what is left: first row and number of rows of each.
    pub(crate) fn windows(&self, length: i64) -> impl Iterator<Item = (i64, i64)> + use<> {
        let rows = self.rows();
        (0..rows)
            .step_by(usize::try_from(length).unwrap_or(1).max(1))
            .map(move |first| (first, length.min(rows - first)))
    }

    /// Tokens (rows x columns) and targets, one after the other, of some rows.
    pub(crate) fn window(&self, (first, rows): (i64, i64)) -> Result<(Tensor, Tensor), TchError> {
        let of = |tensor: &Tensor| tensor.f_narrow(0, first, rows)?.f_to_kind(Kind::Int64);
        Ok((of(&self.inputs)?, of(&self.targets)?.f_reshape([-1])?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(tensor: &Tensor) -> Vec<i64> {
        Vec::try_from(tensor.to_kind(Kind::Int64).contiguous().view([-1])).unwrap()
    }

    #[test]
    fn columns_read_the_text_downwards() {
        let text = Tensor::from_slice(&[0i32, 1, 2, 3, 4, 5, 6, 7]);
        let columns = Columns::whole(&text, 3).unwrap();
        assert_eq!((rows(&columns.inputs), rows(&columns.targets)), (vec![0, 2, 4, 1, 3, 5], vec![1, 3, 5, 2, 4, 6]));
        assert_eq!(columns.windows(2).collect::<Vec<_>>(), [(0, 2)]);
        let columns = Columns::whole(&text, 1).unwrap();
        assert_eq!(columns.windows(3).collect::<Vec<_>>(), [(0, 3), (3, 3), (6, 1)]);
        assert_eq!(rows(&columns.window((3, 3)).unwrap().1), [4, 5, 6]);
    }

    #[test]
    fn evaluation_predicts_every_token_but_the_first_once() {
        for length in 2..20 {
            let tokens: Vec<i32> = (0..length).collect();
            for columns in 1..12 {
                let columns = Columns::padded(&Tensor::from_slice(&tokens), columns).unwrap();
                let mut pairs: Vec<(i64, i64)> =
                    rows(&columns.inputs).into_iter().zip(rows(&columns.targets)).collect();
                pairs.retain(|(_, target)| *target != NO_TARGET);
                pairs.sort_unstable();
                assert_eq!(pairs, (1..i64::from(length)).map(|token| (token - 1, token)).collect::<Vec<_>>());
            }
        }
    }
}
