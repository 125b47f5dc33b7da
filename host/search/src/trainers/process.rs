//! One trainer process and the conversation with it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use archwright_protocol::{
    DATA_DIR, Failure, FailureKind, Measure, Metrics, Predict, Prediction, Ready, Reply, Request, Setup, VERSION,
    WEIGHTS_DIR,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};

use super::TrainerCommand;
use crate::executor::{ActionResult, Work};
use crate::stop::Stop;

/// Lines of a trainer's log that a message about its end shows.
const LOG_TAIL: usize = 8;
/// The signal that nothing sends itself.
const SIGKILL: i32 = 9;
/// How often a wait for the trainer looks whether the run is closing.
const POLL: Duration = Duration::from_millis(100);
/// How long a trainer may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

pub(super) struct TrainerProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    replies: Receiver<Result<Reply, String>>,
    log: Arc<Mutex<VecDeque<String>>>,
}

impl TrainerProcess {
    /// Starts a trainer and sets it up.
    pub(super) fn start(
        command: &TrainerCommand,
        setup: &Setup,
        patience: Duration,
        closing: &Stop,
    ) -> Result<(Self, Ready), Failure> {
        let mut process = Self::spawn(command)?;
        process.send(&Request::Setup(setup.clone()))?;
        match process.receive(patience, closing)? {
            Reply::Ready(ready) if ready.protocol == VERSION => Ok((process, ready)),
            Reply::Ready(ready) => Err(Failure {
                kind: FailureKind::Unsupported,
                message: format!("the trainer speaks protocol {}, this host {VERSION}", ready.protocol),
            }),
            Reply::Refused(failure) => Err(failure),
            other => Err(process.confused(&other)),
        }
    }

