//! When a viewer that is not served gives up.

use core::net::SocketAddr;
use core::time::Duration;

use livesky_core::Instant;
use livesky_core::wire::control::{LeaveReason, RefusalReason};
use livesky_std::ViewerStatus;

use crate::error::Error;

/// An edge that never answered is given this long: several hellos, the last 2 s apart.
const NO_ANSWER: Duration = Duration::from_secs(10);
/// A channel nobody knows is asked for this long: three tries at the edge's 2 s.
const UNKNOWN_CHANNEL: Duration = Duration::from_secs(5);
/// An edge that served is waited for this long: it keeps a channel as long for its publisher.
const LOST: Duration = Duration::from_secs(30);

/// Where a viewer stands with its edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is in.
    Joined,
    /// Its hellos are not answered.
    Unanswered,
    /// It was turned away.
    Refused(RefusalReason),
    /// The session ended.
    Left(LeaveReason),
}

impl Standing {
    /// Reads it off a status.
    #[must_use]
    pub fn of(status: &ViewerStatus) -> Self {
        match (&status.refused, status.left, &status.session) {
            (Some(refused), _, _) => Self::Refused(refused.reason),
            (None, Some(reason), _) => Self::Left(reason),
            (None, None, Some(_)) => Self::Joined,
            (None, None, None) => Self::Unanswered,
        }
    }
}

/// What to do about it.
#[derive(Debug)]
pub enum Verdict {
    /// Go on.
    Wait,
    /// The channel is over: nothing more comes.
    Over,
    /// Give up.
    GiveUp(Error),
}

/// How long the viewer has waited.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    edge: SocketAddr,
    waiting_since: Option<Instant>,
    was_joined: bool,
}

impl Patience {
    /// A viewer's of the edge at this address.
    #[must_use]
    pub const fn new(edge: SocketAddr) -> Self {
        Self { edge, waiting_since: None, was_joined: false }
    }

    /// Judges the standing at `now`, with `buffer_ms` still to be played.
    pub fn judge(&mut self, now: Instant, standing: Standing, buffer_ms: u32) -> Verdict {
        let since = match standing {
            Standing::Joined => {
                self.was_joined = true;
                self.waiting_since = None;
                return Verdict::Wait;
            }
            Standing::Unanswered | Standing::Refused(_) | Standing::Left(_) => {
                *self.waiting_since.get_or_insert(now)
            }
        };
        let waited = now.since(since);
        let edge = self.edge;
        let is_over = match standing {
            Standing::Left(LeaveReason::Ended) => true,
            // Whoever watched until the edge forgot the channel has seen its end.
            Standing::Refused(RefusalReason::UnknownChannel) => self.was_joined && waited >= UNKNOWN_CHANNEL,
            Standing::Joined | Standing::Unanswered | Standing::Refused(_) | Standing::Left(_) => false,
        };
        if is_over && buffer_ms == 0 {
            return Verdict::Over;
        }
        match standing {
            Standing::Refused(RefusalReason::UnknownChannel) if self.was_joined => Verdict::Wait,
            Standing::Refused(RefusalReason::UnknownChannel) if waited < UNKNOWN_CHANNEL => Verdict::Wait,
            Standing::Refused(reason @ (RefusalReason::UnknownChannel | RefusalReason::Ticket)) => {
                Verdict::GiveUp(Error::Refused { edge, reason: explain(reason).into() })
            }
            Standing::Unanswered if waited >= NO_ANSWER && !self.was_joined => {
                Verdict::GiveUp(Error::NoEdge { edge })
            }
            Standing::Unanswered | Standing::Left(_) if waited >= LOST => {
                Verdict::GiveUp(Error::EdgeLost { edge, silent_s: waited.as_secs() })
            }
            Standing::Joined | Standing::Unanswered | Standing::Refused(_) | Standing::Left(_) => {
                Verdict::Wait
            }
        }
    }
}

/// A refusal in words.
#[must_use]
pub const fn explain(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::UnknownChannel => "there is no such channel: see which there are on the edge's page",
        RefusalReason::NotOnAir => "the channel is not on the air yet: asking again",
        RefusalReason::Saturated => "neither the edge nor a peer has room: asking again",
        RefusalReason::Full => "the edge has as many clients as it takes: asking again",
        RefusalReason::Draining => "the edge is going down: watch at another one",
        RefusalReason::Ticket => "the channel asks for a ticket, and this one is missing, wrong or expired",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGE: SocketAddr =
        SocketAddr::V4(core::net::SocketAddrV4::new(core::net::Ipv4Addr::LOCALHOST, 7_000));

    /// What comes of standings at seconds, one after the other; the buffer is played to its end at second 60.
    fn end_of(standings: &[(u64, Standing)]) -> String {
        let mut patience = Patience::new(EDGE);
        for &(second, standing) in standings {
            let buffer_ms = if second < 60 { 1_000 } else { 0 };
            match patience.judge(Instant::from_millis(second * 1_000), standing, buffer_ms) {
                Verdict::Wait => {}
                Verdict::Over => return format!("{second}: over"),
                Verdict::GiveUp(error) => return format!("{second}: {error}"),
            }
        }
        "waits".into()
    }

    #[test]
    fn a_viewer_waits_as_long_as_it_may_help() {
        use Standing::{Joined, Left, Refused, Unanswered};
        let unknown = Refused(RefusalReason::UnknownChannel);
        for (standings, end) in [
            (&[(0, Unanswered), (9, Unanswered)][..], "waits"),
            (&[(0, Unanswered), (10, Unanswered)], "10: no edge answers at 127.0.0.1:7000"),
            (&[(0, Unanswered), (1, unknown), (4, unknown)], "waits"),
            (
                &[(0, Unanswered), (1, unknown), (5, unknown)],
                "5: the edge at 127.0.0.1:7000 refuses: there is no",
            ),
            (&[(0, unknown), (4, Joined), (20, unknown), (24, unknown)], "waits"),
            (&[(0, Joined), (20, unknown), (59, unknown)], "waits"),
            (&[(0, Joined), (20, unknown), (60, unknown)], "60: over"),
            (&[(0, Refused(RefusalReason::Saturated)), (99, Refused(RefusalReason::Saturated))], "waits"),
            (
                &[(0, Refused(RefusalReason::Ticket))],
                "0: the edge at 127.0.0.1:7000 refuses: the channel asks",
            ),
            (&[(0, Joined), (50, Left(LeaveReason::Silent)), (79, Left(LeaveReason::Silent))], "waits"),
            (
                &[(0, Joined), (50, Left(LeaveReason::Silent)), (80, Left(LeaveReason::Silent))],
                "80: the edge at",
            ),
            (&[(0, Joined), (50, Left(LeaveReason::Ended)), (60, Left(LeaveReason::Ended))], "60: over"),
        ] {
            let got = end_of(standings);
            assert!(got.starts_with(end), "{standings:?}: {got}");
        }
    }
}
