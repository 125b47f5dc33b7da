//! Figures, as the text of SVG files.
//!
//! A figure can stand in a page, or be a file of its own. It has a `viewBox` and no size: it is as wide as its place, up to
//! 720 pixels, and can be read on a phone. Its colours follow `prefers-color-scheme`. The same numbers give the same bytes.
//!
//! Plotters draws them, in colours that stand for what is drawn; these become classes, of which a style says the colours.
//!
//! Methods have their colour and dash by their place in the list, so that the same list gives the same looks in each figure.

mod axis;
mod boxes;
mod chart;
mod critical;
mod lines;
mod page;
mod scatter;
mod style;

use plotters::drawing::DrawingAreaErrorKind;

pub use axis::{Axis, Scale};
pub use boxes::{Sample, distribution};
pub use critical::{Differences, critical_difference_diagram};
pub use lines::{Curve, RankCurve, anytime, average_rank};
pub use scatter::scatter;

/// Why a figure could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlotError {
    /// There is nothing to draw.
    #[error("cannot draw the figure: there are no values")]
    Empty,
    /// A value cannot be drawn.
    #[error("cannot draw the figure: a value of {name:?} is not finite")]
    NotFinite {
        /// Whose value it is.
        name: String,
    },
    /// Lists that belong together differ in length, or positions are not in order.
    #[error("cannot draw the figure: the lists of {name:?} differ in length, or its positions are not ascending")]
    Shape {
        /// Whose lists they are.
        name: String,
    },
    /// A log axis has nothing to show.
    #[error("cannot draw the figure: no value is above 0 on the log axis {axis:?}")]
    NothingPositive {
        /// The axis's label.
        axis: String,
    },
    /// Plotters failed.
    #[error("cannot draw the figure: {problem}")]
    Drawing {
        /// What it says.
        problem: String,
    },
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PlotError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self::Drawing { problem: error.to_string() }
    }
}

/// Refuses values that are not finite.
fn check_finite<'a>(name: &str, values: impl IntoIterator<Item = &'a f64>) -> Result<(), PlotError> {
    let finite = values.into_iter().all(|value| value.is_finite());
    finite.then_some(()).ok_or_else(|| PlotError::NotFinite { name: name.to_owned() })
}

/// Says that values were clipped, where they were.
fn clipped(page: &mut page::Page, spans: [&axis::Span; 2]) {
    let mut floors: Vec<f64> = spans.into_iter().filter_map(|span| span.floor).collect();
    floors.dedup();
    for floor in floors {
        page.note(&format!("Values of 0 and below are drawn at {}, the smallest positive one.", axis::number(floor)));
    }
}

/// "1 run", "3 runs".
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Names with the counts behind them in brackets, where these differ; else the names, and the count of all.
fn with_counts(names: &[(&str, usize)]) -> (Vec<String>, Option<usize>) {
    let same = names.first().map(|(_, count)| *count).filter(|count| names.iter().all(|(_, other)| other == count));
    let name = |(name, count): &(&str, usize)| match same {
        Some(_) => (*name).to_owned(),
        None => format!("{name} (n = {count})"),
    };
    (names.iter().map(name).collect(), same)
}
