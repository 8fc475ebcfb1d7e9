//! The frame log: the last frames of a channel, read by any number of readers at their own pace.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::Event;
use livesky_core::media::FrameInfo;

/// A frame with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedFrame {
    /// Run of the channel.
    pub epoch: u16,
    /// The frame.
    pub info: FrameInfo,
    /// Its bytes, shared with the store.
    pub bytes: Arc<[u8]>,
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEntry {
    /// The next frame.
    Frame(LoggedFrame),
    /// The reader fell behind: that many frames are gone; it goes on with the oldest key frame held, or the next frame.
    Missed(u64),
}

/// The writing end: a ring bounded in frames and bytes. Cheap to clone; the log is closed by [`Self::close`] only.
#[derive(Clone, Debug)]
pub struct FrameLog(Arc<Shared>);

/// The reading end: a cursor into a [`FrameLog`].
#[derive(Clone, Debug)]
pub struct FrameLogReader {
    shared: Arc<Shared>,
    cursor: u64,
}

#[derive(Debug)]
struct Shared {
    ring: Mutex<Ring>,
    grown: Event,
}

#[derive(Debug)]
struct Ring {
    frames: VecDeque<LoggedFrame>,
    /// Number of the first frame in `frames`, counted from the log's start.
    first: u64,
    bytes: usize,
    frames_max: usize,
    bytes_max: usize,
    init: Arc<[u8]>,
    is_closed: bool,
}

impl Ring {
    fn end(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    fn drop_oldest(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.first += 1;
            self.bytes -= frame.bytes.len();
        }
    }

    /// Number of the oldest key frame held; without one, the number the next frame will get.
    fn oldest_key(&self) -> u64 {
        let place = self.frames.iter().position(|frame| frame.info.key);
        place.map_or(self.end(), |place| self.first + place as u64)
    }

    /// Number of the newest key frame held; without one, the number the next frame will get.
    fn newest_key(&self) -> u64 {
        let place = self.frames.iter().rposition(|frame| frame.info.key);
        place.map_or(self.end(), |place| self.first + place as u64)
    }
}

impl Shared {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        // No code that can panic runs under the lock; the ring is whole either way.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FrameLog {
    /// An empty log of at most `frames_max` frames and `bytes_max` bytes; the newest frame always stays.
    #[must_use]
    pub fn new(frames_max: usize, bytes_max: usize) -> Self {
        let ring = Ring {
            frames: VecDeque::new(),
            first: 0,
            bytes: 0,
            frames_max,
            bytes_max,
            init: Arc::from(&[][..]),
            is_closed: false,
        };
        Self(Arc::new(Shared { ring: Mutex::new(ring), grown: Event::new() }))
    }

    /// Adds a frame and wakes the readers that wait.
    pub fn push(&self, frame: LoggedFrame) {
        let mut ring = self.0.ring();
        ring.bytes += frame.bytes.len();
        ring.frames.push_back(frame);
        while ring.frames.len() > 1 && (ring.frames.len() > ring.frames_max || ring.bytes > ring.bytes_max) {
            ring.drop_oldest();
        }
        drop(ring);
        self.0.grown.notify(usize::MAX);
    }

    /// Sets what a decoder needs before any frame.
    pub fn set_init(&self, init: &[u8]) {
        let mut ring = self.0.ring();
        if *ring.init != *init {
            ring.init = Arc::from(init);
        }
    }

    /// What a decoder needs before any frame.
    #[must_use]
    pub fn init(&self) -> Arc<[u8]> {
        Arc::clone(&self.0.ring().init)
    }

    /// Ends the log: readers get what is there, then the end.
    pub fn close(&self) {
        self.0.ring().is_closed = true;
        self.0.grown.notify(usize::MAX);
    }

    /// Number of frames held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.ring().frames.len()
    }

    /// Whether no frame is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A reader that begins at the newest key frame: the live edge for a decoder.
    #[must_use]
    pub fn reader(&self) -> FrameLogReader {
        let cursor = self.0.ring().newest_key();
        FrameLogReader { shared: Arc::clone(&self.0), cursor }
    }

    /// A reader that begins at the oldest frame held.
    #[must_use]
    pub fn reader_from_oldest(&self) -> FrameLogReader {
        let cursor = self.0.ring().first;
        FrameLogReader { shared: Arc::clone(&self.0), cursor }
    }
}

