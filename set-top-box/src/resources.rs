//! The memory of the whole program: every static, and what it takes. None has a value at the start, so that all of them
//! lie in `.bss` and take no flash.

use embassy_net::StackResources;
use embassy_net::udp::PacketMetadata;
use livesky_core::store::PagePool;
use livesky_embedded::ClientResources;
use livesky_stb_settings::Settings;
use static_cell::{ConstStaticCell, StaticCell};

use crate::board;

/// DHCP, DNS, the viewer, and a test's remote control.
const SOCKETS: usize = 4;
/// The edge and the peers.
const PEERS: usize = 19;
/// How much is kept of a channel of 4 Mbit/s: twice its buffer and 2 s; of one with a lower rate it is longer.
const KEPT_MS: u64 = if cfg!(feature = "small") { 5_200 } else { 32_000 };
/// Frames of that time, 25 a second.
const FRAMES: usize = if cfg!(feature = "small") { 130 } else { 800 };
/// Its fragments.
#[allow(clippy::cast_possible_truncation, reason = "some thousands")]
const PAGES: usize = PagePool::pages_for(4_000_000, KEPT_MS, FRAMES as u64) as usize;
/// Bytes of a datagram (docs/wire.md: 1,200 at most).
const DATAGRAM_LEN_MAX: usize = 1200;
/// Datagrams that wait for the viewer: an edge begins with 32 and goes on at four times the rate (`docs/wire.md`, "Joining").
const RECEIVE_PACKETS: usize = 192;
/// Datagrams that wait for the device.
const SEND_PACKETS: usize = 64;

type Client = ClientResources<PEERS, FRAMES, PAGES>;

/// The client's peers, its frames and their bytes.
pub(crate) static CLIENT: ConstStaticCell<Client> = ConstStaticCell::new(Client::new());
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

/// What the client keeps beside the frame store; with a buffer of 2 s it stays within 64 KiB.
const CLIENT_BYTES_MAX: usize = if cfg!(feature = "small") { 64 << 10 } else { 96 << 10 };
/// All the memory a box is to have, code aside.
const ALL_BYTES_MAX: usize = if cfg!(feature = "small") { 4 << 20 } else { 20 << 20 };

const _: () = assert!(Client::STATE_BYTES <= CLIENT_BYTES_MAX, "the client");
const _: () = assert!(STATE_BYTES <= 200 << 10, "state");
const _: () = assert!(NETWORK_BYTES <= 896 << 10, "network buffers");
const _: () = assert!(
    STATE_BYTES + NETWORK_BYTES + Client::STATE_BYTES + Client::STORE_BYTES <= ALL_BYTES_MAX,
    "all of it"
);
