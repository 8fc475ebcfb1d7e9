//! Ethernet: embassy-net's driver over virtio-net, both rings served by interrupt.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::Context;

use arm_gic::IntId;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::DeviceType;
use virtio_drivers::transport::mmio::MmioTransport;

use super::dma::{self, Identity};
use super::mmio::{self, Slot};

/// Descriptors of a ring: what arrives at once and is not lost. QEMU's receive ring has no more unless told so.
const RING_LEN: usize = 256;
/// Frames on their way out; more wait in the sockets.
const TRANSMIT_LEN: usize = 64;
/// Bytes of a frame without its checksum.
const FRAME_LEN_MAX: usize = 1514;
/// Bytes of a buffer: virtio-net's header, a frame, rounded up to whole cache lines.
const BUFFER_LEN: usize = 1536;
/// Offset of the link's state in the device's configuration (virtio 1.2, 5.1.4), and its bit.
const STATUS: u8 = 6;
const STATUS_LINK_UP: u16 = 1;

/// Bytes of rings and buffers.
pub(crate) const NETWORK_BYTES: usize = (RING_LEN + TRANSMIT_LEN) * size_of::<Buffer>() + dma::BYTES;

type Device = VirtIONetRaw<Identity, MmioTransport<'static>, RING_LEN>;
/// Which buffer belongs to which descriptor.
type Owners = [u16; RING_LEN];

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Buffer([u8; BUFFER_LEN]);

static RECEIVE: ConstStaticCell<[Buffer; RING_LEN]> =
    ConstStaticCell::new([Buffer([0; BUFFER_LEN]); RING_LEN]);
static TRANSMIT: ConstStaticCell<[Buffer; TRANSMIT_LEN]> =
    ConstStaticCell::new([Buffer([0; BUFFER_LEN]); TRANSMIT_LEN]);
/// One task polls the device: receiving, sending and the link's state share its waker.
static WAKER: AtomicWaker = AtomicWaker::new();
/// Where the device is, for its interrupts.
static SLOT: AtomicU32 = AtomicU32::new(0);

/// The network device.
pub(crate) struct Net {
    slot: Slot,
    device: RefCell<Device>,
    receive: Receive,
    transmit: Transmit,
}

struct Receive {
    buffers: &'static mut [Buffer; RING_LEN],
    owners: Owners,
}

struct Transmit {
    buffers: &'static mut [Buffer; TRANSMIT_LEN],
    /// Bytes in each buffer, header included.
    lens: [u16; TRANSMIT_LEN],
    owners: Owners,
    free: heapless::Vec<u16, TRANSMIT_LEN>,
}

/// The machine's first network device and its line; to be called once.
pub(super) fn find() -> Option<(Net, IntId)> {
    let (slot, transport) = mmio::find(DeviceType::Network)?;
    let mut device = Device::new(transport).ok()?;
    let mut receive = Receive { buffers: RECEIVE.take(), owners: [0; RING_LEN] };
    for index in 0..RING_LEN {
        receive.offer(&mut device, index);
    }
    let transmit = Transmit {
        buffers: TRANSMIT.take(),
        lens: [0; TRANSMIT_LEN],
        owners: [0; RING_LEN],
        free: (0_u16..).take(TRANSMIT_LEN).collect(),
    };
    SLOT.store(slot.number(), Ordering::Relaxed);
    Some((Net { slot, device: RefCell::new(device), receive, transmit }, slot.line()))
}

/// Packets arrived, packets left, or the link changed.
pub(super) fn on_interrupt() {
    if let Some(slot) = Slot::at(SLOT.load(Ordering::Relaxed)) {
        slot.acknowledge();
    }
    WAKER.wake();
}

impl Net {
    /// Its Ethernet address.
    pub(super) fn mac_address(&self) -> [u8; 6] {
        self.device.borrow().mac_address()
    }
}

impl Receive {
    /// Lends a buffer to the device.
    fn offer(&mut self, device: &mut Device, index: usize) {
        let Some(buffer) = self.buffers.get_mut(index) else {
            return;
        };
        // SAFETY: the buffer is static, and `take` alone touches it, once the device has given it back.
        let token = unsafe { device.receive_begin(&mut buffer.0) };
        if let Ok(token) = token
            && let Some(owner) = self.owners.get_mut(usize::from(token))
        {
            *owner = u16::try_from(index).unwrap_or_default();
        }
    }

