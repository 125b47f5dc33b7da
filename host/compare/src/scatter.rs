//! A plot of one estimate against another.

use plotters::prelude::*;

/// Width and height in pixels.
const SIZE: (u32, u32) = (640, 560);

/// Why a plot could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the plot: {0}")]
pub struct PlotError(String);

/// Draws a point for each pair of finite values, as an SVG file's text.
///
/// # Errors
/// Where a value is not finite or there is none.
pub fn scatter(title: &str, labels: [&str; 2], pairs: &[(f64, f64)]) -> Result<String, PlotError> {
    let range = |value: fn(&(f64, f64)) -> f64| {
        let values = pairs.iter().map(value);
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let margin = if high > low { 0.05 * (high - low) } else { 0.5 };
        if low.is_finite() && high.is_finite() && pairs.iter().all(|pair| value(pair).is_finite()) {
            Ok(low - margin..high + margin)
        } else {
            Err(PlotError("there are no finite values".into()))
        }
    };
    let (across, up) = (range(|pair| pair.0)?, range(|pair| pair.1)?);
    let mut text = String::new();
    draw(&mut text, title, labels, pairs, across, up).map_err(|error| PlotError(error.to_string()))?;
    Ok(text)
}

fn draw(
    text: &mut String,
    title: &str,
    labels: [&str; 2],
    pairs: &[(f64, f64)],
    across: std::ops::Range<f64>,
    up: std::ops::Range<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(across, up)?;
    chart.configure_mesh().x_desc(labels[0]).y_desc(labels[1]).light_line_style(WHITE).draw()?;
    chart.draw_series(pairs.iter().map(|pair| Circle::new(*pair, 4, BLUE.mix(0.6).filled())))?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_a_point_and_labels_are_escaped() {
        let drawn = scatter("a < b", ["one & two", "three"], &[(0.1, 0.2), (0.5, 0.1), (0.9, 0.9)]).unwrap();
        assert_eq!(drawn.matches("<circle").count(), 3);
        assert!(drawn.starts_with("<svg") && drawn.contains("one &amp; two") && drawn.contains("a &lt; b"), "{drawn}");
    }

    #[test]
    fn one_value_alone_can_be_drawn_and_no_value_cannot() {
        assert!(scatter("", ["", ""], &[(0.5, 0.5)]).is_ok());
        assert!(scatter("", ["", ""], &[]).is_err());
        assert!(scatter("", ["", ""], &[(f64::NAN, 0.5)]).is_err());
    }
}
