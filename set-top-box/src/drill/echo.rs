//! In the place of the viewer, to try the board alone: looks the edge up, greets it, and sends back what comes, until told to stop.

use core::future::Future;
use core::net::{IpAddr, SocketAddr};

use embassy_futures::select::{Either, select};
use embassy_net::Stack;
use embassy_net::dns::DnsQueryType;
use embassy_net::udp::{RecvError, UdpMetadata, UdpSocket};
use embassy_time::{Duration, Timer, with_timeout};
use livesky_embedded::embassy::endpoint;
use livesky_stb_settings::{EdgeHost, Settings};

use crate::board::{Status, Watchdog};
use crate::resources::{self, Metadata};

/// Time between two meals of the watchdog, and between two greetings.
const BEAT: Duration = Duration::from_millis(500);
/// The first wait after a failure, and the longest; it doubles in between.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// What the box says until it hears something.
const GREETING: &[u8] = b"livesky-stb";
/// What makes it stop.
const FAREWELL: &[u8] = b"quit";

/// Runs until the far end says so; the status to end with.
pub(crate) async fn answer(stack: Stack<'static>, settings: &Settings, watchdog: &mut Watchdog) -> Status {
    while_fed(watchdog, stack.wait_config_up()).await;
    if let Some(config) = stack.config_v4() {
        defmt::info!("address {}", defmt::Display2Format(&config.address));
    }
    let edge = look_up(stack, settings, watchdog).await;
    let Metadata { receive, send } = resources::METADATA.init_with(|| Metadata::EMPTY);
    let mut socket = UdpSocket::new(stack, receive, resources::RECEIVE.take(), send, resources::SEND.take());
    if socket.bind(0).is_err() {
        defmt::error!("no port left");
        return Status::Panic;
    }
    let mut packet = [0; 1472];
    let mut echoed: u32 = 0;
    greet(&socket, edge).await;
    loop {
        watchdog.feed();
        match with_timeout(BEAT, socket.recv_from(&mut packet)).await {
            Ok(Ok((len, from))) => {
                let received = packet.get(..len).unwrap_or_default();
                if received == FAREWELL {
                    defmt::info!("{=u32} packets echoed, told to stop", echoed);
                    return Status::Success;
                }
                echo(&socket, received, from, &mut echoed).await;
            }
            Ok(Err(RecvError::Truncated)) => defmt::warn!("a packet too long"),
            Err(_) if echoed == 0 => greet(&socket, edge).await,
            Err(_) => {}
        }
    }
}

async fn greet(socket: &UdpSocket<'_>, edge: SocketAddr) {
    let is_sent = match endpoint(edge) {
        Some(edge) => socket.send_to(GREETING, edge).await.is_ok(),
        None => false,
    };
    if !is_sent {
        defmt::warn!("no route to the edge");
    }
}

async fn echo(socket: &UdpSocket<'_>, received: &[u8], from: UdpMetadata, echoed: &mut u32) {
    if socket.send_to(received, from.endpoint).await.is_ok() {
        if *echoed == 0 {
            defmt::info!("first packet echoed");
        }
        *echoed += 1;
    }
}

/// The edge's address; asks again, ever more slowly, until there is an answer.
async fn look_up(stack: Stack<'static>, settings: &Settings, watchdog: &mut Watchdog) -> SocketAddr {
    let name = match &settings.edge.host {
        EdgeHost::Address(address) => return SocketAddr::new(*address, settings.edge.port),
        EdgeHost::Name(name) => name.as_str(),
    };
    let mut wait = RETRY_MIN;
    loop {
        match while_fed(watchdog, stack.dns_query(name, DnsQueryType::A)).await {
            Ok(addresses) => {
                if let Some(address) = addresses.first() {
                    let address = IpAddr::from(*address);
                    defmt::info!("{=str} is {}", name, defmt::Display2Format(&address));
                    return SocketAddr::new(address, settings.edge.port);
                }
                defmt::warn!("{=str} has no address, asking again in {=u64} ms", name, wait.as_millis());
            }
            Err(_) => {
                defmt::warn!("no answer about {=str}, asking again in {=u64} ms", name, wait.as_millis())
            }
        }
        while_fed(watchdog, Timer::after(wait)).await;
        wait = (wait * 2).min(RETRY_MAX);
    }
}

/// Awaits `work` and feeds the watchdog meanwhile.
async fn while_fed<W: Future>(watchdog: &mut Watchdog, work: W) -> W::Output {
    let feed = async {
        loop {
            watchdog.feed();
            Timer::after(BEAT).await;
        }
    };
    match select(work, feed).await {
        Either::First(output) => output,
        Either::Second(never) => never,
    }
}
