//! `archwright export`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use archwright_export::{ExportError, Exported, Weights, draw, json, onnx, png, pytorch};
use archwright_search::{Choice, Found};
use archwright_store::RunId;
use serde_json::json;

use crate::args::{self, Format};
use crate::locations::Locations;
use crate::outcome::{CliError, Output};

/// All formats, in the order in which they are listed.
const ALL: [Format; 5] = [Format::Json, Format::Pytorch, Format::Onnx, Format::Svg, Format::Png];

pub(crate) fn export(options: &args::Export, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let store = locations.existing_store()?;
    let record = store.standing(store.run(&options.run)?);
    let choice = Choice { finalist: options.finalist, seed: options.seed };
    let found = Found::chosen(&store, &record, &locations.environment(false)?, choice)?;
    let formats = if options.format.is_empty() { &ALL[..] } else { &options.format };
    let needs_weights = formats.iter().any(|format| matches!(format, Format::Pytorch | Format::Onnx));
    let content = if needs_weights { Some(found.read_weights(&store)?) } else { None };
    let exported = exported(found);
    let files = files(&exported, content.as_deref(), formats).map_err(anyhow::Error::from)?;
    let folder = options.output.clone().unwrap_or_else(|| PathBuf::from(folder(record.id, choice)));
    write(&folder, &files, options.force)?;
    let names: Vec<&String> = files.iter().map(|(name, _)| name).collect();
    if output.json {
        output.value(&json!({
            "run": record.id, "finalist": choice.finalist, "seed": choice.seed, "folder": folder, "files": names,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("{} in {}\n", exported.origin, folder.display());
    for (name, content) in &files {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<24}{}", indicatif::HumanBytes(content.len() as u64));
    }
    output.text(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The folder of an export that is given none.
fn folder(run: RunId, Choice { finalist, seed }: Choice) -> String {
    match (finalist, seed) {
        (1, 1) => format!("run-{run}-export"),
        _ => format!("run-{run}-finalist-{finalist}-seed-{seed}-export"),
    }
}

/// What there is to say about a found network.
fn exported(found: Found) -> Exported {
    let Found { report, finalist, choice, network, recipe, cells, data, mut lock, .. } = found;
    let experiment = lock.experiment_mut();
    // Only what the run found was tested.
    let result = match (choice.finalist, report.test_perplexity, finalist.validation_perplexity) {
        (1, Some(perplexity), _) => format!("test perplexity {perplexity:.4}"),
        (1, None, _) => {
            report.test_accuracy.map_or("not tested".into(), |accuracy| format!("test accuracy {accuracy:.4}"))
        }
        (_, _, Some(perplexity)) => format!("validation perplexity {perplexity:.4}"),
        (_, _, None) => format!("validation accuracy {:.4}", finalist.validation_accuracy),
    };
    let which = match finalist.weights.len() {
        0 | 1 => String::new(),
        seeds => format!(" over {seeds} seeds, weights of seed {}", choice.seed),
    };
    let place = if choice.finalist == 1 { String::new() } else { format!(", finalist {}", choice.finalist) };
    let origin = format!(
        "run {} ({} in {}){place}, {result}{which}",
        report.run, experiment.strategy.name, experiment.space.name
    );
    Exported {
        network,
        origin,
        decisions: finalist.decisions,
        recipe,
        cells,
        normalisation: data.normalisation,
        class_names: data.class_names,
    }
}

/// Names and contents of the files.
fn files(
    exported: &Exported,
    content: Option<&[u8]>,
    formats: &[Format],
) -> Result<Vec<(String, Vec<u8>)>, ExportError> {
    let weights = content.map(|content| Weights::read(content, &exported.network)).transpose()?;
    let wants = |format: Format| formats.contains(&format);
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    if wants(Format::Json) {
        files.push(("network.json".into(), json(exported)?.into_bytes()));
    }
    if let (Some(weights), true) = (&weights, wants(Format::Pytorch)) {
        let module = pytorch(exported, weights)?;
        files.push(("model.py".into(), module.module.into_bytes()));
        files.push(("weights.safetensors".into(), module.weights));
    }
    if let (Some(weights), true) = (&weights, wants(Format::Onnx)) {
        files.push(("model.onnx".into(), onnx(exported, weights)?));
    }
    if wants(Format::Svg) || wants(Format::Png) {
        for drawing in draw(exported)? {
            if wants(Format::Png) {
                files.push((format!("{}.png", drawing.name), png(&drawing)?));
            }
            if wants(Format::Svg) {
                files.push((format!("{}.svg", drawing.name), drawing.svg.into_bytes()));
            }
        }
    }
    Ok(files)
}

fn write(folder: &Path, files: &[(String, Vec<u8>)], force: bool) -> Result<(), CliError> {
    if let Some((name, _)) = files.iter().find(|(name, _)| !force && folder.join(name).exists()) {
        let message = format!("{} is there already", folder.join(name).display());
        return Err(CliError::input(message, Some("--force writes over it, --output names another folder".into())));
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, content) in files {
        let path = folder.join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
