//! What the NAT on the way does: two ports of the edge are asked by STUN, and peers tell what they see (`docs/wire.md`,
//! "Reachability").
//!
//! Filtering comes first: an answer from the second port counts only while nothing was sent there, since sending opens the filter.

use core::net::SocketAddr;
use core::time::Duration;

use super::machine::Client;
use super::peer::EDGE;
use crate::endpoint::{Path, Reject, Transmit};
use crate::nat::{CompactAddress, NatClass, NatFiltering, NatMapping, is_local};
use crate::store::{FrameStore, as_many_as_fit};
use crate::time::Instant;
use crate::wire::control::{Cookie, Reach};
use crate::wire::stun::{Change, StunClass, StunMessage, StunWriter, TransactionId};
use crate::wire::{ControlWriter, Message};

/// Waits for an answer before a question is repeated.
const WAITS_MS: [u64; 6] = [50, 100, 200, 400, 800, 1_600];
/// How long the second port's answer may come after the main port's: they were asked for together.
const GRACE: Duration = Duration::from_millis(100);
/// An edge that answers nothing is asked again after this time.
const AGAIN: Duration = Duration::from_secs(30);
/// Bytes of a request: as many as the longest answer.
const REQUEST_LEN: usize = 120;
/// Of those, the fingerprint's.
const FINGERPRINT_LEN: usize = 8;
/// Reports from one that tells another address to the next.
const ALSO_EVERY: u8 = 10;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// The main port, plainly.
    Main,
    /// The main port, to be answered by the second.
    Changed,
    /// The second port.
    Second,
    /// The edge's other address.
    Also,
}

impl Question {
    const ALL: [Self; 4] = [Self::Main, Self::Changed, Self::Second, Self::Also];

    const fn bit(self) -> u8 {
        match self {
            Self::Main => 1,
            Self::Changed => 2,
            Self::Second => 4,
            Self::Also => 8,
        }
    }

    fn from_bit(bit: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|question| question.bit() == bit)
    }
}

/// Which answers are awaited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing was asked.
    #[default]
    Idle,
    /// The main port's and, by its order, the second's.
    Filtering,
    /// The second port's, for a moment yet.
    Grace,
    /// The second port's about its own.
    Mapping,
    /// None.
    Done,
}

/// The state of the questions, and what came of them.
#[derive(Clone, Debug)]
pub(super) struct Discovery {
    /// Start of the transaction ids; the question is in the last byte.
    id: u64,
    at: Instant,
    class: NatClass,
    stage: Stage,
    tries: u8,
    /// Questions to be sent, as bits.
    owed: u8,
    /// Peers that see the same address as the edge, and another.
    agreeing: u8,
    differing: u8,
    second_port: u16,
    /// Where the main port sees us.
    mapped: CompactAddress,
    /// Where the edge's other address sees us, and its proof.
    also_at: CompactAddress,
    cookie: Cookie,
    reports: u8,
}

impl Discovery {
    pub(super) const EMPTY: Self = Self {
        id: 0,
        at: Instant::FAR_FUTURE,
        class: NatClass::UNKNOWN,
        stage: Stage::Idle,
        tries: 0,
        owed: 0,
        agreeing: 0,
        differing: 0,
        second_port: 0,
        mapped: CompactAddress::NONE,
        also_at: CompactAddress::NONE,
        cookie: [0; 16],
        reports: 0,
    };

    /// When a question is due again.
    pub(super) const fn deadline(&self) -> Instant {
        self.at
    }

    /// What is known of the NAT.
    pub(super) fn class(&self) -> NatClass {
        let is_varied = self.class.mapping == NatMapping::Independent && self.differing > self.agreeing;
        let mapping = if is_varied { NatMapping::AddressDependent } else { self.class.mapping };
        NatClass { mapping, ..self.class }
    }

    #[cfg(test)]
    pub(super) const fn set_class(&mut self, class: NatClass) {
        self.class = class;
    }

    /// A peer told where it sees us: whether that is where the edge does.
    pub(super) fn on_seen(&mut self, is_same: bool) {
        let votes = if is_same { &mut self.agreeing } else { &mut self.differing };
        *votes = votes.saturating_add(1);
    }

    /// Asks from the beginning.
    fn start(&mut self, now: Instant, id: u64) {
        let owed = Question::Main.bit() | Question::Changed.bit();
        let (also_at, cookie) = (self.also_at, self.cookie);
        *self = Self { id, also_at, cookie, stage: Stage::Filtering, owed, ..Self::EMPTY };
        self.wait(now);
    }

