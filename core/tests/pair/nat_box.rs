//! A NAT: which public port a datagram leaves by, and which come in.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

use livesky_core::Instant;

/// A mapping nobody used for this long is gone; many real ones last no longer.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// The kinds of RFC 3489.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NatModel {
    FullCone,
    Restricted,
    PortRestricted,
    Symmetric,
}

impl NatModel {
    pub const ALL: [Self; 4] = [Self::FullCone, Self::Restricted, Self::PortRestricted, Self::Symmetric];

    /// Who gets in at a mapping, when this was sent from it.
    fn lets_in(self, from: SocketAddr, sent_to: SocketAddr) -> bool {
        match self {
            Self::FullCone => true,
            Self::Restricted => from.ip() == sent_to.ip(),
            Self::PortRestricted | Self::Symmetric => from == sent_to,
        }
    }
}

/// One public address and whoever is behind it.
pub struct NatBox {
    pub model: NatModel,
    pub public: Ipv4Addr,
    next_port: u16,
    /// Public port by inside address and, for a symmetric one, destination.
    ports: BTreeMap<(SocketAddr, Option<SocketAddr>), u16>,
    /// When something was last sent from a public port to an address.
    sent: BTreeMap<(u16, SocketAddr), Instant>,
}

impl NatBox {
    pub fn new(model: NatModel, public: Ipv4Addr) -> Self {
        Self { model, public, next_port: 20_000, ports: BTreeMap::new(), sent: BTreeMap::new() }
    }

    /// A datagram leaves; gives where it seems to come from.
    pub fn translate_out(&mut self, now: Instant, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        let key = (from, (self.model == NatModel::Symmetric).then_some(to));
        let is_live = self.ports.get(&key).is_some_and(|&port| self.is_live(now, port));
        if !is_live {
            self.next_port += 1;
            self.ports.insert(key, self.next_port);
        }
        let port = self.ports[&key];
        self.sent.insert((port, to), now);
        (IpAddr::V4(self.public), port).into()
    }

    /// A datagram arrives at a public port; gives who inside gets it.
    pub fn translate_in(&self, now: Instant, from: SocketAddr, port: u16) -> Option<SocketAddr> {
        let is_let_in = self.sent.iter().any(|(&(of, sent_to), &at)| {
            of == port && now.since(at) <= IDLE_MAX && self.model.lets_in(from, sent_to)
        });
        let owner = self.ports.iter().find(|&(_, &of)| of == port).map(|(&(inside, _), _)| inside);
        owner.filter(|_| is_let_in)
    }

    fn is_live(&self, now: Instant, port: u16) -> bool {
        self.sent.iter().any(|(&(of, _), &at)| of == port && now.since(at) <= IDLE_MAX)
    }
}
