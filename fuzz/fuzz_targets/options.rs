//! Schemas of options, and options: see `bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| archwright_fuzz_bodies::run("options", data));
