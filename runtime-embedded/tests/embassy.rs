//! A box on embassy-net and an edge on one Ethernet, in real time: embassy's clock has no other on a computer.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may fail, and its numbers are small"
)]

#[expect(dead_code, reason = "the tests on bare smoltcp use the rest")]
mod street;

use core::net::Ipv4Addr;
use core::task::{Context, Poll};
use std::collections::VecDeque;

use embassy_net::driver::{Capabilities, Driver, HardwareAddress, LinkState};
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Config, Ipv4Cidr, StackResources, StaticConfigV4};
use embassy_time::{Duration, Timer};
use futures_lite::future::{block_on, or};
use livesky_core::media::ChannelName;
use livesky_embedded::embassy::{now, watch};
use livesky_embedded::{ClientResources, EdgeName, Health, Order, Remote, Settings, Watch};
use smoltcp::phy::Device;

use street::cable::{Cable, End};
use street::edge::{CHANNELS, EDGE, EdgeHouse, PORT, stack_time};
use street::screen::{Dog, Screen};

/// An end of the cable as embassy-net wants it. Nothing wakes: the test polls all of it each millisecond.
struct Port(End);

struct Token<T>(T);

impl<T: smoltcp::phy::RxToken> embassy_net::driver::RxToken for Token<T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        self.0.consume(|frame| f(&mut frame.to_vec()))
    }
}

impl<T: smoltcp::phy::TxToken> embassy_net::driver::TxToken for Token<T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.0.consume(len, f)
    }
}

impl Driver for Port {
    type RxToken<'a> = Token<<End as Device>::RxToken<'a>>;
    type TxToken<'a> = Token<<End as Device>::TxToken<'a>>;

    fn receive(&mut self, _: &mut Context<'_>) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        self.0.receive(stack_time(now())).map(|(received, sent)| (Token(received), Token(sent)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Self::TxToken<'_>> {
        self.0.transmit(stack_time(now())).map(Token)
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet([2, 0, 0, 0, 1, 0])
    }
}

/// Leaves once the screen has been on for a second: the loop asks at least that often.
struct Later(VecDeque<Order>, livesky_core::Instant);

impl Remote for Later {
    fn poll_order(&mut self, _: &mut Context<'_>) -> Poll<Order> {
        let is_due = self.1 <= now();
        self.0.pop_front_if(|_| is_due).map_or(Poll::Pending, Poll::Ready)
    }
}

fn settings() -> Settings<'static> {
    Settings {
        edge: EdgeName::Address(EDGE.into()),
        port: PORT,
        channel: ChannelName::new(CHANNELS[0]).unwrap(),
        upload_bps: 4_000_000,
        receive_only: false,
        buffer_ms_max: 0,
        follows_redirects: true,
        seed: 100,
        local_port: 7_100,
    }
}

#[test]
fn who_leaves_tells_it() {
    let cable = Cable::default();
    let mut edge = EdgeHouse::new(cable.end(), now(), 10, 7);
    let address = Ipv4Cidr::new(Ipv4Addr::new(10, 0, 0, 10), 24);
    let config = StaticConfigV4 { address, gateway: None, dns_servers: Default::default() };
    let mut stack_resources = StackResources::<3>::new();
    let (stack, mut runner) =
        embassy_net::new(Port(cable.end()), Config::ipv4_static(config), &mut stack_resources, 1);
    let mut meta = [[PacketMetadata::EMPTY; 128]; 2];
    let mut bytes = [vec![0; 128 * 1_200], vec![0; 128 * 1_200]];
    let ([receive_meta, send_meta], [receive, send]) = (&mut meta, &mut bytes);
    let mut socket = UdpSocket::new(stack, receive_meta, receive, send_meta, send);
    socket.bind(7_100).unwrap();
    let health = Health::new();
    let mut resources = Box::new(ClientResources::<8, 150, 1_200>::new());
    let mut watching = Watch::new(settings(), resources.lend(), &health);
    let (mut screen, mut dog) = (Screen::default(), Dog::default());
    let mut remote = Later([Order::Leave].into(), now() + core::time::Duration::from_millis(2_500));
    let leaving = watch(stack, socket, &mut watching, (&mut screen, &mut remote, &mut dog));
    let street = async {
        loop {
            edge.run(now());
            Timer::after(Duration::from_millis(1)).await;
        }
    };
    // As the tasks of an executor: whoever leaves is done before the stack had its turn, which goes on afterwards.
    let living = or(
        async {
            leaving.await;
            Timer::after(Duration::from_millis(300)).await;
        },
        or(
            async {
                runner.run().await;
            },
            street,
        ),
    );
    block_on(living);
    assert_eq!((screen.joined, screen.wrong_bytes), (1, 0));
    assert_eq!(edge.edge.stats().leaves, 1);
}
