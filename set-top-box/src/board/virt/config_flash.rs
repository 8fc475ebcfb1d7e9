//! The config blob stands at the start of the second bank of flash.
//!
//! A file goes there with `-device loader,file=FILE,addr=0x04000000,force-raw=on`, or as the whole bank with
//! `-drive if=pflash,unit=1`. A vendor reads the region that the factory or an operator's tool wrote.

use livesky_stb_settings::BLOB_LEN_MAX;

/// Where the bank begins (QEMU, hw/arm/virt.c).
pub(super) const BASE: usize = 0x0400_0000;

/// What stands there.
pub(super) fn read() -> [u8; BLOB_LEN_MAX] {
    let bank = core::ptr::with_exposed_provenance::<u8>(BASE);
    // SAFETY: the bank is longer than a blob and mapped as device memory, which wants single aligned reads.
    core::array::from_fn(|at| unsafe { bank.add(at).read_volatile() })
}
