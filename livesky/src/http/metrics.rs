//! `/metrics`: the Prometheus text format, version 0.0.4.

use core::fmt::{Display, Write};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use livesky_core::Reject;
use livesky_core::edge::{EdgeStats, ToldMinutes};
use livesky_core::wire::control::RefusalReason;

use super::reply::{fresh, refusal};
use super::router::App;
use super::state::Sample;
use super::state::model::State as ChannelState;

/// `/metrics`
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let Some(board) = &app.site.board else { return refusal(StatusCode::NOT_FOUND, "no metrics are here") };
    let samples = board.samples();
    let readers = samples.iter().map(|sample| {
        let meter = board.legacy(&sample.state.channel.name);
        (sample.state.channel.name.clone(), meter.readers(), meter.jumps())
    });
    let mut text = Text::default();
    channels(&mut text, &samples);
    legacy(&mut text, &readers.collect::<Vec<_>>());
    edge(&mut text, &board.edge_stats());
    reports(&mut text, &board.edge_stats(), &board.told());
    if let Some(bytes) = resident_bytes() {
        text.family("process_resident_memory_bytes", "gauge", "Memory of the process.").sample(&[], bytes);
    }
    fresh("text/plain; version=0.0.4; charset=utf-8", text.text)
}

/// Lines of the format. Label values are channel names and words of ours: nothing in them needs escaping.
#[derive(Default)]
struct Text {
    text: String,
    family: &'static str,
}

