//! What the edge keeps of a client: the slot touched for every packet, and the record touched now and then.

use crate::endpoint::Path;
use crate::limits::{CANDIDATES_MAX, SUBSTREAMS_MAX};
use crate::link::TokenBucket;
use crate::media::FrameId;
use crate::store::{ListLinks, SlabItem, SlabMeta};
use crate::time::Instant;
use crate::wire::control::{Class, ClientId, LeaveReason, LinkId, RefuseReason, WatchStats};

use super::channel::ChannelId;
use super::introductions::Reachability;
use super::pull::PullQueue;
use super::reports::Reporter;

/// In which order clients are served, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EgressClass {
    Control,
    Rescue,
    Live,
    /// Clients that wait until the line gives enough for them.
    Waiting,
    /// What those lack whose picture stands.
    Standing,
    /// Bursts up to the startup threshold and 2 s.
    BurstFirst,
    BurstRest,
}

impl EgressClass {
    pub(super) const ALL: [Self; 7] = [
        Self::Control,
        Self::Rescue,
        Self::Live,
        Self::Waiting,
        Self::Standing,
        Self::BurstFirst,
        Self::BurstRest,
    ];

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// A set of substreams, or of other small numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mask(pub(super) u16);

impl Mask {
    pub(super) const EMPTY: Self = Self(0);

    pub(super) fn has(self, substream: u8) -> bool {
        self.0 & bit(substream) != 0
    }

    pub(super) fn set(&mut self, substream: u8, is_in: bool) {
        if is_in {
            self.0 |= bit(substream);
        } else {
            self.0 &= !bit(substream);
        }
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, lowest first.
    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let lowest = u8::try_from(rest.trailing_zeros()).ok().filter(|&lowest| lowest < 16)?;
            rest &= rest.wrapping_sub(1);
            Some(lowest)
        })
    }
}

fn bit(substream: u8) -> u16 {
    1_u16.checked_shl(u32::from(substream)).unwrap_or(0)
}

/// Control messages that wait to be written, besides those of the feeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) welcome: bool,
    pub(super) pong: bool,
    pub(super) candidates: bool,
    /// Clients that were told of it.
    pub(super) introduce: bool,
    pub(super) report_ack: bool,
    /// Ask it to go to another edge.
    pub(super) redirect: bool,
    pub(super) leave: Option<LeaveReason>,
}

/// The feed of one substream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed {
    /// The next frame to be sent.
    pub(super) next: FrameId,
    /// While it runs on: the first frame promised. Once cut: the first frame not to be sent.
    pub(super) mark: FrameId,
    /// A lease's end in tenths of a second since the origin.
    pub(super) lease_end_ds: u32,
    /// Neighbours among the substream's subscribers.
    pub(super) links: ListLinks,
}

impl Feed {
    const EMPTY: Self = Self { next: FrameId(0), mark: FrameId(0), lease_end_ds: 0, links: ListLinks::EMPTY };
}

/// A frame that is being sent, fragment by fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Current {
    pub(super) substream: u8,
    pub(super) class: EgressClass,
    pub(super) fragment: u16,
}

