//! Accepts connections and lets them end.

use core::net::SocketAddr;
use core::pin::pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::net;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::service::TowerToHyperService;
use livesky_std::{Runtime, Smol};
use smol::net::{TcpListener, TcpStream};
use smol_hyper::rt::{FuturesIo, SmolTimer};

use crate::executor;
use crate::failure::Failure;

use super::guard::Guarded;
use super::playlist::Playlists;
use super::router::{App, full_router, router};
use super::site::Site;
use super::stop::Stopped;

/// A request's headers must be there after this, and the next request of a kept connection.
const HEADER_PATIENCE: Duration = Duration::from_secs(15);
/// A player must take some bytes within this.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// Connections beyond the limit that are told so at a time; further ones are closed without a word.
const REFUSALS_MAX: usize = 32;
/// How long answers under way may take at the end.
const PARTING: Duration = Duration::from_secs(2);
/// After a failed accept, which mostly means that no file handle is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens at `address`.
///
/// # Errors
/// One line that names the address and what to do: `flag` chooses another.
pub fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    let listening = net::TcpListener::bind(address).and_then(TcpListener::try_from);
    listening.map_err(|error| Failure::listen("HTTP", address, flag, &error))
}

/// Connections at work; counts itself down when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let is_free = |count: usize| (count < most).then_some(count + 1);
        count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_free).ok()?;
        Some(Self(Arc::clone(count)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers at `listener` what `site` lets it, until stopped; then answers under way are ended. Runs each connection as a
/// task of its own.
pub async fn serve(listener: TcpListener, site: Site, stopped: Stopped) {
    let connections_max = site.connections_max;
    let site = Arc::new(site);
    let playlists = Playlists::new(Arc::clone(&site), stopped.clone());
    let pumping = executor::spawn(Arc::clone(&playlists).run());
    let router = router(App { site, playlists, stopped: stopped.clone() });
    let refusing = full_router();
    let (connected, refused) = (Arc::default(), Arc::default());
    let accepting = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                Smol::sleep_until(Smol::now() + ACCEPT_PAUSE).await;
                continue;
            };
            let admitted = Place::take(&connected, connections_max).map(|place| (place, &router));
            let answered =
                admitted.or_else(|| Place::take(&refused, REFUSALS_MAX).map(|place| (place, &refusing)));
            if let Some((place, router)) = answered {
                executor::spawn(converse(stream, router.clone(), stopped.clone(), place)).detach();
            }
        }
    };
    smol::future::or(accepting, stopped.wait()).await;
    drop(listener);
    let deadline = Smol::now() + PARTING;
    while connected.load(Ordering::Relaxed) > 0 && Smol::now() < deadline {
        Smol::sleep_until(Smol::now() + Duration::from_millis(10)).await;
    }
    pumping.cancel().await;
}

async fn converse(stream: TcpStream, router: Router, stopped: Stopped, place: Place) {
    // Segments and events are written whole: waiting for more only delays them.
    let _is_set = stream.set_nodelay(true).is_ok();
    let io = FuturesIo::new(Guarded::new(stream, WRITE_PATIENCE));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(SmolTimer::new())
            .header_read_timeout(HEADER_PATIENCE)
            // Frames go out from where they lie: no copy into one buffer.
            .writev(true)
            .serve_connection(io, TowerToHyperService::new(router))
    );
    let talking = async {
        let _is_proper = connection.as_mut().await.is_ok();
        true
    };
    let stopping = async {
        stopped.wait().await;
        false
    };
    if !smol::future::or(talking, stopping).await {
        connection.as_mut().graceful_shutdown();
        let _is_proper = connection.await.is_ok();
    }
    drop(place);
}
