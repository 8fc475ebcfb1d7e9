//! Core linked into an empty firmware: it never runs, it is weighed.
//!
//! Each of core's entry points is called once with arguments the compiler knows nothing about, so that all of it, and
//! nothing else, is linked. One file for each of core's folders.
#![no_std]
#![no_main]

mod edge;
mod link;
mod machine;
mod media;
mod wire;

/// Where the linker starts to look for what is reached.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        wire::weigh();
        link::weigh();
        media::weigh();
        let _ = machine::weigh();
        let _ = edge::weigh();
    }
}

#[panic_handler]
fn on_panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
