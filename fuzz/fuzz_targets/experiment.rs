//! Experiment files: any text is read or refused, without a panic, and full settings read back equal.
#![no_main]

use std::path::Path;

use archwright_search::experiment::ExperimentFile;
use libfuzzer_sys::fuzz_target;

fn parse(text: &str) -> Option<ExperimentFile> {
    ExperimentFile::from_text("experiment.toml", text, Path::new(".")).ok()
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(read) = parse(text) else { return };
    let settings = toml::to_string(&read.experiment).expect("settings are TOML");
    let again = parse(&settings).expect("full settings are an experiment");
    // NaN is refused, so equality holds for every value.
    assert_eq!(again.experiment, read.experiment);
});
