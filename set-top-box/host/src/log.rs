//! The box's log: defmt frames on QEMU's standard output, decoded with the table in the firmware's ELF file.

use core::time::Duration;
use std::io::Read;
use std::sync::mpsc::Sender;

use defmt_decoder::{DecodeError, Frame, Table};

/// What the firmware says how urgently; its own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Every step.
    Trace,
    /// For whoever looks for a bug.
    Debug,
    /// What happens.
    Info,
    /// What should not happen, but is coped with.
    Warn,
    /// What ends the run.
    Error,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// Since the box's reset, by its own clock.
    pub(crate) at: Option<Duration>,
    /// `None`: printed whatever the level.
    pub(crate) level: Option<Level>,
    /// What it says.
    pub(crate) text: String,
}

impl core::fmt::Display for LogLine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let at = self.at.map_or_else(|| "-".to_owned(), |at| format!("{:.6}", at.as_secs_f64()));
        let level = match self.level {
            Some(Level::Trace) => "trace",
            Some(Level::Debug) => "debug",
            Some(Level::Info) => "info",
            Some(Level::Warn) => "WARN",
            Some(Level::Error) => "ERROR",
            None => "",
        };
        write!(f, "{at:>11} {level:5} {}", self.text)
    }
}

/// The ELF file's table of messages.
///
/// # Errors
/// The file has none, or one that this decoder does not know.
pub(crate) fn table(elf: &[u8]) -> Result<Table, String> {
    match Table::parse(elf) {
        Ok(Some(table)) => Ok(table),
        Ok(None) => Err("the firmware logs nothing: it has no table of messages".to_owned()),
        Err(error) => Err(format!("the firmware's table of messages: {error}")),
    }
}

/// Decodes what `stream` gives into `lines`, until the one ends or nobody takes the other.
pub(crate) fn decode(table: &Table, mut stream: impl Read, lines: &Sender<LogLine>) {
    let mut decoder = table.new_stream_decoder();
    let mut bytes = [0; 4096];
    while let Ok(len @ 1..) = stream.read(&mut bytes) {
        decoder.received(bytes.get(..len).unwrap_or_default());
        loop {
            let line = match decoder.decode() {
                Ok(frame) => line(&frame),
                Err(DecodeError::UnexpectedEof) => break,
                // What is no frame ends at the next one's start.
                Err(DecodeError::Malformed) => {
                    LogLine { at: None, level: Some(Level::Error), text: "a damaged log frame".to_owned() }
                }
            };
            if lines.send(line).is_err() {
                return;
            }
        }
    }
}

fn line(frame: &Frame<'_>) -> LogLine {
    let level = frame.level().map(|level| match level.as_str() {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        _ => Level::Error,
    });
    // As seconds with six decimals: the firmware's format is `{=u64:us}`.
    let at = frame.display_timestamp().and_then(|at| at.to_string().parse().ok());
    let at = at.and_then(|at| Duration::try_from_secs_f64(at).ok());
    LogLine { at, level, text: frame.display_message().to_string() }
}
