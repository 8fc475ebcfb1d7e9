//! `livesky publish`: a stream becomes a channel.

use core::time::Duration;
use std::sync::Arc;

use futures_lite::future;
use livesky_core::Instant;
use livesky_core::media::InvalidSettings;
use livesky_std::publisher::PublisherError;
use livesky_std::{Publisher, PublisherOptions, Runtime, Smol, publish};

use crate::cli::PublishArgs;
use crate::error::Error;
use crate::executor;
use crate::failure::Failure;
use crate::publish::cut::{Cuts, Head};
use crate::publish::feed::{FeedStats, feed};
use crate::publish::measure::{measure, settings};
use crate::publish::report::{Patience, PublishReport, explain};
use crate::signals::Interrupts;
use crate::terminal::Report;
use crate::ticker::{Ticker, sleep};

/// How often the connection is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Looks between reports.
const LOOKS_PER_REPORT: u32 = 10;
/// After the last frame a channel stays this long: so that it reaches the viewers, from peer to peer, too.
const LINGER: Duration = Duration::from_secs(2);
/// How long the end may take; who asks to stop once more does not wait for it.
const FAREWELL: Duration = Duration::from_secs(5);

/// Publishes until the input ends or somebody asks to stop.
///
/// # Errors
/// An input that is no stream, an edge that cannot be reached or does not take the channel.
pub(super) async fn run(args: PublishArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::catch()?;
    let report = Report::choose(args.is_json, false);
    let interrupted = async {
        interrupts.next().await;
        None
    };
    let opening = async { Some(open(&args).await) };
    let Some(opened) = future::or(interrupted, opening).await else { return Ok(()) };
    let (options, head, cuts) = opened?;
    let (publisher, driver) = publish::<Smol>(options);
    let mut driver = executor::spawn(driver);
    let stats = Arc::new(FeedStats::default());
    let feeding = {
        let (publisher, stats, node) = (publisher.clone(), Arc::clone(&stats), args.to);
        executor::spawn(async move {
            feed(head, cuts, &publisher, &stats).await?;
            sleep(LINGER).await;
            // An input so short that it was over before patience was.
            if publisher.status().accepts == 0 { Err(Error::NoNode { node }) } else { Ok(()) }
        })
    };
    let watching = watch(&args, &publisher, &stats, report);
    let stopping = async {
        interrupts.next().await;
        Ok(())
    };
    // What the driver fails by is why nobody takes frames, and said before what follows from it.
    let failing = async {
        match (&mut driver).await {
            Err(error) => Err(refusal(&args, &error)),
            Ok(_) => future::pending().await,
        }
    };
    let ended = future::or(stopping, future::or(failing, future::or(watching, feeding))).await;
    publisher.end();
    if ended.is_ok() {
        let leaving = async { Some((&mut driver).await) };
        let waited = async {
            future::or(sleep(FAREWELL), interrupts.next()).await;
            None
        };
        if let Some(Err(error)) = future::or(leaving, waited).await {
            report.end();
            return Err(refusal(&args, &error).into());
        }
    }
    report.end();
    ended.map_err(Failure::from)
}

/// Opens the input, reads its head and measures it.
async fn open(
    args: &PublishArgs,
) -> Result<(PublisherOptions, Vec<livesky_std::PublishedFrame>, Cuts), Error> {
    let mut cuts = Cuts::open(args).await?;
    let Head { frames, init } = cuts.read_head().await?;
    let settings = settings(args, measure(&frames));
    settings.validate().map_err(|invalid| Error::Settings(what_is_wrong(invalid)))?;
    let options = PublisherOptions { settings, init, ..PublisherOptions::new(args.to, args.channel.clone()) };
    Ok((options, frames, cuts))
}

/// Looks after the connection, and reports once a second; ends only by an error.
async fn watch(
    args: &PublishArgs,
    publisher: &Publisher,
    stats: &FeedStats,
    report: Report,
) -> Result<(), Error> {
    let began_at: Instant = Smol::now();
    let mut patience = Patience::new(began_at);
    let mut ticker = Ticker::new(LOOK_EVERY);
    let mut bytes = 0;
    let mut last_state = "";
    for look in 1_u32.. {
        ticker.tick().await;
        let now = Smol::now();
        let status = publisher.status();
        patience.judge(now, &status, (args.to, args.channel.as_str()))?;
        if !look.is_multiple_of(LOOKS_PER_REPORT) {
            continue;
        }
        let rate_bps = status.bytes_sent.saturating_sub(bytes).saturating_mul(8);
        bytes = status.bytes_sent;
        let uptime_s = now.since(began_at).as_secs();
        let state = PublishReport::new(&status, uptime_s, rate_bps, stats.frames_dropped());
        report.state(|| state.line(), &state);
        if report == Report::Quiet && state.state != last_state {
            report.note(&state.line());
        }
        last_state = state.state;
    }
    Ok(())
}

fn refusal(args: &PublishArgs, error: &PublisherError) -> Error {
    match error {
        PublisherError::Refused(reason) => Error::ChannelRefused {
            node: args.to,
            channel: args.channel.as_str().into(),
            reason: explain(*reason),
        },
        PublisherError::InitTooLong => Error::TablesTooLong { input: args.input.to_string() },
    }
}

const fn what_is_wrong(invalid: InvalidSettings) -> &'static str {
    match invalid {
        InvalidSettings::Rate => "the rate is zero",
        InvalidSettings::Cadence => "frames are less than 1 ms or more than 10 s apart: set --fps",
        InvalidSettings::Substreams => "--substreams is 1 to 16",
        InvalidSettings::FragmentLen => "fragments are 188 to 1,128 bytes",
        InvalidSettings::TargetBuffer => "--target-buffer-ms is 500 to 120000",
        InvalidSettings::Levels => "--levels is 1 to 15",
    }
}
