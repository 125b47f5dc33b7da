//! What a Rust plugin author depends on.
