//! The verbs that drive a datagram machine, and the plain data they pass.

use core::net::SocketAddr;

use crate::store::FragmentRef;
use crate::time::Instant;

/// Explicit congestion notification bits of a datagram (RFC 3168 clause 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Ecn {
    /// Not ECN-capable, or unknown to the adapter.
    #[default]
    NotCapable,
    /// ECT(1).
    Capable1,
    /// ECT(0).
    Capable0,
    /// Congestion experienced.
    Experienced,
}

/// Where a datagram came from or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Which of the endpoint's own sockets, in the adapter's numbering.
    pub socket: u8,
    /// The other side.
    pub remote: SocketAddr,
    /// ECN bits, as received or to be set.
    pub ecn: Ecn,
}

impl Path {
    /// The path to `remote` over the endpoint's first socket.
    #[must_use]
    pub const fn to(remote: SocketAddr) -> Self {
        Self { socket: 0, remote, ecn: Ecn::NotCapable }
    }

    /// Whether two paths join the same pair of addresses; ECN bits do not count.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.socket == other.socket && self.remote == other.remote
    }
}

/// One datagram to send: `head_len` bytes the machine wrote to the caller's scratch, then the body, if any, which the
/// caller reads from the machine's frame store. A stale body means: send nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a transmit that is not sent is a lost datagram"]
pub struct Transmit {
    /// Where to.
    pub path: Path,
    /// Bytes of the head in the caller's scratch.
    pub head_len: usize,
    /// The fragment that follows the head.
    pub body: Option<FragmentRef>,
}

/// When a machine wants [`Endpoint::handle_timeout`], and for what: a machine that wakes too often says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deadline {
    /// The point in time, rounded up by the adapter to its own tick.
    pub at: Instant,
    /// The reason.
    pub why: Why,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Why {
    /// A request is unanswered: send it again or give up.
    Request,
    /// Received packets are to be acknowledged.
    Ack,
    /// Packets sent may be lost.
    Loss,
    /// The sender's rate allows the next packet.
    Pacing,
    /// A frame is due at the player, or a stall is to be decided.
    Playout,
    /// A feeder or child has been silent.
    Silence,
    /// Missing frames are to be asked for.
    Pull,
    /// A keep-alive or status is due.
    KeepAlive,
    /// A buffer map is due.
    Map,
    /// A lease or reservation ends.
    Lease,
    /// A minute is over, or a report is sent again.
    Report,
    /// Work is ready at once.
    Ready,
}

/// Why input was ignored. Counted by the machine, never fatal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reject {
    /// The bytes are no datagram of this protocol.
    Malformed,
    /// A version or kind this endpoint does not speak.
    Unsupported,
    /// The proof of origin (cookie, later MAC) is missing or wrong.
    Unauthentic,
    /// It was right once: an old epoch, a passed frame, a closed link.
    Stale,
    /// Already had.
    Duplicate,
    /// A table is full.
    Full,
    /// No link with that id, or not from that address.
    UnknownPeer,
    /// No such channel here.
    UnknownChannel,
    /// Right message, wrong moment or wrong sender.
    Unexpected,
}

impl Reject {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::Unsupported,
        Self::Unauthentic,
        Self::Stale,
        Self::Duplicate,
        Self::Full,
        Self::UnknownPeer,
        Self::UnknownChannel,
        Self::Unexpected,
    ];

    /// Place of the reason in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A datagram machine. Nothing else drives it, besides each role's typed commands.
///
/// Packets are generated from state when polled: there is no outgoing queue, so a caller that does not drain only delays.
pub trait Endpoint {
    /// What the machine tells its owner.
    type Event;

    /// Takes in one datagram.
    ///
    /// # Errors
    /// Says why the datagram was ignored; the machine goes on.
    fn handle_datagram(&mut self, now: Instant, path: Path, datagram: &[u8]) -> Result<(), Reject>;

    /// Lets deadlines up to `now` fire. Afterwards [`Self::poll_timeout`] is later than `now`.
    fn handle_timeout(&mut self, now: Instant);

    /// The next datagram to send, its head written to `head` (at least [`crate::limits::DATAGRAM_LEN_MAX`] bytes; with
    /// less, nothing is sent). Call until `None`, then again after any other verb.
    fn poll_transmit(&mut self, now: Instant, head: &mut [u8]) -> Option<Transmit>;

    /// The next event. Call until `None`.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// When to call [`Self::handle_timeout`]; `None`: only after other input.
    fn poll_timeout(&self) -> Option<Deadline>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_its_socket_and_its_remote() {
        let path = Path::to(([192, 0, 2, 1], 7_000).into());
        assert!(path.is_same(&Path { ecn: Ecn::Experienced, ..path }), "marks come and go");
        assert!(!path.is_same(&Path { socket: 1, ..path }));
        assert!(!path.is_same(&Path::to(([192, 0, 2, 1], 7_001).into())));
    }
}
