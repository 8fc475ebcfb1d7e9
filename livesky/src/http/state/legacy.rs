//! What plain players were sent.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;

/// Counts the bytes plain players were sent of one stream, and who reads it endlessly. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct LegacyMeter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    readers: AtomicU32,
    jumps: AtomicU64,
}

impl LegacyMeter {
    /// Counts bytes of a body.
    pub fn on_sent(&self, len: usize) {
        self.0.bytes.fetch_add(len as u64, Ordering::Relaxed);
    }

    /// Counts a reader that fell behind and went on at the newest key frame.
    pub fn on_jump(&self) {
        self.0.jumps.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes since the program's start.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Endless readers at the moment.
    #[must_use]
    pub fn readers(&self) -> u32 {
        self.0.readers.load(Ordering::Relaxed)
    }

    /// Jumps since the program's start.
    #[must_use]
    pub fn jumps(&self) -> u64 {
        self.0.jumps.load(Ordering::Relaxed)
    }

    /// Counts an endless reader for as long as the guard lives.
    #[must_use]
    pub fn enter(&self) -> ReaderGuard {
        self.0.readers.fetch_add(1, Ordering::Relaxed);
        ReaderGuard(self.clone())
    }
}

/// An endless reader.
#[derive(Debug)]
pub struct ReaderGuard(LegacyMeter);

impl Drop for ReaderGuard {
    fn drop(&mut self) {
        self.0.0.readers.fetch_sub(1, Ordering::Relaxed);
    }
}
