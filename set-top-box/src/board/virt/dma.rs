//! Memory that devices read and write: RAM is mapped where it is, and caches are coherent with devices.

use core::cell::RefCell;
use core::ptr::NonNull;

use critical_section::Mutex;
use static_cell::ConstStaticCell;
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

use super::memory::PAGE_BYTES;

/// Six for the network's two rings, two for the random number generator's.
const PAGES: usize = 8;
/// Bytes of all pages.
pub(super) const BYTES: usize = PAGES * PAGE_BYTES;

#[repr(C, align(4096))]
struct Page([u8; PAGE_BYTES]);

static MEMORY: ConstStaticCell<[Page; PAGES]> =
    ConstStaticCell::new([const { Page([0; PAGE_BYTES]) }; PAGES]);
static FREE: Mutex<RefCell<Option<&'static mut [Page]>>> = Mutex::new(RefCell::new(None));

/// virtio-drivers' view of memory; physical addresses are the virtual ones.
pub(super) struct Identity;

// SAFETY: `dma_alloc` splits its answers off a static that nothing else names: aligned, zeroed and never given twice.
// Addresses that are shared stay where they are.
unsafe impl Hal for Identity {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let taken = critical_section::with(|section| {
            let mut free = FREE.borrow_ref_mut(section);
            let left = free.take().unwrap_or_else(|| MEMORY.take());
            let (taken, rest) = left.split_at_mut_checked(pages)?;
            *free = Some(rest);
            taken.first_mut().map(|page| NonNull::from(page).cast::<u8>())
        });
        // Address 0 says that there is none.
        taken.map_or((0, NonNull::dangling()), |address| {
            (address.as_ptr().expose_provenance() as PhysAddr, address)
        })
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        // Devices are set up once; what one of them gives back stays unused.
        0
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, _: usize) -> NonNull<u8> {
        // Only PCI asks, which this board does not use.
        let address = core::ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or_default());
        NonNull::new(address).unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        buffer.cast::<u8>().as_ptr().expose_provenance() as PhysAddr
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}
