//! How a publisher fares, in a line and in JSON, and when it gives up.

use core::net::SocketAddr;
use core::time::Duration;

use livesky_core::Instant;
use livesky_core::wire::stream::StreamRefusal;
use livesky_std::{PublisherState, PublisherStatus};
use serde::Serialize;

use crate::error::Error;
use crate::terminal;

/// A node that could not be reached at first is tried this long.
const NO_NODE: Duration = Duration::from_secs(10);
/// A node notices within 15 s that a connection is dead; until then a publisher that comes back finds its own channel taken.
const TAKEN: Duration = Duration::from_secs(20);

/// A publisher's state for machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishReport {
    /// `connecting`, `on_air`, `waiting`, `refused` or `ended`.
    pub state: &'static str,
    /// Time since the start.
    pub uptime_s: u64,
    /// Frames handed to the edge.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bit/s over the last second.
    pub rate_bps: u64,
    /// Frames of a live input dropped for want of a connection.
    pub frames_dropped: u64,
    /// Frames the protocol cannot carry.
    pub frames_invalid: u64,
    /// Times the connection was made anew.
    pub reconnects: u64,
}

impl PublishReport {
    /// The report of a status; the caller measures `rate_bps` and counts what was dropped.
    #[must_use]
    pub const fn new(status: &PublisherStatus, uptime_s: u64, rate_bps: u64, frames_dropped: u64) -> Self {
        Self {
            state: match status.state {
                PublisherState::Connecting => "connecting",
                PublisherState::OnAir => "on_air",
                PublisherState::Waiting(_) => "waiting",
                PublisherState::Refused(_) => "refused",
                PublisherState::Ended => "ended",
            },
            uptime_s,
            frames: status.frames_sent,
            bytes: status.bytes_sent,
            rate_bps,
            frames_dropped,
            frames_invalid: status.frames_invalid,
            reconnects: status.accepts.saturating_sub(1),
        }
    }

    /// The report in one line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let state = match self.state {
            "on_air" => "on the air",
            "waiting" => "no connection: trying again",
            other => other,
        };
        let mut line = format!(
            "{} {state}  {} frames  {}  {} kbit/s",
            terminal::clock(self.uptime_s),
            self.frames,
            terminal::bytes(self.bytes),
            self.rate_bps / 1_000
        );
        for (count, what) in [
            (self.reconnects, "reconnects"),
            (self.frames_dropped, "frames dropped"),
            (self.frames_invalid, "frames too long"),
        ] {
            if count > 0 {
                line.push_str(&format!("  {count} {what}"));
            }
        }
        line
    }
}

/// How long a publisher that is off the air has been so.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    off_air_since: Instant,
}

impl Patience {
    /// A publisher's that begins at `now`.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { off_air_since: now }
    }

    /// Judges the state at `now`; an error says that there is no point in going on.
    ///
    /// # Errors
    /// A node that cannot be reached from the start, a channel that another publisher has.
    pub fn judge(
        &mut self,
        now: Instant,
        status: &PublisherStatus,
        (node, channel): (SocketAddr, &str),
    ) -> Result<(), Error> {
        let was_on_air = status.accepts > 0;
        let waited = now.since(self.off_air_since);
        match status.state {
            PublisherState::OnAir | PublisherState::Ended => {
                self.off_air_since = now;
                Ok(())
            }
            PublisherState::Refused(reason) if !was_on_air || waited >= TAKEN => {
                Err(Error::ChannelRefused { node, channel: channel.into(), reason: explain(reason) })
            }
            PublisherState::Connecting | PublisherState::Waiting(_) if !was_on_air && waited >= NO_NODE => {
                Err(Error::NoNode { node })
            }
            PublisherState::Connecting | PublisherState::Waiting(_) | PublisherState::Refused(_) => Ok(()),
        }
    }
}

/// A refusal in words.
#[must_use]
pub const fn explain(reason: StreamRefusal) -> &'static str {
    match reason {
        StreamRefusal::ChannelTaken => "another publisher has it: stop that one, or choose another --channel",
        StreamRefusal::Full => "the edge has as many channels as it takes: see its --channels-max",
        StreamRefusal::Invalid => "the edge does not accept its settings",
        StreamRefusal::Version => "the edge speaks another version of the protocol: update the older one",
        StreamRefusal::Ticket => "the edge asks for a ticket, and this one is missing or wrong",
    }
}

#[cfg(test)]
mod tests {
    use livesky_core::relay::StreamError;

    use super::*;

    const NODE: SocketAddr =
        SocketAddr::V4(core::net::SocketAddrV4::new(core::net::Ipv4Addr::LOCALHOST, 7_000));

    fn verdict(states: &[(u64, PublisherState, u64)]) -> String {
        let mut patience = Patience::new(Instant::ZERO);
        for &(second, state, accepts) in states {
            let status = PublisherStatus { state, accepts, ..PublisherStatus::default() };
            let judged = patience.judge(Instant::from_millis(second * 1_000), &status, (NODE, "live1"));
            if let Err(error) = judged {
                return format!("{second}: {error}");
            }
        }
        "goes on".into()
    }

    #[test]
    fn a_publisher_gives_up_at_first_and_comes_back_later() {
        use PublisherState::{Connecting, OnAir, Refused, Waiting};
        let broken = Waiting(StreamError::Broken);
        let taken = Refused(StreamRefusal::ChannelTaken);
        for (states, says) in [
            (&[(1, Connecting, 0), (9, broken, 0)][..], "goes on"),
            (&[(10, broken, 0)], "10: no edge takes publishers at 127.0.0.1:7000"),
            (&[(0, taken, 0)], "0: 127.0.0.1:7000 refuses the channel live1: another publisher has it"),
            (&[(5, OnAir, 1), (500, broken, 1)], "goes on"),
            (&[(5, OnAir, 1), (24, taken, 1)], "goes on"),
            (&[(5, OnAir, 1), (25, taken, 1)], "25: 127.0.0.1:7000 refuses"),
        ] {
            let verdict = verdict(states);
            assert!(verdict.starts_with(says), "{states:?}: {verdict}");
        }
    }

    #[test]
    fn the_line_names_only_the_troubles_there_are() {
        let status = PublisherStatus {
            state: PublisherState::OnAir,
            accepts: 1,
            frames_sent: 50,
            bytes_sent: 100_000,
            ..PublisherStatus::default()
        };
        let line = PublishReport::new(&status, 62, 403_000, 0).line();
        assert_eq!(line, "1:02 on the air  50 frames  100 kB  403 kbit/s");
        assert!(PublishReport::new(&status, 62, 0, 3).line().ends_with("3 frames dropped"));
    }
}
