//! Benchmarks: criterion's, and the training step against Python's PyTorch.

use std::process::Command;

use anyhow::Result;
use archwright_build::run;

use crate::workspace::Workspace;

/// The Python twin of the trainer's benchmark.
const TWIN: &str = "host/trainer/benches/step_torch.py";

pub(crate) fn bench(workspace: &Workspace) -> Result<()> {
    workspace.build()?;
    run(workspace.cargo()?.args(["bench", "--workspace"]))?;
    let torch = Command::new("python3").args(["-c", "import torch"]).status();
    if torch.is_ok_and(|status| status.success()) {
        run(Command::new("python3").arg(TWIN))
    } else {
        eprintln!(
            "python3 has no torch, so the training step was not compared with it.\n\
             Mend it with `python3 -m pip install torch==2.11.0`, then `python3 {TWIN}`"
        );
        Ok(())
    }
}
