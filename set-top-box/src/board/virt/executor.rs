//! Runs tasks, and sleeps in WFI when none has work.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::{Spawner, raw};
use static_cell::StaticCell;

static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
static HAS_WORK: AtomicBool = AtomicBool::new(false);

/// Called by the executor, also from interrupts, when a task was woken.
#[unsafe(export_name = "__pender")]
fn pender(_context: *mut ()) {
    HAS_WORK.store(true, Ordering::Release);
}

/// Runs what `start` spawns, for ever.
pub(super) fn run(start: impl FnOnce(Spawner)) -> ! {
    let executor: &'static raw::Executor = EXECUTOR.init_with(|| raw::Executor::new(core::ptr::null_mut()));
    start(executor.spawner());
    arm_gic::irq_enable();
    loop {
        // SAFETY: this is the only call of `poll`, and the pender does not call it.
        unsafe { executor.poll() };
        // Masked, an interrupt between the look and the sleep still ends the WFI, and is taken once unmasked.
        arm_gic::irq_disable();
        if !HAS_WORK.swap(false, Ordering::Acquire) {
            arm_gic::wfi();
        }
        arm_gic::irq_enable();
    }
}
