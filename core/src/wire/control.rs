//! Control messages: postcard, several to a datagram, borrowed on decode.
//!
//! The order of the variants is the wire format: append only, golden bytes pin each.

use core::net::SocketAddr;

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::limits::{
    ALTERNATIVES_MAX, CANDIDATES_MAX, MEETING_ADDRESSES_MAX, PULL_ITEMS_MAX, SUBSTREAMS_MAX, SUCCESSORS_MAX,
    UNMET_MAX,
};
use crate::media::{ChannelSettings, FrameId};
use crate::nat::NatClass;
use crate::wire::report::{Report, ReportAck};

/// Names a link at the endpoint that chose the id: it puts the id into every datagram it wants to get over that link.
/// 0 is no link: the first datagram to an endpoint carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkId(pub u32);

/// Names a client at its edge. 0 is the edge itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClientId(pub u32);

impl ClientId {
    /// The edge.
    pub const EDGE: Self = Self(0);
    /// A client of another edge: kept as a peer by one that changed edges. No edge gives this id, whose slot is one past the last.
    pub const ELSEWHERE: Self = Self(u32::MAX);
}

/// A stateless proof that its bearer receives at the address it sends from.
pub type Cookie = [u8; 16];

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message<'a> {
    /// One zero byte, ignored: fills a datagram up.
    Padding,
    /// Client to edge: let me in. The datagram is padded to 1,200 bytes.
    #[serde(borrow)]
    Hello(Hello<'a>),
    /// Edge to client: say hello again with this.
    Challenge(Challenge),
    /// Edge to client: you are in.
    Welcome(Welcome<'a>),
    /// Edge to client: you are not.
    Refused(Refused),
    /// To a peer, under link id 0: here is the link id to reach me by.
    Meet(Meet),
    /// Answer to `Meet`: and here is mine.
    Met(Meet),
    /// Is the link alive? Answered at once.
    Ping {
        /// Comes back in the answer.
        token: u32,
    },
    /// Answer to `Ping`.
    Pong {
        /// The token of the ping.
        token: u32,
    },
    /// Which data packets arrived.
    Ack(Ack<'a>),
    /// Child to parent or edge: feed me.
    Subscribe(Subscribe),
    /// Parent to child: I will, from this frame on.
    Accept(Accept),
    /// Parent to child: I will not, or no longer.
    Refuse {
        /// Which substream.
        substream: u8,
        /// Why.
        reason: RefuseReason,
    },
    /// Child to feeder: stop before this frame.
    Release {
        /// Which substream.
        substream: u8,
        /// The first frame not to be sent.
        until: FrameId,
    },
    /// Which frames the sender holds.
    BufferMap(MapBits<'a>),
    /// Send me these.
    Pull {
        /// What is missing.
        items: Vec<PullItem, PULL_ITEMS_MAX>,
        /// Whether feeds and what others lack come first: what the edge left to peers is not due yet.
        can_wait: bool,
    },
    /// Answer to `Pull`: I do not have it.
    Missing {
        /// The frame.
        frame: FrameId,
    },
    /// Client to edge: who can feed me these substreams?
    FindParents {
        /// Bit mask of substreams.
        substreams: u16,
    },
    /// Answer to `FindParents`.
    Candidates {
        /// At most 8, best first; their slots are held for the asker for 2 s.
        list: Vec<Candidate, CANDIDATES_MAX>,
    },
    /// Client to edge, once a second.
    Status(Status),
    /// The sender goes away.
    Leave {
        /// Why.
        reason: LeaveReason,
    },
    /// Answer to a datagram under a link id the sender does not know: join again.
    Reset {
        /// The unknown id.
        link: LinkId,
    },
    /// Edge to both sides at once: meet.
    Introduce(Introduce),
    /// Client to edge, beside `Status`: how it is reached, and whom it could not meet.
    Reach(Reach),
    /// To a peer the edge introduced, behind `Met`: where it seems to be.
    Seen {
        /// Its address as the sender sees it.
        address: SocketAddr,
    },
    /// Client to edge, beside `Reach`: where else it receives.
    AlsoAt {
        /// Its other address.
        address: SocketAddr,
        /// What the edge told it there (COOKIE in a STUN answer).
        cookie: Cookie,
    },
    /// Client to edge: what it saw. Repeated until acknowledged.
    Report(Report),
    /// Answer to `Report`.
    ReportAck(ReportAck),
    /// Edge to a client it feeds: go to one of these edges, and play on meanwhile.
    Redirect {
        /// Other edges, the least loaded first.
        alternatives: Vec<SocketAddr, ALTERNATIVES_MAX>,
    },
    /// Parent to child: I lack this substream myself, and see to it; pull, and stay.
    Starved {
        /// Which substream.
        substream: u8,
        /// The first frame that is missing.
        since: FrameId,
    },
    /// Parent to child, before `Leave`: these may feed you instead of me.
    Successors {
        /// At most 4, best first. Without addresses: whom the child was not introduced to is not told where they are.
        clients: Vec<ClientId, SUCCESSORS_MAX>,
    },
    /// Client to its edge: playback passed over what a feed has not brought yet, and needs nothing before this frame any more.
    Skipped {
        /// The next frame it plays.
        to: FrameId,
    },
}

/// Asks an edge for a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// Names this attempt; repeated when the hello is sent again, echoed in every answer.
    pub nonce: u64,
    /// How the edge is to address the client.
    pub link: LinkId,
    /// The channel's name.
    pub channel: &'a str,
    /// The cookie of the edge's challenge, when there was one.
    pub cookie: Option<Cookie>,
    /// What the client can upload in bit/s; 0: receive only.
    pub upload_bps: u32,
    /// Permission to watch; empty where the edge asks for none.
    pub ticket: &'a [u8],
}

/// Answers a hello from an address not proved yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The hello's nonce.
    pub nonce: u64,
    /// To be put into the next hello.
    pub cookie: Cookie,
}

/// How a client is fed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Class {
    /// By the edge: level 1.
    #[default]
    Push,
    /// By peers, after the start.
    P2p,
}

