//! The newest sample of each channel, for any number of readers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use event_listener::Event;
use livesky_core::edge::{EdgeStats, ToldMinutes};
use livesky_core::wire::control::ClientId;
use livesky_core::wire::report::MinuteReport;

use super::legacy::LegacyMeter;
use super::model::{HISTORY_COLUMNS, History, HistoryRow, State};

/// A channel's state at one moment.
#[derive(Debug)]
pub struct Sample {
    /// Counts the samples of the channel from 1.
    pub number: u64,
    /// The state.
    pub state: State,
    json: OnceLock<Bytes>,
}

impl Sample {
    pub(super) const fn new(number: u64, state: State) -> Self {
        Self { number, state, json: OnceLock::new() }
    }

    /// The state as one line of JSON; made at most once.
    #[must_use]
    pub fn json(&self) -> Bytes {
        let json = || Bytes::from(serde_json::to_vec(&self.state).unwrap_or_default());
        self.json.get_or_init(json).clone()
    }
}

/// The stream of a P2P-fed viewer that the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct P2pVideo {
    /// Its HLS playlist, relative to the page or absolute.
    pub url: String,
    /// Whose it is.
    pub viewer: ClientId,
}

/// Samples, history and meters of an edge's channels, by name.
#[derive(Debug, Default)]
pub struct StateBoard {
    inner: Mutex<Inner>,
    grown: Event,
    reported: Event,
}

/// Reports kept for those who ask.
const REPORTS_MAX: usize = 1_000;

/// A report as a line of JSON.
#[derive(Clone, Debug)]
struct Reported {
    channel: Option<String>,
    line: Bytes,
}

#[derive(Debug, Default)]
struct Inner {
    samples: BTreeMap<String, Arc<Sample>>,
    history: BTreeMap<String, VecDeque<HistoryRow>>,
    p2p: BTreeMap<String, P2pVideo>,
    legacy: BTreeMap<String, LegacyMeter>,
    edge: EdgeStats,
    ended: Option<Arc<str>>,
    reports: VecDeque<Reported>,
    /// Reports put up so far.
    reports_len: u64,
    told: BTreeMap<String, ToldMinutes>,
}

impl StateBoard {
    /// A board without samples.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest sample of a channel; without a name, of the first in order.
    #[must_use]
    pub fn sample(&self, name: Option<&str>) -> Option<Arc<Sample>> {
        let inner = self.inner();
        match name {
            Some(name) => inner.samples.get(name).cloned(),
            None => inner.samples.values().next().cloned(),
        }
    }

    /// The newest samples, ordered by the channels' names.
    #[must_use]
    pub fn samples(&self) -> Vec<Arc<Sample>> {
        self.inner().samples.values().cloned().collect()
    }

    /// Waits for a sample of `name` later than number `after`.
    ///
    /// # Errors
    /// Why there will be none: the channel or the program is over.
    pub async fn next(&self, name: &str, after: u64) -> Result<Arc<Sample>, Arc<str>> {
        loop {
            // Listening begins before looking, or a sample posted between the two would be slept through.
            let grown = self.grown.listen();
            {
                let inner = self.inner();
                if let Some(reason) = &inner.ended {
                    return Err(Arc::clone(reason));
                }
                match inner.samples.get(name) {
                    None => return Err("the channel is over".into()),
                    // A channel that began anew counts from 1 again.
                    Some(sample) if sample.number != after => return Ok(Arc::clone(sample)),
                    Some(_) => {}
                }
            }
            grown.await;
        }
    }

    /// A channel's history.
    #[must_use]
    pub fn history(&self, name: &str) -> Option<History> {
        let rows = self.inner().history.get(name)?.iter().copied().collect();
        Some(History { columns: HISTORY_COLUMNS, rows })
    }

    /// Counters of the edge, all channels together.
    #[must_use]
    pub fn edge_stats(&self) -> EdgeStats {
        self.inner().edge.clone()
    }

    /// What counts the bytes plain players are sent of a channel.
    #[must_use]
    pub fn legacy(&self, name: &str) -> LegacyMeter {
        let mut inner = self.inner();
        if let Some(meter) = inner.legacy.get(name) {
            return meter.clone();
        }
        inner.legacy.entry(name.to_owned()).or_default().clone()
    }

