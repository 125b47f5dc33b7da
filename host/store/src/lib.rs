//! Runs, outcomes and trained weights on disk.
