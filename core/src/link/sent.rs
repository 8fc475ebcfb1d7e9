//! The sending side of a link: what is under way, what is lost.
//!
//! One record holds up to 32 consecutive fragments of one frame sent together under consecutive packet numbers, so that a
//! record needs one number of each and two masks. 64 records serve any bitrate: a record is a frame or 36 KB, whichever is less.

use crate::media::FrameId;
use crate::time::Instant;

/// Records of a link.
const RECORDS: usize = 64;
/// Packets given up that are remembered, to learn that they came after all.
const RESENT_MAX: usize = 8;
/// Fragments of one record: a mask of them is 32 bits.
const RECORD_FRAGMENTS_MAX: u8 = 32;
/// Fragments of one record are sent within this time, or its one send time would blur the round trip.
const RECORD_SPAN_US: u32 = 5_000;

#[derive(Clone, Copy, Debug)]
struct Record {
    first_packet: u32,
    frame: FrameId,
    /// Bit i: fragment `first_fragment + i`, sent as packet `first_packet + i`, is neither acknowledged nor given up.
    open: u32,
    /// Likewise: is lost and not yet sent again.
    lost: u32,
    sent_us: u32,
    first_fragment: u16,
    count: u8,
}

impl Record {
    const EMPTY: Self = Self {
        first_packet: 0,
        frame: FrameId(0),
        open: 0,
        lost: 0,
        sent_us: 0,
        first_fragment: 0,
        count: 0,
    };

    const fn is_done(&self) -> bool {
        self.open | self.lost == 0
    }

    /// The bits of packets below `packet`.
    fn below(&self, packet: u32) -> u32 {
        let count = packet.saturating_sub(self.first_packet);
        1_u32.checked_shl(count).map_or(u32::MAX, |bit| bit - 1)
    }

    /// The bits of packets that `window` (bit i: packet `largest - i`) names.
    fn named_by(&self, largest: u32, window: u128) -> u32 {
        let Some(first_bit) = largest.checked_sub(self.first_packet) else { return 0 };
        // The window's bits go down where packets go up: the 32 bits that end with the first packet's, turned round.
        let bits = match first_bit.checked_sub(31) {
            Some(lowest) => window.checked_shr(lowest).unwrap_or(0),
            None => window << (31 - first_bit),
        };
        let [low @ .., _, _, _, _, _, _, _, _, _, _, _, _] = bits.to_le_bytes();
        let named = u32::from_le_bytes(low).reverse_bits();
        named & 1_u32.checked_shl(u32::from(self.count)).map_or(u32::MAX, |bit| bit - 1)
    }
}

/// The packets under way on a link.
#[derive(Clone, Debug)]
pub struct SentWindow {
    records: [Record; RECORDS],
    /// Index of the oldest record.
    head: u16,
    len: u16,
    next_packet: u32,
    in_flight: u32,
    lost: u32,
    overflowed: u32,
    /// The last packets whose fragments were sent again, plus one; 0: none.
    resent: [u32; RESENT_MAX],
    resent_count: u32,
}

/// What an acknowledgement changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Fragments acknowledged by it for the first time.
    pub(super) newly_acked: u32,
    /// Age in microseconds of the largest packet, when it was acknowledged just now.
    pub(super) largest_age_us: Option<u32>,
    /// Whether a packet that was given up had arrived: it was late, not lost.
    pub(super) is_spurious: bool,
}

impl SentWindow {
    /// Nothing sent.
    pub const EMPTY: Self = Self {
        records: [Record::EMPTY; RECORDS],
        head: 0,
        len: 0,
        next_packet: 0,
        in_flight: 0,
        lost: 0,
        overflowed: 0,
        resent: [0; RESENT_MAX],
        resent_count: 0,
    };

    /// The number the next packet gets.
    #[must_use]
    pub const fn next_packet(&self) -> u32 {
        self.next_packet
    }

    /// Fragments neither acknowledged nor taken as lost.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Lost fragments waiting to be sent again.
    #[must_use]
    pub const fn lost(&self) -> u32 {
        self.lost
    }

