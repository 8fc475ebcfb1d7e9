//! The slots in which the machine has its virtio devices.

use core::ptr::NonNull;

use arm_gic::IntId;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};
use virtio_drivers::transport::{DeviceType, Transport};

/// The first slot (QEMU, hw/arm/virt.c).
pub(super) const BASE: usize = 0x0a00_0000;
const SLOT_BYTES: usize = 0x200;
const SLOTS: u32 = 32;
/// The first slot's line, among those that processors share.
const LINE_FIRST: u32 = 16;

// Registers of a slot (virtio 1.2, 4.2.2).
const INTERRUPT_STATUS: usize = 0x60;
const INTERRUPT_ACK: usize = 0x64;
const CONFIG: usize = 0x100;

/// One of the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u32);

impl Slot {
    fn address(self, register: usize) -> usize {
        BASE + self.0 as usize * SLOT_BYTES + register
    }

    /// Its interrupt.
    pub(super) fn line(self) -> IntId {
        IntId::spi(LINE_FIRST + self.0)
    }

    /// Its place among the slots.
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// The slot at that place.
    pub(super) fn at(number: u32) -> Option<Self> {
        (number < SLOTS).then_some(Self(number))
    }

    /// Takes the interrupt's cause back, whatever it was.
    pub(super) fn acknowledge(self) {
        let status = core::ptr::with_exposed_provenance::<u32>(self.address(INTERRUPT_STATUS));
        let acknowledge = core::ptr::with_exposed_provenance_mut::<u32>(self.address(INTERRUPT_ACK));
        // SAFETY: registers of a slot that exists; the driver in virtio-drivers touches them only when asked to, and nobody asks.
        unsafe { acknowledge.write_volatile(status.read_volatile()) };
    }

    /// 16 bits of the device's own configuration, at an even offset below 256.
    pub(super) fn config_u16(self, offset: u8) -> u16 {
        let field =
            core::ptr::with_exposed_provenance::<u16>(self.address(CONFIG) + usize::from(offset & !1));
        // SAFETY: inside the slot, and aligned; reading configuration changes nothing.
        unsafe { field.read_volatile() }
    }
}

/// The first slot with such a device.
pub(super) fn find(kind: DeviceType) -> Option<(Slot, MmioTransport<'static>)> {
    (0..SLOTS).map(Slot).find_map(|slot| {
        let header = NonNull::new(core::ptr::with_exposed_provenance_mut::<VirtIOHeader>(slot.address(0)))?;
        // SAFETY: the machine has 32 slots there, mapped for ever. Each kind of device is looked for once, so that no device
        // gets two drivers; other devices are only asked for their kind.
        let transport = unsafe { MmioTransport::new(header, SLOT_BYTES) }.ok()?;
        if transport.device_type() == kind {
            return Some((slot, transport));
        }
        // Dropped, it would reset the device, which may have its driver already.
        core::mem::forget(transport);
        None
    })
}
