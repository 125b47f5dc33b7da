//! A bench to try the whole program on: a folder with files, a store of its own, and the built `archwright`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod registry;
mod site;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub use registry::{PASSWORD, Registry};
pub use site::{Answer, Site, answer};

/// A folder of its own for one test.
#[derive(Debug)]
pub struct Bench {
    folder: TempDir,
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// `archwright` with these arguments, in the folder, on the store `store` in it.
    pub fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.path())
            .env("ARCHWRIGHT_STORE", self.path().join("store"))
            // Compiled plugins may be shared by tests; the user's own cache is left alone.
            .env("XDG_CACHE_HOME", std::env::temp_dir().join("archwright-test-cache"))
            .env_remove("ARCHWRIGHT_LOG");
        command
    }

    /// Runs `archwright` and takes what it prints.
    pub fn output<const N: usize>(&self, arguments: [&str; N]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs `archwright`, which has to succeed, and reads the JSON it prints.
    pub fn json<const N: usize>(&self, arguments: [&str; N]) -> Value {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}\n{}", output.status, stderr(&output));
        serde_json::from_slice(&output.stdout).expect("the output is JSON")
    }

    /// Runs `archwright`, which has to end with exit code `code`, and gives what it wrote to standard error.
    pub fn fails<const N: usize>(&self, arguments: [&str; N], code: i32) -> String {
        let output = self.output(arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        message
    }
}

/// What a program wrote to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a program told a person, with lines that were wrapped joined.
pub fn unwrapped(message: &str) -> String {
    message.split_whitespace().filter(|word| !["│", "|"].contains(word)).collect::<Vec<_>>().join(" ")
}

/// A folder for the builds of all projects of plugins, so that what they depend on is compiled once. The projects' names have
/// to differ.
pub fn plugin_builds() -> PathBuf {
    repository().join("target/plugin-projects")
}

/// A line that is seen without `--nocapture`, too, unlike those of `eprintln`.
pub fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Processes whose parent is `parent`.
pub fn children(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task");
    let threads = fs::read_dir(path).into_iter().flatten().flatten();
    threads
        .flat_map(|thread| {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            children.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<u32>>()
        })
        .collect()
}

/// Sends a signal to a process.
pub fn signal(process: u32, name: &str) {
    let status = Command::new("kill").args([name, &process.to_string()]).status().unwrap();
    assert!(status.success());
}

/// The built program.
pub fn program() -> PathBuf {
    let program = std::env::var_os("ARCHWRIGHT_PROGRAM")
        .map_or_else(|| repository().join("target/release/archwright"), PathBuf::from);
    assert!(program.is_file(), "{} is not built: `cargo xtask build`", program.display());
    program
}

/// The repository's folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A small experiment on digits; `strategy` and `run` are the lines of these tables.
pub fn experiment(strategy: &str, run: &str) -> String {
    format!(
        "[space]\nuse = \"chain\"\n\n[strategy]\n{strategy}\n\n[estimator]\nuse = \"full-training\"\n\n\
         [task]\ndata = \"digits\"\n\n[task.recipe]\nepochs = 2\n\n[budget]\nqueries = 6\n\n\
         [run]\nfinalists = 1\nfinal_seeds = 1\n{run}\n"
    )
}

/// What a run observed, in order, without what depends on the clock.
pub fn observations(run: &Value) -> Vec<Value> {
    let mut observations = run["observations"].as_array().unwrap().clone();
    for observation in &mut observations {
        let members = observation.as_object_mut().unwrap();
        for clock in ["cost", "trained", "remembered"] {
            members.remove(clock);
        }
        if let Some(estimate) = members["outcome"].get_mut("estimated") {
            estimate.as_object_mut().unwrap().remove("cost");
        }
    }
    observations
}

/// A table of all cells of NAS-Bench-201 in the form of a CSV file, made up: the more 3x3 convolutions, the better. With
/// `curves`, after 1, 9 and 81 epochs, of two trainings each.
pub fn made_up_cells(curves: bool) -> String {
    const OPERATIONS: [&str; 5] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
    const WORTH: [u64; 5] = [0, 2, 3, 5, 1];
    let mut text = String::from("arch_str,seed,epoch,made_valid_acc,made_test_acc,made_time\n");
    for cell in 0..15_625usize {
        let ops: Vec<usize> = (0..6).map(|edge| cell / 5usize.pow(edge) % 5).collect();
        // Sums alone would leave nothing to tell apart.
        let noise = |salt: usize| ((cell * 7_919 + salt * 104_729) % 1_000) as f64 / 1_000.0;
        let worth: u64 = ops.iter().zip([1, 2, 1, 3, 2, 1]).map(|(op, weight)| WORTH[*op] * weight).sum();
        let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|edge| OPERATIONS[ops[edge]]);
        let name = format!("|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|");
        let trainings: &[(usize, u32)] =
            if curves { &[(0, 1), (0, 9), (0, 81), (1, 1), (1, 9), (1, 81)] } else { &[(0, 81)] };
        for (seed, epoch) in trainings {
            let level = f64::from(*epoch) / 81.0;
            let accuracy = 20.0 + worth as f64 * level.sqrt() + noise(*seed);
            let seconds = f64::from(*epoch) * (1.0 + (cell % 7) as f64 / 2.0);
            text += &format!("{name},{seed},{epoch},{accuracy},{},{seconds}\n", accuracy - noise(9));
        }
    }
    text
}
