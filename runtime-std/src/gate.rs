//! Polls a part of a driver only when something of that part woke: a round of the loop then costs no idle system calls.

use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

/// Stands between a task's waker and the futures of one part of it. Open at first.
#[derive(Debug)]
pub(crate) struct Gate {
    shared: Arc<Shared>,
    waker: Waker,
}

#[derive(Debug)]
struct Shared {
    is_open: AtomicBool,
    task: Mutex<Waker>,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_open.store(true, Ordering::Release);
        self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
    }
}

impl Gate {
    pub(crate) fn new() -> Self {
        let shared =
            Arc::new(Shared { is_open: AtomicBool::new(true), task: Mutex::new(Waker::noop().clone()) });
        let waker = Waker::from(Arc::clone(&shared));
        Self { shared, waker }
    }

    /// Runs `part` if anything woke it since it was last run. A part that says ready is run again by the next poll.
    pub(crate) fn poll(
        &self,
        cx: &mut Context<'_>,
        part: impl FnOnce(&mut Context<'_>) -> Poll<()>,
    ) -> Poll<()> {
        {
            let mut task = self.shared.task.lock().unwrap_or_else(PoisonError::into_inner);
            if !task.will_wake(cx.waker()) {
                task.clone_from(cx.waker());
            }
        }
        // Closed before the part runs: what wakes during the run opens it for the next.
        if !self.shared.is_open.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let polled = part(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            self.open();
        }
        polled
    }

    /// Lets the next poll through: a deadline of the part has come.
    pub(crate) fn open(&self) {
        self.shared.is_open.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_runs_when_it_woke_and_not_otherwise() {
        let gate = Gate::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut runs = 0;
        let mut kept = None;
        for _ in 0..3 {
            let _ = gate.poll(&mut cx, |cx| {
                runs += 1;
                kept = Some(cx.waker().clone());
                Poll::Pending
            });
        }
        assert_eq!(runs, 1);
        kept.unwrap().wake();
        let _ = gate.poll(&mut cx, |cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        let mut ran_again = false;
        let _ = gate.poll(&mut cx, |_| {
            ran_again = true;
            Poll::Ready(())
        });
        assert!(ran_again, "woken while it ran");
        assert!(gate.poll(&mut cx, |_| Poll::Ready(())).is_ready(), "ready parts run again");
        assert!(gate.poll(&mut cx, |_| Poll::Pending).is_pending());
    }
}
