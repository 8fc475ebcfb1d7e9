//! How a command fails: one line for people.

use core::fmt;
use core::net::SocketAddr;
use std::io;

/// What went wrong, where, and what to do about it; one line without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure in these words.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// An address nobody can listen at: `what` listens there, `flag` sets it.
    #[must_use]
    pub fn listen(what: &str, address: SocketAddr, flag: &str, error: &io::Error) -> Self {
        let port = address.port();
        let kind = error.kind();
        let advice = if kind == io::ErrorKind::AddrInUse {
            format!("the port is in use: stop the program that has it, or choose another with {flag}")
        } else if kind == io::ErrorKind::PermissionDenied {
            format!("port {port} is for the system's own services: choose one above 1023 with {flag}")
        } else if kind == io::ErrorKind::AddrNotAvailable {
            format!("this computer has no such address: choose another with {flag}")
        } else {
            error.to_string()
        };
        Self(format!("cannot listen at {address} for {what}: {advice}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Failure {}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self(what)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}
