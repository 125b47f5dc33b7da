//! Neural architecture search with sandboxed methods.
fn main() {}
