//! Pull: fragments a client asks for by name.

use crate::endpoint::Reject;
use crate::media::FrameId;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::PullItem;

use super::machine::Edge;

/// Requests of one client that wait. A client that asks for more at once asks again.
const PULLS_MAX: usize = 8;

/// What a queue gives out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    /// Send this fragment.
    Fragment(FrameId, u16),
    /// Say that the frame is not held.
    Missing(FrameId),
}

/// Requests in the order they came. Empty items ask for nothing.
#[derive(Debug)]
pub(super) struct PullQueue {
    items: [PullItem; PULLS_MAX],
    len: u8,
}

impl PullQueue {
    const NOTHING: PullItem = PullItem { frame: FrameId(0), first: 0, wanted: 0 };
    pub(super) const EMPTY: Self = Self { items: [Self::NOTHING; PULLS_MAX], len: 0 };

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Queues a request, merged into one for the same fragments. `false`: no room.
    pub(super) fn push(&mut self, item: PullItem) -> bool {
        if item.wanted == 0 {
            return true;
        }
        let len = usize::from(self.len);
        let same =
            self.items.iter_mut().take(len).find(|held| held.frame == item.frame && held.first == item.first);
        if let Some(held) = same {
            held.wanted |= item.wanted;
            return true;
        }
        let Some(place) = self.items.get_mut(len) else { return false };
        *place = item;
        self.len = self.len.saturating_add(1);
        true
    }

    /// Takes the next fragment; `count_of` says how many fragments a frame has, if it is held.
    pub(super) fn pop(&mut self, count_of: impl Fn(FrameId) -> Option<u16>) -> Option<Pulled> {
        while !self.is_empty() {
            let item = self.items.first_mut()?;
            let frame = item.frame;
            let Some(count) = count_of(frame) else {
                self.drop_first();
                return Some(Pulled::Missing(frame));
            };
            let fragment = take_fragment(item, count);
            if item.wanted == 0 || item.first >= count {
                self.drop_first();
            }
            if let Some(fragment) = fragment {
                return Some(Pulled::Fragment(frame, fragment));
            }
        }
        None
    }

    fn drop_first(&mut self) {
        self.items.rotate_left(1);
        self.len = self.len.saturating_sub(1);
    }
}

/// The lowest fragment an item still asks for. All bits set stand for everything from `first` on: they stay set.
fn take_fragment(item: &mut PullItem, count: u16) -> Option<u16> {
    if item.wanted == u64::MAX {
        let fragment = item.first;
        item.first = item.first.saturating_add(1);
        return (fragment < count).then_some(fragment);
    }
    let lowest = u16::try_from(item.wanted.trailing_zeros()).ok()?;
    item.wanted &= item.wanted.wrapping_sub(1);
    item.first.checked_add(lowest).filter(|&fragment| fragment < count)
}

impl<S: FrameStore> Edge<'_, S> {
    pub(super) fn on_pull(&mut self, now: Instant, slot: u32, items: &[PullItem]) -> Result<(), Reject> {
        // What a client lacks because it was set aside is skipped; its partners may have it.
        let Some(from) = self.clients.at(slot).map(|client| client.pulls_from) else {
            return Err(Reject::UnknownPeer);
        };
        let Some(record) = self.record_mut(slot) else { return Err(Reject::UnknownPeer) };
        let answered = items.iter().filter(|item| item.frame >= from);
        let refused = answered.filter(|item| !record.pulls.push(**item)).count();
        let has_pulls = !record.pulls.is_empty();
        if let Some(client) = self.clients.at_mut(slot) {
            client.has_pulls = has_pulls;
        }
        self.refresh(now, slot);
        if refused == 0 { Ok(()) } else { Err(Reject::Full) }
    }
}
