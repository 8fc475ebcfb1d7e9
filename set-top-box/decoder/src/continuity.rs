//! Continuity counters of MPEG-TS packets (ISO/IEC 13818-1, clause 2.4.3.3).

/// Bytes of a packet.
pub const PACKET_LEN: usize = 188;
/// Streams told apart: PAT, PMT, SDT, PCR, video, some audio. Packets of more are counted, not checked.
const PIDS_MAX: usize = 12;
/// Stuffing; its counter means nothing (clause 2.4.3.3).
const PID_NULL: u16 = 0x1fff;

/// What is known of one stream.
#[derive(Clone, Copy, Debug)]
struct Known {
    pid: u16,
    counter: u8,
    /// The packet before had the same counter: one repetition is allowed.
    is_repeated: bool,
}

/// Checks packet after packet.
#[derive(Clone, Debug)]
pub struct Continuity {
    known: [Option<Known>; PIDS_MAX],
}

impl Default for Continuity {
    fn default() -> Self {
        Self::new()
    }
}

impl Continuity {
    /// Nothing was seen.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: [None; PIDS_MAX] }
    }

    /// Forgets the counters: what comes does not follow what came.
    pub const fn forget(&mut self) {
        self.known = [None; PIDS_MAX];
    }

    /// Whether a packet follows the packet before it of its stream. `false`, too, for what is no packet.
    pub fn follows(&mut self, packet: &[u8]) -> bool {
        let &[0x47, high, low, flags, adaptation_len, adaptation_flags, ..] = packet else { return false };
        if packet.len() != PACKET_LEN || high & 0x80 != 0 {
            // The second is transport_error_indicator.
            return false;
        }
        let pid = u16::from_be_bytes([high & 0x1f, low]);
        let (has_adaptation, has_payload) = (flags & 0x20 != 0, flags & 0x10 != 0);
        if pid == PID_NULL {
            return true;
        }
        let is_announced = has_adaptation && adaptation_len > 0 && adaptation_flags & 0x80 != 0;
        let counter = flags & 0x0f;
        let place = self.known.iter().position(|known| known.is_none_or(|known| known.pid == pid));
        let Some(place) = place.and_then(|place| self.known.get_mut(place)) else { return true };
        let before = place.replace(Known { pid, counter, is_repeated: false });
        let Some(before) = before.filter(|_| !is_announced) else { return true };
        if !has_payload {
            return counter == before.counter;
        }
        if counter == before.counter && !before.is_repeated {
            *place = Some(Known { pid, counter, is_repeated: true });
            return true;
        }
        counter == (before.counter + 1) & 0x0f
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pid: u16, counter: u8, flags: u8) -> [u8; PACKET_LEN] {
        let [high, low] = pid.to_be_bytes();
        let mut packet = [0xff; PACKET_LEN];
        packet[..6].copy_from_slice(&[0x47, high, low, flags | counter, 1, 0]);
        packet
    }

    const PAYLOAD: u8 = 0x10;
    const ADAPTATION: u8 = 0x20;

    #[test]
    fn each_stream_counts_for_itself_modulo_16() {
        let mut continuity = Continuity::new();
        for step in 0..40 {
            assert!(continuity.follows(&packet(256, step & 0x0f, PAYLOAD)));
            assert!(continuity.follows(&packet(257, (step + 5) & 0x0f, PAYLOAD)));
            assert!(continuity.follows(&packet(PID_NULL, 3, PAYLOAD)));
        }
        assert!(!continuity.follows(&packet(256, 9, PAYLOAD)), "8 is next");
        assert!(continuity.follows(&packet(256, 10, PAYLOAD)), "it goes on from there");
    }

    #[test]
    fn a_packet_may_come_twice_and_not_thrice() {
        let mut continuity = Continuity::new();
        let follows = [1, 1, 1, 2].map(|counter| continuity.follows(&packet(256, counter, PAYLOAD)));
        assert_eq!(follows, [true, true, false, true]);
    }

    #[test]
    fn without_payload_the_counter_stands_still() {
        let mut continuity = Continuity::new();
        assert!(continuity.follows(&packet(256, 4, PAYLOAD)));
        assert!(continuity.follows(&packet(256, 4, ADAPTATION)));
        assert!(continuity.follows(&packet(256, 5, PAYLOAD)));
        assert!(!continuity.follows(&packet(256, 6, ADAPTATION)));
    }

    #[test]
    fn a_discontinuity_may_be_announced_and_what_was_forgotten_is_not_missed() {
        let mut continuity = Continuity::new();
        assert!(continuity.follows(&packet(256, 4, PAYLOAD)));
        let mut announced = packet(256, 11, PAYLOAD | ADAPTATION);
        announced[5] = 0x80;
        assert!(continuity.follows(&announced));
        continuity.forget();
        assert!(continuity.follows(&packet(256, 2, PAYLOAD)));
    }

    #[test]
    fn what_is_no_packet_follows_nothing() {
        let mut continuity = Continuity::new();
        let good = packet(256, 0, PAYLOAD);
        let mut without_sync = good;
        without_sync[0] = 0x48;
        let mut with_error = good;
        with_error[1] |= 0x80;
        for bytes in [&good[..187], &[], &without_sync, &with_error] {
            assert!(!continuity.follows(bytes));
        }
        assert!(continuity.follows(&good));
    }
}
