//! The performance estimation strategy full-training.
