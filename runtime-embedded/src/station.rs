//! What stands before a session and outlives it: an address, the edge's name, an edge that is lost, an address that changes.
//!
//! Pure: it is told what the network is like and says what to do. Nothing it meets is a reason to begin anew from a reset: each trouble is
//! told once when it begins and then ever more seldom, and what can be tried again is, with growing pauses.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use livesky_core::Instant;

use crate::log::{info, warning};

/// The edge, as the owner names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeName<'a> {
    /// By its address.
    Address(IpAddr),
    /// By its name in the DNS.
    Name(&'a str),
}

/// What is wrong, for the log and the health word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Trouble {
    /// No carrier.
    NoLink,
    /// No address: the DHCP server does not answer.
    NoAddress,
    /// The name server does not answer.
    NoNameServer,
    /// The name server knows no such name.
    UnknownName,
    /// The edge does not answer.
    EdgeSilent,
    /// The edge does not let the viewer in.
    Refused,
}

impl Trouble {
    const ALL: [Self; 6] = [
        Self::NoLink,
        Self::NoAddress,
        Self::NoNameServer,
        Self::UnknownName,
        Self::EdgeSilent,
        Self::Refused,
    ];

    /// Its number in the health word, from 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The trouble of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|trouble| trouble.number() == number)
    }

    /// What happened and what to do, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoLink => "no link: is the cable in?",
            Self::NoAddress => "no address: no DHCP server answers; it is asked again and again",
            Self::NoNameServer => "the name server does not answer; asked again soon",
            Self::UnknownName => {
                "the edge's name is not known; check it in the settings; looked up again soon"
            }
            Self::EdgeSilent => "the edge does not answer; asked again and again",
            Self::Refused => "the edge does not let us in; asked again when it said",
        }
    }
}

/// What the network is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The interface has a carrier.
    pub has_link: bool,
    /// The interface's address: the IPv4 one where there are two.
    pub local: Option<IpAddr>,
}

/// How the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// An edge let the viewer in, and is heard.
    Joined,
    /// It is asked, and has not answered.
    Asking,
    /// It said no.
    Refused,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    None,
    /// Look the edge's name up, and tell [`Station::on_resolved`].
    Resolve,
    /// Ask this edge, from this address. What was before is over.
    Join {
        /// The edge.
        edge: SocketAddr,
        /// The interface's address.
        local: IpAddr,
    },
    /// The interface has another address: the edge and the peers are to be told.
    Relocate {
        /// That address.
        local: IpAddr,
    },
}

/// Why a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// Nobody answered.
    NoAnswer,
    /// There is no such name, or it has no address.
    Unknown,
}

/// What the owner wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StationConfig<'a> {
    /// The edge.
    pub edge: EdgeName<'a>,
    /// Its UDP port.
    pub port: u16,
}

/// Trouble is no trouble before it has lasted this long: an address takes a moment, a hello may be lost.
const GRACE: Duration = Duration::from_secs(3);
/// It is told again after this time, then after twice as long, up to the other.
const TELL_AGAIN: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(300)];
/// A name is looked up again after this time, then after twice as long, up to the other.
const RESOLVE_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// An edge that is known by its name and silent for this long may have moved.
const MOVED_AFTER: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Clone, Debug)]
pub struct Station<'a> {
    config: StationConfig<'a>,
    edge: Option<IpAddr>,
    /// What the client was told last: the edge, and our own address.
    told: Option<(IpAddr, IpAddr)>,
    unresolved: Option<Unresolved>,
    resolve_at: Instant,
    resolve_every: Duration,
    is_resolving: bool,
    /// Since when the session lacks an edge.
    lost_since: Option<Instant>,
    /// The trouble there is, since when, and when it is told next.
    trouble: Option<(Trouble, Instant)>,
    tell_at: Instant,
    tell_every: Duration,
    /// Some trouble was told, and its end was not.
    is_told: bool,
}

impl<'a> Station<'a> {
    /// Nothing is known yet.
    #[must_use]
    pub const fn new(config: StationConfig<'a>) -> Self {
        let edge = match config.edge {
            EdgeName::Address(address) => Some(address),
            EdgeName::Name(_) => None,
        };
        Self {
            config,
            edge,
            told: None,
            unresolved: None,
            resolve_at: Instant::ZERO,
            resolve_every: RESOLVE_AGAIN[0],
            is_resolving: false,
            lost_since: None,
            trouble: None,
            tell_at: Instant::ZERO,
            tell_every: TELL_AGAIN[0],
            is_told: false,
        }
    }

