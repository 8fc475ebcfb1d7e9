//! The driver's end of the channel a handle commands it through.

use core::pin::Pin;
use core::task::{Context, Poll};

use async_channel::{Receiver, Sender};
use futures_lite::Stream;

/// Commands that may wait; a sender then waits too.
const COMMANDS_MAX: usize = 16;

/// Commands in the order they were sent.
pub(crate) struct Commands<T>(Pin<Box<Receiver<T>>>);

impl<T> Commands<T> {
    /// A channel for commands.
    pub(crate) fn channel() -> (Sender<T>, Self) {
        Self::bounded(COMMANDS_MAX)
    }

    /// A channel in which at most `capacity` wait.
    pub(crate) fn bounded(capacity: usize) -> (Sender<T>, Self) {
        let (sender, receiver) = async_channel::bounded(capacity);
        (sender, Self(Box::pin(receiver)))
    }

    /// The next command; `None` when every handle is gone.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// Where the answer to a command goes; nobody may wait for it any more.
pub(crate) struct Reply<T>(Sender<T>);

impl<T> Reply<T> {
    pub(crate) fn send(self, answer: T) {
        let _is_awaited = self.0.try_send(answer).is_ok();
    }
}

/// Sends a command that is answered; `None` when the driver is gone.
pub(crate) async fn ask<C, T>(commands: &Sender<C>, command: impl FnOnce(Reply<T>) -> C) -> Option<T> {
    let (sender, answer) = async_channel::bounded(1);
    commands.send(command(Reply(sender))).await.ok()?;
    answer.recv().await.ok()
}
