//! The memory of the whole program: every static, and what it takes. None has a value at the start, so that all of them
//! lie in `.bss` and take no flash.

use embassy_net::StackResources;
use embassy_net::udp::PacketMetadata;
use livesky_stb_settings::Settings;
use static_cell::{ConstStaticCell, StaticCell};

use crate::board;

/// DHCP, DNS, the viewer.
const SOCKETS: usize = 3;
/// Bytes of a datagram (docs/wire.md: 1,200 at most).
const DATAGRAM_LEN_MAX: usize = 1200;
/// Datagrams that wait for the viewer: more than a burst of 128 (`docs/wire.md`, "Fast start").
const RECEIVE_PACKETS: usize = 192;
/// Datagrams that wait for the device.
const SEND_PACKETS: usize = 64;

/// What the box was told.
pub(crate) static SETTINGS: StaticCell<Settings> = StaticCell::new();
/// The network stack.
pub(crate) static STACK: ConstStaticCell<StackResources<SOCKETS>> =
    ConstStaticCell::new(StackResources::new());
/// Bytes of the datagrams that wait for the viewer.
pub(crate) static RECEIVE: ConstStaticCell<[u8; RECEIVE_PACKETS * DATAGRAM_LEN_MAX]> =
    ConstStaticCell::new([0; RECEIVE_PACKETS * DATAGRAM_LEN_MAX]);
/// Bytes of the datagrams that wait for the device.
pub(crate) static SEND: ConstStaticCell<[u8; SEND_PACKETS * DATAGRAM_LEN_MAX]> =
    ConstStaticCell::new([0; SEND_PACKETS * DATAGRAM_LEN_MAX]);
/// Where each datagram begins and whom it belongs to. An empty entry is not all zeros, so these are filled at the start.
pub(crate) static METADATA: StaticCell<Metadata> = StaticCell::new();

/// The viewer's datagrams, without their bytes.
pub(crate) struct Metadata {
    /// One for each datagram that waits to be read.
    pub(crate) receive: [PacketMetadata; RECEIVE_PACKETS],
    /// One for each datagram that waits to be sent.
    pub(crate) send: [PacketMetadata; SEND_PACKETS],
}

impl Metadata {
    /// No datagram waits.
    pub(crate) const EMPTY: Self = Self {
        receive: [PacketMetadata::EMPTY; RECEIVE_PACKETS],
        send: [PacketMetadata::EMPTY; SEND_PACKETS],
    };
}

/// Stacks, tables, settings, the network stack's own state.
const STATE_BYTES: usize = board::STATE_BYTES + size_of::<Settings>() + size_of::<StackResources<SOCKETS>>();
/// Rings, buffers and queues of packets.
const NETWORK_BYTES: usize =
    board::NETWORK_BYTES + (RECEIVE_PACKETS + SEND_PACKETS) * DATAGRAM_LEN_MAX + size_of::<Metadata>();

const _: () = assert!(STATE_BYTES <= 200 << 10, "state");
const _: () = assert!(NETWORK_BYTES <= 896 << 10, "network buffers");
const _: () = assert!(STATE_BYTES + NETWORK_BYTES <= 1 << 20, "all of it");
