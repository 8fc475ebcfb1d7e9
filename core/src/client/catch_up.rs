//! Catching up: what the edge left to peers of a newcomer's burst, because many came at once (docs/wire.md, "Joining").
//!
//! The first part of the burst and what is live come from the edge. What lies between is asked of partners frame by frame, a few frames at a
//! time; a frame that nobody gave is asked of the edge when it is nearly due.

use core::num::NonZeroU16;
use core::time::Duration;

use super::machine::Client;
use super::peer::EDGE;
use crate::media::FrameId;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::Welcome;

/// Frames asked for because they are played next, at once.
const NEXT_MAX: usize = 8;
/// Frames asked for at once, those drawn from all over the stretch among them: the rest of the holes' places is for what feeds lose.
pub(super) const OPEN_MAX: usize = 32;
/// Frames drawn at each look: who has what others lack can give.
const DRAWS_MAX: u32 = 4;
/// Nearer to its deadline only the edge is asked for a frame.
const LAST_CALL_US: u64 = 1_200_000;
/// A partner gives what can wait last of all, and not after `DECLINED_AFTER`: so long, a round trip included, an answer is awaited.
pub(super) const PATIENCE_US: u64 = 900_000;
/// The edge answers at once, but many may ask.
const EDGE_PATIENCE_US: u64 = 400_000;

/// A stretch of frames, of all substreams, that no feeder owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Its first frame.
    pub(super) from: FrameId,
    /// The frame after its last.
    pub(super) until: FrameId,
}

impl Left {
    /// Everything comes by feeds.
    pub(super) const NOTHING: Self = Self { from: FrameId(0), until: FrameId(0) };

    /// What a welcome says, else what was left before in the same run.
    pub(super) fn told(welcome: &Welcome<'_>, before: Option<Self>) -> Self {
        let left = welcome.left_from.map(|from| Self::between(from, welcome.newest.next()));
        left.or(before).unwrap_or(Self::NOTHING)
    }

    /// What lies from `from` on and before `until`.
    pub(super) fn between(from: FrameId, until: FrameId) -> Self {
        Self { from, until: until.max(from) }
    }

    /// Whether a frame is of the stretch.
    pub(super) fn has(&self, frame: FrameId) -> bool {
        (self.from..self.until).contains(&frame)
    }

    /// Whether any frame of it is still to be played.
    const fn is_ahead(&self, playhead: FrameId) -> bool {
        self.from.0 < self.until.0 && playhead.0 < self.until.0
    }

    /// The stretch when a feeder has nothing from `from` to before `until`. A feed that leaves out the beginning of it has gone on at the
    /// live edge, which may have moved meanwhile.
    fn when_left_out(self, from: FrameId, until: FrameId) -> Self {
        let is_of_this = self.from < self.until && from <= self.from && self.from < until;
        if is_of_this { Self { until: self.until.max(until), ..self } } else { self }
    }
}

/// A moment of the last 10 minutes, in hundredths of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(NonZeroU16);

impl Moment {
    const ROUND: u64 = u16::MAX as u64;

    /// The moment of a time.
    pub(super) fn of(now: Instant) -> Self {
        let count = u16::try_from(now.as_micros() / 10_000 % Self::ROUND).unwrap_or(0);
        Self(NonZeroU16::MIN.saturating_add(count))
    }

    /// Whether it is longer than `span` ago.
    pub(super) fn is_before(self, now: Instant, span: Duration) -> bool {
        let count = |moment: Self| u64::from(moment.0.get());
        let age = (count(Self::of(now)) + Self::ROUND - count(self)) % Self::ROUND;
        u128::from(age) * 10 > span.as_millis()
    }
}

/// Whom to ask for a frame of the stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Nobody: an answer is awaited.
    Nobody,
    /// A partner that holds it.
    Partner,
    /// The edge.
    Edge,
}

/// Whom to ask for a frame that is due in `due_us` microseconds, if that is known. A partner has the time to answer before the edge is asked,
/// or the answer would come twice.
const fn turn(due_us: Option<u64>, is_awaited: bool) -> Turn {
    match due_us {
        _ if is_awaited => Turn::Nobody,
        Some(due_us) if due_us <= LAST_CALL_US => Turn::Edge,
        Some(due_us) if due_us < LAST_CALL_US + PATIENCE_US => Turn::Nobody,
        Some(_) | None => Turn::Partner,
    }
}

