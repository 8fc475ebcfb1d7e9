//! An edge in the world.

use livesky_core::edge::{ChannelId, Edge, EdgeConfig, EdgeEvent, EdgeSockets};
use livesky_core::media::{ChannelName, FrameInfo, fragment_count, fragment_len_at};
use livesky_core::scaling::{Churn, Stage};
use livesky_core::store::{FrameStore, PhantomStore};
use livesky_core::wire::SendReason;
use livesky_core::wire::control::RefusalReason;
use livesky_core::{Endpoint, Instant};

use super::channel::tag_of;
use super::checks::egress_bound;
use super::legacy::Legacy;
use super::memory::EdgeMemory;
use super::wire::{Alarm, Wire};
use crate::invariants::{Leases, RateBound};
use crate::network::HostId;
use crate::results::EdgeRow;
use crate::scenario::{EdgeSpec, Scenario};
use crate::seeds::{Purpose, stream};

/// Every reason to turn a client away.
const ALL_REFUSALS: [RefusalReason; 6] = [
    RefusalReason::UnknownChannel,
    RefusalReason::NotOnAir,
    RefusalReason::Saturated,
    RefusalReason::Full,
    RefusalReason::Draining,
    RefusalReason::Ticket,
];

/// Name of the one channel.
const CHANNEL: &str = "live";

/// The channel's name.
pub(crate) fn channel_name() -> Option<ChannelName> {
    ChannelName::new(CHANNEL)
}

/// The machine of an edge.
type Machine<'a> = Edge<'a, PhantomStore<'a>>;

/// An edge and its channel.
pub(crate) struct Service<'a> {
    pub(crate) host: HostId,
    pub(crate) edge: Machine<'a>,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) alarm: Alarm,
    /// Without power.
    pub(crate) is_down: bool,
    egress: RateBound,
    pub(crate) leases: Leases,
    pub(crate) legacy: Legacy,
    /// What it counted before it lost power.
    former: EdgeRow,
    /// Bytes it sent on leases and asked for frame by frame, before that.
    former_rescue_bytes: u64,
}

impl<'a> Service<'a> {
    pub(crate) fn new(
        scenario: &Scenario,
        index: usize,
        life: u64,
        seed: u64,
        memory: &'a mut EdgeMemory,
        wire: &Wire,
    ) -> Option<Self> {
        let egress = egress_bound(scenario.edges.get(index)?.capacity_bps);
        let legacy = Legacy::new(scenario.edges.get(index)?.legacy_bps);
        let config = config(scenario, index, life, seed, wire)?;
        let (storage, store) = memory.lend();
        let mut edge = Edge::new(config, storage, store);
        edge.set_legacy_load(wire.now, legacy.bps());
        let name = channel_name()?;
        let opened = edge.open_channel(wire.now, &name, scenario.channel.settings(), b"init", None);
        let host = HostId(u32::try_from(index).ok()?);
        let channel = opened.ok().map(|(channel, _)| channel);
        let (alarm, leases) = (Alarm::default(), Leases::default());
        Some(Self {
            host,
            edge,
            channel,
            alarm,
            is_down: false,
            egress,
            leases,
            legacy,
            former: EdgeRow::default(),
            former_rescue_bytes: 0,
        })
    }

    /// Takes over from the same edge before it lost power: HTTP players come back at once, and counts go on.
    pub(crate) fn succeed(&mut self, now: Instant, before: &Self) {
        self.former = before.counted();
        self.former_rescue_bytes = before.rescue_bytes();
        self.edge.set_legacy_load(now, before.legacy.bps());
        self.legacy = before.legacy;
    }

    /// What its machines counted.
    pub(crate) fn counted(&self) -> EdgeRow {
        let (stats, former) = (self.edge.stats(), &self.former);
        let refusals: u64 = ALL_REFUSALS.iter().map(|&reason| stats.refusals(reason)).sum();
        EdgeRow {
            joins_push: former.joins_push + stats.joins_push,
            joins_p2p: former.joins_p2p + stats.joins_p2p,
            refusals: former.refusals + refusals,
            leaves: former.leaves + stats.leaves,
            promotions: former.promotions + stats.promotions,
            demotions: former.demotions + stats.demotions,
            bursts_shared: former.bursts_shared + stats.bursts_shared,
            rescues: former.rescues + stats.rescues,
            rescues_refused: former.rescues_refused + stats.rescues_refused,
            retransmissions: former.retransmissions + stats.retransmissions,
            ..EdgeRow::default()
        }
    }

    /// Bytes it sent on leases and asked for frame by frame.
    pub(crate) fn rescue_bytes(&self) -> u64 {
        let stats = self.edge.stats();
        let now = stats.media_bytes(SendReason::Rescue) + stats.media_bytes(SendReason::Pull);
        self.former_rescue_bytes + now
    }

