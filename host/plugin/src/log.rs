//! What plugins log.

use std::sync::Arc;

use crate::Limits;
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
    lines_left: u32,
    bytes_left: u64,
    closed: bool,
    /// The last error of the current call: what a panic had to say.
    last_error: Option<String>,
}

impl Log {
    pub(crate) fn new(sink: LogSink, limits: &Limits) -> Self {
        Self { sink, lines_left: limits.log_lines, bytes_left: limits.log_bytes, closed: false, last_error: None }
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
            (self.sink)(
                LogLevel::Warn,
                "this plugin's further lines are dropped (`limits.log_lines` and `limits.log_bytes` set how many are kept)",
            );
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
