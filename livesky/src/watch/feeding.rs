//! What fills the log that players read: a viewer by UDP, or the edge's HTTP stream while UDP is blocked.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use futures_lite::future;
use livesky_std::{
    FrameLog, FrameLogReader, LogEntry, LoggedFrame, Runtime, Smol, ViewerEnded, ViewerHandle, ViewerOptions,
    ViewerStatus, join,
};
use smol::Task;

use crate::cli::{Fallback, WatchArgs};
use crate::error::Error;
use crate::executor;
use crate::ticker::sleep_some;
use crate::watch::fallback::{HttpTotals, StreamUrl, read};
use crate::watch::patience::Standing;
use crate::watch::way::{HttpEnd, HttpState, Switch, Turn, Way};

/// How long a viewer takes leave at most.
const FAREWELL: Duration = Duration::from_secs(1);

/// A viewer by UDP.
struct Udp {
    viewer: ViewerHandle,
    driver: Task<io::Result<ViewerEnded>>,
    /// Hands on what it plays; none while HTTP does.
    copying: Option<Task<()>>,
}

/// The stream by HTTP.
struct Http {
    reading: Task<io::Result<()>>,
    totals: Arc<HttpTotals>,
}

/// What was done about the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Nothing people need to know.
    Quietly,
    /// This, to be said.
    Said(&'static str),
    /// The channel is over.
    Over,
}

/// Keeps the log filled.
pub struct Feeding {
    options: ViewerOptions,
    url: Option<StreamUrl>,
    log: FrameLog,
    switch: Switch,
    udp: Option<Udp>,
    http: Option<Http>,
    /// How the last stream by HTTP ended.
    http_end: Option<io::Result<()>>,
    /// Changes of the way: each begins an epoch of its own, since ids and times begin anew.
    changes: u16,
}

