//! The memory of a viewer, as one static that begins as zeros and so takes no flash.

use livesky_core::client::{Client, ClientConfig, ClientStorage, Peer};
use livesky_core::store::{Assembly, FrameSlot, Page, PageLink, PagePool};

/// Frames being assembled at once (`ClientStorage`).
const ASSEMBLIES: usize = 32;

/// What a client works in: `PEERS` other clients and the edge, `FRAMES` frames held, `PAGES` fragments of 1,128 bytes.
///
/// Frames: twice the target buffer and 2 s at the channel's cadence (1.2 s where memory is short). Pages: [`PagePool::pages_for`]
/// the same time. Beyond those, the oldest frames go first.
#[derive(Debug)]
pub struct ClientResources<const PEERS: usize, const FRAMES: usize, const PAGES: usize> {
    peers: [Peer; PEERS],
    frames: [FrameSlot; FRAMES],
    assemblies: [Assembly; ASSEMBLIES],
    pages: [Page; PAGES],
    links: [PageLink; PAGES],
}

impl<const PEERS: usize, const FRAMES: usize, const PAGES: usize> ClientResources<PEERS, FRAMES, PAGES> {
    /// Bytes beside the frame store.
    pub const STATE_BYTES: usize = size_of::<[Peer; PEERS]>()
        + size_of::<[FrameSlot; FRAMES]>()
        + size_of::<[Assembly; ASSEMBLIES]>()
        + size_of::<Client<'_, PagePool<'_>>>();

    /// Bytes of the frame store.
    pub const STORE_BYTES: usize = PAGES * PagePool::BYTES_PER_PAGE;

    /// Nobody known, nothing held; all zero bits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            peers: [Peer::EMPTY; PEERS],
            frames: [FrameSlot::EMPTY; FRAMES],
            assemblies: [Assembly::EMPTY; ASSEMBLIES],
            pages: [PagePool::EMPTY_PAGE; PAGES],
            links: [PageLink::EMPTY; PAGES],
        }
    }

    /// Lends all of it.
    pub const fn lend(&mut self) -> ClientMemory<'_> {
        ClientMemory {
            peers: &mut self.peers,
            frames: &mut self.frames,
            assemblies: &mut self.assemblies,
            pages: &mut self.pages,
            links: &mut self.links,
        }
    }
}

impl<const PEERS: usize, const FRAMES: usize, const PAGES: usize> Default
    for ClientResources<PEERS, FRAMES, PAGES>
{
    fn default() -> Self {
        Self::new()
    }
}

/// The same with the sizes forgotten.
#[derive(Debug)]
pub struct ClientMemory<'a> {
    peers: &'a mut [Peer],
    frames: &'a mut [FrameSlot],
    assemblies: &'a mut [Assembly],
    pages: &'a mut [Page],
    links: &'a mut [PageLink],
}

impl<'a> ClientMemory<'a> {
    /// A client in it.
    #[must_use]
    pub fn client(self, config: ClientConfig) -> Client<'a, PagePool<'a>> {
        let Self { peers, frames, assemblies, pages, links } = self;
        Client::new(config, ClientStorage { peers, frames, assemblies }, PagePool::new(pages, links))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "some thousand pages")]
    #[test]
    fn a_box_of_two_seconds_at_4_mbit_fits_in_4_mib_beside_its_firmware() {
        // Twice 2 s and 1.2 s at 25 frames a second.
        const FRAMES: usize = 130;
        const PAGES: usize = PagePool::pages_for(4_000_000, 5_200, FRAMES as u64) as usize;
        type Box = ClientResources<19, FRAMES, PAGES>;
        let (state, store) = (Box::STATE_BYTES, Box::STORE_BYTES);
        assert!(state <= 64 << 10, "{state}");
        assert!(state + store <= 7 << 19, "{state} {store}");
        assert_eq!(
            size_of::<Box>().div_ceil(1 << 10),
            (state + store - size_of::<Client<'_, PagePool<'_>>>()).div_ceil(1 << 10)
        );
    }
}
