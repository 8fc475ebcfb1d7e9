//! Bytes for a test to look at, in a file beside QEMU.

use core::ffi::CStr;

use semihosting::fs::File;
use semihosting::io::Write;

/// A file in QEMU's working folder. Each write stops the whole machine for as long as the computer takes.
pub(crate) struct Recording(Option<File>);

impl Recording {
    /// A file of that name, emptied; without one, what is written is lost and said to be.
    pub(crate) fn create(name: &CStr) -> Self {
        let file = File::create(name).ok();
        if file.is_none() {
            defmt::error!("nothing can be recorded");
        }
        Self(file)
    }

    /// Adds `bytes` at the end.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let is_written = self.0.as_mut().is_none_or(|file| file.write_all(bytes).is_ok());
        if !is_written {
            defmt::error!("the recording ends here");
            self.0 = None;
        }
    }
}
