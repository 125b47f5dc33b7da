//! Files of data: what is none is refused, and nothing is read without a bound.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::{Problem, memory};

/// Most bytes of examples that are read.
const MAX_BYTES: u64 = 1 << 38;
/// Times that values may be as large as what they are packed into. Images stay far below, zeros reach a thousand.
const MAX_RATIO: u64 = 200;
/// Values of so few bytes may be packed however well.
const SMALL: u64 = 1 << 24;

/// Opens a regular file: a pipe would be waited for, and a device may have no end.
pub(super) fn open(path: &Path) -> Result<File, Problem> {
    let unreadable = |problem: String| Problem::data(format!("cannot read {}: {problem}", path.display()));
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if metadata.is_dir() {
        return Err(unreadable("it is a folder, not a file".into()));
    }
    if !metadata.is_file() {
        return Err(unreadable("it is a pipe or device, not a regular file".into()));
    }
    File::open(path).map_err(|error| unreadable(error.to_string()))
}

/// Reads a file that is no larger than what is read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let unreadable = |problem: String| Problem::data(format!("cannot read {}: {problem}", path.display()));
    let file = open(path)?;
    let size = file.metadata().map_err(|error| unreadable(error.to_string()))?.len();
    check_size(size, None).map_err(unreadable)?;
    let mut content = Vec::new();
    file.take(size).read_to_end(&mut content).map_err(|error| unreadable(error.to_string()))?;
    Ok(content)
}

/// Checks that a folder is there, which holds `content`.
pub(super) fn check_folder(path: &Path, content: &str) -> Result<(), Problem> {
    if path.is_dir() {
        return Ok(());
    }
    let what = if path.exists() { "is no folder" } else { "does not exist" };
    Err(Problem::data(format!("{} {what}: it has to be a folder with {content}", path.display())))
}

/// Checks a number of bytes before they are read, and that they are not packed as only a trap is.
pub(super) fn check_size(bytes: u64, packed: Option<u64>) -> Result<(), String> {
    let room = memory::of_machine().unwrap_or(MAX_BYTES).min(MAX_BYTES);
    if bytes > room {
        return Err(format!("it holds {} MiB, more than the {} MiB of memory that are free", bytes >> 20, room >> 20));
    }
    match packed {
        Some(packed) if bytes > SMALL && bytes / packed.max(1) > MAX_RATIO => Err(format!(
            "it unpacks from {packed} to {bytes} bytes, which no images do: store it without compression if it is right"
        )),
        _ => Ok(()),
    }
}
