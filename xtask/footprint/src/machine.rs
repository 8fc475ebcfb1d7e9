//! The client, driven by its verbs, with their memory in statics as a firmware would lay it out.

use core::hint::black_box;

use livesky_core::client::{Client, ClientConfig, ClientStorage, Peer};
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::media::ChannelName;
use livesky_core::store::{Assembly, FrameSlot, Page, PageLink, PagePool};
use livesky_core::{Endpoint, Instant, Path};
use static_cell::ConstStaticCell;

/// The edge and as many peers as a client makes use of.
const PEERS: usize = 24;
/// Twice the target buffer of 15 s at 25 frames a second, and a pull window.
const FRAMES: usize = 1_024;
/// Frames being assembled at once.
const ASSEMBLIES: usize = 32;
/// Pages of 1,128 bytes: 30 s of 400 kbit/s in frames of about two and a half pages.
const PAGES: usize = 2_048;

static PEER_SLOTS: ConstStaticCell<[Peer; PEERS]> = ConstStaticCell::new([Peer::EMPTY; PEERS]);
static FRAME_SLOTS: ConstStaticCell<[FrameSlot; FRAMES]> = ConstStaticCell::new([FrameSlot::EMPTY; FRAMES]);
static ASSEMBLY_SLOTS: ConstStaticCell<[Assembly; ASSEMBLIES]> =
    ConstStaticCell::new([Assembly::EMPTY; ASSEMBLIES]);
static STORE_PAGES: ConstStaticCell<[Page; PAGES]> = ConstStaticCell::new([PagePool::EMPTY_PAGE; PAGES]);
static STORE_LINKS: ConstStaticCell<[PageLink; PAGES]> = ConstStaticCell::new([PageLink::EMPTY; PAGES]);

/// A viewer on a set-top box. `None` when its memory is in use.
pub fn weigh() -> Option<()> {
    let storage = ClientStorage {
        peers: PEER_SLOTS.try_take()?,
        frames: FRAME_SLOTS.try_take()?,
        assemblies: ASSEMBLY_SLOTS.try_take()?,
    };
    let store = PagePool::new(STORE_PAGES.try_take()?, STORE_LINKS.try_take()?);
    let mut client = Client::new(black_box(ClientConfig::default()), storage, store);
    if let Some(name) = black_box(ChannelName::new("live1")) {
        client.tune(black_box(Instant::ZERO), &name);
    }
    drive(&mut client);
    client.leave(black_box(Instant::ZERO));
    Some(())
}

pub(crate) fn drive<M: Endpoint>(machine: &mut M) {
    let now = black_box(Instant::ZERO);
    let datagram = black_box([0_u8; DATAGRAM_LEN_MAX]);
    let mut head = [0_u8; DATAGRAM_LEN_MAX];
    let path = black_box(Path::to(([0, 0, 0, 0], 0).into()));
    black_box(machine.handle_datagram(now, path, &datagram).is_ok());
    machine.handle_timeout(now);
    while machine.poll_transmit(now, &mut head).is_some() {
        black_box(&head);
    }
    while let Some(event) = machine.poll_event() {
        black_box(event);
    }
    black_box(machine.poll_timeout());
}
