//! The report as one page that needs nothing else.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::tables::{self, Table};
use super::{Section, missing};
use crate::Results;

const STYLE: &str = include_str!("style.css");

pub(crate) fn render(results: &Results, sections: &[Section<'_>]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (results.name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (results.name) }
                    @for line in missing(results) { p.warning { (line) } }
                    nav {
                        @for (number, section) in sections.iter().enumerate() {
                            a href=(format!("#problem-{number}")) { (heading(section)) }
                        }
                        a href="#setup" { "What was run" }
                    }
                }
                main {
                    @for (number, section) in sections.iter().enumerate() {
                        (problem(number, section))
                    }
                    section #setup {
                        h2 { "What was run" }
                        div.text { @for one in tables::setup(results) { (table(&one)) } }
                        h3 { "Settings" }
                        p { "Of the first run of each method, every default filled in; others differ in the seed." }
                        @for section in sections {
                            @for one in &section.analysis.methods {
                                details {
                                    summary { (one.method.labels.to_string()) }
                                    pre { (tables::settings(&one.method.experiment)) }
                                }
                            }
                        }
                    }
                }
                footer {
                    p { "Made by Archwright " (env!("CARGO_PKG_VERSION")) " from the journals of the runs alone. Every observation is in observations.csv and observations.parquet beside this page." }
                }
            }
        }
    };
    page.into_string()
}

fn heading(section: &Section<'_>) -> String {
    format!("{} in {}", section.analysis.problem.task, section.analysis.problem.space)
}

fn problem(number: usize, section: &Section<'_>) -> Markup {
    let tables = tables::of(&section.analysis);
    let (first, rest) = tables.split_at(1);
    html! {
        section id=(format!("problem-{number}")) {
            h2 { (heading(section)) }
            @for one in first { (table(one)) }
            div.figures {
                @for figure in &section.figures {
                    figure {
                        (PreEscaped(&figure.svg))
                        figcaption { b { (figure.title) ". " } (figure.caption) }
                    }
                }
            }
            @for one in rest { (table(one)) }
        }
    }
}

fn table(table: &Table) -> Markup {
    html! {
        h3 { (table.title) }
        p { (table.note) }
        div.wide {
            table {
                thead { tr { @for header in &table.headers { th scope="col" { (header) } } } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (place, cell) in row.iter().enumerate() {
                                @if place == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
