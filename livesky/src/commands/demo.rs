//! `livesky demo`: a publisher, an edge and a crowd of viewers in one process, over loopback sockets.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{self, Write};
use std::sync::Arc;

use futures_lite::future;
use livesky_core::media::{ChannelName, ChannelSettings};
use livesky_core::relay::NewFrame;
use livesky_std::{EdgeHandle, EdgeSnapshot, PublishedFrame, PublisherOptions, Runtime, Smol, edge, publish};
use smol::net::TcpListener;

use crate::cli::DemoArgs;
use crate::demo::crowd::{Crowd, STEP};
use crate::demo::film::Film;
use crate::demo::noise::Noise;
use crate::demo::plan::Plan;
use crate::demo::screen::Screen;
use crate::demo::table::Table;
use crate::demo::totals::Summary;
use crate::error::Error;
use crate::executor;
use crate::failure::Failure;
use crate::http::state::{P2pVideo, Sampler, StateBoard, StateOptions};
use crate::http::{self, EdgeSource, Page, Role, Site, Stopped};
use crate::publish::measure::measure;
use crate::publish::pace::{Pace, Pacer};
use crate::signals::Interrupts;
use crate::ticker::{Ticker, sleep, sleep_some};

/// The channel's name.
const CHANNEL: &str = "live1";
/// Where the page is unless that port is in use.
const PAGE: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8_080);
/// Frames the clip's rate is measured on: all of it.
const MEASURED_FRAMES: usize = 750;
/// Media beyond the target buffer that is on the air, as if the channel had begun before, when the first viewer comes.
const LEAD: Duration = Duration::from_secs(2);
/// From the first frame at the edge until the first viewer comes: what is past has arrived by then.
const SETTLE: Duration = Duration::from_secs(1);
/// How long the first frame may take.
const ON_AIR: Duration = Duration::from_secs(20);
/// HTTP connections at once.
const CONNECTIONS_MAX: usize = 256;
/// Comings and goings between two looks at the figures.
const STEPS_PER_LOOK: u64 = 20;

/// Runs the demo until somebody asks to stop, or the time is over; then says how it was.
pub(super) async fn run(args: DemoArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::catch()?;
    let page = bind_page(args.http)?;
    let page_addr = page.local_addr()?;
    let channel = ChannelName::new(CHANNEL).ok_or_else(|| Failure::new("the demo's channel has no name"))?;
    let mut stream = Stream::choose(&args);
    let plan = Plan::new(&args, stream.settings);
    let edge_options = plan.edge_options();
    let churn = edge_options.config.churn;
    let (edge, edge_driver) = edge::bind::<Smol>(edge_options)
        .map_err(|source| Error::System { what: "cannot start the edge", source })?;
    let edge_driver = executor::spawn(edge_driver);
    let options = PublisherOptions {
        settings: plan.settings,
        init: core::mem::take(&mut stream.init),
        ..PublisherOptions::new(edge.tcp_addr(), channel.clone())
    };
    let (publisher, publisher_driver) = publish::<Smol>(options);
    let publishing = executor::spawn(publisher_driver);
    let past = plan.settings.target_buffer() + LEAD;
    let feeding = executor::spawn(feed(stream.frames, past, publisher));

    let board = StateBoard::new();
    let state = StateOptions {
        churn_interval_s: plan.scaling.interval_s(),
        ..StateOptions::new(edge.udp_addr().to_string(), plan.capacity_bps, churn)
    };
    let sampler = Sampler::new(edge.clone(), state, Arc::clone(&board));
    let sampling = executor::spawn(sampler.run(|_| {}));
    let screen = Screen::new(format!("viewer/{CHANNEL}"));
    let (stopper, stopped) = http::stopper();
    let serving = executor::spawn(serve(page, edge.clone(), &board, &screen, stopped));
    eprintln!("the page: http://{page_addr}/     (Ctrl-C ends the demo)");

    let mut show = Show { plan, edge, channel, board, screen, is_json: args.is_json };
    let stopping = async {
        future::or(interrupts.next(), sleep_some(args.seconds.map(Duration::from_secs))).await;
        Ok(())
    };
    let crowd = show.run(stopping).await;
    drop(stopper);
    show.screen.clear();
    if let Ok(mut crowd) = crowd {
        let parting = async {
            show.board.end("the demo is over");
            crowd.disperse().await;
            show.edge.shutdown().await;
            drop(edge_driver.await);
        };
        future::or(parting, sleep(Duration::from_secs(3))).await;
        drop((feeding, publishing, sampling, serving));
        return Ok(());
    }
    crowd.map(drop).map_err(Failure::from)
}

/// A given address, or the default one with another port in reserve.
fn bind_page(address: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    match address {
        Some(address) => http::bind(address, "--http"),
        None => http::bind(PAGE, "--http").or_else(|_| http::bind((Ipv4Addr::LOCALHOST, 0).into(), "--http")),
    }
}

/// What is published.
struct Stream {
    settings: ChannelSettings,
    init: Vec<u8>,
    frames: Box<dyn Iterator<Item = PublishedFrame> + Send>,
}

