//! Settings of a channel: told to every client in its welcome.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::{CHANNEL_NAME_LEN_MAX, FRAGMENT_LEN, FRAGMENT_LEN_MIN, LEVELS_MAX, SUBSTREAMS_MAX};

/// A channel's name: 1 to 32 characters of `a-z A-Z 0-9 . _ -`, so that it fits a URL and a file name as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "heapless::String<CHANNEL_NAME_LEN_MAX>")]
pub struct ChannelName(heapless::String<CHANNEL_NAME_LEN_MAX>);

impl TryFrom<heapless::String<CHANNEL_NAME_LEN_MAX>> for ChannelName {
    type Error = InvalidName;

    fn try_from(name: heapless::String<CHANNEL_NAME_LEN_MAX>) -> Result<Self, InvalidName> {
        Self::new(&name).ok_or(InvalidName)
    }
}

/// The text is no channel name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InvalidName;

impl core::fmt::Display for InvalidName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(
            "a channel's name is 1 to 32 characters of a-z A-Z 0-9 . _ - and does not begin with a dot",
        )
    }
}

impl ChannelName {
    /// Checks and keeps a name; `None` when it breaks the rule above.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let is_valid = !name.is_empty() && name.bytes().all(is_allowed) && !name.starts_with('.');
        if !is_valid {
            return None;
        }
        heapless::String::try_from(name).ok().map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which substream a frame belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mapping {
    /// Frame `i` belongs to substream `i mod M` (LiveSky, section 2.3).
    #[default]
    RoundRobin,
    /// Each block of M frames is rotated by a mix of its number, so that key frames spread over all substreams when the
    /// GOP is a multiple of M.
    Scattered,
}

/// How clients get their frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Overlay {
    /// Push trees with mesh repair: LiveSky.
    #[default]
    Push,
    /// The edge feeds everybody: a pure CDN.
    Off,
    /// The edge feeds a few seeds, all others pull from each other: pure P2P, as in the regional subsystem of the second paper.
    Mesh,
}

/// Settings of a channel, the same for all its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ChannelSettings {
    /// Media rate in bit/s.
    pub rate_bps: u32,
    /// Time from one frame to the next in microseconds.
    pub cadence_us: u32,
    /// Number of substreams, M (the paper: 6).
    pub substreams: u8,
    /// Which substream a frame belongs to.
    pub mapping: Mapping,
    /// Payload bytes of every fragment but a frame's last.
    pub fragment_len: u16,
    /// How far behind the live edge a client plays, in milliseconds (the paper: 15 s).
    pub target_buffer_ms: u32,
    /// Media buffered from a key frame before playback starts, in milliseconds.
    pub startup_ms: u16,
    /// Deepest level, K0 (the paper: 2).
    pub levels_max: u8,
    /// Most a client uploads, in percent of the rate (LiveSky, section 3.2: 150 %).
    pub upload_cap_percent: u16,
    /// How clients get their frames.
    pub overlay: Overlay,
}

impl Default for ChannelSettings {
    fn default() -> Self {
        Self {
            rate_bps: 400_000,
            cadence_us: 40_000,
            substreams: 6,
            mapping: Mapping::Scattered,
            fragment_len: FRAGMENT_LEN,
            target_buffer_ms: 15_000,
            startup_ms: 500,
            levels_max: 2,
            upload_cap_percent: 150,
            overlay: Overlay::Push,
        }
    }
}

/// Which setting makes no channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InvalidSettings {
    /// The rate is zero.
    Rate,
    /// The cadence is below 1 ms or above 10 s.
    Cadence,
    /// Not 1 to 16 substreams.
    Substreams,
    /// Not 188 to 1,128 payload bytes.
    FragmentLen,
    /// The target buffer is below 500 ms or above 120 s, or below the startup threshold.
    TargetBuffer,
    /// Not 1 to 15 levels.
    Levels,
}