impl Text {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> &mut Self {
        self.family = name;
        let _fits = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        self
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.text.push_str(self.family);
        for (place, (name, label)) in labels.iter().enumerate() {
            let open = if place == 0 { '{' } else { ',' };
            let _fits = write!(self.text, "{open}{name}=\"{label}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _fits = writeln!(self.text, "{close} {value}");
        self
    }
}

type Figure = (&'static str, &'static str, &'static str, fn(&ChannelState) -> Option<f64>);

/// Figures of a channel with one value each.
const FIGURES: [Figure; 16] = [
    ("livesky_channel_on_air", "gauge", "Whether a publisher is connected.", |state| {
        Some(f64::from(u8::from(state.channel.on_air)))
    }),
    ("livesky_channel_rate_bits_per_second", "gauge", "Media rate, mean of the last 10 s.", |state| {
        Some(state.channel.rate_bps as f64)
    }),
    ("livesky_channel_uptime_seconds", "gauge", "Time since the channel began.", |state| {
        Some(state.channel.uptime_s as f64)
    }),
    ("livesky_stage", "gauge", "Stage of admission, 1 to 4.", |state| Some(f64::from(state.scaling.stage))),
    ("livesky_nc", "gauge", "Feeds of the edge over substreams: clients it feeds.", |state| {
        Some(state.scaling.nc)
    }),
    ("livesky_n1", "gauge", "Clients fed before peers are used.", |state| Some(f64::from(state.scaling.n1))),
    ("livesky_n_star", "gauge", "Clients the edge can feed.", |state| Some(f64::from(state.scaling.n_star))),
    ("livesky_scaling_factor", "gauge", "S of equation (7).", |state| Some(state.scaling.s)),
    ("livesky_offload_ratio", "gauge", "Share of the last 10 s of bytes that peers carried.", |state| {
        state.offload.bytes_10s
    }),
    ("livesky_continuity_ratio", "gauge", "Frames played on time of those due.", |state| {
        state.quality.continuity
    }),
    ("livesky_stalls_total", "counter", "Stalls of all viewers.", |state| Some(state.quality.stalls as f64)),
    ("livesky_stalled_viewers", "gauge", "Viewers in a stall.", |state| {
        Some(f64::from(state.quality.stalled_viewers))
    }),
    ("livesky_viewers_seen_total", "counter", "Viewers that joined.", |state| {
        Some(state.quality.viewers_seen as f64)
    }),
    ("livesky_control_bytes_total", "counter", "Control datagrams sent by anyone.", |state| {
        Some(state.bytes.control as f64)
    }),
    (
        "livesky_fragment_header_bytes_total",
        "counter",
        "Headers in front of payload sent by anyone.",
        |state| Some(state.bytes.fragment_headers as f64),
    ),
    ("livesky_duplicate_bytes_total", "counter", "Payload that was there before.", |state| {
        Some(state.bytes.duplicates as f64)
    }),
];

fn channels(text: &mut Text, samples: &[Arc<Sample>]) {
    text.family("livesky_clients", "gauge", "Clients by class.");
    for sample in samples {
        let name = sample.state.channel.name.as_str();
        for class in ["push", "p2p"] {
            let count = sample.state.viewers.iter().filter(|viewer| viewer.class == class).count();
            text.sample(&[("channel", name), ("class", class)], count);
        }
    }
    for (family, kind, help, figure) in FIGURES {
        text.family(family, kind, help);
        for sample in samples {
            if let Some(value) = figure(&sample.state) {
                text.sample(&[("channel", &sample.state.channel.name)], value);
            }
        }
    }
    text.family("livesky_startup_seconds", "gauge", "From joining to the first frame, all startups.");
    for sample in samples {
        let quality = &sample.state.quality;
        for (quantile, startup_ms) in [("0.5", quality.startup_p50_ms), ("0.95", quality.startup_p95_ms)] {
            if let Some(startup_ms) = startup_ms {
                let labels = [("channel", sample.state.channel.name.as_str()), ("quantile", quantile)];
                text.sample(&labels, f64::from(startup_ms) / 1e3);
            }
        }
    }
    text.family("livesky_media_bytes_total", "counter", "Media payload by its source.");
    for sample in samples {
        let bytes = &sample.state.bytes;
        for (source, bytes) in [
            ("burst", bytes.burst),
            ("push", bytes.push),
            ("rescue", bytes.rescue),
            ("pull", bytes.pull),
            ("peers", bytes.peers),
            ("legacy", bytes.legacy),
        ] {
            text.sample(&[("channel", &sample.state.channel.name), ("source", source)], bytes);
        }
    }
}

fn legacy(text: &mut Text, readers: &[(String, u32, u64)]) {
    text.family("livesky_legacy_viewers", "gauge", "Players of the endless stream.");
    for (name, readers, _) in readers {
        text.sample(&[("channel", name)], readers);
    }
    text.family("livesky_legacy_jumps_total", "counter", "Players that fell behind and went on live.");
    for (name, _, jumps) in readers {
        text.sample(&[("channel", name)], jumps);
    }
}

fn edge(text: &mut Text, stats: &EdgeStats) {
    text.family("livesky_edge_joins_total", "counter", "Clients let in by class.")
        .sample(&[("class", "push")], stats.joins_push)
        .sample(&[("class", "p2p")], stats.joins_p2p);
    text.family("livesky_edge_leaves_total", "counter", "Clients that went.").sample(&[], stats.leaves);
    text.family("livesky_edge_refusals_total", "counter", "Clients turned away by reason.");
    for (name, reason) in [
        ("unknown_channel", RefusalReason::UnknownChannel),
        ("not_on_air", RefusalReason::NotOnAir),
        ("saturated", RefusalReason::Saturated),
        ("full", RefusalReason::Full),
        ("draining", RefusalReason::Draining),
        ("ticket", RefusalReason::Ticket),
    ] {
        text.sample(&[("reason", name)], stats.refusals(reason));
    }
    text.family("livesky_edge_rejects_total", "counter", "Datagrams ignored by reason.");
    for reject in Reject::ALL {
        text.sample(&[("reason", reject_name(reject))], stats.rejects.of(reject));
    }
    edge_line(text, stats);
    let sent = stats.sent_bytes();
    text.family("livesky_edge_sent_bytes_total", "counter", "UDP payload sent.").sample(&[], sent);
    text.family("livesky_edge_received_bytes_total", "counter", "UDP payload received.")
        .sample(&[], stats.received_bytes);
    text.family("livesky_edge_sent_datagrams_total", "counter", "Datagrams sent by kind.")
        .sample(&[("kind", "data")], stats.data_packets)
        .sample(&[("kind", "control")], stats.control_packets);
    text.family("livesky_edge_received_datagrams_total", "counter", "Datagrams received.")
        .sample(&[], stats.received_packets);
    text.family(
        "livesky_edge_introductions_total",
        "counter",
        "Pairs of clients told of each other, by what came of it.",
    )
    .sample(&[("result", "told")], stats.introductions)
    .sample(&[("result", "met")], stats.introductions_met)
    .sample(&[("result", "failed")], stats.introductions_failed);
    text.family(
        "livesky_edge_introductions_passed_over_total",
        "counter",
        "Candidates passed over because their NAT and the asker's do not let them meet, or they had failed to.",
    )
    .sample(&[], stats.introductions_passed_over);
    text.family("livesky_edge_stun_answers_total", "counter", "STUN requests answered.")
        .sample(&[], stats.stun_answers);
    text.family("livesky_edge_retransmissions_total", "counter", "Fragments sent once more.")
        .sample(&[], stats.retransmissions);
    text.family("livesky_edge_rescues_total", "counter", "Leases from the rescue budget.")
        .sample(&[], stats.rescues);
    text.family("livesky_edge_rescues_refused_total", "counter", "Leases the rescue budget had no room for.")
        .sample(&[], stats.rescues_refused);
    text.family("livesky_edge_promotions_total", "counter", "Clients fed for good from then on.")
        .sample(&[], stats.promotions);
    text.family("livesky_edge_demotions_total", "counter", "Clients fed for good that were left to peers.")
        .sample(&[], stats.demotions);
}

fn edge_line(text: &mut Text, stats: &EdgeStats) {
    text.family(
        "livesky_edge_line_bits_per_second",
        "gauge",
        "What the line is seen to give, and configured.",
    )
    .sample(&[("line", "counted")], stats.line_bps)
    .sample(&[("line", "configured")], stats.line_bps_max);
    text.family(
        "livesky_edge_waiting_clients",
        "gauge",
        "Clients not fed because the line gives too little.",
    )
    .sample(&[], stats.waiting);
    text.family("livesky_edge_line_lowered_total", "counter", "Times the line was seen to give less.")
        .sample(&[], stats.line_lowered);
    text.family("livesky_edge_set_aside_total", "counter", "Times a client was left to wait for that.")
        .sample(&[], stats.set_aside);
}

fn reports(text: &mut Text, stats: &EdgeStats, told: &[(String, ToldMinutes)]) {
    let counters = [
        ("livesky_edge_reports_total", "Reports of viewers taken.", stats.reports),
        (
            "livesky_edge_reports_repeated_total",
            "Reports that had been taken before.",
            stats.reports_repeated,
        ),
        (
            "livesky_edge_reports_missing_total",
            "Reports owed by viewers that fell silent.",
            stats.reports_missing,
        ),
        ("livesky_edge_reports_lost_total", "Reports viewers threw away, as they tell.", stats.reports_lost),
    ];
    for (name, help, count) in counters {
        text.family(name, "counter", help).sample(&[], count);
    }
    let figures: [(&'static str, &str, ToldFigure); 4] = [
        ("livesky_reported_minutes_total", "Viewer-minutes with something to play.", |told| {
            f64::from(told.clients)
        }),
        ("livesky_reported_rebuffered_minutes_total", "Of those, with a picture that stood.", |told| {
            f64::from(told.rebuffered)
        }),
        ("livesky_reported_played_seconds_total", "Time played, as viewers tell.", |told| {
            told.played_ms as f64 / 1e3
        }),
        ("livesky_reported_buffering_seconds_total", "Time the picture stood, as viewers tell.", |told| {
            told.buffering_ms as f64 / 1e3
        }),
    ];
    for (name, help, figure) in figures {
        text.family(name, "counter", help);
        for (channel, told) in told {
            text.sample(&[("channel", channel)], figure(told));
        }
    }
}

/// What of the told minutes a family counts.
type ToldFigure = fn(&ToldMinutes) -> f64;

const fn reject_name(reject: Reject) -> &'static str {
    match reject {
        Reject::Malformed => "malformed",
        Reject::Unsupported => "unsupported",
        Reject::Unauthentic => "unauthentic",
        Reject::Stale => "stale",
        Reject::Duplicate => "duplicate",
        Reject::Full => "full",
        Reject::UnknownPeer => "unknown_peer",
        Reject::UnknownChannel => "unknown_channel",
        Reject::Unexpected => "unexpected",
    }
}

/// From `/proc`; `None` where there is none.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024)
}