    /// Bytes plain players were sent since the program's start, of all channels, those that are over among them.
    pub(super) fn legacy_bytes(&self) -> u64 {
        self.inner().legacy.values().map(LegacyMeter::bytes).sum()
    }

    /// Puts up a report of a viewer or of a channel's minute, the line's end included.
    pub(super) fn report(&self, channel: Option<&str>, line: Vec<u8>, minute: Option<&MinuteReport>) {
        let mut inner = self.inner();
        if let (Some(name), Some(minute)) = (channel, minute) {
            inner.told.entry(name.to_owned()).or_default().add(minute);
        }
        inner.reports_len += 1;
        inner.reports.push_back(Reported { channel: channel.map(str::to_owned), line: line.into() });
        if inner.reports.len() > REPORTS_MAX {
            inner.reports.pop_front();
        }
        drop(inner);
        self.reported.notify(usize::MAX);
    }

    /// The last reports, oldest first, each a line of JSON; of one channel, if it is named.
    #[must_use]
    pub fn reports(&self, channel: Option<&str>) -> Vec<Bytes> {
        let inner = self.inner();
        let of =
            inner.reports.iter().filter(|report| channel.is_none() || report.channel.as_deref() == channel);
        of.map(|report| report.line.clone()).collect()
    }

    /// What viewers' reports told of each channel, by name.
    #[must_use]
    pub fn told(&self) -> Vec<(String, ToldMinutes)> {
        self.inner().told.iter().map(|(name, told)| (name.clone(), *told)).collect()
    }

    /// Reports put up so far.
    #[must_use]
    pub fn reports_len(&self) -> u64 {
        self.inner().reports_len
    }

    /// Waits for a report past the first `after`, and gives it with their number; one who waits too long misses some.
    ///
    /// # Errors
    /// Why there will be none: the program is over.
    pub async fn next_report(&self, after: u64) -> Result<(u64, Bytes), Arc<str>> {
        loop {
            let reported = self.reported.listen();
            {
                let inner = self.inner();
                if let Some(reason) = &inner.ended {
                    return Err(Arc::clone(reason));
                }
                let first = inner.reports_len.saturating_sub(inner.reports.len() as u64);
                let number = after.max(first);
                let place = usize::try_from(number - first).unwrap_or(usize::MAX);
                if let Some(report) = inner.reports.get(place) {
                    return Ok((number + 1, report.line.clone()));
                }
            }
            reported.await;
        }
    }

    /// Says which viewer's stream the page shows for a channel; `None`: no viewer's.
    pub fn set_p2p_video(&self, name: &str, video: Option<P2pVideo>) {
        let mut inner = self.inner();
        match video {
            Some(video) => inner.p2p.insert(name.to_owned(), video),
            None => inner.p2p.remove(name),
        };
    }

    pub(super) fn p2p_video(&self, name: &str) -> Option<P2pVideo> {
        self.inner().p2p.get(name).cloned()
    }

    /// Tells all readers that nothing follows, and why.
    pub fn end(&self, reason: &str) {
        self.inner().ended = Some(reason.into());
        self.grown.notify(usize::MAX);
        self.reported.notify(usize::MAX);
    }

    /// Puts up the samples of all channels; those not among them are over.
    pub(super) fn post(
        &self,
        samples: Vec<(Arc<Sample>, HistoryRow)>,
        history_rows_max: usize,
        edge: EdgeStats,
    ) {
        let mut inner = self.inner();
        let mut history = core::mem::take(&mut inner.history);
        inner.samples.clear();
        for (sample, row) in samples {
            let name = sample.state.channel.name.clone();
            let mut rows =
                if sample.number == 1 { VecDeque::new() } else { history.remove(&name).unwrap_or_default() };
            rows.push_back(row);
            while rows.len() > history_rows_max {
                rows.pop_front();
            }
            inner.history.insert(name.clone(), rows);
            inner.samples.insert(name, sample);
        }
        inner.edge = edge;
        drop(inner);
        self.grown.notify(usize::MAX);
    }
}
