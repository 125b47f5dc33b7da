//! Core modules in a component: see `bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| archwright_fuzz_bodies::run("module", data));
