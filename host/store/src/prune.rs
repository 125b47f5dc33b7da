//! Giving disk space back, without taking what somebody needs.
//!
//! Needed are: the outcomes that an unfinished run used, with their weights; the weights that a run's record names; the
//! parts that a run's settings name; and whatever belongs to an action that somebody claims.
//!
//! Other hosts may be at work meanwhile. Rows go first, then files, each while nobody else writes. A host that wants the
//! weights of a remembered outcome notes that it uses it and looks only then whether both are there
//! ([`Store::note_used`], [`Store::recall`]): they were deleted before the note, which it sees, or they stay. A host that
//! has just made weights has an hour to record the outcome that names them; the same goes for parts.

use std::collections::HashSet;
use std::time::Duration;

use rusqlite::{Connection, named_params, params};
use serde::Serialize;

use crate::cache::{TOUCHED, whole_seconds};
use crate::files::Entry;
use crate::{Amount, RunId, Store, StoreError, files, now};

/// How long a file that nothing names may belong to somebody who is about to name it.
const GRACE: Duration = Duration::from_secs(3600);

/// Files deleted before other writers get their turn.
const AT_ONCE: usize = 256;

/// What may go. What is needed stays, and what killed writers left behind goes in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prune {
    /// Outcomes that were neither recorded nor used for so long; with `checkpoints`, checkpoints not written for so long.
    pub older_than: Option<Duration>,
    /// Outcomes on the data whose digest starts so. With `older_than`, only those that are both.
    pub outcomes_of_data: Option<String>,
    /// Weights that no outcome names.
    pub unused_weights: bool,
    /// Weights that outcomes name: these stay, and whoever wants the weights trains again.
    pub remembered_weights: bool,
    /// Checkpoints of trainings whose outcome is there, and of those that `older_than` means.
    pub checkpoints: bool,
    /// Parts that no run names.
    pub unused_parts: bool,
    /// Outcomes and runs that cannot be read; weights and parts whose content does not have the digest that names them. These go
    /// even where they are needed: they are of no use to anybody.
    pub damaged: bool,
}

/// What went, or would go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Runs, which were damaged.
    pub runs: u64,
    /// Outcomes. Their space in the database is used again; its file does not shrink.
    pub outcomes: Amount,
    /// Trained weights.
    pub weights: Amount,
    /// States of trainings.
    pub checkpoints: Amount,
    /// Parts of runs.
    pub parts: Amount,
    /// Files that killed writers left behind, and what was cut off the journals of runs that will not go on.
    pub leftovers: Amount,
}

