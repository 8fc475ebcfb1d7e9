//! The rules, applied to this world.

use core::net::SocketAddr;

use livesky_core::Instant;
use livesky_core::client::ClientView;
use livesky_core::media;
use livesky_core::wire::control::ClientId;

use super::flights::Cargo;
use super::run::World;
use super::service::Service;
use super::viewer::{Held, Viewer};
use super::wire::Wire;
use crate::invariants::{Leased, Overdue, Overlay, Parent, RateBound, STUCK_US, Way};
use crate::metrics::Watching;
use crate::network::{HostId, Target};
use crate::scenario::ChannelSpec;

/// Time between two looks at the whole.
pub(super) const CHECK_US: u64 = 100_000;
/// Time after a fault in which levels are settled anew.
const RECOVERY_US: u64 = 5_000_000;
/// Nobody's place.
const NO_PLACE: u32 = u32::MAX;

/// What the looks at the whole need.
#[derive(Debug)]
pub(crate) struct Checks {
    overlay: Overlay,
    /// By edge: the client with that slot, its id and its place.
    clients: Vec<Vec<(ClientId, u32)>>,
    /// The last time the network was not as it should be.
    pub(super) troubled_at: Instant,
}

impl Checks {
    pub(super) fn new(sessions: usize, edges: usize, substreams: u8) -> Self {
        Self {
            overlay: Overlay::new(sessions, substreams),
            clients: vec![Vec::new(); edges],
            troubled_at: Instant::ZERO,
        }
    }
}

/// What a client may upload: core's bucket is as deep as this (`client/session.rs`), and goes into debt by a datagram.
pub(super) fn upload_bound(channel: &ChannelSpec, told_bps: u32) -> RateBound {
    let rate_bps = u64::from(channel.rate_bps);
    let cap_bps = (rate_bps * u64::from(channel.upload_cap_percent) / 100).min(u64::from(told_bps));
    let depth = if cap_bps == 0 { 0 } else { (rate_bps / 32).max(24_000) + 2_400 };
    RateBound::new(cap_bps, depth)
}

/// What an edge may send: its capacity, and 50 ms of it at once.
pub(super) fn egress_bound(capacity_bps: u64) -> RateBound {
    RateBound::new(capacity_bps, capacity_bps / 160 + 65_536)
}

impl Viewer {
    /// A client sends: within its cap, and to whom it may.
    pub(super) fn check_sent(&mut self, wire: &mut Wire, to: SocketAddr, len: usize, cargo: Cargo) {
        if cargo != Cargo::Control
            && let Some(over) = self.upload.on_sent(wire.now, len as u64)
        {
            wire.breach("upload cap", self.host, || format!("{over} bytes more than it may upload"));
        }
        let is_edge = match to {
            SocketAddr::V4(to) => {
                let target = wire.network.addressing().target(to);
                matches!(target, Some(Target::Host(host, _)) if wire.is_edge(host))
            }
            SocketAddr::V6(_) => false,
        };
        if !is_edge && !self.known.has(to) {
            wire.breach("disclosure", self.host, || format!("sends to {to}, which nobody told it of"));
        }
    }
}

impl Service<'_> {
    /// Leases end, and so does waiting.
    fn check_leases(&mut self, wire: &mut Wire) {
        let Some(channel) = self.channel else { return };
        for client in self.edge.clients(channel) {
            let (id, address) = (client.id, client.address());
            let leases = client.edge_feeds().1;
            let seen = Leased { client: id, address, leases, is_waiting: client.is_waiting() };
            let Some(overdue) = self.leases.look(wire.now.as_micros(), seen) else { continue };
            wire.breach("lease", self.host, || match overdue {
                Overdue::Lease { substream, lasts_us } => {
                    let lasts_ms = lasts_us / 1_000;
                    format!("feeds {address} substream {substream} on a lease not asked for in {lasts_ms} ms")
                }
                Overdue::Wait { lasts_us } => format!("lets {address} wait for {} ms", lasts_us / 1_000),
            });
        }
    }
}

