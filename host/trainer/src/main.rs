//! Trains networks through libtorch.
fn main() {}
