//! Viewers come and go.

use livesky_core::client::ClientConfig;

use super::run::World;
use super::service::channel_name;
use super::viewer::Stay;
use crate::results::Age;
use crate::seeds::{Purpose, stream};

impl World<'_> {
    pub(super) fn join(&mut self, session: u32) {
        let now = self.wire.now;
        let Some(viewer) = self.viewers.get_mut(session as usize) else { return };
        if self.wire.network.host(viewer.host).is_some_and(|host| host.is_blocked) {
            return self.join_legacy(session);
        }
        let edge = self.wire.network.addressing().edge(viewer.terms.edge, 0);
        let config = ClientConfig {
            seed: stream(self.seed, Purpose::Client, u64::from(session)).next_u64(),
            edge: edge.into(),
            upload_bps: viewer.terms.told_bps,
            receive_only: viewer.terms.is_receive_only,
            local: self.wire.network.host(viewer.host).map(|host| host.address.into()),
            ..ClientConfig::default()
        };
        let Some(slot) = self.machines.take(config) else { return };
        viewer.stay = Stay::Present(slot);
        viewer.joined_at = now;
        self.present.push(session);
        let totals = &mut self.wire.collector.totals;
        totals.viewers_max = totals.viewers_max.max(u32::try_from(self.present.len()).unwrap_or(u32::MAX));
        self.wire.collector.minutes.on_join();
        self.wire.collector.since.joins += 1;
        if let (Some(machine), Some(name)) = (self.machines.get_mut(slot), channel_name()) {
            machine.tune(now, &name);
        }
        self.settle(session);
    }

    pub(super) fn leave(&mut self, session: u32) {
        let now = self.wire.now;
        if self.viewers.get(session as usize).is_some_and(|viewer| viewer.stay == Stay::Legacy) {
            return self.leave_legacy(session);
        }
        let is_silent = self.plan.sessions.get(session as usize).is_some_and(|stay| stay.is_silent);
        let Some(slot) = self.viewers.get(session as usize).and_then(super::viewer::Viewer::slot) else {
            return;
        };
        self.note_orphans(session, slot);
        if !is_silent {
            if let Some(machine) = self.machines.get_mut(slot) {
                machine.leave(now);
            }
            // Everything is said at once; events after that are of no interest.
            self.settle(session);
        }
        self.account(session);
        self.end_stall(session);
        self.wire.collector.minutes.on_leave();
        self.wire.collector.since.leaves += 1;
        self.decide_arrival(session);
        self.add_bytes(session);
        self.add_actions(session);
        if let Some(viewer) = self.viewers.get_mut(session as usize) {
            // Who is gone needs no repair.
            let lost = u64::from(viewer.pending.count());
            self.wire.collector.repairs_lost = self.wire.collector.repairs_lost.saturating_sub(lost);
            viewer.stay = Stay::Gone;
            viewer.alarm.stop();
            self.wire.collector.totals.viewer_s += now.micros_since(viewer.joined_at) as f64 / 1e6;
        }
        self.machines.give_back(slot);
        self.present.retain(|&other| other != session);
    }

    /// The children of one who leaves have lost their feeds.
    fn note_orphans(&mut self, session: u32, slot: u32) {
        let now = self.wire.now;
        let Some(host) = self.viewers.get(session as usize).map(|viewer| viewer.host) else { return };
        let Some(machine) = self.machines.get(slot) else { return };
        for peer in machine.peers().filter(|peer| peer.children != 0) {
            let Some(child) = self.wire.network.owner_of(peer.remote, host) else { continue };
            let Some(child) = child.0.checked_sub(self.wire.edges) else { continue };
            let Some(child) = self.viewers.get_mut(child as usize) else { continue };
            let Some(child_machine) = child.slot().and_then(|slot| self.machines.get(slot)) else { continue };
            // What the child takes from here as it sees it: the parent may feed on for a while.
            let fed = child_machine.peers().find(|feeder| {
                feeder.feeds & peer.children != 0
                    && self.wire.network.owner_of(feeder.remote, child.host) == Some(host)
            });
            let fed = fed.map_or(0, |feeder| feeder.feeds & peer.children);
            for substream in (0..16_u8).filter(|substream| fed >> substream & 1 == 1) {
                self.wire.collector.repairs_lost += u64::from(child.pending.on_lost(now, substream, host));
            }
        }
    }

    /// Adds a viewer's time and frames up to now to the accounts.
    pub(super) fn account(&mut self, session: u32) {
        let now = self.wire.now;
        let Some(viewer) = self.viewers.get_mut(session as usize) else { return };
        let age = if viewer.joined_at >= self.accounted_at { Age::New } else { Age::Old };
        let span = viewer.watch.take(now);
        self.wire.collector.add_span(&span, age, viewer.class, viewer.site.region);
    }

    /// A stall that a viewer leaves in, or the run ends in, has lasted until now.
    pub(super) fn end_stall(&mut self, session: u32) {
        let since = self.viewers.get(session as usize).and_then(|viewer| viewer.watch.stalled_since());
        if let Some(since) = since {
            self.wire.collector.stalls.add(self.wire.now.micros_since(since));
        }
    }

    /// A viewer that came after the warm-up leaves, or the run ends.
    pub(super) fn decide_arrival(&mut self, session: u32) {
        let now = self.wire.now;
        let Some(viewer) = self.viewers.get(session as usize) else { return };
        if viewer.joined_at < self.wire.collector.measured_from {
            return;
        }
        let present_us = now.micros_since(viewer.joined_at);
        self.wire.collector.add_arrival(viewer.startup_us, present_us, viewer.is_refused);
    }

    /// Adds the bytes a viewer's machine counted since measuring began.
    pub(super) fn add_bytes(&mut self, session: u32) {
        let (useful, duplicate, uploaded) = self.bytes_of(session);
        let Some(viewer) = self.viewers.get(session as usize) else { return };
        let (useful_before, duplicate_before, uploaded_before) = viewer.bytes_before;
        let measured_us = self.wire.now.micros_since(viewer.joined_at.max(self.wire.collector.measured_from));
        let rate_bps = self.scenario.channel.rate_bps;
        let uploaded = uploaded.saturating_sub(uploaded_before);
        self.wire.collector.uploads.add(uploaded, measured_us, rate_bps);
        self.wire.collector.useful_bytes += useful.saturating_sub(useful_before);
        self.wire.collector.duplicate_bytes += duplicate.saturating_sub(duplicate_before);
    }

    /// Adds what a viewer's machine did.
    pub(super) fn add_actions(&mut self, session: u32) {
        let slot = self.viewers.get(session as usize).and_then(super::viewer::Viewer::slot);
        let Some(machine) = slot.and_then(|slot| self.machines.get(slot)) else { return };
        let (stats, actions) = (machine.stats(), &mut self.wire.collector.actions);
        actions.feeds_lost += u64::from(stats.feeds_lost);
        actions.suspicions += u64::from(stats.suspicions);
        actions.suspicions_false += u64::from(stats.suspicions_false);
        actions.lags += u64::from(stats.lags);
        actions.children_stopped += u64::from(stats.children_stopped);
        actions.pulls += u64::from(stats.pulls);
        actions.retransmits += u64::from(stats.retransmits);
    }

    /// Payload bytes a viewer's machine took as first copies, and others, and bytes it uploaded.
    pub(super) fn bytes_of(&self, session: u32) -> (u64, u64, u64) {
        let slot = self.viewers.get(session as usize).and_then(super::viewer::Viewer::slot);
        let Some(machine) = slot.and_then(|slot| self.machines.get(slot)) else { return (0, 0, 0) };
        let watch = &machine.stats().watch;
        (watch.bytes_edge + watch.bytes_peers, watch.bytes_duplicate, watch.bytes_uploaded)
    }
}
