//! What holds of an edge after any call, and what any one call may change.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use super::harness::*;
use crate::edge::channel::ChannelSlot;
use crate::edge::client_slot::{ClientSlot, EgressClass};
use crate::edge::feeds::{has_overlay, share_of};
use crate::edge::{ChannelId, EdgeConfig, EdgeEvent};
use crate::media::Overlay;
use crate::scaling::{Churn, Decision, Stage, scaling_factor_clamped};
use crate::wire::control::{Class, Grant};

/// Clients are counted in parts of a client: sums of them miss whole numbers by less than this.
const ROUNDING: f64 = 1e-6;

type Clients<'w> = BTreeMap<u32, &'w ClientSlot>;

/// Everything that is kept twice says the same twice.
pub(super) fn check(world: &World<'_>, channels: &[ChannelId]) {
    let edge = &world.edge;
    let clients: Clients<'_> = edge.clients.iter().map(|(h, client)| (h.slot, client)).collect();
    assert_eq!(edge.addresses.len(), edge.clients.len());
    for (&slot, client) in &clients {
        assert_eq!(edge.addresses.get(&client.path.remote), Some(slot));
        assert!(channels.contains(&client.channel) || edge.channel(client.channel).is_some());
        assert!(client.reserved <= client.slots, "{} of {}", client.reserved, client.slots);
        assert_eq!(client.feeds.0 & client.leases.0, 0);
        assert_eq!(client.rescues.0 & !client.leases.0, 0);
        assert_eq!((client.cut.0 | client.behind.0) & !client.active().0, 0);
    }
    let reserved: usize = clients.values().map(|client| usize::from(client.reserved)).sum();
    assert!(reserved <= edge.tracker.reserved());
    let waiting = clients.values().filter(|client| client.is_waiting).count();
    assert_eq!(edge.stats().waiting as usize, waiting);
    for &id in channels {
        check_channel(world, id, &clients);
    }
    check_promises(world, &clients);
    for class in EgressClass::ALL {
        let ready = clients.values().filter(|client| client.ready == Some(class)).count();
        assert_eq!(edge.ready[class.index()].len() as usize, ready);
    }
}

/// What was promised to all is what was promised to each, and legacy clients' part is not promised.
fn check_promises(world: &World<'_>, clients: &Clients<'_>) {
    let edge = &world.edge;
    let (mut feeds, mut joins, mut rescues, mut waiting) = (0, 0, 0, 0);
    for client in clients.values() {
        let bps = edge.channel(client.channel).unwrap().substream_bps();
        let of = |mask: u16| bps * u64::from(mask.count_ones());
        feeds += of(client.feeds.0);
        joins += of(client.leases.0 & !client.rescues.0);
        rescues += of(client.rescues.0);
        waiting += if client.is_waiting { of(client.active().0) } else { 0 };
    }
    let promised = &edge.promised;
    assert_eq!((promised.feeds_bps, promised.joins_bps), (feeds, joins));
    assert_eq!((promised.rescues_bps, promised.waiting_bps), (rescues, waiting));
    assert!(promised.rescues_bps * 5 <= edge.config.capacity_bps);
    assert!(edge.capacity_bps() <= edge.line_view().cap_bps);
}

fn check_channel(world: &World<'_>, id: ChannelId, clients: &Clients<'_>) {
    let edge = &world.edge;
    let Some(channel) = edge.channel(id) else { return };
    let clients: Clients<'_> = clients
        .iter()
        .filter(|(_, client)| client.channel == id)
        .map(|(&slot, &client)| (slot, client))
        .collect();
    let count =
        |mask: fn(&ClientSlot) -> u16| clients.values().map(|client| mask(client).count_ones()).sum::<u32>();
    assert_eq!(channel.clients as usize, clients.len());
    assert_eq!(channel.feeds, count(|client| client.feeds.0));
    assert_eq!(channel.rescue_leases, count(|client| client.rescues.0));
    assert_eq!(channel.join_leases, count(|client| client.leases.0 & !client.rescues.0));
    for substream in 0..16 {
        let list = &channel.subscribers[usize::from(substream)];
        let mut listed = Vec::new();
        let mut next = list.front();
        while let Some(slot) = next {
            listed.push(slot);
            next = clients[&slot].feed(substream).unwrap().links.next();
        }
        assert_eq!(listed.len(), list.len() as usize);
        listed.sort_unstable();
        let active = clients.iter().filter(|(_, client)| client.active().has(substream));
        assert_eq!(listed, active.map(|(&slot, _)| slot).collect::<Vec<_>>());
    }
    let suppliers = clients.values().filter(|client| client.supplier_place != 0).count();
    assert_eq!(channel.suppliers as usize, suppliers);
    for (&slot, client) in &clients {
        assert_eq!(client.supplier_place != 0, client.slots > 0 && !client.feedable.is_empty());
        if let Some(index) = client.supplier_place.checked_sub(1) {
            assert_eq!(edge.tracker.supplier(id, index), Some(slot));
        }
        let is_due = edge.class_of(world.now, slot);
        assert!(client.is_paced || client.ready == is_due, "{:?} but {is_due:?}", client.ready);
    }
    check_slots(world, channel, &clients);
    check_mode(world, channel, &clients);
}

