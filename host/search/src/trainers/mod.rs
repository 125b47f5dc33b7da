//! Trainers on this machine: one process each, replaced when it is lost.

mod process;
mod single;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use archwright_protocol::{Failure, FailureKind, Ready, Setup};
use crossbeam_channel::{Receiver, Sender, never, select, unbounded};

use crate::executor::{ActionResult, Executor, ExecutorEvent, Work};
use crate::stop::Stop;
use process::TrainerProcess;
pub(crate) use single::SingleTrainer;

/// Trainers killed from outside that count as one that was lost otherwise.
const FORGIVEN: u32 = 10;

/// How to start a trainer.
#[derive(Clone, Debug)]
pub struct TrainerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder it works in.
    pub folder: PathBuf,
    /// Where the task's data lies, where it lies anywhere.
    pub data: Option<PathBuf>,
    /// The folder that keeps trained weights.
    pub weights: PathBuf,
}

/// Several trainers that share one queue of actions.
#[derive(Debug)]
pub struct TrainerPool {
    ready: Ready,
    jobs: Option<Sender<Job>>,
    /// Jobs for the first trainer.
    together: Option<Sender<Job>>,
    events: Receiver<ExecutorEvent>,
    /// Events that were read while looking for others.
    waiting: VecDeque<ExecutorEvent>,
    closing: Stop,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Job {
    ticket: u64,
    work: Work,
}

impl TrainerPool {
    /// Starts one worker for each device in `devices` (a device may be named several times). The first trainer is set
    /// up before this returns, the others with their first action.
    ///
    /// # Errors
    /// Where the first trainer cannot be started or refuses the task, or `stop` was requested before it was set up.
    pub fn start(
        command: &TrainerCommand,
        setup: &Setup,
        devices: &[String],
        patience: Duration,
        retries: u32,
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let closing = Stop::default();
        let (jobs, job_queue) = unbounded();
        let (together, own_queue) = unbounded();
        let (event_sender, events) = unbounded();
        let mut workers = Vec::new();
        let mut first = None;
        for (index, device) in devices.iter().enumerate() {
            let mut worker = Worker {
                command: command.clone(),
                setup: Setup { device: device.clone(), ..setup.clone() },
                patience,
                retries,
                closing: closing.clone(),
                expected: None,
                process: None,
            };
            match &first {
                None => first = Some(worker.start_first(stop)?),
                ready => worker.expected.clone_from(ready),
            }
            let own_queue = if index == 0 { own_queue.clone() } else { never() };
            let (job_queue, events) = (job_queue.clone(), event_sender.clone());
            let spawned = std::thread::Builder::new()
                .name(format!("trainer-{index}"))
                .spawn(move || worker.work(&own_queue, &job_queue, &events));
            workers.push(spawned.map_err(|error| Failure {
                kind: FailureKind::Internal,
                message: format!("cannot start a thread: {error}"),
            })?);
        }
        let ready = first.ok_or_else(|| Failure {
            kind: FailureKind::Unsupported,
            message: "there is no device to train on".into(),
        })?;
        Ok(Self {
            ready,
            jobs: Some(jobs),
            together: Some(together),
            events,
            waiting: VecDeque::new(),
            closing,
            workers,
        })
    }

    /// What the first trainer said of itself and the data.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }
}

impl Executor for TrainerPool {
    fn submit(&mut self, ticket: u64, work: Work) {
        let queue = if work.together { &self.together } else { &self.jobs };
        let sent = queue.as_ref().is_some_and(|queue| queue.send(Job { ticket, work }).is_ok());
        if !sent {
            let message = "every trainer thread has ended".to_owned();
            let result = Err(Failure { kind: FailureKind::Internal, message });
            self.waiting.push_back(ExecutorEvent::Ended { ticket, result });
        }
    }

