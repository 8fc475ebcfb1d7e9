//! embassy's clock, in microseconds since the reset, over the processor's virtual timer.

use core::arch::asm;
use core::cell::RefCell;
use core::task::Waker;

use arm_gic::IntId;
use critical_section::Mutex;
use embassy_time_driver::{Driver, TICK_HZ, time_driver_impl};
use embassy_time_queue_utils::Queue;

/// The virtual timer's line (Arm BSA, 3.8.1: PPI 27).
pub(super) const LINE: IntId = IntId::ppi(11);

struct VirtualTimer {
    queue: Mutex<RefCell<Queue>>,
}

time_driver_impl!(static CLOCK: VirtualTimer = VirtualTimer { queue: Mutex::new(RefCell::new(Queue::new())) });

defmt::timestamp!("{=u64:us}", CLOCK.now());

impl Driver for VirtualTimer {
    fn now(&self) -> u64 {
        let (count, frequency) = (count(), frequency_hz());
        // In two parts: the product alone would overflow after some days.
        count / frequency * TICK_HZ + count % frequency * TICK_HZ / frequency
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|section| {
            let mut queue = self.queue.borrow_ref_mut(section);
            if queue.schedule_wake(at, waker) {
                set_alarm(queue.next_expiration(self.now()));
            }
        });
    }
}

/// Wakes whose time has come.
pub(super) fn on_interrupt() {
    critical_section::with(|section| {
        let next = CLOCK.queue.borrow_ref_mut(section).next_expiration(CLOCK.now());
        set_alarm(next);
    });
}

/// At `at_ticks`, or at once when that is past; `u64::MAX`: never.
fn set_alarm(at_ticks: u64) {
    if at_ticks == u64::MAX {
        // SAFETY: turns the timer off.
        unsafe { asm!("msr cntv_ctl_el0, {}", "isb", in(reg) 0_u64, options(nomem, nostack)) };
        return;
    }
    let frequency = frequency_hz();
    // Rounded up: never early.
    let part = (at_ticks % TICK_HZ * frequency).div_ceil(TICK_HZ);
    let at = (at_ticks / TICK_HZ).saturating_mul(frequency).saturating_add(part);
    // SAFETY: sets the timer's only registers; the interrupt stays raised while the count is past the comparator.
    unsafe {
        asm!("msr cntv_cval_el0, {}", "msr cntv_ctl_el0, {}", "isb", in(reg) at, in(reg) 1_u64, options(nomem, nostack));
    }
}

/// Ticks of the processor's own counter since the reset.
pub(super) fn count() -> u64 {
    let count;
    // SAFETY: reads a counter; the barrier keeps the read where it stands.
    unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack)) };
    count
}

/// Ticks of that counter in a second, never 0.
pub(super) fn frequency_hz() -> u64 {
    let frequency: u64;
    // SAFETY: reads a constant.
    unsafe { asm!("mrs {}, cntfrq_el0", out(reg) frequency, options(pure, nomem, nostack)) };
    frequency.max(1)
}
