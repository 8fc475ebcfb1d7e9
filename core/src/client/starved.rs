//! A feed that is late through no fault of its feeder: the feeder says so, its children pull and stay, and only the hop that broke
//! looks for another feeder (docs/wire.md, "Feeds").

use core::time::Duration;

use super::machine::Client;
use super::peer::{EDGE, bit, slot_bit, slots_of};
use super::suspicion::next_beat;
use crate::endpoint::Reject;
use crate::media::FrameId;
use crate::store::FrameStore;
use crate::time::Instant;

/// A feed this late is told to the children, and as often as this: they lose patience after three times as long.
const STARVED: Duration = Duration::from_millis(500);
/// Children are patient this long after each time they were told.
const PATIENCE: Duration = Duration::from_secs(3);
/// No longer than until what is missing is due within this time.
const ENDANGERED: Duration = Duration::from_secs(1);
/// What is this old is pulled, or a quarter of the target buffer if that is less: by then a broken hop is repaired as a rule, and its
/// feeder sends what was missed.
const PULL_AGE_MAX: Duration = Duration::from_secs(1);

impl<S: FrameStore> Client<'_, S> {
    /// Tells the children of a substream when nothing comes of it.
    pub(super) fn check_starved(&mut self, now: Instant, substream: u8) {
        let Some(settings) = self.session.as_ref().map(|session| session.settings) else { return };
        let Some(feed) = self.feeds.get(usize::from(substream)) else { return };
        let is_fed = feed.current.is_some_and(|stretch| {
            let due_at = next_beat(&settings, substream, stretch.next, stretch.heard_at, stretch.heard_at);
            now < due_at + STARVED
        });
        let told_at = feed.starved_at;
        let is_due = !is_fed && (told_at == Instant::ZERO || now.since(told_at) >= STARVED);
        if !is_fed && !is_due {
            return;
        }
        if let Some(feed) = self.feed_mut(substream) {
            feed.starved_at = if is_fed { Instant::ZERO } else { now };
        }
        for slot in slots_of(if is_due { self.known & !slot_bit(EDGE) } else { 0 }) {
            if let Some(peer) = self.peer_mut(slot).filter(|peer| peer.children & bit(substream) != 0) {
                peer.has_starved_due = true;
                self.owing |= slot_bit(slot);
            }
        }
    }

    /// A feeder lacks the frames of a substream from `since` on itself.
    pub(super) fn on_starved(
        &mut self,
        now: Instant,
        slot: u8,
        substream: u8,
        since: FrameId,
    ) -> Result<(), Reject> {
        let Some(session) = &self.session else { return Err(Reject::Unexpected) };
        let (settings, newest) = (session.settings, session.newest);
        let deadline = self.playout.deadline_of(since);
        let Some(feed) = self.feed_mut(substream).filter(|feed| slot != EDGE && feed.is_from(slot)) else {
            return Err(Reject::Stale);
        };
        feed.patient_until = patient_until(now, deadline);
        let from = feed.current.map_or(since, |stretch| stretch.next.max(since));
        let age = PULL_AGE_MAX.min(settings.target_buffer() / 4);
        self.note_holes(now, substream, from, newest.minus(settings.frames_in(age)));
        Ok(())
    }

    /// Whether the feeder of a substream said of late that it is not to blame.
    pub(super) fn is_patient(&self, now: Instant, substream: u8) -> bool {
        self.feeds.get(usize::from(substream)).is_some_and(|feed| now < feed.patient_until)
    }
}

/// Until when a feeder is borne with that lacks a frame due at `deadline`.
fn patient_until(now: Instant, deadline: Option<Instant>) -> Instant {
    let left = deadline.map_or(Duration::ZERO, |deadline| deadline.since(now));
    now + PATIENCE.min(left.saturating_sub(ENDANGERED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_before_the_picture_is_in_danger() {
        let now = Instant::from_millis(10_000);
        let until = |deadline_ms: Option<u64>| {
            patient_until(now, deadline_ms.map(Instant::from_millis)).micros_since(now) / 1_000
        };
        assert_eq!(until(Some(25_000)), 3_000);
        assert_eq!(until(Some(12_500)), 1_500);
        assert_eq!(until(Some(11_000)), 0);
        assert_eq!(until(Some(9_000)), 0, "past");
        assert_eq!(until(None), 0, "nothing is played yet: as soon as possible");
    }
}
