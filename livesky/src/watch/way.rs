//! By which way a viewer is fed: UDP, or HTTP while UDP is blocked.

use core::time::Duration;

use livesky_core::Instant;
use livesky_core::wire::control::LeaveReason;

use super::patience::Standing;

/// UDP that answers nothing for so long counts as blocked.
pub const BLOCKED_AFTER: Duration = Duration::from_secs(3);
/// UDP is tried again this often meanwhile,
pub const UDP_AGAIN: Duration = Duration::from_secs(60);
/// for so long.
pub const UDP_TRIAL: Duration = Duration::from_secs(3);
/// An edge without the stream is asked for it again after this time.
const HTTP_AGAIN: Duration = Duration::from_secs(5);
/// A stream that ended and that its edge has not had for so long is over; until then its publisher, or the edge, may come back.
const GONE_AFTER: Duration = Duration::from_secs(5);

/// Which way it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// UDP, as it should be.
    Udp,
    /// HTTP was asked for the stream.
    Asking,
    /// HTTP feeds.
    Http {
        /// When UDP is tried again.
        again_at: Instant,
    },
    /// HTTP feeds, and UDP is tried.
    Trial {
        /// When it has failed.
        until: Instant,
    },
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Go on.
    Stay,
    /// Ask for the stream by HTTP, the viewer goes on trying.
    AskHttp,
    /// HTTP brings frames: the viewer by UDP may go.
    TakeHttp,
    /// Begin a viewer by UDP beside HTTP.
    TryUdp,
    /// That viewer was not answered: it may go.
    DropTrial,
    /// UDP works: HTTP may end.
    TakeUdp,
    /// HTTP ended: a viewer by UDP again.
    BackToUdp,
    /// The stream ended, and there is none any more: the channel is over.
    Over,
}

/// How a stream by HTTP ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpEnd {
    /// As streams end.
    Ended,
    /// There is none of this name.
    Unknown,
    /// There was no answer, another one, or it broke.
    Failed,
}

/// What is seen of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpState {
    /// Whether the stream is being read.
    pub is_running: bool,
    /// Whether it brought a frame.
    pub has_frames: bool,
    /// How the last one ended; none before, and while one is being read.
    pub end: Option<HttpEnd>,
}

/// Decides on the way.
#[derive(Clone, Copy, Debug)]
pub struct Switch {
    way: Way,
    blocked_since: Option<Instant>,
    /// Not to ask HTTP before.
    http_at: Instant,
    /// When the stream by HTTP ended as streams do; none while there is another.
    ended_at: Option<Instant>,
}

impl Default for Switch {
    fn default() -> Self {
        Self { way: Way::Udp, blocked_since: None, http_at: Instant::ZERO, ended_at: None }
    }
}

impl Switch {
    /// Which way it is.
    #[must_use]
    pub const fn way(&self) -> Way {
        self.way
    }

    /// Looks at UDP and HTTP; to be called about once a second.
    pub fn turn(&mut self, now: Instant, standing: Standing, http: HttpState) -> Turn {
        let (way, turn) = match self.way {
            Way::Udp => self.turn_udp(now, standing),
            Way::Asking if standing == Standing::Joined => (Way::Udp, Turn::TakeUdp),
            Way::Asking if http.has_frames => (Way::Http { again_at: now + UDP_AGAIN }, Turn::TakeHttp),
            Way::Asking if !http.is_running => self.on_unanswered(now, http),
            Way::Trial { .. } if standing == Standing::Joined => (Way::Udp, Turn::TakeUdp),
            Way::Http { .. } | Way::Trial { .. } if !http.is_running => {
                self.ended_at = (http.end == Some(HttpEnd::Ended)).then_some(now);
                (Way::Udp, Turn::BackToUdp)
            }
            Way::Trial { until } if until <= now => {
                (Way::Http { again_at: now + UDP_AGAIN }, Turn::DropTrial)
            }
            Way::Http { again_at } if again_at <= now => {
                (Way::Trial { until: now + UDP_TRIAL }, Turn::TryUdp)
            }
            way @ (Way::Asking | Way::Http { .. } | Way::Trial { .. }) => (way, Turn::Stay),
        };
        if way != self.way {
            self.blocked_since = None;
        }
        if matches!(turn, Turn::TakeUdp | Turn::TakeHttp) || standing == Standing::Joined {
            self.ended_at = None;
        }
        self.way = way;
        turn
    }

    /// HTTP was asked in vain.
    fn on_unanswered(&mut self, now: Instant, http: HttpState) -> (Way, Turn) {
        match self.ended_at {
            Some(ended_at) if http.end == Some(HttpEnd::Unknown) => {
                let is_over = now.since(ended_at) >= GONE_AFTER;
                (Way::Udp, if is_over { Turn::Over } else { Turn::Stay })
            }
            Some(_) | None => {
                self.http_at = now + HTTP_AGAIN;
                (Way::Udp, Turn::Stay)
            }
        }
    }

    fn turn_udp(&mut self, now: Instant, standing: Standing) -> (Way, Turn) {
        let is_silent = match standing {
            Standing::Unanswered | Standing::Left(LeaveReason::Silent) => true,
            Standing::Joined | Standing::Refused(_) | Standing::Left(_) => false,
        };
        if !is_silent {
            self.blocked_since = None;
            return (Way::Udp, Turn::Stay);
        }
        let since = *self.blocked_since.get_or_insert(now);
        if now.since(since) >= BLOCKED_AFTER && self.http_at <= now {
            return (Way::Asking, Turn::AskHttp);
        }
        (Way::Udp, Turn::Stay)
    }
}