/// A client's place at its edge, 512 bytes at most beside its link and its record.
#[derive(Debug)]
pub struct ClientSlot {
    pub(super) slab: SlabMeta,
    pub(super) path: Path,
    pub(super) link: LinkId,
    pub(super) channel: ChannelId,
    pub(super) class: Class,
    pub(super) pending: Pending,
    pub(super) pong_token: u32,
    /// Feeds granted for good.
    pub(super) feeds: Mask,
    /// Leases.
    pub(super) leases: Mask,
    /// Those of the leases that are paid from the rescue budget.
    pub(super) rescues: Mask,
    /// Feeds released by the client that have not reached their cut.
    pub(super) cut: Mask,
    /// Feeds that have not caught up with the live edge.
    pub(super) behind: Mask,
    /// Answers to be written: accepted.
    pub(super) accepts: Mask,
    /// Answers to be written: refused or ended.
    pub(super) refusals: Mask,
    pub(super) refuse_reason: RefuseReason,
    pub(super) by_substream: [Feed; SUBSTREAMS_MAX],
    pub(super) current: Option<Current>,
    /// The bursts' pace is used up until the timer fires.
    pub(super) is_paced: bool,
    pub(super) pace: TokenBucket,
    /// Frames of the burst before this one come before those of other clients' bursts after theirs.
    pub(super) first_until: FrameId,
    /// Where that was when the client joined: it moves on as playback does.
    pub(super) first_base: FrameId,
    /// Its picture stands because the line was short: what it lacks comes before what newcomers do not have yet.
    pub(super) is_standing: bool,
    /// Which ready list it is in.
    pub(super) ready: Option<EgressClass>,
    pub(super) ready_links: ListLinks,
    /// The line gives too little for it: its feeds stand still.
    pub(super) is_waiting: bool,
    /// Pulls of frames before this one are not answered.
    pub(super) pulls_from: FrameId,
    /// Pulled fragments wait.
    pub(super) has_pulls: bool,
    /// Feeds that come to this frame while they are behind go on at the live edge: peers have the rest. 0: nothing is left to them.
    pub(super) left_from: FrameId,
    /// Place among the channel's suppliers, plus one.
    pub(super) supplier_place: u32,
    /// Free upload slots as last told.
    pub(super) slots: u8,
    /// Of those, promised to others within the last 2 s.
    pub(super) reserved: u8,
    /// What of its slots the channel's sums hold: free ones, and all.
    pub(super) slots_counted: (u8, u8),
    /// Substreams it can pass on.
    pub(super) feedable: Mask,
    pub(super) joined_at: Instant,
    /// UDP payload bytes sent in datagrams with a fragment, by reason.
    pub(super) bytes_by_reason: [u64; 4],
}

const _: () = assert!(size_of::<ClientSlot>() <= 512);

impl ClientSlot {
    /// An empty slot.
    pub const EMPTY: Self = Self {
        slab: SlabMeta::EMPTY,
        path: Path::to(core::net::SocketAddr::V4(core::net::SocketAddrV4::new(
            core::net::Ipv4Addr::UNSPECIFIED,
            0,
        ))),
        link: LinkId(0),
        channel: ChannelId(0),
        class: Class::Push,
        pending: Pending {
            welcome: false,
            pong: false,
            candidates: false,
            introduce: false,
            report_ack: false,
            redirect: false,
            leave: None,
        },
        pong_token: 0,
        feeds: Mask::EMPTY,
        leases: Mask::EMPTY,
        rescues: Mask::EMPTY,
        cut: Mask::EMPTY,
        behind: Mask::EMPTY,
        accepts: Mask::EMPTY,
        refusals: Mask::EMPTY,
        refuse_reason: RefuseReason::Full,
        by_substream: [Feed::EMPTY; SUBSTREAMS_MAX],
        current: None,
        is_paced: false,
        pace: TokenBucket::EMPTY,
        first_until: FrameId(0),
        first_base: FrameId(0),
        is_standing: false,
        ready: None,
        ready_links: ListLinks::EMPTY,
        is_waiting: false,
        pulls_from: FrameId(0),
        has_pulls: false,
        left_from: FrameId(0),
        supplier_place: 0,
        slots: 0,
        reserved: 0,
        slots_counted: (0, 0),
        feedable: Mask::EMPTY,
        joined_at: Instant::ZERO,
        bytes_by_reason: [0; 4],
    };

    /// Substreams whose feed ends at a time: leases, and whatever stands still because the line gives too little.
    pub(super) const fn ending(&self) -> Mask {
        if self.is_waiting { self.active() } else { self.leases }
    }

    /// Frames that a viewer who plays since it joined has played by now.
    pub(super) fn played(&self, now: Instant, cadence_us: u32) -> u32 {
        let played = now.micros_since(self.joined_at) / u64::from(cadence_us.max(1));
        u32::try_from(played).unwrap_or(u32::MAX)
    }

    /// Substreams the edge feeds, however long.
    pub(super) const fn active(&self) -> Mask {
        Mask(self.feeds.0 | self.leases.0)
    }