impl<S: FrameStore> Client<'_, S> {
    fn left(&self) -> Left {
        self.session.as_ref().map_or(Left::NOTHING, |session| session.left)
    }

    /// Whether frames that the edge left to peers are still to be played.
    pub(super) fn is_catching_up(&self) -> bool {
        self.playout.playhead().is_some_and(|playhead| self.left().is_ahead(playhead))
    }

    /// A feeder has nothing from `from` to before `until`: gives what of it peers have.
    pub(super) fn leave_to_peers(&mut self, from: FrameId, until: FrameId) -> Left {
        let Some(session) = &mut self.session else { return Left::NOTHING };
        session.left = session.left.when_left_out(from, until);
        session.left
    }

    /// Asks for frames of the stretch, the next ones first.
    pub(super) fn catch_up(&mut self, now: Instant) {
        if !self.is_catching_up() {
            return;
        }
        self.note_left(now);
        let left = self.left();
        let mut open = self.open_questions(now);
        for index in 0..self.holes.len() {
            let Some(hole) = self.holes.at(index).copied().filter(|hole| left.has(hole.frame)) else {
                continue;
            };
            let due_us = self.playout.deadline_of(hole.frame).map(|deadline| deadline.micros_since(now));
            let (slot, patience_us) = match turn(due_us, hole.again_at > now) {
                Turn::Nobody => continue,
                Turn::Partner => (self.least_busy(hole.frame, hole.asked, &open), PATIENCE_US),
                Turn::Edge => (Some(EDGE), EDGE_PATIENCE_US),
            };
            let Some(slot) = slot.filter(|&slot| self.peer(slot).is_some_and(|peer| peer.is_met())) else {
                continue;
            };
            self.ask(now, index, slot);
            if let Some(hole) = self.holes.at_mut(index) {
                hole.again_at = now + Duration::from_micros(patience_us);
            }
            if let Some(count) = open.get_mut(usize::from(slot)) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Keeps a few frames of the stretch in mind: those that are played next, and others at random, so that those who came together do
    /// not all hold the same.
    fn note_left(&mut self, now: Instant) {
        let left = self.left();
        let first = self.playout.playhead().map_or(left.from, |playhead| playhead.max(left.from));
        let first = self.frames.run_end(first).map_or(first, FrameId::next);
        let mut noted = self.holes.iter().filter(|hole| left.has(hole.frame)).count();
        let (mut id, mut next) = (first, 0);
        while id < left.until && next < NEXT_MAX && noted < OPEN_MAX {
            if self.is_lacking(id) {
                next += 1;
                noted += usize::from(self.note_one(id, now));
            }
            id = id.next();
        }
        for _ in 0..DRAWS_MAX {
            let drawn = first.plus(self.rng.below(left.until.since(first)));
            if noted < OPEN_MAX && left.has(drawn) && self.is_lacking(drawn) && self.is_offered(drawn) {
                noted += usize::from(self.note_one(drawn, now));
            }
        }
    }

    /// Whether a frame is not held, and no feed will bring it.
    fn is_lacking(&self, frame: FrameId) -> bool {
        let Some(session) = &self.session else { return false };
        let substream = session.settings.mapping.substream_of(frame, session.settings.substreams);
        let feed = self.feeds.get(usize::from(substream));
        let mut stretches = feed.into_iter().flat_map(|feed| [feed.tail, feed.current]).flatten();
        let is_owed = stretches.any(|stretch| {
            let is_past = stretch.next >= session.left.from;
            is_past && frame >= stretch.next && stretch.until.is_none_or(|until| frame < until)
        });
        !is_owed && !self.frames.is_complete(frame)
    }

    /// Notes a frame as a hole; `false`: it was, or there is no room.
    fn note_one(&mut self, frame: FrameId, now: Instant) -> bool {
        if self.holes.get(frame).is_some() || self.holes.is_full() {
            return false;
        }
        self.holes.note(frame, now).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(from: u32, until: u32) -> Left {
        Left::between(FrameId(from), FrameId(until))
    }

    #[test]
    fn a_partner_is_asked_while_it_has_the_time_and_then_the_edge() {
        for (due_us, is_awaited, expected) in [
            (None, false, Turn::Partner),
            (Some(LAST_CALL_US + PATIENCE_US), false, Turn::Partner),
            (Some(LAST_CALL_US + PATIENCE_US - 1), false, Turn::Nobody),
            (Some(LAST_CALL_US + 1), false, Turn::Nobody),
            (Some(LAST_CALL_US), false, Turn::Edge),
            (Some(0), false, Turn::Edge),
            (Some(0), true, Turn::Nobody),
            (None, true, Turn::Nobody),
        ] {
            assert_eq!(turn(due_us, is_awaited), expected, "{due_us:?} {is_awaited}");
        }
    }

    #[test]
    fn the_stretch_ends_where_the_feeds_go_on() {
        let cases = [
            ((100, 120), (99, 130), (100, 130), "the live edge moved on"),
            ((100, 120), (99, 110), (100, 120), "what is told in the welcome is the least"),
            ((100, 120), (101, 130), (100, 120), "lost behind the beginning: holes"),
            ((100, 120), (90, 100), (100, 120), "lost before it: holes"),
            ((0, 0), (0, 50), (0, 0), "nothing was left to peers"),
        ];
        for ((from, until), (gap_from, gap_until), (then_from, then_until), why) in cases {
            let then = left(from, until).when_left_out(FrameId(gap_from), FrameId(gap_until));
            assert_eq!(then, left(then_from, then_until), "{why}");
        }
    }

    #[test]
    fn a_stretch_is_over_when_it_is_played() {
        assert!(left(100, 120).is_ahead(FrameId(119)));
        assert!(!left(100, 120).is_ahead(FrameId(120)));
        assert!(!Left::NOTHING.is_ahead(FrameId(0)));
        assert_eq!(
            Left::between(FrameId(5), FrameId(3)),
            left(5, 5),
            "a welcome that says so leaves nothing"
        );
    }

    #[test]
    fn moments_go_round() {
        for start_ms in [0, 655_340, 655_350, 1_310_690] {
            let (start, span) = (Instant::from_millis(start_ms), Duration::from_millis(600));
            let after = |ms| Moment::of(start).is_before(start + Duration::from_millis(ms), span);
            assert!(!after(600) && after(620), "{start_ms}");
        }
    }
}
