//! What the viewer is told while it runs.

use core::task::{Context, Poll};

use livesky_core::media::ChannelName;

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Another channel.
    Tune(ChannelName),
    /// Take leave of everybody, and end.
    Leave,
}

/// Where orders come from: a remote control, a menu, a test.
pub trait Remote {
    /// The next order. Pending: none, and the task is woken when there is one.
    fn poll_order(&mut self, cx: &mut Context<'_>) -> Poll<Order>;
}

/// Nobody says anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRemote;

impl Remote for NoRemote {
    fn poll_order(&mut self, _: &mut Context<'_>) -> Poll<Order> {
        Poll::Pending
    }
}
