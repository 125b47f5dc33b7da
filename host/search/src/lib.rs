//! The search loop: strategy, estimator, trainers, budget.