    /// Fragments forgotten because all records were in use; only a pull can bring them.
    #[must_use]
    pub const fn overflowed(&self) -> u32 {
        self.overflowed
    }

    fn position(&self, index: u16) -> usize {
        usize::from(self.head.wrapping_add(index)) % RECORDS
    }

    fn record_mut(&mut self, index: u16) -> Option<&mut Record> {
        let position = self.position(index);
        self.records.get_mut(position)
    }

    /// Forgets what is under way or lost; packet numbers go on.
    pub(super) fn forget_all(&mut self) {
        self.len = 0;
        self.in_flight = 0;
        self.lost = 0;
    }

    /// Notes a packet and gives its number.
    pub(super) fn on_sent(&mut self, now: Instant, frame: FrameId, fragment: u16) -> u32 {
        let packet = self.next_packet;
        self.next_packet = self.next_packet.wrapping_add(1);
        self.in_flight += 1;
        if let Some(last) = self.len.checked_sub(1).and_then(|index| self.record_mut(index)) {
            let is_next = fragment == last.first_fragment.wrapping_add(u16::from(last.count));
            let is_recent = now.wire_us().wrapping_sub(last.sent_us) < RECORD_SPAN_US;
            if last.frame == frame && is_next && last.count < RECORD_FRAGMENTS_MAX && is_recent {
                last.open |= 1 << last.count;
                last.count += 1;
                return packet;
            }
        }
        self.push(Record {
            first_packet: packet,
            frame,
            open: 1,
            lost: 0,
            sent_us: now.wire_us(),
            first_fragment: fragment,
            count: 1,
        });
        packet
    }

    fn push(&mut self, record: Record) {
        if usize::from(self.len) == RECORDS {
            let (open, lost) = self
                .record_mut(0)
                .map_or((0, 0), |oldest| (oldest.open.count_ones(), oldest.lost.count_ones()));
            self.in_flight = self.in_flight.saturating_sub(open);
            self.lost = self.lost.saturating_sub(lost);
            self.overflowed = self.overflowed.saturating_add(open + lost);
            self.drop_oldest();
        }
        let index = self.len;
        if let Some(slot) = self.record_mut(index) {
            *slot = record;
            self.len += 1;
        }
    }

    fn drop_oldest(&mut self) {
        self.head = u16::try_from(self.position(1)).unwrap_or(0);
        self.len = self.len.saturating_sub(1);
    }

    fn trim(&mut self) {
        while self.len > 0 && self.record_mut(0).is_none_or(|record| record.is_done()) {
            self.drop_oldest();
        }
    }

    /// Settles what `window` (bit i: packet `largest - i`) says arrived.
    pub(super) fn on_ack(&mut self, now: Instant, largest: u32, window: u128) -> Settled {
        let mut settled = Settled { is_spurious: self.take_spurious(largest, window), ..Settled::default() };
        for index in 0..self.len {
            let Some(record) = self.record_mut(index).filter(|record| !record.is_done()) else { continue };
            if record.first_packet > largest {
                break;
            }
            let acked = record.named_by(largest, window) & (record.open | record.lost);
            let (open, lost) = (record.open & acked, record.lost & acked);
            let holds_largest = acked & !record.below(largest) & record.below(largest.saturating_add(1)) != 0;
            let age_us = now.wire_us().wrapping_sub(record.sent_us);
            record.open ^= open;
            record.lost ^= lost;
            if holds_largest {
                settled.largest_age_us = Some(age_us);
            }
            settled.newly_acked += acked.count_ones();
            self.in_flight = self.in_flight.saturating_sub(open.count_ones());
            self.lost = self.lost.saturating_sub(lost.count_ones());
        }
        self.trim();
        settled
    }

    fn remember_resent(&mut self, packet_plus_one: u32) {
        let place = self.resent_count as usize % RESENT_MAX;
        self.resent_count = self.resent_count.wrapping_add(1);
        if let Some(resent) = self.resent.get_mut(place) {
            *resent = packet_plus_one;
        }
    }

