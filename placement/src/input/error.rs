use core::fmt;
use std::path::PathBuf;

use crate::model::ProblemError;

/// Why a file gives no problem.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is no such file: syntax, a field that does not exist, a value of the wrong kind.
    #[error("{place}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What is wrong there.
        message: String,
    },
    /// The file can be read, but the problem in it is none.
    #[error("{place}: {error}")]
    Problem {
        /// Where.
        place: Place,
        /// What is wrong there, with the field's name.
        error: Box<ProblemError>,
    },
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// Counted from 1; `None`: the file as a whole, or something it leaves out.
    pub line: Option<usize>,
}

impl Place {
    pub(super) fn new(file: &str, line: Option<usize>) -> Self {
        Self { file: file.to_owned(), line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

impl InputError {
    pub(super) fn syntax(file: &str, line: Option<usize>, message: impl Into<String>) -> Self {
        Self::Syntax { place: Place::new(file, line), message: message.into() }
    }
}
