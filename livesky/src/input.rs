//! Where a publisher's bytes come from.

use core::convert::Infallible;
use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;

/// A publisher's input, as written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file, paced by its own clock.
    File(PathBuf),
    /// Standard input, taken as it comes.
    Stdin,
    /// Listens for one TCP connection after the other.
    Tcp(String),
    /// Listens for datagrams.
    Udp(String),
}

impl FromStr for Input {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match (text, text.strip_prefix("tcp://"), text.strip_prefix("udp://")) {
            ("-", _, _) => Self::Stdin,
            (_, Some(address), _) => Self::Tcp(address.into()),
            (_, _, Some(address)) => Self::Udp(address.into()),
            (path, None, None) => Self::File(path.into()),
        })
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("standard input"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Udp(address) => write!(f, "udp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_told_apart_by_their_form() {
        for (text, input) in [
            ("-", Input::Stdin),
            ("tcp://0.0.0.0:5000", Input::Tcp("0.0.0.0:5000".into())),
            ("udp://:5000", Input::Udp(":5000".into())),
            ("./-", Input::File("./-".into())),
            ("clip.ts", Input::File("clip.ts".into())),
        ] {
            assert_eq!(text.parse(), Ok(input));
        }
    }
}