/// Lets a client in. The feed of every substream from `start` on begins at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome<'a> {
    /// The hello's nonce.
    pub nonce: u64,
    /// The client's id at this edge.
    pub client: ClientId,
    /// How the client is to address the edge.
    pub link: LinkId,
    /// Run of the channel: frame ids of another epoch mean other frames.
    pub epoch: u16,
    /// How the client is to be fed.
    pub class: Class,
    /// First frame sent: a key frame.
    pub start: FrameId,
    /// The newest frame the edge holds.
    pub newest: FrameId,
    /// The feeds go on at the live edge once they are at this frame: what lies between is left to peers.
    pub left_from: Option<FrameId>,
    /// The channel.
    pub settings: ChannelSettings,
    /// Where the edge sees the client: its address behind any NAT.
    pub observed: SocketAddr,
    /// What a decoder needs before any frame (PAT and PMT).
    pub init: &'a [u8],
    /// First candidates, for a P2P client.
    pub candidates: Vec<Candidate, CANDIDATES_MAX>,
}

/// Why an edge does not let a client in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RefusalReason {
    /// No such channel here.
    UnknownChannel,
    /// The channel is known but has no frames yet.
    NotOnAir,
    /// No capacity: neither a peer's slot nor the edge's.
    Saturated,
    /// The client table is full.
    Full,
    /// The edge is going down.
    Draining,
    /// The ticket is missing, wrong or expired.
    Ticket,
}

/// Turns a client away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The hello's nonce.
    pub nonce: u64,
    /// Why.
    pub reason: RefusalReason,
    /// Not to be asked again before this many milliseconds.
    pub retry_after_ms: u32,
    /// Other edges to try, in this order.
    pub alternatives: Vec<SocketAddr, ALTERNATIVES_MAX>,
}

/// Opens a link between peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meet {
    /// How to address the sender.
    pub link: LinkId,
    /// Who the sender is.
    pub client: ClientId,
    /// The epoch it plays: peers of another epoch do not meet.
    pub epoch: u16,
}

/// Which data packets arrived (RFC 9000 clause 19.3, with a fixed window).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack<'a> {
    /// The highest packet number received.
    pub largest: u32,
    /// Time from its arrival to this message in microseconds.
    pub delay_us: u32,
    /// One-way delay sample of it in microseconds: arrival minus send timestamp, clocks unsynchronised, modulo 2^32.
    pub one_way_us: u32,
    /// Alternating run lengths from `largest` downward: received, missing, received, ...; each at most 255.
    pub runs: &'a [u8],
}

/// Asks for a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribe {
    /// Which substream.
    pub substream: u8,
    /// The first frame wanted; the answer may name a later one.
    pub from: FrameId,
    /// The child's last advertised level: a parent at or above it would risk a cycle.
    pub level: u8,
}

/// How long a feed is meant to last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Grant {
    /// For as long as the child wants it.
    #[default]
    Feed,
    /// From the edge until a parent is found: ends 5 s after the last status that names it.
    Lease,
}

