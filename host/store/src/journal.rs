//! Append-only files of checksummed records: a run's journal.
//!
//! A journal is 12 bytes of header (`archwjnl` and the version of the form, little-endian) and then records: the length
//! of the content as a little-endian u32, the content, and a CRC-32 of everything that came before in the file from the
//! first record on, this record's length and content included. A record that was changed, removed or moved is found by
//! its checksum or the next one's.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crc32fast::Hasher;

use crate::StoreError;
use crate::error::READ;

/// What every journal starts with.
const MAGIC: [u8; 8] = *b"archwjnl";
/// Version of the form of records. What is in them has a version of its own.
const VERSION: u32 = 1;
/// Bytes before the first record.
const HEADER: u64 = 12;
/// Longest record.
const MAX_RECORD: u32 = 1 << 28;
/// Records are handed to the operating system once there are so many bytes of them, ...
const FLUSH_BYTES: usize = 1 << 17;
/// ... or once so much time went by since the last time, ...
const FLUSH_AFTER: Duration = Duration::from_millis(200);
/// ... which is looked at every so many records.
const LOOK_EVERY: u64 = 16;

/// Why a journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file system refuses.
    #[error(transparent)]
    File(Box<StoreError>),
    /// There is no such file.
    #[error("there is no journal {}", path.display())]
    Absent {
        /// The journal.
        path: PathBuf,
    },
    /// It was made and ends before its first record.
    #[error("the journal {} ends before its first record", path.display())]
    Unbegun {
        /// The journal.
        path: PathBuf,
    },
    /// It does not start as a journal does.
    #[error("{} is no journal", path.display())]
    NoJournal {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer version.
    #[error("the journal {} has version {version}, this Archwright reads {VERSION}: update it", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// A record is not what was written.
    #[error("the journal {} is damaged at record {record} (byte {offset}): its checksum does not fit", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Number of the record, from 0.
        record: u64,
        /// Where it starts in the file.
        offset: u64,
    },
    /// The last record was not written whole.
    #[error("the journal {} breaks off within record {record} (byte {offset})", path.display())]
    Torn {
        /// The journal.
        path: PathBuf,
        /// Number of the record, from 0.
        record: u64,
        /// Where it starts in the file.
        offset: u64,
    },
    /// Another process is writing it.
    #[error("another process is at work on the journal {}", path.display())]
    Busy {
        /// The journal.
        path: PathBuf,
    },
}

impl JournalError {
    /// Number of the record, from 0, that is not what was written, where it is that.
    pub fn record(&self) -> Option<u64> {
        match self {
            Self::Damaged { record, .. } | Self::Torn { record, .. } => Some(*record),
            Self::NoJournal { .. } | Self::Unbegun { .. } => Some(0),
            _ => None,
        }
    }
}

/// How far a journal is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalEnd {
    /// Records so far.
    pub records: u64,
    /// Where the next record starts.
    offset: u64,
    checksum: u32,
}

/// A journal locked against other processes, until this or the writer made of it is dropped.
#[derive(Debug)]
pub struct JournalLock {
    path: PathBuf,
    file: File,
}

impl JournalLock {
    /// Locks the journal at `path`.
    ///
    /// # Errors
    /// Where another process is writing it, or it cannot be opened for writing.
    pub fn take(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(open(path))?;
        lock(&file, path)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Goes on with the journal behind `end`. What follows there is cut off, and kept beside the journal in a file that
    /// ends in `.torn`.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn resume(mut self, end: JournalEnd) -> Result<JournalWriter, JournalError> {
        let path = &self.path;
        let mut rest = Vec::new();
        self.file.seek(SeekFrom::Start(end.offset)).map_err(read(path))?;
        self.file.read_to_end(&mut rest).map_err(read(path))?;
        if !rest.is_empty() {
            std::fs::write(path.with_extension("torn"), &rest).map_err(write(path))?;
            self.file.set_len(end.offset).map_err(write(path))?;
            self.file.seek(SeekFrom::End(0)).map_err(write(path))?;
        }
        Ok(JournalWriter::at(self.path, self.file, end))
    }
}

