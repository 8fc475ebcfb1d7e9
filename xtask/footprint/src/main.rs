//! Core linked into an empty firmware: it never runs, it is weighed.
//!
//! Each of core's entry points is called once with arguments the compiler knows nothing about, so that all of it, and
//! nothing else, is linked. One file for each of core's folders.
#![no_std]
#![no_main]

#[cfg(feature = "edge")]
mod edge;
#[cfg(feature = "edge")]
mod link;
mod machine;
#[cfg(feature = "edge")]
mod media;
#[cfg(feature = "edge")]
mod wire;

/// Where the linker starts to look for what is reached.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        let _ = machine::weigh();
        #[cfg(feature = "edge")]
        {
            wire::weigh();
            link::weigh();
            media::weigh();
            let _ = edge::weigh();
        }
    }
}

#[panic_handler]
fn on_panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
