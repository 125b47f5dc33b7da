//! Writes the inputs that a fuzzer starts from into a folder, one folder in it for each target.

use std::path::PathBuf;
use std::{env, fs, io};

use archwright_fuzz_bodies::TARGETS;

fn main() -> io::Result<()> {
    let into = PathBuf::from(env::args().nth(1).unwrap_or_else(|| "fuzz/corpus".into()));
    for target in TARGETS {
        let folder = into.join(target.name);
        fs::create_dir_all(&folder)?;
        for (index, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{index}")), seed)?;
        }
    }
    Ok(())
}
