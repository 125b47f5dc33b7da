//! Benchmarks: criterion's, the training step against Python's PyTorch, and what they come to.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use archwright_build::run;
use serde_json::Value;

use crate::comparison;
use crate::workspace::Workspace;

/// The Python twin of the trainer's benchmark.
const TWIN: &str = "host/trainer/benches/step_torch.py";
/// What runs search steps by the code of DARTS's authors.
const DARTS: &str = "host/trainer/benches/supergraph_torch.py";
/// Environment variable: the folder `cnn` of a checkout of that code.
const DARTS_CODE: &str = "ARCHWRIGHT_DARTS";
/// Search steps of each program that are measured, in turns. The fastest counts: all else that a machine does only slows steps.
const TURNS: usize = 3;
/// Images of a search step: a batch for the weights and one for the architecture.
const STEP_IMAGES: f64 = 128.0;
/// Search steps of DARTS's 50 epochs: half of CIFAR-10's 50,000 training images in batches of 64.
const SEARCH_STEPS: f64 = 50.0 * 391.0;
/// Architectures that each benchmark of a search space goes through.
const ARCHITECTURES: f64 = 64.0;

pub(crate) fn bench(workspace: &Workspace) -> Result<()> {
    workspace.build()?;
    build_languages(workspace);
    run(workspace.cargo()?.args(["bench", "--workspace", "--bench", "*"]))?;
    let python = python_epoch()?;
    let steps = search_steps(workspace, python.is_some())?;
    let comparison = comparison::measure(workspace, &self::python())?;
    let figures = Figures { folder: workspace.target().join("criterion") };
    println!("\nMeasured in this run");
    figures.boundary()?;
    figures.search()?;
    figures.spaces()?;
    figures.training(python)?;
    steps.print();
    if let Some(comparison) = comparison {
        comparison.print();
    }
    figures.start_up()
}

/// Builds the examples in other languages than Rust, where their tools are at hand.
fn build_languages(workspace: &Workspace) {
    for language in LANGUAGES {
        let folder = format!("examples/plugins/strategy-{language}");
        let component = workspace.release().join("languages").join(format!("{language}.wasm"));
        let mut build = Command::new(workspace.program());
        if let Err(error) = run(build.args(["plugin", "build", &folder, "-o"]).arg(&component)) {
            eprintln!("{folder} was not built, and is not measured: {error:#}");
        }
    }
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
    let output = Command::new(&python).arg(TWIN).stderr(Stdio::inherit()).output().context("cannot start Python")?;
    if !output.status.success() {
        bail!("{TWIN} failed");
    }
    let twin: Value = serde_json::from_slice(&output.stdout).with_context(|| format!("{TWIN} printed no JSON"))?;
    Ok(Some(twin["seconds"].as_f64().with_context(|| format!("{TWIN} printed no seconds"))?))
}

fn python() -> PathBuf {
    std::env::var_os("PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from)
}

/// Languages besides Rust that a strategy is measured in.
const LANGUAGES: [&str; 2] = ["python", "javascript"];
/// Strategies that are measured in the sandbox and natively.
const METHODS: [&str; 4] = ["local-search", "regularized-evolution", "tree-parzen", "gaussian-process"];
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
        for method in METHODS {
            let seconds = |place: &str| self.seconds(format!("100 queries of {method}/{place}"));
            let (native, sandboxed) = (seconds("native")?, seconds("sandboxed, Portable NaNs")?);
            println!(
                "  100 queries of {method:<21} {:>9.2} ms sandboxed, {:>9.2} native: {:.2} times the time",
                1e3 * sandboxed,
                1e3 * native,
                sandboxed / native
            );
        }
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
            for language in LANGUAGES {
                let name = format!("regularized-evolution in {language}/ask and tell {queries}");
                // Only what could be built was measured.
                if let Ok(seconds) = self.seconds(name) {
                    println!("    in {language:<22} {:>9.0} queries/s", queries / seconds);
                }
            }
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

    fn start_up(&self) -> Result<()> {
        let milliseconds = |what: &str| Ok::<_, anyhow::Error>(1e3 * self.seconds(format!("start-up_{what}"))?);
        println!("  archwright --help            {:>9.1} ms", milliseconds("help")?);
        println!("  a run with cached components {:>9.1} ms to its start", milliseconds("run with cached components")?);
        Ok(())
    }
}

