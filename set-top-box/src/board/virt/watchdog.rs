//! The machine has no watchdog: the processor's second timer stands for one. It needs interrupts to be unmasked, which a real
//! one does not.

use core::arch::asm;

use arm_gic::IntId;
use embassy_time::Duration;

use super::{Status, exit, time};

/// The physical timer's line (Arm BSA, 3.8.1: PPI 30).
pub(super) const LINE: IntId = IntId::ppi(14);

/// Ends the run when it is not fed. It begins with the first meal.
pub(crate) struct Watchdog(());

impl Watchdog {
    /// How long it goes without a meal.
    pub(crate) const LIMIT: Duration = Duration::from_secs(5);

    pub(super) const fn new() -> Self {
        Self(())
    }

    /// Puts the end off to [`Self::LIMIT`] from here.
    pub(crate) fn feed(&mut self) {
        let end = time::count() + Self::LIMIT.as_secs() * time::frequency_hz();
        // SAFETY: sets the registers of a timer that nothing else uses; both timers count alike without a hypervisor.
        unsafe {
            asm!("msr cntp_cval_el0, {}", "msr cntp_ctl_el0, {}", "isb", in(reg) end, in(reg) 1_u64, options(nomem, nostack));
        }
    }
}

/// Nobody fed it.
pub(super) fn on_interrupt() {
    defmt::error!("watchdog: not fed for {=u64} s", Watchdog::LIMIT.as_secs());
    exit(Status::Watchdog)
}
