//! The memory that machines are lent.

use core::time::Duration;

use livesky_core::client::{ClientStorage, Peer};
use livesky_core::edge::{ChannelSlot, ClientRecord, ClientSlot, EdgeStorage, Reservation};
use livesky_core::link::Link;
use livesky_core::media::ChannelSettings;
use livesky_core::store::{
    AddressIndex, AddressSlot, Assembly, FrameSlot, PageLink, PhantomStore, Tag, WheelSlot,
};

/// What a pull may still ask for, beyond twice the target buffer (core's capacity page).
const PULL_WINDOW: Duration = Duration::from_secs(2);
/// Frames being assembled at once.
const ASSEMBLIES: usize = 32;

/// Frames to be held: twice the target buffer and the pull window.
fn frames_held(settings: &ChannelSettings) -> usize {
    settings.frames_in(settings.target_buffer() * 2 + PULL_WINDOW) as usize
}

/// Fragments of so many frames: those of the rate, and one half-empty in each frame.
fn fragments_held(settings: &ChannelSettings, frames: usize) -> usize {
    let bytes = u64::from(settings.rate_bps) * u64::from(settings.cadence_us) / 8_000_000 * frames as u64;
    let whole = usize::try_from(bytes / u64::from(settings.fragment_len)).unwrap_or(usize::MAX);
    (whole + frames) * 11 / 10
}

/// Memory of one client.
pub(crate) struct ClientMemory {
    peers: Vec<Peer>,
    frames: Vec<FrameSlot>,
    assemblies: Vec<Assembly>,
    tags: Vec<Tag>,
    links: Vec<PageLink>,
}

impl ClientMemory {
    pub(crate) fn new(settings: &ChannelSettings, peers: usize) -> Self {
        let frames = frames_held(settings);
        let fragments = fragments_held(settings, frames);
        Self {
            peers: vec![Peer::EMPTY; peers],
            frames: vec![FrameSlot::EMPTY; frames],
            assemblies: (0..ASSEMBLIES).map(|_| Assembly::EMPTY).collect(),
            tags: vec![PhantomStore::EMPTY_TAG; fragments],
            links: (0..fragments).map(|_| PageLink::EMPTY).collect(),
        }
    }

    pub(crate) fn lend(&mut self) -> (ClientStorage<'_>, PhantomStore<'_>) {
        let Self { peers, frames, assemblies, tags, links } = self;
        (ClientStorage { peers, frames, assemblies }, PhantomStore::new(tags, links))
    }
}

/// Memory of one edge with one channel.
pub(crate) struct EdgeMemory {
    clients: Vec<ClientSlot>,
    records: Vec<ClientRecord>,
    client_links: Vec<Link>,
    addresses: Vec<AddressSlot>,
    timers: Vec<WheelSlot>,
    channels: Vec<ChannelSlot>,
    frames: Vec<FrameSlot>,
    suppliers: Vec<u32>,
    reservations: Vec<Reservation>,
    tags: Vec<Tag>,
    links: Vec<PageLink>,
}

impl EdgeMemory {
    pub(crate) fn new(settings: &ChannelSettings, clients: usize) -> Self {
        let frames = frames_held(settings) + 1;
        let fragments = fragments_held(settings, frames);
        let many = |count: usize| 0..count;
        Self {
            clients: many(clients).map(|_| ClientSlot::EMPTY).collect(),
            records: many(clients).map(|_| ClientRecord::EMPTY).collect(),
            client_links: many(clients).map(|_| Link::EMPTY).collect(),
            addresses: many(AddressIndex::slots_for(clients)).map(|_| AddressSlot::EMPTY).collect(),
            timers: many(clients + 1).map(|_| WheelSlot::EMPTY).collect(),
            channels: vec![ChannelSlot::EMPTY],
            frames: vec![FrameSlot::EMPTY; frames],
            suppliers: vec![0; clients],
            reservations: many(8 * clients.clamp(8, 512)).map(|_| Reservation::EMPTY).collect(),
            tags: vec![PhantomStore::EMPTY_TAG; fragments],
            links: (0..fragments).map(|_| PageLink::EMPTY).collect(),
        }
    }

    pub(crate) fn lend(&mut self) -> (EdgeStorage<'_>, PhantomStore<'_>) {
        let storage = EdgeStorage {
            clients: &mut self.clients,
            records: &mut self.records,
            links: &mut self.client_links,
            addresses: &mut self.addresses,
            timers: &mut self.timers,
            channels: &mut self.channels,
            frames: &mut self.frames,
            suppliers: &mut self.suppliers,
            reservations: &mut self.reservations,
        };
        (storage, PhantomStore::new(&mut self.tags, &mut self.links))
    }
}
