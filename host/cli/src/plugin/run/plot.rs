//! Curves as text.

/// Columns of the field.
const WIDTH: usize = 64;
/// Lines of the field.
const HEIGHT: usize = 14;

/// A curve: its mark, its name, and its value after each query; of a query after which there is none yet, nothing.
pub(super) struct Line<'a> {
    pub(super) mark: char,
    pub(super) name: &'a str,
    pub(super) values: &'a [Option<f64>],
}

/// Draws curves over the number of queries, in plain characters. The first one is in front.
pub(super) fn drawn(lines: &[Line<'_>]) -> String {
    let known = || lines.iter().flat_map(|line| line.values.iter().flatten().copied());
    let (low, high) =
        known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| (low.min(one), high.max(one)));
    let queries = lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    if queries == 0 || !(low.is_finite() && high.is_finite()) {
        return String::new();
    }
    let span = if high > low { high - low } else { 1.0 };
    let row = |value: f64| HEIGHT - 1 - ((value - low) / span * (HEIGHT - 1) as f64).round() as usize;
    // Of a cell the curve in front that comes through it.
    let cell = |at: usize, column: usize| {
        let query = column * (queries - 1) / (WIDTH - 1);
        let mark = |line: &Line<'_>| (row((*line.values.get(query)?)?) == at).then_some(line.mark);
        lines.iter().find_map(mark).unwrap_or(' ')
    };
    let mut text = String::new();
    for at in 0..HEIGHT {
        let value = high - span * at as f64 / (HEIGHT - 1) as f64;
        let label = if at % 4 == 0 || at + 1 == HEIGHT { format!("{value:8.4}") } else { " ".repeat(8) };
        let cells: String = (0..WIDTH).map(|column| cell(at, column)).collect();
        text.push_str(&format!("{label} |{}\n", cells.trim_end()));
    }
    let count = queries.to_string();
    text.push_str(&format!("{}+{}\n", " ".repeat(9), "-".repeat(WIDTH)));
    text.push_str(&format!("{}1{count:>width$} queries\n", " ".repeat(10), width = WIDTH - 1));
    for line in lines {
        text.push_str(&format!("{}{} {}\n", " ".repeat(10), line.mark, line.name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Line, drawn};

    #[test]
    fn curves_are_drawn_from_the_first_query_to_the_last() {
        let rising: Vec<Option<f64>> = (0..10).map(|query| Some(f64::from(query) / 9.0)).collect();
        let text = drawn(&[Line { mark: '*', name: "rising", values: &rising }]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("  1.0000 |") && lines[0].ends_with('*'), "{text}");
        assert!(lines[13].starts_with("  0.0000 |*"), "{text}");
        assert!(text.contains("10 queries") && text.contains("* rising"), "{text}");
    }

    #[test]
    fn what_is_not_there_is_not_drawn() {
        assert_eq!(drawn(&[Line { mark: '*', name: "none", values: &[None, None] }]), "");
        let flat = [Some(0.5); 3];
        assert!(drawn(&[Line { mark: '*', name: "flat", values: &flat }]).contains('*'));
    }
}