/// No target buffer is shorter, in milliseconds.
const BUFFER_MS_MIN: u32 = 500;

impl ChannelSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of bounds.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        if self.rate_bps == 0 {
            return Err(InvalidSettings::Rate);
        }
        if !(1_000..=10_000_000).contains(&self.cadence_us) {
            return Err(InvalidSettings::Cadence);
        }
        if self.substreams == 0 || usize::from(self.substreams) > SUBSTREAMS_MAX {
            return Err(InvalidSettings::Substreams);
        }
        if !(FRAGMENT_LEN_MIN..=FRAGMENT_LEN).contains(&self.fragment_len) {
            return Err(InvalidSettings::FragmentLen);
        }
        if !(BUFFER_MS_MIN..=120_000).contains(&self.target_buffer_ms)
            || self.target_buffer_ms < u32::from(self.startup_ms)
        {
            return Err(InvalidSettings::TargetBuffer);
        }
        if !(1..=LEVELS_MAX).contains(&self.levels_max) {
            return Err(InvalidSettings::Levels);
        }
        Ok(())
    }

    /// The beat: time from one frame of a substream to the next, on average.
    #[must_use]
    pub fn beat(&self) -> Duration {
        Duration::from_micros(u64::from(self.cadence_us) * u64::from(self.substreams))
    }

    /// Frames in `span` at the channel's cadence, rounded up.
    #[must_use]
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn frames_in(&self, span: Duration) -> u32 {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        u32::try_from(micros.div_ceil(u64::from(self.cadence_us.max(1)))).unwrap_or(u32::MAX)
    }

    /// The same for a viewer that plays at most `buffer_ms` behind live, wherever the others are; 0: where they are.
    #[must_use]
    pub fn with_buffer_max(self, buffer_ms: u32) -> Self {
        let least_ms = BUFFER_MS_MIN.max(u32::from(self.startup_ms));
        let bound_ms = if buffer_ms == 0 { u32::MAX } else { buffer_ms.max(least_ms) };
        Self { target_buffer_ms: self.target_buffer_ms.min(bound_ms), ..self }
    }

    /// The target buffer as a span.
    #[must_use]
    pub fn target_buffer(&self) -> Duration {
        Duration::from_millis(u64::from(self.target_buffer_ms))
    }

    /// All substreams as a bit mask.
    #[must_use]
    pub fn all_substreams(&self) -> u16 {
        u16::MAX >> (16 - u32::from(self.substreams.clamp(1, 16)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_bounds_are_named() {
        let good = ChannelSettings::default();
        assert_eq!(good.validate(), Ok(()));
        let most = u8::try_from(SUBSTREAMS_MAX).unwrap();
        for (substreams, target_buffer_ms, startup_ms, verdict) in [
            (most, 500, 500, Ok(())),
            (most + 1, 4_000, 500, Err(InvalidSettings::Substreams)),
            (u8::MAX, 4_000, 500, Err(InvalidSettings::Substreams)),
            (0, 4_000, 500, Err(InvalidSettings::Substreams)),
            (6, 499, 100, Err(InvalidSettings::TargetBuffer)),
            (6, 120_001, 500, Err(InvalidSettings::TargetBuffer)),
            (6, 2_000, 2_001, Err(InvalidSettings::TargetBuffer)),
        ] {
            let settings = ChannelSettings { substreams, target_buffer_ms, startup_ms, ..good };
            assert_eq!(settings.validate(), verdict, "{substreams} {target_buffer_ms} {startup_ms}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_told_the_rule() {
        assert!(std::format!("{InvalidName}").contains("1 to 32 characters"));
    }

    #[test]
    fn a_beat_is_a_frame_of_every_substream() {
        let settings = ChannelSettings { cadence_us: 40_000, substreams: 6, ..ChannelSettings::default() };
        assert_eq!(settings.beat(), Duration::from_millis(240));
    }
}
