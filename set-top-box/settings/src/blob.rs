//! How [`Settings`] lie in flash.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic, `LSTB` |
//! | 4 | 2 | version of the format, little-endian |
//! | 6 | 2 | length of the body, little-endian |
//! | 8 | 4 | CRC-32 (IEEE 802.3) of bytes 4 to 7 and the body, little-endian |
//! | 12 | ... | the body: [`Settings`] in postcard |
//!
//! What follows the body is not looked at, so that a blob may stand at the start of a larger region.

use core::fmt;

use crate::settings::{InvalidSettings, Settings};

/// The first bytes of a blob.
pub const MAGIC: [u8; 4] = *b"LSTB";
/// The version that this code reads and writes.
pub const VERSION: u16 = 1;
/// Bytes before the body.
pub const HEADER_LEN: usize = 12;
/// Bytes of the longest blob: a name of 253, a ticket of 256, a channel of 32, and room for what is short.
pub const BLOB_LEN_MAX: usize = HEADER_LEN + 756;

/// Why bytes are no settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Nothing was ever written there: all ones as flash is erased, or all zeros.
    Erased,
    /// Something else was written there.
    NotABlob,
    /// A format that this code does not read.
    Version(u16),
    /// The bytes end before the blob does.
    Truncated,
    /// The checksum is another.
    Corrupt,
    /// The checksum is right, but the body is not what was agreed on.
    Malformed,
    /// Readable, but nothing a box could live with.
    Invalid(InvalidSettings),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Erased => f.write_str("nothing is written there"),
            Self::NotABlob => f.write_str("no config blob: the magic is missing"),
            Self::Version(version) => write!(f, "format {version}, and only {VERSION} is known"),
            Self::Truncated => f.write_str("cut short"),
            Self::Corrupt => f.write_str("damaged: the checksum is wrong"),
            Self::Malformed => f.write_str("damaged: the body cannot be read"),
            Self::Invalid(invalid) => invalid.fmt(f),
        }
    }
}

impl core::error::Error for ParseError {}

/// Why settings were not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// A box could not live with them.
    Invalid(InvalidSettings),
    /// The buffer is shorter than the blob; [`BLOB_LEN_MAX`] bytes always suffice.
    BufferFull,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::BufferFull => f.write_str("the buffer is too short"),
        }
    }
}

impl core::error::Error for WriteError {}

impl Settings {
    /// Reads the blob that `bytes` begin with. Any input is fine.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let (magic, rest) = bytes.split_first_chunk::<4>().ok_or(ParseError::Truncated)?;
        match *magic {
            MAGIC => {}
            [0xff, 0xff, 0xff, 0xff] | [0, 0, 0, 0] => return Err(ParseError::Erased),
            _ => return Err(ParseError::NotABlob),
        }
        let (head, rest) = rest.split_first_chunk::<4>().ok_or(ParseError::Truncated)?;
        let [version_low, version_high, len_low, len_high] = *head;
        let version = u16::from_le_bytes([version_low, version_high]);
        if version != VERSION {
            return Err(ParseError::Version(version));
        }
        let len = usize::from(u16::from_le_bytes([len_low, len_high]));
        let (sum, rest) = rest.split_first_chunk::<4>().ok_or(ParseError::Truncated)?;
        let body = rest.get(..len).ok_or(ParseError::Truncated)?;
        if u32::from_le_bytes(*sum) != checksum(head, body) {
            return Err(ParseError::Corrupt);
        }
        let settings: Self = postcard::from_bytes(body).map_err(|_| ParseError::Malformed)?;
        settings.check().map_err(ParseError::Invalid)?;
        Ok(settings)
    }

    /// Writes the blob to the start of `out`; the part that was written.
    ///
    /// # Errors
    /// Nothing of use is in `out` then.
    pub fn write<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], WriteError> {
        self.check().map_err(WriteError::Invalid)?;
        let (header, body) = out.split_first_chunk_mut::<HEADER_LEN>().ok_or(WriteError::BufferFull)?;
        let body = postcard::to_slice(self, body).map_err(|_| WriteError::BufferFull)?;
        let len = u16::try_from(body.len()).map_err(|_| WriteError::BufferFull)?;
        let [version_low, version_high] = VERSION.to_le_bytes();
        let [len_low, len_high] = len.to_le_bytes();
        let head = [version_low, version_high, len_low, len_high];
        let sum = checksum(&head, body);
        for (to, from) in header.iter_mut().zip(MAGIC.into_iter().chain(head).chain(sum.to_le_bytes())) {
            *to = from;
        }
        out.get(..HEADER_LEN + usize::from(len)).ok_or(WriteError::BufferFull)
    }
}

/// CRC-32 as IEEE 802.3 and zlib have it, bit by bit: a table would cost a kilobyte for one use at start-up.
fn checksum(head: &[u8], body: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in head.iter().chain(body) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    !crc
}

#[cfg(test)]
#[path = "blob_tests.rs"]
mod tests;