impl FrameLogReader {
    /// The next entry; waits for it; `None` after the log's end.
    pub async fn next(&mut self) -> Option<LogEntry> {
        loop {
            // Listening begins before looking, or a frame pushed between the two would be slept through.
            let grown = self.shared.grown.listen();
            if let Some(entry) = self.try_next() {
                return Some(entry);
            }
            if self.shared.ring().is_closed {
                return self.try_next();
            }
            grown.await;
        }
    }

    /// The next frame, passing over notes of what was missed; `None` after the log's end.
    pub async fn next_frame(&mut self) -> Option<LoggedFrame> {
        loop {
            match self.next().await? {
                LogEntry::Frame(frame) => return Some(frame),
                LogEntry::Missed(_) => {}
            }
        }
    }

    /// The next entry if it is there.
    pub fn try_next(&mut self) -> Option<LogEntry> {
        let ring = self.shared.ring();
        if self.cursor < ring.first {
            let resumed = ring.oldest_key();
            let missed = resumed - self.cursor;
            self.cursor = resumed;
            return Some(LogEntry::Missed(missed));
        }
        let place = usize::try_from(self.cursor - ring.first).ok()?;
        let frame = ring.frames.get(place)?.clone();
        self.cursor += 1;
        Some(LogEntry::Frame(frame))
    }

    /// How many frames the reader is behind the newest.
    #[must_use]
    pub fn frames_behind(&self) -> u64 {
        self.shared.ring().end().saturating_sub(self.cursor)
    }

    /// What a decoder needs before any frame.
    #[must_use]
    pub fn init(&self) -> Arc<[u8]> {
        Arc::clone(&self.shared.ring().init)
    }

    /// Whether the log was closed: nothing comes after what it still holds.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.ring().is_closed
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use livesky_core::media::FrameId;

    use super::*;

    fn frame(id: u32, key: bool) -> LoggedFrame {
        let info = FrameInfo { id: FrameId(id), len: 10, key, ..FrameInfo::default() };
        LoggedFrame { epoch: 0, info, bytes: Arc::from(&[0; 10][..]) }
    }

    fn id_of(entry: Option<LogEntry>) -> u32 {
        match entry {
            Some(LogEntry::Frame(frame)) => frame.info.id.0,
            other => panic!("no frame: {other:?}"),
        }
    }

    #[test]
    fn a_reader_begins_at_the_newest_key_frame() {
        let log = FrameLog::new(10, 1_000);
        assert_eq!(log.reader().try_next(), None);
        for id in 0..7 {
            log.push(frame(id, id % 3 == 0));
        }
        assert_eq!(id_of(log.reader().try_next()), 6);
        assert_eq!(id_of(log.reader_from_oldest().try_next()), 0);
    }

    #[test]
    fn a_slow_reader_is_told_how_far_it_fell_behind() {
        let log = FrameLog::new(4, 1_000);
        let mut reader = log.reader();
        for id in 0..10 {
            log.push(frame(id, id % 4 == 0));
        }
        assert_eq!(log.len(), 4);
        assert_eq!(reader.frames_behind(), 10);
        assert_eq!(reader.try_next(), Some(LogEntry::Missed(8)), "6 are gone, then the next key frame is 8");
        assert_eq!(id_of(reader.try_next()), 8);
        assert_eq!(id_of(reader.try_next()), 9);
        assert_eq!(reader.try_next(), None);
    }

    #[test]
    fn bytes_bound_the_log_too_but_the_newest_frame_stays() {
        let log = FrameLog::new(100, 25);
        for id in 0..5 {
            log.push(frame(id, true));
        }
        assert_eq!(log.len(), 2);
        let tiny = FrameLog::new(0, 0);
        tiny.push(frame(1, true));
        assert_eq!(tiny.len(), 1);
    }

    #[test]
    fn waiting_readers_wake_for_frames_and_for_the_end() {
        let log = FrameLog::new(4, 1_000);
        let mut reader = log.reader();
        let writer = std::thread::spawn({
            let log = log.clone();
            move || {
                std::thread::sleep(Duration::from_millis(20));
                log.push(frame(0, true));
                std::thread::sleep(Duration::from_millis(20));
                log.close();
            }
        });
        assert_eq!(smol::block_on(reader.next_frame()).map(|frame| frame.info.id), Some(FrameId(0)));
        assert_eq!(smol::block_on(reader.next()), None);
        assert!(reader.is_closed());
        writer.join().unwrap();
    }
}
