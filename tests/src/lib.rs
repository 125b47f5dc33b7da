//! A bench to try the whole program on: a folder with files, a store of its own, and the built `archwright`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

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
