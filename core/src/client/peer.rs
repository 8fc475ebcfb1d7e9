//! One other endpoint: the edge (slot 0) or a peer.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use heapless::{Deque, Vec};

use super::catch_up::Moment;
use crate::limits::{PULL_ITEMS_MAX, SUBSTREAMS_MAX};
use crate::link::Link;
use crate::media::{BufferMap, FrameId};
use crate::nat::CompactAddress;
use crate::time::Instant;
use crate::wire::control::{Accept, Candidate, ClientId, LinkId, PullItem, RefuseReason};

/// Most peers a client has, the edge among them: a set of peers is a `u64` bit mask.
pub const PEERS_MAX: usize = 64;
/// Slot of the edge.
pub const EDGE: u8 = 0;

/// How far two endpoints know each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acquaintance {
    /// The slot is free.
    #[default]
    None,
    /// The edge introduced it; `Meet` was sent and not answered.
    Meeting,
    /// It sent `Meet` from an address nobody vouches for: it is told `Met` and nothing else until it shows that it got that.
    Stranger,
    /// Both know the other's link id.
    Met,
}

/// What this client sends a child on one substream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Serving {
    /// First frame promised.
    pub first: FrameId,
    /// Next frame to send.
    pub cursor: FrameId,
    /// Frame before which to stop, plus one; 0: none. (Zero bits when empty.)
    until_plus_one: u32,
}

impl Serving {
    /// A feed from `first` on.
    #[must_use]
    pub const fn from(first: FrameId) -> Self {
        Self { first, cursor: first, until_plus_one: 0 }
    }

    /// Ends the feed before `until`. Says whether it does: what lies before the first frame promised was the end of an earlier
    /// feed, told late.
    pub const fn stop_before(&mut self, until: FrameId) -> bool {
        let is_of_this = until.0 >= self.first.0;
        if is_of_this {
            self.until_plus_one = until.0.saturating_add(1);
        }
        is_of_this
    }

    /// Whether everything before the cut was sent.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.until_plus_one > 0 && self.cursor.0 >= self.until_plus_one - 1
    }
}

/// Control a peer is owed; built when a datagram for it is polled.
#[derive(Clone, Debug)]
pub struct Owed {
    /// Ask it to meet, at these addresses: bit 0 its public one, then the others.
    pub meet: u8,
    /// Answer its `Meet`.
    pub met: bool,
    /// Acknowledge what came.
    pub ack: bool,
    /// Tell what is held, since the last time.
    pub map: bool,
    /// Tell all that is held.
    pub whole_map: bool,
    /// Substreams whose request goes to it.
    pub subscribe: u16,
    /// Substreams whose release goes to it.
    pub release: u16,
    /// Substreams to be accepted for it.
    pub accept: u16,
    /// Answers `Refuse`.
    pub refuse: Vec<(u8, RefuseReason), SUBSTREAMS_MAX>,
    /// Holes to ask it for.
    pub pull: bool,
    /// Frames it asked for that are not held.
    pub missing: Vec<FrameId, 8>,
    /// Ask whether it is there.
    pub ping: bool,
    /// Answer its ping.
    pub pong: Option<u32>,
    /// Say goodbye.
    pub leave: bool,
    /// To the edge: tell the status.
    pub status: bool,
    /// To the edge: ask for candidates.
    pub find: bool,
}

impl Owed {
    /// Nothing.
    pub const EMPTY: Self = Self {
        meet: 0,
        met: false,
        ack: false,
        map: false,
        whole_map: false,
        subscribe: 0,
        release: 0,
        accept: 0,
        refuse: Vec::new(),
        pull: false,
        missing: Vec::new(),
        ping: false,
        pong: None,
        leave: false,
        status: false,
        find: false,
    };
}

/// A question waiting for its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Token of the ping under way; 0: none.
    pub token: u32,
    /// When it was sent.
    pub sent_at: Instant,
    /// How often since.
    pub pings: u8,
    /// Whether the peer feeds this client and neither sent what was due nor answered.
    pub is_suspect: bool,
}

/// One other endpoint. `EMPTY` is a free slot.
#[derive(Clone, Debug)]
pub struct Peer {
    /// How far the two know each other.
    pub acquaintance: Acquaintance,
    /// Where it is.
    pub remote: SocketAddr,
    /// Who it is.
    pub client: ClientId,
    /// How it addresses this client.
    pub own_link: LinkId,
    /// How this client addresses it.
    pub their_link: LinkId,
    /// Packets, acknowledgements, round trip.
    pub link: Link,
    /// Times `Meet` was sent.
    pub meets: u8,
    /// Whether the edge told that it is about to meet us, once more if it was met before.
    pub is_expected: bool,
    /// Bytes a stranger may be answered with: as many as it sent.
    pub credit_bytes: u16,
    /// When to do something about the acquaintance: repeat `Meet`.
    pub again_at: Instant,
    /// The ping under way.
    pub probe: Probe,
    /// What it is owed.
    pub owed: Owed,
    /// Whether it is owed word of which of the substreams it is fed do not come.
    pub has_starved_due: bool,
    /// Substreams this client feeds it.
    pub children: u16,
    /// Substreams of those whose next frame is ready to be sent.
    pub ready: u16,
    /// The feeds.
    pub serving: [Serving; SUBSTREAMS_MAX],
    /// Fragments it asked for.
    pub wanted: Deque<PullItem, PULL_ITEMS_MAX>,
    /// Since when it waits for those, when feeds and what others lack come first.
    pub waits_since: Option<Moment>,
    /// What it holds.
    pub map: BufferMap,
    /// When the two came to know each other.
    pub met_at: Instant,
}

