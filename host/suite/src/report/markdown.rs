//! The report as Markdown.

use std::fmt::Write;

use super::tables::{self, Table};
use super::{Section, missing};
use crate::Results;

pub(crate) fn render(results: &Results, sections: &[Section<'_>]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# {}\n", results.name);
    for line in missing(results) {
        let _ = writeln!(text, "{line}\n");
    }
    for Section { analysis, figures } in sections {
        let _ = writeln!(text, "## {} in {}\n", analysis.problem.task, analysis.problem.space);
        for one in tables::of(analysis) {
            table(&mut text, &one);
        }
        for figure in figures {
            let _ = writeln!(text, "![{}](figures/{}.svg)\n\n{}\n", figure.title, figure.id, figure.caption);
        }
    }
    let _ = writeln!(text, "## What was run\n");
    for one in tables::setup(results) {
        table(&mut text, &one);
    }
    text
}

fn table(text: &mut String, table: &Table) {
    let cell = |cell: &String| cell.replace('|', "\\|").replace('\n', " ");
    let row = |cells: &[String]| format!("| {} |", cells.iter().map(cell).collect::<Vec<_>>().join(" | "));
    let _ = writeln!(text, "### {}\n\n{}\n", table.title, table.note);
    let _ = writeln!(text, "{}\n|{}", row(&table.headers), "---|".repeat(table.headers.len()));
    for cells in &table.rows {
        let _ = writeln!(text, "{}", row(cells));
    }
    text.push('\n');
}
