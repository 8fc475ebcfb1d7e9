//! One round of the loop around a client: receive, deadline, frames, send.

use core::task::{Context, Poll};

use livesky_core::client::{Client, ClientConfig, ClientEvent, FrameDue};
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::media::{ChannelName, PlayoutState};
use livesky_core::store::FrameStore;
use livesky_core::wire::control::{ClientId, LeaveReason, RefusalReason};
use livesky_core::{Endpoint, Instant, Path, Transmit};

use crate::decoder::{Decoder, Flush, Frame};
use crate::health::HealthWord;
use crate::log::{info, warning};
use crate::seam::{NotSent, UdpSocket};

/// Datagrams taken in and sent in a round: beyond these, others on the executor get their turn first.
const RECEIVES_MAX: u32 = 32;
const SENDS_MAX: u32 = 32;

/// What the loop did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ViewerStats {
    /// Rounds.
    pub rounds: u32,
    /// Datagrams taken in.
    pub received: u32,
    /// Of those, datagrams the client did not want.
    pub rejected: u32,
    /// Datagrams sent.
    pub sent: u32,
    /// Datagrams the network did not take, or whose frame was gone from the store.
    pub unsent: u32,
    /// Frames handed to the decoder.
    pub frames: u32,
    /// Frames that were gone from the store before the decoder was ready.
    pub frames_late: u32,
}

/// A client, and the datagram that waits for room in the socket.
#[derive(Debug)]
pub struct Viewer<'a, S> {
    client: Client<'a, S>,
    head: [u8; DATAGRAM_LEN_MAX],
    waiting: Option<Transmit>,
    /// Bytes of a fragment, and the run: what frames are cut by since the welcome.
    fragment_len: u16,
    /// Whether an edge let us in and was heard since.
    is_joined: bool,
    /// Epoch of the frames the decoder was given last.
    epoch: Option<u16>,
    stats: ViewerStats,
}

impl<'a, S: FrameStore> Viewer<'a, S> {
    /// A viewer around a client that is to be tuned.
    #[must_use]
    pub const fn new(client: Client<'a, S>) -> Self {
        Self {
            client,
            head: [0; DATAGRAM_LEN_MAX],
            waiting: None,
            fragment_len: 0,
            is_joined: false,
            epoch: None,
            stats: ViewerStats {
                rounds: 0,
                received: 0,
                rejected: 0,
                sent: 0,
                unsent: 0,
                frames: 0,
                frames_late: 0,
            },
        }
    }