/// The sums over upload slots, from which it follows who supplies whom and what alpha is.
fn check_slots(world: &World<'_>, channel: &ChannelSlot, clients: &Clients<'_>) {
    let sum = |of: fn(&ClientSlot) -> u8| clients.values().map(|client| u32::from(of(client))).sum::<u32>();
    let own = |slot: &u32| u32::from(world.edge.records[*slot as usize].slots_max);
    assert_eq!(channel.slots_idle, sum(|client| client.slots));
    assert_eq!(channel.slots_free, sum(|client| client.slots_counted.0));
    assert_eq!(channel.slots_all, sum(|client| client.slots_counted.1));
    assert_eq!(channel.uplink_slots, clients.keys().map(own).sum::<u32>());
    let sharing = clients.values().filter(|client| client.left_from.0 > 0).count();
    assert_eq!(channel.sharing as usize, sharing);
}

/// What an overlay mode leaves out.
fn check_mode(world: &World<'_>, channel: &ChannelSlot, clients: &Clients<'_>) {
    let edge = &world.edge;
    let settings = &channel.settings;
    let has_overlay = has_overlay(settings.overlay, settings.levels_max);
    if settings.overlay == Overlay::Mesh {
        // Who is asked for single frames gives no slot away, and nobody looks for parents.
        assert!(clients.values().all(|client| client.reserved == 0));
        assert_eq!(channel.join_leases, 0);
    }
    if !has_overlay {
        assert_eq!((channel.join_leases, channel.rescue_leases), (0, 0), "nobody else would feed them");
        assert!(clients.values().all(|client| client.class == Class::Push));
    }
    assert!(channel.scaling > 0.0 && channel.scaling.is_finite());
    if edge.config.is_churn_estimated {
        let churn = channel.estimator.churn();
        assert!(churn.is_none_or(|churn| churn.validate().is_ok()), "{churn:?}");
    } else {
        assert_eq!(channel.scaling, edge.config.scaling(settings), "S is what was configured");
        assert_eq!(channel.estimator.churn(), None);
    }
}

/// A channel before a call.
#[derive(Clone, Debug)]
struct ChannelBefore {
    id: ChannelId,
    feeds: u32,
    churn: Option<Churn>,
}

/// An edge before a call.
#[derive(Clone, Debug)]
pub(super) struct Before {
    ids: BTreeSet<u32>,
    channels: Vec<ChannelBefore>,
    feeds_bps: u64,
    joins_bps: u64,
    rescues_bps: u64,
    events: usize,
    told: Vec<usize>,
    is_draining: bool,
}

fn ids(world: &World<'_>) -> BTreeSet<u32> {
    world.edge.clients.iter().map(|(handle, _)| world.edge.client_id(handle).0).collect()
}

impl Before {
    pub(super) fn new(world: &World<'_>, channels: &[ChannelId]) -> Self {
        let edge = &world.edge;
        let known = channels.iter().filter_map(|&id| Some((id, edge.channel(id)?)));
        let channels = known.map(|(id, channel)| ChannelBefore {
            id,
            feeds: channel.feeds,
            churn: channel.estimator.churn(),
        });
        Self {
            ids: ids(world),
            channels: channels.collect(),
            feeds_bps: edge.promised.feeds_bps,
            joins_bps: edge.promised.joins_bps,
            rescues_bps: edge.promised.rescues_bps,
            events: world.events.len(),
            told: world.viewers.iter().map(|viewer| viewer.told.len()).collect(),
            is_draining: edge.is_draining,
        }
    }

