//! Tells every connection to come to an end.

use core::convert::Infallible;

use async_channel::{Receiver, Sender};

/// Dropping it ends all that waits for its [`Stopped`].
#[derive(Debug)]
pub struct Stopper {
    _sender: Sender<Infallible>,
}

/// Waits for a [`Stopper`]'s end.
#[derive(Clone, Debug)]
pub struct Stopped(Receiver<Infallible>);

/// A stopper and who waits for it.
#[must_use]
pub fn stopper() -> (Stopper, Stopped) {
    let (sender, receiver) = async_channel::bounded(1);
    (Stopper { _sender: sender }, Stopped(receiver))
}

impl Stopped {
    /// Completes when the stopper is dropped.
    pub async fn wait(&self) {
        let _is_over = self.0.recv().await.is_err();
    }
}
