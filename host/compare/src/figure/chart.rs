//! Axes that plotters draws, and what says which line is whose.

use plotters::chart::{ChartBuilder, ChartContext, MeshStyle, SeriesLabelPosition};
use plotters::coord::cartesian::Cartesian2d;
use plotters::element::PathElement;
use plotters::prelude::{LineSeries, SVGBackend};
use plotters::style::TRANSPARENT;
use plotters::style::text_anchor::HPos;

use super::axis::Span;
use super::page::{Area, Drawn, LINE, MARGIN, WIDTH, letters, shortened, width, write};
use super::style::Paint;

/// Length of marks; labels are twice as far from the axis.
pub(super) const TICK: i32 = 40;

/// Height of what is below a field: the axis's labels, and what it is.
pub(super) const BELOW: i32 = 2 * LINE + 2 * TICK;

/// A field with axes.
pub(super) type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Span, Span>>;

/// Draws axes, keeping so much width free on their right. What is only deep has lines across in place of marks.
pub(super) fn chart<'a>(area: &Area<'a>, [across, up]: [Span; 2], label: &str, beside: i32) -> Drawn<Chart<'a>> {
    let (marks, beside) = (up.labels_upwards(), beside.max(MARGIN));
    let left = up.widest(marks).map_or(0, |widest| widest + TICK);
    let mut chart = ChartBuilder::on(area)
        .margin_left(MARGIN)
        .margin_right(MARGIN + beside)
        .x_label_area_size(BELOW)
        .y_label_area_size(left)
        .build_cartesian_2d(across, up)?;
    let mut mesh = chart.configure_mesh();
    styled(&mut mesh, across.labels_across(WIDTH - 2 * MARGIN - beside - left)).y_labels(marks).x_desc(label);
    if left > 0 {
        mesh.disable_x_mesh()
    } else {
        mesh.disable_y_mesh()
    };
    mesh.draw()?;
    Ok(chart)
}

/// The looks of axes, with so many marks across.
pub(super) fn styled<'a, 'b, 'c>(
    mesh: &'c mut MeshStyle<'a, 'b, Span, Span, SVGBackend<'a>>,
    across: usize,
) -> &'c mut MeshStyle<'a, 'b, Span, Span, SVGBackend<'a>> {
    mesh.x_labels(across)
        .label_style(letters(Paint::Letters))
        .axis_style(Paint::Axis.colour())
        .bold_line_style(Paint::Grid.colour())
        .light_line_style(TRANSPARENT)
        .set_all_tick_mark_size(TICK)
}

/// Widest names that stand beside their lines.
const BESIDE: i32 = 1080;
/// Length of what leads from a line's end to its name.
const LEADER: i32 = 160;

/// Width that the names of lines need beside them; nothing where they have to go below.
pub(super) fn beside(names: &[&str], height: i32) -> Option<i32> {
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    (widest <= BESIDE && names.len() as i32 * LINE <= height).then_some(LEADER + 40 + widest)
}

/// Names beside the ends of their lines, moved apart where these are close.
pub(super) fn name_beside(area: &Area, chart: &Chart, names: &[&str], ends: &[(f64, f64)]) -> Drawn {
    // Nothing is drawn outside of its area, and the names are outside of the chart's.
    let (page, (across, up)) = (area.use_screen_coord(), chart.plotting_area().get_pixel_range());
    let mut ends: Vec<(usize, (i32, i32))> = ends.iter().map(|end| chart.backend_coord(end)).enumerate().collect();
    ends.sort_by_key(|(_, end)| end.1);
    let mut heights: Vec<i32> = ends.iter().map(|(_, end)| end.1).collect();
    spread(&mut heights, LINE, up.start, up.end);
    for ((place, end), y) in ends.into_iter().zip(heights) {
        let x = across.end + LEADER;
        page.draw(&PathElement::new(vec![end, (x, y)], Paint::Leader.of(place)))?;
        write(&page, &[names[place].to_owned()], Paint::Letters, HPos::Left, (x + 40, y - LINE / 2))?;
    }
    Ok(())
}

/// Moves ascending places apart by at least `distance`, near to where they were, within `low` and `high`.
pub(super) fn spread(places: &mut [i32], distance: i32, low: i32, high: i32) {
    let mut least = low;
    for place in places.iter_mut() {
        *place = least.max(*place);
        least = *place + distance;
    }
    let mut most = high;
    for place in places.iter_mut().rev() {
        *place = most.min(*place);
        most = *place - distance;
    }
}

/// Names below a drawing, each with a piece of its line.
pub(super) fn name_below(area: &Area, names: &[&str]) -> Drawn {
    const SAMPLE: i32 = 340;
    let nothing = || std::iter::empty::<(f64, f64)>();
    // Plotters puts its legend in a field, where it would cover the lines: so this has a field of its own.
    let mut chart = ChartBuilder::on(area).build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    for (place, name) in names.iter().enumerate() {
        let paint = Paint::Line.of(place);
        chart
            .draw_series(LineSeries::new(nothing(), paint))?
            .label(shortened(name, WIDTH - 3 * MARGIN - SAMPLE))
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + SAMPLE, y)], paint));
    }
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::Coordinate(MARGIN, LINE / 4)).margin(0).legend_area_size(SAMPLE + 60);
    legend.label_font(letters(Paint::Letters)).draw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_move_apart_and_stay_inside() {
        let mut places = [1, 2, 3, 98, 99];
        spread(&mut places, 10, 0, 100);
        assert_eq!(places, [1, 11, 21, 90, 100]);
    }
}
