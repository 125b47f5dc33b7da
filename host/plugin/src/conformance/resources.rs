//! Fuel, memory and log.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use archwright_space::Space;

use super::Subject;
use super::report::{Checks, Fault, Group, Seen};
use super::strategy::Accepted;
use super::trial::{self, Plan, Trial, Trouble};
use crate::limits::{Bound, Key};

/// Observations over which growth is looked at.
const OBSERVATIONS: usize = 10_000;

/// The same, for those in a hurry.
const FEWER: usize = 1_000;

/// Fuel that is spent on growth at most: about half a minute.
const FUEL: u64 = 300_000_000_000;

/// The same, for those in a hurry.
const LESS_FUEL: u64 = 30_000_000_000;

/// Share of a limit above which a plugin comes near it.
const NEAR: f64 = 0.5;

/// Observations by which a memory that goes on growing as it did should not be full.
const LASTS: f64 = 50_000.0;

/// Growth of the fuel of a call with the number of observations, as an exponent, above which it is more than linear.
const LINEAR: f64 = 1.3;

/// Queries of a run whose log should be kept whole.
const RUN: u64 = 1_000;

/// Observations whose fuel is averaged.
const BLOCK: usize = 100;

pub(super) fn strategy(subject: &Subject<'_>, accepted: &[Accepted], checks: &mut Checks) {
    let most = accepted.iter().flat_map(|one| one.first.fuel.iter().copied()).max().unwrap_or(0);
    checks.consider("fuel-per-call", || fuel(subject, most));
    let memory = accepted.iter().map(|one| one.first.memory).max().unwrap_or(0);
    checks.consider("memory", || self::memory(subject, memory));
    // The last one has reals: no strategy runs out of architectures there.
    if checks.wants(Group::Resources)
        && let Some(one) = accepted.last()
    {
        growth(subject, &one.space, checks);
        log_volume(subject, checks, || trial::run(subject, &one.space, &one.plan).map_or(0, |done| done.asked));
    }
}

/// The most fuel that a call took.
pub(super) fn fuel(subject: &Subject<'_>, most: u64) -> Seen {
    let Bound { limit, setting, .. } = subject.in_force.bound("units of fuel", Key::fuel_per_call);
    let seen = format!("at most {} of {} in a call", count(most), count(limit));
    if most as f64 <= NEAR * limit as f64 {
        return Ok(seen);
    }
    Err(Fault::new(
        seen,
        format!(
            "these are small spaces and short searches: a call that comes near the limit here reaches it elsewhere. Do \
             less in each call, or {}",
            setting.raised()
        ),
    ))
}

/// Bytes of memory in use.
pub(super) fn memory(subject: &Subject<'_>, bytes: u64) -> Seen {
    let Bound { limit, setting, .. } = subject.in_force.bound("bytes of memory", Key::memory_bytes);
    let seen = format!("{} of {}", mebibytes(bytes), mebibytes(limit));
    if bytes as f64 <= NEAR * limit as f64 {
        return Ok(seen);
    }
    Err(Fault::new(seen, format!("start with less, or {}", setting.raised())))
}

/// Lines that the plugin logs while it answers so many queries.
pub(super) fn log_volume(subject: &Subject<'_>, checks: &mut Checks, answer: impl FnOnce() -> usize) {
    checks.consider("log-volume", || {
        let before = subject.lines.load(Ordering::Relaxed);
        let queries = answer().max(1);
        let lines = subject.lines.load(Ordering::Relaxed) - before;
        let run = lines as f64 / queries as f64 * RUN as f64;
        if run <= f64::from(subject.in_force.limits.log_lines) {
            return Ok(format!("{lines} lines for {queries} queries"));
        }
        Err(Fault::new(
            format!(
                "{lines} lines for {queries} queries; in a run {} lines are kept, and the rest is dropped",
                count(subject.in_force.limits.log_lines.into())
            ),
            "log what somebody who watches a run wants to know, not each call",
        ))
    });
}

/// How a strategy uses more with more observations.
fn growth(subject: &Subject<'_>, space: &Arc<Space>, checks: &mut Checks) {
    let (observations, budget) = if subject.quick { (FEWER, LESS_FUEL) } else { (OBSERVATIONS, FUEL) };
    let plan = Plan { max_queries: Some(observations as u64), ..Plan::ordinary(observations) };
    let mut grown = Grown::default();
    match grow(subject, space, &plan, budget, &mut grown) {
        Err(trouble) => checks.add("growth", Err(Fault::from(trouble))),
        Ok(()) => {
            let verdict = grown.verdict(subject, observations);
            checks.advise("growth", verdict);
        }
    }
}

