//! Core linked into an empty firmware: it never runs, it is weighed.
//!
//! Each of core's entry points is called once with arguments the compiler knows nothing about, so that all of it, and
//! nothing else, is linked.
#![no_std]
#![no_main]

use livesky_core as _;

/// Where the linker starts to look for what is reached.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn on_panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
