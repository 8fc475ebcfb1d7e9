//! Fan-out: a frame comes in, the subscribers of its substream become ready, and each feed moves on at its own pace.

use crate::limits::FRAGMENT_LEN;
use crate::media::{FrameId, FrameInfo, fragment_count, fragment_len_at};
use crate::store::{FrameEntry, FrameStore, StoreKey};
use crate::time::Instant;

use super::channel::{ChannelId, ChannelState};
use super::machine::Edge;

/// Why a frame is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError {
    /// No such channel, or it is suspended.
    UnknownChannel,
    /// Its id is not above the newest frame's.
    Stale,
    /// It is empty, too long, or its presentation offset does not fit 24 bits.
    Invalid,
    /// The index has no place for a single frame.
    Full,
    /// The store has no room for it, even with every other frame given up.
    StoreFull,
}

impl<S: FrameStore> Edge<'_, S> {
    /// Takes in a frame whose bytes are in the store, complete. Its key becomes the edge's: released when the frame is
    /// evicted.
    ///
    /// # Errors
    /// [`PushError`]; the key stays the caller's.
    pub fn push_frame(
        &mut self,
        now: Instant,
        id: ChannelId,
        info: FrameInfo,
        key: StoreKey,
    ) -> Result<(), PushError> {
        let channel = self.channel(id).filter(|channel| channel.state == ChannelState::Open);
        let channel = channel.ok_or(PushError::UnknownChannel)?;
        let settings = channel.settings;
        if info.id < channel.next || info.id == FrameId(u32::MAX) {
            return Err(PushError::Stale);
        }
        let count = fragment_count(info.len, settings.fragment_len).ok_or(PushError::Invalid)?;
        if info.pts_offset_ticks >= 1 << 24 {
            return Err(PushError::Invalid);
        }
        let kept = channel.frames_kept();
        let Some(frames) = self.frames.get_mut(usize::from(id.0)) else { return Err(PushError::Full) };
        let floor = frames.floor_for(info.id).max(info.id.next().minus(kept));
        frames.evict_below(floor, &mut |key| self.store.release(key));
        frames.insert_complete(info, key, count).map_err(|_| PushError::Full)?;
        if let Some(channel) = self.channel_mut(id) {
            channel.newest = Some(info.id);
            channel.next = info.id.next();
            channel.bytes_in = channel.bytes_in.saturating_add(u64::from(info.len));
        }
        self.wake_subscribers(now, id, settings.mapping.substream_of(info.id, settings.substreams));
        Ok(())
    }

    /// Puts a frame's bytes into the store, evicting the oldest frames while it is full, and takes the frame in.
    ///
    /// # Errors
    /// [`PushError`]; the bytes are not kept.
    pub fn push_bytes(
        &mut self,
        now: Instant,
        id: ChannelId,
        info: FrameInfo,
        bytes: &[u8],
    ) -> Result<(), PushError> {
        let fragment_len = self.channel(id).ok_or(PushError::UnknownChannel)?.settings.fragment_len;
        if u32::try_from(bytes.len()) != Ok(info.len) {
            return Err(PushError::Invalid);
        }
        let count = fragment_count(info.len, fragment_len).ok_or(PushError::Invalid)?;
        let key = loop {
            match self.store.allocate(info.len, fragment_len) {
                Ok(key) => break key,
                Err(_) if self.evict_oldest() => {}
                Err(_) => return Err(PushError::StoreFull),
            }
        };
        let chunks = (0..count).zip(bytes.chunks(usize::from(fragment_len)));
        let is_written = chunks.fold(true, |is_written, (index, chunk)| {
            self.store.write(key, index, chunk).is_ok() && is_written
        });
        self.store.complete(key);
        let taken = if is_written { self.push_frame(now, id, info, key) } else { Err(PushError::StoreFull) };
        if taken.is_err() {
            self.store.release(key);
        }
        taken
    }

    fn wake_subscribers(&mut self, now: Instant, id: ChannelId, substream: u8) {
        let Some(channel) = self.channel(id) else { return };
        let mut next = channel.subscribers.get(usize::from(substream)).and_then(|list| list.front());
        while let Some(slot) = next {
            let feed = self.clients.at(slot).and_then(|client| client.feed(substream));
            next = feed.and_then(|feed| feed.links.next());
            self.refresh(now, slot);
        }
    }

    /// The frame a feed is at, past frames that are gone or never came; `None`: nothing to send. Ends a feed at its cut.
    pub(super) fn feed_entry(&mut self, slot: u32, substream: u8) -> Option<FrameEntry> {
        let client = self.clients.at(slot)?;
        let id = client.channel;
        let mut next = client.feed(substream)?.next;
        let channel = self.channel(id)?;
        let (settings, newest) = (channel.settings, channel.newest?);
        let frames = self.frames.get(usize::from(id.0))?;
        let mut floor = frames.oldest().unwrap_or(newest.next());
        if !client.behind.has(substream) {
            // A live feed that fell behind goes on with what can still be played in time.
            floor = floor.max(newest.next().minus(settings.frames_in(settings.target_buffer())));
        }
        let mut overrun = 0;
        let found = loop {
            if next > newest {
                break None;
            }
            if let Some(entry) = frames.get(next).filter(|_| next >= floor) {
                break Some(entry);
            }
            overrun += 1;
            let from = next.next().max(floor);
            next = settings.mapping.next_in(substream, from, settings.substreams);
        };
        if overrun > 0 {
            self.stats.frames_overrun += overrun;
            self.set_next(slot, substream, next);
        }
        found.filter(|_| self.clients.at(slot).is_some_and(|client| client.active().has(substream)))
    }

    /// Moves a feed past a frame that was sent.
    pub(super) fn advance(&mut self, slot: u32, substream: u8, sent: FrameId) {
        let Some(id) = self.clients.at(slot).map(|client| client.channel) else { return };
        let Some(settings) = self.channel(id).map(|channel| channel.settings) else { return };
        let next = settings.mapping.next_in(substream, sent.next(), settings.substreams);
        self.set_next(slot, substream, next);
    }

    /// Sets where a feed is: at its cut it ends, past the newest frame it is live.
    pub(super) fn set_next(&mut self, slot: u32, substream: u8, next: FrameId) {
        let Some(client) = self.clients.at_mut(slot) else { return };
        let newest = self.channels.get(usize::from(client.channel.0)).and_then(|channel| channel.newest);
        let is_cut = client.cut.has(substream);
        let next = match (newest, client.is_left(substream, next)) {
            (Some(newest), true) => self.next_in(slot, substream, newest.next()).unwrap_or(next),
            (Some(_) | None, _) => next,
        };
        let Some(client) = self.clients.at_mut(slot) else { return };
        if newest.is_none_or(|newest| next > newest) {
            client.behind.set(substream, false);
        }
        let Some(feed) = client.feed_mut(substream) else { return };
        let is_last = next <= feed.next;
        feed.next = next;
        let is_over = (is_cut && next >= feed.mark) || is_last;
        if is_over {
            self.end_feed(slot, substream);
        }
    }
}

/// Bytes of a fragment of a frame held.
pub(super) fn fragment_bytes(entry: &FrameEntry, fragment_len: u16, fragment: u16) -> u16 {
    fragment_len_at(entry.info.len, fragment_len.min(FRAGMENT_LEN), fragment)
}