/// What a long search used.
#[derive(Default)]
struct Grown {
    /// Mean fuel of asking and telling, block by block.
    blocks: Vec<f64>,
    told: usize,
    /// Bytes of memory after the first blocks, and at the end.
    memory: Option<(usize, u64)>,
    last_memory: u64,
    finished: bool,
}

fn grow(subject: &Subject<'_>, space: &Arc<Space>, plan: &Plan, budget: u64, grown: &mut Grown) -> Result<(), Trouble> {
    let mut trial = Trial::open(subject, space, plan)?;
    let start = trial.strategy.fuel_used();
    let (mut before, mut block) = (start, 0);
    loop {
        let goes_on = trial.turn()?;
        // What was said is not looked at again.
        trial.transcript.forget();
        let (told, fuel) = (trial.transcript.told, trial.strategy.fuel_used());
        grown.told = told;
        if told - block >= BLOCK {
            grown.blocks.push((fuel - before) as f64 / (told - block) as f64);
            (before, block) = (fuel, told);
            grown.last_memory = trial.strategy.memory_bytes();
            if grown.memory.is_none() && told >= FEWER / 2 {
                grown.memory = Some((told, grown.last_memory));
            }
        }
        if !goes_on || fuel - start > budget {
            grown.finished = trial.transcript.finished;
            return Ok(());
        }
    }
}

impl Grown {
    fn verdict(&self, subject: &Subject<'_>, wanted: usize) -> Seen {
        let mean = |blocks: &[f64]| blocks.iter().sum::<f64>() / blocks.len().max(1) as f64;
        let edge = (FEWER / BLOCK).min(self.blocks.len());
        let (first, last) = (mean(&self.blocks[..edge]), mean(&self.blocks[self.blocks.len() - edge..]));
        let end = match (self.told >= wanted, self.finished) {
            (true, _) => String::new(),
            (false, true) => ", after which it was finished".into(),
            (false, false) => ", after which it had taken so much fuel that the rest was not tried".into(),
        };
        if edge == 0 {
            return Ok(format!("{} observations{end}: too few to tell growth", self.told));
        }
        let seen = format!(
            "{} observations{end}; {} units of fuel for each of the first {}, {} for each of the last; {} of memory",
            self.told,
            count(first as u64),
            edge * BLOCK,
            count(last as u64),
            mebibytes(self.last_memory),
        );
        let full = self.full(subject.in_force.limits.memory_bytes).filter(|full| *full < LASTS);
        let steep = self.exponent().filter(|exponent| *exponent > LINEAR);
        let leaks = full.map(|full| {
            let seen = format!("; its memory is full after about {} observations", count(full as u64));
            (seen, "look for what is kept and never used again, e.g. text or curves of every observation")
        });
        let slows = steep.map(|exponent| {
            let seen = format!("; the fuel of a call grows with about the power {exponent:.1} of the observations");
            (seen, "bound what a call looks at, e.g. the latest or the best observations, or do the work in parts")
        });
        let (more, advice): (Vec<String>, Vec<&str>) = leaks.into_iter().chain(slows).unzip();
        if more.is_empty() { Ok(seen) } else { Err(Fault::new(seen + &more.concat(), advice.join("; "))) }
    }

    /// Observations after which the memory is full if it goes on growing as it did.
    fn full(&self, limit: u64) -> Option<f64> {
        let (told, memory) = self.memory?;
        let each = self.last_memory.saturating_sub(memory) as f64 / self.told.checked_sub(told)? as f64;
        (each > 0.0).then(|| self.told as f64 + limit.saturating_sub(self.last_memory) as f64 / each)
    }

    /// The slope of fuel over observations where both are logarithms, in the later three quarters.
    fn exponent(&self) -> Option<f64> {
        let from = self.blocks.len() / 4;
        let points: Vec<(f64, f64)> = (from..self.blocks.len())
            .filter(|place| self.blocks[*place] > 0.0)
            .map(|place| ((place as f64 + 0.5).ln(), self.blocks[place].ln()))
            .collect();
        if points.len() < 8 {
            return None;
        }
        let count = points.len() as f64;
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
        let (over, under) = points.iter().fold((0.0, 0.0), |(over, under), point| {
            (over + (point.0 - x) * (point.1 - y), under + (point.0 - x) * (point.0 - x))
        });
        (under > 0.0).then_some(over / under)
    }
}

/// A number with its digits in groups.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
