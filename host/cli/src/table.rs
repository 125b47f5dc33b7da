//! `archwright table`.

use std::path::Path;
use std::process::ExitCode;

use archwright_space::Space;
use archwright_space::genotype::Genotype;
use archwright_table::{Head, Import, Measure, Table, TableError, import};
use serde_json::json;

use crate::args::{self, SpaceChoice, TableImport};
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::runs::{decisions, table as printed};
use crate::space;

pub(crate) fn table(command: &args::Table, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    match command {
        args::Table::Import(options) => make(options, locations, output),
        args::Table::Info { table } => info(&open(table)?, output),
        args::Table::Best { table, measure, data_set, number } => {
            best(&open(table)?, *measure, data_set.as_deref(), *number as usize, locations, output)
        }
    }
}

fn open(path: &Path) -> Result<Table, CliError> {
    Table::open(path).map_err(refused)
}

fn refused(error: TableError) -> CliError {
    match error {
        TableError::File { doing: "write", .. } => anyhow::Error::msg(error.to_string()).into(),
        error => CliError::input(error.to_string(), None),
    }
}

fn make(options: &TableImport, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let TableImport { file, space, options: set, input, classes, columns, epochs, output: into } = options;
    if let Some(option) = set.iter().find(|option| !option.contains('=')) {
        let help = format!("the table to write is named by `--output {option}`");
        return Err(CliError::input(
            format!("`-o` sets an option of the space by KEY=VALUE, not `{option}`"),
            Some(help),
        ));
    }
    let choice = SpaceChoice { space: space.clone(), options: set.clone(), input: input.clone(), classes: *classes };
    let opened = space::open(&choice, locations)?;
    let into = into.clone().unwrap_or_else(|| file.with_extension("table"));
    if into.canonicalize().is_ok_and(|into| file.canonicalize().is_ok_and(|file| file == into)) {
        return Err(CliError::input("the table would be written over the file that it is made of", None));
    }
    let asked = Import { file, space: &opened, name: space, columns, epochs: *epochs };
    let imported = import(&asked, &into).map_err(refused)?;
    let head = imported.table.head();
    if output.json {
        output.value(&json!({
            "table": into,
            "digest": imported.table.digest().to_hex().as_str(),
            "head": head,
            "left_out": { "columns": imported.left.columns, "architectures_without_network": imported.left.unbuilt },
            "sizes_that_differ": imported.left.sizes,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("{}\n\n{}", summary(head), columns_of(head));
    if !imported.left.columns.is_empty() {
        text += &format!("\n\nleft out: {} (--column says what a column holds)", imported.left.columns.join(", "));
    }
    if imported.left.unbuilt > 0 {
        text += &format!("\n{} of the architectures have no network for these inputs", imported.left.unbuilt);
    }
    if !imported.left.sizes.is_empty() {
        let sizes: Vec<String> = imported.left.sizes.iter().map(Measure::to_string).collect();
        let input: Vec<String> = head.input.iter().map(u32::to_string).collect();
        text += &format!(
            "\n{} in the file differ from what is counted of the networks for inputs of {} and {} classes, by which searches go \
             (--input and --classes say others)",
            sizes.join(" and "),
            input.join(","),
            head.classes
        );
    }
    text += &format!("\n\nwritten to {}", into.display());
    output.text(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn summary(head: &Head) -> String {
    let epochs = match &head.epochs[..] {
        [1] => "after one epoch".to_owned(),
        [only] => format!("after {only} epochs"),
        [first, .., last] => format!("after {} numbers of epochs from {first} to {last}", head.epochs.len()),
        [] => String::new(),
    };
    format!(
        "{} architectures of {}, up to {} of each, measured {epochs}; from {} with {} rows",
        head.architectures,
        head.space,
        if head.seeds == 1 { "one training".to_owned() } else { format!("{} trainings", head.seeds) },
        head.source.file,
        head.source.rows
    )
}

fn columns_of(head: &Head) -> String {
    let mut table = printed(["data set", "measure", "from", "values", "least", "greatest"]);
    for column in &head.columns {
        let data_set = column.data_set.and_then(|place| head.data_sets.get(place as usize));
        let number = |value: f64| match column.measure.is_accuracy() {
            true => format!("{value:.4}"),
            false => format!("{value}"),
        };
        let unit = match (column.percent, column.measure.unit()) {
            (true, _) => " (percent)".to_owned(),
            (false, Some(unit)) => format!(" ({unit})"),
            (false, None) => String::new(),
        };
        table.add_row([
            data_set.cloned().unwrap_or_else(|| "any".into()),
            column.measure.to_string(),
            format!("{}{unit}", column.header),
            column.count.to_string(),
            number(column.least),
            number(column.greatest),
        ]);
    }
    table.to_string()
}

fn info(table: &Table, output: Output) -> Result<ExitCode, CliError> {
    let digest = table.digest().to_hex();
    if output.json {
        output.value(&json!({ "digest": digest.as_str(), "head": table.head() }))?;
    } else {
        output.text(&format!("{}\n\n{}\n\ndigest {digest}", summary(table.head()), columns_of(table.head())))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn best(
    table: &Table,
    measure: Option<Measure>,
    data_set: Option<&str>,
    number: usize,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let head = table.head();
    let data_sets: Vec<u32> = match data_set {
        Some(name) => vec![table.data_set(name).ok_or_else(|| {
            let told = head.data_sets_told();
            CliError::input(format!("the table has no data set `{name}`: {told}"), None)
        })?],
        None => (0..head.data_sets.len() as u32).collect(),
    };
    let choice = SpaceChoice {
        space: head.space.clone(),
        options: Vec::new(),
        input: Some(head.input.clone()),
        classes: head.classes,
    };
    // Names are friendlier than values, where the space is still there.
    let space = space::open(&choice, locations).ok().filter(|space| table.check_space(space).is_ok());
    let level = head.epochs.len().saturating_sub(1);
    let mut lists = Vec::new();
    for place in data_sets {
        let by_default = [Measure::ValidationAccuracy, Measure::TestAccuracy];
        let Some(measure) = measure.or_else(|| by_default.into_iter().find(|one| table.column(place, *one).is_some()))
        else {
            return Err(CliError::input("the table has no accuracy; name another --measure", None));
        };
        let name = &head.data_sets[place as usize];
        let Some(column) = table.column(place, measure) else {
            let of = if name.is_empty() { String::new() } else { format!(" of {name}") };
            return Err(CliError::input(format!("the table has no {measure}{of}"), None));
        };
        let mut rows: Vec<(usize, f64)> =
            (0..table.len()).filter_map(|row| Some((row, column.mean(row, level)?))).collect();
        let sign = if measure.is_accuracy() { -1.0 } else { 1.0 };
        rows.sort_by(|left, right| (sign * left.1).total_cmp(&(sign * right.1)));
        rows.truncate(number);
        lists.push((name.clone(), measure, rows));
    }
    let readable = |row: usize| readable(table, space.as_ref(), row);
    if output.json {
        let list = lists.iter().map(|(data_set, measure, rows)| {
            let rows: Vec<_> = rows
                .iter()
                .map(|(row, value)| {
                    json!({ "value": value, "architecture": table.architecture(*row), "text": readable(*row) })
                })
                .collect();
            json!({ "data_set": data_set, "measure": measure, "best": rows })
        });
        output.value(&list.collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut printed = printed(["data set", "measure", "value", "architecture"]);
    for (data_set, measure, rows) in &lists {
        for (row, value) in rows {
            let value = if measure.is_accuracy() { format!("{value:.6}") } else { value.to_string() };
            printed.add_row([data_set.clone(), measure.to_string(), value, readable(*row)]);
        }
    }
    output.text(&printed.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// An architecture of a table as a text of the field, or as its decisions.
fn readable(table: &Table, space: Option<&Space>, row: usize) -> String {
    let Some(architecture) = table.architecture(row) else { return String::new() };
    let Some(space) = space else { return json!(architecture).to_string() };
    match Genotype::of(space, &architecture) {
        Ok(genotype) => genotype.to_string(),
        Err(_) => decisions(&space.label(&architecture)),
    }
}
