//! What is wrong with a scenario, and what to do about it.

use std::path::PathBuf;

/// Why a scenario is not run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The scenario or its trace.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is no scenario: syntax, a key that does not exist, a value of the wrong kind.
    #[error("{file}: {message}")]
    Syntax {
        /// Name of the file.
        file: String,
        /// Line, column and what is wrong there.
        message: String,
    },
    /// A value is out of its bounds, or two values contradict each other.
    #[error("{file}: {key} {problem}: {advice}")]
    Invalid {
        /// Name of the file.
        file: String,
        /// The key, with its tables: `clients.uplinks[0].share`.
        key: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        advice: String,
    },
}
