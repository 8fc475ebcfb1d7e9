//! What the loop needs of a network: three methods.

use core::net::SocketAddr;
use core::task::{Context, Poll};

/// A datagram that cannot be sent: there is no route, or no address to send from. It counts as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotSent;

/// A UDP socket that is bound. Datagrams are taken and written where they lie in the stack's buffers.
pub trait UdpSocket {
    /// Hands the oldest datagram to `take`, with its source. Pending: there is none, and the task is woken when one comes.
    fn poll_receive<R>(&mut self, cx: &mut Context<'_>, take: impl FnOnce(SocketAddr, &[u8]) -> R)
    -> Poll<R>;

    /// Lets `fill` write a datagram of exactly `len` bytes for `remote`. Pending: there is no room, `fill` was not called, and the task
    /// is woken when there is.
    ///
    /// # Errors
    /// [`NotSent`]; `fill` may have been called.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        remote: SocketAddr,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Poll<Result<(), NotSent>>;

    /// Ready: every datagram has left the stack's buffers, and the socket may be closed. Pending: some wait there, and the task is woken
    /// when they have gone.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}
