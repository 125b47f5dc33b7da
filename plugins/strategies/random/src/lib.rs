//! The search strategy random.