impl Store {
    /// Deletes what `what` says and nobody needs; with `dry_run` only says what that would be.
    ///
    /// # Errors
    /// Where the store cannot be read or written, or a run is damaged and may stay, so that nobody knows what it needs. What
    /// was deleted up to then stays deleted.
    pub fn prune(&self, what: &Prune, dry_run: bool) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned { leftovers: self.prune_leftovers(dry_run)?, ..Pruned::default() };
        if what.damaged {
            pruned.runs = self.prune_runs(dry_run)?;
        }
        if what.checkpoints {
            pruned.checkpoints = self.prune_checkpoints(what, dry_run)?;
        }
        let mut doomed = self.prune_outcomes(what, dry_run, &mut pruned.outcomes)?;
        if !dry_run {
            // One that is there now was made again.
            doomed.clear();
        }
        if what.unused_weights || what.remembered_weights || what.damaged {
            pruned.weights = self.prune_weights(what, &doomed, dry_run)?;
        }
        if what.unused_parts || what.damaged {
            pruned.parts = self.prune_parts(what, dry_run)?;
        }
        Ok(pruned)
    }

    /// Deletes weights that a run has gone on from, but for those that others need: other runs that are not finished, or what
    /// is recorded of any run. Gives the digests of these.
    ///
    /// The outcomes that name them stay.
    ///
    /// # Errors
    /// Where the store cannot be read, or a file not be deleted.
    pub fn let_go(&self, run: RunId, weights: &[String]) -> Result<Vec<String>, StoreError> {
        let there: Vec<&String> = weights.iter().filter(|digest| self.has_weights(digest)).collect();
        if there.is_empty() {
            return Ok(Vec::new());
        }
        self.at_once(|transaction| {
            let mut needed = Vec::new();
            for digest in there {
                if self.is_needed_elsewhere(run, digest, transaction)? {
                    needed.push(digest.clone());
                } else {
                    let path = self.weights_path(digest);
                    files::remove(&path).map_err(self.failing_at("delete", &path))?;
                }
            }
            Ok(needed)
        })
    }

    /// Whether somebody besides `run` needs weights.
    fn is_needed_elsewhere(&self, run: RunId, digest: &str, connection: &Connection) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (
                SELECT 1 FROM outcome JOIN used ON used.key = outcome.key JOIN run ON run.id = used.run
                WHERE outcome.weights = ?1 AND run.id <> ?2 AND run.status <> 'finished'
            ) OR EXISTS (SELECT 1 FROM run WHERE instr(settings, ?1) > 0 OR instr(coalesce(result, ''), ?1) > 0)";
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params![digest, run.0], |row| row.get(0)))
            .map_err(self.reading())
    }

    fn prune_leftovers(&self, dry_run: bool) -> Result<Amount, StoreError> {
        let mut gone = Amount::default();
        for folder in [self.weights(), self.checkpoints(), self.parts(), self.journals()] {
            for entry in files::list(self.folder(), &folder)? {
                if entry.age() >= GRACE && (entry.is_unfinished() || self.is_spare_end(&entry)?) {
                    self.delete(&entry, dry_run, &mut gone)?;
                }
            }
        }
        if !dry_run {
            for key in self.claim_files()? {
                // A claim that ends takes its file along.
                drop(self.claim(&key)?);
            }
        }
        Ok(gone)
    }

    fn prune_runs(&self, dry_run: bool) -> Result<u64, StoreError> {
        let damaged = self.damaged_runs(&self.connection)?;
        if !dry_run {
            damaged.iter().try_for_each(|run| self.remove_run(*run))?;
        }
        Ok(damaged.len() as u64)
    }

    fn prune_checkpoints(&self, what: &Prune, dry_run: bool) -> Result<Amount, StoreError> {
        let mut gone = Amount::default();
        for entry in files::list(self.folder(), &self.checkpoints())? {
            let Some(key) = entry.stem(".safetensors") else { continue };
            let old = what.older_than.is_some_and(|limit| entry.age() >= limit);
            if !old && !self.has_outcome(key)? {
                continue;
            }
            if dry_run {
                if !self.is_claimed(key) {
                    gone.add(entry.bytes);
                }
            } else if let Some(_claim) = self.claim(key)? {
                self.delete(&entry, false, &mut gone)?;
            }
        }
        Ok(gone)
    }

    fn has_outcome(&self, key: &str) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached("SELECT 1 FROM outcome WHERE key = ?1")
            .and_then(|mut statement| statement.exists([key]))
            .map_err(self.reading())
    }

    /// Forgets outcomes; gives their keys.
    fn prune_outcomes(&self, what: &Prune, dry_run: bool, gone: &mut Amount) -> Result<HashSet<String>, StoreError> {
        let find = |connection: &Connection| {
            let mut doomed = Vec::new();
            if what.older_than.is_some() || what.outcomes_of_data.is_some() {
                doomed.extend(self.spare_outcomes(what, connection)?);
            }
            if what.damaged {
                self.damaged_outcomes(connection, |key, _, bytes| doomed.push((key.to_owned(), bytes)))?;
            }
            doomed.sort();
            doomed.dedup();
            Ok::<_, StoreError>(doomed)
        };
        let mut doomed = find(&self.connection)?;
        // A disk that is full has no room for a transaction, and may have enough for what follows.
        if !dry_run && !doomed.is_empty() {
            doomed = self.at_once(|transaction| {
                let doomed = find(transaction)?;
                for (key, _) in &doomed {
                    for sql in [
                        "DELETE FROM outcome WHERE key = ?1",
                        "DELETE FROM used WHERE key = ?1 AND run IN (SELECT id FROM run WHERE status = 'finished')",
                    ] {
                        transaction
                            .prepare_cached(sql)
                            .and_then(|mut statement| statement.execute([key]))
                            .map_err(self.writing())?;
                    }
                }
                Ok(doomed)
            })?;
        }
        doomed.iter().for_each(|(_, bytes)| gone.add(*bytes));
        Ok(doomed.into_iter().map(|(key, _)| key).collect())
    }

    /// Keys and sizes of outcomes that may go and that nobody needs.
    fn spare_outcomes(&self, what: &Prune, connection: &Connection) -> Result<Vec<(String, u64)>, StoreError> {
        let mut needed = self.needed_outcomes(connection)?;
        needed.extend(self.claimed()?);
        let sql = format!(
            "SELECT key, octet_length(outcome) FROM outcome
             WHERE (:data IS NULL OR substr(data, 1, length(:data)) = :data)
                 AND (:age IS NULL OR :now - {TOUCHED} >= :age)"
        );
        let mut statement = connection.prepare(&sql).map_err(self.reading())?;
        let values = named_params! {
            ":data": what.outcomes_of_data,
            ":age": what.older_than.map(whole_seconds),
            ":now": now(),
        };
        let found: Vec<(String, i64)> = statement
            .query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(self.reading())?;
        let spare = found.into_iter().filter(|(key, _)| !needed.contains(key));
        Ok(spare.map(|(key, bytes)| (key, bytes.cast_unsigned())).collect())
    }

    fn prune_weights(&self, what: &Prune, doomed: &HashSet<String>, dry_run: bool) -> Result<Amount, StoreError> {
        let mut candidates = Vec::new();
        let mut gone = Amount::default();
        for entry in files::list(self.folder(), &self.weights())? {
            let Some(digest) = entry.stem(".safetensors").map(str::to_owned) else { continue };
            if what.damaged && self.problem_of(&entry, &digest)?.is_some() {
                self.delete(&entry, dry_run, &mut gone)?;
            } else if what.unused_weights || what.remembered_weights {
                candidates.push((digest, entry));
            }
        }
        self.prune_files(&candidates, dry_run, &mut gone, |connection| {
            let weights = self.weights_in_use(doomed, connection)?;
            Ok(move |digest: &str, entry: &Entry| {
                if weights.needed.contains(digest) {
                    return true;
                }
                if weights.remembered.contains(digest) {
                    return !what.remembered_weights;
                }
                !what.unused_weights || entry.age() < GRACE
            })
        })?;
        Ok(gone)
    }

    fn weights_in_use(&self, doomed: &HashSet<String>, connection: &Connection) -> Result<Weights, StoreError> {
        let named = self.named(connection)?;
        let mut needed = named.settings;
        needed.extend(named.results);
        let mut outcomes = self.needed_outcomes(connection)?;
        outcomes.extend(self.claimed()?);
        let mut remembered = HashSet::new();
        let mut statement = connection
            .prepare_cached("SELECT key, weights FROM outcome WHERE weights IS NOT NULL")
            .map_err(self.reading())?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .map_err(self.reading())?;
        for row in rows {
            let (key, digest) = row.map_err(self.reading())?;
            if outcomes.contains(&key) {
                needed.insert(digest);
            } else if !doomed.contains(&key) {
                remembered.insert(digest);
            }
        }
        Ok(Weights { needed, remembered })
    }

    fn prune_parts(&self, what: &Prune, dry_run: bool) -> Result<Amount, StoreError> {
        let mut candidates = Vec::new();
        let mut gone = Amount::default();
        for entry in files::list(self.folder(), &self.parts())? {
            let Some(digest) = entry.stem("").map(str::to_owned) else { continue };
            if what.damaged && self.problem_of(&entry, &digest)?.is_some() {
                self.delete(&entry, dry_run, &mut gone)?;
            } else if what.unused_parts {
                candidates.push((digest, entry));
            }
        }
        self.prune_files(&candidates, dry_run, &mut gone, |connection| {
            let named = self.named(connection)?.settings;
            Ok(move |digest: &str, entry: &Entry| named.contains(digest) || entry.age() < GRACE)
        })?;
        Ok(gone)
    }

    /// Deletes those files that `keep` does not want. It is asked for what to keep while nobody else writes, again and
    /// again, so that others have their turn in between.
    fn prune_files<K: Fn(&str, &Entry) -> bool>(
        &self,
        candidates: &[(String, Entry)],
        dry_run: bool,
        gone: &mut Amount,
        keep: impl Fn(&Connection) -> Result<K, StoreError>,
    ) -> Result<(), StoreError> {
        if candidates.is_empty() {
            return Ok(());
        }
        let first = keep(&self.connection)?;
        let spare: Vec<_> = candidates.iter().filter(|(digest, entry)| !first(digest, entry)).collect();
        if dry_run {
            spare.iter().for_each(|(_, entry)| gone.add(entry.bytes));
            return Ok(());
        }
        for some in spare.chunks(AT_ONCE) {
            self.at_once(|transaction| {
                let keep = keep(transaction)?;
                for (digest, entry) in some {
                    // Looked at anew: whoever keeps a part that is there makes it new.
                    match Entry::at(entry.path.clone()) {
                        Some(entry) if !keep(digest, &entry) => self.delete(&entry, false, gone)?,
                        _ => {}
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn delete(&self, entry: &Entry, dry_run: bool, gone: &mut Amount) -> Result<(), StoreError> {
        if dry_run || files::remove(&entry.path).map_err(self.failing_at("delete", &entry.path))? {
            gone.add(entry.bytes);
        }
        Ok(())
    }
}

/// Digests of weights.
struct Weights {
    /// By those that need them.
    needed: HashSet<String>,
    /// Named by outcomes that stay.
    remembered: HashSet<String>,
}
