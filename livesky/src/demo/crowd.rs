//! Viewers that come, watch, pass on and leave.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;

use livesky_core::Instant;
use livesky_core::media::ChannelName;
use livesky_core::rng::Rng;
use livesky_core::wire::control::{Class, WatchStats};
use livesky_std::{Runtime, Smol, ViewerEnded, ViewerHandle, ViewerOptions, join};
use smol::Task;

use crate::demo::plan::Plan;
use crate::demo::totals::Totals;
use crate::error::Error;
use crate::executor;

/// How often comings and goings are decided.
pub const STEP: Duration = Duration::from_millis(50);
/// Nobody leaves before it has watched this long.
const STAY_MIN: Duration = Duration::from_secs(5);
/// Who leaves is followed by another one after at most this.
const FOLLOW_MS_MAX: u32 = 4_000;
/// One in so many leaves without a word, as a computer does that is switched off.
const SILENT_ONE_IN: u32 = 4;
/// Bytes of frames a viewer holds: twice the target buffer at 4 Mbit/s.
const STORE_BYTES_MAX: usize = 16 << 20;
/// Bytes of played frames kept for readers; only the viewer on the page has any.
const LOG_BYTES_MAX: usize = 2 << 20;

/// All viewers of a run.
pub struct Crowd {
    plan: Plan,
    edge: SocketAddr,
    channel: ChannelName,
    rng: Rng,
    began_at: Instant,
    joined: u64,
    arrivals: Vec<Instant>,
    members: BTreeMap<u64, Member>,
    gone: Totals,
    /// Who stays until the end: its stream is on the page.
    kept: Option<u64>,
}

struct Member {
    viewer: ViewerHandle,
    driver: Task<io::Result<ViewerEnded>>,
    joined_at: Instant,
}

impl Crowd {
    /// A crowd that begins to arrive at once.
    #[must_use]
    pub fn new(plan: Plan, edge: SocketAddr, channel: ChannelName) -> Self {
        let began_at = Smol::now();
        let mut arrivals: Vec<_> = (0..plan.viewers).map(|number| began_at + plan.arrival(number)).collect();
        arrivals.reverse();
        let rng = Rng::from_seed(plan.seed);
        Self {
            plan,
            edge,
            channel,
            rng,
            began_at,
            joined: 0,
            arrivals,
            members: BTreeMap::new(),
            gone: Totals::default(),
            kept: None,
        }
    }

    /// Viewers that are there.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// Whether nobody is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Since the first arrival.
    #[must_use]
    pub fn age(&self) -> Duration {
        Smol::now().since(self.began_at)
    }

    /// Lets those come whose time it is, and some leave: to be called each [`STEP`].
    ///
    /// # Errors
    /// When the system has no socket left.
    pub async fn step(&mut self) -> Result<(), Error> {
        let now = Smol::now();
        while self.arrivals.last().is_some_and(|&at| at <= now) {
            self.arrivals.pop();
            self.join(now)?;
        }
        if self.is_leaving_due() {
            self.leave(now).await;
        }
        Ok(())
    }

    fn join(&mut self, now: Instant) -> Result<(), Error> {
        let number = self.joined;
        let options = ViewerOptions {
            upload_bps: self.plan.uplink_bps(self.rng.next_u32()),
            seed: self.rng.next_u64().max(1),
            bind: Some(SocketAddr::new(self.edge.ip(), 0)),
            socket: self.plan.viewer_socket(number),
            store_bytes_max: STORE_BYTES_MAX,
            log_bytes_max: LOG_BYTES_MAX,
            ..ViewerOptions::new(self.edge, self.channel.clone())
        };
        let (viewer, driver) = join::<Smol>(options)
            .map_err(|source| Error::System { what: "cannot open a socket for one more viewer", source })?;
        self.members.insert(number, Member { viewer, driver: executor::spawn(driver), joined_at: now });
        self.joined += 1;
        Ok(())
    }

    /// Draws whether somebody leaves in this step.
    fn is_leaving_due(&mut self) -> bool {
        let steps_per_minute = 60.0 / STEP.as_secs_f64();
        let chance = f64::from(self.plan.viewers) * self.plan.churn / steps_per_minute;
        f64::from(self.rng.next_u32()) < chance * 4_294_967_296.0
    }

    /// Somebody leaves, and is followed by somebody else.
    async fn leave(&mut self, now: Instant) {
        let settled: Vec<u64> = self
            .members
            .iter()
            .filter(|(number, member)| self.kept != Some(**number) && now.since(member.joined_at) >= STAY_MIN)
            .map(|(&number, _)| number)
            .collect();
        let place = self.rng.below(u32::try_from(settled.len()).unwrap_or(u32::MAX));
        let is_silent = self.rng.below(SILENT_ONE_IN) == 0;
        let pause = Duration::from_millis(u64::from(self.rng.below(FOLLOW_MS_MAX)));
        let leaving = settled.get(place as usize).and_then(|number| self.members.remove(number));
        let Some(member) = leaving else { return };
        if !is_silent {
            member.viewer.leave().await;
        }
        let status = member.viewer.status();
        self.gone.add(&status.stats, &status.watch);
        if is_silent {
            drop(member.driver);
        } else {
            member.driver.detach();
        }
        self.arrivals.push(now + pause);
        self.arrivals.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// Sums over all viewers, those that left included.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = self.gone.clone();
        for member in self.members.values() {
            let status = member.viewer.status();
            totals.add(&status.stats, &status.watch);
        }
        totals
    }

    /// A viewer that is fed by peers for the most part; it stays from here on.
    pub fn keep_peer_fed(&mut self) -> Option<ViewerHandle> {
        let of_peers = self.members.iter().filter_map(|(&number, member)| {
            let status = member.viewer.status();
            let is_p2p = status.session.as_ref().is_some_and(|session| session.class == Class::P2p);
            let WatchStats { bytes_edge, bytes_peers, .. } = status.watch;
            (is_p2p && bytes_peers > bytes_edge / 4).then_some((bytes_peers, number))
        });
        let (_, number) = of_peers.max()?;
        self.kept = Some(number);
        self.members.get(&number).map(|member| member.viewer.clone())
    }

    /// Everybody leaves.
    pub async fn disperse(&mut self) {
        for member in self.members.values() {
            member.viewer.leave().await;
        }
        for member in core::mem::take(&mut self.members).into_values() {
            drop(member.driver.await);
        }
    }
}
