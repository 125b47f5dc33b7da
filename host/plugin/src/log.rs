//! What plugins log.

use std::sync::Arc;

use crate::limits::{Bound, InForce, Key};
use crate::text::shown;

/// How urgent a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// For whoever watches the run.
    Info,
    /// Something may be wrong.
    Warn,
    /// Something is wrong.
    Error,
}

/// Takes a plugin's log lines, cut to length and without control characters.
pub type LogSink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// Longest line that is kept, in bytes.
const LINE_BYTES: usize = 4096;

/// A sink and what may still go into it.
pub(crate) struct Log {
    sink: LogSink,
    lines: Bound,
    bytes: Bound,
    lines_left: u64,
    bytes_left: u64,
    closed: bool,
    /// The last error of the current call: what a panic had to say.
    last_error: Option<String>,
}

impl Log {
    pub(crate) fn new(sink: LogSink, limits: &InForce) -> Self {
        let lines = limits.bound("lines of a run", Key::log_lines);
        let bytes = limits.bound("bytes of lines of a run", Key::log_bytes);
        Self { sink, lines, bytes, lines_left: lines.limit, bytes_left: bytes.limit, closed: false, last_error: None }
    }

    pub(crate) fn write(&mut self, level: LogLevel, message: &str) {
        let line = shown(message, LINE_BYTES);
        if level == LogLevel::Error {
            self.last_error = Some(line.clone());
        }
        if self.closed {
            return;
        }
        if self.lines_left == 0 || (line.len() as u64) > self.bytes_left {
            self.closed = true;
            let reached = if self.lines_left == 0 { self.lines } else { self.bytes };
            (self.sink)(LogLevel::Warn, &format!("this plugin's further lines are dropped: it reached {reached}"));
            return;
        }
        self.lines_left -= 1;
        self.bytes_left -= line.len() as u64;
        (self.sink)(level, &line);
    }

    pub(crate) fn take_last_error(&mut self) -> Option<String> {
        self.last_error.take()
    }
}
