//! The report of a comparison: a page, the same as Markdown, every observation as a table, and the figures.

mod analysis;
mod checklist;
mod figures;
mod files;
mod markdown;
mod motifs;
mod page;
mod tables;
mod terminal;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::{Missing, Results, SuiteError};
use analysis::Analysis;
use figures::Figure;

/// Probability of an error of the first kind that tests and intervals allow.
const ALPHA: f64 = 0.05;

/// Missing runs that are told one by one.
const TOLD_MISSING: usize = 20;

/// What of a comparison is on a problem, worked out.
struct Section<'a> {
    analysis: Analysis<'a>,
    figures: Vec<Figure>,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// The results, for a terminal.
    pub text: String,
    /// The same as JSON.
    pub summary: serde_json::Value,
}

/// Writes the report of a comparison into a folder, which is made where there is none. The same results give the same bytes.
///
/// # Errors
/// Where nothing can be compared, a figure cannot be drawn or a file not be written.
pub fn write(results: &Results, folder: &Path) -> Result<Written, SuiteError> {
    let figures = make(folder)?;
    let _held = hold(folder);
    let sections = std::thread::scope(|scope| {
        let observations = scope.spawn(|| files::write(results, folder));
        let sections: Result<Vec<Section<'_>>, SuiteError> = results
            .problems
            .iter()
            .enumerate()
            .map(|(number, problem)| {
                let analysis = Analysis::of(problem, &results.reporting);
                let figures = figures::draw(&analysis, number + 1)?;
                Ok(Section { analysis, figures })
            })
            .collect();
        match observations.join() {
            Ok(written) => written?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        sections
    })?;
    let mut earlier = earlier_figures(folder);
    for figure in sections.iter().flat_map(|section| &section.figures) {
        save(&figures.join(format!("{}.svg", figure.id)), &figure.svg)?;
        earlier.remove(&figure.id);
    }
    for id in earlier {
        let path = figures.join(format!("{id}.svg"));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(SuiteError::file("remove", &path)(error));
            }
            _ => {}
        }
    }
    let markdown = markdown::render(results, &sections);
    let page = folder.join("report.html");
    save(&page, &page::render(results, &sections))?;
    save(&folder.join("report.md"), &markdown)?;
    Ok(Written { page, text: terminal::text(results, &sections), summary: terminal::summary(&sections) })
}

/// Which runs the report is without, a line for each, and one before.
fn missing(results: &Results) -> Vec<String> {
    let missing = &results.missing;
    if missing.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![match missing.len() {
        1 => "1 run is missing, which is not finished:".to_owned(),
        several => format!("{several} runs are missing, which are not finished:"),
    }];
    lines.extend(missing.iter().take(TOLD_MISSING).map(Missing::to_string));
    if missing.len() > TOLD_MISSING {
        lines.push(format!("and {} more", missing.len() - TOLD_MISSING));
    }
    lines
}

/// The figures of the report that a folder has, as that names them: nothing else in the folder is its own.
fn earlier_figures(folder: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder.join("report.md")).unwrap_or_default();
    let links =
        text.lines().filter_map(|line| line.strip_prefix("![")?.split_once("](figures/")?.1.strip_suffix(".svg)"));
    let is_id = |id: &&str| id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    links.filter(is_id).map(str::to_owned).collect()
}

/// Checks that a report can be written into a folder, which is made where there is none, before anything runs.
///
/// # Errors
/// Where it cannot.
pub fn check(folder: &Path) -> Result<(), SuiteError> {
    for folder in [folder, &make(folder)?] {
        tempfile::tempfile_in(folder).map_err(SuiteError::file("write into", folder))?;
    }
    Ok(())
}

/// Makes the folder of a report; gives that of its figures.
fn make(folder: &Path) -> Result<PathBuf, SuiteError> {
    let figures = folder.join("figures");
    std::fs::create_dir_all(&figures).map_err(SuiteError::file("make the folder", &figures))?;
    Ok(figures)
}

fn save(path: &Path, text: &str) -> Result<(), SuiteError> {
    whole(path, |file| file.write_all(text.as_bytes()).map_err(SuiteError::file("write", path)))
}

/// A file that is there whole or, where writing fails, as it was before. What a writer that was killed left behind is written
/// over by the next one.
fn whole(path: &Path, write: impl FnOnce(&mut File) -> Result<(), SuiteError>) -> Result<(), SuiteError> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".partial");
    let partial = path.with_file_name(name);
    let written = File::create(&partial).map_err(SuiteError::file("write", path)).and_then(|mut file| write(&mut file));
    let moved = written.and_then(|()| std::fs::rename(&partial, path).map_err(SuiteError::file("write", path)));
    if moved.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    moved
}

/// Of two that write into one folder, one waits for the other, where the system can lock folders.
fn hold(folder: &Path) -> Option<File> {
    let held = File::open(folder).ok()?;
    held.lock().ok()?;
    Some(held)
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
