//! Space files: any bytes are read, and what is a space answers every question, without a panic and in bounded time.
#![no_main]

use std::sync::Arc;

use archwright_space::{Context, Definition, Encoding, Space};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(definition) = Definition::parse(text) else { return };
    let Ok(space) = Space::new(Arc::new(definition), Context::full(vec![1, 8, 8], 10)) else { return };
    let sample = space.sample(0);
    assert_eq!(space.check(&sample), Ok(()), "a sample is a point");
    let mutant = space.mutate(&sample, 1);
    assert!(mutant.is_ok_and(|mutant| space.check(&mutant).is_ok()), "a mutant is a point");
    space.size();
    for encoding in [Encoding::OneHot, Encoding::Adjacency, Encoding::Path] {
        let _ = space.encode(&sample, encoding);
    }
    if let Ok(network) = space.build(&sample) {
        assert_eq!(network.simplify(), network, "a built network is simplified");
        let _ = network.fingerprint();
    }
});
