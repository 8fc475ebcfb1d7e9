//! The interrupt controller, what is done at each interrupt, and sections without any.

use core::arch::{asm, naked_asm};
use core::ptr::NonNull;

use arm_gic::gicv3::registers::{Gicd, GicrSgi};
use arm_gic::gicv3::{GicCpuInterface, GicError, GicV3};
use arm_gic::{IntId, InterruptGroup, Trigger, UniqueMmioPointer};
use critical_section::RawRestoreState;

use super::{net, time, watchdog};

/// The distributor; the redistributor lies 640 KiB above (QEMU, hw/arm/virt.c).
pub(super) const GIC_BASE: usize = 0x0800_0000;
const REDISTRIBUTOR_BASE: usize = 0x080a_0000;
/// Between the most and the least urgent; all lines are equal.
const PRIORITY: u8 = 0x80;
/// Lets every priority through.
const PRIORITY_MASK: u8 = 0xff;

/// Lets the timers' and the network's interrupts through; the processor takes them once it unmasks them.
///
/// # Errors
/// The controller is not the one that was expected.
pub(super) fn start(net_line: IntId) -> Result<(), GicError> {
    let distributor = NonNull::new(core::ptr::with_exposed_provenance_mut::<Gicd>(GIC_BASE));
    let redistributor = NonNull::new(core::ptr::with_exposed_provenance_mut::<GicrSgi>(REDISTRIBUTOR_BASE));
    let (Some(distributor), Some(redistributor)) = (distributor, redistributor) else {
        return Err(GicError::InvalidRedistributorFrameLayout);
    };
    // SAFETY: the machine has its controller there, memory.rs maps it as device memory, and this function runs once.
    let mut gic = unsafe { GicV3::new(UniqueMmioPointer::new(distributor), redistributor, 1)? };
    gic.setup(0);
    GicCpuInterface::set_priority_mask(PRIORITY_MASK);
    for line in [time::LINE, watchdog::LINE, net_line] {
        gic.set_interrupt_priority(line, Some(0), PRIORITY)?;
        gic.set_trigger(line, Some(0), Trigger::Level)?;
        gic.enable_interrupt(line, Some(0), true)?;
    }
    Ok(())
}

/// Serves what is pending, from the vector of interrupts.
pub(super) fn take() {
    // SAFETY: the function keeps to the calling convention and saves what it says.
    unsafe { serve_keeping_vectors() }
}

extern "C" fn serve() {
    while let Some(line) = GicCpuInterface::get_and_acknowledge_interrupt(InterruptGroup::Group1) {
        match line {
            time::LINE => time::on_interrupt(),
            watchdog::LINE => watchdog::on_interrupt(),
            _ => net::on_interrupt(),
        }
        GicCpuInterface::end_interrupt(line, InterruptGroup::Group1);
    }
}

/// Calls [`serve`] with the vector registers saved: the vectors of aarch64-rt save the general ones only, and compiled code
/// moves memory through the others.
///
/// # Safety
/// Needs 560 bytes of stack.
#[unsafe(naked)]
unsafe extern "C" fn serve_keeping_vectors() {
    naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "sub sp, sp, #512",
        "stp q0, q1, [sp, #0]",
        "stp q2, q3, [sp, #32]",
        "stp q4, q5, [sp, #64]",
        "stp q6, q7, [sp, #96]",
        "stp q8, q9, [sp, #128]",
        "stp q10, q11, [sp, #160]",
        "stp q12, q13, [sp, #192]",
        "stp q14, q15, [sp, #224]",
        "stp q16, q17, [sp, #256]",
        "stp q18, q19, [sp, #288]",
        "stp q20, q21, [sp, #320]",
        "stp q22, q23, [sp, #352]",
        "stp q24, q25, [sp, #384]",
        "stp q26, q27, [sp, #416]",
        "stp q28, q29, [sp, #448]",
        "stp q30, q31, [sp, #480]",
        "mrs x9, fpcr",
        "mrs x10, fpsr",
        "stp x9, x10, [sp, #-16]!",
        "bl {serve}",
        "ldp x9, x10, [sp], #16",
        "msr fpcr, x9",
        "msr fpsr, x10",
        "ldp q0, q1, [sp, #0]",
        "ldp q2, q3, [sp, #32]",
        "ldp q4, q5, [sp, #64]",
        "ldp q6, q7, [sp, #96]",
        "ldp q8, q9, [sp, #128]",
        "ldp q10, q11, [sp, #160]",
        "ldp q12, q13, [sp, #192]",
        "ldp q14, q15, [sp, #224]",
        "ldp q16, q17, [sp, #256]",
        "ldp q18, q19, [sp, #288]",
        "ldp q20, q21, [sp, #320]",
        "ldp q22, q23, [sp, #352]",
        "ldp q24, q25, [sp, #384]",
        "ldp q26, q27, [sp, #416]",
        "ldp q28, q29, [sp, #448]",
        "ldp q30, q31, [sp, #480]",
        "add sp, sp, #512",
        "ldp x29, x30, [sp], #16",
        "ret",
        serve = sym serve,
    )
}

/// One processor: without interrupts nothing else runs.
struct Masked;

critical_section::set_impl!(Masked);

// SAFETY: there is one processor, so that between `acquire` and `release` nothing else runs; they nest, since each release puts
// back what its acquire found.
unsafe impl critical_section::Impl for Masked {
    unsafe fn acquire() -> RawRestoreState {
        let before: u64;
        // SAFETY: masks interrupts, and says whether they were masked. Without `nomem`, the compiler keeps accesses inside.
        unsafe {
            asm!("mrs {}, daif", "msr daifset, #2", out(reg) before, options(nostack, preserves_flags))
        };
        before
    }

    unsafe fn release(before: RawRestoreState) {
        // SAFETY: puts the mask back as the paired `acquire` found it.
        unsafe { asm!("msr daif, {}", in(reg) before, options(nostack, preserves_flags)) };
    }
}
