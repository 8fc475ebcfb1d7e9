//! Frames and their ids.

use serde::{Deserialize, Serialize};

use crate::limits::FRAGMENTS_MAX;

/// Number of a frame within its channel's epoch, from 0 in steps of 1. At 60 frames a second it lasts two years;
/// arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameId(pub u32);

impl FrameId {
    /// The id `count` frames later.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// The id `count` frames earlier, not below 0.
    #[must_use]
    pub const fn minus(self, count: u32) -> Self {
        Self(self.0.saturating_sub(count))
    }

    /// The next id.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// Frames from `earlier` to here; 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Decode time stamp of a frame: 33 bits of a 90 kHz clock (ISO/IEC 13818-1 clause 2.4.3.7), wrapping every 26.5 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(from = "u64")]
pub struct Dts(u64);

impl From<u64> for Dts {
    fn from(ticks: u64) -> Self {
        Self::from_ticks(ticks)
    }
}

impl Dts {
    /// Ticks a second.
    pub const TICKS_PER_SECOND: u64 = 90_000;
    /// Ticks after which the stamp wraps.
    pub const WRAP_TICKS: u64 = 1 << 33;

    /// The stamp of `ticks`; bits above the 33rd are dropped.
    #[must_use]
    pub const fn from_ticks(ticks: u64) -> Self {
        Self(ticks % Self::WRAP_TICKS)
    }

    /// Ticks, below 2^33.
    #[must_use]
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// Ticks from `earlier` to here on the shorter way round the wrap: negative when `earlier` is ahead.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "both sides are below 2^33")]
    pub const fn ticks_since(self, earlier: Self) -> i64 {
        let forward = self.0.wrapping_sub(earlier.0) % Self::WRAP_TICKS;
        if forward < Self::WRAP_TICKS / 2 { forward as i64 } else { forward as i64 - Self::WRAP_TICKS as i64 }
    }

    /// Microseconds from `earlier` to here; negative when `earlier` is ahead.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.ticks_since(earlier) * 100 / 9
    }
}

/// What is known of a frame apart from its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameInfo {
    /// Number in the channel.
    pub id: FrameId,
    /// Decode time.
    pub dts: Dts,
    /// Presentation time minus decode time in 90 kHz ticks, below 2^24.
    pub pts_offset_ticks: u32,
    /// Bytes of the frame.
    pub len: u32,
    /// Whether decoding can start here.
    pub key: bool,
}

/// How many fragments of `fragment_len` bytes a frame of `len` bytes has; `None` for an empty frame, a zero fragment
/// length, or more than [`FRAGMENTS_MAX`].
#[must_use]
pub fn fragment_count(len: u32, fragment_len: u16) -> Option<u16> {
    if len == 0 || fragment_len == 0 {
        return None;
    }
    let count = u16::try_from(len.div_ceil(u32::from(fragment_len))).ok()?;
    (count <= FRAGMENTS_MAX).then_some(count)
}

/// Bytes of fragment `index` of a frame of `len` bytes: all are `fragment_len` long but the last; 0 past the end.
#[must_use]
pub fn fragment_len_at(len: u32, fragment_len: u16, index: u16) -> u16 {
    let start = u32::from(index) * u32::from(fragment_len);
    u16::try_from(len.saturating_sub(start).min(u32::from(fragment_len))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_cover_the_frame() {
        assert_eq!(fragment_count(0, 1_128), None);
        assert_eq!(fragment_count(1, 0), None);
        assert_eq!(fragment_count(1_128, 1_128), Some(1));
        assert_eq!(fragment_count(1_129, 1_128), Some(2));
        assert_eq!(fragment_count(1_024 * 1_128 + 1, 1_128), None);
        assert_eq!(fragment_len_at(1_129, 1_128, 0), 1_128);
        assert_eq!(fragment_len_at(1_129, 1_128, 1), 1);
        assert_eq!(fragment_len_at(1_129, 1_128, 2), 0);
    }

    #[test]
    fn decode_times_wrap_at_33_bits() {
        let late = Dts::from_ticks(Dts::WRAP_TICKS - 900);
        let early = Dts::from_ticks(900);
        assert_eq!(early.ticks_since(late), 1_800);
        assert_eq!(late.ticks_since(early), -1_800);
        assert_eq!(early.micros_since(late), 20_000);
        let half = Dts::from_ticks(Dts::WRAP_TICKS / 2);
        assert_eq!(half.ticks_since(Dts::from_ticks(0)), -(1 << 32), "either way is as long: behind");
        assert_eq!(half.ticks_since(Dts::from_ticks(1)), (1 << 32) - 1);
    }
}
