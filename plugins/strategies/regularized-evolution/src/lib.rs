//! The search strategy regularized-evolution.