    /// What a call gave away was there to be given, by what the edge knows of its line now: what it gave before the line shrank stays.
    pub(super) fn check(&self, world: &World<'_>) {
        let edge = &world.edge;
        let (promised, config) = (&edge.promised, &edge.config);
        for before in &self.channels {
            let Some(channel) = edge.channel(before.id) else { continue };
            let own_bps = channel.substream_bps() * u64::from(channel.feeds);
            // What is kept is kept of the whole line, and of what is left the others have theirs.
            let rate_bps = channel.settings.rate_bps;
            let others = (promised.feeds_bps - own_bps) as f64 / f64::from(rate_bps);
            let n_star = f64::from(config.n_star(edge.capacity_bps(), rate_bps));
            let is_within = channel.nc() + others <= n_star + ROUNDING;
            assert!(
                channel.feeds <= before.feeds || is_within,
                "Nc {} and {others} of {n_star}",
                channel.nc()
            );
            check_estimate(before, channel);
        }
        assert!(promised.feeds_bps <= self.feeds_bps.max(edge.capacity_bps()), "{promised:?}");
        let budget_bps = share_of(edge.capacity_bps(), config.rescue_share);
        assert!(promised.rescues_bps <= self.rescues_bps.max(budget_bps), "{promised:?} of {budget_bps}");
        let kept_share = config.rescue_share + config.overhead_share + config.burst_share;
        let usable_bps = share_of(edge.capacity_bps(), 1.0 - kept_share);
        let has_begun = promised.feeds_bps <= self.feeds_bps
            && promised.feeds_bps + promised.joins_bps > self.feeds_bps + self.joins_bps;
        assert!(!has_begun || promised.feeds_bps + promised.joins_bps <= usable_bps, "{promised:?}");
        assert!(!self.is_draining || ids(world).is_subset(&self.ids), "somebody was let in");
        for event in world.events.get(self.events..).unwrap_or_default() {
            check_event(world, event);
        }
        for (viewer, &told) in world.viewers.iter().zip(&self.told) {
            viewer.told[told..].iter().for_each(|(_, told)| check_told(world, told));
        }
    }
}

/// A new estimate of the churn gives S at once.
fn check_estimate(before: &ChannelBefore, channel: &ChannelSlot) {
    let Some(churn) = channel.estimator.churn().filter(|&churn| before.churn != Some(churn)) else { return };
    let s = scaling_factor_clamped(&churn, channel.settings.levels_max, channel.clients);
    assert_eq!(channel.scaling, s.unwrap_or(1.0), "{churn:?}");
}

/// Clients fed by the edge or on its leases never feed others below the deepest level.
fn check_told(world: &World<'_>, told: &Told) {
    let Told::Accept(accept) = told else { return };
    let levels_max = world.settings.levels_max;
    let expected = match accept.grant {
        Grant::Feed => 0,
        Grant::Lease => levels_max.saturating_sub(1),
    };
    assert_eq!(accept.level, expected, "{accept:?}");
}

/// Who is let in, promoted or left to peers is so by the stages, the edge's room and the mode.
fn check_event(world: &World<'_>, event: &EdgeEvent) {
    let config = &world.edge.config;
    let overlay = world.settings.overlay;
    let has_overlay = has_overlay(overlay, world.settings.levels_max);
    match event {
        EdgeEvent::Admitted { class, decision, .. } => check_admitted(world, *class, decision),
        EdgeEvent::Promoted { decision, .. } => {
            assert!(has_overlay);
            let nc_max = if overlay == Overlay::Mesh { f64::from(config.n1) + 0.9 } else { decision.target };
            assert!(decision.nc <= nc_max + ROUNDING, "{decision:?}");
        }
        EdgeEvent::Demoted { decision, .. } => {
            assert!(config.is_stage_strict && has_overlay && overlay == Overlay::Push);
            // Whole feeds: a part of one more may be left.
            assert!(decision.nc + 0.25 + ROUNDING >= decision.target, "{decision:?}");
        }
        _ => {}
    }
}

fn check_admitted(world: &World<'_>, class: Class, decision: &Decision) {
    let config: &EdgeConfig = &world.edge.config;
    let settings = &world.settings;
    let has_room = decision.nc + 1.0 <= f64::from(decision.n_star) + ROUNDING;
    let short = decision.target - decision.nc;
    let is_edges = decision.stage == Stage::One || short + ROUNDING >= 1.0 + config.hysteresis;
    assert!(class == Class::P2p || has_room, "{decision:?}");
    match settings.overlay {
        Overlay::Mesh => assert!(class == Class::P2p || decision.nc < f64::from(config.n1), "{decision:?}"),
        _ if !has_overlay(settings.overlay, settings.levels_max) => assert_eq!(class, Class::Push),
        Overlay::Push | Overlay::Off => {
            assert!(class == Class::P2p || is_edges, "{decision:?}");
            assert!(
                !config.is_stage_strict || (class == Class::Push) == (is_edges && has_room),
                "{decision:?}"
            );
        }
    }
}
