//! Frames to a publisher, each when it is due.

use core::sync::atomic::{AtomicU64, Ordering};

use livesky_std::{PublishedFrame, Publisher, Runtime, Smol};

use crate::error::Error;
use crate::publish::cut::Cuts;
use crate::publish::pace::{Pace, Pacer};

/// What became of a live input's frames.
#[derive(Debug, Default)]
pub struct FeedStats {
    dropped: AtomicU64,
}

impl FeedStats {
    /// Frames dropped because the connection did not take them.
    #[must_use]
    pub fn frames_dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Feeds `head`, then what is cut, until the input ends or the publisher does.
///
/// # Errors
/// When the input cannot be read.
pub async fn feed(
    head: Vec<PublishedFrame>,
    mut cuts: Cuts,
    publisher: &Publisher,
    stats: &FeedStats,
) -> Result<(), Error> {
    let pace = cuts.pace();
    let mut gate = Gate { pacer: Pacer::new(pace), pace, is_broken: false };
    for frame in head {
        if !gate.pass(frame, publisher, stats).await {
            return Ok(());
        }
    }
    while let Some(frame) = cuts.next().await? {
        if let Some(init) = cuts.take_new_init()
            && publisher.set_init(init).await.is_err()
        {
            return Ok(());
        }
        if !gate.pass(frame, publisher, stats).await {
            return Ok(());
        }
    }
    Ok(())
}

/// Lets frames pass at their time.
struct Gate {
    pacer: Pacer,
    pace: Pace,
    /// A frame was dropped: nothing passes before the next key frame.
    is_broken: bool,
}

impl Gate {
    /// Passes a frame on; `false` when the publisher has ended.
    async fn pass(&mut self, frame: PublishedFrame, publisher: &Publisher, stats: &FeedStats) -> bool {
        match self.pace {
            Pace::Recorded | Pace::Piped => {
                let now = Smol::now();
                let due = self.pacer.due(now, frame.frame.dts);
                if due > now {
                    Smol::sleep_until(due).await;
                }
                // A full queue holds the input back until the connection is there again.
                publisher.send(frame).await.is_ok()
            }
            Pace::Live => {
                self.is_broken &= !frame.frame.key;
                let sent = if self.is_broken { Ok(false) } else { publisher.try_send(frame) };
                if sent == Ok(false) {
                    self.is_broken = true;
                    stats.dropped.fetch_add(1, Ordering::Relaxed);
                }
                sent.is_ok()
            }
        }
    }
}