    /// Asks no more; the next session asks from the beginning.
    pub(super) fn stop(&mut self) {
        *self = Self::EMPTY;
    }

    fn wait(&mut self, now: Instant) {
        let wait_ms = WAITS_MS.get(usize::from(self.tries)).copied().unwrap_or(0);
        self.at = now + Duration::from_millis(wait_ms);
    }

    fn end(&mut self) {
        self.stage = Stage::Done;
        self.at = Instant::FAR_FUTURE;
    }

    /// The time for an answer is over. `true`: the class changed.
    fn on_due(&mut self, now: Instant) -> bool {
        self.tries = self.tries.saturating_add(1);
        let is_given_up = usize::from(self.tries) >= WAITS_MS.len();
        match self.stage {
            Stage::Idle | Stage::Done => self.at = Instant::FAR_FUTURE,
            Stage::Filtering | Stage::Mapping if is_given_up => {
                self.end();
                self.at = now + AGAIN;
            }
            Stage::Filtering => {
                self.owed |= Question::Main.bit() | Question::Changed.bit();
                self.wait(now);
            }
            Stage::Mapping => {
                self.owed |= Question::Second.bit();
                self.wait(now);
            }
            Stage::Grace => {
                self.class.filtering = NatFiltering::PortDependent;
                self.ask_mapping(now);
                return true;
            }
        }
        false
    }

    fn ask_mapping(&mut self, now: Instant) {
        if self.class.mapping == NatMapping::Direct {
            self.end();
            return;
        }
        self.stage = Stage::Mapping;
        self.tries = 0;
        self.owed = (self.owed & Question::Also.bit()) | Question::Second.bit();
        self.wait(now);
    }

    /// The main port sees us at `mapped`; `other` is its second port, if it has one.
    fn on_main(
        &mut self,
        now: Instant,
        mapped: SocketAddr,
        other: Option<SocketAddr>,
        local: Option<SocketAddr>,
    ) {
        self.mapped = mapped.into();
        if local == Some(mapped) {
            self.class.mapping = NatMapping::Direct;
        }
        match other {
            // An edge with one socket can tell no more.
            None => self.end(),
            Some(other) => {
                self.second_port = other.port();
                if self.class.filtering == NatFiltering::Unknown {
                    self.stage = Stage::Grace;
                    self.owed |= Question::Changed.bit();
                    self.at = now + GRACE;
                } else {
                    self.ask_mapping(now);
                }
            }
        }
    }
}

