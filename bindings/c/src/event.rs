//! What a client tells.

use livesky_core::client::{ClientEvent, FrameDue};
use livesky_core::media::Dts;
use livesky_core::wire::control::{LeaveReason, RefusalReason};

use crate::address::LiveskyAddress;

/// What happened.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveskyEventKind {
    /// Nothing.
    #[default]
    None = 0,
    /// The edge let the client in: livesky_client_init_bytes has what a decoder needs first.
    Joined = 1,
    /// The edge turned the client away; it is asked again by itself. `refusal`, `after_us`: not before.
    Refused = 2,
    /// Another edge is asked, because one is full or goes down; what is playing plays on. `address`: that edge.
    Redirected = 3,
    /// Playback begins. `after_us`: since the first hello.
    Started = 4,
    /// A frame is to be decoded now. `frame`; its bytes: livesky_client_frame_copy or livesky_client_frame_fragment.
    Frame = 5,
    /// Nothing to play: the picture stands.
    Stalled = 6,
    /// Playback goes on. `after_us`: length of the stall.
    Resumed = 7,
    /// Frames were passed over. `skipped_from`, `skipped_to`.
    Skipped = 8,
    /// The session is over; unless livesky_client_leave ended it, the client joins again by itself. `leave`.
    Left = 9,
}

/// Why an edge does not let a client in.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveskyRefusal {
    /// It does.
    #[default]
    None = 0,
    /// No such channel there.
    UnknownChannel = 1,
    /// The channel is known but has no frames yet.
    NotOnAir = 2,
    /// No capacity: neither a peer's nor the edge's.
    Saturated = 3,
    /// Its table of clients is full.
    Full = 4,
    /// It is going down.
    Draining = 5,
    /// The ticket is missing, wrong or expired.
    Ticket = 6,
}

/// Why a session ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveskyLeave {
    /// It did not.
    #[default]
    None = 0,
    /// The client left, or the edge shut down.
    Done = 1,
    /// The edge was silent for too long.
    Silent = 2,
    /// The channel ended.
    Ended = 3,
    /// Neither the edge nor peers fed the client.
    Unfed = 4,
    /// The edge goes down.
    Draining = 5,
}

/// A frame: all the MPEG-TS packets from one picture to the next. Frames one after the other are the stream again.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveskyFrame {
    /// Decode time in 90 kHz ticks, 33 bits.
    pub dts_ticks: u64,
    /// Presentation time in 90 kHz ticks, 33 bits.
    pub pts_ticks: u64,
    /// Number within the epoch.
    pub id: u32,
    /// Bytes.
    pub len: u32,
    /// Run of the channel: another one means another stream, whose times and numbers begin anew.
    pub epoch: u16,
    /// Fragments the bytes lie in.
    pub fragments: u16,
    /// Whether decoding can start here.
    pub is_key: bool,
}

/// Something happened. Fields the kind does not name are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveskyEvent {
    /// What.
    pub kind: LiveskyEventKind,
    /// Of a refusal: why.
    pub refusal: LiveskyRefusal,
    /// Of an end: why.
    pub leave: LiveskyLeave,
    /// Of frames passed over: the first of them.
    pub skipped_from: u32,
    /// And the one playback goes on with.
    pub skipped_to: u32,
    /// A span in microseconds.
    pub after_us: u64,
    /// The frame.
    pub frame: LiveskyFrame,
    /// An edge.
    pub address: LiveskyAddress,
}

impl From<&FrameDue> for LiveskyFrame {
    fn from(due: &FrameDue) -> Self {
        let dts_ticks = due.info.dts.ticks();
        Self {
            dts_ticks,
            pts_ticks: Dts::from_ticks(dts_ticks + u64::from(due.info.pts_offset_ticks)).ticks(),
            id: due.info.id.0,
            len: due.info.len,
            epoch: due.epoch,
            fragments: due.fragments,
            is_key: due.info.key,
        }
    }
}

