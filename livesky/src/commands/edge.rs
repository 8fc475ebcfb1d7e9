//! `livesky edge`.

use core::future::Future;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::fs::File;
use std::io::{self, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use livesky_core::edge::{EdgeEvent, EdgeMinute};
use livesky_core::limits::ALTERNATIVES_MAX;
use livesky_core::scaling::Decision;
use livesky_std::{EdgeEnded, EdgeHandle, EdgeOptions, Runtime, SecondPort, Smol, edge};

use crate::cli::EdgeArgs;
use crate::config::EdgeSettings;
use crate::executor;
use crate::failure::Failure;
use crate::http::state::{ReportLog, Sampler, StateBoard, StateOptions, Told};
use crate::http::{self, EdgeSource, Page, Role, Site};
use crate::signals::Interrupts;

/// Bytes of frames held by channels all together.
const STORE_BYTES_MAX: usize = 512 << 20;
/// How long viewers are handed over to other edges at most.
const HANDOVER: core::time::Duration = core::time::Duration::from_secs(10);

/// Runs an edge until SIGINT or SIGTERM.
pub(super) async fn run(args: EdgeArgs) -> Result<(), Failure> {
    let settings = EdgeSettings::load(&args)?;
    let mut interrupts = Interrupts::catch()?;
    let http = http::bind(settings.http, "--http")?;
    let options = options(&settings);
    let config = options.config.clone();
    let (handle, driver) = edge::bind::<Smol>(options).map_err(|error| on_bind(&settings, &error))?;
    let host = Host::new(settings.host.clone());
    let http_addr = http.local_addr()?;
    let publish_command = publish_command(&host.at(handle.tcp_addr()));
    let board = StateBoard::new();
    let state = StateOptions {
        are_addresses_masked: settings.are_addresses_masked,
        churn_interval_s: settings.scaling.interval_s(),
        ..StateOptions::new(host.at(handle.udp_addr()), config.capacity_bps, config.churn)
    };
    let report_log = settings.report_log.as_deref().map(open_report_log).transpose()?;
    let sampler = Sampler::new(handle.clone(), state, Arc::clone(&board)).with_report_log(report_log);
    let verbosity = args.verbose;
    let sampling = executor::spawn(sampler.run(move |told| tell(told, verbosity)));
    let site = Site {
        role: Role::Edge,
        page: if settings.has_page { Page::Overlay } else { Page::None },
        sources: vec![Arc::new(EdgeSource::new(handle.clone(), Arc::clone(&board)))],
        board: Some(Arc::clone(&board)),
        publish_command: publish_command.clone(),
        connections_max: usize::try_from(settings.http_connections_max).unwrap_or(usize::MAX),
    };
    let (stopper, stopped) = http::stopper();
    let serving = executor::spawn(http::serve(http, site, stopped));
    let printing = args.is_json.then(|| executor::spawn(print_states(Arc::clone(&board))));
    greet(&handle, &host, http_addr, &publish_command);

    let stopping = async {
        interrupts.next().await;
        if !settings.alternatives.is_empty() {
            say(
                "ending: viewers are handed over to other edges, 10 s at most; once more tells them to leave",
            );
            let draining = handle.drain(HANDOVER, Vec::new());
            smol::future::or(draining, async { interrupts.next().await }).await;
        }
        say("ending: viewers are told to leave; once more ends at once");
        board.end("the edge is going down");
        drop(stopper);
        handle.shutdown().await;
        smol::future::or(serving, interrupts.next()).await;
    };
    let ended = until_both_end(driver, stopping).await;
    drop((printing, sampling));
    ended
}

/// Runs the edge until it was stopped and is done. Either may be first: answers by HTTP end after it has told its viewers to leave, or
/// it tells thousands of them in round after round, for which its driver takes 200 ms at most.
async fn until_both_end(
    driver: impl Future<Output = io::Result<EdgeEnded>>,
    stopping: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let driving =
        async { driver.await.map_err(|error| Failure::new(format!("the edge cannot go on: {error}"))) };
    let stopping = async {
        stopping.await;
        Ok(())
    };
    smol::future::try_zip(driving, stopping).await.map(drop)
}

/// Opens a file that reports are appended to. When it takes no more, that is said once, and the edge goes on.
fn open_report_log(path: &Path) -> Result<ReportLog, Failure> {
    let failed = |error: &io::Error| format!("cannot write the reports to {}: {error}", path.display());
    let file = File::options().create(true).append(true).open(path);
    let mut file = Some(file.map_err(|error| Failure::new(failed(&error)))?);
    let path = path.to_owned();
    Ok(Box::new(move |line| {
        let written = file.as_mut().map_or(Ok(()), |file| file.write_all(line));
        if let Err(error) = written {
            say(&format!("cannot write the reports to {}: {error}", path.display()));
            file = None;
        }
    }))
}

fn options(settings: &EdgeSettings) -> EdgeOptions {
    let mut options = EdgeOptions::new(settings.udp, settings.tcp);
    let stun_port = settings.stun_port.and_then(|port| u16::try_from(port).ok());
    options.second_port = stun_port.map_or(SecondPort::Next, SecondPort::At);
    options.config.capacity_bps = settings.capacity_mbps.saturating_mul(1_000_000);
    options.config.n1 = u32::try_from(settings.n1).unwrap_or(u32::MAX);
    options.config.churn = settings.scaling.churn();
    options.config.churn_interval_s = settings.scaling.interval_s();
    options.config.is_churn_estimated = settings.is_churn_estimated;
    options.config.is_stage_strict = settings.is_stage_strict;
    options.config.slope = settings.scaling.slope;
    options.config.alternatives = settings.alternatives.iter().copied().take(ALTERNATIVES_MAX).collect();
    options.clients_max = usize::try_from(settings.clients_max).unwrap_or(usize::MAX);
    options.channels_max = usize::try_from(settings.channels_max).unwrap_or(usize::MAX);
    options.store_bytes_max = STORE_BYTES_MAX;
    options
}

/// Which of the addresses cannot be had.
fn on_bind(settings: &EdgeSettings, error: &io::Error) -> Failure {
    // Held, as the edge would hold it: the second port may be the same.
    let main = match UdpSocket::bind(settings.udp) {
        Ok(main) => main,
        Err(error) => return Failure::listen("clients (UDP)", settings.udp, "--udp", &error),
    };
    if let Some(port) = settings.stun_port.and_then(|port| u16::try_from(port).ok()) {
        let second = SocketAddr::new(settings.udp.ip(), port);
        if let Err(error) = UdpSocket::bind(second) {
            return Failure::listen("NAT tests (UDP)", second, "--stun-port", &error);
        }
    }
    drop(main);
    if let Err(error) = TcpListener::bind(settings.tcp) {
        return Failure::listen("publishers (TCP)", settings.tcp, "--tcp", &error);
    }
    Failure::new(format!("cannot start the edge: {error}"))
}

fn publish_command(address: &str) -> String {
    format!("livesky publish clip.ts --loop --to {address} --channel live1")
}

/// How people reach this computer.
struct Host(String);

impl Host {
    fn new(name: Option<String>) -> Self {
        Self(name.unwrap_or_else(|| match outward_address() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        }))
    }

    /// A bound address as people would write it.
    fn at(&self, bound: SocketAddr) -> String {
        if bound.ip().is_unspecified() { format!("{}:{}", self.0, bound.port()) } else { bound.to_string() }
    }
}

