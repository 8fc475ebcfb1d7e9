//! `livesky watch`: a P2P viewer for a computer.

use core::future::Future;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_lite::future;
use livesky_std::{Runtime, Smol, ViewerEnded, ViewerHandle, ViewerOptions, join};
use smol::net::TcpListener;

use crate::cli::WatchArgs;
use crate::error::Error;
use crate::executor;
use crate::failure::Failure;
use crate::http::{self, Page, Role, Site, Stopped, ViewerSource};
use crate::signals::Interrupts;
use crate::terminal::Report;
use crate::ticker::{Ticker, sleep_some};
use crate::watch::output;
use crate::watch::patience::{Patience, Standing, Verdict, explain};
use crate::watch::report::WatchReport;

/// Players at once.
const CONNECTIONS_MAX: usize = 64;
/// How long a viewer takes leave at most.
const FAREWELL: Duration = Duration::from_secs(1);

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
    let upload_bps = if args.is_receive_only { 0 } else { args.upload_kbps.saturating_mul(1_000) };
    let receive_only = args.is_receive_only;
    let options = ViewerOptions {
        upload_bps,
        receive_only,
        ..ViewerOptions::new(args.url.edge, args.url.channel.clone())
    };
    let (viewer, driver) =
        join::<Smol>(options).map_err(|source| Error::System { what: "cannot open a UDP socket", source })?;
    let driver = executor::spawn(driver);
    let (stopper, stopped) = http::stopper();
    let serving = page.map(|page| executor::spawn(serve(page, &viewer, args.url.channel.as_str(), stopped)));
    let playing = play(&viewer, args.out.clone());
    let watching = watch(&viewer, &args, report);
    let stopping = async {
        future::or(interrupts.next(), sleep_some(args.seconds.map(Duration::from_secs))).await;
        Ok(())
    };
    let ended = future::or(stopping, future::or(playing, watching)).await;
    drop(stopper);
    say_goodbye(&viewer, driver).await;
    drop(serving);
    report.end();
    ended.map_err(Failure::from)
}

/// Lets players have what `viewer` plays.
fn serve(
    page: TcpListener,
    viewer: &ViewerHandle,
    channel: &str,
    stopped: Stopped,
) -> impl Future<Output = ()> + Send + use<> {
    let site = Site {
        role: Role::Viewer,
        page: Page::Links,
        sources: vec![Arc::new(ViewerSource::new(channel, viewer.clone()))],
        board: None,
        publish_command: String::new(),
        connections_max: CONNECTIONS_MAX,
    };
    http::serve(page, site, stopped)
}

/// Writes the frames; without an output there is nothing to be done.
fn play(viewer: &ViewerHandle, out: Option<PathBuf>) -> impl Future<Output = Result<(), Error>> + use<> {
    let frames = viewer.frames();
    async move {
        let Some(path) = out else { return future::pending().await };
        let write = |source| Error::Write { output: path.clone(), source };
        let mut sink = output::open(&path).await.map_err(write)?;
        output::write(frames, &mut sink).await.map_err(write)?;
        Ok(())
    }
}

/// Reports once a second until the channel is over or there is no point in waiting.
async fn watch(viewer: &ViewerHandle, args: &WatchArgs, report: Report) -> Result<(), Error> {
    let mut ticker = Ticker::new(Duration::from_secs(1));
    let mut patience = Patience::new(args.url.edge);
    let mut uploaded = 0;
    let mut last_standing = Standing::Unanswered;
    loop {
        ticker.tick().await;
        let status = viewer.status();
        let standing = Standing::of(&status);
        let total = status.watch.bytes_uploaded;
        let state = WatchReport::new(&status, total.saturating_sub(uploaded).saturating_mul(8));
        uploaded = total;
        report.state(|| state.line(), &state);
        if standing != last_standing && report == Report::Quiet {
            note(report, standing);
        }
        last_standing = standing;
        match patience.judge(Smol::now(), standing, status.watch.buffer_ms) {
            Verdict::Wait => {}
            Verdict::Over => {
                report.note("the channel is over");
                return Ok(());
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

/// Tells the edge and the peers, so that they need not find out.
async fn say_goodbye(viewer: &ViewerHandle, driver: smol::Task<std::io::Result<ViewerEnded>>) {
    viewer.leave().await;
    let leaving = async { drop(driver.await) };
    future::or(leaving, sleep_some(Some(FAREWELL))).await;
}
