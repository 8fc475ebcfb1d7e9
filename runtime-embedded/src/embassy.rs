//! On embassy-net: any executor, `embassy-time` for the clock.

use core::future::{Future, poll_fn};
use core::net::{IpAddr, SocketAddr};
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

use embassy_net::dns::{DnsQueryType, Error};
use embassy_net::udp;
use embassy_net::{IpEndpoint, Stack};
use embassy_time::{Duration, Timer, with_timeout};
use livesky_core::Instant;
use livesky_core::store::FrameStore;

use crate::decoder::Decoder;
use crate::health::Watchdog;
use crate::remote::Remote;
use crate::seam::{NotSent, UdpSocket};
use crate::station::{Network, Unresolved};
use crate::watch::{Round, Watch};

/// A lookup that takes longer has no answer.
const LOOKUP_MAX: Duration = Duration::from_secs(5);

/// The clock of core: `embassy-time`'s, in microseconds since the start.
#[must_use]
pub fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}

/// What the interface is like.
#[must_use]
pub fn network(stack: Stack<'_>) -> Network {
    let v4 = stack.config_v4().map(|config| IpAddr::V4(config.address.address()));
    Network { has_link: stack.is_link_up(), local: v4.or_else(|| local_v6(stack)) }
}

/// The interface's IPv6 address; without the protocol it has none.
#[cfg(feature = "ipv6")]
fn local_v6(stack: Stack<'_>) -> Option<IpAddr> {
    stack.config_v6().map(|config| IpAddr::V6(config.address.address()))
}

#[cfg(not(feature = "ipv6"))]
const fn local_v6(_: Stack<'_>) -> Option<IpAddr> {
    None
}

/// An address as the stack writes it; `None` where the stack lacks the protocol.
#[must_use]
pub fn endpoint(remote: SocketAddr) -> Option<IpEndpoint> {
    match remote {
        SocketAddr::V4(remote) => Some(remote.into()),
        #[cfg(feature = "ipv6")]
        SocketAddr::V6(remote) => Some(remote.into()),
        #[cfg(not(feature = "ipv6"))]
        SocketAddr::V6(_) => None,
    }
}

/// A bound socket of embassy-net as the loop wants it.
pub struct Socket<'a>(udp::UdpSocket<'a>);

impl<'a> Socket<'a> {
    /// Wraps a socket that is bound.
    #[must_use]
    pub const fn new(socket: udp::UdpSocket<'a>) -> Self {
        Self(socket)
    }
}

impl UdpSocket for Socket<'_> {
    fn poll_receive<R>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(SocketAddr, &[u8]) -> R,
    ) -> Poll<R> {
        let take = |datagram: &[u8], from: udp::UdpMetadata| take(from.endpoint.into(), datagram);
        pin!(self.0.recv_from_with(take)).poll(cx)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        remote: SocketAddr,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Poll<Result<(), NotSent>> {
        let write = |room: &mut [u8]| {
            if let Some(room) = room.get_mut(..len) {
                fill(room);
            }
            (len, ())
        };
        let Some(remote) = endpoint(remote) else { return Poll::Ready(Err(NotSent)) };
        pin!(self.0.send_to_with(len, remote, write)).poll(cx).map_err(|_| NotSent)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        pin!(self.0.flush()).poll(cx)
    }
}

/// Watches until the remote orders to leave. `stack` runs in a task of its own; `socket` is bound to the port that the settings name.
pub async fn watch<S, D, R, W>(
    stack: Stack<'_>,
    socket: udp::UdpSocket<'_>,
    watch: &mut Watch<'_, S>,
    (decoder, remote, watchdog): (&mut D, &mut R, &mut W),
) where
    S: FrameStore,
    D: Decoder,
    R: Remote,
    W: Watchdog,
{
    let mut rounds = Rounds { stack, udp: Socket::new(socket), sleep: Sleep::new() };
    loop {
        let wanted = poll_fn(|cx| rounds.poll(cx, watch, (decoder, remote, watchdog))).await;
        let Wanted::Lookup(name) = wanted else { return };
        let mut answer = pin!(look_up(stack, name));
        let found = poll_fn(|cx| {
            if let Poll::Ready(found) = answer.as_mut().poll(cx) {
                return Poll::Ready(Some(found));
            }
            // What is playing plays on meanwhile; another lookup is not asked for before this one is answered.
            rounds.poll(cx, watch, (decoder, remote, watchdog)).map(|_| None)
        });
        let Some(found) = found.await else { return };
        watch.on_resolved(now(), found);
    }
}

/// Why the loop stops.
enum Wanted<'a> {
    Lookup(&'a str),
    /// The viewer has left.
    Nothing,
}

/// What a round works with.
struct Rounds<'a> {
    stack: Stack<'a>,
    udp: Socket<'a>,
    sleep: Sleep,
}

impl Rounds<'_> {
    fn poll<'w, S, D, R, W>(
        &mut self,
        cx: &mut Context<'_>,
        watch: &mut Watch<'w, S>,
        (decoder, remote, watchdog): (&mut D, &mut R, &mut W),
    ) -> Poll<Wanted<'w>>
    where
        S: FrameStore,
        D: Decoder,
        R: Remote,
        W: Watchdog,
    {
        let (now, network) = (now(), network(self.stack));
        let Round { at, lookup, is_over } =
            watch.poll(cx, now, network, (&mut self.udp, decoder, remote, watchdog));
        if is_over {
            return Poll::Ready(Wanted::Nothing);
        }
        if let Some(name) = lookup {
            return Poll::Ready(Wanted::Lookup(name));
        }
        self.register(cx, &network);
        if at <= now || self.sleep.poll(cx, at).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// A link or an address that comes or goes wakes the task.
    fn register(&self, cx: &mut Context<'_>, network: &Network) {
        let stack = self.stack;
        let changed = match (network.has_link, network.local.is_some()) {
            (false, _) => pin!(stack.wait_link_up()).poll(cx),
            (true, false) => pin!(stack.wait_config_up()).poll(cx),
            (true, true) => pin!(stack.wait_link_down()).poll(cx),
        };
        if changed.is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

/// A timer that is set anew only when the time is another.
struct Sleep {
    timer: Timer,
    until: Instant,
}

impl Sleep {
    fn new() -> Self {
        Self { timer: Timer::at(embassy_time::Instant::MIN), until: Instant::ZERO }
    }

    fn poll(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        if self.until != until {
            self.until = until;
            self.timer = Timer::at(embassy_time::Instant::from_micros(until.as_micros()));
        }
        Pin::new(&mut self.timer).poll(cx)
    }
}

/// Looks a name up, an IPv4 address first.
async fn look_up(stack: Stack<'_>, name: &str) -> Result<IpAddr, Unresolved> {
    let kinds =
        [(DnsQueryType::A, stack.config_v4().is_some()), (DnsQueryType::Aaaa, local_v6(stack).is_some())];
    let mut failed = Unresolved::NoAnswer;
    for (kind, _) in kinds.into_iter().filter(|(_, is_usable)| *is_usable) {
        match with_timeout(LOOKUP_MAX, stack.dns_query(name, kind)).await {
            Ok(Ok(found)) => {
                if let Some(address) = found.first() {
                    return Ok((*address).into());
                }
                failed = Unresolved::Unknown;
            }
            Ok(Err(Error::InvalidName | Error::NameTooLong | Error::Failed)) => failed = Unresolved::Unknown,
            Err(_) => {}
        }
    }
    Err(failed)
}
