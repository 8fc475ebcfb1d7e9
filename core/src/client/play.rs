//! Playout: from the frames held to events.

use super::events::{ClientEvent, FrameDue};
use super::machine::Client;
use super::peer::EDGE;
use crate::media::{FrameId, FrameInfo, PlayoutBuffer, Step};
use crate::store::{FrameIndex, FrameState, FrameStore};
use crate::time::Instant;

/// The frames held, as playout sees them.
struct Buffer<'b, 'a> {
    frames: &'b FrameIndex<'a>,
    newest: FrameId,
}

impl PlayoutBuffer for Buffer<'_, '_> {
    fn frame(&self, id: FrameId) -> Option<FrameInfo> {
        self.frames.get(id).filter(|entry| entry.state == FrameState::Complete).map(|entry| entry.info)
    }

    fn newest_live(&self) -> FrameId {
        self.newest
    }

    fn next_complete(&self, from: FrameId) -> Option<FrameId> {
        self.frames.next_complete(from)
    }

    fn next_key(&self, from: FrameId) -> Option<FrameId> {
        self.frames.oldest_key_from(from)
    }

    fn newest_key(&self) -> Option<FrameId> {
        self.frames.newest_key()
    }

    fn is_incomplete_key(&self, id: FrameId) -> bool {
        self.frames.get(id).is_some_and(|entry| entry.info.key && entry.state == FrameState::Assembling)
    }
}

impl<S: FrameStore> Client<'_, S> {
    /// Lets playout take its steps up to `now`, as far as the event queue has room.
    pub(super) fn play(&mut self, now: Instant) {
        if self.clocks.play_at > now {
            return;
        }
        let Some(session) = &self.session else {
            self.clocks.play_at = Instant::FAR_FUTURE;
            return;
        };
        let (epoch, newest, asked_at) = (session.epoch, session.newest, session.asked_at);
        // Two steps may follow one another before the next look at the queue.
        while self.events.len() + 2 < ClientEvent::QUEUE_LEN {
            let buffer = Buffer { frames: &self.frames, newest };
            let step = self.playout.poll(now, &buffer);
            self.reports.minute.on_state(now, self.playout.state());
            let event = match step {
                Step::Idle => {
                    self.clocks.play_at = Instant::FAR_FUTURE;
                    return;
                }
                Step::Wait(at) => {
                    self.clocks.play_at = at;
                    return;
                }
                Step::Deliver(id) => {
                    let Some(entry) = self.frames.get(id) else { continue };
                    self.reports.minute.on_played();
                    let due = FrameDue { epoch, info: entry.info, key: entry.key, fragments: entry.count };
                    ClientEvent::Frame(due)
                }
                Step::Started { .. } => {
                    let after = now.since(asked_at);
                    self.stats.watch.startup_ms = u32::try_from(after.as_millis()).unwrap_or(u32::MAX).max(1);
                    self.reports.minute.on_started(now);
                    ClientEvent::Started { after }
                }
                Step::Stalled => ClientEvent::Stalled,
                Step::Resumed { after } => {
                    self.reports.minute.on_resumed(after);
                    ClientEvent::Resumed { after }
                }
                Step::Skipped { from, to } => {
                    let is_to_key = self.frames.get(to).is_some_and(|entry| entry.info.key);
                    self.reports.minute.on_skipped(to.since(from), is_to_key);
                    if self.has_skipped(to) {
                        self.owe(EDGE, |owed| owed.status = true);
                    }
                    ClientEvent::Skipped { from, to }
                }
            };
            self.push_event(event);
        }
        self.clocks.play_at = Instant::FAR_FUTURE;
    }

    /// The first frame the owner was told is due and may not have read yet.
    pub(super) fn unread(&self) -> Option<FrameId> {
        self.events.iter().find_map(|event| match event {
            ClientEvent::Frame(due) => Some(due.info.id),
            ClientEvent::Joined
            | ClientEvent::Refused(_)
            | ClientEvent::Redirected { .. }
            | ClientEvent::Started { .. }
            | ClientEvent::Stalled
            | ClientEvent::Resumed { .. }
            | ClientEvent::Skipped { .. }
            | ClientEvent::Left { .. } => None,
        })
    }

    /// Media between the playhead and the first frame missing, in milliseconds.
    pub(super) fn buffer_ms(&self) -> u32 {
        let Some(session) = &self.session else { return 0 };
        let Some(playhead) = self.playout.playhead() else { return 0 };
        let frames = self.frames.run_end(playhead).map_or(0, |end| end.next().since(playhead));
        let ms = u64::from(frames) * u64::from(session.settings.cadence_us) / 1_000;
        u32::try_from(ms).unwrap_or(u32::MAX)
    }
}
