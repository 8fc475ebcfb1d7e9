//! Answers to addresses that have no client: they are kept nowhere else, so a few wait here until they are sent.

use heapless::Deque;

use crate::endpoint::Path;
use crate::time::Instant;
use crate::wire::ControlWriter;
use crate::wire::control::{Challenge, LinkId, Message, Refused};

use super::stats::EdgeStats;

/// Answers that wait. An adapter that drains after each datagram needs one.
const REPLIES_MAX: usize = 32;
/// Resets in a second (docs/wire.md, "Datagrams").
const RESETS_PER_SECOND: u32 = 100;

/// What is answered.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// Prove your address.
    Challenge(Challenge),
    /// No.
    Refused(Refused),
    /// That link is gone.
    Reset(LinkId),
}

#[derive(Clone, Debug)]
struct Waiting {
    path: Path,
    link: LinkId,
    /// Bytes that came: never more go back.
    len_max: usize,
    reply: Reply,
}

/// Answers in the order of their questions.
#[derive(Debug, Default)]
pub(super) struct Replies {
    queue: Deque<Waiting, REPLIES_MAX>,
    second: u64,
    resets: u32,
}

impl Replies {
    /// Queues an answer of at most `len_max` bytes to `path`, under the asker's link id. When too many wait it is dropped: the
    /// asker asks again.
    pub(super) fn push(
        &mut self,
        path: Path,
        link: LinkId,
        len_max: usize,
        reply: Reply,
        stats: &mut EdgeStats,
    ) {
        if self.queue.push_back(Waiting { path, link, len_max, reply }).is_err() {
            stats.replies_dropped += 1;
        }
    }

    /// Tells the sender of a datagram of `len` bytes that its link is not known here.
    pub(super) fn reset(
        &mut self,
        now: Instant,
        path: Path,
        link: LinkId,
        len: usize,
        stats: &mut EdgeStats,
    ) {
        let second = now.as_micros() / 1_000_000;
        if second != self.second {
            self.second = second;
            self.resets = 0;
        }
        if self.resets < RESETS_PER_SECOND {
            self.resets += 1;
            self.push(path, LinkId(0), len, Reply::Reset(link), stats);
        }
    }

    /// Writes the next answer that is not longer than what it answers.
    pub(super) fn write(&mut self, head: &mut [u8]) -> Option<(Path, usize)> {
        while let Some(waiting) = self.queue.pop_front() {
            let len_max = head.len().min(waiting.len_max);
            let Some(out) = head.get_mut(..len_max) else { continue };
            let Some(mut writer) = ControlWriter::new(out, waiting.link) else { continue };
            let message = match waiting.reply {
                Reply::Challenge(challenge) => Message::Challenge(challenge),
                Reply::Refused(refused) => Message::Refused(refused),
                Reply::Reset(link) => Message::Reset { link },
            };
            if writer.push(&message) {
                return Some((waiting.path, writer.finish()));
            }
        }
        None
    }
}
