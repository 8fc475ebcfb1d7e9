//! A remote control for tests: orders as text, by UDP.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll};

use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{IpAddress, Ipv4Address, Stack};
use livesky_core::media::ChannelName;
use livesky_embedded::{Order, Remote};
use static_cell::{ConstStaticCell, StaticCell};

/// Where orders come.
const PORT: u16 = 7_101;
const ORDERS: usize = 4;
const ORDER_LEN_MAX: usize = 64;

static METADATA: StaticCell<[PacketMetadata; 2 * ORDERS]> = StaticCell::new();
static BYTES: ConstStaticCell<[u8; 2 * ORDERS * ORDER_LEN_MAX]> =
    ConstStaticCell::new([0; 2 * ORDERS * ORDER_LEN_MAX]);

/// The discard port (RFC 863).
const DISCARD: u16 = 9;

/// `tune NAME`, `leave`.
pub(crate) struct Buttons {
    stack: Stack<'static>,
    socket: UdpSocket<'static>,
    /// The address from which the way here was opened: the switch of the tests lets in who was spoken to.
    known_at: Option<Ipv4Address>,
}

impl Buttons {
    /// Listens.
    pub(crate) fn new(stack: Stack<'static>) -> Self {
        let (receive_meta, send_meta) =
            METADATA.init([PacketMetadata::EMPTY; 2 * ORDERS]).split_at_mut(ORDERS);
        let (receive, send) = BYTES.take().split_at_mut(ORDERS * ORDER_LEN_MAX);
        let mut socket = UdpSocket::new(stack, receive_meta, receive, send_meta, send);
        if socket.bind(PORT).is_err() {
            defmt::error!("port {=u16} is taken", PORT);
        }
        Self { stack, socket, known_at: None }
    }

    /// Says something once from each address.
    fn open(&mut self, cx: &mut Context<'_>) {
        let Some(config) = self.stack.config_v4() else { return };
        let Some(gateway) = config.gateway.filter(|_| self.known_at != Some(config.address.address())) else {
            return;
        };
        let to = (IpAddress::Ipv4(gateway), DISCARD);
        if self.socket.poll_send_to(b"here", to, cx).is_ready() {
            self.known_at = Some(config.address.address());
        }
    }
}

impl Remote for Buttons {
    fn poll_order(&mut self, cx: &mut Context<'_>) -> Poll<Order> {
        self.open(cx);
        loop {
            let read = |datagram: &[u8], _| order(datagram);
            match pin!(self.socket.recv_from_with(read)).poll(cx) {
                Poll::Ready(Some(order)) => return Poll::Ready(order),
                Poll::Ready(None) => defmt::warn!("an order that is none"),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

fn order(datagram: &[u8]) -> Option<Order> {
    let text = core::str::from_utf8(datagram).ok()?;
    match text.split_once(' ') {
        Some(("tune", name)) => ChannelName::new(name).map(Order::Tune),
        None if text == "leave" => Some(Order::Leave),
        Some(_) | None => None,
    }
}
