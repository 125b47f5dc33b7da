//! The benchmark of a comparison on a table: the whole command, against Python that does the queries alone.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace::Workspace;

/// What does the same queries in Python.
const TWIN: &str = "host/suite/benches/compare_python.py";
/// Its figures, and of what they are.
const TWINS: [(&str, &str); 3] = [
    ("python", "a plain loop in Python, no record"),
    ("optuna", "Optuna in memory"),
    ("syne_tune", "Syne Tune's scheduler in memory"),
];
/// Environment variable: a CSV file of NAS-Bench-201's cells with the columns `architecture` and `cifar10_test_accuracy`.
const TABLE: &str = "ARCHWRIGHT_NAS_BENCH_201";
const SEEDS: u32 = 100;
const QUERIES: u32 = 500;
const STRATEGIES: [&str; 4] = [
    "use = \"random\"",
    "use = \"regularized-evolution\"\npopulation_size = 10\nsample_size = 3",
    "use = \"local-search\"",
    "use = \"tournament-evolution\"\npopulation_size = 10",
];
/// Times that the comparison is made, each in a store of its own. The fastest counts.
const TURNS: u32 = 3;

/// Seconds that a comparison takes with its report, journals and everything, and the same queries in Python.
pub(crate) struct Comparison {
    ours: f64,
    python: Option<Value>,
}

/// Measures, where the table is at hand.
pub(crate) fn measure(workspace: &Workspace, python: &Path) -> Result<Option<Comparison>> {
    let Some(table) = std::env::var_os(TABLE) else {
        eprintln!("{TABLE} names no table of NAS-Bench-201, so no comparison was measured on it");
        return Ok(None);
    };
    let program = workspace.target().join("release/archwright");
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let place = |name: &str| folder.path().join(name);
    let archwright = |store: &str| {
        let mut command = Command::new(&program);
        command.current_dir(folder.path()).env("ARCHWRIGHT_STORE", place(store)).stdout(Stdio::null());
        command
    };
    let table = std::path::absolute(table).context("the table's path")?;
    let import = archwright("none")
        .args(["table", "import"])
        .arg(&table)
        .args(["--space", "nas-bench-201", "--epochs", "200", "--output", "cells.table"])
        .status()
        .context("cannot start archwright")?;
    if !import.success() {
        bail!("the table that {TABLE} names cannot be imported");
    }
    let strategies = STRATEGIES.map(|strategy| format!("[[strategy]]\n{strategy}\n")).concat();
    let suite = format!(
        "seeds = {SEEDS}\n[space]\nuse = \"nas-bench-201\"\n{strategies}[estimator]\nuse = \"benchmark-table\"\n\
         [task]\ndata = \"cells.table\"\ndata_set = \"cifar10\"\nsignal = \"test\"\n[budget]\nqueries = {QUERIES}\n"
    );
    std::fs::write(place("suite.toml"), suite).context("the suite")?;
    let mut ours = f64::INFINITY;
    for turn in 0..TURNS {
        let begun = Instant::now();
        let done = archwright(&format!("store-{turn}")).args(["compare", "suite.toml"]).status();
        if !done.context("cannot start archwright")?.success() {
            bail!("the comparison failed");
        }
        ours = ours.min(begun.elapsed().as_secs_f64());
    }
    let (seeds, queries) = (SEEDS.to_string(), QUERIES.to_string());
    let twin = Command::new(python).arg(TWIN).arg(&table).args([seeds, queries]).stderr(Stdio::inherit()).output();
    let python = match twin {
        Ok(output) if output.status.success() => serde_json::from_slice(&output.stdout).ok(),
        _ => None,
    };
    Ok(Some(Comparison { ours, python }))
}

impl Comparison {
    pub(crate) fn print(&self) {
        let queries = f64::from(SEEDS * QUERIES) * STRATEGIES.len() as f64;
        println!(
            "  comparison on a table        {:>9.2} s for {queries:.0} queries, journaled, with the report: {:.0} queries/s",
            self.ours,
            queries / self.ours
        );
        let Some(python) = &self.python else { return };
        for (name, what) in TWINS {
            match python[name].as_f64() {
                Some(seconds) => println!("    {what:<34} {seconds:>6.2} s: {:.2} times that", self.ours / seconds),
                None => println!("    {what:<34} not measured: it is not installed"),
            }
        }
    }
}
