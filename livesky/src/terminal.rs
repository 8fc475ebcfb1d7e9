//! Status lines for people, and JSON lines for machines.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// Where a command says how it fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// One line on the terminal, written over again and again.
    Line,
    /// A JSON object a line on standard output.
    Json,
    /// A JSON object a line on standard error: standard output is taken.
    JsonOnStderr,
    /// Nothing but what is unusual: standard error is no terminal.
    Quiet,
}

impl Report {
    /// JSON where it is asked for, else the line where a person sees it.
    #[must_use]
    pub fn choose(is_json: bool, is_stdout_taken: bool) -> Self {
        match (is_json, is_stdout_taken) {
            (true, false) => Self::Json,
            (true, true) => Self::JsonOnStderr,
            (false, _) if io::stderr().is_terminal() => Self::Line,
            (false, _) => Self::Quiet,
        }
    }

    /// Reports a state: `line` to people, `object` to machines. Nobody reading is no error.
    pub fn state(self, line: impl FnOnce() -> String, object: &impl Serialize) {
        let _is_read = match self {
            Self::Line => write!(io::stderr(), "\r\x1b[K{}", fit(&line(), width())),
            Self::Json => json(object).and_then(|text| writeln!(io::stdout(), "{text}")),
            Self::JsonOnStderr => json(object).and_then(|text| writeln!(io::stderr(), "{text}")),
            Self::Quiet => Ok(()),
        };
    }

    /// Says something that stays, above the status line.
    pub fn note(self, text: &str) {
        let _is_read = match self {
            Self::Line => writeln!(io::stderr(), "\r\x1b[K{text}"),
            Self::Json | Self::JsonOnStderr | Self::Quiet => writeln!(io::stderr(), "{text}"),
        };
    }

    /// Leaves the status line as it is and goes to the next.
    pub fn end(self) {
        if self == Self::Line {
            let _is_read = writeln!(io::stderr());
        }
    }
}

fn json(object: &impl Serialize) -> io::Result<String> {
    serde_json::to_string(object).map_err(io::Error::other)
}

/// Columns of the terminal, as far as the environment tells.
fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(120)
}

/// A line that wraps could not be written over.
fn fit(line: &str, columns: usize) -> &str {
    line.char_indices().nth(columns.max(1)).map_or(line, |(end, _)| line.get(..end).unwrap_or(line))
}

/// `12.3 MB` and the like.
#[must_use]
pub fn bytes(count: u64) -> String {
    let kilobytes = count / 1_000;
    match kilobytes {
        0 => format!("{count} B"),
        1..1_000 => format!("{kilobytes} kB"),
        1_000..1_000_000 => format!("{}.{} MB", kilobytes / 1_000, kilobytes % 1_000 / 100),
        _ => format!("{}.{} GB", kilobytes / 1_000_000, kilobytes % 1_000_000 / 100_000),
    }
}

/// `1:02:03` or `2:03`.
#[must_use]
pub fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (12_345, "12 kB"),
            (12_345_678, "12.3 MB"),
            (2_500_000_000, "2.5 GB"),
        ] {
            assert_eq!(bytes(count), text);
        }
        for (seconds, text) in [(0, "0:00"), (59, "0:59"), (61, "1:01"), (3_723, "1:02:03")] {
            assert_eq!(clock(seconds), text);
        }
    }

    #[test]
    fn lines_are_cut_between_characters() {
        assert_eq!(fit("αβγ", 2), "αβ");
        assert_eq!(fit("αβγ", 3), "αβγ");
        assert_eq!(fit("", 3), "");
    }
}
