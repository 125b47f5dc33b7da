//! Training steps and architecture steps in turn, one query at a time.

use archwright_sdk::{
    Architecture, Error, Estimate, EstimateOutcome, LogLevel, Observation, Purpose, Query, Reply, Subject, log,
};

use crate::{Derivation, Parameters};

/// Queries of one kind, training steps or probes, that fail one after the other before a search ends.
pub const FAILURES: u32 = 50;

/// What a method does in the steps that [`Alternation`] takes.
pub trait Method {
    /// What it learns.
    fn parameters(&self) -> &Parameters;

    /// What the shared weights learn from next. `share` is that of all their training so far, in [0, 1].
    fn train(&mut self, share: f64) -> Subject;

    /// What is probed next in an architecture step. Nothing counts as a probe that failed.
    fn probe(&mut self, share: f64) -> Option<Subject>;

    /// What a probe told. Whether it is of use: a relaxation's estimate without derivatives is none.
    fn learn(&mut self, estimate: &Estimate) -> bool;

    /// All probes of an architecture step are told, or failed.
    fn step(&mut self) {}
}

/// When which steps are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Share of the training, in [0, 1), before the first architecture step.
    pub warmup: f64,
    /// Training steps before each architecture step, at least 1.
    pub every: u32,
    /// Probes of an architecture step, at least 1.
    pub probes: u32,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { warmup: 0.0, every: 1, probes: 1 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    Train,
    Probe,
    Over,
}

/// Alternates training steps with architecture steps until the training is complete, with an architecture step at the end.
/// A query that fails is not repeated: the next step comes.
#[derive(Clone, Debug)]
pub struct Alternation<M> {
    method: M,
    schedule: Schedule,
    turn: Turn,
    next: u64,
    in_flight: Option<u64>,
    share: f64,
    /// Training steps since the last architecture step.
    trained: u32,
    /// Probes of this architecture step.
    probed: u32,
    /// Failures in a row of training steps, and of probes: where one kind always fails, the other does not hide it.
    failures: [u32; 2],
    /// Probes that were of use.
    learned: u64,
}

impl<M: Method> Alternation<M> {
    /// Starts with a training step.
    pub fn new(method: M, schedule: Schedule) -> Self {
        Self {
            method,
            schedule,
            turn: Turn::Train,
            next: 0,
            in_flight: None,
            share: 0.0,
            trained: 0,
            probed: 0,
            failures: [0; 2],
            learned: 0,
        }
    }

    /// The method.
    pub fn method(&self) -> &M {
        &self.method
    }

    /// The method, to be changed.
    pub fn method_mut(&mut self) -> &mut M {
        &mut self.method
    }

    /// The next query, where none is in flight.
    pub fn ask(&mut self) -> Reply {
        if self.in_flight.is_some() {
            return Reply::Waiting;
        }
        loop {
            let (subject, purpose) = match self.turn {
                Turn::Over => return Reply::Finished,
                Turn::Train => (self.method.train(self.share), Purpose::Train),
                Turn::Probe => match self.method.probe(self.share) {
                    Some(subject) => (subject, Purpose::Probe),
                    None => {
                        self.probed(false);
                        continue;
                    }
                },
            };
            let id = self.next;
            self.next += 1;
            self.in_flight = Some(id);
            return Reply::Queries(vec![Query::new(id, subject, purpose)]);
        }
    }