    /// The buffer that the device filled next, and where the frame lies in it.
    fn take(&mut self, device: &mut Device) -> Option<(usize, core::ops::Range<usize>)> {
        loop {
            let token = device.poll_receive()?;
            let index = usize::from(*self.owners.get(usize::from(token))?);
            let buffer = self.buffers.get_mut(index)?;
            // SAFETY: this is the buffer that was lent when the device gave out this token.
            let filled = unsafe { device.receive_complete(token, &mut buffer.0) };
            match filled {
                Ok((head, len)) if head + len <= BUFFER_LEN => return Some((index, head..head + len)),
                // Nothing an honest device says.
                Ok(_) | Err(_) => self.offer(device, index),
            }
        }
    }
}

impl Transmit {
    /// Whether a buffer is free, after those that left have been taken back. Only when none is left: that saves an interrupt
    /// per packet, since a device that is not read does not raise one.
    fn has_room(&mut self, device: &mut Device) -> bool {
        if self.free.is_empty() {
            while let Some(token) = device.poll_transmit() {
                self.take_back(device, token);
            }
        }
        !self.free.is_empty()
    }

    fn take_back(&mut self, device: &mut Device, token: u16) {
        let Some(index) = self.owners.get(usize::from(token)).copied() else {
            return;
        };
        let (Some(buffer), Some(len)) =
            (self.buffers.get(usize::from(index)), self.lens.get(usize::from(index)))
        else {
            return;
        };
        let sent = buffer.0.get(..usize::from(*len)).unwrap_or(&buffer.0);
        // SAFETY: these are the bytes that were lent when the device gave out this token.
        let _ = unsafe { device.transmit_complete(token, sent) };
        let _ = self.free.push(index);
    }

    /// Has a frame of `len` bytes written and sends it; longer than a frame may be, it is cut.
    fn send<R>(&mut self, device: &mut Device, len: usize, write: impl FnOnce(&mut [u8]) -> R) -> R {
        let len = len.min(FRAME_LEN_MAX);
        let Some(index) = self.free.pop() else {
            // `has_room` was asked before: a token exists only with a buffer.
            return write(&mut [0; FRAME_LEN_MAX][..len]);
        };
        let buffer = &mut self.buffers[usize::from(index) % TRANSMIT_LEN].0;
        let head = device.fill_buffer_header(buffer).unwrap_or_default();
        let end = head + len;
        let result = write(&mut buffer[head..end]);
        // SAFETY: the buffer is static, and not in `free` until the device has given it back.
        let token = unsafe { device.transmit_begin(&buffer[..end]) };
        match token.ok().and_then(|token| self.owners.get_mut(usize::from(token))) {
            Some(owner) => {
                *owner = index;
                self.lens[usize::from(index) % TRANSMIT_LEN] = u16::try_from(end).unwrap_or(u16::MAX);
            }
            None => {
                let _ = self.free.push(index);
            }
        }
        result
    }
}

impl Driver for Net {
    type RxToken<'a> = Arrived<'a>;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Arrived<'_>, Room<'_>)> {
        // Before the look: what arrives in between wakes again.
        WAKER.register(cx.waker());
        let Self { device, receive, transmit, .. } = self;
        if !transmit.has_room(device.get_mut()) {
            return None;
        }
        let (index, frame) = receive.take(device.get_mut())?;
        let device = &*device;
        Some((Arrived { device, receive, index, frame }, Room { device, transmit }))
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> Option<Room<'_>> {
        WAKER.register(cx.waker());
        let Self { device, transmit, .. } = self;
        transmit.has_room(device.get_mut()).then_some(Room { device, transmit })
    }

    fn link_state(&mut self, cx: &mut Context<'_>) -> LinkState {
        WAKER.register(cx.waker());
        match self.slot.config_u16(STATUS) & STATUS_LINK_UP {
            0 => LinkState::Down,
            _ => LinkState::Up,
        }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME_LEN_MAX;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.mac_address())
    }
}

/// A frame that arrived; its buffer goes back to the device with it.
pub(crate) struct Arrived<'a> {
    device: &'a RefCell<Device>,
    receive: &'a mut Receive,
    index: usize,
    frame: core::ops::Range<usize>,
}

impl RxToken for Arrived<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        let buffer = self.receive.buffers.get_mut(self.index);
        let frame = buffer.and_then(|buffer| buffer.0.get_mut(self.frame.clone()));
        read(frame.unwrap_or_default())
    }
}

impl Drop for Arrived<'_> {
    fn drop(&mut self) {
        self.receive.offer(&mut self.device.borrow_mut(), self.index);
    }
}

/// Room for one frame to be sent.
pub(crate) struct Room<'a> {
    device: &'a RefCell<Device>,
    transmit: &'a mut Transmit,
}

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        self.transmit.send(&mut self.device.borrow_mut(), len, write)
    }
}
