//! What a rule says when it is broken.

use core::fmt;

/// Whether a finding stops the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Printed, never fatal.
    Warning,
    /// Makes `cargo xtask tidy` exit with an error.
    Failure,
}

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Path from the repository's root.
    pub(crate) path: String,
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// What is wrong, and what to do about it.
    pub(crate) what: String,
    /// Whether it stops the build.
    pub(crate) severity: Severity,
}

impl Finding {
    /// A finding that stops the build.
    pub(crate) fn failure(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), severity: Severity::Failure }
    }

    /// A finding that is only printed.
    pub(crate) fn warning(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::failure(path, line, what) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.severity {
            Severity::Warning => "warning: ",
            Severity::Failure => "",
        };
        write!(f, "{}:{}: {mark}{}", self.path, self.line, self.what)
    }
}
