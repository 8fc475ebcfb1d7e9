//! A link: both directions to one peer.

use core::time::Duration;

use super::arrivals::{Arrivals, read_runs};
use super::delay::QueueDelay;
use super::rtt::Rtt;
use super::sent::SentWindow;
use crate::endpoint::Reject;
use crate::limits::ACK_RUNS_MAX;
use crate::media::FrameId;
use crate::time::Instant;
use crate::wire::control::Ack;

/// The longest a receiver may hold an acknowledgement back (docs/wire.md).
const ACK_DELAY_MAX: Duration = Duration::from_millis(200);
/// Beyond that, an acknowledgement may be late by timers and queues at both ends: repeating a packet too early costs more than
/// noticing a silent peer a little later.
const ACK_SLACK: Duration = Duration::from_millis(100);
/// Backoff of the probe timeout stops doubling here: a peer is silent for good after 3 s.
const PROBES_MAX: u8 = 3;

/// State of a link to one peer, 2 KiB at most. `EMPTY` is all zero bits.
#[derive(Clone, Debug)]
pub struct Link {
    arrivals: Arrivals,
    sent: SentWindow,
    rtt: Rtt,
    queue: QueueDelay,
    largest_acked: Option<u32>,
    /// When a packet overtaken by an acknowledged one counts as lost.
    overtaken_at: Option<Instant>,
    last_heard: Instant,
    last_sent: Instant,
    probes: u8,
}

/// What an acknowledgement brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acked {
    /// Fragments acknowledged for the first time.
    pub newly: u32,
    /// Fragments now taken as lost.
    pub lost: u32,
    /// Queueing delay on the way there in microseconds, when it tells of one.
    pub queue_us: Option<u32>,
}

impl Link {
    /// A link nothing has passed over.
    pub const EMPTY: Self = Self {
        arrivals: Arrivals::EMPTY,
        sent: SentWindow::EMPTY,
        rtt: Rtt::EMPTY,
        queue: QueueDelay::EMPTY,
        largest_acked: None,
        overtaken_at: None,
        last_heard: Instant::ZERO,
        last_sent: Instant::ZERO,
        probes: 0,
    };

    /// Notes that any datagram came from the peer.
    pub fn on_heard(&mut self, now: Instant) {
        self.last_heard = now;
    }

    /// Notes a data packet; it is acknowledged within `ack_delay`.
    ///
    /// # Errors
    /// `Duplicate`, `Stale` or `Unexpected` as [`Arrivals::on_data`].
    pub fn on_data(
        &mut self,
        now: Instant,
        packet: u32,
        sent_us: u32,
        ack_delay: Duration,
    ) -> Result<(), Reject> {
        self.arrivals.on_data(now, packet, sent_us, ack_delay)
    }

    /// Writes the acknowledgement of what waits; `None` when nothing does.
    pub fn write_ack<'b>(&mut self, now: Instant, runs: &'b mut [u8; ACK_RUNS_MAX]) -> Option<Ack<'b>> {
        self.arrivals.write_ack(now, runs)
    }

    /// Numbers a data packet that carries this fragment and is sent now.
    pub fn on_sent(&mut self, now: Instant, frame: FrameId, fragment: u16) -> u32 {
        let packet = self.sent.on_sent(now, frame, fragment);
        self.last_sent = now;
        packet
    }

    fn probe_at(&self) -> Instant {
        let probe_us = u64::from(self.rtt.probe_us(ACK_DELAY_MAX.saturating_add(ACK_SLACK)))
            << self.probes.min(PROBES_MAX);
        self.last_sent.plus_micros(probe_us)
    }

    /// Forgets what is under way or lost, for a sender that starts over; packet numbers go on.
    pub fn forget_all(&mut self) {
        self.sent.forget_all();
        self.overtaken_at = None;
    }

    /// Takes in an acknowledgement.
    ///
    /// # Errors
    /// `Unexpected` when it names a packet never sent.
    pub fn on_ack(&mut self, now: Instant, ack: &Ack<'_>) -> Result<Acked, Reject> {
        if ack.largest >= self.sent.next_packet() {
            return Err(Reject::Unexpected);
        }
        let settled = self.sent.on_ack(now, ack.largest, read_runs(ack.runs));
        let queue_us = settled.largest_age_us.map(|age_us| {
            self.rtt.on_sample(age_us, ack.delay_us);
            self.queue.on_sample(now, ack.one_way_us)
        });
        if settled.is_spurious {
            self.rtt.on_spurious_loss();
        }
        if settled.newly_acked > 0 {
            self.probes = 0;
        }
        let largest = self.largest_acked.map_or(ack.largest, |earlier| earlier.max(ack.largest));
        self.largest_acked = Some(largest);
        let lost = self.detect_loss(now);
        Ok(Acked { newly: settled.newly_acked, lost, queue_us })
    }

    fn detect_loss(&mut self, now: Instant) -> u32 {
        let Some(largest) = self.largest_acked else { return 0 };
        let (lost, next) = self.sent.detect_loss(now, largest, self.rtt.loss_us());
        self.overtaken_at = next;
        lost
    }

    /// Lets the loss deadline fire; gives how many fragments are now lost.
    pub fn on_loss_timeout(&mut self, now: Instant) -> u32 {
        if self.loss_deadline().is_none_or(|at| at > now) {
            return 0;
        }
        let mut lost = self.detect_loss(now);
        if self.loss_deadline().is_some_and(|at| at <= now) {
            lost += self.sent.lose_open(self.probes > 0);
            self.probes = self.probes.saturating_add(1);
            // The next probe counts from here, or a link that may not send would fire at once again.
            self.last_sent = now;
        }
        lost
    }

    /// Takes the oldest lost fragment: the caller sends it again or lets it go.
    pub fn next_lost(&mut self) -> Option<(FrameId, u16)> {
        self.sent.next_lost()
    }

    /// Takes in a round trip measured by a question and its answer.
    pub fn on_rtt_sample(&mut self, sample: Duration) {
        self.rtt.on_sample(u32::try_from(sample.as_micros()).unwrap_or(u32::MAX), 0);
    }

    /// When an acknowledgement has to go.
    #[must_use]
    pub fn ack_deadline(&self) -> Option<Instant> {
        self.arrivals.ack_deadline()
    }

    /// When packets under way may be lost.
    #[must_use]
    pub fn loss_deadline(&self) -> Option<Instant> {
        if self.sent.in_flight() == 0 {
            return None;
        }
        let probe_at = self.probe_at();
        Some(self.overtaken_at.map_or(probe_at, |at| at.min(probe_at)))
    }

    /// Whether lost fragments wait to be sent again.
    #[must_use]
    pub const fn has_lost(&self) -> bool {
        self.sent.lost() > 0
    }

    /// Fragments under way.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.sent.in_flight()
    }

    /// Whether any fragment was ever acknowledged.
    #[must_use]
    pub const fn has_acked(&self) -> bool {
        self.largest_acked.is_some()
    }

    /// Probe timeouts since the last acknowledgement.
    #[must_use]
    pub const fn probes(&self) -> u8 {
        self.probes
    }

    /// The round trip.
    #[must_use]
    pub const fn rtt(&self) -> &Rtt {
        &self.rtt
    }

    /// When a datagram last came from the peer.
    #[must_use]
    pub const fn last_heard(&self) -> Instant {
        self.last_heard
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::EMPTY
    }
}
