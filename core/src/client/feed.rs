//! The feed of one substream: who sends it, from which frame to which, and what is being changed about it.

use core::time::Duration;

use heapless::Vec;

use crate::media::FrameId;
use crate::time::Instant;
use crate::wire::control::Grant;

/// A feeder that does not stop is told again after this time.
const RELEASE_AGAIN: Duration = Duration::from_millis(200);
/// Feeders whose release may still have to be repeated.
const RELEASES_MAX: usize = 4;

/// A run of a substream's frames expected from one feeder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The feeder's slot.
    pub peer: u8,
    /// The lowest frame not seen from it yet; below it, what is missing is a hole.
    pub next: FrameId,
    /// The frame before which it stops, for a feeder that was released.
    pub until: Option<FrameId>,
    /// When it last sent a frame of this substream.
    pub heard_at: Instant,
}

/// A subscription under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whom it was sent to.
    pub peer: u8,
    /// First frame asked for.
    pub from: FrameId,
    /// When it is sent again.
    pub again_at: Instant,
    /// Times sent.
    pub tries: u8,
}

/// A feeder that was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The feeder's slot.
    pub peer: u8,
    /// The first frame not wanted from it.
    pub until: FrameId,
    /// When it was last told.
    pub told_at: Instant,
    /// Whether it has to be told (again).
    pub is_due: bool,
}

/// A level no feeder has: the client has no feed.
pub const NO_LEVEL: u8 = u8::MAX;

/// The feed of one substream.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Where frames come from now.
    pub current: Option<Stretch>,
    /// The former feeder, until it has sent everything before the cut.
    pub tail: Option<Stretch>,
    /// Frames no feeder owes any more that did not fit among the holes: from the first to before the second.
    pub gap: Option<(FrameId, FrameId)>,
    /// How long the current feeder means to feed.
    pub grant: Grant,
    /// This client's level on the substream, as it would tell a child.
    pub level: u8,
    /// Whether the feeder has fallen behind what others bring: another one is looked for.
    pub is_lagging: bool,
    /// When the children were last told that nothing comes; `ZERO` while something does.
    pub starved_at: Instant,
    /// Until when the feeder is borne with although nothing comes: it said that it is not to blame.
    pub patient_until: Instant,
    /// The lowest level told since there are children on the substream: what DUAL and Babel (RFC 8966 clause 3.5.1) call the
    /// feasibility distance. Says nothing without children.
    told: u8,
    /// The change under way.
    pub request: Option<Request>,
    /// Not to be searched for before this time.
    pub search_at: Instant,
    /// Feeders told to stop.
    pub releases: Vec<Release, RELEASES_MAX>,
}

impl Feed {
    /// No feed.
    pub const EMPTY: Self = Self {
        current: None,
        tail: None,
        gap: None,
        grant: Grant::Feed,
        level: NO_LEVEL,
        is_lagging: false,
        starved_at: Instant::ZERO,
        patient_until: Instant::ZERO,
        told: NO_LEVEL,
        request: None,
        search_at: Instant::ZERO,
        releases: Vec::new(),
    };

    /// Takes on a level; children are told of it.
    pub fn set_level(&mut self, level: u8) {
        self.level = level;
        self.told = self.told.min(level);
    }

    /// A first child is fed from now on: it hears the level of this moment.
    pub const fn begin_telling(&mut self) {
        self.told = self.level;
    }

    /// The level a new parent must be below. Each child's own bound lies above the level it was told, so that no chain of
    /// feeds leads from a parent below it back to here; who has no child can close no cycle.
    #[must_use]
    pub const fn feasible_below(&self, has_children: bool) -> u8 {
        if has_children { self.told } else { NO_LEVEL }
    }

    /// The current feeder's slot.
    #[must_use]
    pub fn parent(&self) -> Option<u8> {
        self.current.map(|stretch| stretch.peer)
    }

    /// Whether the current feeder is `peer`.
    #[must_use]
    pub fn is_from(&self, peer: u8) -> bool {
        self.parent() == Some(peer)
    }

    /// The stretch a frame of `peer` belongs to.
    pub fn stretch_mut(&mut self, peer: u8, frame: FrameId) -> Option<&mut Stretch> {
        let is_of =
            |stretch: &Stretch| stretch.peer == peer && stretch.until.is_none_or(|until| frame < until);
        // The tail first: a feeder that was released and taken again owes the frames before the cut.
        match (&mut self.tail, &mut self.current) {
            (Some(tail), _) if is_of(tail) => Some(tail),
            (_, Some(current)) if is_of(current) => Some(current),
            (_, _) => None,
        }
    }

    /// The lowest frame a feeder still owes: where `peer`, taken anew, is to go on when it is that feeder.
    #[must_use]
    pub fn owed_by(&self, peer: u8) -> Option<FrameId> {
        self.tail.filter(|tail| tail.peer == peer).or(self.current).map(|stretch| stretch.next)
    }

    /// The first frame not wanted of a feed of `peer` that would begin at `first` and is not taken: it sends the tail to its end.
    #[must_use]
    pub fn unwanted_from(&self, peer: u8, first: FrameId) -> FrameId {
        let owed = self.tail.filter(|tail| tail.peer == peer).and_then(|tail| tail.until);
        owed.map_or(first, |until| until.max(first))
    }

    /// Adds to the gap.
    pub fn widen_gap(&mut self, from: FrameId, until: FrameId) {
        self.gap = Some(self.gap.map_or((from, until), |gap| (gap.0.min(from), gap.1.max(until))));
    }

    /// Tells `peer` to stop before `until`; of several cuts for a feeder the last counts.
    pub fn release(&mut self, peer: u8, until: FrameId, now: Instant) {
        self.releases.retain(|release| release.peer != peer);
        if self.releases.is_full() {
            self.releases.remove(0);
        }
        // There is room: one was removed when it was full.
        let _ = self.releases.push(Release { peer, until, told_at: now, is_due: true });
    }

    /// Whether what `peer` sends or says of frame `id` is from before it heard of its release, as far as is known.
    #[must_use]
    pub fn is_told_to_end(&self, peer: u8, id: FrameId, now: Instant) -> bool {
        let told = self.releases.iter().find(|release| release.peer == peer);
        told.is_some_and(|told| id < told.until || now.since(told.told_at) < RELEASE_AGAIN)
    }

    /// A peer got another slot.
    pub fn rename_peer(&mut self, from: u8, to: u8) {
        let places = self.current.iter_mut().chain(&mut self.tail).map(|stretch| &mut stretch.peer);
        let places = places.chain(self.request.iter_mut().map(|request| &mut request.peer));
        let places = places.chain(self.releases.iter_mut().map(|release| &mut release.peer));
        for peer in places.filter(|peer| **peer == from) {
            *peer = to;
        }
    }

    /// Forgets everything about a peer whose slot is given to another.
    pub fn forget_peer(&mut self, peer: u8) {
        self.releases.retain(|release| release.peer != peer);
        if self.request.is_some_and(|request| request.peer == peer) {
            self.request = None;
        }
        if self.tail.is_some_and(|tail| tail.peer == peer) {
            self.tail = None;
        }
        if self.is_from(peer) {
            self.current = None;
        }
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
