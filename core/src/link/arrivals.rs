//! The receiving side of a link: a window over the packet numbers that arrived, and when to acknowledge them.

use core::time::Duration;

use crate::endpoint::Reject;
use crate::limits::ACK_RUNS_MAX;
use crate::time::Instant;
use crate::wire::control::Ack;

/// Packets the window looks back: what a 4 Mbit/s burst at 4 x rate brings in 70 ms, twice what may wait unacknowledged.
const WINDOW_PACKETS: u32 = 128;
/// Packets that may wait before an acknowledgement goes at once (docs/wire.md, "Acknowledgement and loss").
const WAITING_MAX: u8 = 32;
/// Time between acknowledgements that gaps call for: a burst that arrives out of order is one event, not one a packet.
const GAP_ACK_EVERY_US: u32 = 5_000;
/// A packet number further ahead than this is no gap but nonsense.
const JUMP_MAX: u32 = 1 << 16;

/// Which packets arrived, newest 128.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// Bit i: packet `largest - i` arrived. Zero: none ever did.
    window: u128,
    largest: u32,
    one_way_us: u32,
    largest_at: Instant,
    due: Instant,
    /// When it last acknowledged, in wire time.
    acked_us: u32,
    waiting: u8,
}

impl Arrivals {
    /// Nothing arrived.
    pub const EMPTY: Self = Self {
        window: 0,
        largest: 0,
        one_way_us: 0,
        largest_at: Instant::ZERO,
        due: Instant::ZERO,
        acked_us: 0,
        waiting: 0,
    };

    /// Notes a packet, to be acknowledged within `ack_delay`, at once when it leaves or fills a gap.
    ///
    /// # Errors
    /// `Duplicate`; `Stale` below the window; `Unexpected` when the number is absurdly far ahead.
    pub fn on_data(
        &mut self,
        now: Instant,
        packet: u32,
        sent_us: u32,
        ack_delay: Duration,
    ) -> Result<(), Reject> {
        let is_in_order = if self.window == 0 {
            self.on_largest(now, packet, sent_us);
            self.window = 1;
            packet == 0
        } else if packet > self.largest {
            let step = packet.wrapping_sub(self.largest);
            if step > JUMP_MAX {
                return Err(Reject::Unexpected);
            }
            self.window = self.window.checked_shl(step).unwrap_or(0) | 1;
            self.on_largest(now, packet, sent_us);
            step == 1
        } else {
            let back = self.largest.wrapping_sub(packet);
            let bit = 1_u128.checked_shl(back).unwrap_or(0);
            if bit == 0 || back >= WINDOW_PACKETS {
                return Err(Reject::Stale);
            }
            if self.window & bit != 0 {
                return Err(Reject::Duplicate);
            }
            self.window |= bit;
            false
        };
        let due = if is_in_order && self.waiting < WAITING_MAX {
            now + ack_delay
        } else {
            let since_us = now.wire_us().wrapping_sub(self.acked_us);
            now.plus_micros(u64::from(GAP_ACK_EVERY_US.saturating_sub(since_us)))
        };
        self.due = if self.waiting == 0 { due } else { self.due.min(due) };
        self.waiting = self.waiting.saturating_add(1);
        Ok(())
    }

    fn on_largest(&mut self, now: Instant, packet: u32, sent_us: u32) {
        self.largest = packet;
        self.largest_at = now;
        self.one_way_us = now.wire_us().wrapping_sub(sent_us);
    }

    /// When an acknowledgement has to go; `None`: nothing waits.
    #[must_use]
    pub fn ack_deadline(&self) -> Option<Instant> {
        (self.waiting > 0).then_some(self.due)
    }

    /// Writes the acknowledgement of what waits; `None` when nothing does.
    pub fn write_ack<'b>(&mut self, now: Instant, runs: &'b mut [u8; ACK_RUNS_MAX]) -> Option<Ack<'b>> {
        if self.waiting == 0 {
            return None;
        }
        self.waiting = 0;
        self.acked_us = now.wire_us();
        let count = write_runs(self.window, runs);
        Some(Ack {
            largest: self.largest,
            delay_us: u32::try_from(now.micros_since(self.largest_at)).unwrap_or(u32::MAX),
            one_way_us: self.one_way_us,
            runs: runs.get(..count).unwrap_or(&[]),
        })
    }
}

/// Writes a window as alternating run lengths from its lowest bit up, the first of ones; says how many.
fn write_runs(window: u128, runs: &mut [u8; ACK_RUNS_MAX]) -> usize {
    let mut rest = window;
    let mut count = 0;
    for run in runs.iter_mut() {
        if rest == 0 {
            break;
        }
        let is_received = count % 2 == 0;
        let len = if is_received { rest.trailing_ones() } else { rest.trailing_zeros() };
        *run = u8::try_from(len).unwrap_or(u8::MAX);
        rest = rest.checked_shr(len).unwrap_or(0);
        count += 1;
    }
    count
}

/// The window a list of runs stands for: bit i is packet `largest - i`. Runs past the window are cut off.
pub(super) fn read_runs(runs: &[u8]) -> u128 {
    let mut window = 0_u128;
    let mut start = 0_u32;
    for (index, &run) in runs.iter().enumerate() {
        if start >= WINDOW_PACKETS {
            break;
        }
        let len = u32::from(run).min(WINDOW_PACKETS - start);
        if index % 2 == 0 && len > 0 {
            window |= (u128::MAX >> (WINDOW_PACKETS - len)) << start;
        }
        start += len;
    }
    window
}
