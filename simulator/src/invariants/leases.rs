//! Leases end: an edge feeds nobody for long who does not ask for it, and lets nobody wait for ever.

use core::net::SocketAddr;

use livesky_core::Instant;
use livesky_core::limits::SUBSTREAMS_MAX;
use livesky_core::wire::control::ClientId;
use livesky_core::wire::{Datagram, Message};

/// A lease ends this long after the last status that names it (docs/wire.md, "Feeds").
const LEASE_US: u64 = 5_000_000;
/// Whoever is set aside is told after so long that nothing will come (`edge/waiting.rs`).
const PATIENCE_US: u64 = 30_000_000;
/// An edge counts in tenths of a second, and is looked at ten times in one.
const TOLERANCE_US: u64 = 300_000;

/// A client at its edge, as one look at it finds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leased {
    pub(crate) client: ClientId,
    pub(crate) address: SocketAddr,
    /// Substreams the edge feeds it on lease, as a bit mask.
    pub(crate) leases: u16,
    /// Its feeds stand still: nothing renews them.
    pub(crate) is_waiting: bool,
}

/// What should have ended, and how long it has lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// A lease, since it was asked for.
    Lease { substream: u8, lasts_us: u64 },
    /// A client set aside.
    Wait { lasts_us: u64 },
}

/// What was seen of a client.
#[derive(Clone, Copy, Debug)]
struct Seen {
    client: ClientId,
    address: SocketAddr,
    /// When each lease was last asked for, or not there, or stood still.
    asked_us: [u64; SUBSTREAMS_MAX],
    waits_since_us: Option<u64>,
}

/// The clients of an edge, by slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases {
    seen: Vec<Seen>,
}

impl Leases {
    /// A datagram reached the edge: what it names is asked for.
    pub(crate) fn on_told(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Ok(Datagram::Control(link, messages)) = Datagram::parse(datagram) else { return };
        let mut asked = 0;
        for message in messages.flatten() {
            if let Message::Subscribe(subscribe) = &message {
                asked |= 1_u16.checked_shl(subscribe.substream.into()).unwrap_or(0);
            } else if let Message::Status(status) = &message {
                asked |= status.edge_feeds;
            } else if let Message::Hello(_) = &message {
                // It lacks the welcome: what it was granted is granted again.
                let seen = self.seen.iter_mut().filter(|seen| seen.address == from);
                seen.for_each(|seen| seen.excuse(now.as_micros(), u16::MAX));
            }
        }
        // An edge's link bears the name of its client.
        let seen = self.seen.get_mut(slot_of(ClientId(link.0)));
        if let Some(seen) = seen.filter(|seen| seen.client.0 == link.0) {
            seen.excuse(now.as_micros(), asked);
        }
    }

    /// One look at a client; gives what is overdue, once for each time.
    pub(crate) fn look(&mut self, now_us: u64, now: Leased) -> Option<Overdue> {
        let slot = slot_of(now.client);
        let Leased { client, address, .. } = now;
        let first = Seen { client, address, asked_us: [now_us; SUBSTREAMS_MAX], waits_since_us: None };
        if self.seen.len() <= slot {
            self.seen.resize(slot + 1, Seen { client: ClientId(0), ..first });
        }
        let seen = self.seen.get_mut(slot)?;
        if seen.client != client {
            *seen = first;
        }
        if now.is_waiting {
            seen.excuse(now_us, u16::MAX);
            let since_us = seen.waits_since_us.get_or_insert(now_us);
            let lasts_us = now_us - *since_us;
            let is_over = lasts_us > PATIENCE_US + TOLERANCE_US;
            return is_over.then(|| {
                *since_us = now_us;
                Overdue::Wait { lasts_us }
            });
        }
        seen.waits_since_us = None;
        seen.excuse(now_us, !now.leases);
        let (substream, asked_us) = (0..).zip(&mut seen.asked_us).min_by_key(|(_, asked_us)| **asked_us)?;
        let lasts_us = now_us - *asked_us;
        let is_over = lasts_us > LEASE_US + TOLERANCE_US;
        is_over.then(|| {
            *asked_us = now_us;
            Overdue::Lease { substream, lasts_us }
        })
    }
}

