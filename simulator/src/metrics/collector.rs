//! Everything that is counted, from the end of the warm-up on.

use livesky_core::Instant;

use super::distribution::Distribution;
use super::minutes::Minutes;
use super::pairs::Pairs;
use super::traffic::Bytes;
use super::uploads::UploadShares;
use super::watch::Span;
use crate::results::{Actions, Age, Feeding, Sample, Totals};

/// A viewer that leaves, or is there when the run ends, within this time of its hello without a picture: nobody can say
/// whether it would have started.
pub(crate) const UNDECIDED_US: u64 = 5_000_000;

/// How arrivals fared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals {
    pub(crate) count: u64,
    pub(crate) refused: u64,
    pub(crate) undecided: u64,
    pub(crate) startups: Distribution,
}

/// Egress of one edge.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Egress {
    /// All it sent.
    pub(crate) bytes: u64,
    /// The same when measuring began.
    pub(crate) bytes_before: u64,
    pub(crate) bps_max: f64,
    pub(crate) stage_changes: u64,
}

/// Sums of the samples since the warm-up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Means {
    pub(crate) samples: u64,
    pub(crate) p0: f64,
    pub(crate) nc: f64,
    pub(crate) regions: Vec<f64>,
}

/// What was counted since the last sample.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SinceSample {
    pub(crate) joins: u32,
    pub(crate) leaves: u32,
    pub(crate) stalls: u32,
    pub(crate) edge_delivered: u64,
    pub(crate) delivered: u64,
}

/// Frames played, skipped and due in a region.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RegionFrames {
    pub(crate) on_time: u64,
    pub(crate) due: f64,
}

/// All counters.
#[derive(Clone, Debug)]
pub(crate) struct Collector {
    pub(crate) cadence_us: u64,
    pub(crate) measured_from: Instant,
    pub(crate) totals: Totals,
    pub(crate) actions: Actions,
    pub(crate) span: Span,
    pub(crate) minutes: Minutes,
    pub(crate) stalls: Distribution,
    pub(crate) arrivals: Arrivals,
    pub(crate) bytes: Bytes,
    pub(crate) useful_bytes: u64,
    pub(crate) duplicate_bytes: u64,
    pub(crate) uploads: UploadShares,
    pub(crate) repairs: Distribution,
    pub(crate) repairs_lost: u64,
    pub(crate) edges: Vec<Egress>,
    pub(crate) regions: Vec<RegionFrames>,
    pub(crate) means: Means,
    pub(crate) since: SinceSample,
    pub(crate) series: Vec<Sample>,
    pub(crate) stalled_with_buffer: u64,
    /// Pairs of clients, where there are NAT boxes.
    pub(crate) pairs: Option<Pairs>,
    /// The edges' rescue bytes and the peers' bytes up to the last sample.
    pub(crate) rescue_before: u64,
    pub(crate) peers_before: u64,
    /// UDP payload the peers sent in all.
    pub(crate) peers_bytes: u64,
}

impl Collector {
    pub(crate) fn new(cadence_us: u64, measured_from: Instant, edges: usize, regions: usize) -> Self {
        let bytes = Bytes { regions: vec![(0, 0); regions], ..Bytes::default() };
        Self {
            cadence_us,
            measured_from,
            totals: Totals::default(),
            actions: Actions::default(),
            span: Span::default(),
            minutes: Minutes::default(),
            stalls: Distribution::default(),
            arrivals: Arrivals::default(),
            bytes,
            useful_bytes: 0,
            duplicate_bytes: 0,
            uploads: UploadShares::default(),
            repairs: Distribution::default(),
            repairs_lost: 0,
            edges: vec![Egress::default(); edges],
            regions: vec![RegionFrames::default(); regions],
            means: Means { regions: vec![0.0; regions], ..Means::default() },
            since: SinceSample::default(),
            series: Vec::new(),
            stalled_with_buffer: 0,
            pairs: None,
            rescue_before: 0,
            peers_before: 0,
            peers_bytes: 0,
        }
    }

    /// The warm-up is over: what was counted is forgotten, but totals, actions and series.
    pub(crate) fn begin_measuring(&mut self) {
        let fresh = Self::new(self.cadence_us, self.measured_from, self.edges.len(), self.regions.len());
        let old = core::mem::replace(self, fresh);
        self.totals = old.totals;
        self.actions = old.actions;
        self.series = old.series;
        self.since = old.since;
        for (egress, old) in self.edges.iter_mut().zip(old.edges) {
            egress.bytes = old.bytes;
            egress.bytes_before = old.bytes;
        }
        self.peers_before = old.peers_before;
        self.peers_bytes = old.peers_bytes;
        self.pairs = old.pairs.map(|_| Pairs::default());
        self.rescue_before = old.rescue_before;
    }

    /// A viewer's time and frames since they were last taken.
    pub(crate) fn add_span(&mut self, span: &Span, age: Age, class: Feeding, region: u8) {
        self.minutes.add(age, class, span);
        let all = &mut self.span;
        all.played_us += span.played_us;
        all.stalled_us += span.stalled_us;
        all.frames_played += span.frames_played;
        all.frames_skipped += span.frames_skipped;
        all.stalls += span.stalls;
        let cadence_us = self.cadence_us;
        if let Some(frames) = self.regions.get_mut(usize::from(region)) {
            frames.on_time += span.frames_played;
            frames.due += frames_due(span, cadence_us);
        }
    }

    /// A viewer that came after the warm-up is decided: it started after `startup_us`, or after `present_us` it had not.
    pub(crate) fn add_arrival(&mut self, startup_us: Option<u64>, present_us: u64, is_refused: bool) {
        if let Some(us) = startup_us {
            self.arrivals.startups.add(us);
        } else if present_us < UNDECIDED_US {
            self.arrivals.undecided += 1;
            return;
        }
        self.arrivals.count += 1;
        self.arrivals.refused += u64::from(is_refused);
    }
}

/// Frames due: those played, those passed over, and those that would have been played during stalls.
pub(crate) fn frames_due(span: &Span, cadence_us: u64) -> f64 {
    (span.frames_played + span.frames_skipped) as f64 + span.stalled_us as f64 / cadence_us.max(1) as f64
}
