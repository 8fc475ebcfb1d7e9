//! A search on a thread of its own, so that a signal can end it: the best plan so far is what it gives.

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use futures_lite::future;
use livesky_placement::solve::Progress;

use super::screen::Screen;
use crate::failure::Failure;
use crate::signals::Interrupts;

/// What a search asks now and then: whether somebody wants it to end.
#[derive(Clone, Debug, Default)]
pub struct Wish(Arc<AtomicBool>);

impl Wish {
    /// Somebody wants it to end.
    fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody wants it to end.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Shows how far a search is, and tells it whether to go on.
    pub fn on_progress(&self, screen: &mut Screen, progress: &Progress) -> ControlFlow<()> {
        screen.on_progress(progress);
        if self.is_end() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Does `work` until it is done. The first SIGINT or SIGTERM asks it to end with what it has, the second does not wait.
///
/// # Errors
/// A second signal, or a system that lets none be caught.
pub async fn until_done<T: Send + 'static>(
    work: impl FnOnce(&Wish) -> T + Send + 'static,
) -> Result<T, Failure> {
    let mut interrupts = Interrupts::catch()?;
    let wish = Wish::default();
    let asked = wish.clone();
    let working = async { Ok(smol::unblock(move || work(&asked)).await) };
    let stopping = async {
        interrupts.next().await;
        wish.end();
        interrupts.next().await;
        Err(Failure::new("ended before there was a plan to show"))
    };
    future::or(working, stopping).await
}
