//! Looks at an edge once a second.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use livesky_core::Instant;
use livesky_core::edge::{ChannelId, EdgeEvent, EdgeStats};
use livesky_core::scaling::Churn;
use livesky_core::wire::report::{MinuteReport, ReportBody};
use livesky_core::wire::{DATA_HEADER_LEN, SendReason};
use livesky_std::{EdgeHandle, EdgeSnapshot, Runtime, Smol};

use super::board::{Sample, StateBoard};
use super::build::{self, Figures};
use super::model::{Bytes, HistoryRow};
use super::reports::Line;
use super::totals::{Growth, Totals, divide};

/// Time between samples.
const SECOND: Duration = Duration::from_secs(1);
/// Samples kept for means: 10 s.
const RECENT_SAMPLES: usize = 10;

/// What the state says of the edge's settings.
#[derive(Clone, Debug)]
pub struct StateOptions {
    /// UDP address for people to use.
    pub address: String,
    /// Configured egress.
    pub capacity_bps: u64,
    /// What S is made of.
    pub churn: Churn,
    /// Which interval gamma and delta are for: 2.4 % leaving in 20 s is the paper's mean view of 13.5 minutes.
    pub churn_interval_s: u32,
    /// How far `/api/history` reaches.
    pub history_s: u64,
    /// Whether viewers' addresses are hidden.
    pub are_addresses_masked: bool,
}

impl StateOptions {
    /// Five minutes of history; addresses are shown.
    #[must_use]
    pub const fn new(address: String, capacity_bps: u64, churn: Churn) -> Self {
        Self {
            address,
            capacity_bps,
            churn,
            churn_interval_s: 20,
            history_s: 300,
            are_addresses_masked: false,
        }
    }
}

/// Looks at an edge once a second, puts what it sees on a [`StateBoard`], and tells the edge the legacy load.
pub struct Sampler {
    edge: EdgeHandle,
    options: StateOptions,
    board: Arc<StateBoard>,
    tracks: BTreeMap<String, Track>,
    names: BTreeMap<ChannelId, String>,
    /// Clients let in since the last sample.
    admitted: BTreeMap<ChannelId, u64>,
    stats: EdgeStats,
    legacy_bytes: u64,
    /// When the last sample was taken.
    sampled_at: Option<Instant>,
    report_log: Option<ReportLog>,
}

/// Where reports are written besides: it is handed each line of JSON, its end included.
pub type ReportLog = Box<dyn FnMut(&[u8]) + Send>;

/// What is kept of a channel from one sample to the next.
#[derive(Debug, Default)]
pub(super) struct Track {
    began_at: Instant,
    number: u64,
    pub(super) totals: Totals,
    pub(super) bytes: Bytes,
    /// Legacy bytes counted before the channel began.
    legacy_base: u64,
    /// Clients seen in samples, and those whose admission was told: some are gone before they are seen, some events are lost.
    joined: u64,
    admitted: u64,
    /// The last samples, oldest first: when, bytes taken in, and what was sent until then.
    pub(super) recent: VecDeque<Recent>,
}

/// Counters at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recent {
    pub(super) at: Instant,
    pub(super) bytes_in: u64,
    pub(super) bytes: Bytes,
    /// In the second before.
    pub(super) joined: u64,
    /// In the second before.
    pub(super) orphaned: u64,
}

/// Something happened at the edge.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// What.
    pub event: &'a EdgeEvent,
    /// Name of the channel it is about, where there is one.
    pub channel: Option<&'a str>,
}

impl Sampler {
    /// A sampler of this edge.
    #[must_use]
    pub fn new(edge: EdgeHandle, options: StateOptions, board: Arc<StateBoard>) -> Self {
        let (tracks, names, admitted) = Default::default();
        Self {
            edge,
            options,
            board,
            tracks,
            names,
            admitted,
            stats: EdgeStats::default(),
            legacy_bytes: 0,
            sampled_at: None,
            report_log: None,
        }
    }

    /// The same, handing each report to `log` as well.
    #[must_use]
    pub fn with_report_log(self, log: Option<ReportLog>) -> Self {
        Self { report_log: log, ..self }
    }

