//! The end of a program that panics, without Rust's standard library.

use core::panic::PanicInfo;

unsafe extern "C" {
    /// C's (C11, 7.22.4.1). SAFETY: it asks nothing of its caller.
    safe fn abort() -> !;
}

/// Core panics on no input; if a defect does, the process ends here.
#[panic_handler]
fn on_panic(_: &PanicInfo<'_>) -> ! {
    abort()
}
