//! A bug that noticed itself: reported, and the run ended.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::board::{self, Status};

static IS_REPORTED: AtomicBool = AtomicBool::new(false);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // The logger may be what panicked: one report is all there is.
    if !IS_REPORTED.swap(true, Ordering::Relaxed) {
        let what = info.message().as_str().unwrap_or("see there");
        match info.location() {
            Some(place) => defmt::error!("panic at {=str}:{=u32}: {=str}", place.file(), place.line(), what),
            None => defmt::error!("panic: {=str}", what),
        }
    }
    board::exit(Status::Panic)
}