impl Stream {
    /// The clip, or noise of a rate that was asked for.
    fn choose(args: &DemoArgs) -> Self {
        let defaults = ChannelSettings::default();
        if let Some(rate_kbps) = args.rate {
            let settings = ChannelSettings { rate_bps: rate_kbps.saturating_mul(1_000), ..defaults };
            let frames = Box::new(Noise::new(&settings, args.seed));
            return Self { settings, init: Vec::new(), frames };
        }
        let mut film = Film::new();
        let head: Vec<PublishedFrame> = film.by_ref().take(MEASURED_FRAMES).collect();
        let settings = measure(&head).map_or(defaults, |measured| ChannelSettings {
            rate_bps: measured.rate_bps,
            cadence_us: measured.cadence_us,
            ..defaults
        });
        let init = film.init();
        Self { settings, init, frames: Box::new(head.into_iter().chain(film)) }
    }
}

/// Publishes frames, each when it is due; those of the first `past` are due at once: viewers that come find a buffer.
async fn feed(
    frames: Box<dyn Iterator<Item = PublishedFrame> + Send>,
    past: Duration,
    publisher: livesky_std::Publisher,
) {
    let mut pacer = Pacer::new(Pace::Recorded);
    let past_us = i64::try_from(past.as_micros()).unwrap_or(i64::MAX);
    let mut first = None;
    for frame in frames {
        let NewFrame { dts, .. } = frame.frame;
        if dts.micros_since(*first.get_or_insert(dts)) >= past_us {
            Smol::sleep_until(pacer.due(Smol::now(), dts)).await;
        }
        if publisher.send(frame).await.is_err() {
            return;
        }
    }
}

fn serve(
    page: TcpListener,
    edge: EdgeHandle,
    board: &Arc<StateBoard>,
    screen: &Arc<Screen>,
    stopped: Stopped,
) -> impl Future<Output = ()> + Send + use<> {
    let publish_command = format!("livesky publish clip.ts --loop --to {} --channel live2", edge.tcp_addr());
    let screen: Arc<Screen> = Arc::clone(screen);
    let site = Site {
        role: Role::Demo,
        page: Page::Overlay,
        sources: vec![Arc::new(EdgeSource::new(edge, Arc::clone(board))), screen],
        board: Some(Arc::clone(board)),
        publish_command,
        connections_max: CONNECTIONS_MAX,
    };
    http::serve(page, site, stopped)
}

/// The run itself.
struct Show {
    plan: Plan,
    edge: EdgeHandle,
    channel: ChannelName,
    board: Arc<StateBoard>,
    screen: Arc<Screen>,
    is_json: bool,
}

impl Show {
    /// Lets the crowd come and go until `stopping` is done, and says how it was.
    async fn run(&mut self, stopping: impl Future<Output = Result<(), Error>>) -> Result<Crowd, Error> {
        self.wait_on_air().await?;
        let mut crowd = Crowd::new(self.plan, self.edge.udp_addr(), self.channel.clone());
        let ended = future::or(stopping, self.watch(&mut crowd)).await;
        let snapshot = self.edge.snapshot(&self.channel).await;
        let summary = summary(&crowd, snapshot.as_ref());
        self.print(&summary);
        ended.map(|()| crowd)
    }

    /// Viewers come when there is something to be seen.
    async fn wait_on_air(&self) -> Result<(), Error> {
        let deadline = Smol::now() + ON_AIR;
        while self.edge.frames(&self.channel).is_none_or(|mut frames| frames.try_next().is_none()) {
            if Smol::now() > deadline {
                return Err(Error::NoNode { node: self.edge.tcp_addr() });
            }
            sleep(STEP).await;
        }
        sleep(SETTLE).await;
        Ok(())
    }

    /// Steps the crowd and draws the table; ends only by an error.
    async fn watch(&self, crowd: &mut Crowd) -> Result<(), Error> {
        let mut ticker = Ticker::new(STEP);
        let mut table = Table::new();
        let mut is_shown = false;
        for step in 1_u64.. {
            ticker.tick().await;
            crowd.step().await?;
            if !step.is_multiple_of(STEPS_PER_LOOK) {
                continue;
            }
            let snapshot = self.edge.snapshot(&self.channel).await;
            table.draw(&summary(crowd, snapshot.as_ref()), snapshot.as_ref());
            if !is_shown {
                is_shown = self.show_peer_fed(crowd);
            }
        }
        Ok(())
    }

    /// Puts the stream of a P2P-fed viewer on the page, once there is one.
    fn show_peer_fed(&self, crowd: &mut Crowd) -> bool {
        let Some(viewer) = crowd.keep_peer_fed() else { return false };
        let Some(client) = viewer.status().session.as_ref().map(|session| session.client) else {
            return false;
        };
        self.screen.show(viewer);
        let url = format!("viewer/{CHANNEL}/index.m3u8");
        self.board.set_p2p_video(CHANNEL, Some(P2pVideo { url, viewer: client }));
        true
    }

    fn print(&self, summary: &Summary) {
        let mut out = io::stdout().lock();
        if self.is_json {
            let figures = summary.figures();
            let figures = figures.iter().filter_map(|figure| serde_json::to_string(figure).ok());
            let lines = figures.chain(serde_json::to_string(summary).ok());
            for line in lines {
                let _is_read = writeln!(out, "{line}");
            }
            return;
        }
        let _is_read = writeln!(out, "\n{}", summary.text());
    }
}

fn summary(crowd: &Crowd, edge: Option<&EdgeSnapshot>) -> Summary {
    Summary::new(&crowd.totals(), edge, crowd.len(), crowd.age().as_secs())
}
