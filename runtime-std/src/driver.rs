//! The loop that drives a datagram machine: receive, deadline, events, send, yield.

use core::future::poll_fn;
use core::ops::ControlFlow;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use livesky_core::store::FrameStore;
use livesky_core::{Endpoint, Instant};

use crate::runtime::{Runtime, Timer};
use crate::udp::{Udp, UdpStats};

/// Receiving calls a round: beyond these, others on the executor get their turn first.
const RECEIVES_MAX: u32 = 4;
/// Batches sent a round.
const BATCHES_MAX: u32 = 4;
/// How long a driver that stops tries to get its last datagrams out.
const FAREWELL: Duration = Duration::from_millis(200);

/// A datagram machine whose datagrams' bodies lie in a frame store.
pub trait Machine: Endpoint {
    /// The store.
    type Store: FrameStore;

    /// Where the bodies of transmits are read.
    fn store(&self) -> &Self::Store;
}

/// The side of a driver that is not the network: takes the machine's events, feeds it commands.
pub trait Owner<M: Machine> {
    /// Why the driver stops.
    type Ended;

    /// Takes an event.
    fn on_event(&mut self, now: Instant, machine: &mut M, event: M::Event) -> ControlFlow<Self::Ended>;

    /// Does a bounded amount of its own work (commands, connections). Ready: call again soon, or stop. Before it stops it
    /// tells the machine to take leave.
    fn poll_input(&mut self, cx: &mut Context<'_>, turn: Turn<'_, M>) -> Poll<ControlFlow<Self::Ended>>;

    /// When [`Self::poll_input`] is to be called without a wake-up.
    fn deadline(&self) -> Option<Instant> {
        None
    }
}

/// What an owner works with in its turn.
pub struct Turn<'m, M> {
    /// The time.
    pub now: Instant,
    /// The machine.
    pub machine: &'m mut M,
    /// The socket's counters.
    pub udp: UdpStats,
    /// The loop's counters.
    pub driver: DriverStats,
}

/// What the loop did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriverStats {
    /// Rounds of the loop.
    pub rounds: u64,
    /// Datagrams the machine did not want.
    pub rejects: u64,
    /// Transmits whose frame was gone from the store.
    pub stale_bodies: u64,
}

/// A machine, its socket and its owner.
pub struct Driver<'d, R: Runtime, M, O: Owner<M>>
where
    M: Machine,
{
    machine: &'d mut M,
    owner: &'d mut O,
    udp: &'d mut Udp<R>,
    timer: R::Timer,
    timer_at: Option<Instant>,
    leaving: Option<(O::Ended, Instant)>,
    stats: DriverStats,
}

/// Whether a part of the round left work for the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Done,
    More,
}

impl<'d, R: Runtime, M: Machine, O: Owner<M>> Driver<'d, R, M, O> {
    /// A driver. To be made inside the runtime.
    pub fn new(machine: &'d mut M, owner: &'d mut O, udp: &'d mut Udp<R>) -> Self {
        Self {
            machine,
            owner,
            udp,
            timer: R::timer(),
            timer_at: None,
            leaving: None,
            stats: DriverStats::default(),
        }
    }

