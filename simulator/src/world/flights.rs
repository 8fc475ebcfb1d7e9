//! Datagrams under way. Of a fragment only its tag travels.

use core::net::{Ipv4Addr, SocketAddrV4};

use livesky_core::store::Tag;
use livesky_core::wire::SendReason;

use crate::network::HostId;

/// Bytes of the longest head before a fragment.
const HEAD_MAX: usize = 72;

/// What a datagram is, for the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cargo {
    /// No fragment.
    Control,
    /// A fragment of so many bytes.
    Fragment { reason: SendReason, substream: u8, len: u16 },
}

/// One datagram.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) from: HostId,
    /// Where it seems to come from.
    pub(crate) source: SocketAddrV4,
    /// Where it is to go.
    pub(crate) to: SocketAddrV4,
    /// The receiver and its socket, once it is known.
    pub(crate) receiver: (HostId, u8),
    pub(crate) cargo: Cargo,
    tag: Tag,
    head_len: u16,
    head: [u8; HEAD_MAX],
    /// The head when it is longer; its memory stays with the slot.
    long: Vec<u8>,
}

impl Flight {
    const EMPTY: Self = Self {
        from: HostId(0),
        source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        to: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        receiver: (HostId(0), 0),
        cargo: Cargo::Control,
        tag: [0; 4],
        head_len: 0,
        head: [0; HEAD_MAX],
        long: Vec::new(),
    };

    /// What was said, without the fragment.
    pub(crate) fn head(&self) -> &[u8] {
        let short = self.head.get(..usize::from(self.head_len));
        short.unwrap_or(&self.long)
    }

    /// Bytes of UDP payload.
    pub(crate) fn len(&self) -> usize {
        let body = match self.cargo {
            Cargo::Control => 0,
            Cargo::Fragment { len, .. } => usize::from(len),
        };
        usize::from(self.head_len) + body
    }

    /// Writes the datagram to `out` as long as it is; of the fragment only the tag is written.
    pub(crate) fn write<'o>(&self, out: &'o mut [u8]) -> &'o [u8] {
        let head = self.head();
        let len = self.len().min(out.len());
        let datagram = out.get_mut(..len).unwrap_or_default();
        if let Some((start, rest)) = datagram.split_at_mut_checked(head.len()) {
            start.copy_from_slice(head);
            let tagged = rest.len().min(self.tag.len());
            if let (Some(rest), Some(tag)) = (rest.get_mut(..tagged), self.tag.get(..tagged)) {
                rest.copy_from_slice(tag);
            }
        }
        datagram
    }
}

/// All datagrams under way.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    slots: Vec<Flight>,
    free: Vec<u32>,
}

impl Flights {
    /// Puts a datagram on its way.
    pub(crate) fn begin(
        &mut self,
        from: HostId,
        source: SocketAddrV4,
        to: SocketAddrV4,
        head: &[u8],
        cargo: Cargo,
        tag: Tag,
    ) -> u32 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Flight::EMPTY);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(flight) = self.slots.get_mut(index as usize) {
            flight.from = from;
            flight.source = source;
            flight.to = to;
            flight.cargo = cargo;
            flight.tag = tag;
            flight.head_len = u16::try_from(head.len()).unwrap_or(u16::MAX);
            if let Some(short) = flight.head.get_mut(..head.len()) {
                short.copy_from_slice(head);
            } else {
                flight.long.clear();
                flight.long.extend_from_slice(head);
            }
        }
        index
    }

    pub(crate) fn get(&self, index: u32) -> Option<&Flight> {
        self.slots.get(index as usize)
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut Flight> {
        self.slots.get_mut(index as usize)
    }

    /// Its slot is free again.
    pub(crate) fn end(&mut self, index: u32) {
        self.free.push(index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_is_as_long_as_it_was() {
        let mut flights = Flights::default();
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        let cargo = Cargo::Fragment { reason: SendReason::Feed, substream: 0, len: 100 };
        let mut out = [0; 1_200];
        for head_len in [5, 72, 73] {
            let head = vec![7; head_len];
            let index = flights.begin(HostId(1), address, address, &head, cargo, [1, 2, 3, 4]);
            let datagram = flights.get(index).unwrap().write(&mut out);
            assert_eq!(datagram.len(), head_len + 100);
            assert_eq!(datagram[head_len..head_len + 4], [1, 2, 3, 4]);
            assert_eq!(datagram[..head_len], head);
            flights.end(index);
        }
        assert_eq!(flights.slots.len(), 1);
        let cargo = Cargo::Fragment { reason: SendReason::Feed, substream: 0, len: 2 };
        let index = flights.begin(HostId(1), address, address, &[7; 46], cargo, [1, 2, 0, 0]);
        assert_eq!(flights.get(index).unwrap().write(&mut out)[46..], [1, 2]);
    }
}
