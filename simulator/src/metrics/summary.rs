//! From counters to results.

use super::collector::{Collector, frames_due};
use super::traffic::share;
use crate::results::{Quality, Repairs, Startup, Traffic};

impl Collector {
    pub(crate) fn quality(&self) -> Quality {
        let span = &self.span;
        let (client_minutes, stalled_client_minutes) = self.minutes.counts();
        let worst = self.minutes.rows().iter().min_by(|left, right| left.q2.total_cmp(&right.q2));
        Quality {
            continuity: share_of(span.frames_played as f64, frames_due(span, self.cadence_us)),
            q1: self.minutes.q1(),
            q2: self.minutes.q2(),
            q2_worst_minute: worst.map_or(1.0, |row| row.q2),
            stalled_worst_minute: self.minutes.rows().iter().map(|row| row.stalled).max().unwrap_or(0),
            client_minutes,
            stalled_client_minutes,
            frames_played: span.frames_played,
            frames_skipped: span.frames_skipped,
            stalls: span.stalls,
            stalled_s: span.stalled_us as f64 / 1e6,
            stall_durations: self.stalls.bins(),
            stalled_with_buffer: self.stalled_with_buffer,
        }
    }

    pub(crate) fn startup(&self) -> Startup {
        let arrivals = &self.arrivals;
        let [p50_ms, p95_ms, p99_ms, max_ms] =
            arrivals.startups.percentiles_ms(arrivals.count, [0.5, 0.95, 0.99, 1.0]);
        Startup {
            arrivals: arrivals.count,
            started: arrivals.startups.count(),
            refused: arrivals.refused,
            undecided: arrivals.undecided,
            p50_ms,
            p95_ms,
            p99_ms,
            max_ms,
            durations: arrivals.startups.bins(),
        }
    }

    pub(crate) fn repairs(&self) -> Repairs {
        let repaired = self.repairs.count();
        let [p50_ms, p95_ms, p99_ms, max_ms] = self.repairs.percentiles_ms(repaired, [0.5, 0.95, 0.99, 1.0]);
        Repairs { lost: self.repairs_lost, repaired, p50_ms, p95_ms, p99_ms, max_ms }
    }

    pub(crate) fn traffic(&self, cross_isp_share_random: f64) -> Traffic {
        let bytes = &self.bytes;
        let (delivered, sent, cross) = (bytes.delivered, bytes.sent, bytes.cross_isp);
        Traffic {
            sent,
            delivered,
            cross_isp: cross,
            useful_bytes: self.useful_bytes,
            duplicate_bytes: self.duplicate_bytes,
            duplicate_share: share(self.duplicate_bytes, self.useful_bytes + self.duplicate_bytes),
            cdn_share_bytes: share(delivered.edge(), delivered.total()),
            cdn_share_users: share_of(self.means.nc, self.means.p0),
            control_bytes: bytes.control,
            control_share: share(bytes.control, delivered.total()),
            header_bytes: bytes.headers,
            header_share: share(bytes.headers, sent.total()),
            sent_per_delivered: share(sent.total(), self.useful_bytes),
            cross_isp_share: share(cross.total(), delivered.total()),
            cross_isp_share_edge: share(cross.edge(), delivered.edge()),
            cross_isp_share_peers: share(cross.of_peers(), delivered.of_peers()),
            cross_isp_share_random,
        }
    }
}

/// A part of a whole; 0 when there is no whole.
pub(crate) fn share_of(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
