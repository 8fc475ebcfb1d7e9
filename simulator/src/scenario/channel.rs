//! The channel and the sizes of its frames.

use livesky_core::Instant;
use livesky_core::media::{ChannelSettings, FrameId, Mapping, Overlay};
use serde::{Deserialize, Serialize};

/// The channel, as [`ChannelSettings`], and what its frames are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChannelSpec {
    /// Media rate in bit/s.
    pub rate_bps: u32,
    /// Time between frames in microseconds.
    pub cadence_us: u32,
    /// By how many millionths the publisher's clock is fast: its frames come that much more often than their time stamps say.
    pub publisher_ppm: i32,
    /// Frames from one key frame to the next.
    pub gop_frames: u32,
    /// How frames differ in size.
    pub frame_sizes: FrameSizes,
    /// Key frames are this many times as large as others; for `frame-sizes = "gop"`.
    pub key_ratio: f64,
    /// Sizes of other frames vary by up to this share, up and down; for `frame-sizes = "gop"`.
    pub variation: f64,
    /// Number of substreams, M.
    pub substreams: u8,
    /// Which substream a frame belongs to.
    pub mapping: MappingName,
    /// Payload bytes of a fragment.
    pub fragment_len: u16,
    /// Target buffer in milliseconds.
    pub target_buffer_ms: u32,
    /// Media buffered before playback starts, in milliseconds.
    pub startup_ms: u16,
    /// Deepest level, K0.
    pub levels_max: u8,
    /// Most a client uploads, in percent of the rate.
    pub upload_cap_percent: u16,
    /// How clients get their frames.
    pub overlay: OverlayName,
}

/// How frames differ in size. On average they fit the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameSizes {
    /// Key frames are large, others vary.
    Gop,
    /// All are equal.
    Constant,
}

/// Name of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MappingName {
    /// [`Mapping::RoundRobin`].
    RoundRobin,
    /// [`Mapping::Scattered`].
    Scattered,
}

/// Name of an overlay mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverlayName {
    /// [`Overlay::Push`].
    Push,
    /// [`Overlay::Off`].
    Off,
    /// [`Overlay::Mesh`].
    Mesh,
}

impl Default for ChannelSpec {
    fn default() -> Self {
        Self {
            rate_bps: 400_000,
            cadence_us: 40_000,
            publisher_ppm: 0,
            gop_frames: 25,
            frame_sizes: FrameSizes::Gop,
            key_ratio: 6.0,
            variation: 0.3,
            substreams: 6,
            mapping: MappingName::Scattered,
            fragment_len: livesky_core::limits::FRAGMENT_LEN,
            target_buffer_ms: 15_000,
            startup_ms: 500,
            levels_max: 2,
            upload_cap_percent: 150,
            overlay: OverlayName::Push,
        }
    }
}

impl ChannelSpec {
    /// When a frame is published, by a clock that is right.
    pub(crate) fn published_at(&self, frame: FrameId) -> Instant {
        let stamp_us = i64::from(frame.0) * i64::from(self.cadence_us);
        let fast_us = stamp_us / 1_000 * i64::from(self.publisher_ppm) / 1_000;
        Instant::from_micros((stamp_us - fast_us).unsigned_abs())
    }

    /// The settings an edge opens the channel with.
    #[must_use]
    pub const fn settings(&self) -> ChannelSettings {
        ChannelSettings {
            rate_bps: self.rate_bps,
            cadence_us: self.cadence_us,
            substreams: self.substreams,
            mapping: match self.mapping {
                MappingName::RoundRobin => Mapping::RoundRobin,
                MappingName::Scattered => Mapping::Scattered,
            },
            fragment_len: self.fragment_len,
            target_buffer_ms: self.target_buffer_ms,
            startup_ms: self.startup_ms,
            levels_max: self.levels_max,
            upload_cap_percent: self.upload_cap_percent,
            overlay: match self.overlay {
                OverlayName::Push => Overlay::Push,
                OverlayName::Off => Overlay::Off,
                OverlayName::Mesh => Overlay::Mesh,
            },
        }
    }
}
