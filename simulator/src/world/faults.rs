//! Faults begin and end.

use core::time::Duration;

use super::hosts::{edge_site, line_bps};
use super::run::World;
use super::service::Service;
use crate::network::{Partition, Site};
use crate::scenario::{FaultSpec, HostSet, Scenario};
use crate::seeds::{Draw, Purpose, stream};

/// Edges that lose power, once for each time.
pub(super) fn restarts(scenario: &Scenario) -> impl Iterator<Item = usize> {
    scenario.faults.iter().filter_map(|fault| match fault {
        FaultSpec::EdgeRestart { edge, .. } => Some(*edge),
        FaultSpec::EdgeUplink { .. }
        | FaultSpec::Partition { .. }
        | FaultSpec::Loss { .. }
        | FaultSpec::ClientUplink { .. }
        | FaultSpec::MassDeparture { .. }
        | FaultSpec::EdgeDrain { .. } => None,
    })
}

/// Who is still there so long after an edge was told to stop is sent away.
const DRAIN_MAX: Duration = Duration::from_secs(10);

impl World<'_> {
    pub(super) fn begin_fault(&mut self, index: usize) {
        let scenario = self.scenario;
        let now = self.wire.now;
        let Some(fault) = scenario.faults.get(index) else { return };
        self.active.push(index);
        self.witness_fault(index);
        match fault {
            FaultSpec::EdgeUplink { edge, .. } => self.set_edge_line(*edge),
            FaultSpec::Partition { from, to, one_way, .. } => self.cut(index, from, to, *one_way),
            FaultSpec::Loss { .. } => self.set_extra_loss(),
            FaultSpec::ClientUplink { clients, .. } => self.slow_down(index, *clients),
            // Who goes is in the plan.
            FaultSpec::MassDeparture { .. } => {
                let at_us = now.as_micros();
                let gone = self.plan.sessions.iter().filter(|stay| stay.leave_at_us == Some(at_us)).count();
                self.note_hit(index, gone as u64);
            }
            FaultSpec::EdgeDrain { edge, .. } => {
                if let Some(service) = self.services.get_mut(*edge) {
                    // To the other edges of its settings.
                    service.edge.drain(now, now + DRAIN_MAX, &[]);
                    service.settle(&mut self.wire, &mut self.scratch);
                }
            }
            FaultSpec::EdgeRestart { edge, .. } => {
                if let Some(service) = self.services.get_mut(*edge) {
                    service.is_down = true;
                    service.alarm.stop();
                }
            }
        }
    }

    pub(super) fn end_fault(&mut self, index: usize) {
        let scenario = self.scenario;
        let Some(fault) = scenario.faults.get(index) else { return };
        self.active.retain(|active| *active != index);
        self.checks.troubled_at = self.wire.now;
        match fault {
            FaultSpec::EdgeUplink { edge, .. } => self.set_edge_line(*edge),
            FaultSpec::Partition { .. } => self.wire.network.heal(index),
            FaultSpec::Loss { .. } => self.set_extra_loss(),
            FaultSpec::ClientUplink { .. } => self.speed_up(index),
            FaultSpec::MassDeparture { .. } | FaultSpec::EdgeDrain { .. } => {}
            FaultSpec::EdgeRestart { edge, .. } => self.restart_edge(*edge, index),
        }
    }

    /// The faults that last: what one of them does must not end with another of its kind.
    fn active(&self) -> impl Iterator<Item = &FaultSpec> {
        self.active.iter().filter_map(|&index| self.scenario.faults.get(index))
    }

    /// Losses of faults are independent of each other.
    fn set_extra_loss(&mut self) {
        let mut lost = 0.0;
        for fault in self.active() {
            if let FaultSpec::Loss { share, .. } = fault {
                lost += share * (1.0 - lost);
            }
        }
        self.wire.network.set_extra_loss(lost);
    }

    /// A line at the least share of the capacity that a fault leaves it, or at its full rate.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "validated: far below 2^53")]
    fn set_edge_line(&mut self, edge: usize) {
        let mut share = 1.0_f64;
        for fault in self.active() {
            if let FaultSpec::EdgeUplink { edge: of, to_share, .. } = fault
                && *of == edge
            {
                share = share.min(*to_share);
            }
        }
        let Some(spec) = self.scenario.edges.get(edge) else { return };
        let full_bps = line_bps(spec);
        let rate_bps = if share < 1.0 { (spec.capacity_bps as f64 * share) as u64 } else { full_bps };
        let now = self.wire.now;
        let host = self.services.get(edge).map(|service| service.host);
        if let Some(host) = host.and_then(|host| self.wire.network.host_mut(host)) {
            host.uplink.set_rate(now, rate_bps);
        }
    }

    fn cut(&mut self, fault: usize, from: &HostSet, to: &HostSet, is_one_way: bool) {
        let (from, to) = (self.members(from), self.members(to));
        let has = |set: &[bool], host: usize| set.get(host).copied().unwrap_or(false);
        let hosts = from.len();
        let hit = |session: &&u32| {
            let host = (self.wire.edges + **session) as usize;
            has(&from, host) || has(&to, host)
        };
        let clients = self.present.iter().filter(hit).count();
        self.note_hit(fault, clients as u64);
        let partition =
            Partition::new(fault, hosts, |host| has(&from, host), |host| has(&to, host), is_one_way);
        self.wire.network.cut(partition);
    }

    /// Which hosts are in a set.
    fn members(&self, set: &HostSet) -> Vec<bool> {
        let network = &self.scenario.network;
        let is_region = |site: &Site, name: &String| {
            network.regions.iter().position(|region| &region.name == name) == Some(usize::from(site.region))
        };
        let is_isp = |site: &Site, name: &String| {
            network.isps.iter().position(|isp| &isp.name == name) == Some(usize::from(site.isp))
        };
        let edges = self.scenario.edges.iter().enumerate().map(|(index, edge)| {
            let site = edge_site(network, edge);
            match set {
                HostSet::Edge(edge) => *edge == index,
                HostSet::Clients | HostSet::ClientShare(_) => false,
                HostSet::Region(name) => is_region(&site, name),
                HostSet::Isp(name) => is_isp(&site, name),
            }
        });
        let clients = self.viewers.iter().enumerate().map(|(session, viewer)| match set {
            HostSet::Edge(_) => false,
            HostSet::Clients => true,
            HostSet::ClientShare(share) => stream(self.seed, Purpose::Fault, session as u64).unit() < *share,
            HostSet::Region(name) => is_region(&viewer.site, name),
            HostSet::Isp(name) => is_isp(&viewer.site, name),
        });
        edges.chain(clients).collect()
    }

    /// The uplinks of those who feed most give less than promised.
    fn slow_down(&mut self, fault: usize, clients: usize) {
        let feeds = |session: &u32| {
            let machine =
                self.viewers.get(*session as usize)?.slot().and_then(|slot| self.machines.get(slot))?;
            Some(machine.peers().map(|peer| peer.children.count_ones()).sum::<u32>())
        };
        let mut feeders: Vec<(u32, u32)> =
            self.present.iter().filter_map(|session| Some((feeds(session)?, *session))).collect();
        feeders.sort_unstable_by(|left, right| right.cmp(left));
        for (_, session) in feeders.into_iter().take(clients) {
            self.slowed.push((fault, session));
            self.set_uplink(session);
            self.note_hit(fault, 1);
            self.note_slowed(fault, session);
        }
    }

    fn speed_up(&mut self, fault: usize) {
        let (over, slowed): (Vec<_>, Vec<_>) = self.slowed.iter().partition(|(of, _)| *of == fault);
        self.slowed = slowed;
        over.into_iter().for_each(|(_, session)| self.set_uplink(session));
    }

    /// An uplink at what the faults that hit it leave, one of the other.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "validated: far below 2^53")]
    fn set_uplink(&mut self, session: u32) {
        let mut share = 1.0;
        for (fault, _) in self.slowed.iter().filter(|(_, slowed)| *slowed == session) {
            if let Some(FaultSpec::ClientUplink { to_share, .. }) = self.scenario.faults.get(*fault) {
                share *= to_share;
            }
        }
        let Some(viewer) = self.viewers.get(session as usize) else { return };
        let rate_bps = (viewer.terms.line_bps as f64 * share) as u64;
        let now = self.wire.now;
        if let Some(host) = self.wire.network.host_mut(viewer.host) {
            host.uplink.set_rate(now, rate_bps);
        }
    }

    fn restart_edge(&mut self, edge: usize, life: usize) {
        let is_off =
            |fault: &FaultSpec| matches!(fault, FaultSpec::EdgeRestart { edge: of, .. } if *of == edge);
        if self.active().any(is_off) {
            return;
        }
        let Some(memory) = self.edge_memory.next() else { return };
        let made = Service::new(self.scenario, edge, life as u64 + 1, self.seed, memory, &self.wire);
        if let (Some(service), Some(made)) = (self.services.get_mut(edge), made) {
            let before = core::mem::replace(service, made);
            service.succeed(self.wire.now, &before);
        }
    }
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