/// A program that takes a search step of DARTS for each line that it reads.
struct Stepper {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

/// The fastest of its steps.
#[derive(Default)]
struct Fastest {
    seconds: Option<f64>,
    /// Seconds that the arithmetic alone takes.
    floor: Option<f64>,
    /// MiB of the GPU that the program holds.
    memory: Option<u64>,
}

impl Stepper {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { bail!("no streams") };
        Ok(Self { child, input, lines: BufReader::new(output).lines() })
    }

    fn step(&mut self, fastest: &mut Fastest) -> Result<()> {
        writeln!(self.input)?;
        // cargo and Python may say other things first.
        let step = loop {
            let line = self.lines.next().context("a search step failed")??;
            if let Ok(step) = serde_json::from_str::<Value>(&line) {
                break step;
            }
        };
        let least = |known: Option<f64>, new: &Value| known.into_iter().chain(new.as_f64()).reduce(f64::min);
        fastest.seconds = least(fastest.seconds, &step["seconds"]);
        fastest.floor = least(fastest.floor, &step["floor"]);
        fastest.memory = fastest.memory.max(step["process"].as_u64().and_then(gpu_memory));
        Ok(())
    }

    fn end(mut self) -> Result<()> {
        drop(self.input);
        if !self.child.wait()?.success() {
            bail!("a search step failed");
        }
        Ok(())
    }
}

/// MiB of the GPU that a process holds, as the driver says, where there is one. Both libtorch and PyTorch keep what they once
/// took, so that this is their most.
fn gpu_memory(process: u64) -> Option<u64> {
    let query = ["--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"];
    let output = Command::new("nvidia-smi").args(query).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let fields = text.lines().filter_map(|line| line.split_once(','));
    let of_process = fields.filter(|(pid, _)| pid.trim().parse() == Ok(process));
    of_process.filter_map(|(_, memory)| memory.trim().parse::<u64>().ok()).reduce(|all, one| all + one)
}

/// Search steps of DARTS, and those of its authors' code where that is at hand.
struct SearchSteps {
    ours: Fastest,
    authors: Option<Fastest>,
}

fn search_steps(workspace: &Workspace, has_torch: bool) -> Result<SearchSteps> {
    let arguments = ["bench", "-p", "archwright-trainer", "--bench", "supergraph", "--", "--by-line"];
    let mut ours = (Stepper::start(workspace.cargo()?.args(arguments))?, Fastest::default());
    let code = std::env::var_os(DARTS_CODE).filter(|_| has_torch);
    let start = |code| Stepper::start(Command::new(python()).arg(DARTS).arg(code).arg("--by-line"));
    let mut authors = code.map(start).transpose()?.map(|stepper| (stepper, Fastest::default()));
    // In the first turn one may still be starting while the other computes.
    for turn in 0..=TURNS {
        for (stepper, fastest) in [&mut ours].into_iter().chain(&mut authors) {
            stepper.step(fastest)?;
            if turn == 0 {
                *fastest = Fastest::default();
            }
        }
    }
    ours.0.end()?;
    let authors = authors.map(|(stepper, fastest)| stepper.end().map(|()| fastest)).transpose()?;
    Ok(SearchSteps { ours: ours.1, authors })
}

impl SearchSteps {
    fn print(&self) {
        let figures = |what: &str, fastest: &Fastest| {
            let Some(seconds) = fastest.seconds else { return };
            let share = fastest.floor.map(|floor| format!(", {:.0} % of it arithmetic", 100.0 * floor / seconds));
            let memory = fastest.memory.map(|memory| format!(", {memory} MiB of the GPU"));
            println!(
                "  {what:<28} {seconds:>9.2} s, {:.0} images/s, {:.1} h for 50 epochs{}{}",
                STEP_IMAGES / seconds,
                seconds * SEARCH_STEPS / 3600.0,
                share.unwrap_or_default(),
                memory.unwrap_or_default()
            );
        };
        figures("search step of DARTS", &self.ours);
        match &self.authors {
            Some(authors) => {
                figures("  by the authors' code", authors);
                if let (Some(ours), Some(theirs)) = (self.ours.seconds, authors.seconds) {
                    println!("  {:<28} {:>9.2} times its time", "", ours / theirs);
                }
            }
            None => println!("    {DARTS_CODE} names the `cnn` folder of the authors' code to compare it with"),
        }
    }
}
