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

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::{Results, SuiteError};
use analysis::Analysis;
use figures::Figure;

/// Probability of an error of the first kind that tests and intervals allow.
const ALPHA: f64 = 0.05;

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
    let figures = folder.join("figures");
    std::fs::create_dir_all(&figures).map_err(SuiteError::file("make the folder", &figures))?;
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
    for figure in sections.iter().flat_map(|section| &section.figures) {
        save(&figures.join(format!("{}.svg", figure.id)), &figure.svg)?;
    }
    let markdown = markdown::render(results, &sections);
    let page = folder.join("report.html");
    save(&page, &page::render(results, &sections))?;
    save(&folder.join("report.md"), &markdown)?;
    Ok(Written { page, text: terminal::text(results, &sections), summary: terminal::summary(&sections) })
}

fn save(path: &Path, text: &str) -> Result<(), SuiteError> {
    whole(path, |file| file.write_all(text.as_bytes()).map_err(SuiteError::file("write", path)))
}

/// A file that is there whole or, where writing fails, as it was before.
fn whole(path: &Path, write: impl FnOnce(&mut File) -> Result<(), SuiteError>) -> Result<(), SuiteError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(SuiteError::file("write", path))?;
    write(file.as_file_mut())?;
    // As any other file that is made, not for its owner alone.
    let readable = std::fs::Permissions::from_mode(0o644);
    file.as_file().set_permissions(readable).map_err(SuiteError::file("write", path))?;
    file.persist(path).map(drop).map_err(|error| SuiteError::file("write", path)(error.error))
}
