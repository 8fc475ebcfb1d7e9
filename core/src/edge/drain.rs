//! Going down without a stall: nobody is let in, and the clients are sent to other edges one after the other
//! (`docs/wire.md`, "Other edges").

use core::net::SocketAddr;
use core::time::Duration;

use crate::store::{FrameStore, as_many_as_fit};
use crate::time::Instant;
use crate::wire::control::LeaveReason;

use super::channel::ChannelId;
use super::events::EdgeEvent;
use super::machine::Edge;

/// Clients are told at most so far apart: a few need not wait for each other.
const EVERY_MAX: Duration = Duration::from_millis(100);
/// Who is still there after all were told is told again, for its word may be lost.
const AGAIN: Duration = Duration::from_secs(1);

/// How far the clients were told to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drain {
    /// When those who are still there are told to leave; `None`: they were.
    until: Option<Instant>,
    /// When the next client is told.
    next_at: Instant,
    every: Duration,
    next_slot: u32,
}

impl Drain {
    /// Half of the time is for telling everybody once, the rest for going.
    fn new(now: Instant, until: Instant, clients: u32) -> Self {
        let every = until.since(now).checked_div(clients.max(1).saturating_mul(2)).unwrap_or(EVERY_MAX);
        let every = every.max(Duration::from_millis(1)).min(EVERY_MAX);
        Self { until: Some(until), next_at: now, every, next_slot: 0 }
    }

    fn deadline(&self) -> Option<Instant> {
        self.until.map(|until| until.min(self.next_at))
    }
}

impl<S: FrameStore> Edge<'_, S> {
    /// Lets nobody in any more and hands the clients over to `alternatives`, the least loaded first, or those of the settings when
    /// there are none. Each is asked to go, not all at once, and fed until it is fed elsewhere; who is still there at `until` is told to
    /// leave. [`EdgeEvent::Drained`] says when nobody is left. Publishers are not told: that is the owner's part, as is
    /// [`Edge::shutdown`] afterwards. Said again, it takes the new bounds.
    pub fn drain(&mut self, now: Instant, until: Instant, alternatives: &[SocketAddr]) {
        if !alternatives.is_empty() {
            self.set_alternatives(alternatives);
        }
        self.is_draining = true;
        self.drain = Some(Drain::new(now, until, self.clients.len()));
        self.tell_if_drained();
    }

    /// Which other edges a client that is refused or handed over may try, the least loaded first; more than fit are left out.
    pub fn set_alternatives(&mut self, alternatives: &[SocketAddr]) {
        self.config.alternatives = as_many_as_fit(alternatives.iter().copied());
    }

    pub(super) fn drain_deadline(&self) -> Option<Instant> {
        self.drain.as_ref().and_then(Drain::deadline)
    }

    pub(super) fn on_drain_due(&mut self, now: Instant) {
        let Some(drain) = self.drain.filter(|drain| drain.deadline().is_some_and(|at| at <= now)) else {
            return;
        };
        if drain.until.is_some_and(|until| until <= now) {
            self.drain = Some(Drain { until: None, ..drain });
            for id in (0..self.channels.len()).filter_map(|index| u8::try_from(index).ok()) {
                self.dismiss(now, ChannelId(id), LeaveReason::Draining);
            }
            return;
        }
        let next = self.clients.first_from(drain.next_slot);
        self.drain = Some(match next {
            Some(handle) => {
                self.ask_to_go(now, handle.slot);
                Drain { next_slot: handle.slot.saturating_add(1), next_at: now + drain.every, ..drain }
            }
            None => Drain { next_slot: 0, next_at: now + AGAIN, ..drain },
        });
    }

    fn ask_to_go(&mut self, now: Instant, slot: u32) {
        if self.config.alternatives.is_empty() {
            return;
        }
        if let Some(client) = self.clients.at_mut(slot) {
            client.pending.redirect = true;
        }
        self.refresh(now, slot);
    }

    /// To be called when a client went.
    pub(super) fn tell_if_drained(&mut self) {
        if self.drain.is_some() && self.clients.is_empty() {
            self.drain = None;
            self.events.push(EdgeEvent::Drained, &mut self.stats);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_within_half_the_time_and_not_all_at_once() {
        let now = Instant::from_millis(500);
        let every_ms = |span_ms: u64, clients: u32| {
            Drain::new(now, Instant::from_millis(500 + span_ms), clients).every.as_micros()
        };
        for (span_ms, clients, every_us) in [
            (10_000, 20, 100_000),
            (10_000, 50, 100_000),
            (10_000, 100, 50_000),
            (10_000, 4_000, 1_250),
            (10_000, 65_000, 1_000),
            (0, 10, 1_000),
            (10_000, 0, 100_000),
        ] {
            assert_eq!(every_ms(span_ms, clients), every_us, "{span_ms} ms, {clients} clients");
        }
    }
}