    /// Whether a packet given up is acknowledged; each is told once.
    fn take_spurious(&mut self, largest: u32, window: u128) -> bool {
        let mut is_spurious = false;
        for resent in &mut self.resent {
            let Some(packet) = resent.checked_sub(1).filter(|&packet| packet <= largest) else { continue };
            if window & 1_u128.checked_shl(largest - packet).unwrap_or(0) != 0 {
                *resent = 0;
                is_spurious = true;
            }
        }
        is_spurious
    }

    /// Takes as lost what was sent `loss_us` ago, before a packet that arrived; gives how many, and when the next may be.
    ///
    /// There is no packet threshold (RFC 9002 clause 6.1.1): the packets of a burst leave together and overtake each other on
    /// any path with jitter; time tells loss from reordering, as in RFC 8985.
    pub(super) fn detect_loss(&mut self, now: Instant, largest: u32, loss_us: u32) -> (u32, Option<Instant>) {
        let mut count = 0;
        let mut next: Option<Instant> = None;
        for index in 0..self.len {
            let Some(record) = self.record_mut(index).filter(|record| record.open != 0) else { continue };
            if record.first_packet > largest {
                break;
            }
            let age_us = now.wire_us().wrapping_sub(record.sent_us);
            let overtaken = record.open & record.below(largest);
            let is_late = age_us >= loss_us;
            let lost = if is_late { overtaken } else { 0 };
            if overtaken != lost {
                let at = now.plus_micros(u64::from(loss_us.wrapping_sub(age_us)));
                next = Some(next.map_or(at, |earlier| earlier.min(at)));
            }
            record.open ^= lost;
            record.lost |= lost;
            count += lost.count_ones();
        }
        self.in_flight = self.in_flight.saturating_sub(count);
        self.lost += count;
        (count, next)
    }

    /// Takes the records still open as lost: all of them, or only the newest as a probe.
    pub(super) fn lose_open(&mut self, only_newest: bool) -> u32 {
        let mut count = 0;
        for index in (0..self.len).rev() {
            let Some(record) = self.record_mut(index).filter(|record| record.open != 0) else { continue };
            count += record.open.count_ones();
            record.lost |= record.open;
            record.open = 0;
            if only_newest {
                break;
            }
        }
        self.in_flight = self.in_flight.saturating_sub(count);
        self.lost += count;
        count
    }

    /// Takes the oldest lost fragment: the caller sends it again or lets it go.
    pub(super) fn next_lost(&mut self) -> Option<(FrameId, u16)> {
        if self.lost == 0 {
            return None;
        }
        for index in 0..self.len {
            let Some(record) = self.record_mut(index).filter(|record| record.lost != 0) else { continue };
            let offset = record.lost.trailing_zeros();
            record.lost &= record.lost.wrapping_sub(1);
            let packet_plus_one = record.first_packet.wrapping_add(offset).wrapping_add(1);
            let fragment = record.first_fragment.wrapping_add(u16::try_from(offset).unwrap_or(0));
            let frame = record.frame;
            self.lost -= 1;
            self.remember_resent(packet_plus_one);
            self.trim();
            return Some((frame, fragment));
        }
        self.lost = 0;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn a_window_names_packet_by_packet() {
        let mut rng = Rng::from_seed(3);
        for _ in 0..20_000 {
            let window = (0..4).fold(0, |window, _| (window << 32) | u128::from(rng.next_u32()));
            let largest = 1_000 + rng.below(200);
            let count = u8::try_from(1 + rng.below(u32::from(RECORD_FRAGMENTS_MAX))).unwrap();
            let record = Record { first_packet: 950 + rng.below(260), count, ..Record::EMPTY };
            let is_named = |place: u32| {
                let packet = record.first_packet + place;
                packet <= largest && window & 1_u128.checked_shl(largest - packet).unwrap_or(0) != 0
            };
            let named =
                (0..u32::from(count)).filter(|&place| is_named(place)).fold(0, |set, place| set | 1 << place);
            assert_eq!(record.named_by(largest, window), named, "{record:?} {largest} {window:x}");
        }
    }
}