impl World<'_> {
    /// Looks at the whole.
    pub(super) fn check(&mut self) {
        let now = self.wire.now;
        if !self.active.is_empty() {
            self.checks.troubled_at = now;
        }
        self.gather();
        // Beats that would tell of a level too many may have been lost in a fault; a cycle is wrong even then.
        let is_calm = self.checks.troubled_at == Instant::ZERO
            || now.micros_since(self.checks.troubled_at) > RECOVERY_US;
        let levels_max = self.scenario.channel.levels_max;
        for substream in 0..self.scenario.channel.substreams {
            let ways = self.checks.overlay.ways(substream);
            for (&session, way) in self.present.iter().zip(ways) {
                let is_broken = match way {
                    Way::Edge(levels) => levels > levels_max && is_calm,
                    Way::Loose => false,
                    Way::Cycle => true,
                };
                let lasts = self.checks.overlay.note(now.as_micros(), session, substream, is_broken);
                if let Some(lasts_us) = lasts {
                    let host = HostId(self.wire.edges + session);
                    let rule = if way == Way::Cycle { "cycle" } else { "level" };
                    let detail = || format!("substream {substream}: {way:?} for {} ms", lasts_us / 1_000);
                    self.wire.breach(rule, host, detail);
                    // Once for each time it breaks.
                    self.checks.overlay.note(now.as_micros(), session, substream, false);
                }
            }
        }
        for service in self.services.iter_mut().filter(|service| !service.is_down) {
            service.check_leases(&mut self.wire);
        }
        self.check_playing();
    }

    /// Asks everybody for its parents and slots.
    fn gather(&mut self) {
        for clients in &mut self.checks.clients {
            clients.fill((ClientId(0), NO_PLACE));
        }
        let views: Vec<Option<ClientView>> =
            self.present.iter().map(|&session| self.view_of(session)).collect();
        for (place, view) in (0..).zip(&views) {
            let Some(view) = view else { continue };
            let Some(edge) = self.edge_of(view) else { continue };
            let Some(clients) = self.checks.clients.get_mut(edge) else { continue };
            let slot = (view.client.0 & 0xffff) as usize;
            if clients.len() <= slot {
                clients.resize(slot + 1, (ClientId(0), NO_PLACE));
            }
            if let Some(entry) = clients.get_mut(slot) {
                *entry = (view.client, place);
            }
        }
        self.checks.overlay.clear();
        for (&session, view) in self.present.iter().zip(&views) {
            let edge = view.as_ref().and_then(|view| self.edge_of(view));
            let clients = edge.and_then(|edge| self.checks.clients.get(edge)).map_or(&[][..], Vec::as_slice);
            let parents =
                view.iter().flat_map(|view| &view.parents).map(|parent| parent_of(*parent, clients));
            self.checks.overlay.push(parents);
            let Some((view, viewer)) = view.as_ref().zip(self.viewers.get_mut(session as usize)) else {
                continue;
            };
            let machine = viewer.slot().and_then(|slot| self.machines.get(slot));
            let feeds =
                machine.map_or(0, |machine| machine.peers().map(|peer| peer.children.count_ones()).sum());
            let held = Held { feeds, slots: view.slots_used, slots_max: view.slots_max };
            let before = core::mem::replace(&mut viewer.held, held);
            // An uplink that gives less than before, or feeds that turn out heavier, take more slots than there are for a
            // while: nobody further is taken on.
            if held.slots > held.slots_max.max(before.slots_max) && feeds > before.feeds {
                self.wire.breach("slots", viewer.host, || format!("{held:?}, before that {before:?}"));
            }
        }
    }

    /// The edge a client is at, by number.
    fn edge_of(&self, view: &ClientView) -> Option<usize> {
        let SocketAddr::V4(address) = view.edge else { return None };
        match self.wire.network.addressing().target(address)? {
            Target::Host(host, _) => Some(host.index()).filter(|_| self.wire.is_edge(host)),
            Target::Box(_) | Target::Private(_) => None,
        }
    }

    fn view_of(&self, session: u32) -> Option<ClientView> {
        let slot = self.viewers.get(session as usize)?.slot()?;
        self.machines.get(slot)?.view(self.wire.now)
    }

    /// Everybody who may play does.
    fn check_playing(&mut self) {
        let now = self.wire.now;
        let is_troubled =
            now.micros_since(self.checks.troubled_at) < STUCK_US && self.checks.troubled_at > Instant::ZERO;
        for &session in &self.present {
            let Some(viewer) = self.viewers.get_mut(session as usize) else { continue };
            let Some(machine) = viewer.slot().and_then(|slot| self.machines.get(slot)) else { continue };
            let is_blocked = self.wire.network.host(viewer.host).is_none_or(|host| host.is_blocked);
            let plays = viewer.watch.state() == Watching::Playing;
            // Who is fed by nobody is promised nothing: uplinks may not suffice.
            let is_pulling =
                machine.view(now).is_some_and(|view| view.settings.overlay == media::Overlay::Mesh);
            let is_excused = plays || is_troubled || is_blocked || is_pulling || machine.refused().is_some();
            if let Some(idle_us) = viewer.idle.look(now, is_excused) {
                let host = viewer.host;
                let view = machine.view(now);
                let detail = || format!("has not played for {} s: {view:?}", idle_us / 1_000_000);
                self.wire.breach("stuck", host, detail);
            }
        }
    }
}

fn parent_of(parent: Option<ClientId>, clients: &[(ClientId, u32)]) -> Parent {
    match parent {
        None => Parent::Nobody,
        Some(ClientId::EDGE) => Parent::Edge,
        Some(id) => {
            let entry = clients.get((id.0 & 0xffff) as usize);
            let place = entry.filter(|(client, place)| *client == id && *place != NO_PLACE);
            place.map_or(Parent::Nobody, |(_, place)| Parent::Client(*place))
        }
    }
}
