//! One channel's state, from a snapshot and what was kept of those before.

use std::collections::BTreeMap;

use livesky_core::media::Overlay;
use livesky_core::scaling::{Stage, Thresholds};
use livesky_core::wire::control::{Class, ClientId};
use livesky_std::{ClientSnapshot, EdgeSnapshot};

use super::board::P2pVideo;
use super::levels::levels;
use super::model::{Bytes, Channel, Edge, Offload, P2p, Quality, Scaling, State, Url, Video, Viewer};
use super::sampler::{StateOptions, Track};
use super::why::{Reasons, why};

/// What is known besides the channel.
pub(super) struct Figures<'a> {
    pub(super) now_ms: u64,
    pub(super) egress_bps: u64,
    pub(super) stun_port: Option<u16>,
    pub(super) options: &'a StateOptions,
    pub(super) p2p: Option<P2pVideo>,
}

/// Four decimals are enough for people.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| rounded(part as f64 / whole as f64))
}

pub(super) fn uptime_s(snapshot: &EdgeSnapshot) -> u64 {
    snapshot.taken_at.since(snapshot.channel.began_at).as_secs()
}

/// The state as docs/api.md has it.
pub(super) fn state(snapshot: &EdgeSnapshot, track: &Track, figures: Figures<'_>) -> State {
    let channel = &snapshot.channel;
    let name = channel.name.as_str();
    let options = figures.options;
    let scaling = scaling(snapshot, options);
    let recent = recent_bytes(track);
    let p2p_clients = snapshot.clients.iter().filter(|client| client.class == Class::P2p).count() as u64;
    State {
        now_ms: figures.now_ms,
        channel: Channel {
            name: name.to_owned(),
            on_air: channel.is_open,
            rate_bps: rate_bps(track),
            substreams: channel.settings.substreams,
            levels_max: channel.settings.levels_max,
            target_buffer_ms: channel.settings.target_buffer_ms,
            uptime_s: uptime_s(snapshot),
            history_s: options.history_s,
        },
        edge: Edge {
            address: options.address.clone(),
            stun_port: figures.stun_port,
            capacity_bps: options.capacity_bps,
            egress_bps: figures.egress_bps,
        },
        scaling,
        bytes: track.bytes,
        offload: Offload {
            bytes_total: share(track.bytes.peers, track.bytes.media()),
            bytes_10s: share(recent.peers, recent.media()),
            viewers: share(p2p_clients, snapshot.clients.len() as u64),
        },
        quality: quality(snapshot, track),
        viewers: viewers(snapshot, track, options.are_addresses_masked),
        why: why(&reasons(snapshot, track, scaling, recent)),
        video: Video {
            p2p: figures.p2p.map(|video| P2p { url: video.url, viewer: video.viewer.0 }),
            edge: Some(Url { url: format!("{name}/index.m3u8") }),
        },
    }
}

fn recent_bytes(track: &Track) -> Bytes {
    track.recent.front().map_or_else(Bytes::default, |oldest| track.bytes.since(&oldest.bytes))
}

/// Media rate, mean over the samples kept.
fn rate_bps(track: &Track) -> u64 {
    let (Some(first), Some(last)) = (track.recent.front(), track.recent.back()) else { return 0 };
    let micros = last.at.since(first.at).as_micros();
    let bits = u128::from(last.bytes_in.saturating_sub(first.bytes_in)) * 8;
    u64::try_from((bits * 1_000_000).checked_div(micros).unwrap_or(0)).unwrap_or(u64::MAX)
}

fn scaling(snapshot: &EdgeSnapshot, options: &StateOptions) -> Scaling {
    // Churn that admits no S leaves the edge to feed everybody.
    let everybody = Thresholds { n1: 0, n_star: 0, s: 1.0, slope: 1.0 };
    let thresholds = snapshot.channel.thresholds.unwrap_or(everybody);
    Scaling {
        stage: match snapshot.channel.stage {
            Stage::One => 1,
            Stage::Two => 2,
            Stage::Three => 3,
            Stage::Four => 4,
        },
        p0: snapshot.channel.p0,
        nc: rounded(snapshot.channel.nc),
        n1: thresholds.n1,
        n_star: thresholds.n_star,
        s: rounded(thresholds.s),
        slope: rounded(thresholds.slope),
        alpha: options.churn.alpha,
        gamma: options.churn.gamma,
        delta: options.churn.delta,
        churn_interval_s: options.churn_interval_s,
        n1_over_s: rounded(thresholds.stage_two_max()),
        n_star_over_s: rounded(thresholds.stage_four_min()),
    }
}