/// Writes a journal. It is locked against other processes as long as this lives.
#[derive(Debug)]
pub struct JournalWriter {
    path: PathBuf,
    file: File,
    /// Whole records that are not in the file yet.
    buffer: Vec<u8>,
    /// Length of the file, all of it whole records.
    written: u64,
    checksum: u32,
    records: u64,
    flushed: Instant,
    /// Whether a write failed: what follows would not be whole.
    failed: bool,
}

impl JournalWriter {
    /// Starts a journal at `path`, where there must be none.
    ///
    /// # Errors
    /// Where there is a file, or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let writer = Self::create_unsynced(path)?;
        if let Some(folder) = path.parent() {
            // The file's name has to outlive the machine as well.
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(write(path))?;
        }
        Ok(writer)
    }

    /// As [`JournalWriter::create`], for a journal that can be made again: after a power cut it may be gone.
    ///
    /// # Errors
    /// As [`JournalWriter::create`].
    pub fn create_unsynced(path: &Path) -> Result<Self, JournalError> {
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(path).map_err(make(path))?;
        lock(&file, path)?;
        let mut header = [0; HEADER as usize];
        header[..MAGIC.len()].copy_from_slice(&MAGIC);
        header[MAGIC.len()..].copy_from_slice(&VERSION.to_le_bytes());
        file.write_all(&header).map_err(write(path))?;
        Ok(Self::at(path.to_owned(), file, JournalEnd { records: 0, offset: HEADER, checksum: 0 }))
    }

    fn at(path: PathBuf, file: File, end: JournalEnd) -> Self {
        let JournalEnd { records, offset, checksum } = end;
        let (buffer, flushed) = (Vec::new(), Instant::now());
        Self { path, file, buffer, written: offset, checksum, records, flushed, failed: false }
    }

    /// Adds a record whose content `fill` appends to the buffer it is given.
    ///
    /// # Errors
    /// Where the file cannot be written. The journal is whole up to the last record that was flushed.
    pub fn append(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> Result<(), JournalError> {
        let start = self.buffer.len();
        self.buffer.extend([0; 4]);
        fill(&mut self.buffer);
        let length = u32::try_from(self.buffer.len() - start - 4).unwrap_or(u32::MAX);
        self.buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.checksum = chained(self.checksum, &[&self.buffer[start..]]);
        self.buffer.extend(self.checksum.to_le_bytes());
        self.records += 1;
        let looks = self.records.is_multiple_of(LOOK_EVERY);
        if self.buffer.len() >= FLUSH_BYTES || (looks && self.flushed.elapsed() >= FLUSH_AFTER) {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands every record to the operating system: it outlives this process.
    ///
    /// # Errors
    /// Where the file cannot be written. The file is left whole up to the last flush, and nothing is written any more.
    pub fn flush(&mut self) -> Result<(), JournalError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if self.failed {
            return Err(write(&self.path)(io::Error::other("an earlier write failed")));
        }
        if let Err(error) = self.file.write_all(&self.buffer) {
            self.failed = true;
            // Where this fails as well, the end is torn, which the next reader finds.
            let _ = self.file.set_len(self.written);
            return Err(write(&self.path)(error));
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.flushed = Instant::now();
        Ok(())
    }

    /// Has every record on disk: it outlives the machine.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.flush()?;
        self.file.sync_data().map_err(write(&self.path))
    }

    /// Records so far.
    pub fn records(&self) -> u64 {
        self.records
    }
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        if !self.failed {
            // Whoever needs to know whether it was written has called `flush`.
            let _ = self.flush();
        }
    }
}

/// Reads a journal from its start.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    file: BufReader<File>,
    left: u64,
    end: JournalEnd,
    record: Vec<u8>,
}

