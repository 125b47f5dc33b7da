//! Rungs that promote without waiting (Li et al. 2020, algorithm 2).

use std::collections::BTreeMap;

use archwright_sdk::Architecture;

/// All rungs, the cheapest first.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    eta: usize,
    rungs: Vec<Rung>,
    /// The rung and the architecture of each query in flight.
    in_flight: BTreeMap<u64, (usize, Architecture)>,
}

/// What was told of a rung, the best first; of equals the one asked for first.
#[derive(Clone, Debug, Default)]
struct Rung {
    told: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    loss: f64,
    query: u64,
    /// The architecture, until it is promoted.
    waiting: Option<Architecture>,
}

/// Somebody who goes on to the next rung.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Promotion {
    pub(crate) architecture: Architecture,
    pub(crate) parent: u64,
    /// The rung it goes on to.
    pub(crate) rung: usize,
}

impl Ladder {
    /// `rungs` empty rungs, at least 1, of which one in `eta` is promoted.
    pub(crate) fn new(rungs: usize, eta: usize) -> Self {
        Self { eta, rungs: vec![Rung::default(); rungs], in_flight: BTreeMap::new() }
    }

    /// The best that may be promoted, from the highest rung that has any.
    pub(crate) fn promote(&mut self) -> Option<Promotion> {
        let promoting = self.rungs.len().saturating_sub(1);
        for (place, rung) in self.rungs[..promoting].iter_mut().enumerate().rev() {
            let top = rung.told.len() / self.eta;
            // What has no finite loss is among the best only where little else was told of.
            let mut best = rung.told[..top].iter_mut().filter(|entry| entry.loss.is_finite());
            let found = best.find_map(|entry| Some((entry.query, entry.waiting.take()?)));
            if let Some((parent, architecture)) = found {
                return Some(Promotion { architecture, parent, rung: place + 1 });
            }
        }
        None
    }

    pub(crate) fn asked(&mut self, query: u64, rung: usize, architecture: Architecture) {
        self.in_flight.insert(query, (rung, architecture));
    }

    /// Takes a loss. False where there is no such query in flight.
    pub(crate) fn tell(&mut self, query: u64, loss: f64) -> bool {
        let Some((rung, architecture)) = self.in_flight.remove(&query) else { return false };
        let told = &mut self.rungs[rung].told;
        let place = told.partition_point(|entry| {
            entry.loss.total_cmp(&loss).then(entry.query.cmp(&query)) == std::cmp::Ordering::Less
        });
        told.insert(place, Entry { loss, query, waiting: Some(architecture) });
        true
    }
}