impl Peer {
    /// A free slot.
    pub const EMPTY: Self = Self {
        acquaintance: Acquaintance::None,
        remote: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)),
        client: ClientId::EDGE,
        own_link: LinkId(0),
        their_link: LinkId(0),
        link: Link::EMPTY,
        meets: 0,
        is_expected: false,
        credit_bytes: 0,
        again_at: Instant::ZERO,
        probe: Probe { token: 0, sent_at: Instant::ZERO, pings: 0, is_suspect: false },
        owed: Owed::EMPTY,
        has_starved_due: false,
        children: 0,
        ready: 0,
        serving: [Serving { first: FrameId(0), cursor: FrameId(0), until_plus_one: 0 }; SUBSTREAMS_MAX],
        wanted: Deque::new(),
        waits_since: None,
        map: BufferMap::EMPTY,
        met_at: Instant::ZERO,
    };

    /// Whether the slot is in use.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.acquaintance != Acquaintance::None
    }

    /// Whether the other side can be addressed.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.acquaintance == Acquaintance::Met
    }

    /// Whether it can be sent data: it is fed, or asked for something.
    #[must_use]
    pub fn is_child(&self) -> bool {
        self.children != 0
    }

    /// The feed of one substream.
    pub fn serving_mut(&mut self, substream: u8) -> Option<&mut Serving> {
        self.serving.get_mut(usize::from(substream))
    }

    /// Ends the feed of one substream at once.
    pub fn stop_serving(&mut self, substream: u8) {
        let bit = bit(substream);
        self.children &= !bit;
        self.ready &= !bit;
        self.owed.accept &= !bit;
    }

    /// The answer to a subscription that was granted.
    #[must_use]
    pub fn accept(&self, substream: u8, level: u8) -> Option<Accept> {
        let serving = self.serving.get(usize::from(substream))?;
        Some(Accept { substream, first: serving.first, level, grant: crate::wire::control::Grant::Feed })
    }
}

impl Default for Peer {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The bit of a substream in a set of substreams; 0 past the 16th.
#[must_use]
pub const fn bit(substream: u8) -> u16 {
    if substream < 16 { 1 << substream } else { 0 }
}

/// The substreams of a set, lowest first.
pub fn substreams_of(set: u16) -> impl Iterator<Item = u8> {
    slots_of(u64::from(set))
}

/// The bit of a slot in a set of slots; 0 past the 64th.
#[must_use]
#[cfg_attr(target_os = "none", inline(never))]
pub const fn slot_bit(slot: u8) -> u64 {
    if (slot as usize) < PEERS_MAX { 1 << slot } else { 0 }
}

/// The slots of a set, lowest first.
pub const fn slots_of(set: u64) -> Slots {
    Slots { rest: set }
}

/// The slots of a set that are still to come.
#[derive(Clone, Debug)]
pub struct Slots {
    rest: u64,
}

impl Iterator for Slots {
    type Item = u8;

    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(not(target_os = "none"), inline)]
    fn next(&mut self) -> Option<u8> {
        let lowest = u8::try_from(self.rest.trailing_zeros()).ok().filter(|_| self.rest != 0)?;
        self.rest &= self.rest.wrapping_sub(1);
        Some(lowest)
    }
}

/// A candidate as the edge said, less what was taken since.
#[derive(Clone, Copy, Debug)]
pub struct NamedCandidate {
    /// Who.
    pub client: ClientId,
    /// Where, as the edge sees it.
    pub address: CompactAddress,
    /// Free slots, as far as is known.
    pub slots: u8,
    /// Its age in seconds, at most 255.
    pub age_s: u8,
    /// Substreams it can pass on, as a bit mask.
    pub feedable: u16,
}

impl From<&Candidate> for NamedCandidate {
    fn from(candidate: &Candidate) -> Self {
        let &Candidate { client, address, transport: _, slots, feedable, age_s } = candidate;
        Self { client, address: address.into(), slots, age_s, feedable }
    }
}

/// A candidate, and when to try it again.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The candidate.
    pub candidate: NamedCandidate,
    /// When it was named, in tenths of a second.
    pub named_ds: u32,
    /// Not to be tried before this time.
    pub not_before: Instant,
}
