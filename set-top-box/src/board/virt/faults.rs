//! What cannot be gone on from: reported, and the run ended.

use core::arch::asm;

use aarch64_rt::{ExceptionHandlers, RegisterStateRef, exception_handlers};

use super::{Status, exit, interrupts, memory};

exception_handlers!(Vectors);

struct Vectors;

/// Exception class of a data abort taken at EL1 from EL1 (Arm ARM, ESR_EL1.EC).
const DATA_ABORT: u64 = 0b10_0101;

impl ExceptionHandlers for Vectors {
    extern "C" fn irq_current(_: RegisterStateRef<'_>) {
        interrupts::take();
    }

    extern "C" fn sync_current(state: RegisterStateRef<'_>) {
        let (syndrome, address): (u64, usize);
        // SAFETY: reads two registers that say what happened.
        unsafe {
            asm!("mrs {}, esr_el1", "mrs {}, far_el1", out(reg) syndrome, out(reg) address, options(nomem, nostack));
        }
        if syndrome >> 26 == DATA_ABORT && memory::is_in_guard(address) {
            defmt::error!("stack overflow at {=usize:#x}, by {=usize:#x}", address, state.elr);
            exit(Status::StackOverflow);
        }
        defmt::error!("fault {=u64:#x} at {=usize:#x}, by {=usize:#x}", syndrome, address, state.elr);
        exit(Status::Fault);
    }

    extern "C" fn serror_current(state: RegisterStateRef<'_>) {
        defmt::error!("bus error, by {=usize:#x} or before", state.elr);
        exit(Status::Fault);
    }
}