/// Promises a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Which substream.
    pub substream: u8,
    /// The first frame that will be sent: the old feeder's cut.
    pub first: FrameId,
    /// The feeder's level on this substream; the child's is one more.
    pub level: u8,
    /// How long it is meant to last.
    pub grant: Grant,
}

/// Why a feed is refused or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RefuseReason {
    /// No free slot.
    Full,
    /// The child would be deeper than K0, or not deeper than its parent: a cycle.
    Level,
    /// The feeder has no healthy feed of this substream itself.
    Unhealthy,
    /// The rescue budget is spent.
    Budget,
    /// The child did not keep up, or was silent.
    Slow,
    /// The feeder leaves.
    Leaving,
}

/// Part or all of a buffer map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapBits<'a> {
    /// Nothing below this frame is held.
    pub oldest: FrameId,
    /// Frame of the first bit. What is known of frames outside `base .. base + 8 len` stays as it was.
    pub base: FrameId,
    /// One bit a frame, the lowest bit of the first byte first.
    pub bits: &'a [u8],
}

/// Missing fragments of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PullItem {
    /// The frame.
    pub frame: FrameId,
    /// First fragment the bits speak of.
    pub first: u16,
    /// Fragments wanted, bit 0 is `first`. `u64::MAX` at `first` 0 asks for the whole frame.
    pub wanted: u64,
}

/// How a candidate is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Transport {
    /// Plain UDP.
    #[default]
    Udp,
    /// A WebRTC data channel; the address is the adapter's synthetic one.
    DataChannel,
}

/// A client that may feed the asker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Who.
    pub client: ClientId,
    /// Where.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
    /// Free slots, as far as the edge knows.
    pub slots: u8,
    /// Substreams it can pass on, as a bit mask.
    pub feedable: u16,
    /// Its age in seconds, 255 and more as 255: the old are likely to stay.
    pub age_s: u8,
}

/// What a client tells its edge once a second; also renews leases and keeps the client alive there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Free upload slots.
    pub slots: u8,
    /// All upload slots.
    pub slots_max: u8,
    /// Substreams the client can pass on: healthy, and at a level below K0.
    pub feedable: u16,
    /// Substreams it takes from the edge: renews their leases.
    pub edge_feeds: u16,
    /// Parent per substream: 0 the edge, `None` nobody.
    pub parents: Vec<Option<ClientId>, SUBSTREAMS_MAX>,
    /// What it has seen so far.
    pub watch: WatchStats,
}

/// Totals of a client since it joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WatchStats {
    /// Media between playhead and the newest frame without a gap before it, in milliseconds.
    pub buffer_ms: u32,
    /// From the first hello to playback, in milliseconds; 0: not started.
    pub startup_ms: u32,
    /// Stalls after the start.
    pub stalls: u32,
    /// Time spent in them, in milliseconds.
    pub stalled_ms: u32,
    /// Frames handed to the player.
    pub frames_played: u32,
    /// Frames passed over because they were missing at their deadline.
    pub frames_skipped: u32,
    /// Payload bytes from the edge.
    pub bytes_edge: u64,
    /// Payload bytes from peers.
    pub bytes_peers: u64,
    /// Payload bytes received that were there before.
    pub bytes_duplicate: u64,
    /// UDP payload bytes sent to peers in datagrams that carry a fragment.
    pub bytes_uploaded: u64,
    /// UDP payload bytes of all datagrams sent that carry no fragment.
    pub bytes_control: u64,
}

/// Why a peer goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LeaveReason {
    /// The viewer stopped watching, or the server shuts down.
    Done,
    /// Silent for too long.
    Silent,
    /// The channel ended.
    Ended,
    /// Neither the edge nor peers fed the client.
    Unfed,
    /// The edge goes down: ask another one.
    Draining,
}

/// Tells two clients of each other: each sends `Meet` to every address of the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduce {
    /// Whom to meet.
    pub client: ClientId,
    /// Where it may be reached: first where the edge sees it, then behind the same NAT, then where else it proved to receive.
    pub addresses: Vec<SocketAddr, MEETING_ADDRESSES_MAX>,
}

/// How a client can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// What its NAT does.
    pub nat: NatClass,
    /// Its address in its own network.
    pub private: Option<SocketAddr>,
    /// Peers met that edges had named, ever.
    pub met: u32,
    /// Peers not met that edges had named, ever.
    pub unmet: u32,
    /// The last of those, for a few seconds each: they are not named again for a minute.
    pub unmet_list: Vec<ClientId, UNMET_MAX>,
}
