//! Who supplies whom: what suppliers can still take on decides which newcomers the edge feeds, and who is promoted.
//!
//! Nc by the stage function is what the edge feeds at most; with less it makes do where peers can take on more, unless its owner
//! wants Nc held to it ([`is_stage_strict`](super::EdgeConfig::is_stage_strict)). With K0 = 2 only push clients have children:
//! those with the best uplinks should be push clients, or slots are missing although there are uplinks.

use core::time::Duration;

use crate::media::{ChannelSettings, Overlay};
use crate::scaling::{Decision, Stage, Uplink, scaling_factor_clamped, slots};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{Class, ClientId};

use super::channel::ChannelId;
use super::client_slot::Mask;
use super::events::EdgeEvent;
use super::feeds::Granted;
use super::machine::Edge;

/// Percent of the suppliers' slots kept free for those who lose a parent.
const SPARE_PERCENT: u32 = 5;
/// The same, before a client that could supply others is fed by peers.
const SPARE_PERCENT_OF_GOOD: u32 = 12;
/// A client that can feed others is promoted when it is on a lease this long after it joined, another one later.
const PROMOTED_AFTER_MS: [u64; 2] = [2_000, 6_000];

/// The slots a client may come to have, by what it says it can upload.
pub(super) fn slots_told(upload_bps: u32, settings: &ChannelSettings) -> u8 {
    let cap_bps = u64::from(settings.rate_bps) * u64::from(settings.upload_cap_percent) / 100;
    slots(&Uplink {
        cap_bps: cap_bps.min(u64::from(upload_bps)),
        rate_bps: u64::from(settings.rate_bps),
        substreams: settings.substreams,
        key_len: 0,
        target_ms: settings.target_buffer_ms,
    })
}

/// What a newcomer becomes, when the stage function says `by_stage`.
pub(super) fn class_by_supply(by_stage: Class, stage: Stage, has_spare_slots: bool) -> Class {
    match (by_stage, stage) {
        (Class::Push, Stage::Two | Stage::Three | Stage::Four) if has_spare_slots => Class::P2p,
        (class, _) => class,
    }
}