    /// Whether the edge's address is known.
    #[must_use]
    pub const fn has_edge(&self) -> bool {
        self.edge.is_some()
    }

    /// Whether the client was told of an edge: before that there is nobody to ask for a channel.
    #[must_use]
    pub const fn has_joined(&self) -> bool {
        self.told.is_some()
    }

    /// The name to look up for [`Step::Resolve`].
    #[must_use]
    pub const fn name(&self) -> &'a str {
        match self.config.edge {
            EdgeName::Name(name) => name,
            EdgeName::Address(_) => "",
        }
    }

    /// The trouble there is, if it has lasted.
    #[must_use]
    pub fn trouble(&self, now: Instant) -> Option<Trouble> {
        self.trouble.filter(|(_, since)| now.since(*since) >= GRACE).map(|(trouble, _)| trouble)
    }

    /// What is to be done at `now`: to be asked once a second, when the network changed, and after each other step until it is
    /// [`Step::None`].
    pub fn poll(&mut self, now: Instant, network: &Network, session: SessionState) -> Step {
        self.look_for_trouble(now, network, session);
        let Some(local) = network.local.filter(|_| network.has_link) else { return Step::None };
        let is_due = !self.is_resolving && self.resolve_at <= now;
        let Some(edge) = self.edge else {
            self.is_resolving |= is_due;
            return if is_due { Step::Resolve } else { Step::None };
        };
        match self.told.replace((edge, local)) {
            Some((told_edge, told_local)) if told_edge == edge && told_local == local => {}
            Some((told_edge, _)) if told_edge == edge => {
                info!("the address of the interface changed");
                return Step::Relocate { local };
            }
            Some(_) | None => return Step::Join { edge: SocketAddr::new(edge, self.config.port), local },
        }
        let is_lost = self.lost_since.is_some_and(|since| now.since(since) >= MOVED_AFTER);
        let may_have_moved = is_lost && matches!(self.config.edge, EdgeName::Name(_));
        if may_have_moved && is_due {
            self.is_resolving = true;
            return Step::Resolve;
        }
        Step::None
    }

    /// The answer to [`Step::Resolve`].
    pub fn on_resolved(&mut self, now: Instant, answer: Result<IpAddr, Unresolved>) {
        self.is_resolving = false;
        self.resolve_at = now + self.resolve_every;
        let [least, most] = RESOLVE_AGAIN;
        self.resolve_every = (self.resolve_every * 2).min(most);
        self.unresolved = answer.err();
        if let Ok(address) = answer {
            self.resolve_every = least;
            if self.lost_since.is_some() {
                // Found where it was: no sooner than it takes to see whether it answers there.
                self.resolve_at = now + MOVED_AFTER;
            }
            self.edge = Some(address);
        }
    }

    fn look_for_trouble(&mut self, now: Instant, network: &Network, session: SessionState) {
        let is_lost = self.told.is_some() && session != SessionState::Joined;
        self.lost_since = is_lost.then(|| self.lost_since.unwrap_or(now));
        let found = if !network.has_link {
            Some(Trouble::NoLink)
        } else if network.local.is_none() {
            Some(Trouble::NoAddress)
        } else {
            match (self.edge, self.unresolved, session) {
                (None, Some(Unresolved::Unknown), _) => Some(Trouble::UnknownName),
                (None, _, _) => Some(Trouble::NoNameServer),
                (Some(_), _, SessionState::Asking) => Some(Trouble::EdgeSilent),
                (Some(_), _, SessionState::Refused) => Some(Trouble::Refused),
                (Some(_), _, SessionState::Joined) => None,
            }
        };
        self.note(now, found);
    }

    fn note(&mut self, now: Instant, found: Option<Trouble>) {
        let Some(trouble) = found else {
            self.trouble = None;
            if core::mem::take(&mut self.is_told) {
                info!("all is well again");
            }
            return;
        };
        let since = self.trouble.filter(|&(known, _)| known == trouble).map(|(_, since)| since);
        if since.is_none() {
            self.trouble = Some((trouble, now));
            self.tell_at = now + GRACE;
            self.tell_every = TELL_AGAIN[0];
        } else if self.tell_at <= now {
            warning!("{}", trouble.as_str());
            self.is_told = true;
            self.tell_at = now + self.tell_every;
            self.tell_every = (self.tell_every * 2).min(TELL_AGAIN[1]);
        }
    }
}

#[cfg(test)]
#[path = "station_tests.rs"]
mod tests;