    /// The client, to look at it.
    pub const fn client(&self) -> &Client<'a, S> {
        &self.client
    }

    /// The client, to tune it, to leave, or to begin anew.
    pub const fn client_mut(&mut self) -> &mut Client<'a, S> {
        &mut self.client
    }

    /// Whether an edge let the viewer in and was heard since.
    pub const fn is_joined(&self) -> bool {
        self.is_joined
    }

    /// Begins anew in place: another edge, another channel.
    pub fn begin(&mut self, now: Instant, config: ClientConfig, channel: &ChannelName) {
        self.client.reset(config);
        self.client.tune(now, channel);
        (self.waiting, self.is_joined) = (None, false);
    }

    /// Whether a datagram waits for room in the socket.
    pub const fn is_waiting_to_send(&self) -> bool {
        self.waiting.is_some()
    }

    /// What the loop did.
    pub const fn stats(&self) -> &ViewerStats {
        &self.stats
    }

    /// Does what can be done at `now`. Gives the time of the next round, unless the socket or the decoder wakes the task before; a time
    /// that is over means that there is more to do at once.
    pub fn poll<U: UdpSocket, D: Decoder>(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        udp: &mut U,
        decoder: &mut D,
    ) -> Option<Instant> {
        self.stats.rounds = self.stats.rounds.wrapping_add(1);
        let has_more_to_take = self.receive(cx, now, udp);
        if self.client.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.client.handle_timeout(now);
        }
        self.hand_over(cx, now, decoder);
        let has_more_to_send = self.send(cx, now, udp);
        self.hand_over(cx, now, decoder);
        if has_more_to_take || has_more_to_send {
            return Some(now);
        }
        self.client.poll_timeout().map(|deadline| deadline.at)
    }

    /// What there is to say of the session.
    pub fn fill_health(&self, now: Instant, health: &mut HealthWord) {
        let view = self.client.view(now);
        let playout = view.as_ref().map(|view| view.playout);
        health.is_joined = self.is_joined;
        health.is_playing = playout == Some(PlayoutState::Playing);
        health.is_stalled = playout == Some(PlayoutState::Stalled);
        let is_peer = |parent: &Option<ClientId>| parent.is_some_and(|parent| parent != ClientId::EDGE);
        health.is_fed_by_peers = view.as_ref().is_some_and(|view| view.parents.iter().any(is_peer));
        health.feeds_peers = view.is_some_and(|view| view.slots_used > 0);
    }

    fn receive<U: UdpSocket>(&mut self, cx: &mut Context<'_>, now: Instant, udp: &mut U) -> bool {
        let Self { client, stats, .. } = self;
        for _ in 0..RECEIVES_MAX {
            let taken =
                udp.poll_receive(cx, |from, datagram| client.handle_datagram(now, Path::to(from), datagram));
            match taken {
                Poll::Ready(verdict) => {
                    stats.received = stats.received.wrapping_add(1);
                    stats.rejected = stats.rejected.wrapping_add(u32::from(verdict.is_err()));
                }
                Poll::Pending => return false,
            }
        }
        true
    }

    fn send<U: UdpSocket>(&mut self, cx: &mut Context<'_>, now: Instant, udp: &mut U) -> bool {
        for _ in 0..SENDS_MAX {
            let next = self.waiting.take().or_else(|| self.client.poll_transmit(now, &mut self.head));
            let Some(transmit) = next else { return false };
            let Some((head, body)) = self.datagram(&transmit) else {
                self.stats.unsent = self.stats.unsent.wrapping_add(1);
                continue;
            };
            let fill = |room: &mut [u8]| {
                let Some((first, rest)) = room.split_at_mut_checked(head.len()) else { return };
                first.copy_from_slice(head);
                if rest.len() == body.len() {
                    rest.copy_from_slice(body);
                }
            };
            match udp.poll_send(cx, transmit.path.remote, head.len() + body.len(), fill) {
                Poll::Ready(Ok(())) => self.stats.sent = self.stats.sent.wrapping_add(1),
                Poll::Ready(Err(NotSent)) => self.stats.unsent = self.stats.unsent.wrapping_add(1),
                Poll::Pending => {
                    self.waiting = Some(transmit);
                    return false;
                }
            }
        }
        true
    }

    /// The two parts of a datagram; `None` when its frame is gone.
    fn datagram(&self, transmit: &Transmit) -> Option<(&[u8], &[u8])> {
        let head = self.head.get(..transmit.head_len)?;
        let Some(fragment) = transmit.body else { return Some((head, &[])) };
        Some((head, self.client.store().read(fragment)?))
    }

    /// Tells the decoder what happened, as far as it can take it.
    fn hand_over<D: Decoder>(&mut self, cx: &mut Context<'_>, now: Instant, decoder: &mut D) {
        while decoder.poll_ready(cx).is_ready() {
            let Some(event) = self.client.poll_event() else { return };
            self.on_event(now, &event, decoder);
        }
    }

    fn on_event<D: Decoder>(&mut self, now: Instant, event: &ClientEvent, decoder: &mut D) {
        match *event {
            ClientEvent::Frame(due) => self.on_frame(&due, decoder),
            ClientEvent::Joined => {
                let Some(view) = self.client.view(now) else { return };
                let settings = view.settings;
                (self.fragment_len, self.is_joined) = (settings.fragment_len, true);
                info!("joined: {} bit/s, buffer {} ms", settings.rate_bps, settings.target_buffer_ms);
                decoder.on_joined(self.client.init(), &settings);
            }
            ClientEvent::Started { after } => {
                info!("playing after {} ms", millis(after));
                // Frames of another start do not continue those of before.
                self.epoch = None;
                decoder.on_started(after);
            }
            ClientEvent::Stalled => {
                warning!("stalled: nothing to play");
                decoder.on_stalled();
            }
            ClientEvent::Resumed { after } => {
                info!("playing again after {} ms", millis(after));
                decoder.on_resumed(after);
            }
            ClientEvent::Skipped { from, to } => {
                warning!("skipped frames {} to {}", from.0, to.0);
                decoder.on_flush(Flush::Skipped { from, to });
            }
            ClientEvent::Refused(reason) => warning!("the edge refuses: {}", refusal(reason)),
            ClientEvent::Redirected { .. } => info!("another edge is asked"),
            ClientEvent::Left { reason } => {
                self.is_joined = false;
                warning!("the session is over: {}", leave(reason));
            }
        }
    }

    fn on_frame<D: Decoder>(&mut self, due: &FrameDue, decoder: &mut D) {
        if self.epoch.replace(due.epoch) != Some(due.epoch) {
            decoder.on_flush(Flush::Begun);
        }
        let store = self.client.store();
        if !store.holds(due.key) {
            self.stats.frames_late = self.stats.frames_late.wrapping_add(1);
            decoder.on_flush(Flush::Late { frame: due.info.id });
            return;
        }
        self.stats.frames = self.stats.frames.wrapping_add(1);
        let FrameDue { epoch, info, key, fragments } = *due;
        decoder.on_frame(&Frame { epoch, info, key, fragments, fragment_len: self.fragment_len, store });
    }
}

fn millis(span: core::time::Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

const fn refusal(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::UnknownChannel => "it has no such channel; check the channel's name",
        RefusalReason::NotOnAir => "the channel is not on the air yet",
        RefusalReason::Saturated => "it has no capacity left",
        RefusalReason::Full => "it has no place left",
        RefusalReason::Draining => "it is going down",
        RefusalReason::Ticket => "the ticket is missing, wrong or expired",
    }
}

const fn leave(reason: LeaveReason) -> &'static str {
    match reason {
        LeaveReason::Done => "the edge went down or the viewer left",
        LeaveReason::Silent => "the edge is silent",
        LeaveReason::Ended => "the channel ended",
        LeaveReason::Unfed => "nobody fed it",
        LeaveReason::Draining => "the edge goes down",
    }
}