    /// Takes a frame in.
    pub(crate) fn publish(&mut self, now: Instant, info: FrameInfo, fragment_len: u16) {
        let Some(channel) = self.channel else { return };
        let Some(epoch) = self.edge.channel_view(channel).map(|view| view.epoch) else { return };
        let Some(count) = fragment_count(info.len, fragment_len) else { return };
        let key = loop {
            match self.edge.store_mut().allocate(info.len, fragment_len) {
                Ok(key) => break key,
                Err(_) if self.edge.evict_oldest() => {}
                Err(_) => return,
            }
        };
        let store = self.edge.store_mut();
        for fragment in 0..count {
            let tag = tag_of(epoch, info.id, fragment);
            let len = usize::from(fragment_len_at(info.len, fragment_len, fragment)).min(tag.len());
            let is_written = store.write(key, fragment, tag.get(..len).unwrap_or(&tag)).is_ok();
            debug_assert!(is_written);
        }
        store.complete(key);
        if self.edge.push_frame(now, channel, info, key).is_err() {
            self.edge.store_mut().release(key);
        }
    }

    /// Sends what it has to say, hears what it tells, and sets its alarm.
    pub(crate) fn settle(&mut self, wire: &mut Wire, head: &mut [u8]) {
        if self.is_down {
            return;
        }
        while let Some(transmit) = self.edge.poll_transmit(wire.now, head) {
            if wire.send(self.host, &transmit, head, self.edge.store()).is_some() {
                let len = transmit.head_len + transmit.body.map_or(0, |body| usize::from(body.len));
                if let Some(over) = self.egress.on_sent(wire.now, len as u64) {
                    wire.breach("capacity", self.host, || format!("{over} bytes more than it may send"));
                }
            }
        }
        while let Some(event) = self.edge.poll_event() {
            if let (EdgeEvent::StageChanged { .. }, Some(egress)) =
                (event, wire.collector.edges.get_mut(self.host.index()))
            {
                egress.stage_changes += 1;
            }
        }
        wire.arm(&mut self.alarm, self.host.0, self.edge.poll_timeout());
    }

    /// How its clients are fed.
    pub(crate) fn load(&self) -> Load {
        let view = self.channel.and_then(|channel| self.edge.channel_view(channel));
        view.map_or(Load::default(), |view| Load {
            p0: view.p0,
            nc: view.nc,
            nc_target: view.thresholds.map_or(f64::from(view.p0), |thresholds| thresholds.target_nc(view.p0)),
            stage: stage_number(view.stage),
        })
    }
}

/// How an edge's clients are fed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    pub(crate) p0: u32,
    pub(crate) nc: f64,
    pub(crate) nc_target: f64,
    pub(crate) stage: u8,
}

const fn stage_number(stage: Stage) -> u8 {
    match stage {
        Stage::One => 1,
        Stage::Two => 2,
        Stage::Three => 3,
        Stage::Four => 4,
    }
}

/// How peers come and go as the scenario says, per churn interval.
pub(crate) fn churn_of(scenario: &Scenario, edge: &EdgeSpec) -> Churn {
    let intervals = edge.churn_interval_s / 60.0;
    let population = &scenario.population;
    Churn {
        alpha: edge.alpha,
        gamma: edge.gamma.unwrap_or((population.joins_per_minute * intervals).min(1.0)),
        delta: edge.delta.unwrap_or((population.leaves_per_minute * intervals).min(0.99)),
    }
}

/// An edge counts in whole seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "validated: up to 3600")]
fn whole_s(span_s: f64) -> u32 {
    span_s.round().max(1.0) as u32
}

fn config(scenario: &Scenario, index: usize, life: u64, seed: u64, wire: &Wire) -> Option<EdgeConfig> {
    let spec = scenario.edges.get(index)?;
    let mut rng = stream(seed, Purpose::Edge, (index as u64) << 16 | life);
    let mut key = [0; 16];
    key.iter_mut().for_each(|byte| *byte = rng.next_u32().to_le_bytes()[0]);
    let others = (0..scenario.edges.len()).filter(|&other| other != index);
    let addressing = wire.network.addressing();
    let sockets =
        EdgeSockets { main: addressing.edge(index, 0).into(), second: addressing.edge(index, 1).into() };
    let mut alternatives = EdgeConfig::default().alternatives;
    for other in others {
        if alternatives.push(addressing.edge(other, 0).into()).is_err() {
            break;
        }
    }
    Some(EdgeConfig {
        seed: rng.next_u64(),
        key,
        capacity_bps: spec.capacity_bps,
        n1: spec.n1,
        churn: churn_of(scenario, spec),
        is_churn_estimated: spec.estimate_churn,
        churn_interval_s: whole_s(spec.churn_interval_s),
        slope: spec.slope,
        is_stage_strict: spec.strict_stages,
        hysteresis: spec.hysteresis,
        rescue_share: spec.rescue_share,
        overhead_share: spec.overhead_share,
        burst_share: spec.burst_share,
        sockets: Some(sockets),
        alternatives,
        ..EdgeConfig::default()
    })
}
