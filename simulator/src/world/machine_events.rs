//! What clients' machines say and tell.

use livesky_core::Endpoint;
use livesky_core::client::{ClientEvent, FrameDue};
use livesky_core::media::fragment_len_at;
use livesky_core::store::{FragmentRef, FrameStore};
use livesky_core::wire::control::Class;

use super::channel::tag_of;
use super::checks::upload_bound;
use super::machines::Machine;
use super::run::World;
use super::viewer::Viewer;
use super::wire::Wire;
use crate::network::HostId;
use crate::results::Feeding;
use crate::scenario::ChannelSpec;

impl World<'_> {
    /// Sends what a viewer's machine has to say, hears what it tells, and sets its alarm.
    pub(super) fn settle(&mut self, session: u32) {
        let Some(viewer) = self.viewers.get_mut(session as usize) else { return };
        let Some(machine) = viewer.slot().and_then(|slot| self.machines.get_mut(slot)) else { return };
        while let Some(transmit) = machine.poll_transmit(self.wire.now, &mut self.scratch) {
            let sent = self.wire.send(viewer.host, &transmit, &mut self.scratch, machine.store());
            let Some(cargo) = sent else { continue };
            let len = transmit.head_len + transmit.body.map_or(0, |body| usize::from(body.len));
            viewer.check_sent(&mut self.wire, transmit.path.remote, len, cargo);
            if self.wire.collector.pairs.is_some() {
                self.attempts.push((session, transmit.path.remote));
            }
        }
        let mut has_stalled = false;
        while let Some(event) = machine.poll_event() {
            has_stalled |= event == ClientEvent::Stalled;
            viewer.on_event(&mut self.wire, machine, &event, &self.scenario.channel);
        }
        self.wire.arm(&mut viewer.alarm, viewer.host.0, machine.poll_timeout());
        self.note_attempts();
        if has_stalled {
            self.note_stall(session);
        }
    }

    /// Clients that sent to clients.
    fn note_attempts(&mut self) {
        let Some(pairs) = &mut self.wire.collector.pairs else { return };
        for (session, remote) in self.attempts.drain(..) {
            let Some(viewer) = self.viewers.get(session as usize) else { continue };
            let Some(other) = self.wire.network.owner_of(remote, viewer.host) else { continue };
            let Some(other) = other.0.checked_sub(self.wire.edges) else { continue };
            let Some(nat) = self.viewers.get(other as usize).map(|viewer| viewer.terms.nat) else { continue };
            pairs.on_sent(self.wire.now, (session, viewer.terms.nat), (other, nat));
        }
    }

    /// A client heard somebody.
    pub(super) fn note_pair(&mut self, from: HostId, session: u32) {
        let Some(pairs) = &mut self.wire.collector.pairs else { return };
        if let Some(other) = from.0.checked_sub(self.wire.edges) {
            pairs.on_heard(self.wire.now, other, session);
        }
    }
}

impl Viewer {
    fn on_event(
        &mut self,
        wire: &mut Wire,
        machine: &Machine<'_>,
        event: &ClientEvent,
        channel: &ChannelSpec,
    ) {
        let now = wire.now;
        match event {
            ClientEvent::Joined => {
                // The machine's bucket is full again.
                self.upload = upload_bound(channel, self.terms.may_upload_bps());
                self.class = match machine.view(now).map(|view| view.class) {
                    Some(Class::P2p) => Feeding::P2p,
                    Some(Class::Push) | None => Feeding::Push,
                };
            }
            ClientEvent::Refused(_) => self.is_refused = true,
            ClientEvent::Started { .. } => {
                // From the first hello: the machine counts anew when it has to join again.
                self.startup_us.get_or_insert(now.micros_since(self.joined_at));
                if let Some(stall_us) = self.watch.on_started(now, wire.collector.cadence_us) {
                    wire.collector.since.stalls += 1;
                    wire.collector.stalls.add(stall_us);
                }
            }
            ClientEvent::Frame(due) => {
                self.watch.on_frame(now);
                self.on_frame(wire, machine, due, channel.fragment_len);
            }
            ClientEvent::Stalled => {
                self.watch.on_stalled(now);
                wire.collector.since.stalls += 1;
                wire.collector.stalled_with_buffer += u64::from(self.buffer_ms >= 2_000);
            }
            ClientEvent::Resumed { .. } => {
                if let Some(stall_us) = self.watch.on_resumed(now) {
                    wire.collector.stalls.add(stall_us);
                }
            }
            ClientEvent::Skipped { from, to } => self.watch.on_skipped(to.since(*from)),
            ClientEvent::Redirected { .. } => wire.collector.actions.redirects += 1,
            ClientEvent::Left { .. } => {}
        }
    }

    /// Checks that the frame is the one after the last, and that its bytes are those that were published.
    fn on_frame(&mut self, wire: &mut Wire, machine: &Machine<'_>, due: &FrameDue, fragment_len: u16) {
        if let Some((epoch, last)) = self.played
            && epoch == due.epoch
            && due.info.id <= last
        {
            wire.breach("playhead", self.host, || format!("frame {} after {}", due.info.id.0, last.0));
        }
        self.played = Some((due.epoch, due.info.id));
        for index in 0..due.fragments {
            let len = fragment_len_at(due.info.len, fragment_len, index);
            let held = machine.store().read(FragmentRef { key: due.key, index, len });
            let tag = tag_of(due.epoch, due.info.id, index);
            if held != tag.get(..usize::from(len).min(tag.len())) {
                let (frame, place) = (due.info.id.0, index);
                wire.breach("assembly", self.host, || {
                    format!("fragment {place} of frame {frame} holds {held:02x?} instead of {tag:02x?}")
                });
            }
        }
    }
}