impl JournalReader {
    /// Opens the journal at `path`.
    ///
    /// # Errors
    /// Where it cannot be read, is no journal, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(open(path))?;
        let length = file.metadata().map_err(read(path))?.len();
        let mut file = BufReader::with_capacity(1 << 16, file);
        let mut header = [0; HEADER as usize];
        let whole = length >= HEADER;
        if whole {
            file.read_exact(&mut header).map_err(read(path))?;
        }
        if !whole {
            return Err(JournalError::Unbegun { path: path.to_owned() });
        }
        let (magic, version) = header.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(JournalError::NoJournal { path: path.to_owned() });
        }
        let version = version.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte));
        if version != VERSION {
            return Err(JournalError::Newer { path: path.to_owned(), version });
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            left: length - HEADER,
            end: JournalEnd { records: 0, offset: HEADER, checksum: 0 },
            record: Vec::new(),
        })
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`JournalError::Torn`] where the file breaks off within it, [`JournalError::Damaged`] where its checksum does not
    /// fit. The journal is whole up to [`JournalReader::end`].
    pub fn next_record(&mut self) -> Result<Option<&[u8]>, JournalError> {
        if self.left == 0 {
            return Ok(None);
        }
        let JournalEnd { records, offset, checksum } = self.end;
        let mut length = [0; 4];
        if self.left < 8 {
            return Err(self.torn());
        }
        self.file.read_exact(&mut length).map_err(read(&self.path))?;
        let bytes = u32::from_le_bytes(length);
        let whole = u64::from(bytes) + 8;
        if self.left < whole {
            return Err(self.torn());
        }
        if bytes > MAX_RECORD {
            return Err(self.damaged());
        }
        self.record.resize(bytes as usize, 0);
        self.file.read_exact(&mut self.record).map_err(read(&self.path))?;
        let mut written = [0; 4];
        self.file.read_exact(&mut written).map_err(read(&self.path))?;
        let checksum = chained(checksum, &[&length, &self.record]);
        if checksum != u32::from_le_bytes(written) {
            // A machine that lost its power may leave a file whose end has its length and not its content: zeros.
            return Err(if self.rest_is_zero()? { self.torn() } else { self.damaged() });
        }
        self.left -= whole;
        self.end = JournalEnd { records: records + 1, offset: offset + whole, checksum };
        Ok(Some(&self.record))
    }

    fn torn(&self) -> JournalError {
        let JournalEnd { records: record, offset, .. } = self.end;
        JournalError::Torn { path: self.path.clone(), record, offset }
    }

    fn damaged(&self) -> JournalError {
        let JournalEnd { records: record, offset, .. } = self.end;
        JournalError::Damaged { path: self.path.clone(), record, offset }
    }

    /// Whether nothing follows in the file but zeros.
    fn rest_is_zero(&mut self) -> Result<bool, JournalError> {
        let mut rest = Vec::new();
        self.file.read_to_end(&mut rest).map_err(read(&self.path))?;
        Ok(rest.iter().all(|byte| *byte == 0))
    }

    /// Reads to the end; how far the journal is whole.
    ///
    /// # Errors
    /// As [`JournalReader::next_record`].
    pub fn last(mut self) -> Result<JournalEnd, JournalError> {
        while self.next_record()?.is_some() {}
        Ok(self.end)
    }

    /// How far the journal was read and is whole.
    pub fn end(&self) -> JournalEnd {
        self.end
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether a process is writing the journal at `path`.
///
/// # Errors
/// Where the file cannot be opened.
pub fn is_being_written(path: &Path) -> Result<bool, JournalError> {
    let file = File::open(path).map_err(open(path))?;
    Ok(matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => Err(JournalError::Busy { path: path.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(open(path)(source)),
    }
}

fn chained(before: u32, parts: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new_with_initial(before);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| {
        if source.kind() == io::ErrorKind::NotFound {
            return JournalError::Absent { path };
        }
        // Journals lie in a folder of the store.
        let folder = path.parent().and_then(Path::parent).unwrap_or(Path::new("."));
        JournalError::File(Box::new(StoreError::file(folder, doing, &path, source)))
    }
}

fn make(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    io_error("make", path)
}

fn open(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    io_error("open", path)
}

fn read(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    io_error(READ, path)
}

fn write(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    io_error("write", path)
}