fn quality(snapshot: &EdgeSnapshot, track: &Track) -> Quality {
    let totals = &track.totals;
    let stalled = snapshot.clients.iter().filter(|client| is_stalled(client.id, track)).count();
    Quality {
        continuity: share(totals.played, totals.played + totals.skipped),
        stalls: totals.stalls,
        stalled_viewers: u32::try_from(stalled).unwrap_or(u32::MAX),
        viewers_seen: track.viewers_seen(),
        startup_p50_ms: totals.startups.percentile(50),
        startup_p95_ms: totals.startups.percentile(95),
        startup_ms: totals.startups.listed(),
    }
}

fn is_stalled(id: ClientId, track: &Track) -> bool {
    track.totals.seen(id).is_some_and(|seen| seen.is_stalled)
}

/// Parents as the page draws them: 0 is the edge; what the edge feeds for good it knows before it is told.
fn parents_of(client: &ClientSnapshot) -> Vec<Option<u32>> {
    let (feeds, _) = client.edge_feeds;
    let parent = |(substream, parent): (usize, &Option<ClientId>)| match parent {
        Some(parent) => Some(parent.0),
        None => (feeds.checked_shr(u32::try_from(substream).ok()?)? & 1 == 1).then_some(0),
    };
    client.parents.iter().enumerate().map(parent).collect()
}

fn viewers(snapshot: &EdgeSnapshot, track: &Track, are_addresses_masked: bool) -> Vec<Viewer> {
    let parents: BTreeMap<u32, _> =
        snapshot.clients.iter().map(|client| (client.id.0, parents_of(client))).collect();
    let levels = levels(&parents);
    let viewer = |client: &ClientSnapshot| {
        let id = client.id.0;
        let watch = &client.watch;
        let (free, slots) = client.slots;
        Viewer {
            id,
            address: if are_addresses_masked { "-".into() } else { client.address.to_string() },
            nat: client.nat.kind().name(),
            class: match client.class {
                Class::Push => "push",
                Class::P2p => "p2p",
            },
            state: match (watch.startup_ms, is_stalled(client.id, track)) {
                (0, _) => "startup",
                (_, false) => "playing",
                (_, true) => "stall",
            },
            level: levels.get(&id).copied().unwrap_or(0),
            age_s: snapshot.taken_at.since(client.joined_at).as_secs(),
            uplink_bps: client.upload_bps,
            slots,
            slots_used: slots.saturating_sub(free),
            buffer_ms: watch.buffer_ms,
            startup_ms: (watch.startup_ms != 0).then_some(watch.startup_ms),
            stalls: watch.stalls,
            upload_bps: track.totals.seen(client.id).map_or(0, |seen| seen.upload_bps()),
            bytes_edge: watch.bytes_edge,
            bytes_peers: watch.bytes_peers,
            parents: parents.get(&id).cloned().unwrap_or_default(),
        }
    };
    snapshot.clients.iter().map(viewer).collect()
}

fn reasons(snapshot: &EdgeSnapshot, track: &Track, scaling: Scaling, recent: Bytes) -> Reasons {
    let channel = &snapshot.channel;
    let substreams = u32::from(channel.settings.substreams);
    let is_relaying = channel.settings.overlay != Overlay::Off;
    let wanted = snapshot.clients.iter().filter(|client| client.class == Class::P2p && is_relaying);
    Reasons {
        stage: channel.stage,
        p0: channel.p0,
        nc: channel.nc,
        n1: scaling.n1,
        n_star: scaling.n_star,
        s: scaling.s,
        n1_over_s: scaling.n1_over_s,
        levels_max: channel.settings.levels_max,
        recent,
        joined: track.recent.iter().skip(1).map(|recent| recent.joined).sum(),
        orphaned: track.recent.iter().skip(1).map(|recent| recent.orphaned).sum(),
        slots: snapshot.clients.iter().map(|client| u32::from(client.slots.1)).sum(),
        wanted: wanted.map(|client| substreams.saturating_sub(client.edge_feeds.0.count_ones())).sum(),
        receive_only: u32::try_from(snapshot.clients.iter().filter(|client| client.upload_bps == 0).count())
            .unwrap_or(u32::MAX),
    }
}
