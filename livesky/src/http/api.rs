//! `/api/...` (docs/api.md).

use core::convert::Infallible;
use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use futures_lite::stream;
use livesky_std::{Runtime, Smol};
use serde::{Deserialize, Serialize};

use super::reply::{Refusal, fresh, json, json_bytes};
use super::router::App;
use super::state::model::{ChannelLine, Channels};
use super::state::{Sample, StateBoard};
use super::stop::Stopped;

/// Name and version of the program.
const PROGRAM: &str = concat!("livesky ", env!("CARGO_PKG_VERSION"));
/// A comment goes out when nothing else did for so long.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    channel: Option<String>,
}

fn board_of(app: &App) -> Result<&Arc<StateBoard>, Refusal> {
    app.site
        .board
        .as_ref()
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "this program has no state to tell"))
}

fn sample_of(app: &App, asked: &Asked) -> Result<(Arc<StateBoard>, Arc<Sample>), Refusal> {
    let board = board_of(app)?;
    let sample = board.sample(asked.channel.as_deref()).ok_or_else(|| match &asked.channel {
        Some(name) => Refusal::unknown_channel(name),
        None => Refusal::new(StatusCode::NOT_FOUND, "no channel is here yet"),
    })?;
    Ok((Arc::clone(board), sample))
}

/// `/api/channels`
pub(super) async fn channels(State(app): State<App>) -> Result<Response, Refusal> {
    let samples = board_of(&app)?.samples();
    let line = |sample: &Arc<Sample>| {
        let state = &sample.state;
        ChannelLine {
            name: state.channel.name.clone(),
            on_air: state.channel.on_air,
            rate_bps: state.channel.rate_bps,
            viewers: state.scaling.p0,
            uptime_s: state.channel.uptime_s,
        }
    };
    Ok(json(&Channels {
        program: PROGRAM,
        role: app.site.role.name(),
        publish_command: app.site.publish_command.clone(),
        channels: samples.iter().map(line).collect(),
    }))
}

/// `/api/state`
pub(super) async fn state(State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response, Refusal> {
    let (_, sample) = sample_of(&app, &asked)?;
    Ok(json_bytes(sample.json()))
}

/// `/api/history`
pub(super) async fn history(State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response, Refusal> {
    let (board, sample) = sample_of(&app, &asked)?;
    let name = &sample.state.channel.name;
    let history = board.history(name).filter(|_| sample.state.channel.history_s > 0);
    history
        .map(|history| json(&history))
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("no history is kept of channel {name}")))
}

/// `/api/events`
pub(super) async fn events(State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response, Refusal> {
    let (board, sample) = sample_of(&app, &asked)?;
    let watching = Watching {
        board,
        name: sample.state.channel.name.clone(),
        after: 0,
        stopped: app.stopped.clone(),
        is_over: false,
    };
    let first = stream::once(Ok(Bytes::from_static(b"retry: 2000\n\n")));
    let rest = stream::unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((Ok::<_, Infallible>(event), watching))
    });
    Ok(fresh("text/event-stream", Body::from_stream(futures_lite::StreamExt::chain(first, rest))))
}

/// `/api/reports`
pub(super) async fn reports(State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response, Refusal> {
    let lines = board_of(&app)?.reports(asked.channel.as_deref());
    Ok(fresh("application/x-ndjson; charset=utf-8", lines.concat()))
}

/// `/api/reports/events`
pub(super) async fn report_events(State(app): State<App>) -> Result<Response, Refusal> {
    let board = Arc::clone(board_of(&app)?);
    let reading = Some((board.reports_len(), board, app.stopped.clone()));
    let first = stream::once(Ok(Bytes::from_static(b"retry: 2000\n\n")));
    let rest = stream::unfold(reading, |reading| async move {
        let (after, board, stopped) = reading?;
        let next = async { Some(board.next_report(after).await) };
        let (event, reading) = match until_stopped(next, &stopped).await {
            None => (Bytes::from_static(STILL_HERE), Some((after, board, stopped))),
            Some(Ok((number, line))) => {
                (event("report", line.trim_ascii_end()), Some((number, board, stopped)))
            }
            Some(Err(reason)) => (ended(&reason), None),
        };
        Some((Ok::<_, Infallible>(event), reading))
    });
    Ok(fresh("text/event-stream", Body::from_stream(futures_lite::StreamExt::chain(first, rest))))
}

const STILL_HERE: &[u8] = b": still here\n\n";

/// What `next` gives, or why nothing will come; `None` when nothing came for a while.
async fn until_stopped<T>(
    next: impl Future<Output = Option<Result<T, Arc<str>>>>,
    stopped: &Stopped,
) -> Option<Result<T, Arc<str>>> {
    let stopping = async {
        stopped.wait().await;
        Some(Err(Arc::from("the program is over")))
    };
    let silence = async {
        Smol::sleep_until(Smol::now() + KEEP_ALIVE).await;
        None
    };
    smol::future::or(next, smol::future::or(stopping, silence)).await
}

fn ended(reason: &str) -> Bytes {
    event("ended", &serde_json::to_vec(&Ended { reason }).unwrap_or_default())
}

/// Somebody who looks on.
struct Watching {
    board: Arc<StateBoard>,
    name: String,
    after: u64,
    stopped: Stopped,
    is_over: bool,
}

#[derive(Serialize)]
struct Ended<'a> {
    reason: &'a str,
}

impl Watching {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let Self { board, name, after, stopped, .. } = self;
        let next = async { Some(board.next(name, *after).await) };
        match until_stopped(next, stopped).await {
            None => Some(Bytes::from_static(STILL_HERE)),
            Some(Ok(sample)) => {
                self.after = sample.number;
                Some(event("state", &sample.json()))
            }
            Some(Err(reason)) => {
                self.is_over = true;
                Some(ended(&reason))
            }
        }
    }
}

fn event(name: &str, data: &[u8]) -> Bytes {
    let parts = [b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"];
    parts.concat().into()
}
