//! The conversation with the host.

use std::io::{BufRead, Write, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};

use archwright_protocol::{Action, Checkpoint, Failure, FailureKind, Outcome, Reply, Request, TrainShared, VERSION};

use crate::{Problem, Trainer};

/// Answers requests until `Stop` or the end of the input.
///
/// The end of the input ends the process even within an action: whoever asked is gone, and nobody waits for the answer.
///
/// # Errors
/// Where a line is no request, or requests come in the wrong order.
pub fn serve(input: impl BufRead + Send + 'static) -> Result<(), Problem> {
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for line in input.lines() {
            let Ok(line) = line else { break };
            if !line.trim().is_empty() && sender.send(line).is_err() {
                return;
            }
        }
        // SAFETY: ends the process and touches nothing. An orderly exit would run libtorch's destructors under the feet of a
        // training in the other thread.
        unsafe { libc::_exit(0) };
    });
    converse(&requests)
}

fn converse(requests: &Receiver<String>) -> Result<(), Problem> {
    let mut trainer = None;
    while let Ok(line) = requests.recv() {
        let request: Request = serde_json::from_str(&line).map_err(|error| {
            let start: String = line.chars().take(100).collect();
            Problem::new(FailureKind::Unsupported, format!("a line is no request ({error}): {start}"))
        })?;
        match request {
            Request::Setup(setup) if setup.protocol != VERSION => {
                let message = format!("this trainer speaks protocol {VERSION}, the host {}", setup.protocol);
                say(&Reply::Refused(Failure { kind: FailureKind::Unsupported, message }));
                return Ok(());
            }
            Request::Setup(setup) => match guarded(|| Trainer::new(&setup)) {
                Ok((ready, new)) => {
                    trainer = Some(new);
                    say(&Reply::Ready(ready));
                }
                Err(problem) => {
                    say(&Reply::Refused(problem.into()));
                    return Ok(());
                }
            },
            Request::Act { id, action, checkpoint, ancestry } => {
                let result = match &mut trainer {
                    Some(trainer) => guarded(|| act(trainer, id, &action, checkpoint.as_ref(), &ancestry)),
                    None => Err(Problem::new(FailureKind::Unsupported, "an action came before the set-up")),
                };
                say(&match result {
                    Ok(outcome) => Reply::Done { id, outcome },
                    Err(problem) => Reply::Failed { id, failure: problem.into() },
                });
            }
            Request::Predict { id, predict } => {
                let result = match &trainer {
                    Some(trainer) => guarded(|| trainer.predict(&predict)),
                    None => Err(Problem::new(FailureKind::Unsupported, "an action came before the set-up")),
                };
                say(&match result {
                    Ok(predictions) => Reply::Predicted { id, predictions },
                    Err(problem) => Reply::Failed { id, failure: problem.into() },
                });
            }
            Request::Measure { id, measure } => {
                let mut progress = |epoch, metrics| say(&Reply::Progress { id, epoch, metrics });
                let result = match &trainer {
                    Some(trainer) => guarded(|| trainer.measure_latency(&measure, &mut progress)),
                    None => Err(Problem::new(FailureKind::Unsupported, "an action came before the set-up")),
                };
                say(&match result {
                    Ok(latency) => Reply::Measured { id, latency },
                    Err(problem) => Reply::Failed { id, failure: problem.into() },
                });
            }
            Request::Stop => return Ok(()),
        }
    }
    Ok(())
}

fn act(
    trainer: &mut Trainer,
    id: u64,
    action: &Action,
    checkpoint: Option<&Checkpoint>,
    ancestry: &[TrainShared],
) -> Result<Outcome, Problem> {
    let mut progress = |epoch, metrics| say(&Reply::Progress { id, epoch, metrics });
    trainer.retrace(ancestry, &mut progress)?;
    trainer.act(action, checkpoint, &mut progress)
}

/// A defect fails what was being done, and says so; the trainer goes on.
fn guarded<T>(work: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        Err(Problem::new(FailureKind::Internal, format!("a defect in the trainer: {text}")))
    })
}

/// Writes a reply. Where nobody reads, nobody needs it, and the reading thread ends the process.
fn say(reply: &Reply) {
    let mut out = stdout().lock();
    if let Ok(line) = serde_json::to_string(reply) {
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
