//! One estimate against another.

use super::axis::{Axis, Span};
use super::frame::{Field, Layout};
use super::sheet::Sheet;
use super::style::fill;
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
    let mut sheet = Sheet::new(title, &format!("n = {}", pairs.len()));
    let layout = Layout { height: 330.0, beside: 0.0, downwards: false };
    let field = Field::draw(&mut sheet, [&axes[0], &axes[1]], [across, up], layout);
    let class = format!("point {}", fill(0));
    for (x, y) in pairs {
        sheet.dot([field.x(*x), field.y(*y)], 3.5, &class);
    }
    Ok(sheet.finish(title))
}
