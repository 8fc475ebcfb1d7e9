//! What a client is told at birth.

use core::net::SocketAddr;

use livesky_core::client::ClientConfig;
use livesky_core::client::peer::PEERS_MAX;
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::media::Dts;
use livesky_core::store::PagePool;

use crate::address::LiveskyAddress;
use crate::layout::Capacities;
use crate::pointer::Plain;
use crate::result::LiveskyResult;

/// Which header this is: it goes up with every change that programs must be compiled anew for.
pub const LIVESKY_ABI_VERSION: u32 = 1;
/// The longest datagram in bytes.
pub const LIVESKY_DATAGRAM_LEN_MAX: usize = 1_200;
/// The most the edge and the peers can be together.
pub const LIVESKY_PEERS_MAX: u32 = 64;

const _: () =
    assert!(LIVESKY_DATAGRAM_LEN_MAX == DATAGRAM_LEN_MAX && LIVESKY_PEERS_MAX as usize == PEERS_MAX);

/// Room for repair beyond the buffer, in milliseconds (docs/capacity.md, "A set-top box").
const REPAIR_MS: u64 = 1_200;

/// What a client is told at birth: fill it with livesky_config_init, then change what is to differ.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveskyConfig {
    /// LIVESKY_ABI_VERSION; filled in by livesky_config_init.
    pub abi_version: u32,
    /// The edge and the peers, 1 to LIVESKY_PEERS_MAX: 24 are plenty, 1 means no peers.
    pub peers_max: u32,
    /// Frames held: of twice the buffer and 1.2 s for repair. livesky_config_fit counts them.
    pub frames_max: u32,
    /// What may be uploaded to other clients in bit/s. The channel's own cap bounds it further.
    pub upload_bps: u32,
    /// Bytes of memory for frames, taken in pages of 1,144. livesky_config_fit counts them.
    pub store_bytes_max: u64,
    /// Decides every random choice: fill it from the system's entropy, for instance /dev/urandom. Not 0.
    pub seed: u64,
    /// The edge.
    pub edge: LiveskyAddress,
    /// The edge's address of the other family, when it has one and the socket can send there.
    pub edge_also: LiveskyAddress,
    /// The socket's address on its own network, when known: tells a NAT from none, and lets neighbours behind it meet.
    pub local: LiveskyAddress,
    /// 1: nothing at all is uploaded. A metered link, or no consent.
    pub receive_only: u8,
    /// 1: goes to the other edges an edge names when it is full or goes down.
    pub follows_redirects: u8,
    /// 0.
    pub reserved: [u8; 2],
}

// SAFETY: integers only. Its padding, if a platform has any, is never looked at.
unsafe impl Plain for LiveskyConfig {}

impl LiveskyConfig {
    /// Room for 4 Mbit/s with a buffer of 2 s, no edge, no upload.
    pub(crate) const fn new() -> Self {
        const NONE: LiveskyAddress = LiveskyAddress { family: 0, reserved: 0, port: 0, bytes: [0; 16] };
        Self {
            abi_version: LIVESKY_ABI_VERSION,
            peers_max: 24,
            frames_max: 130,
            upload_bps: 0,
            store_bytes_max: 2_435 * PagePool::BYTES_PER_PAGE as u64,
            seed: 0,
            edge: NONE,
            edge_also: NONE,
            local: NONE,
            receive_only: 0,
            follows_redirects: 1,
            reserved: [0; 2],
        }
    }

    /// Makes room for a channel; frames are 90 kHz ticks apart.
    pub(crate) fn fit(
        &mut self,
        rate_bps: u32,
        buffer_ms: u32,
        frame_ticks: u32,
    ) -> Result<(), LiveskyResult> {
        if rate_bps == 0 || buffer_ms == 0 || frame_ticks == 0 {
            return Err(LiveskyResult::InvalidFigure);
        }
        let span_ms = 2 * u64::from(buffer_ms) + REPAIR_MS;
        let frames = (span_ms * (Dts::TICKS_PER_SECOND / 1_000)).div_ceil(u64::from(frame_ticks));
        let frames_max = u32::try_from(frames).map_err(|_| LiveskyResult::InvalidFramesMax)?;
        let pages = PagePool::pages_for(u64::from(rate_bps), span_ms, frames);
        let store_bytes_max = pages.checked_mul(PagePool::BYTES_PER_PAGE as u64);
        self.store_bytes_max = store_bytes_max.ok_or(LiveskyResult::InvalidStoreBytesMax)?;
        self.frames_max = frames_max;
        Ok(())
    }

