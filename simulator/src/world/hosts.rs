//! Draws the hosts and builds the network of them.

use core::time::Duration;

use livesky_core::rng::Rng;

use super::plan::Plan;
use crate::network::{Addressing, Host, HostId, Line, Loss, NatBox, Network, Site};
use crate::scenario::{EdgeSpec, NatKind, NetworkSpec, Scenario};
use crate::seeds::{Draw, Purpose, stream};

/// Bytes of an edge's queue in milliseconds of its line.
const EDGE_QUEUE_MS: u32 = 200;

/// What a client is told and how it is counted, beside its place in the network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The edge it is sent to.
    pub(crate) edge: usize,
    /// What it may upload as it is told, in bit/s.
    pub(crate) told_bps: u32,
    /// What it can upload, as a multiple of the rate.
    pub(crate) uplink: f64,
    /// What its uplink carries in bit/s.
    pub(crate) line_bps: u64,
    /// The kind of its NAT box.
    pub(crate) nat: NatKind,
    /// Does not consent to upload.
    pub(crate) is_receive_only: bool,
}

impl Terms {
    /// What it may upload in bit/s: nothing without consent.
    pub(crate) const fn may_upload_bps(&self) -> u32 {
        if self.is_receive_only { 0 } else { self.told_bps }
    }
}

/// Everybody's place and terms.
pub(crate) struct Hosts {
    pub(crate) network: Network,
    /// By session.
    pub(crate) terms: Vec<Terms>,
}

/// What was drawn for one client, whatever the scenario makes of it: the next one's draws do not depend on it.
struct Drawn {
    region: f64,
    isp: f64,
    rtt: f64,
    uplink_part: f64,
    uplink: f64,
    blocked: f64,
    nat: f64,
    mapped: f64,
    edge: f64,
    receive_only: f64,
}

impl Drawn {
    fn new(rng: &mut Rng) -> Self {
        Self {
            region: rng.unit(),
            isp: rng.unit(),
            rtt: rng.unit(),
            uplink_part: rng.unit(),
            uplink: rng.unit(),
            blocked: rng.unit(),
            nat: rng.unit(),
            mapped: rng.unit(),
            edge: rng.unit(),
            receive_only: rng.unit(),
        }
    }
}

/// The box that is being filled, for each part of the scenario's NAT kinds.
#[derive(Clone, Copy, Default)]
struct Filling {
    nat: usize,
    hosts: u16,
    site: Site,
}

impl Hosts {
    pub(crate) fn draw(scenario: &Scenario, plan: &Plan, seed: u64) -> Self {
        let addressing = Addressing::new(scenario.edges.len());
        let mut network = Network::new(addressing, &scenario.network);
        for (index, edge) in scenario.edges.iter().enumerate() {
            network.add_host(edge_host(scenario, addressing, index, edge, seed));
        }
        let mut filling = vec![Filling::default(); scenario.nat.len()];
        let mut terms = Vec::with_capacity(plan.sessions.len());
        for session in 0..plan.sessions.len() {
            let drawn = Drawn::new(&mut stream(seed, Purpose::Host, session as u64));
            let id = HostId(u32::try_from(scenario.edges.len() + session).unwrap_or(u32::MAX));
            terms.push(add_client(scenario, &mut network, &mut filling, id, &drawn, seed));
        }
        Self { network, terms }
    }
}

fn edge_host(scenario: &Scenario, addressing: Addressing, index: usize, edge: &EdgeSpec, seed: u64) -> Host {
    Host {
        site: edge_site(&scenario.network, edge),
        address: addressing.edge(index, 0),
        nat: None,
        uplink: Line::with_queue_ms(line_bps(edge), EDGE_QUEUE_MS),
        downlink: None,
        loss: Loss::new(scenario.network.loss, scenario.network.burst_loss),
        rng: stream(seed, Purpose::Network, index as u64),
        is_blocked: false,
    }
}

/// Rate of an edge's line.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "validated: far below 2^53")]
pub(crate) fn line_bps(edge: &EdgeSpec) -> u64 {
    (edge.capacity_bps as f64 * edge.line_ratio) as u64
}

/// Where an edge stands.
pub(crate) fn edge_site(network: &NetworkSpec, edge: &EdgeSpec) -> Site {
    let region = network.regions.iter().position(|region| Some(&region.name) == edge.region.as_ref());
    let isp = network.isps.iter().position(|isp| Some(&isp.name) == edge.isp.as_ref());
    Site { region: small(region), isp: small(isp), access_us: 0 }
}

