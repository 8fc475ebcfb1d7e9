//! What is looked at from time to time: rows of the series, minutes, the end of the warm-up.

use super::run::World;
use super::service::Service;
use super::wire::Happening;
use crate::metrics::{Pending, Watching, share};
use crate::results::Sample;

impl World<'_> {
    /// The warm-up is over: everything measured starts at nothing.
    pub(super) fn begin_measuring(&mut self) {
        let now = self.wire.now;
        for place in 0..self.present.len() {
            let Some(&session) = self.present.get(place) else { break };
            let bytes = self.bytes_of(session);
            if let Some(viewer) = self.viewers.get_mut(session as usize) {
                viewer.watch.take(now);
                viewer.bytes_before = bytes;
                viewer.pending = Pending::default();
            }
        }
        self.services.iter_mut().for_each(|service| service.legacy.begin_measuring(now));
        self.wire.collector.begin_measuring();
        self.accounted_at = now;
        self.wire.queue.push(now.plus_micros(60_000_000), Happening::Minute);
    }

    pub(super) fn close_minute(&mut self) {
        for place in 0..self.present.len() {
            let Some(&session) = self.present.get(place) else { break };
            self.account(session);
        }
        self.wire.collector.minutes.close();
        self.accounted_at = self.wire.now;
    }

    pub(super) fn sample(&mut self) {
        let now = self.wire.now;
        let every_s = now.micros_since(self.sampled_at) as f64 / 1e6;
        self.sampled_at = now;
        let mut sample = Sample { at_s: now.as_micros() as f64 / 1e6, ..Sample::default() };
        let mut buffers = self.look_at_viewers(&mut sample);
        buffers.sort_unstable();
        sample.buffer_ms_p50 = buffers.get(buffers.len() / 2).copied().unwrap_or(0);
        sample.buffer_ms_p5 = buffers.get(buffers.len() / 20).copied().unwrap_or(0);
        for service in &self.services {
            let load = service.load();
            sample.p0 += load.p0;
            sample.nc += load.nc;
            sample.nc_target += load.nc_target;
            sample.stage = if service.host.0 == 0 { load.stage } else { sample.stage };
        }
        let rescue: u64 = self.services.iter().map(Service::rescue_bytes).sum();
        let collector = &mut self.wire.collector;
        for (egress, before) in collector.edges.iter_mut().zip(&mut self.edge_bytes) {
            let bps = egress.bytes.saturating_sub(*before) as f64 * 8.0 / every_s.max(1e-6);
            *before = egress.bytes;
            sample.egress_bps += bps;
            egress.bps_max = egress.bps_max.max(bps);
        }
        let since = core::mem::take(&mut collector.since);
        sample.joins = since.joins;
        sample.leaves = since.leaves;
        sample.stalls = since.stalls;
        sample.cdn_share = share(since.edge_delivered, since.delivered);
        sample.rescue_bps = rescue.saturating_sub(collector.rescue_before) as f64 * 8.0 / every_s.max(1e-6);
        collector.rescue_before = rescue;
        sample.peers_bps =
            collector.peers_bytes.saturating_sub(collector.peers_before) as f64 * 8.0 / every_s.max(1e-6);
        collector.peers_before = collector.peers_bytes;
        if now > collector.measured_from {
            collector.means.samples += 1;
            collector.means.p0 += f64::from(sample.p0);
            collector.means.nc += sample.nc;
            for &session in &self.present {
                let region = self.viewers.get(session as usize).map_or(0, |viewer| viewer.site.region);
                if let Some(sum) = collector.means.regions.get_mut(usize::from(region)) {
                    *sum += 1.0;
                }
            }
        }
        collector.series.push(sample);
    }

    /// Counts states, and gives the buffers of those who play.
    fn look_at_viewers(&mut self, sample: &mut Sample) -> Vec<u32> {
        let mut buffers = Vec::with_capacity(self.present.len());
        for &session in &self.present {
            let Some(viewer) = self.viewers.get_mut(session as usize) else { continue };
            let Some(machine) = viewer.slot().and_then(|slot| self.machines.get(slot)) else { continue };
            viewer.buffer_ms = machine.watch_stats(self.wire.now).buffer_ms;
            sample.viewers += 1;
            match viewer.watch.state() {
                Watching::Waiting => {}
                Watching::Playing => {
                    sample.playing += 1;
                    buffers.push(viewer.buffer_ms);
                }
                Watching::Stalled => {
                    sample.stalled += 1;
                    buffers.push(viewer.buffer_ms);
                }
            }
        }
        buffers
    }
}
