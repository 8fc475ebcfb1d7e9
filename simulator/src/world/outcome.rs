//! From a world that has played out to its results.

use super::bounds::bounds;
use super::run::World;
use crate::metrics::{share, share_of};
use crate::results::{EdgeRow, RegionRow, Results};

impl World<'_> {
    /// Closes all accounts.
    pub(super) fn results(mut self) -> Results {
        let sessions = core::mem::take(&mut self.present);
        for &session in &sessions {
            self.account(session);
            if let Some(viewer) = self.viewers.get(session as usize) {
                let present_us = self.wire.now.micros_since(viewer.joined_at);
                self.wire.collector.totals.viewer_s += present_us as f64 / 1e6;
            }
            self.end_stall(session);
            self.decide_arrival(session);
            self.add_bytes(session);
            self.add_actions(session);
        }
        if self.wire.collector.minutes.is_open() {
            self.wire.collector.minutes.close();
        }
        let now = self.wire.now;
        let legacy = self.services.iter_mut().map(|service| service.legacy.bytes(now)).sum();
        let collector = &mut self.wire.collector;
        collector.bytes.sent.legacy = legacy;
        collector.bytes.delivered.legacy = legacy;
        collector.totals.simulated_s = self.end.as_micros() as f64 / 1e6;
        let collector = &self.wire.collector;
        Results {
            scenario: self.scenario.clone(),
            seed: self.seed,
            event_hash: format!("{:016x}", self.wire.hash.value()),
            totals: collector.totals,
            quality: collector.quality(),
            startup: collector.startup(),
            classes: collector.minutes.classes(),
            traffic: collector.traffic(self.cross_isp_at_random()),
            uploads: collector.uploads.results(),
            bounds: bounds(self.scenario, self.viewers.iter().map(|viewer| &viewer.terms)),
            repairs: collector.repairs(),
            actions: collector.actions,
            nat: collector.pairs.as_ref().map(|pairs| pairs.results()).unwrap_or_default(),
            edges: self.edge_rows(),
            regions: self.region_rows(),
            faults: self.fault_rows(),
            minutes: collector.minutes.rows().to_vec(),
            series: collector.series.clone(),
            violations: self.wire.violations.clone(),
            violations_count: self.wire.violations_count,
        }
    }

    /// Share of pairs of viewers that are not of one ISP.
    fn cross_isp_at_random(&self) -> f64 {
        let shares = self.scenario.network.isps.iter().map(|isp| isp.share);
        let same: f64 = shares.map(|share| share * share).sum();
        if self.scenario.network.isps.is_empty() { 0.0 } else { 1.0 - same }
    }

    fn edge_rows(&self) -> Vec<EdgeRow> {
        let rows = self.services.iter().zip(&self.scenario.edges).zip(&self.wire.collector.edges);
        let measured_s = self.scenario.run.measure_s;
        let rows = rows.map(|((service, spec), egress)| EdgeRow {
            capacity_bps: spec.capacity_bps,
            viewers: service.load().p0,
            stage_changes: egress.stage_changes,
            egress_bps_mean: (egress.bytes - egress.bytes_before) as f64 * 8.0 / measured_s,
            egress_bps_max: egress.bps_max,
            ..service.counted()
        });
        rows.collect()
    }

    fn region_rows(&self) -> Vec<RegionRow> {
        let collector = &self.wire.collector;
        let names = self.scenario.network.regions.iter().map(|region| region.name.clone());
        let names: Vec<String> =
            if self.scenario.network.regions.is_empty() { vec!["all".to_owned()] } else { names.collect() };
        let counts = collector.bytes.regions.iter().zip(&collector.regions).zip(&collector.means.regions);
        let rows =
            names.into_iter().zip(counts).map(|(name, (((edge, peers), frames), viewers))| RegionRow {
                name,
                viewers_mean: viewers / collector.means.samples.max(1) as f64,
                rho: share(*peers, edge + peers),
                continuity: share_of(frames.on_time as f64, frames.due),
            });
        rows.collect()
    }
}
