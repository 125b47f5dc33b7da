//! One estimate against another.

use plotters::prelude::{Circle, Color as _};

use super::axis::{Axis, Span};
use super::chart::chart;
use super::page::Page;
use super::style::Paint;
use super::{PlotError, check_finite};

/// Draws a point for each pair of finite values, the first across and the second upwards.
///
/// # Errors
/// Where a value is not finite or there is none.
pub fn scatter(title: &str, labels: [&str; 2], pairs: &[(f64, f64)]) -> Result<String, PlotError> {
    let axes = labels.map(Axis::linear);
    check_finite(labels[0], pairs.iter().map(|pair| &pair.0))?;
    check_finite(labels[1], pairs.iter().map(|pair| &pair.1))?;
    let across = Span::over(pairs.iter().map(|pair| pair.0), &axes[0], 0.05)?;
    let up = Span::over(pairs.iter().map(|pair| pair.1), &axes[1], 0.05)?;
    let mut page = Page::new(title, &format!("n = {}", pairs.len()));
    page.upwards(labels[1]);
    page.draw(3800, |area| {
        let style = Paint::Point.colour().filled();
        chart(area, [across, up], labels[0], 0)?.draw_series(pairs.iter().map(|pair| Circle::new(*pair, 35, style)))?;
        Ok(())
    })
}
