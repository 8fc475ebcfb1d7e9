//! What theory says of the uplinks that were drawn.

use livesky_core::scaling::{Uplink, slots};

use super::channel::FrameModel;
use super::hosts::Terms;
use super::service::churn_of;
use crate::metrics::share_of;
use crate::results::Bounds;
use crate::scenario::{ChannelSpec, EdgeSpec, Scenario};

/// Bounds for these clients.
pub(super) fn bounds<'t>(scenario: &Scenario, terms: impl Iterator<Item = &'t Terms>) -> Bounds {
    let channel = &scenario.channel;
    let cap = f64::from(channel.upload_cap_percent) / 100.0;
    let key_len = FrameModel::new(channel, 0).key_len();
    let mut uplinks = Vec::new();
    let mut whole_slots = Vec::new();
    for terms in terms {
        uplinks.push(terms.uplink.min(cap));
        whole_slots.push(u32::from(slots_of(channel, key_len, terms.told_bps)));
    }
    let mean_uplink = share_of(uplinks.iter().sum(), uplinks.len() as f64);
    let feeds = whole_slots.len() as f64 * f64::from(channel.substreams);
    let all_slots: u32 = whole_slots.iter().sum();
    let edge = scenario.edges.first().cloned().unwrap_or_else(EdgeSpec::default);
    Bounds {
        scaling: livesky_core::scaling::scaling_factor(&churn_of(scenario, &edge), channel.levels_max).ok(),
        churn_interval_s: edge.churn_interval_s,
        mean_uplink,
        fluid: (1.0 - mean_uplink).max(0.0),
        usable: (1.0 - share_of(f64::from(all_slots), feeds)).max(0.0),
        two_levels: two_levels(&mut whole_slots, u32::from(channel.substreams)),
    }
}

/// Slots of a client that tells the truth, by core's own rule.
fn slots_of(channel: &ChannelSpec, key_len: u32, told_bps: u32) -> u8 {
    let cap_bps = u64::from(channel.rate_bps) * u64::from(channel.upload_cap_percent) / 100;
    slots(&Uplink {
        cap_bps: cap_bps.min(u64::from(told_bps)),
        rate_bps: u64::from(channel.rate_bps),
        substreams: channel.substreams,
        key_len,
        target_ms: channel.target_buffer_ms,
    })
}

/// The least share of feeds the edge gives when it feeds the best uplinks, they feed the others, and it feeds what is left.
fn two_levels(slots: &mut [u32], substreams: u32) -> f64 {
    slots.sort_unstable_by(|left, right| right.cmp(left));
    let clients = slots.len() as u64;
    let all = clients * u64::from(substreams);
    let mut supply = 0;
    let mut least = all;
    for (fed, slots) in (1..).zip(slots.iter()) {
        supply += u64::from(*slots);
        let direct: u64 = fed * u64::from(substreams);
        least = least.min(direct + (all - direct).saturating_sub(supply));
    }
    share_of(least as f64, all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_uplinks_feed_the_rest() {
        assert!((two_levels(&mut [0, 6, 0, 6], 6) - 0.5).abs() < 1e-9);
        assert!((two_levels(&mut [0, 0], 6) - 1.0).abs() < 1e-9);
        assert!((two_levels(&mut [3, 0, 0], 6) - 15.0 / 18.0).abs() < 1e-9);
        assert!(two_levels(&mut [], 6).abs() < 1e-9);
    }
}