impl<S: FrameStore> Client<'_, S> {
    /// Asks about the NAT, unless that was done and nothing changed since.
    pub(super) fn discover(&mut self, now: Instant) {
        if self.discovery.stage == Stage::Idle {
            self.discover_anew(now);
        }
    }

    fn discover_anew(&mut self, now: Instant) {
        let id = self.rng.next_u64();
        self.discovery.start(now, id);
    }

    /// The edge let us in, and sees us at `observed`.
    pub(super) fn on_observed(&mut self, now: Instant, observed: SocketAddr) {
        let is_moved = self.discovery.mapped.get().is_some_and(|mapped| mapped != observed);
        if is_moved {
            self.discover_anew(now);
        }
        if self.config.edge_also.is_some() {
            self.discovery.owed |= Question::Also.bit();
        }
        self.discovery.reports = 0;
        self.owe(EDGE, |owed| owed.status = true);
    }

    pub(super) fn on_discovery_due(&mut self, now: Instant) {
        if self.discovery.at > now {
            return;
        }
        if self.discovery.stage == Stage::Done {
            self.discover_anew(now);
        } else if self.discovery.on_due(now) {
            self.owe(EDGE, |owed| owed.status = true);
        }
    }

    fn address_for(&self, question: Question) -> Option<SocketAddr> {
        let edge = self.edge;
        match question {
            Question::Main | Question::Changed => Some(edge),
            Question::Second => Some(SocketAddr::new(edge.ip(), self.discovery.second_port)),
            Question::Also => self.config.edge_also,
        }
    }

    pub(super) fn poll_stun(&mut self, head: &mut [u8]) -> Option<Transmit> {
        while let Some(question) = lowest(self.discovery.owed) {
            self.discovery.owed &= !question.bit();
            let Some(remote) = self.address_for(question) else { continue };
            let [a, b, c, d, e, f, g, h] = self.discovery.id.to_be_bytes();
            let transaction = TransactionId([a, b, c, d, e, f, g, h, 0, 0, 0, question.bit()]);
            let mut writer = StunWriter::new(head, StunClass::Request, transaction)?;
            if question == Question::Changed && !writer.change(Change { ip: false, port: true }) {
                continue;
            }
            writer.pad_to(REQUEST_LEN - FINGERPRINT_LEN);
            let head_len = writer.finish_with_fingerprint()?;
            self.stats.on_control_sent(head_len);
            return Some(Transmit { path: self.path_to(remote), head_len, body: None });
        }
        None
    }

    pub(super) fn on_stun(&mut self, now: Instant, path: &Path, datagram: &[u8]) -> Result<(), Reject> {
        let message = StunMessage::parse(datagram)?;
        if message.class != StunClass::Success {
            return Err(Reject::Unexpected);
        }
        let [a, b, c, d, e, f, g, h, .., bit] = message.transaction.0;
        let question = Question::from_bit(bit);
        let question = question.filter(|_| u64::from_be_bytes([a, b, c, d, e, f, g, h]) == self.discovery.id);
        let (question, mapped) = question.zip(message.mapped).ok_or(Reject::Unauthentic)?;
        let is_from_asked = self.address_for(question) == Some(path.remote);
        let edge = self.edge;
        let is_from = match question {
            Question::Changed => path.remote.ip() == edge.ip() && path.remote.port() != edge.port(),
            Question::Main | Question::Second | Question::Also => is_from_asked,
        };
        if !is_from {
            return Err(Reject::Unauthentic);
        }
        let before = self.discovery.class;
        let discovery = &mut self.discovery;
        match (question, discovery.stage) {
            (Question::Main, Stage::Filtering) => {
                discovery.on_main(now, mapped, message.other, self.config.local);
            }
            (Question::Changed, Stage::Filtering) => {
                discovery.class.filtering = NatFiltering::AddressDependent;
            }
            (Question::Changed, Stage::Grace) => {
                discovery.class.filtering = NatFiltering::AddressDependent;
                discovery.ask_mapping(now);
            }
            (Question::Second, Stage::Mapping) => {
                let is_same = discovery.mapped.is(&mapped);
                discovery.class.mapping =
                    if is_same { NatMapping::Independent } else { NatMapping::PortDependent };
                discovery.end();
            }
            (Question::Also, _) => {
                discovery.also_at = mapped.into();
                discovery.cookie = message.cookie.ok_or(Reject::Unexpected)?;
                discovery.reports = 0;
            }
            (Question::Main | Question::Changed | Question::Second, _) => return Err(Reject::Stale),
        }
        if self.discovery.class != before {
            self.owe(EDGE, |owed| owed.status = true);
        }
        Ok(())
    }

    /// A peer came from an address that was never sent anything, as far as is known: nothing keeps it out.
    pub(super) fn note_unsolicited(&mut self, remote: &SocketAddr) {
        let is_elsewhere = self.peers.iter().all(|peer| peer.remote.ip() != remote.ip());
        let filtering = &mut self.discovery.class.filtering;
        if *filtering == NatFiltering::AddressDependent && is_elsewhere && !is_local(&remote.ip()) {
            *filtering = NatFiltering::Independent;
        }
    }

    /// Tells the edge how we are reached, behind the status.
    pub(super) fn push_reach(&mut self, writer: &mut ControlWriter<'_>) {
        let reach = Reach {
            nat: self.discovery.class(),
            private: self.config.local.filter(|local| is_local(&local.ip())),
            met: self.stats.peers_met,
            unmet: self.stats.peers_unmet,
            unmet_list: as_many_as_fit(self.unmet.iter().map(|(client, _)| *client)),
        };
        // Without room it goes with the next status.
        if !writer.push(&Message::Reach(reach)) {
            return;
        }
        for (_, reports) in &mut self.unmet {
            *reports = reports.saturating_sub(1);
        }
        self.unmet.retain(|(_, reports)| *reports > 0);
        let discovery = &mut self.discovery;
        if let Some(address) = discovery.also_at.get().filter(|_| discovery.reports == 0) {
            let _ = writer.push(&Message::AlsoAt { address, cookie: discovery.cookie });
        }
        discovery.reports = (discovery.reports + 1) % ALSO_EVERY;
    }
}

/// The first of the questions owed.
fn lowest(owed: u8) -> Option<Question> {
    Question::ALL.into_iter().find(|question| owed & question.bit() != 0)
}