    fn next(&mut self, patience: Duration) -> Option<ExecutorEvent> {
        self.waiting.pop_front().or_else(|| self.events.recv_timeout(patience).ok())
    }
}

impl Drop for TrainerPool {
    fn drop(&mut self) {
        self.closing.request();
        (self.jobs, self.together) = (None, None);
        for worker in self.workers.drain(..) {
            // A worker that panicked has nothing left to clean up: its process ends with its standard input.
            let _ = worker.join();
        }
    }
}

struct Worker {
    command: TrainerCommand,
    setup: Setup,
    patience: Duration,
    retries: u32,
    closing: Stop,
    /// What trainers have to agree on.
    expected: Option<Ready>,
    process: Option<TrainerProcess>,
}

impl Worker {
    fn work(mut self, own: &Receiver<Job>, jobs: &Receiver<Job>, events: &Sender<ExecutorEvent>) {
        while !self.closing.requested() {
            let job = select! {
                recv(own) -> job => job,
                recv(jobs) -> job => job,
                default(Duration::from_millis(100)) => continue,
            };
            let Ok(job) = job else { break };
            let result = self.act(&job, events);
            if self.closing.requested() || events.send(ExecutorEvent::Ended { ticket: job.ticket, result }).is_err() {
                break;
            }
        }
        if let Some(process) = self.process.take() {
            process.stop();
        }
    }

    /// Starts the first trainer, again where it is lost, until `stop` is requested.
    fn start_first(&mut self, stop: &Stop) -> Result<Ready, Failure> {
        let mut losses = Losses::default();
        loop {
            match self.start(stop).cloned() {
                Err(failure) if losses.allow_another(&failure, self.retries) && !stop.requested() => {}
                started => return started,
            }
        }
    }

    /// Carries out an action, again with a fresh trainer where one is lost.
    fn act(&mut self, job: &Job, events: &Sender<ExecutorEvent>) -> ActionResult {
        let ticket = job.ticket;
        let mut losses = Losses::default();
        loop {
            let result = self.attempt(job, events);
            match result {
                Err(failure) if is_loss(&failure) && !self.closing.requested() => {
                    self.process = None;
                    if !losses.allow_another(&failure, self.retries) {
                        return Err(failure);
                    }
                    // Whoever observes the run is told by the event.
                    tracing::debug!(ticket, reason = failure.message, "trainer lost, trying again");
                    // Nobody listening means that the run is over, which the next send will show as well.
                    let _ = events.send(ExecutorEvent::Retried { ticket, failure });
                }
                result => return result,
            }
        }
    }

    fn attempt(&mut self, job: &Job, events: &Sender<ExecutorEvent>) -> ActionResult {
        // A run that is stopped closes its trainers, once it has kept what they are done with.
        self.start(&self.closing.clone())?;
        let Some(process) = self.process.as_mut() else {
            return Err(Failure { kind: FailureKind::Internal, message: "the trainer is gone".into() });
        };
        let Job { ticket, work } = job;
        process.act(*ticket, work, self.patience, &self.closing, |epoch, metrics| {
            // As above.
            let _ = events.send(ExecutorEvent::Progress { ticket: *ticket, epoch, metrics });
        })
    }

    /// Sees to it that a trainer is running and set up, unless `stop` is requested before it is.
    fn start(&mut self, stop: &Stop) -> Result<&Ready, Failure> {
        if self.process.is_none() {
            let (process, ready) = TrainerProcess::start(&self.command, &self.setup, self.patience, stop)?;
            if let Some(expected) = &self.expected
                && (&expected.data, &expected.numerics, &expected.version)
                    != (&ready.data, &ready.numerics, &ready.version)
                && expected.device == ready.device
            {
                let message = "the data or the trainer changed while the run went on: start it again".to_owned();
                return Err(Failure { kind: FailureKind::Data, message });
            }
            self.process = Some(process);
            self.expected = Some(ready);
        }
        self.expected
            .as_ref()
            .ok_or_else(|| Failure { kind: FailureKind::Internal, message: "the trainer is not set up".into() })
    }
}

/// Whether a failure means that the trainer is gone, so that a fresh one may do better.
fn is_loss(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Crashed | FailureKind::TimedOut | FailureKind::Killed)
}

/// Trainers that one action has cost.
#[derive(Default)]
struct Losses {
    /// Ended or fell silent by themselves, which may be the action's fault.
    own: u32,
    /// Killed from outside, which hardly is.
    killed: u32,
}

impl Losses {
    /// Whether the action may have another trainer after a failure.
    fn allow_another(&mut self, failure: &Failure, retries: u32) -> bool {
        if !is_loss(failure) {
            return false;
        }
        if failure.kind == FailureKind::Killed {
            self.killed += 1;
            return self.killed <= retries.saturating_mul(FORGIVEN);
        }
        self.own += 1;
        self.own <= retries
    }
}
