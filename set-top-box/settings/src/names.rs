//! Texts that are checked once, where they are made.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Bytes of a channel's name; core's limit.
pub const CHANNEL_NAME_LEN_MAX: usize = 32;
/// Bytes of a DNS name as text (RFC 1035, 2.3.4: 255 octets on the wire, two of them lengths).
pub const HOST_NAME_LEN_MAX: usize = 253;
/// Bytes of one label of a DNS name (RFC 1035, 2.3.4).
const LABEL_LEN_MAX: usize = 63;

/// The text is no name of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidName;

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a valid name")
    }
}

impl core::error::Error for InvalidName {}

/// A channel's name by core's rule: 1 to 32 characters of `a-z A-Z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "heapless::String<CHANNEL_NAME_LEN_MAX>")]
pub struct ChannelName(heapless::String<CHANNEL_NAME_LEN_MAX>);

impl ChannelName {
    /// Checks the text.
    ///
    /// # Errors
    /// The text is empty, too long, or has other characters.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if text.is_empty() || !text.bytes().all(is_allowed) {
            return Err(InvalidName);
        }
        heapless::String::try_from(text).map(Self).map_err(|_| InvalidName)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<heapless::String<CHANNEL_NAME_LEN_MAX>> for ChannelName {
    type Error = InvalidName;

    fn try_from(text: heapless::String<CHANNEL_NAME_LEN_MAX>) -> Result<Self, InvalidName> {
        Self::new(&text)
    }
}

/// A DNS name: labels of letters, digits and hyphens, joined by dots, the last of them no number; no final dot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "heapless::String<HOST_NAME_LEN_MAX>")]
pub struct HostName(heapless::String<HOST_NAME_LEN_MAX>);

impl HostName {
    /// Checks the text.
    ///
    /// # Errors
    /// The text is no host name (RFC 1123, 2.1), or it is an address.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        // A last label of digits alone ends an IPv4 address, or one that was mistyped (RFC 1123, 2.1).
        let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        if !text.split('.').all(is_label) || text.rsplit('.').next().is_some_and(is_number) {
            return Err(InvalidName);
        }
        heapless::String::try_from(text).map(Self).map_err(|_| InvalidName)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<heapless::String<HOST_NAME_LEN_MAX>> for HostName {
    type Error = InvalidName;

    fn try_from(text: heapless::String<HOST_NAME_LEN_MAX>) -> Result<Self, InvalidName> {
        Self::new(&text)
    }
}

fn is_label(label: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LABEL_LEN_MAX).contains(&label.len())
        && label.bytes().all(is_allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}