    pub(super) const fn has_control(&self) -> bool {
        let pending = self.pending;
        pending.welcome
            || pending.pong
            || pending.candidates
            || pending.introduce
            || pending.report_ack
            || pending.redirect
            || pending.leave.is_some()
            || !self.accepts.is_empty()
            || !self.refusals.is_empty()
    }

    /// Slots nobody holds.
    pub(super) const fn slots_free(&self) -> u8 {
        self.slots.saturating_sub(self.reserved)
    }

    pub(super) fn feed(&self, substream: u8) -> Option<&Feed> {
        self.by_substream.get(usize::from(substream))
    }

    pub(super) fn feed_mut(&mut self, substream: u8) -> Option<&mut Feed> {
        self.by_substream.get_mut(usize::from(substream))
    }

    /// What of the feeds is to be sent next when frames up to `newest` are there: the most urgent class, in it the oldest
    /// frame. A burst whose pace is used up waits. A rescue that is a whole burst lets go first what is played before it.
    pub(super) fn next_feed(&self, newest: FrameId) -> Option<(EgressClass, u8)> {
        let mut best: Option<(EgressClass, FrameId, u8)> = None;
        let mut soonest: Option<(FrameId, u8)> = None;
        for substream in self.active().iter() {
            let Some(feed) = self.feed(substream).filter(|feed| feed.next <= newest) else { continue };
            let is_behind = self.behind.has(substream);
            if is_behind && self.is_paced {
                continue;
            }
            let is_first = is_behind && feed.next < self.first_until;
            let class = match (self.rescues.has(substream), is_behind) {
                (true, _) => EgressClass::Rescue,
                (false, false) => EgressClass::Live,
                (false, true) if is_first && self.is_standing => EgressClass::Standing,
                (false, true) if is_first => EgressClass::BurstFirst,
                (false, true) => EgressClass::BurstRest,
            };
            let found = (class, feed.next, substream);
            if best.is_none_or(|best| found < best) {
                best = Some(found);
            }
            if is_first && soonest.is_none_or(|soonest| (feed.next, substream) < soonest) {
                soonest = Some((feed.next, substream));
            }
        }
        let (class, next, substream) = best?;
        let sooner = soonest.filter(|&(soonest, _)| class == EgressClass::Rescue && soonest < next);
        Some((class, sooner.map_or(substream, |(_, substream)| substream)))
    }
}

impl SlabItem for ClientSlot {
    fn slab(&self) -> &SlabMeta {
        &self.slab
    }

    fn slab_mut(&mut self) -> &mut SlabMeta {
        &mut self.slab
    }
}

/// What the edge keeps of a client beside its slot: for repeated hellos, pulls, and those who look on.
#[derive(Debug)]
pub struct ClientRecord {
    pub(super) nonce: u64,
    /// First frame sent.
    pub(super) start: FrameId,
    /// Slots of the candidates whose slots are held for this client, plus one; 0: none.
    pub(super) offered: [u16; CANDIDATES_MAX],
    /// When it was last answered.
    pub(super) answered_at: Instant,
    pub(super) pulls: PullQueue,
    /// Parents as last told; [`ClientId::EDGE`] the edge.
    pub(super) parents: [Option<ClientId>; SUBSTREAMS_MAX],
    pub(super) upload_bps: u32,
    pub(super) slots_max: u8,
    pub(super) watch: WatchStats,
    pub(super) reach: Reachability,
    pub(super) reports: Reporter,
}

impl ClientRecord {
    /// An empty record.
    pub const EMPTY: Self = Self {
        nonce: 0,
        start: FrameId(0),
        offered: [0; CANDIDATES_MAX],
        answered_at: Instant::ZERO,
        pulls: PullQueue::EMPTY,
        parents: [None; SUBSTREAMS_MAX],
        upload_bps: 0,
        slots_max: 0,
        watch: WatchStats {
            buffer_ms: 0,
            startup_ms: 0,
            stalls: 0,
            stalled_ms: 0,
            frames_played: 0,
            frames_skipped: 0,
            bytes_edge: 0,
            bytes_peers: 0,
            bytes_duplicate: 0,
            bytes_uploaded: 0,
            bytes_control: 0,
        },
        reach: Reachability::EMPTY,
        reports: Reporter::EMPTY,
    };
}
