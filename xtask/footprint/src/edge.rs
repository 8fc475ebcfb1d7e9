//! An edge for 64 clients, as a small box at the head of a building might run it.

use core::hint::black_box;

use livesky_core::Instant;
use livesky_core::edge::{ChannelSlot, ClientRecord, ClientSlot, Edge, EdgeConfig, EdgeStorage, Reservation};
use livesky_core::link::Link;
use livesky_core::media::{ChannelName, ChannelSettings, FrameInfo};
use livesky_core::store::{AddressIndex, AddressSlot, FrameSlot, Page, PageLink, PagePool, WheelSlot};
use static_cell::ConstStaticCell;

use crate::machine::drive;

const CLIENTS: usize = 64;
const ADDRESSES: usize = AddressIndex::slots_for(CLIENTS);
const FRAMES: usize = 1_024;
const PAGES: usize = 2_048;

static CLIENT_SLOTS: ConstStaticCell<[ClientSlot; CLIENTS]> =
    ConstStaticCell::new([const { ClientSlot::EMPTY }; CLIENTS]);
static RECORDS: ConstStaticCell<[ClientRecord; CLIENTS]> =
    ConstStaticCell::new([const { ClientRecord::EMPTY }; CLIENTS]);
static LINKS: ConstStaticCell<[Link; CLIENTS]> = ConstStaticCell::new([const { Link::EMPTY }; CLIENTS]);
static ADDRESS_SLOTS: ConstStaticCell<[AddressSlot; ADDRESSES]> =
    ConstStaticCell::new([const { AddressSlot::EMPTY }; ADDRESSES]);
static TIMERS: ConstStaticCell<[WheelSlot; CLIENTS + 1]> =
    ConstStaticCell::new([const { WheelSlot::EMPTY }; CLIENTS + 1]);
static CHANNELS: ConstStaticCell<[ChannelSlot; 1]> = ConstStaticCell::new([const { ChannelSlot::EMPTY }; 1]);
static FRAME_SLOTS: ConstStaticCell<[FrameSlot; FRAMES]> = ConstStaticCell::new([FrameSlot::EMPTY; FRAMES]);
static SUPPLIERS: ConstStaticCell<[u32; CLIENTS]> = ConstStaticCell::new([0; CLIENTS]);
static RESERVATIONS: ConstStaticCell<[Reservation; CLIENTS]> =
    ConstStaticCell::new([const { Reservation::EMPTY }; CLIENTS]);
static STORE_PAGES: ConstStaticCell<[Page; PAGES]> = ConstStaticCell::new([PagePool::EMPTY_PAGE; PAGES]);
static STORE_LINKS: ConstStaticCell<[PageLink; PAGES]> = ConstStaticCell::new([PageLink::EMPTY; PAGES]);

/// All an edge does. `None` when its memory is in use.
pub fn weigh() -> Option<()> {
    let storage = EdgeStorage {
        clients: CLIENT_SLOTS.try_take()?,
        records: RECORDS.try_take()?,
        links: LINKS.try_take()?,
        addresses: ADDRESS_SLOTS.try_take()?,
        timers: TIMERS.try_take()?,
        channels: CHANNELS.try_take()?,
        frames: FRAME_SLOTS.try_take()?,
        suppliers: SUPPLIERS.try_take()?,
        reservations: RESERVATIONS.try_take()?,
    };
    let store = PagePool::new(STORE_PAGES.try_take()?, STORE_LINKS.try_take()?);
    let mut edge = Edge::new(black_box(EdgeConfig::default()), storage, store);
    let now = black_box(Instant::ZERO);
    let name = black_box(ChannelName::new("live1"))?;
    let settings = black_box(ChannelSettings::default());
    let opened = edge.open_channel(now, &name, settings, black_box(&[1, 2, 3]), black_box(None));
    if let Ok((channel, resume)) = opened {
        black_box(resume);
        black_box(
            edge.push_bytes(now, channel, black_box(FrameInfo::default()), black_box(&[7; 2_000])).is_ok(),
        );
        drive(&mut edge);
        black_box(edge.channel_view(channel).is_some());
        black_box(edge.clients(channel).count());
        edge.set_legacy_load(now, black_box(1));
        edge.suspend_channel(now, channel);
        edge.close_channel(now, channel);
    }
    edge.shutdown(now);
    drive(&mut edge);
    Some(())
}