impl Seen {
    /// Some leases have their time before them.
    fn excuse(&mut self, now_us: u64, substreams: u16) {
        for (substream, asked_us) in (0_u32..).zip(&mut self.asked_us) {
            if substreams >> substream & 1 == 1 {
                *asked_us = now_us;
            }
        }
    }
}

fn slot_of(client: ClientId) -> usize {
    (client.0 & 0xffff) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use livesky_core::wire::ControlWriter;
    use livesky_core::wire::control::{Hello, LinkId, Status, Subscribe};
    use livesky_core::{limits::DATAGRAM_LEN_MAX, media::FrameId};

    const CLIENT: ClientId = ClientId(7);

    fn leased(leases: u16) -> Leased {
        Leased { client: CLIENT, address: address(7), leases, is_waiting: false }
    }

    fn address(client: u32) -> SocketAddr {
        SocketAddr::from((client.to_be_bytes(), 9_000))
    }

    fn tell(edge: &mut Leases, now_us: u64, client: ClientId, message: &Message<'_>) {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = ControlWriter::new(&mut out, LinkId(client.0)).unwrap();
        assert!(writer.push(message));
        let len = writer.finish();
        edge.on_told(Instant::from_micros(now_us), address(client.0), &out[..len]);
    }

    #[test]
    fn a_lease_lasts_its_time_after_it_was_last_asked_for() {
        let mut edge = Leases::default();
        let status = |edge_feeds| Message::Status(Status { edge_feeds, ..Status::default() });
        assert_eq!(edge.look(0, leased(0b11)), None);
        tell(&mut edge, 4_000_000, CLIENT, &status(0b01));
        let subscribe = Subscribe { substream: 1, from: FrameId(9), level: 2 };
        tell(&mut edge, 5_000_000, CLIENT, &Message::Subscribe(subscribe));
        assert_eq!(edge.look(9_300_000, leased(0b11)), None);
        let late = |substream| Some(Overdue::Lease { substream, lasts_us: 5_300_001 });
        assert_eq!(edge.look(9_300_001, leased(0b11)), late(0));
        assert_eq!(edge.look(9_400_000, leased(0b11)), None, "it is told once");
        tell(&mut edge, 10_000_000, ClientId(0x1_0007), &status(0b11));
        assert_eq!(edge.look(10_300_001, leased(0b11)), late(1), "another client asked");
        let (link, channel) = (LinkId(3), "live");
        let hello =
            Message::Hello(Hello { nonce: 1, link, channel, cookie: None, upload_bps: 0, ticket: &[] });
        tell(&mut edge, 12_000_000, ClientId(8), &hello);
        tell(&mut edge, 13_000_000, CLIENT, &hello);
        assert_eq!(edge.look(18_300_000, leased(0b11)), None);
        assert_eq!(edge.look(18_300_001, leased(0b11)), late(0));
    }

    #[test]
    fn a_lease_that_ended_begins_anew_and_another_client_owes_nothing() {
        let mut edge = Leases::default();
        assert_eq!(edge.look(0, leased(0b1)), None);
        assert_eq!(edge.look(5_000_000, leased(0)), None);
        assert_eq!(edge.look(10_000_000, leased(0b1)), None);
        let successor = Leased { client: ClientId(0x1_0007), ..leased(0b1) };
        assert_eq!(edge.look(15_000_000, successor), None);
        assert_eq!(edge.look(20_000_000, successor), None);
        assert!(edge.look(20_300_001, successor).is_some());
    }

    #[test]
    fn who_is_set_aside_waits_so_long_and_then_has_a_leases_time() {
        let mut edge = Leases::default();
        let waiting = Leased { is_waiting: true, ..leased(0b1) };
        assert_eq!(edge.look(0, waiting), None);
        assert_eq!(edge.look(30_300_000, waiting), None);
        assert_eq!(edge.look(30_300_001, waiting), Some(Overdue::Wait { lasts_us: 30_300_001 }));
        assert_eq!(edge.look(40_000_000, waiting), None);
        assert_eq!(edge.look(45_300_000, leased(0b1)), None);
        let late = Some(Overdue::Lease { substream: 0, lasts_us: 5_300_001 });
        assert_eq!(edge.look(45_300_001, leased(0b1)), late);
    }
}