impl Feeding {
    /// Begins by UDP.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn begin(args: &WatchArgs, log: FrameLog) -> Result<Self, Error> {
        let options = ViewerOptions {
            upload_bps: if args.is_receive_only { 0 } else { args.upload_kbps.saturating_mul(1_000) },
            receive_only: args.is_receive_only,
            follows_redirects: !args.is_staying,
            ..ViewerOptions::new(args.url.edge, args.url.channel.clone())
        };
        let url = match &args.http_fallback {
            None => Some(StreamUrl::of(&args.url)),
            Some(Fallback::Url(url)) => Some(url.clone()),
            Some(Fallback::None) => None,
        };
        let mut feeding = Self {
            options,
            url,
            log,
            switch: Switch::default(),
            udp: None,
            http: None,
            http_end: None,
            changes: 0,
        };
        feeding.begin_udp()?;
        feeding.take_udp();
        Ok(feeding)
    }

    /// How the viewer by UDP fares, if there is one.
    #[must_use]
    pub fn status(&self) -> Arc<ViewerStatus> {
        self.udp.as_ref().map_or_else(Arc::default, |udp| udp.viewer.status())
    }

    /// Whether HTTP feeds.
    #[must_use]
    pub const fn is_fed_by_http(&self) -> bool {
        matches!(self.switch.way(), Way::Http { .. } | Way::Trial { .. })
    }

    /// Bytes and frames by HTTP, while it feeds.
    #[must_use]
    pub fn http_totals(&self) -> Option<(u64, u64)> {
        let http = self.http.as_ref().filter(|_| self.is_fed_by_http())?;
        Some((http.totals.bytes.load(Ordering::Relaxed), http.totals.frames.load(Ordering::Relaxed)))
    }

    /// Changes the way if it must be; says so.
    ///
    /// # Errors
    /// When there is no socket for UDP.
    pub async fn turn(&mut self, standing: Standing) -> Result<Turned, Error> {
        if self.url.is_none() {
            return Ok(Turned::Quietly);
        }
        let http = self.look_at_http().await;
        match self.switch.turn(Smol::now(), standing, http) {
            Turn::Stay => Ok(Turned::Quietly),
            Turn::AskHttp => {
                self.ask_http();
                Ok(Turned::Quietly)
            }
            Turn::TakeHttp => {
                self.drop_udp();
                Ok(Turned::Said("no answer by UDP: the stream comes by HTTP, UDP is tried every minute"))
            }
            Turn::TryUdp => self.begin_udp().map(|()| Turned::Quietly),
            Turn::DropTrial => {
                self.drop_udp();
                Ok(Turned::Quietly)
            }
            Turn::TakeUdp => {
                self.http = None;
                self.take_udp();
                Ok(Turned::Said("UDP answers: the stream comes by UDP again"))
            }
            Turn::BackToUdp => {
                // One that is on trial goes on trying.
                if self.udp.is_none() {
                    self.begin_udp()?;
                }
                self.take_udp();
                Ok(Turned::Said("the stream by HTTP ended: trying UDP"))
            }
            Turn::Over => Ok(Turned::Over),
        }
    }

    /// The address of the stream by HTTP and why it does not come, when the last one failed.
    #[must_use]
    pub fn http_failure(&mut self) -> Option<(String, io::Error)> {
        let source = self.http_end.take()?.err()?;
        Some((self.url.as_ref()?.to_string(), source))
    }

    /// What is seen of HTTP; a stream that ended is put away.
    async fn look_at_http(&mut self) -> HttpState {
        let has_frames =
            self.http.as_ref().is_some_and(|http| http.totals.frames.load(Ordering::Relaxed) > 0);
        if let Some(http) = self.http.take_if(|http| http.reading.is_finished()) {
            self.http_end = Some(http.reading.await);
        }
        let end = self.http_end.as_ref().filter(|_| self.http.is_none()).map(|end| match end {
            Ok(()) => HttpEnd::Ended,
            Err(error) if error.kind() == io::ErrorKind::NotFound => HttpEnd::Unknown,
            Err(_) => HttpEnd::Failed,
        });
        HttpState { is_running: self.http.is_some(), has_frames, end }
    }

    /// Tells the edge and the peers, so that they need not find out.
    pub async fn end(&mut self) {
        self.http = None;
        if let Some(udp) = self.udp.take() {
            say_goodbye(udp).await;
        }
    }

    fn begin_udp(&mut self) -> Result<(), Error> {
        let (viewer, driver) = join::<Smol>(self.options.clone())
            .map_err(|source| Error::System { what: "cannot open a UDP socket", source })?;
        self.udp = Some(Udp { viewer, driver: executor::spawn(driver), copying: None });
        Ok(())
    }

    /// Lets the viewer by UDP fill the log.
    fn take_udp(&mut self) {
        let Some(udp) = self.udp.as_mut().filter(|udp| udp.copying.is_none()) else { return };
        udp.copying = Some(executor::spawn(copy(udp.viewer.frames(), self.log.clone(), self.changes)));
        self.changes = self.changes.wrapping_add(1);
    }

    fn drop_udp(&mut self) {
        if let Some(udp) = self.udp.take() {
            executor::spawn(say_goodbye(udp)).detach();
        }
    }

    fn ask_http(&mut self) {
        let Some(url) = self.url.clone() else { return };
        let totals = Arc::new(HttpTotals::default());
        let reading = read(url, self.log.clone(), self.changes, Arc::clone(&totals));
        self.changes = self.changes.wrapping_add(1);
        self.http = Some(Http { reading: executor::spawn(reading), totals });
    }
}

/// Hands on what a viewer plays.
async fn copy(mut frames: FrameLogReader, log: FrameLog, epochs_before: u16) {
    let mut init: Option<Arc<[u8]>> = None;
    while let Some(entry) = frames.next().await {
        let LogEntry::Frame(frame) = entry else { continue };
        let told = frames.init();
        if init.as_ref() != Some(&told) {
            log.set_init(&told);
            init = Some(told);
        }
        let epoch = frame.epoch.wrapping_add(epochs_before);
        log.push(LoggedFrame { epoch, ..frame });
    }
    log.close();
}

async fn say_goodbye(udp: Udp) {
    drop(udp.copying);
    udp.viewer.leave().await;
    let leaving = async { drop(udp.driver.await) };
    future::or(leaving, sleep_some(Some(FAREWELL))).await;
}
