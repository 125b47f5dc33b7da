//! Manifests of plugins' projects: see `bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| archwright_fuzz_bodies::run("manifest", data));
