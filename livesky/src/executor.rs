//! The program's threads: one executor for the tasks of publishing, watching and the demo.

use core::future::{Future, pending};
use core::num::NonZero;
use std::sync::Once;
use std::thread;

use smol::{Executor, Task};

/// Most threads: a driver is one task, more threads only move it about.
const THREADS_MAX: usize = 8;

static EXECUTOR: Executor<'static> = Executor::new();
static THREADS: Once = Once::new();

/// Spawns a task on a thread for each processor core. It ends when the handle is dropped.
pub fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> Task<T> {
    THREADS.call_once(start);
    EXECUTOR.spawn(task)
}

fn start() {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    for _ in 0..cores.min(THREADS_MAX) {
        let work = || smol::block_on(EXECUTOR.run(pending::<()>()));
        // A system that grants fewer threads leaves the work to those there are.
        let _thread = thread::Builder::new().name("livesky".into()).spawn(work);
    }
}
