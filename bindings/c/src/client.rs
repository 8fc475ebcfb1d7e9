//! What lies at the start of a client's memory.

use livesky_core::client::{Client, ClientConfig, ClientEvent, FrameDue};
use livesky_core::store::{FragmentRef, FrameStore, PagePool};
use livesky_core::{Endpoint, Instant, Transmit};

use crate::config::LIVESKY_DATAGRAM_LEN_MAX;
use crate::event::{LiveskyEvent, LiveskyEventKind};
use crate::layout::Tables;
use crate::pointer::{Out, Region, Room};
use crate::result::LiveskyResult;

/// What a client's memory begins with: "LiveSky1".
const MAGIC: u64 = u64::from_le_bytes(*b"LiveSky1");

/// A client, in memory of the caller.
pub struct LiveskyClient {
    /// [`MAGIC`] from birth to destruction.
    magic: u64,
    /// All of the memory.
    memory: Region,
    /// The frame told last.
    due: Option<Due>,
    /// Transmits whose frame was gone from the store.
    stale_bodies: u64,
    /// The machine. Its tables lie behind, in the same memory.
    machine: Client<'static, PagePool<'static>>,
}

/// A frame whose bytes can be read.
#[derive(Clone, Copy)]
struct Due {
    frame: FrameDue,
    /// Bytes of every fragment but the last.
    fragment_len: u32,
}

impl LiveskyClient {
    /// A client that does nothing until it is tuned.
    pub(crate) fn new(config: ClientConfig, tables: Tables, memory: Region) -> Self {
        let machine = Client::new(config, tables.storage, tables.store);
        Self { magic: MAGIC, memory, due: None, stale_bodies: 0, machine }
    }

    /// The client a pointer leads to.
    ///
    /// # Safety
    /// Unless null, the pointer leads to memory as long as a client that nobody else uses meanwhile.
    pub(crate) unsafe fn at<'a>(pointer: *mut Self) -> Result<&'a mut Self, LiveskyResult> {
        if pointer.is_null() {
            return Err(LiveskyResult::NullPointer);
        }
        if !pointer.is_aligned() {
            return Err(LiveskyResult::Misaligned);
        }
        // SAFETY: neither null nor misaligned, and as long as a client; no value but a number is read.
        if unsafe { (&raw const (*pointer).magic).read() } != MAGIC {
            return Err(LiveskyResult::InvalidClient);
        }
        // SAFETY: what begins with the mark was made by `new`, and is used by nobody else, says the caller.
        Ok(unsafe { &mut *pointer })
    }

    /// The machine.
    pub(crate) const fn machine(&self) -> &Client<'static, PagePool<'static>> {
        &self.machine
    }

    /// The machine, to be changed.
    pub(crate) const fn machine_mut(&mut self) -> &mut Client<'static, PagePool<'static>> {
        &mut self.machine
    }

    /// Transmits whose frame was gone from the store.
    pub(crate) const fn stale_bodies(&self) -> u64 {
        self.stale_bodies
    }

    /// Fails when memory the caller names is the client's own.
    pub(crate) fn require_apart(&self, other: Region) -> Result<(), LiveskyResult> {
        self.memory.require_apart(other)
    }

    /// A place for an answer.
    ///
    /// # Safety
    /// As [`Out::new`].
    pub(crate) unsafe fn out<T>(&self, pointer: *mut T) -> Result<Out<T>, LiveskyResult> {
        // SAFETY: as the caller says.
        let out = unsafe { Out::new(pointer) }?;
        self.require_apart(out.region())?;
        Ok(out)
    }

    /// A place for bytes.
    ///
    /// # Safety
    /// As [`Room::new`].
    pub(crate) unsafe fn room(&self, start: *mut u8, len: usize) -> Result<Room, LiveskyResult> {
        // SAFETY: as the caller says.
        let room = unsafe { Room::new(start, len) }?;
        self.require_apart(room.region())?;
        Ok(room)
    }

    /// The next datagram: where it goes and its bytes, whole, in `room`.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        room: Room,
    ) -> Result<(Transmit, usize), LiveskyResult> {
        let mut head = [0; LIVESKY_DATAGRAM_LEN_MAX];
        room.require(head.len())?;
        loop {
            let transmit = self.machine.poll_transmit(now, &mut head).ok_or(LiveskyResult::Nothing)?;
            let len = room.put(0, head.get(..transmit.head_len).unwrap_or_default())?;
            let Some(fragment) = transmit.body else { return Ok((transmit, len)) };
            match self.machine.store().read(fragment) {
                Some(body) => return room.put(len, body).map(|len| (transmit, len)),
                // A lost datagram, to everybody else. The next one is another.
                None => self.stale_bodies = self.stale_bodies.saturating_add(1),
            }
        }
    }

    /// The next event. Of a frame the bytes can be read, until the next one.
    pub(crate) fn poll_event(&mut self) -> Option<LiveskyEvent> {
        self.due = None;
        let event = self.machine.poll_event()?;
        let mut told = LiveskyEvent::from(&event);
        match &event {
            ClientEvent::Frame(frame) => {
                let fragment_len = self.fragment_len(frame);
                self.due = Some(Due { frame: *frame, fragment_len });
            }
            ClientEvent::Refused(_) => {
                let refused = self.machine.refused();
                told.after_us = refused.map_or(0, |refused| u64::from(refused.retry_after_ms) * 1_000);
            }
            ClientEvent::Joined
            | ClientEvent::Redirected { .. }
            | ClientEvent::Started { .. }
            | ClientEvent::Stalled
            | ClientEvent::Resumed { .. }
            | ClientEvent::Skipped { .. }
            | ClientEvent::Left { .. } => {}
        }
        debug_assert_ne!(told.kind, LiveskyEventKind::None);
        Some(told)
    }

    /// Bytes of the frame told last, and how many fragments they lie in.
    pub(crate) fn due_frame(&self) -> Result<(usize, u16), LiveskyResult> {
        let due = self.due.ok_or(LiveskyResult::FrameGone)?;
        let len = usize::try_from(due.frame.info.len).map_err(|_| LiveskyResult::FrameGone)?;
        Ok((len, due.frame.fragments))
    }

    /// The bytes of one fragment of the frame told last.
    pub(crate) fn due_fragment(&self, index: u16) -> Result<&[u8], LiveskyResult> {
        let due = self.due.ok_or(LiveskyResult::FrameGone)?;
        let start = u32::from(index).saturating_mul(due.fragment_len);
        let len = due.frame.info.len.saturating_sub(start).min(due.fragment_len);
        let len = u16::try_from(len).map_err(|_| LiveskyResult::FrameGone)?;
        let fragment = FragmentRef { key: due.frame.key, index, len };
        self.machine.store().read(fragment).ok_or(LiveskyResult::FrameGone)
    }

    /// Makes the pointer lead to no client any more; the memory is the caller's again.
    pub(crate) const fn destroy(&mut self) {
        self.magic = 0;
    }

    fn fragment_len(&self, frame: &FrameDue) -> u32 {
        if frame.fragments == 1 {
            return frame.info.len;
        }
        let view = self.machine.view(Instant::ZERO);
        view.map_or(0, |view| u32::from(view.settings.fragment_len))
    }
}
