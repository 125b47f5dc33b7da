//! One bracket: a rung is asked for, waited for, and its best go on to the next.

use std::collections::{BTreeMap, VecDeque};

use archwright_sdk::Architecture;

use crate::Rung;

/// An architecture on a rung that all was told of.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) query: u64,
    pub(crate) architecture: Architecture,
}

/// What a bracket needs next.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    /// A new architecture.
    Fresh,
    /// This one, which did well on the rung before.
    Promoted(Entry),
    /// Observations of its rung.
    Waiting,
    /// Nothing more.
    Over,
}

#[derive(Clone, Debug)]
pub(crate) struct Bracket {
    plan: Vec<Rung>,
    /// The rung that it is at; past the last one once it is over.
    at: usize,
    /// New architectures to be asked for yet.
    fresh: u64,
    promoted: VecDeque<Entry>,
    in_flight: BTreeMap<u64, Architecture>,
    /// Losses on this rung.
    told: Vec<(f64, Entry)>,
}

impl Bracket {
    pub(crate) fn new(plan: Vec<Rung>) -> Self {
        let fresh = plan.first().map_or(0, |rung| rung.size);
        Self { plan, at: 0, fresh, promoted: VecDeque::new(), in_flight: BTreeMap::new(), told: Vec::new() }
    }

    /// What to ask for next; whatever that is counts as asked for, and [`Bracket::asked`] has to be called for it.
    pub(crate) fn next(&mut self) -> Next {
        if self.at >= self.plan.len() {
            return Next::Over;
        }
        if self.fresh > 0 {
            self.fresh -= 1;
            return Next::Fresh;
        }
        self.promoted.pop_front().map_or(Next::Waiting, Next::Promoted)
    }

    pub(crate) fn asked(&mut self, query: u64, architecture: Architecture) {
        self.in_flight.insert(query, architecture);
    }

    /// Fidelity of the rung it is at.
    pub(crate) fn fidelity(&self) -> f64 {
        self.plan.get(self.at).map_or(1.0, |rung| rung.fidelity)
    }

    /// Takes a loss; gives the architecture and the fidelity at which it was asked for.
    pub(crate) fn tell(&mut self, query: u64, loss: f64) -> Option<(Architecture, f64)> {
        let architecture = self.in_flight.remove(&query)?;
        let fidelity = self.fidelity();
        self.told.push((loss, Entry { query, architecture: architecture.clone() }));
        if self.in_flight.is_empty() && self.promoted.is_empty() && self.fresh == 0 {
            self.climb();
        }
        Some((architecture, fidelity))
    }

    /// Promotes the best of a rung that is told of.
    fn climb(&mut self) {
        self.at += 1;
        let mut told = std::mem::take(&mut self.told);
        told.retain(|(loss, _)| loss.is_finite());
        told.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.query.cmp(&right.1.query)));
        let size = self.plan.get(self.at).map_or(0, |rung| usize::try_from(rung.size).unwrap_or(usize::MAX));
        self.promoted = told.into_iter().take(size).map(|(_, entry)| entry).collect();
        if self.promoted.is_empty() {
            self.at = self.plan.len();
        }
    }
}
