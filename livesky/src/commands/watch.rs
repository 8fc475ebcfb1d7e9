//! `livesky watch`: a P2P viewer for a computer.

use core::future::Future;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_lite::future;
use livesky_std::{FrameLog, Runtime, Smol};
use smol::net::TcpListener;

use crate::cli::WatchArgs;
use crate::error::Error;
use crate::executor;
use crate::failure::Failure;
use crate::http::{self, Page, Role, Site, Stopped, ViewerSource};
use crate::signals::Interrupts;
use crate::terminal::Report;
use crate::ticker::{Ticker, sleep_some};
use crate::watch::feeding::{Feeding, Turned};
use crate::watch::output;
use crate::watch::patience::{Patience, Standing, Verdict, explain};
use crate::watch::report::WatchReport;

/// Players at once.
const CONNECTIONS_MAX: usize = 64;
/// Played frames a player may fall behind.
const LOG_FRAMES_MAX: usize = 750;
/// Bytes of those frames.
const LOG_BYTES_MAX: usize = 64 << 20;

/// What is said when there is nothing more to come.
const OVER: &str = "the channel is over";

/// Watches until the channel ends, the time is over, or somebody asks to stop.
///
/// # Errors
/// An edge that does not answer or refuses, an output that takes no more.
pub(super) async fn run(args: WatchArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::catch()?;
    let is_stdout_taken = args.out.as_deref() == Some(Path::new("-"));
    let report = Report::choose(args.is_json, is_stdout_taken);
    let page = args.http.map(|address| http::bind(address, "--http")).transpose()?;
    if let Some(page) = &page {
        let (address, name) = (page.local_addr()?, args.url.channel.as_str());
        report.note(&format!("play http://{address}/{name}/index.m3u8 or http://{address}/{name}.ts"));
    }
    let log = FrameLog::new(LOG_FRAMES_MAX, LOG_BYTES_MAX);
    let mut feeding = Feeding::begin(&args, log.clone())?;
    let (stopper, stopped) = http::stopper();
    let serving =
        page.map(|page| executor::spawn(serve(page, log.clone(), args.url.channel.as_str(), stopped)));
    let playing = play(&log, args.out.clone());
    let watching = watch(&mut feeding, &args, report);
    let stopping = async {
        future::or(interrupts.next(), sleep_some(args.seconds.map(Duration::from_secs))).await;
        Ok(())
    };
    let ended = future::or(stopping, future::or(playing, watching)).await;
    drop(stopper);
    feeding.end().await;
    drop(serving);
    report.end();
    ended.map_err(Failure::from)
}

/// Lets players have what is played.
fn serve(
    page: TcpListener,
    log: FrameLog,
    channel: &str,
    stopped: Stopped,
) -> impl Future<Output = ()> + Send + use<> {
    let site = Site {
        role: Role::Viewer,
        page: Page::Links,
        sources: vec![Arc::new(ViewerSource::of_log(channel, log))],
        board: None,
        publish_command: String::new(),
        connections_max: CONNECTIONS_MAX,
    };
    http::serve(page, site, stopped)
}

/// Writes the frames; without an output there is nothing to be done.
fn play(log: &FrameLog, out: Option<PathBuf>) -> impl Future<Output = Result<(), Error>> + use<> {
    let frames = log.reader();
    async move {
        let Some(path) = out else { return future::pending().await };
        let write = |source| Error::Write { output: path.clone(), source };
        let mut sink = output::open(&path).await.map_err(write)?;
        output::write(frames, &mut sink).await.map_err(write)?;
        Ok(())
    }
}

/// Reports once a second until the channel is over or there is no point in waiting.
async fn watch(feeding: &mut Feeding, args: &WatchArgs, report: Report) -> Result<(), Error> {
    let mut ticker = Ticker::new(Duration::from_secs(1));
    let mut patience = Patience::new(args.url.edge);
    let mut uploaded = 0;
    let mut last_standing = Standing::Unanswered;
    loop {
        ticker.tick().await;
        let status = feeding.status();
        let standing = Standing::of(&status);
        match feeding.turn(standing).await? {
            Turned::Quietly => {}
            Turned::Said(what) => {
                patience = Patience::new(args.url.edge);
                report.note(what);
            }
            Turned::Over => {
                report.note(OVER);
                return Ok(());
            }
        }
        let total = status.watch.bytes_uploaded;
        let state = WatchReport::new(&status, total.saturating_sub(uploaded).saturating_mul(8));
        uploaded = total;
        let state = match feeding.http_totals() {
            Some((bytes, frames)) => state.over_http(bytes, frames),
            None => state,
        };
        report.state(|| state.line(), &state);
        if feeding.is_fed_by_http() {
            continue;
        }
        if standing != last_standing && report == Report::Quiet {
            note(report, standing);
        }
        last_standing = standing;
        match patience.judge(Smol::now(), standing, status.watch.buffer_ms) {
            Verdict::Wait => {}
            Verdict::Over => {
                report.note(OVER);
                return Ok(());
            }
            Verdict::GiveUp(Error::NoEdge { edge }) => {
                return Err(match feeding.http_failure() {
                    Some((stream, source)) => Error::NoEdgeNorHttp { edge, stream, source },
                    None => Error::NoEdge { edge },
                });
            }
            Verdict::GiveUp(error) => return Err(error),
        }
    }
}

fn note(report: Report, standing: Standing) {
    match standing {
        Standing::Refused(reason) => report.note(&format!("refused: {}", explain(reason))),
        Standing::Left(_) => report.note("the edge went away: waiting for it"),
        Standing::Joined | Standing::Unanswered => {}
    }
}