    /// What the memory is to hold.
    pub(crate) fn capacities(&self) -> Result<Capacities, LiveskyResult> {
        if self.abi_version != LIVESKY_ABI_VERSION {
            return Err(LiveskyResult::AbiMismatch);
        }
        let peers = usize::try_from(self.peers_max).ok().filter(|peers| (1..=PEERS_MAX).contains(peers));
        let frames = usize::try_from(self.frames_max).ok().filter(|&frames| frames > 0);
        let bytes = usize::try_from(self.store_bytes_max).ok();
        let pages = bytes.map(|bytes| bytes / PagePool::BYTES_PER_PAGE).filter(|&pages| pages > 0);
        Ok(Capacities {
            peers: peers.ok_or(LiveskyResult::InvalidPeersMax)?,
            frames: frames.ok_or(LiveskyResult::InvalidFramesMax)?,
            pages: pages.ok_or(LiveskyResult::InvalidStoreBytesMax)?,
        })
    }

    /// What core is told.
    pub(crate) fn of_core(&self) -> Result<ClientConfig, LiveskyResult> {
        if self.seed == 0 {
            return Err(LiveskyResult::InvalidSeed);
        }
        let edge: SocketAddr = self.edge.require()?;
        Ok(ClientConfig {
            seed: self.seed,
            edge,
            socket: 0,
            upload_bps: self.upload_bps,
            receive_only: flag(self.receive_only)?,
            local: self.local.parse()?,
            edge_also: self.edge_also.parse()?,
            follows_redirects: flag(self.follows_redirects)?,
            ..ClientConfig::default()
        })
    }
}

const fn flag(byte: u8) -> Result<bool, LiveskyResult> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        2.. => Err(LiveskyResult::InvalidFlag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::LIVESKY_FAMILY_IPV4;

    fn good() -> LiveskyConfig {
        let edge = LiveskyAddress { family: LIVESKY_FAMILY_IPV4, port: 7_000, ..LiveskyAddress::default() };
        LiveskyConfig { seed: 1, edge, ..LiveskyConfig::new() }
    }

    #[test]
    fn room_for_a_channel_is_what_the_capacity_page_says() {
        let mut config = LiveskyConfig::new();
        assert_eq!(config.fit(4_000_000, 2_000, 3_600), Ok(()));
        assert_eq!((config.frames_max, config.store_bytes_max), (130, 2_435 * 1_144));
        assert_eq!(config, LiveskyConfig::new(), "the defaults are that box");
        assert_eq!(config.fit(400_000, 15_000, 3_600), Ok(()));
        assert_eq!((config.frames_max, config.store_bytes_max), (780, 2_163 * 1_144));
        for (rate_bps, buffer_ms, frame_ticks) in [(0, 1, 1), (1, 0, 1), (1, 1, 0)] {
            assert_eq!(config.fit(rate_bps, buffer_ms, frame_ticks), Err(LiveskyResult::InvalidFigure));
        }
        let before = config;
        assert_eq!(config.fit(u32::MAX, u32::MAX, 1), Err(LiveskyResult::InvalidFramesMax));
        assert_eq!(config, before, "an error changes nothing");
    }

    #[test]
    fn capacities_out_of_bounds_are_named() {
        let good = good();
        assert!(good.capacities().is_ok());
        for (config, error) in [
            (LiveskyConfig { abi_version: 0, ..good }, LiveskyResult::AbiMismatch),
            (LiveskyConfig { peers_max: 0, ..good }, LiveskyResult::InvalidPeersMax),
            (LiveskyConfig { peers_max: 65, ..good }, LiveskyResult::InvalidPeersMax),
            (LiveskyConfig { frames_max: 0, ..good }, LiveskyResult::InvalidFramesMax),
            (LiveskyConfig { store_bytes_max: 1_143, ..good }, LiveskyResult::InvalidStoreBytesMax),
        ] {
            assert_eq!(config.capacities(), Err(error), "{config:?}");
        }
        let least = LiveskyConfig { peers_max: 1, frames_max: 1, store_bytes_max: 1_144, ..good };
        assert_eq!(least.capacities(), Ok(Capacities { peers: 1, frames: 1, pages: 1 }));
    }

    #[test]
    fn what_core_is_told() {
        let good = good();
        let config = LiveskyConfig { receive_only: 1, local: good.edge, ..good }.of_core().unwrap();
        assert!(config.receive_only && config.follows_redirects);
        assert_eq!((config.local, config.edge_also), (Some(config.edge), None));
        let bad = LiveskyAddress { family: 9, ..good.edge };
        for (config, error) in [
            (LiveskyConfig { seed: 0, ..good }, LiveskyResult::InvalidSeed),
            (LiveskyConfig { edge: LiveskyAddress::default(), ..good }, LiveskyResult::InvalidAddress),
            (LiveskyConfig { edge_also: bad, ..good }, LiveskyResult::InvalidAddress),
            (LiveskyConfig { local: bad, ..good }, LiveskyResult::InvalidAddress),
            (LiveskyConfig { receive_only: 2, ..good }, LiveskyResult::InvalidFlag),
            (LiveskyConfig { follows_redirects: 255, ..good }, LiveskyResult::InvalidFlag),
        ] {
            assert_eq!(config.of_core(), Err(error), "{config:?}");
        }
    }
}
