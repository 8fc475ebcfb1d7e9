//! From the reset to `crate::start`.

use core::arch::asm;

use aarch64_rt::entry;
use livesky_stb_settings::BLOB_LEN_MAX;

use super::memory::{FAULT_STACK_TOP, MAIN_STACK_TOP};
use super::{Net, Seed, Status, Watchdog, config_flash, entropy, executor, exit, interrupts, net};

/// What the hardware gives the program.
pub(crate) struct Board {
    /// Ethernet.
    pub(crate) net: Net,
    /// To be fed.
    pub(crate) watchdog: Watchdog,
    /// What this start differs in from every other.
    pub(crate) seed: Seed,
    /// What stands where the config blob belongs.
    pub(crate) config: [u8; BLOB_LEN_MAX],
}

// The one page is the stack up to `enter`.
entry!(enter, 1);

/// Leaves the start-up stack for good.
fn enter(_: u64, _: u64, _: u64, _: u64) -> ! {
    // SAFETY: both stacks are mapped by memory.rs and used by nothing else. SP_EL1 is what exceptions run on; from here on
    // the program runs on SP_EL0, so that a fault of its stack finds another one. Nothing of this frame is used again.
    unsafe {
        asm!(
            "mov sp, {faults}",
            "msr sp_el0, {main}",
            "msr spsel, #0",
            "isb",
            "mov x29, xzr",
            "mov x30, xzr",
            "b {next}",
            faults = in(reg) FAULT_STACK_TOP,
            main = in(reg) MAIN_STACK_TOP,
            next = sym run,
            options(noreturn),
        )
    }
}

extern "C" fn run() -> ! {
    let Some((net, net_line)) = net::find() else {
        defmt::error!("no network device");
        exit(Status::NoDevice);
    };
    let seed = entropy::seed(net.mac_address());
    if interrupts::start(net_line).is_err() {
        defmt::error!("no interrupt controller");
        exit(Status::NoDevice);
    }
    let board = Board { net, watchdog: Watchdog::new(), seed, config: config_flash::read() };
    executor::run(|spawner| crate::start(spawner, board))
}