    /// Takes the observation of the query in flight.
    ///
    /// # Errors
    /// Where an observation is of another query.
    pub fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            if self.in_flight.take_if(|id| *id == observation.query).is_none() {
                return Err(Error::Internal(format!("query {} is not in flight", observation.query)));
            }
            let estimate = match &observation.outcome {
                EstimateOutcome::Estimated(estimate) => Some(estimate),
                EstimateOutcome::Failed(_) => None,
            };
            if self.turn == Turn::Train {
                self.trained(estimate);
            } else {
                let learned = estimate.is_some_and(|estimate| self.method.learn(estimate));
                self.probed(learned);
            }
        }
        Ok(())
    }

    fn trained(&mut self, estimate: Option<&Estimate>) {
        self.trained += 1;
        if let Some(estimate) = estimate {
            self.share = estimate.fidelity.clamp(0.0, 1.0);
        }
        let is_due = self.share > self.schedule.warmup && self.trained >= self.schedule.every;
        if is_due || self.is_complete() {
            (self.turn, self.trained, self.probed) = (Turn::Probe, 0, 0);
        }
        self.count(0, estimate.is_some());
    }

    fn probed(&mut self, learned: bool) {
        self.probed += 1;
        self.learned += u64::from(learned);
        if self.probed >= self.schedule.probes {
            self.method.step();
            self.turn = if self.is_complete() { Turn::Over } else { Turn::Train };
        }
        self.count(1, learned);
    }

    /// The architecture that was learned; nothing where none can be built.
    pub fn recommend(&self, derivation: &mut Derivation) -> Vec<Architecture> {
        self.review();
        let parameters = self.method.parameters();
        derivation.derive(&parameters.rows, &parameters.probabilities()).into_iter().collect()
    }

    /// Says in the run's log where the search came to less than it should have.
    fn review(&self) {
        let percent = 100.0 * self.share;
        if self.learned == 0 {
            log(LogLevel::Warn, "the architecture learned from no step: what is picked is as good as a random one");
        } else if self.failures.iter().any(|failures| *failures >= FAILURES) {
            let text = format!("the search gave up after {FAILURES} failures in a row, {percent:.0} % of the way");
            log(LogLevel::Warn, &text);
        } else if !self.is_complete() {
            log(LogLevel::Warn, &format!("the search ended after {percent:.0} % of the training"));
        }
    }

    fn count(&mut self, kind: usize, worked: bool) {
        self.failures[kind] = if worked { 0 } else { self.failures[kind] + 1 };
        if self.failures[kind] >= FAILURES {
            self.turn = Turn::Over;
        }
    }

    fn is_complete(&self) -> bool {
        // Shares that were added up may miss 1 by rounding.
        self.share >= 1.0 - 1e-9
    }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::estimate;
    use archwright_sdk::{Architecture, Relaxation};

    use super::*;

    /// Writes down what it is asked: `t` train, `p` probe, `l` learn, `s` step.
    #[derive(Default)]
    struct Diary {
        entries: String,
        mute: bool,
    }

    impl Method for Diary {
        fn parameters(&self) -> &Parameters {
            panic!("a diary learns nothing")
        }

        fn train(&mut self, _: f64) -> Subject {
            self.entries.push('t');
            Subject::Architecture(Architecture::Point(Vec::new()))
        }

        fn probe(&mut self, _: f64) -> Option<Subject> {
            self.entries.push('p');
            (!self.mute).then(|| Subject::Relaxation(Relaxation::new(Vec::new())))
        }

        fn learn(&mut self, estimate: &Estimate) -> bool {
            self.entries.push('l');
            estimate.objectives[0] > 0.0
        }

        fn step(&mut self) {
            self.entries.push('s');
        }
    }

    /// Drives until the end, `steps` training steps being all; `works` tells which queries do.
    fn drive(method: Diary, schedule: Schedule, steps: u32, works: impl Fn(&Query) -> bool) -> (String, u64) {
        let mut alternation = Alternation::new(method, schedule);
        let mut trained = 0;
        for count in 0..100_000 {
            let Reply::Queries(queries) = alternation.ask() else { return (alternation.method.entries, count) };
            assert_eq!(alternation.ask(), Reply::Waiting);
            let outcome = if works(&queries[0]) {
                trained += u32::from(queries[0].purpose == Purpose::Train);
                let fidelity = (f64::from(trained) / f64::from(steps)).min(1.0);
                EstimateOutcome::Estimated(Estimate { fidelity, ..estimate(0.5) })
            } else {
                EstimateOutcome::Failed("as the test wants".into())
            };
            alternation.tell(&[Observation { query: queries[0].id, outcome }]).unwrap();
        }
        panic!("it does not end: {}", alternation.method.entries)
    }

    #[test]
    fn steps_alternate_until_the_training_is_complete() {
        let (entries, count) = drive(Diary::default(), Schedule::default(), 3, |_| true);
        assert_eq!((entries.as_str(), count), ("tplstplstpls", 6));
    }

    #[test]
    fn the_weights_warm_up_and_several_steps_and_probes_make_one() {
        let schedule = Schedule { warmup: 0.5, every: 2, probes: 3 };
        let (entries, _) = drive(Diary::default(), schedule, 9, |_| true);
        // Above half from the fifth on; the ninth ends the training, whether two steps passed or not.
        assert_eq!(entries, "tttttplplplsttplplplsttplplpls");
        let late = Schedule { warmup: 0.99, ..Schedule::default() };
        assert_eq!(drive(Diary::default(), late, 4, |_| true).0, "ttttpls");
    }

    #[test]
    fn failed_queries_are_skipped() {
        let every_third = |query: &Query| query.id % 3 != 2;
        let (entries, _) = drive(Diary::default(), Schedule::default(), 4, every_third);
        // Without `l`: the probes 5 and 11. The training steps 2 and 8 fail too.
        assert_eq!(entries, "tplstplstpstplstplstps");
    }

    #[test]
    fn what_always_fails_ends() {
        assert_eq!(drive(Diary::default(), Schedule::default(), 10, |_| false).1, u64::from(FAILURES));
        // Training that never works again, among probes that do.
        let first = |query: &Query| query.id == 0 || query.purpose == Purpose::Probe;
        assert_eq!(drive(Diary::default(), Schedule::default(), 10, first).1, 2 * u64::from(FAILURES) + 1);
        let training = |query: &Query| query.purpose == Purpose::Train;
        assert_eq!(drive(Diary::default(), Schedule::default(), 100, training).1, 2 * u64::from(FAILURES));
        let mute = Diary { mute: true, ..Diary::default() };
        assert_eq!(drive(mute, Schedule::default(), 100, |_| true).1, u64::from(FAILURES));
    }

    #[test]
    fn observations_of_other_queries_are_refused() {
        let mut alternation = Alternation::new(Diary::default(), Schedule::default());
        alternation.ask();
        let other = Observation { query: 7, outcome: EstimateOutcome::Estimated(estimate(0.5)) };
        assert!(alternation.tell(&[other]).is_err());
        assert_eq!(alternation.ask(), Reply::Waiting);
    }
}
