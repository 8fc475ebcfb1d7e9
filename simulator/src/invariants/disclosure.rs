//! Nobody sends to an address it was not told: the edge tells addresses, and whoever sends shows its own.

use core::net::SocketAddr;

use livesky_core::wire::{Datagram, Message};

/// Addresses a client may send to, beside edges.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Address and port in one number: asked with every datagram to a peer.
    sorted: Vec<u64>,
}

/// An address in one number; `None` for IPv6, which no simulated host has.
fn number(address: SocketAddr) -> Option<u64> {
    let SocketAddr::V4(address) = address else { return None };
    Some(u64::from(address.ip().to_bits()) << 16 | u64::from(address.port()))
}

impl Known {
    /// A datagram came from another client.
    pub(crate) fn on_heard(&mut self, from: SocketAddr) {
        let Some(from) = number(from) else { return };
        if let Err(place) = self.sorted.binary_search(&from) {
            self.sorted.insert(place, from);
        }
    }

    /// A datagram came from an edge: who it tells of may be sent to.
    pub(crate) fn on_told(&mut self, datagram: &[u8]) {
        let Ok(Datagram::Control(_, messages)) = Datagram::parse(datagram) else { return };
        for message in messages.flatten() {
            if let Message::Candidates { list } = &message {
                list.iter().for_each(|candidate| self.on_heard(candidate.address));
            } else if let Message::Welcome(welcome) = &message {
                welcome.candidates.iter().for_each(|candidate| self.on_heard(candidate.address));
            } else if let Message::Introduce(introduce) = &message {
                introduce.addresses.iter().for_each(|&address| self.on_heard(address));
            }
        }
    }

    /// Whether a client may send there.
    pub(crate) fn has(&self, to: SocketAddr) -> bool {
        number(to).is_some_and(|to| self.sorted.binary_search(&to).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livesky_core::wire::ControlWriter;
    use livesky_core::wire::control::{ClientId, Introduce, LinkId};

    #[test]
    fn told_addresses_are_known_and_no_others() {
        let address = |last: u8| SocketAddr::from(([192, 0, 2, last], 9_000));
        let mut out = [0; 1_200];
        let mut writer = ControlWriter::new(&mut out, LinkId(1)).unwrap();
        let addresses = [address(1), address(2)].into_iter().collect();
        assert!(writer.push(&Message::Introduce(Introduce { client: ClientId(3), addresses })));
        let len = writer.finish();
        let mut known = Known::default();
        known.on_told(&out[..len]);
        known.on_heard(address(9));
        assert_eq!([1, 2, 3, 9].map(|last| known.has(address(last))), [true, true, false, true]);
    }
}
