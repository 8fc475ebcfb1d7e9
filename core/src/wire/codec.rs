//! Postcard, laid out for little code: it reads and writes single values, what is made of them is walked here.
//!
//! On a box every kind of value has one function, called for each field instead of being repeated in place, and on every target it is
//! asked once, behind the last field, whether the bytes ended early or the room did. Both together halve what messages take in a client.

mod reader;
mod writer;

use serde::{Deserialize, Serialize};

use reader::Reader;
use writer::Writer;

/// Writes `value` to the start of `out` and gives its length in bytes; `None` when there is no room for all of it.
pub(super) fn encode<T: Serialize>(value: &T, out: &mut [u8]) -> Option<usize> {
    let mut writer = Writer::new(out);
    value.serialize(&mut writer).ok()?;
    writer.finish()
}

/// The value that `bytes` begin with; what follows it is left in them. `None` when they begin with none.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &mut &'a [u8]) -> Option<T> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(&mut reader);
    *bytes = reader.finish()?;
    value.ok()
}

/// The bytes are not of the type, or the type is not of those that messages are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mismatch;

impl core::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("not a message")
    }
}

impl core::error::Error for Mismatch {}

impl serde::de::Error for Mismatch {
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        Self
    }
}

impl serde::ser::Error for Mismatch {
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        Self
    }
}