    /// Samples once a second until the edge ends. Takes the edge's events, and hands each on.
    pub async fn run(mut self, mut on_event: impl FnMut(Told<'_>)) {
        let events = self.edge.events();
        let mut at = Smol::now();
        loop {
            let tick = async {
                Smol::sleep_until(at).await;
                Ok(None)
            };
            match smol::future::or(tick, async { events.recv().await.map(Some) }).await {
                Ok(Some(event)) => {
                    let channel = self.on_event(&event).await;
                    let channel = channel.and_then(|id| self.names.get(&id)).map(String::as_str);
                    on_event(Told { event: &event, channel });
                }
                Ok(None) => {
                    self.sample().await;
                    at = Smol::now().max(at + SECOND);
                }
                Err(_) => return,
            }
        }
    }

    /// Notes what an event tells; which channel it is about.
    async fn on_event(&mut self, event: &EdgeEvent) -> Option<ChannelId> {
        match *event {
            EdgeEvent::ChannelOpened { channel } => {
                let channels = self.edge.channels().await.into_iter();
                self.names.extend(channels.map(|channel| (channel.id, channel.name.as_str().to_owned())));
                Some(channel)
            }
            EdgeEvent::Admitted { channel, .. } => {
                *self.admitted.entry(channel).or_default() += 1;
                Some(channel)
            }
            EdgeEvent::ChannelClosed { channel }
            | EdgeEvent::StageChanged { channel, .. }
            | EdgeEvent::Promoted { channel, .. }
            | EdgeEvent::Demoted { channel, .. }
            | EdgeEvent::Left { channel, .. } => Some(channel),
            EdgeEvent::Report { client, channel, report } => {
                let name = channel.and_then(|id| self.names.get(&id)).map(String::as_str);
                let is_masked = self.options.are_addresses_masked;
                let line = Line::of_report(wall_clock_ms(), name, client, &report, is_masked).json();
                let minute = match &report.body {
                    ReportBody::Minute(minute) => Some(minute),
                    ReportBody::Join(_) => None,
                };
                report_to(&mut self.report_log, &self.board, name, line, minute);
                channel
            }
            EdgeEvent::Minute { channel, minute } => {
                let name = self.names.get(&channel).map(String::as_str);
                let line = Line::of_minute(wall_clock_ms(), name, &minute).json();
                report_to(&mut self.report_log, &self.board, name, line, None);
                Some(channel)
            }
            EdgeEvent::Refused { channel, .. } => channel,
            EdgeEvent::RateChanged { .. } | EdgeEvent::Drained => None,
        }
    }

    /// Takes one sample of every channel.
    async fn sample(&mut self) {
        let mut snapshots = Vec::new();
        for channel in self.edge.channels().await {
            snapshots.extend(self.edge.snapshot(&channel.name).await);
        }
        let now = Smol::now();
        let span = self.sampled_at.replace(now).map_or(SECOND, |before| now.since(before));
        let before = core::mem::take(&mut self.stats);
        self.stats = snapshots.last().map_or_else(|| before.clone(), |snapshot| snapshot.stats.clone());
        let growths = self.grow(&before, &snapshots);
        // Of channels that are over too: their meters go on where they were when the channel comes back.
        let legacy_bytes = self.board.legacy_bytes();
        let legacy_grown =
            legacy_bytes.saturating_sub(core::mem::replace(&mut self.legacy_bytes, legacy_bytes));
        let legacy_bps = rate_bps(legacy_grown, span);
        let egress_bps =
            rate_bps(self.stats.sent_bytes().saturating_sub(before.sent_bytes()), span) + legacy_bps;
        let samples = snapshots.iter().zip(growths).filter_map(|(snapshot, growth)| {
            let track = self.tracks.get_mut(snapshot.channel.name.as_str())?;
            track.remember(snapshot, &growth);
            let figures = Figures {
                now_ms: wall_clock_ms(),
                egress_bps,
                stun_port: self.edge.second_addr().map(|second| second.port()),
                options: &self.options,
                p2p: self.board.p2p_video(snapshot.channel.name.as_str()),
            };
            let state = build::state(snapshot, track, figures);
            let row = track.row(snapshot);
            Some((Arc::new(Sample::new(track.number, state)), row))
        });
        let samples: Vec<_> = samples.collect();
        let rows_max = usize::try_from(self.options.history_s).unwrap_or(usize::MAX);
        self.board.post(samples, rows_max, self.stats.clone());
        self.edge.set_legacy_load(legacy_bps).await;
    }

    /// Adds to each channel's totals what came about since `before`.
    fn grow(&mut self, before: &EdgeStats, snapshots: &[EdgeSnapshot]) -> Vec<Growth> {
        let mut tracks = core::mem::take(&mut self.tracks);
        let mut growths = Vec::new();
        for snapshot in snapshots {
            let name = snapshot.channel.name.as_str();
            let legacy_bytes = self.board.legacy(name).bytes();
            let track = tracks.remove(name).filter(|track| track.began_at == snapshot.channel.began_at);
            let mut track = track.unwrap_or_else(|| Track::new(snapshot, legacy_bytes));
            growths.push(track.totals.take(&snapshot.clients));
            track.admitted += self.admitted.remove(&snapshot.channel.id).unwrap_or(0);
            track.bytes.legacy = legacy_bytes.saturating_sub(track.legacy_base);
            self.tracks.insert(name.to_owned(), track);
        }
        self.admitted.clear();
        self.divide_edge_bytes(before, snapshots, &growths);
        growths
    }

    /// The edge counts all channels together, to the byte; each channel gets its part by what its clients were sent.
    fn divide_edge_bytes(&mut self, before: &EdgeStats, snapshots: &[EdgeSnapshot], growths: &[Growth]) {
        let stats = &self.stats;
        let by_reason = |reason: SendReason, index: usize| {
            let weights: Vec<_> =
                growths.iter().map(|growth| growth.edge.get(index).copied().unwrap_or(0)).collect();
            divide(stats.media_bytes(reason).saturating_sub(before.media_bytes(reason)), &weights)
        };
        let push = by_reason(SendReason::Feed, 0);
        let burst = by_reason(SendReason::Burst, 1);
        let rescue = by_reason(SendReason::Rescue, 2);
        let pull = by_reason(SendReason::Pull, 3);
        let sent: Vec<_> = growths.iter().map(|growth| growth.edge.iter().sum()).collect();
        let headers = divide(stats.header_bytes.saturating_sub(before.header_bytes), &sent);
        let clients: Vec<_> = snapshots.iter().map(|snapshot| u64::from(snapshot.channel.p0)).collect();
        let control = divide(stats.control_bytes.saturating_sub(before.control_bytes), &clients);
        let part = |parts: &[u64], index: usize| parts.get(index).copied().unwrap_or(0);
        for (index, (snapshot, growth)) in snapshots.iter().zip(growths).enumerate() {
            let Some(track) = self.tracks.get_mut(snapshot.channel.name.as_str()) else { continue };
            let bytes = &mut track.bytes;
            bytes.push += part(&push, index);
            bytes.burst += part(&burst, index);
            bytes.rescue += part(&rescue, index);
            bytes.pull += part(&pull, index);
            bytes.peers += growth.peers;
            bytes.duplicates += growth.duplicates;
            bytes.control += part(&control, index) + growth.control;
            bytes.fragment_headers += part(&headers, index) + headers_in(growth.uploaded, &self.stats);
        }
    }
}

fn report_to(
    log: &mut Option<ReportLog>,
    board: &StateBoard,
    channel: Option<&str>,
    line: Vec<u8>,
    minute: Option<&MinuteReport>,
) {
    if let Some(log) = log {
        log(&line);
    }
    board.report(channel, line, minute);
}

/// Bytes in a time as bit/s. A sample that was late is followed by one that comes early: less than a tenth of a second says nothing.
pub(super) fn rate_bps(bytes: u64, span: Duration) -> u64 {
    let micros = span.max(SECOND / 10).as_micros();
    u64::try_from(u128::from(bytes) * 8_000_000 / micros).unwrap_or(u64::MAX)
}

/// Viewers tell what they uploaded with headers; their fragments have the same lengths as the edge's.
fn headers_in(uploaded: u64, stats: &EdgeStats) -> u64 {
    let payload = stats.sent_bytes().saturating_sub(stats.header_bytes).saturating_sub(stats.control_bytes);
    let (headers, whole) = match stats.data_packets {
        0 => (DATA_HEADER_LEN as u64, livesky_core::limits::DATAGRAM_LEN_MAX as u64),
        _ => (stats.header_bytes, stats.header_bytes + payload),
    };
    u64::try_from(u128::from(uploaded) * u128::from(headers) / u128::from(whole.max(1))).unwrap_or(0)
}

impl Track {
    fn new(snapshot: &EdgeSnapshot, legacy_base: u64) -> Self {
        Self { began_at: snapshot.channel.began_at, legacy_base, ..Self::default() }
    }

    fn remember(&mut self, snapshot: &EdgeSnapshot, growth: &Growth) {
        self.joined += growth.joined;
        self.number += 1;
        self.recent.push_back(Recent {
            at: snapshot.taken_at,
            bytes_in: snapshot.channel.bytes_in,
            bytes: self.bytes,
            joined: growth.joined,
            orphaned: growth.orphaned,
        });
        if self.recent.len() > RECENT_SAMPLES + 1 {
            self.recent.pop_front();
        }
    }

    /// All that ever joined.
    pub(super) fn viewers_seen(&self) -> u64 {
        self.joined.max(self.admitted)
    }

    fn row(&self, snapshot: &EdgeSnapshot) -> HistoryRow {
        let Bytes { burst, push, rescue, pull, peers, legacy, .. } = self.bytes;
        let uptime_s = build::uptime_s(snapshot);
        HistoryRow(
            uptime_s,
            burst,
            push,
            rescue,
            pull,
            peers,
            legacy,
            snapshot.channel.p0,
            build::rounded(snapshot.channel.nc),
        )
    }
}

#[expect(clippy::disallowed_methods, reason = "shown to people; nothing is decided by it")]
fn wall_clock_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