fn small(place: Option<usize>) -> u8 {
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
}

fn add_client(
    scenario: &Scenario,
    network: &mut Network,
    filling: &mut [Filling],
    id: HostId,
    drawn: &Drawn,
    seed: u64,
) -> Terms {
    let spec = &scenario.clients;
    let addressing = network.addressing();
    let [least, most] = spec.rtt_ms;
    let access_us = crate::network::micros((least + (most - least) * drawn.rtt) / 2.0);
    let region = part_of(scenario.network.regions.iter().map(|region| region.share), drawn.region);
    let isp = part_of(scenario.network.isps.iter().map(|isp| isp.share), drawn.isp);
    let mut site = Site { region: small(region), isp: small(isp), access_us };
    let nat_part = part_of(scenario.nat.iter().map(|nat| nat.share), drawn.nat);
    let nat_spec = nat_part.and_then(|part| scenario.nat.get(part)).filter(|nat| nat.kind != NatKind::Open);
    let mut nat = None;
    let mut address = addressing.client(id);
    if let (Some(part), Some(nat_spec)) = (nat_part, nat_spec)
        && let Some(filling) = filling.get_mut(part)
    {
        if filling.hosts == 0 || u32::from(filling.hosts) >= nat_spec.hosts_per_box {
            let timeout = Duration::from_secs_f64(nat_spec.mapping_timeout_s);
            *filling =
                Filling { nat: network.add_box(NatBox::new(nat_spec.kind, timeout), site), hosts: 0, site };
        }
        // Who shares a box shares its line's place.
        site = filling.site;
        address = addressing.private(usize::from(filling.hosts));
        nat = u32::try_from(filling.nat).ok().map(|nat| (nat, filling.hosts));
        filling.hosts += 1;
    }
    let uplink = uplink_of(scenario, drawn);
    let line_bps = bps(uplink * f64::from(scenario.channel.rate_bps)).max(spec.uplink_min_bps);
    let told_bps = bps(uplink * f64::from(scenario.channel.rate_bps) * spec.told_share);
    let queue_ms = spec.downlink_queue_ms;
    network.add_host(Host {
        site,
        address,
        nat,
        uplink: Line::with_queue_ms(line_bps, spec.uplink_queue_ms),
        downlink: spec.downlink_bps.map(|bps| Line::with_queue_ms(bps, queue_ms)),
        loss: Loss::new(scenario.network.loss, scenario.network.burst_loss),
        rng: stream(seed, Purpose::Network, u64::from(id.0)),
        is_blocked: drawn.blocked < spec.udp_blocked_share,
    });
    Terms {
        edge: edge_for(scenario, &site, drawn),
        told_bps: u32::try_from(told_bps).unwrap_or(u32::MAX),
        uplink,
        line_bps,
        nat: nat_spec.map_or(NatKind::Open, |nat| nat.kind),
        is_receive_only: drawn.receive_only < spec.receive_only_share,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "validated: far below 2^53")]
fn bps(value: f64) -> u64 {
    value.round() as u64
}

/// An uplink as a multiple of the rate.
fn uplink_of(scenario: &Scenario, drawn: &Drawn) -> f64 {
    let uplinks = &scenario.clients.uplinks;
    let part = part_of(uplinks.iter().map(|range| range.share), drawn.uplink_part);
    let range = part.and_then(|part| uplinks.get(part)).or(uplinks.last());
    range.map_or(0.0, |range| range.low + (range.high - range.low) * drawn.uplink)
}

/// Into which part of a whole a draw falls; `None` past the last.
fn part_of(shares: impl Iterator<Item = f64>, drawn: f64) -> Option<usize> {
    let mut sum = 0.0;
    shares
        .map(|share| {
            sum += share;
            sum
        })
        .position(|end| drawn < end)
}

/// The edge a client is sent to: the best match, or any.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of edges")]
fn edge_for(scenario: &Scenario, site: &Site, drawn: &Drawn) -> usize {
    let edges = &scenario.edges;
    let rank = |edge: &EdgeSpec| {
        let edge = edge_site(&scenario.network, edge);
        (edge.isp != site.isp, edge.region != site.region)
    };
    let choice: Vec<usize> = if drawn.mapped < scenario.population.mapped_right {
        let best = edges.iter().map(rank).min();
        (0..edges.len()).filter(|&index| edges.get(index).map(rank) == best).collect()
    } else {
        (0..edges.len()).collect()
    };
    choice.get((drawn.edge * choice.len() as f64) as usize).copied().unwrap_or(0)
}