impl From<&ClientEvent> for LiveskyEvent {
    fn from(event: &ClientEvent) -> Self {
        let of = |kind| Self { kind, ..Self::default() };
        let after = |kind, after: &core::time::Duration| Self { after_us: micros(after), ..of(kind) };
        match event {
            ClientEvent::Joined => of(LiveskyEventKind::Joined),
            ClientEvent::Refused(reason) => Self { refusal: reason.into(), ..of(LiveskyEventKind::Refused) },
            ClientEvent::Redirected { to } => {
                Self { address: (*to).into(), ..of(LiveskyEventKind::Redirected) }
            }
            ClientEvent::Started { after: span } => after(LiveskyEventKind::Started, span),
            ClientEvent::Frame(due) => Self { frame: due.into(), ..of(LiveskyEventKind::Frame) },
            ClientEvent::Stalled => of(LiveskyEventKind::Stalled),
            ClientEvent::Resumed { after: span } => after(LiveskyEventKind::Resumed, span),
            ClientEvent::Skipped { from, to } => {
                Self { skipped_from: from.0, skipped_to: to.0, ..of(LiveskyEventKind::Skipped) }
            }
            ClientEvent::Left { reason } => Self { leave: reason.into(), ..of(LiveskyEventKind::Left) },
        }
    }
}

fn micros(span: &core::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl From<&RefusalReason> for LiveskyRefusal {
    fn from(reason: &RefusalReason) -> Self {
        match reason {
            RefusalReason::UnknownChannel => Self::UnknownChannel,
            RefusalReason::NotOnAir => Self::NotOnAir,
            RefusalReason::Saturated => Self::Saturated,
            RefusalReason::Full => Self::Full,
            RefusalReason::Draining => Self::Draining,
            RefusalReason::Ticket => Self::Ticket,
        }
    }
}

impl From<&LeaveReason> for LiveskyLeave {
    fn from(reason: &LeaveReason) -> Self {
        match reason {
            LeaveReason::Done => Self::Done,
            LeaveReason::Silent => Self::Silent,
            LeaveReason::Ended => Self::Ended,
            LeaveReason::Unfed => Self::Unfed,
            LeaveReason::Draining => Self::Draining,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use livesky_core::media::{FrameId, FrameInfo};
    use livesky_core::store::StoreKey;

    use super::*;

    #[test]
    fn presentation_times_wrap_as_decode_times_do() {
        let info = FrameInfo {
            id: FrameId(5),
            dts: Dts::from_ticks(Dts::WRAP_TICKS - 1),
            pts_offset_ticks: 7_200,
            len: 10,
            key: true,
        };
        let due = FrameDue { epoch: 3, info, key: StoreKey::default(), fragments: 1 };
        let event = LiveskyEvent::from(&ClientEvent::Frame(due));
        assert_eq!(event.kind, LiveskyEventKind::Frame);
        let frame = event.frame;
        assert_eq!((frame.dts_ticks, frame.pts_ticks), (Dts::WRAP_TICKS - 1, 7_199));
        assert_eq!((frame.id, frame.len, frame.epoch, frame.fragments, frame.is_key), (5, 10, 3, 1, true));
    }

    #[test]
    fn each_event_fills_its_own_fields() {
        let empty = LiveskyEvent::default();
        for (event, expected) in [
            (ClientEvent::Joined, LiveskyEvent { kind: LiveskyEventKind::Joined, ..empty }),
            (
                ClientEvent::Started { after: Duration::from_millis(3) },
                LiveskyEvent { kind: LiveskyEventKind::Started, after_us: 3_000, ..empty },
            ),
            (
                ClientEvent::Resumed { after: Duration::MAX },
                LiveskyEvent { kind: LiveskyEventKind::Resumed, after_us: u64::MAX, ..empty },
            ),
            (
                ClientEvent::Skipped { from: FrameId(4), to: FrameId(9) },
                LiveskyEvent { kind: LiveskyEventKind::Skipped, skipped_from: 4, skipped_to: 9, ..empty },
            ),
            (
                ClientEvent::Refused(RefusalReason::Full),
                LiveskyEvent { kind: LiveskyEventKind::Refused, refusal: LiveskyRefusal::Full, ..empty },
            ),
            (
                ClientEvent::Left { reason: LeaveReason::Silent },
                LiveskyEvent { kind: LiveskyEventKind::Left, leave: LiveskyLeave::Silent, ..empty },
            ),
        ] {
            assert_eq!(LiveskyEvent::from(&event), expected);
        }
    }
}
