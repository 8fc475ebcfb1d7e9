//! NAT boxes (RFC 4787; kinds in the words of RFC 3489 clause 5).

use core::net::SocketAddrV4;
use core::time::Duration;
use std::collections::BTreeMap;

use livesky_core::Instant;

use crate::scenario::NatKind;

/// First port a box gives out.
const FIRST_PORT: u16 = 1_024;

/// What an internal address and port are known as outside.
#[derive(Clone, Debug)]
struct Mapping {
    port: u16,
    /// Addresses sent to, and when last.
    permitted: BTreeMap<SocketAddrV4, Instant>,
    /// The last datagram outwards.
    used_at: Instant,
}

/// Internal host and port; for a symmetric box the destination, too.
type Key = (u16, u16, Option<SocketAddrV4>);

/// A NAT box before one or several hosts. Only datagrams outwards keep a mapping alive (RFC 4787, REQ-6); no hairpinning.
#[derive(Clone, Debug)]
pub(crate) struct NatBox {
    kind: NatKind,
    timeout: Duration,
    mappings: BTreeMap<Key, Mapping>,
    by_port: BTreeMap<u16, Key>,
    next_port: u16,
}

impl NatBox {
    pub(crate) const fn new(kind: NatKind, timeout: Duration) -> Self {
        Self { kind, timeout, mappings: BTreeMap::new(), by_port: BTreeMap::new(), next_port: FIRST_PORT }
    }

    /// A datagram outwards: the port it leaves from.
    pub(crate) fn outward(&mut self, now: Instant, place: u16, port: u16, to: SocketAddrV4) -> u16 {
        let destination = (self.kind == NatKind::Symmetric).then_some(to);
        let key = (place, port, destination);
        let (kind, timeout) = (self.kind, self.timeout);
        if self.mappings.get(&key).is_some_and(|mapping| now.since(mapping.used_at) > timeout) {
            self.forget(key);
        }
        if !self.mappings.contains_key(&key) {
            self.map(now, key);
        }
        let Some(mapping) = self.mappings.get_mut(&key) else { return 0 };
        mapping.used_at = now;
        match kind {
            // Anybody may answer: nothing to remember.
            NatKind::Open | NatKind::FullCone => {}
            NatKind::AddressRestricted | NatKind::PortRestricted | NatKind::Symmetric => {
                mapping.permitted.insert(to, now);
            }
        }
        mapping.port
    }

    /// A datagram inwards: which host and port it is for; `None`: it is dropped.
    pub(crate) fn inward(&self, now: Instant, from: SocketAddrV4, port: u16) -> Option<(u16, u16)> {
        let key = *self.by_port.get(&port)?;
        let mapping = self.mappings.get(&key)?;
        if now.since(mapping.used_at) > self.timeout {
            return None;
        }
        let is_fresh = |at: &Instant| now.since(*at) <= self.timeout;
        let permits = match self.kind {
            NatKind::Open | NatKind::FullCone => true,
            NatKind::AddressRestricted => {
                mapping.permitted.iter().any(|(to, at)| to.ip() == from.ip() && is_fresh(at))
            }
            NatKind::PortRestricted | NatKind::Symmetric => {
                mapping.permitted.get(&from).is_some_and(is_fresh)
            }
        };
        permits.then_some((key.0, key.1))
    }

    /// Which host and port a mapping belongs to.
    pub(crate) fn owner_of(&self, port: u16) -> Option<(u16, u16)> {
        self.by_port.get(&port).map(|key| (key.0, key.1))
    }

    fn map(&mut self, now: Instant, key: Key) {
        for _ in 0..=u16::MAX {
            let port = self.next_port;
            self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_PORT);
            let taken = self.by_port.get(&port).copied();
            let is_held = taken.and_then(|key| self.mappings.get(&key));
            if is_held.is_some_and(|mapping| now.since(mapping.used_at) <= self.timeout) {
                continue;
            }
            if let Some(old) = taken {
                self.forget(old);
            }
            self.by_port.insert(port, key);
            self.mappings.insert(key, Mapping { port, permitted: BTreeMap::new(), used_at: now });
            return;
        }
    }

    fn forget(&mut self, key: Key) {
        if let Some(mapping) = self.mappings.remove(&key) {
            self.by_port.remove(&mapping.port);
        }
    }
}

/// Whether hosts behind these kinds can reach each other when both send at once to the address the edge sees: what one sends
/// from must be what the other may be answered from.
pub(crate) const fn can_connect(one: NatKind, other: NatKind) -> bool {
    match (one, other) {
        (NatKind::Symmetric, NatKind::Symmetric | NatKind::PortRestricted)
        | (NatKind::PortRestricted, NatKind::Symmetric) => false,
        (
            NatKind::Open
            | NatKind::FullCone
            | NatKind::AddressRestricted
            | NatKind::PortRestricted
            | NatKind::Symmetric,
            NatKind::Open
            | NatKind::FullCone
            | NatKind::AddressRestricted
            | NatKind::PortRestricted
            | NatKind::Symmetric,
        ) => true,
    }
}

#[cfg(test)]
#[path = "nat_tests.rs"]
mod tests;
