//! A project for a plugin.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use archwright_build::manifest::Language;
use archwright_build::{NewError, Project, sdk};
use serde_json::json;

use crate::args;
use crate::outcome::{CliError, Output};

pub(super) fn new(options: &args::New, output: Output) -> Result<ExitCode, CliError> {
    let project = Project {
        name: options.name.clone(),
        kind: options.kind.into(),
        language: options.lang.into(),
        folder: options.folder.clone().unwrap_or_else(|| PathBuf::from(&options.name)),
        sdk: options.sdk.clone().unwrap_or_else(sdk),
    };
    let files = project.create().map_err(refused)?;
    if output.json {
        let next: Vec<String> = next(&project).into_iter().map(|(command, _)| command).collect();
        output.value(&json!({ "folder": project.folder, "files": files, "next": next }))?;
    } else {
        let mut text = format!("{}: a new {} in {}\n", project.folder.display(), project.kind, project.language);
        for file in &files {
            text.push_str(&format!("  {}\n", file.display()));
        }
        text.push_str("\nNext\n");
        let next = next(&project);
        let width = next.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
        for (command, gives) in next {
            text.push_str(format!("  {command:<width$}  {gives}").trim_end());
            text.push('\n');
        }
        output.text(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(error: NewError) -> CliError {
    let help = match &error {
        NewError::Name(_) => None,
        NewError::Occupied(_) => Some("name another folder with --folder"),
        NewError::NoSdk(_) | NewError::SdkPath(_) => {
            Some("name the folder `plugins/sdk` of a checkout of Archwright with --sdk")
        }
        NewError::Write { .. } => return CliError::Other(error.into()),
    };
    CliError::input(error.to_string(), help.map(Into::into))
}

/// Commands to go on with, and what each gives.
fn next(project: &Project) -> Vec<(String, &'static str)> {
    let program = program();
    let component = format!("{}.wasm", project.name);
    let mut next = vec![(format!("cd {}", quoted(&project.folder)), "")];
    let test = match project.language {
        Language::Rust => "cargo test",
        Language::Python => "python3 -m unittest",
        Language::JavaScript => "node --test",
    };
    next.extend([
        (test.into(), "its logic, without a host"),
        (format!("{program} plugin build"), "makes the component"),
        (format!("{program} plugin check {component}"), "does it keep the contract?"),
        (format!("{program} run experiment.toml"), "a search on handwritten digits, about a minute"),
        (format!("{program} plugin watch"), "builds and checks after every change"),
    ]);
    next
}

/// This program as the user would call it from anywhere.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_else(|| "archwright".into());
    if !called.contains(std::path::MAIN_SEPARATOR) {
        return called;
    }
    std::path::absolute(&called).map_or(called, |path| quoted(&path))
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |character: char| character.is_alphanumeric() || "-_./~+,:@%".contains(character);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
