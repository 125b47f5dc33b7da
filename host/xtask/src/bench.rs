//! Benchmarks: criterion's, the training step against Python's PyTorch, and what they come to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use archwright_build::run;
use serde_json::Value;

use crate::workspace::Workspace;

/// The Python twin of the trainer's benchmark.
const TWIN: &str = "host/trainer/benches/step_torch.py";
/// What runs a search step by the code of DARTS's authors.
const DARTS: &str = "host/trainer/benches/supergraph_torch.py";
/// Environment variable: the folder `cnn` of a checkout of that code.
const DARTS_CODE: &str = "ARCHWRIGHT_DARTS";
/// Search steps of DARTS's 50 epochs: half of CIFAR-10's 50,000 training images in batches of 64.
const SEARCH_STEPS: f64 = 50.0 * 391.0;
/// Architectures that each benchmark of a search space goes through.
const ARCHITECTURES: f64 = 64.0;

pub(crate) fn bench(workspace: &Workspace) -> Result<()> {
    workspace.build()?;
    run(workspace.cargo()?.args(["bench", "--workspace", "--bench", "*"]))?;
    let python = python_epoch()?;
    let darts = match std::env::var_os(DARTS_CODE) {
        Some(code) if python.is_some() => Some(python_seconds(DARTS, &[code])?),
        _ => None,
    };
    let figures = Figures { folder: workspace.target().join("criterion") };
    println!("\nMeasured in this run");
    figures.boundary()?;
    figures.search()?;
    figures.spaces()?;
    figures.training(python)?;
    figures.search_step(darts)?;
    figures.start_up()
}

/// Seconds of the epoch in Python, where its PyTorch is at hand.
fn python_epoch() -> Result<Option<f64>> {
    let python = python();
    let torch = Command::new(&python).args(["-c", "import torch"]).stderr(Stdio::null()).status();
    if !torch.is_ok_and(|status| status.success()) {
        eprintln!(
            "{} has no torch, so the training step was not compared with it.\n\
             Mend it with `python3 -m pip install torch==2.11.0 numpy`, or name another interpreter in PYTHON",
            python.display()
        );
        return Ok(None);
    }
    python_seconds(TWIN, &[]).map(Some)
}

/// The seconds that a Python script measures.
fn python_seconds(script: &str, arguments: &[OsString]) -> Result<f64> {
    let mut command = Command::new(python());
    let output =
        command.arg(script).args(arguments).stderr(Stdio::inherit()).output().context("cannot start Python")?;
    if !output.status.success() {
        bail!("{script} failed");
    }
    let twin: Value = serde_json::from_slice(&output.stdout).with_context(|| format!("{script} printed no JSON"))?;
    twin["seconds"].as_f64().with_context(|| format!("{script} printed no seconds"))
}

fn python() -> PathBuf {
    std::env::var_os("PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from)
}

/// Queries of a measured search.
const QUERIES: u32 = 100_000;

/// What criterion left behind.
struct Figures {
    folder: PathBuf,
}

impl Figures {
    /// Mean seconds of one iteration.
    fn seconds(&self, benchmark: impl AsRef<Path>) -> Result<f64> {
        let path = self.folder.join(benchmark).join("new/estimates.json");
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let estimates: Value = serde_json::from_slice(&text)?;
        let nanoseconds = estimates["mean"]["point_estimate"].as_f64();
        Ok(nanoseconds.with_context(|| format!("{} holds no mean", path.display()))? * 1e-9)
    }

    fn boundary(&self) -> Result<()> {
        for queries in [1.0, 100.0] {
            let native = self.seconds(format!("regularized-evolution native/ask and tell {queries}"))?;
            let sandboxed =
                self.seconds(format!("regularized-evolution sandboxed, Portable NaNs/ask and tell {queries}"))?;
            println!(
                "  ask and tell, {queries:>3} at a time     {:>9.0} queries/s sandboxed, {:>9.0} native: {:.2} times the time",
                queries / sandboxed,
                queries / native,
                sandboxed / native
            );
        }
        Ok(())
    }

    fn search(&self) -> Result<()> {
        for strategy in ["random", "regularized-evolution"] {
            let seconds = |what: &str| self.seconds(format!("search by {strategy}/{what}"));
            let (journaled, bare) = (seconds("with its journal")?, seconds("without a journal")?);
            println!(
                "  search by {strategy:<21}  {:>9.0} queries/s, {:.0} % of the time for the journal; {QUERIES} played back in {:.2} s",
                f64::from(QUERIES) / journaled,
                100.0 * (journaled - bare) / journaled,
                seconds("played back to its end")?
            );
        }
        Ok(())
    }

    fn spaces(&self) -> Result<()> {
        for space in ["nas-bench-201", "darts"] {
            let rate = |what: &str| Ok::<_, anyhow::Error>(ARCHITECTURES / self.seconds(Path::new(space).join(what))?);
            println!(
                "  {space:<14} fingerprints  {:>9.0}/s; encodings: one-hot {:.0}/s, adjacency {:.0}/s, path {:.0}/s",
                rate("fingerprint")?,
                rate("encode OneHot")?,
                rate("encode Adjacency")?,
                rate("encode Path")?
            );
        }
        Ok(())
    }

    fn training(&self, python: Option<f64>) -> Result<()> {
        let ours = self.seconds("training/epoch of nas-bench-201, 1 cell a stage, batch 64")?;
        let beside = python.map(|python| format!(", {python:.3} s in Python: {:.2} times its time", ours / python));
        println!("  epoch of training            {ours:>9.3} s{}", beside.unwrap_or_default());
        Ok(())
    }

    fn search_step(&self, authors: Option<f64>) -> Result<()> {
        let ours = self.seconds("supergraph/search step of DARTS, 8 cells, 16 channels, batch 64")?;
        let beside = match authors {
            Some(authors) => format!(", {authors:.2} s by the authors' code: {:.2} times its time", ours / authors),
            None => format!("; {DARTS_CODE} names the `cnn` folder of the authors' code to compare it with"),
        };
        println!(
            "  search step of DARTS         {ours:>9.2} s, {:.1} h for 50 epochs{beside}",
            ours * SEARCH_STEPS / 3600.0
        );
        Ok(())
    }

    fn start_up(&self) -> Result<()> {
        let milliseconds = |what: &str| Ok::<_, anyhow::Error>(1e3 * self.seconds(format!("start-up_{what}"))?);
        println!("  archwright --help            {:>9.1} ms", milliseconds("help")?);
        println!("  a run with cached components {:>9.1} ms to its start", milliseconds("run with cached components")?);
        Ok(())
    }
}