    fn spawn(command: &TrainerCommand) -> Result<Self, Failure> {
        let mut builder = Command::new(&command.program);
        builder
            .args(&command.arguments)
            .current_dir(&command.folder)
            .env(WEIGHTS_DIR, &command.weights)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is for the host, which then ends its trainers.
            .process_group(0);
        match &command.data {
            Some(data) => builder.env(DATA_DIR, data),
            None => builder.env_remove(DATA_DIR),
        };
        let mut child = builder.spawn().map_err(|error| Failure {
            kind: FailureKind::Unsupported,
            message: format!(
                "{} does not start: {error}. `archwright doctor` says whether the bundled trainer is in place, \
                 `cargo xtask build` builds it",
                command.program.display()
            ),
        })?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Failure { kind: FailureKind::Internal, message: "the trainer has no streams".into() });
        };
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let tail = Arc::clone(&log);
        std::thread::spawn(move || keep_log(stderr, &tail));
        let (sender, replies) = unbounded();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let reply = match line {
                    Ok(line) if line.trim().is_empty() => continue,
                    Ok(line) => serde_json::from_str(&line).map_err(|error| {
                        let start: String = line.chars().take(200).collect();
                        format!("the trainer wrote a line that is no message ({error}): {start}")
                    }),
                    Err(error) => Err(format!("cannot read from the trainer: {error}")),
                };
                let broken = reply.is_err();
                if sender.send(reply).is_err() || broken {
                    break;
                }
            }
        });
        Ok(Self { child, stdin: Some(stdin), replies, log })
    }

    /// Carries out one action.
    pub(super) fn act(
        &mut self,
        ticket: u64,
        Work { action, checkpoint, ancestry, .. }: &Work,
        patience: Duration,
        closing: &Stop,
        mut progress: impl FnMut(f64, Option<Metrics>),
    ) -> ActionResult {
        self.send(&Request::Act {
            id: ticket,
            action: Box::new(action.clone()),
            checkpoint: checkpoint.clone(),
            ancestry: ancestry.clone(),
        })?;
        loop {
            match self.receive(patience, closing)? {
                Reply::Progress { id, epoch, metrics } if id == ticket => progress(epoch, metrics),
                Reply::Done { id, outcome } if id == ticket => {
                    let cost = outcome.seconds;
                    if let Some(latency) = outcome.latency.filter(|latency| !is_latency(*latency)) {
                        return Err(
                            self.lost(FailureKind::Crashed, format!("the trainer reports a latency of {latency} s"))
                        );
                    }
                    if cost.is_finite() && cost >= 0.0 {
                        return Ok(outcome);
                    }
                    return Err(self.lost(FailureKind::Crashed, format!("the trainer reports a cost of {cost} s")));
                }
                Reply::Failed { id, failure } if id == ticket => return Err(failure),
                other => return Err(self.confused(&other)),
            }
        }
    }

    /// Classifies examples.
    pub(super) fn predict(
        &mut self,
        ticket: u64,
        predict: Predict,
        patience: Duration,
        closing: &Stop,
    ) -> Result<Vec<Prediction>, Failure> {
        let files = predict.files.len();
        self.send(&Request::Predict { id: ticket, predict: Box::new(predict) })?;
        loop {
            match self.receive(patience, closing)? {
                Reply::Progress { id, .. } if id == ticket => {}
                Reply::Predicted { id, predictions } if id == ticket && predictions.len() == files => {
                    return Ok(predictions);
                }
                Reply::Failed { id, failure } if id == ticket => return Err(failure),
                other => return Err(self.confused(&other)),
            }
        }
    }

    /// Measures a network's latency.
    pub(super) fn measure(
        &mut self,
        ticket: u64,
        measure: Measure,
        patience: Duration,
        closing: &Stop,
    ) -> Result<f64, Failure> {
        self.send(&Request::Measure { id: ticket, measure: Box::new(measure) })?;
        loop {
            match self.receive(patience, closing)? {
                Reply::Progress { id, .. } if id == ticket => {}
                Reply::Measured { id, latency } if id == ticket && is_latency(latency) => return Ok(latency),
                Reply::Failed { id, failure } if id == ticket => return Err(failure),
                other => return Err(self.confused(&other)),
            }
        }
    }

    /// Lets the trainer end by itself, or else ends it.
    pub(super) fn stop(mut self) {
        // A trainer that is gone already needs no word.
        let _ = self.send(&Request::Stop);
        self.stdin = None;
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn send(&mut self, request: &Request) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(request).map_err(|error| Failure {
            kind: FailureKind::Internal,
            message: format!("cannot write a message to the trainer: {error}"),
        })?;
        line.push(b'\n');
        let sent = self.stdin.as_mut().map(|stdin| stdin.write_all(&line).and_then(|()| stdin.flush()));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.lost(FailureKind::Crashed, "the trainer ended".into())),
        }
    }

    fn receive(&mut self, patience: Duration, closing: &Stop) -> Result<Reply, Failure> {
        let start = Instant::now();
        loop {
            match self.replies.recv_timeout(POLL.min(patience)) {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(problem)) => return Err(self.lost(FailureKind::Crashed, problem)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.lost(FailureKind::Crashed, "the trainer ended".into()));
                }
                Err(RecvTimeoutError::Timeout) if closing.requested() => {
                    return Err(self.lost(FailureKind::Crashed, "the run is closing".into()));
                }
                Err(RecvTimeoutError::Timeout) if start.elapsed() >= patience => {
                    let message = format!("the trainer said nothing for {} s", patience.as_secs_f64());
                    return Err(self.lost(FailureKind::TimedOut, message));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn confused(&mut self, reply: &Reply) -> Failure {
        let mut reply = format!("{reply:?}");
        reply.truncate(reply.floor_char_boundary(200));
        self.lost(FailureKind::Crashed, format!("the trainer gave an answer to no question: {reply}"))
    }

    /// Ends the process and says how it was lost, with the end of its log.
    fn lost(&mut self, kind: FailureKind, problem: String) -> Failure {
        let status = self.end();
        let was_killed = status.is_some_and(|status| status.signal() == Some(SIGKILL));
        let mut message = problem;
        if kind == FailureKind::Crashed
            && let Some(status) = status
        {
            message.push_str(&match (status.signal(), status.code()) {
                (Some(signal), _) => format!(" (signal {signal})"),
                (None, Some(code)) => format!(" (exit code {code})"),
                (None, None) => String::new(),
            });
        }
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if !log.is_empty() {
            message.push_str("; its last words: ");
            message.push_str(&log.iter().map(String::as_str).collect::<Vec<_>>().join(" | "));
        }
        let kind = if kind == FailureKind::Crashed && was_killed { FailureKind::Killed } else { kind };
        Failure { kind, message }
    }

    /// The exit status, where the process ended by itself within a moment; kills it otherwise.
    fn end(&mut self) -> Option<ExitStatus> {
        for _ in 0..20 {
            if let Ok(Some(status)) = self.child.try_wait() {
                // The log's last lines may still be on their way.
                std::thread::sleep(Duration::from_millis(20));
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
        None
    }

    fn kill(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for TrainerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a number of seconds can be a latency.
fn is_latency(seconds: f64) -> bool {
    seconds.is_finite() && seconds >= 0.0
}

fn keep_log(stderr: impl Read, tail: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(stderr).split(b'\n') {
        let Ok(line) = line else { return };
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        tracing::debug!(target: "trainer", "{line}");
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == LOG_TAIL {
            tail.pop_front();
        }
        tail.push_back(line.chars().take(500).collect());
    }
}
