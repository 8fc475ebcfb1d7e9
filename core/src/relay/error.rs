//! Why a connection ends, and whose fault it is.

use crate::wire::FramingError;

/// Why a connection is of no more use. Each says whose fault it is ([`Self::blame`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StreamError {
    /// The bytes cannot be read.
    Framing(FramingError),
    /// A message at the wrong moment, or from the wrong side.
    Unexpected,
    /// What it wants to publish breaks a rule: the name, the settings, the init bytes.
    Invalid,
    /// A frame that is not the next one.
    Numbering,
    /// A frame of more fragments than a frame may have.
    FrameTooLong,
    /// Nothing was heard for 15 s.
    Silent,
    /// The connection could not be made, or broke.
    Broken,
}

/// Whose fault it is that a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Blame {
    /// The peer misbehaved.
    Peer,
    /// Both are right, but of different versions.
    Incompatible,
    /// The way between, or a peer that died.
    Path,
}

impl StreamError {
    /// Whose fault it is.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::Framing(FramingError::Version) => Blame::Incompatible,
            Self::Framing(FramingError::Malformed | FramingError::TooLong)
            | Self::Unexpected
            | Self::Invalid
            | Self::Numbering
            | Self::FrameTooLong => Blame::Peer,
            Self::Silent | Self::Broken => Blame::Path,
        }
    }
}

impl From<FramingError> for StreamError {
    fn from(error: FramingError) -> Self {
        Self::Framing(error)
    }
}