/// The address this computer has towards others. Connecting a UDP socket sends nothing.
fn outward_address() -> IpAddr {
    let towards = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let address = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .and_then(|socket| socket.connect(towards).and_then(|()| socket.local_addr()));
    address.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

fn greet(handle: &EdgeHandle, host: &Host, http: SocketAddr, publish_command: &str) {
    let page = host.at(http);
    let clients = host.at(handle.udp_addr());
    say(&format!("clients    {} (UDP)", handle.udp_addr()));
    match handle.second_addr() {
        Some(second) => say(&format!("NAT tests  {second} (UDP)")),
        None => {
            say("NAT tests  none, the UDP port after the clients' is taken: choose another with --stun-port")
        }
    }
    say(&format!("publishers {} (TCP)", handle.tcp_addr()));
    say(&format!("page       http://{page}/"));
    say(&format!("publish:   {publish_command}"));
    say(&format!("watch:     livesky watch livesky://{clients}/live1 --http 127.0.0.1:8090"));
    say(&format!("players:   http://{page}/live1/index.m3u8, http://{page}/live1.ts"));
}

/// One JSON line a second for each channel.
async fn print_states(board: Arc<StateBoard>) {
    loop {
        for sample in board.samples() {
            let json = sample.json();
            let _is_read = io::stdout().write_all(&[&json[..], b"\n"].concat());
        }
        Smol::sleep_until(Smol::now() + core::time::Duration::from_secs(1)).await;
    }
}

/// Says what happened, to those who asked for it.
fn tell(told: Told<'_>, verbosity: u8) {
    let (least, line) = line_of(told);
    if verbosity >= least {
        say(&line);
    }
}

/// A line on standard error. Nobody reading is no error.
fn say(line: &str) {
    let _is_read = writeln!(io::stderr(), "{line}");
}

/// An event in words, and from which verbosity on it is told.
fn line_of(Told { event, channel }: Told<'_>) -> (u8, String) {
    let channel = channel.unwrap_or("?");
    let on = |decision: &Decision| {
        let Decision { stage, p0, nc, target, n1, n_star, s } = decision;
        format!("stage {stage:?}, P0 {p0}, Nc {nc:.2} of {target:.2}, N1 {n1}, N* {n_star}, S {s:.3}")
    };
    match event {
        EdgeEvent::ChannelOpened { .. } => (0, format!("{channel}: on the air")),
        EdgeEvent::ChannelClosed { .. } => (0, format!("{channel}: over")),
        EdgeEvent::StageChanged { decision, .. } => (0, format!("{channel}: {}", on(decision))),
        EdgeEvent::Admitted { client, address, class, decision, .. } => {
            (1, format!("{channel}: client {} at {address} joins as {class:?}: {}", client.0, on(decision)))
        }
        EdgeEvent::Promoted { client, decision, .. } => {
            (1, format!("{channel}: client {} is fed for good from now on: {}", client.0, on(decision)))
        }
        EdgeEvent::Demoted { client, decision, .. } => {
            (1, format!("{channel}: client {} is left to peers: {}", client.0, on(decision)))
        }
        EdgeEvent::Left { client, cause, stayed_ms, .. } => {
            (1, format!("{channel}: client {} goes after {} s: {cause:?}", client.0, stayed_ms / 1_000))
        }
        EdgeEvent::Report { client, report, .. } => {
            (2, format!("{channel}: report {} of client {}: {:?}", report.number, client.0, report.body))
        }
        EdgeEvent::Minute { minute, .. } => {
            let EdgeMinute { active, joined, left, refused, rebuffered, rescued, told, .. } = minute;
            let q = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.4}"));
            let (q1, q2) = (q(told.q1()), q(told.q2()));
            let line = format!(
                "{channel}: a minute: {active} clients, {joined} came, {left} went, {refused} refused, {rebuffered} stalled, {rescued} rescued; {} reports: Q1 {q1}, Q2 {q2}",
                told.clients
            );
            (1, line)
        }
        EdgeEvent::RateChanged { counted_bps, cap_bps, cause, waiting } => {
            let (counted, cap) = (*counted_bps as f64 / 1e6, *cap_bps as f64 / 1e6);
            (0, format!("the line gives {counted:.1} of {cap:.1} Mbit/s ({cause:?}), {waiting} clients wait"))
        }
        EdgeEvent::Drained => (0, "every viewer was handed over or told to leave".to_owned()),
        EdgeEvent::Refused { reason, decision, count, .. } => {
            let why = decision.as_ref().map_or(String::new(), |decision| format!(": {}", on(decision)));
            (2, format!("{channel}: {count} clients refused: {reason:?}{why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    #[test]
    fn the_program_ends_when_the_edge_was_stopped_and_has_told_everybody() {
        for (rounds_told, rounds_served) in [(30, 2), (2, 30)] {
            let (told, served) = (Cell::new(false), Cell::new(false));
            let rounds = async |count: u32| {
                for _ in 0..count {
                    smol::future::yield_now().await;
                }
            };
            let driver = async {
                rounds(rounds_told).await;
                told.set(true);
                Ok(EdgeEnded::Shutdown)
            };
            let stopping = async {
                rounds(rounds_served).await;
                served.set(true);
            };
            assert_eq!(smol::block_on(until_both_end(driver, stopping)), Ok(()));
            assert!(told.get() && served.get());
        }
    }

    #[test]
    fn an_edge_that_fails_ends_the_program_at_once() {
        let failing = async { Err(io::ErrorKind::NetworkDown.into()) };
        let ended = smol::block_on(until_both_end(failing, core::future::pending()));
        assert!(ended.unwrap_err().to_string().starts_with("the edge cannot go on: "));
    }
}
