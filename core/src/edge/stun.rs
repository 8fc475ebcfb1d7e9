//! STUN: where the edge sees whoever asks, told from either of its sockets. Nothing is kept but the few answers that wait to leave.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use heapless::{Deque, Vec};

use crate::auth::Auth;
use crate::endpoint::{Ecn, Path, Reject, Transmit};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::stun::{StunAddress, StunClass, StunMessage, StunWriter, TransactionId, UNKNOWN_MAX};

use super::config::EdgeSockets;
use super::machine::Edge;

/// Answers that wait. An adapter that drains after each datagram needs one.
const ANSWERS_MAX: usize = 8;
/// Code of an error: attributes that have to be understood are not (RFC 8489 clause 14.8).
const UNKNOWN_ATTRIBUTE: u16 = 420;
/// CHANGE-REQUEST (RFC 5780 clause 7.2), refused where there is no other socket.
const CHANGE_REQUEST: u16 = 0x0003;
/// Bytes of the FINGERPRINT attribute.
const FINGERPRINT_LEN: usize = 8;

/// An answer that waits.
#[derive(Clone, Debug)]
struct Answer {
    path: Path,
    transaction: TransactionId,
    /// Bytes that came: never more go back.
    len_max: u16,
    has_fingerprint: bool,
    /// What was not understood: with any, the answer is an error.
    unknown: Vec<u16, UNKNOWN_MAX>,
}

/// Answers in the order of their questions.
#[derive(Debug, Default)]
pub(super) struct StunAnswers {
    queue: Deque<Answer, ANSWERS_MAX>,
}

impl<S: FrameStore> Edge<'_, S> {
    /// A datagram of STUN: only a Binding request is answered.
    pub(super) fn on_stun(&mut self, path: Path, datagram: &[u8]) -> Result<(), Reject> {
        let message = StunMessage::parse(datagram)?;
        match message.class {
            StunClass::Request => {}
            StunClass::Indication => return Ok(()),
            StunClass::Success | StunClass::Error => return Err(Reject::Unexpected),
        }
        self.is_second_heard |= path.socket != 0;
        let mut unknown = message.unknown;
        let change = message.change;
        if change.ip || (change.port && self.config.sockets.is_none()) {
            // Whatever else there is, this is the reason that tells the most.
            unknown.truncate(UNKNOWN_MAX - 1);
            let _ = unknown.push(CHANGE_REQUEST);
        }
        let socket = if change.port && unknown.is_empty() { path.socket ^ 1 } else { path.socket };
        let answer = Answer {
            path: Path { socket, ecn: Ecn::NotCapable, ..path },
            transaction: message.transaction,
            len_max: u16::try_from(datagram.len()).unwrap_or(u16::MAX),
            has_fingerprint: message.has_fingerprint,
            unknown,
        };
        if self.stun.queue.push_back(answer).is_err() {
            self.stats.replies_dropped += 1;
        }
        Ok(())
    }

    pub(super) fn poll_stun(&mut self, now: Instant, head: &mut [u8]) -> Option<Transmit> {
        while let Some(answer) = self.stun.queue.pop_front() {
            let cookie = self.auth.cookie(now, &answer.path.remote);
            let Some(head_len) = answer.write(self.config.sockets.as_ref(), &cookie, head) else {
                self.stats.stun_unanswered += 1;
                continue;
            };
            self.stats.stun_answers += 1;
            self.egress.take(now, head_len);
            self.stats.on_control(head_len);
            return Some(Transmit { path: answer.path, head_len, body: None });
        }
        None
    }
}

impl Answer {
    /// Writes the answer, the most telling attributes first, as far as `len_max` bytes go. `None`: not even the first fits.
    fn write(&self, sockets: Option<&EdgeSockets>, cookie: &[u8; 16], head: &mut [u8]) -> Option<usize> {
        let len_max = usize::from(self.len_max).min(head.len());
        let tail_len = if self.has_fingerprint { FINGERPRINT_LEN } else { 0 };
        // The last bytes are kept for the fingerprint.
        let out = head.get_mut(..len_max.checked_sub(tail_len)?)?;
        let class = if self.unknown.is_empty() { StunClass::Success } else { StunClass::Error };
        let mut writer = StunWriter::new(out, class, self.transaction)?;
        let is_told = if self.unknown.is_empty() {
            self.push_addresses(sockets, cookie, &mut writer)
        } else {
            writer.error(UNKNOWN_ATTRIBUTE) && writer.unknown(&self.unknown)
        };
        if !is_told {
            return None;
        }
        let len = writer.finish();
        if self.has_fingerprint {
            let whole = head.get_mut(..len.checked_add(FINGERPRINT_LEN)?)?;
            return StunWriter::resume(whole, len, self.transaction)?.finish_with_fingerprint();
        }
        Some(len)
    }

    fn push_addresses(
        &self,
        sockets: Option<&EdgeSockets>,
        cookie: &[u8; 16],
        writer: &mut StunWriter<'_>,
    ) -> bool {
        let remote = self.path.remote;
        let is_told = writer.address(StunAddress::XorMapped, &remote);
        if let Some(sockets) = sockets.filter(|_| is_told) {
            // What has no room is left out.
            let _ = writer
                .address(StunAddress::Other, &as_seen_by(&remote, sockets.of(self.path.socket ^ 1)))
                && writer.cookie(cookie)
                && writer
                    .address(StunAddress::ResponseOrigin, &as_seen_by(&remote, sockets.of(self.path.socket)));
        }
        is_told
    }
}

/// An address of ours for one who reached us by another kind of address: the one it knows, at this port.
fn as_seen_by(remote: &SocketAddr, own: SocketAddr) -> SocketAddr {
    match (remote, own) {
        (SocketAddr::V4(_), SocketAddr::V4(_)) | (SocketAddr::V6(_), SocketAddr::V6(_)) => own,
        (SocketAddr::V4(_), SocketAddr::V6(_)) => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), own.port()).into(),
        (SocketAddr::V6(_), SocketAddr::V4(_)) => (IpAddr::V6(Ipv6Addr::UNSPECIFIED), own.port()).into(),
    }
}
