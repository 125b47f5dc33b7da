//! Set-up and developer tasks: `cargo xtask --help`.

mod bench;
mod comparison;
mod libtorch;
mod plugins;
mod registry;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use archwright_build::run;
use clap::{Parser, Subcommand};

use workspace::Workspace;

/// Set-up and developer tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Set everything up and search a network for handwritten digits.
    Demo,
    /// Set everything up and run every test.
    Test {
        /// Arguments for `cargo test`, e.g. `-p archwright-space`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Set everything up: libtorch, the wasm target, plugins, the host and the trainer in release mode.
    Build {
        /// Optimize across all crates, into `target/dist`: a tenth faster, and minutes slower to build.
        #[arg(long)]
        dist: bool,
    },
    /// Build the bundled plugins alone.
    Plugins,
    /// Check formatting, lints and documentation.
    Check,
    /// Run every benchmark, and the training step against Python's PyTorch where that is at hand.
    Bench,
    /// Print the environment for calling cargo by hand: `eval "$(cargo xtask env)"`.
    Env,
}

fn main() -> ExitCode {
    match task(&Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn task(task: &Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Demo => {
            workspace.build()?;
            run(std::process::Command::new(workspace.program()).arg("run").arg("examples/digits.toml"))
        }
        Task::Test { arguments } => {
            workspace.build()?;
            registry::fetch(&workspace);
            run(workspace.cargo()?.args(["test", "--release", "--workspace"]).args(arguments))
        }
        Task::Build { dist } => {
            if *dist {
                workspace.build_dist()?
            } else {
                workspace.build()?
            }
            plugins::compile(&workspace)
        }
        Task::Plugins => {
            plugins::build(&workspace)?;
            plugins::compile(&workspace)
        }
        Task::Check => workspace.check(),
        Task::Bench => bench::bench(&workspace),
        Task::Env => {
            for (name, value) in workspace.environment()? {
                println!("export {name}={}", value.display());
            }
            Ok(())
        }
    }
}