#[cfg(test)]
mod tests {
    use livesky_core::wire::control::RefusalReason;

    use super::*;

    const NO_HTTP: HttpState = HttpState { is_running: false, has_frames: false, end: None };
    const ASKED: HttpState = HttpState { is_running: true, has_frames: false, end: None };
    const FED: HttpState = HttpState { is_running: true, has_frames: true, end: None };
    const ENDED: HttpState = HttpState { is_running: false, has_frames: true, end: Some(HttpEnd::Ended) };
    const UNKNOWN: HttpState =
        HttpState { is_running: false, has_frames: false, end: Some(HttpEnd::Unknown) };
    const FAILED: HttpState = HttpState { is_running: false, has_frames: false, end: Some(HttpEnd::Failed) };

    /// The turns other than to go on, with their seconds.
    fn turns(seen: impl Fn(u64) -> (Standing, HttpState)) -> Vec<(u64, Turn)> {
        let mut switch = Switch::default();
        let turn = |second: u64| {
            let (standing, http) = seen(second);
            (second, switch.turn(Instant::from_millis(10_000 + second * 1_000), standing, http))
        };
        (0..140).map(turn).filter(|&(_, turn)| turn != Turn::Stay).collect()
    }

    #[test]
    fn udp_that_is_blocked_is_tried_again_every_minute() {
        let seen = turns(|second| (Standing::Unanswered, if second < 4 { NO_HTTP } else { FED }));
        let expected = [
            (3, Turn::AskHttp),
            (4, Turn::TakeHttp),
            (64, Turn::TryUdp),
            (67, Turn::DropTrial),
            (127, Turn::TryUdp),
            (130, Turn::DropTrial),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn udp_that_answers_again_is_taken() {
        let seen = turns(|second| match second {
            0..4 => (Standing::Unanswered, NO_HTTP),
            4..65 => (Standing::Unanswered, FED),
            _ => (Standing::Joined, if second == 65 { FED } else { NO_HTTP }),
        });
        let expected = [(3, Turn::AskHttp), (4, Turn::TakeHttp), (64, Turn::TryUdp), (65, Turn::TakeUdp)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_edge_without_http_is_asked_again_and_one_that_refuses_is_not() {
        let seen = turns(|second| (Standing::Unanswered, if second == 4 { ASKED } else { NO_HTTP }));
        assert_eq!(seen[..2], [(3, Turn::AskHttp), (10, Turn::AskHttp)]);
        assert!(turns(|_| (Standing::Refused(RefusalReason::Saturated), NO_HTTP)).is_empty());
        assert!(turns(|_| (Standing::Left(LeaveReason::Ended), NO_HTTP)).is_empty());
    }

    #[test]
    fn http_that_ends_gives_udp_another_try() {
        let seen = turns(|second| match second {
            4..20 => (Standing::Unanswered, FED),
            0..23 => (Standing::Unanswered, NO_HTTP),
            _ => (Standing::Joined, NO_HTTP),
        });
        assert_eq!(seen, [(3, Turn::AskHttp), (4, Turn::TakeHttp), (20, Turn::BackToUdp)]);
    }

    #[test]
    fn a_stream_that_ended_and_is_not_known_any_more_is_over() {
        let seen = |answer: HttpState| {
            move |second| match second {
                4..20 => (Standing::Unanswered, FED),
                20 => (Standing::Unanswered, ENDED),
                _ => (Standing::Unanswered, if second < 4 { NO_HTTP } else { answer }),
            }
        };
        let until_the_end =
            [(3, Turn::AskHttp), (4, Turn::TakeHttp), (20, Turn::BackToUdp), (24, Turn::AskHttp)];
        let over = turns(seen(UNKNOWN));
        assert_eq!(over[..4], until_the_end);
        assert_eq!(over[4], (25, Turn::Over));
        for answer in [FAILED, ENDED] {
            let not_over = turns(seen(answer));
            assert_eq!(not_over[..4], until_the_end, "{answer:?}");
            assert!(!not_over.iter().any(|&(_, turn)| turn == Turn::Over), "{answer:?}");
        }
        // One that broke, or never was, is not over.
        let broken = turns(|second| match second {
            4..20 => (Standing::Unanswered, FED),
            0..4 => (Standing::Unanswered, NO_HTTP),
            20 => (Standing::Unanswered, FAILED),
            _ => (Standing::Unanswered, UNKNOWN),
        });
        assert!(!broken.iter().any(|&(_, turn)| turn == Turn::Over), "{broken:?}");
        assert!(!turns(|_| (Standing::Unanswered, UNKNOWN)).iter().any(|&(_, turn)| turn == Turn::Over));
    }

    #[test]
    fn a_trial_during_which_http_ends_is_the_viewer_from_then_on() {
        let seen = turns(|second| match second {
            4..66 => (Standing::Unanswered, FED),
            0..4 => (Standing::Unanswered, NO_HTTP),
            66 => (Standing::Unanswered, ENDED),
            _ => (Standing::Joined, NO_HTTP),
        });
        let expected = [(3, Turn::AskHttp), (4, Turn::TakeHttp), (64, Turn::TryUdp), (66, Turn::BackToUdp)];
        assert_eq!(seen, expected);
    }
}