impl<S: FrameStore> Edge<'_, S> {
    /// Whether one more client is left to a channel's suppliers: they can take it on and keep some slots for bad days, and Nc may
    /// be lower than the stages say.
    pub(super) fn has_spare_slots(&self, id: ChannelId, can_supply: bool) -> bool {
        let percent = if can_supply { SPARE_PERCENT_OF_GOOD } else { SPARE_PERCENT };
        !self.config.is_stage_strict && self.has_slots(id, percent)
    }

    /// Whether a channel's suppliers can take on one more client at all.
    pub(super) fn has_slots_for(&self, id: ChannelId) -> bool {
        self.has_slots(id, 0)
    }

    fn has_slots(&self, id: ChannelId, kept_percent: u32) -> bool {
        let Some(channel) = self.channel(id) else { return false };
        let kept = channel.slots_all.saturating_mul(kept_percent) / 100;
        let promised = u32::try_from(self.tracker.reserved()).unwrap_or(u32::MAX);
        let wanted = u32::from(channel.settings.substreams);
        channel.slots_free >= kept.saturating_add(promised).saturating_add(wanted)
    }

    /// Counts what a client supplies: the one place where the channel's sums change.
    pub(super) fn count_slots(&mut self, slot: u32, is_supplier: bool) {
        let all = self.records.get(slot as usize).map_or(0, |record| record.slots_max);
        let Some(client) = self.clients.at_mut(slot) else { return };
        let counted = if is_supplier { (client.slots, all.max(client.slots)) } else { (0, 0) };
        let before = core::mem::replace(&mut client.slots_counted, counted);
        let id = client.channel;
        let Some(channel) = self.channel_mut(id) else { return };
        channel.slots_free = (channel.slots_free + u32::from(counted.0)).saturating_sub(u32::from(before.0));
        channel.slots_all = (channel.slots_all + u32::from(counted.1)).saturating_sub(u32::from(before.1));
    }

    /// Whether a client can feed others, as far as is known.
    pub(super) fn can_supply(&self, slot: u32) -> bool {
        let Some(client) = self.clients.at(slot) else { return false };
        let Some(settings) = self.channel(client.channel).map(|channel| channel.settings) else {
            return false;
        };
        self.records
            .get(slot as usize)
            .is_some_and(|record| record.slots_max > 0 || slots_told(record.upload_bps, &settings) > 0)
    }

    /// Whether the stage leaves room for one more feed for good.
    pub(super) fn is_below_target(&self, id: ChannelId) -> bool {
        let (Some(channel), Some(thresholds)) = (self.channel(id), self.thresholds(id)) else { return false };
        let nc_then =
            f64::from(channel.feeds.saturating_add(1)) / f64::from(channel.settings.substreams.max(1));
        nc_then <= thresholds.target_nc(channel.clients).min(f64::from(thresholds.n_star))
    }

    /// Whether a mesh wants one more client fed by the edge, and there is room for it: one that can supply others, but any rather
    /// than none.
    pub(super) fn wants_seed(&self, id: ChannelId, can_supply: bool) -> bool {
        let (Some(channel), Some(thresholds)) = (self.channel(id), self.thresholds(id)) else { return false };
        let seeds = channel.feeds / u32::from(channel.settings.substreams.max(1));
        seeds < self.config.n1.min(thresholds.n_star) && (can_supply || seeds == 0)
    }

    /// Feeds a client of a mesh from here on, in the place of a seed that left.
    fn make_seed(&mut self, now: Instant, slot: u32) {
        let Some(client) = self.clients.at(slot) else { return };
        let (id, is_idle) = (client.channel, client.active().is_empty());
        if !is_idle || !self.wants_seed(id, self.can_supply(slot)) {
            return;
        }
        let Some(channel) = self.channel(id) else { return };
        let (all, newest) = (Mask(channel.settings.all_substreams()), channel.newest.unwrap_or(channel.next));
        for substream in all.iter() {
            let first = self.first_from(id, substream, newest);
            self.begin_feed(now, slot, substream, first, Granted::Feed);
            if let Some(client) = self.clients.at_mut(slot) {
                client.accepts.set(substream, true);
            }
        }
        self.on_promoted(now, slot, id);
        self.arm(now, slot);
    }

    /// Makes feeds for good of the leases of a client that finds no parents, while Nc is below its target.
    pub(super) fn promote(&mut self, now: Instant, slot: u32) {
        let Some(client) = self.clients.at(slot) else { return };
        let (id, leases, joined_at) = (client.channel, client.leases, client.joined_at);
        if self.channel(id).is_some_and(|channel| channel.settings.overlay == Overlay::Mesh) {
            self.make_seed(now, slot);
            return;
        }
        if leases.is_empty() {
            return;
        }
        let can_supply = self.can_supply(slot);
        let [good_ms, other_ms] = PROMOTED_AFTER_MS;
        let after_ms = if can_supply { good_ms } else { other_ms };
        if now.micros_since(joined_at) < after_ms * 1_000 || self.has_spare_slots(id, can_supply) {
            return;
        }
        let mut promoted = 0;
        for substream in leases.iter() {
            if !self.is_below_target(id) {
                break;
            }
            self.regrant(slot, substream, Some(Granted::Feed));
            if let Some(client) = self.clients.at_mut(slot) {
                client.accepts.set(substream, true);
            }
            promoted += 1;
        }
        if promoted > 0 {
            self.on_promoted(now, slot, id);
        }
    }

    /// Lets S follow the churn that is seen, where the owner wants that.
    pub(super) fn estimate(&mut self, now: Instant, slot: u32) {
        let Some(id) = self.clients.at(slot).map(|client| client.channel) else { return };
        let is_wanted = self.config.is_churn_estimated;
        let interval = Duration::from_secs(u64::from(self.config.churn_interval_s.max(1)));
        let Some(channel) = self.channel_mut(id).filter(|_| is_wanted) else { return };
        let (p0, slots, settings) = (channel.clients, channel.uplink_slots, channel.settings);
        if let Some(churn) = channel.estimator.on_time(now, interval, p0, slots, settings.substreams) {
            // Where it has no answer, as for an alpha of 0, the edge feeds everybody.
            channel.scaling = scaling_factor_clamped(&churn, settings.levels_max, p0).unwrap_or(1.0);
            self.on_load(id);
        }
    }

    pub(super) fn on_promoted(&mut self, now: Instant, slot: u32, id: ChannelId) {
        let all = self.channel(id).map_or(0, |channel| channel.settings.all_substreams());
        if let Some(client) = self.clients.at_mut(slot)
            && client.feeds.0 == all
        {
            client.class = Class::Push;
        }
        self.stats.promotions += 1;
        if let Some((client, decision)) = self.moved(slot, id) {
            let event = EdgeEvent::Promoted { client, channel: id, decision };
            self.events.push(event, &mut self.stats);
        }
        self.refresh(now, slot);
    }

    pub(super) fn on_left_to_peers(&mut self, now: Instant, slot: u32, id: ChannelId) {
        self.stats.demotions += 1;
        if let Some((client, decision)) = self.moved(slot, id) {
            let event = EdgeEvent::Demoted { client, channel: id, decision };
            self.events.push(event, &mut self.stats);
        }
        self.refresh(now, slot);
    }

    /// Who was moved, and what the stages say.
    fn moved(&self, slot: u32, id: ChannelId) -> Option<(ClientId, Decision)> {
        let (channel, thresholds) = (self.channel(id)?, self.thresholds(id)?);
        let client = self.client_id(self.clients.handle_of(slot)?);
        let stage = thresholds.stage(channel.clients);
        Some((client, thresholds.explain(stage, channel.clients, channel.nc())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_come_first_where_they_can_take_on_more() {
        let stages = [Stage::Two, Stage::Three, Stage::Four];
        for stage in stages {
            assert_eq!(class_by_supply(Class::Push, stage, true), Class::P2p);
            assert_eq!(class_by_supply(Class::Push, stage, false), Class::Push);
            assert_eq!(class_by_supply(Class::P2p, stage, false), Class::P2p);
        }
        assert_eq!(
            class_by_supply(Class::Push, Stage::One, true),
            Class::Push,
            "up to N1 the edge feeds all"
        );
    }

    #[test]
    fn what_a_client_may_supply_follows_from_what_it_says() {
        let settings = ChannelSettings { substreams: 6, rate_bps: 400_000, ..ChannelSettings::default() };
        assert_eq!(slots_told(0, &settings), 0);
        assert_eq!(slots_told(400_000, &settings), 4);
        assert_eq!(slots_told(u32::MAX, &settings), 7, "the channel's cap holds");
    }
}
