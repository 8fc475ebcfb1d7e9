//! Frames that should have come and did not.

use heapless::Vec;

use crate::media::FrameId;
use crate::time::Instant;

/// Holes remembered; further ones are noted when these are dealt with.
const HOLES_MAX: usize = 64;

/// A missing frame, or one with missing fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The frame.
    pub frame: FrameId,
    /// When it was found missing.
    pub noted_at: Instant,
    /// Whom it was asked of last.
    pub asked: Option<u8>,
    /// When to ask again.
    pub again_at: Instant,
    /// How often it was asked for.
    pub tries: u8,
    /// Whether the question still has to be sent.
    pub is_due: bool,
}

/// The holes, lowest frame first.
#[derive(Clone, Debug)]
pub struct Holes {
    list: Vec<Hole, HOLES_MAX>,
}

impl Holes {
    /// None.
    pub const EMPTY: Self = Self { list: Vec::new() };

    /// Notes a missing frame; one that is noted already stays as it is. Gives the frame that finds no room, if one does: this
    /// one, or the one with the furthest deadline that makes room for it.
    pub fn note(&mut self, frame: FrameId, now: Instant) -> Option<FrameId> {
        let place = match self.list.binary_search_by_key(&frame, |hole| hole.frame) {
            Ok(_) => return None,
            Err(place) => place,
        };
        let hole = Hole { frame, noted_at: now, asked: None, again_at: now, tries: 0, is_due: false };
        let mut displaced = None;
        if self.list.is_full() {
            if self.list.last().is_none_or(|last| last.frame < frame) {
                return Some(frame);
            }
            displaced = self.list.pop().map(|last| last.frame);
        }
        // There is room: one was removed when it was full. `insert` would panic past the end, as far as the compiler can tell.
        let _ = self.list.push(hole);
        if let Some(later) = self.list.get_mut(place..).filter(|later| !later.is_empty()) {
            later.rotate_right(1);
        }
        displaced
    }

    /// The hole of a frame.
    #[must_use]
    pub fn get(&self, frame: FrameId) -> Option<&Hole> {
        let place = self.list.binary_search_by_key(&frame, |hole| hole.frame).ok()?;
        self.list.get(place)
    }

    /// A peer does not have it: ask another at once.
    pub fn on_missing(&mut self, frame: FrameId, slot: u8, now: Instant) {
        if let Some(hole) = self.list.iter_mut().find(|hole| hole.frame == frame && hole.asked == Some(slot))
        {
            hole.again_at = now;
        }
    }

    /// Questions to a peer that is gone are free to be asked of others.
    pub fn forget_peer(&mut self, slot: u8) {
        for hole in self.list.iter_mut().filter(|hole| hole.asked == Some(slot)) {
            hole.asked = None;
            hole.is_due = false;
            hole.again_at = hole.noted_at;
        }
    }

    /// Keeps the holes for which `rule` holds.
    pub fn retain(&mut self, rule: impl FnMut(&Hole) -> bool) {
        self.list.retain(rule);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// The holes, lowest frame first.
    pub fn iter(&self) -> impl Iterator<Item = &Hole> {
        self.list.iter()
    }

    /// The holes, lowest frame first.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Hole> {
        self.list.iter_mut()
    }

    /// The hole at a place in that order.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Hole> {
        self.list.get(place)
    }

    /// The hole at a place in that order.
    pub fn at_mut(&mut self, place: usize) -> Option<&mut Hole> {
        self.list.get_mut(place)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether no more can be noted without another giving way.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.list.is_full()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_deadlines_are_kept() {
        let mut holes = Holes::EMPTY;
        let mut without_room = std::vec::Vec::new();
        for id in (0..100).rev() {
            without_room.extend(holes.note(FrameId(id), Instant::ZERO));
        }
        assert!(holes.iter().map(|hole| hole.frame.0).eq(0..64));
        assert!(without_room.iter().map(|frame| frame.0).eq((64..100).rev()), "{without_room:?}");
        assert_eq!(holes.note(FrameId(70), Instant::ZERO), Some(FrameId(70)));
        assert_eq!(holes.note(FrameId(63), Instant::ZERO), None, "it is noted already");
    }

    #[test]
    fn noting_twice_keeps_the_first_time() {
        let mut holes = Holes::EMPTY;
        holes.note(FrameId(3), Instant::from_millis(1));
        holes.note(FrameId(3), Instant::from_millis(2));
        assert_eq!(holes.get(FrameId(3)).map(|hole| hole.noted_at), Some(Instant::from_millis(1)));
    }

    fn asked(frame: u32, slot: u8) -> Holes {
        let mut holes = Holes::EMPTY;
        for id in [frame, frame + 1] {
            holes.note(FrameId(id), Instant::from_millis(1));
        }
        for (hole, of) in holes.iter_mut().zip([slot, slot + 1]) {
            (hole.asked, hole.is_due, hole.again_at) = (Some(of), true, Instant::from_millis(900));
        }
        holes
    }

    #[test]
    fn only_the_peer_that_was_asked_can_say_that_it_has_nothing() {
        let mut holes = asked(3, 7);
        let again = |holes: &Holes| holes.get(FrameId(3)).map(|hole| hole.again_at);
        holes.on_missing(FrameId(3), 9, Instant::from_millis(5));
        holes.on_missing(FrameId(4), 7, Instant::from_millis(5));
        assert_eq!(again(&holes), Some(Instant::from_millis(900)));
        holes.on_missing(FrameId(3), 7, Instant::from_millis(5));
        assert_eq!(again(&holes), Some(Instant::from_millis(5)));
        assert_eq!(holes.get(FrameId(4)).map(|hole| hole.again_at), Some(Instant::from_millis(900)));
    }

    #[test]
    fn what_a_peer_that_left_was_asked_for_is_asked_of_others() {
        let mut holes = asked(3, 7);
        holes.forget_peer(7);
        assert_eq!(holes.get(FrameId(3)).map(|hole| (hole.asked, hole.is_due)), Some((None, false)));
        assert_eq!(holes.get(FrameId(4)).map(|hole| (hole.asked, hole.is_due)), Some((Some(8), true)));
        holes.retain(|hole| hole.frame == FrameId(4));
        assert_eq!(holes.len(), 1);
        holes.clear();
        assert!(holes.is_empty());
    }
}