    /// Runs until the owner stops, then until the last datagrams are out, 200 ms at most.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn run(mut self) -> io::Result<(O::Ended, DriverStats)> {
        let ended = poll_fn(|cx| self.poll_round(cx)).await?;
        Ok((ended, self.stats))
    }

    /// One round. It ends by yielding: with a wake-up at once while there is more to do.
    fn poll_round(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<O::Ended>> {
        self.stats.rounds += 1;
        let now = R::now();
        let received = self.receive(cx, now)?;
        let asked = self.ask_owner(cx, now);
        if self.machine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.machine.handle_timeout(now);
        }
        self.hand_over_events(now);
        let sent = self.send(cx, now)?;
        self.hand_over_events(now);
        if let Some((_, until)) = &self.leaving {
            let is_out = sent == Poll::Ready(Rest::Done) && self.udp.is_flushed();
            if (is_out || *until <= now)
                && let Some((ended, _)) = self.leaving.take()
            {
                return Poll::Ready(Ok(ended));
            }
        }
        let more = [received, asked].contains(&Rest::More) || sent == Poll::Ready(Rest::More);
        if self.poll_timer(cx, now).is_ready() || more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn receive(&mut self, cx: &mut Context<'_>, now: Instant) -> io::Result<Rest> {
        let Self { machine, udp, stats, .. } = self;
        let mut take = |path, datagram: &[u8]| {
            if machine.handle_datagram(now, path, datagram).is_err() {
                stats.rejects += 1;
            }
        };
        for _ in 0..RECEIVES_MAX {
            match udp.poll_receive(cx, now, &mut take) {
                Poll::Ready(received) => received?,
                Poll::Pending => return Ok(Rest::Done),
            }
        }
        Ok(Rest::More)
    }

    fn ask_owner(&mut self, cx: &mut Context<'_>, now: Instant) -> Rest {
        if self.leaving.is_some() {
            return Rest::Done;
        }
        let turn = Turn { now, machine: &mut *self.machine, udp: self.udp.stats(), driver: self.stats };
        match self.owner.poll_input(cx, turn) {
            Poll::Ready(flow) => {
                self.follow(now, flow);
                Rest::More
            }
            Poll::Pending => Rest::Done,
        }
    }

    fn hand_over_events(&mut self, now: Instant) {
        while let Some(event) = self.machine.poll_event() {
            let flow = self.owner.on_event(now, self.machine, event);
            self.follow(now, flow);
        }
    }

    fn follow(&mut self, now: Instant, flow: ControlFlow<O::Ended>) {
        match flow {
            ControlFlow::Continue(()) => {}
            ControlFlow::Break(ended) => {
                self.leaving.get_or_insert((ended, now + FAREWELL));
            }
        }
    }

    /// Sends until nothing is left, the round's share is used, or (pending) the socket takes no more.
    fn send(&mut self, cx: &mut Context<'_>, now: Instant) -> io::Result<Poll<Rest>> {
        for _ in 0..BATCHES_MAX {
            match self.udp.poll_flush(cx, now) {
                Poll::Ready(flushed) => flushed?,
                Poll::Pending => return Ok(Poll::Pending),
            }
            if !self.fill_batch(now) {
                return Ok(Poll::Ready(Rest::Done));
            }
        }
        match self.udp.poll_flush(cx, now) {
            Poll::Ready(flushed) => flushed.map(|()| Poll::Ready(Rest::More)),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    /// Polls the machine until the batch is full or nothing is left; whether anything was put in.
    fn fill_batch(&mut self, now: Instant) -> bool {
        let mut is_filled = false;
        while let Some(room) = self.udp.room() {
            let Some(transmit) = self.machine.poll_transmit(now, room) else { break };
            let mut len = transmit.head_len;
            if let Some(fragment) = transmit.body {
                let place = room.get_mut(len..len + usize::from(fragment.len));
                let (Some(place), Some(body)) = (place, self.machine.store().read(fragment)) else {
                    self.stats.stale_bodies += 1;
                    continue;
                };
                place.copy_from_slice(body);
                len += body.len();
            }
            self.udp.push(transmit.path, len);
            is_filled = true;
        }
        is_filled
    }

    /// Sets the timer to the next deadline of machine, socket and owner; ready when it is due.
    fn poll_timer(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let machine_at = self.machine.poll_timeout().map(|deadline| deadline.at);
        let leaving_until = self.leaving.as_ref().map(|&(_, until)| until);
        let deadlines = [machine_at, self.udp.next_due(), self.owner.deadline(), leaving_until];
        let Some(at) = deadlines.into_iter().flatten().min() else { return Poll::Pending };
        if at <= now {
            return Poll::Ready(());
        }
        if self.timer_at != Some(at) {
            self.timer.set(at);
            self.timer_at = Some(at);
        }
        let fired = self.timer.poll(cx);
        if fired.is_ready() {
            self.timer_at = None;
        }
        fired
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
