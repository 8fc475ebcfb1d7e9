//! Boxes on bare smoltcp, an edge and one Ethernet, in virtual time: whole days could pass here.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may fail, and its numbers are small"
)]

mod street;

use core::net::{IpAddr, SocketAddr};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use livesky_core::Instant;
use livesky_core::media::ChannelName;
use livesky_core::store::PagePool;
use livesky_embedded::bare::{Addressing, Net, NetResources};
use livesky_embedded::seam::{NotSent, UdpSocket};
use livesky_embedded::station::Network;
use livesky_embedded::{ClientResources, EdgeName, Flush, Health, Order, Settings, Trouble, Watch};
use smoltcp::wire::{IpCidr, Ipv4Address, Ipv6Address};

use street::cable::{Cable, End};
use street::edge::{CHANNELS, EDGE, EDGE_V6, EdgeHouse, PORT};
use street::screen::{Buttons, Dog, Screen};

const BEGIN: Instant = Instant::from_millis(1_000);

struct BoxHouse {
    end: End,
    net: Net,
    watch: Watch<'static, PagePool<'static>>,
    health: &'static Health,
    screen: Screen,
    buttons: Buttons,
    dog: Dog,
    has_link: bool,
    is_over: bool,
}

impl BoxHouse {
    fn new(mut end: End, number: u8, edge: IpAddr) -> Self {
        let address = match edge {
            IpAddr::V4(_) => IpCidr::new(Ipv4Address::new(10, 0, 0, 10 + number).into(), 24),
            IpAddr::V6(_) => {
                IpCidr::new(Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 10 + u16::from(number)).into(), 64)
            }
        };
        let addressing = Addressing::Static { address, gateway: None, dns: None };
        let resources = Box::leak(Box::new(NetResources::<128, { 128 * 1_200 }>::new()));
        let mac = [2, 0, 0, 0, 1, number];
        let net = Net::new((BEGIN, u64::from(number)), &mut end, mac, (addressing, 7_100), resources);
        let memory = Box::leak(Box::new(ClientResources::<8, 150, 1_200>::new()));
        let health = Box::leak(Box::new(Health::new()));
        let settings = Settings {
            edge: EdgeName::Address(edge),
            port: PORT,
            channel: ChannelName::new(CHANNELS[0]).unwrap(),
            upload_bps: 4_000_000,
            receive_only: false,
            buffer_ms_max: 0,
            follows_redirects: true,
            seed: 100 + u64::from(number),
            local_port: 7_100,
        };
        let watch = Watch::new(settings, memory.lend(), health);
        let (screen, buttons, dog) = (Screen::default(), Buttons::default(), Dog::default());
        Self { end, net, watch, health, screen, buttons, dog, has_link: true, is_over: false }
    }

    fn run(&mut self, now: Instant) -> Instant {
        if self.is_over {
            return Instant::FAR_FUTURE;
        }
        let owner = (&mut self.screen, &mut self.buttons, &mut self.dog);
        let at = self.net.poll(now, (&mut self.end, self.has_link), &mut self.watch, owner);
        self.is_over = at.is_none();
        at.unwrap_or(Instant::FAR_FUTURE).max(now.plus_micros(100))
    }
}

struct Street {
    cable: Cable,
    now: Instant,
    edge: EdgeHouse,
    boxes: Vec<BoxHouse>,
}

impl Street {
    fn new(boxes: u8, n1: u32) -> Self {
        Self::of(&vec![EDGE.into(); usize::from(boxes)], n1)
    }

    /// A box for each of these addresses of the edge.
    fn of(edges: &[IpAddr], n1: u32) -> Self {
        let cable = Cable::default();
        let edge = EdgeHouse::new(cable.end(), BEGIN, n1, 7);
        let boxes =
            (0..).zip(edges).map(|(number, edge)| BoxHouse::new(cable.end(), number, *edge)).collect();
        let mut street = Self { cable, now: BEGIN, edge, boxes: Vec::new() };
        // A channel of some seconds.
        street.run_for(3_000);
        street.boxes = boxes;
        street
    }

    fn run_for(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while self.now < until {
            let now = self.now;
            let at = self.boxes.iter_mut().map(|house| house.run(now)).chain([self.edge.run(now)]).min();
            // What is on the wire is received at once.
            let soon = if self.cable.is_quiet() { Instant::FAR_FUTURE } else { now.plus_micros(100) };
            self.now = at.unwrap_or(soon).min(soon).min(until);
        }
    }
}

fn is_in_order(screen: &Screen) -> bool {
    screen.frames.windows(2).all(|pair| pair[1] == pair[0].next())
}

#[test]
fn a_box_plays_every_byte_soon_and_in_order() {
    let mut street = Street::new(1, 10);
    street.run_for(10_000);
    let house = &street.boxes[0];
    assert_eq!((house.screen.joined, house.screen.wrong_bytes, house.screen.stalls), (1, 0, 0));
    assert_eq!(house.screen.flushes, [Flush::Begun]);
    assert!(house.screen.started[0] < Duration::from_millis(100), "{:?}", house.screen.started);
    assert!(is_in_order(&house.screen) && house.screen.frames.len() > 240);
    let first = house.screen.frames[0];
    assert_eq!(house.screen.pts_ticks[0], u64::from(first.0) * 3_600 + 1_800);
    assert!((9..=11).contains(&house.dog.meals), "{}", house.dog.meals);
    let health = house.health.read();
    assert!(
        health.has_link && health.has_address && health.has_edge && health.is_joined && health.is_playing
    );
    assert_eq!((health.trouble, health.is_stalled, health.is_fed_by_peers), (None, false, false));
}

#[test]
fn boxes_feed_each_other() {
    for edge in [IpAddr::V4(EDGE), IpAddr::V6(EDGE_V6)] {
        let mut street = Street::of(&[edge; 4], 1);
        street.run_for(15_000);
        let (mut fed, mut feeding) = (0, 0);
        for house in &street.boxes {
            assert_eq!((house.screen.wrong_bytes, house.screen.stalls), (0, 0));
            assert!(is_in_order(&house.screen) && house.screen.frames.len() > 350);
            fed += u32::from(house.health.read().is_fed_by_peers);
            feeding += u32::from(house.health.read().feeds_peers);
        }
        assert!(fed >= 2 && feeding >= 1, "{edge}: {fed} {feeding}");
    }
}

#[test]
fn boxes_of_both_versions_of_ip_watch_the_same_edge() {
    let mut street = Street::of(&[EDGE.into(), EDGE_V6.into()], 10);
    street.run_for(10_000);
    for house in &street.boxes {
        assert_eq!((house.screen.joined, house.screen.wrong_bytes, house.screen.stalls), (1, 0, 0));
        assert!(house.screen.started[0] < Duration::from_millis(100), "{:?}", house.screen.started);
        assert!(is_in_order(&house.screen) && house.screen.frames.len() > 240);
    }
}

#[test]
fn another_channel_is_seen_at_once() {
    let mut street = Street::new(1, 10);
    street.run_for(5_000);
    let house = &mut street.boxes[0];
    house.screen = Screen { channel: 1, ..Screen::default() };
    let order = Order::Tune(ChannelName::new(CHANNELS[1]).unwrap());
    house.buttons.0.borrow_mut().push_back(order);
    street.run_for(5_000);
    let screen = &street.boxes[0].screen;
    assert_eq!((screen.joined, screen.wrong_bytes), (1, 0));
    assert_eq!(screen.flushes, [Flush::Begun]);
    assert!(screen.started[0] < Duration::from_millis(100) && screen.frames.len() > 100);
}

#[test]
fn a_channel_chosen_before_there_is_a_network_is_the_one_that_is_watched() {
    let mut street = Street::new(1, 10);
    let house = &mut street.boxes[0];
    house.screen.channel = 1;
    house.has_link = false;
    let order = Order::Tune(ChannelName::new(CHANNELS[1]).unwrap());
    house.buttons.0.borrow_mut().push_back(order);
    street.run_for(1_000);
    assert_eq!(street.boxes[0].watch.viewer().stats().unsent, 0, "nobody is asked while there is no edge");
    street.boxes[0].has_link = true;
    street.run_for(5_000);
    let screen = &street.boxes[0].screen;
    assert_eq!((screen.joined, screen.wrong_bytes), (1, 0));
    assert!(screen.frames.len() > 90);
}

#[test]
fn an_edge_that_dies_and_returns_is_joined_again() {
    let mut street = Street::new(2, 10);
    street.run_for(5_000);
    street.edge.is_dead = true;
    street.run_for(20_000);
    for house in &street.boxes {
        assert_eq!(house.health.read().trouble, Some(Trouble::EdgeSilent));
        assert!(!house.health.read().is_playing);
    }
    let now = street.now;
    street.edge.restart(now, 8);
    street.run_for(10_000);
    for house in &street.boxes {
        assert_eq!((house.screen.joined, house.screen.wrong_bytes), (2, 0));
        assert!(house.health.read().is_playing);
        assert!(house.dog.meals >= 34, "the loop lived all the time: {}", house.dog.meals);
    }
}

#[test]
fn a_link_that_comes_back_is_gone_on_with() {
    let mut street = Street::new(1, 10);
    street.run_for(5_000);
    street.cable.cut(true);
    street.boxes[0].has_link = false;
    street.run_for(5_000);
    assert_eq!(street.boxes[0].health.read().trouble, Some(Trouble::NoLink));
    street.cable.cut(false);
    street.boxes[0].has_link = true;
    street.run_for(8_000);
    let house = &street.boxes[0];
    assert!(house.health.read().is_playing && house.screen.wrong_bytes == 0);
    assert_eq!(house.health.read().trouble, None);
    let played = house.screen.frames.len();
    assert!(played > 13 * 25 - 50, "{played} frames in 18 s of which 5 were dark");
}

#[test]
fn a_decoder_that_is_busy_holds_playback_and_none_is_lost_unseen() {
    let mut street = Street::new(1, 10);
    street.run_for(5_000);
    street.boxes[0].screen.is_busy = true;
    let before = street.boxes[0].screen.frames.len();
    street.run_for(1_500);
    assert_eq!(street.boxes[0].screen.frames.len(), before);
    street.boxes[0].screen.is_busy = false;
    street.run_for(5_000);
    let screen = &street.boxes[0].screen;
    assert!(screen.frames.len() > before + 100 && screen.wrong_bytes == 0);
    // Either frame follows frame, or the decoder was told to flush.
    let gaps = screen.frames.windows(2).filter(|pair| pair[1] != pair[0].next()).count();
    assert!(gaps < screen.flushes.len(), "{gaps} {:?}", screen.flushes);
}

#[test]
fn a_decoder_that_died_is_told_to_the_watchdog() {
    let mut street = Street::new(1, 10);
    street.run_for(5_000);
    street.boxes[0].screen.is_busy = true;
    street.run_for(20_000);
    let meals = street.boxes[0].dog.meals;
    assert!((13..=17).contains(&meals), "{meals}");
}

#[test]
fn who_leaves_tells_it() {
    let mut street = Street::new(1, 10);
    street.run_for(3_000);
    street.boxes[0].buttons.0.borrow_mut().push_back(Order::Leave);
    street.run_for(500);
    assert!(street.boxes[0].is_over);
    assert_eq!(street.edge.edge.stats().leaves, 1);
}

/// What a socket does with what is sent: nothing has room, or all has and stays in the stack.
#[derive(Clone, Copy)]
enum Stuck {
    Full,
    Unflushed,
}

impl UdpSocket for Stuck {
    fn poll_receive<R>(&mut self, _: &mut Context<'_>, _: impl FnOnce(SocketAddr, &[u8]) -> R) -> Poll<R> {
        Poll::Pending
    }

    fn poll_send(
        &mut self,
        _: &mut Context<'_>,
        _: SocketAddr,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Poll<Result<(), NotSent>> {
        match self {
            Self::Full => Poll::Pending,
            Self::Unflushed => {
                fill(&mut vec![0; len]);
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Full => Poll::Ready(()),
            Self::Unflushed => Poll::Pending,
        }
    }
}

#[test]
fn who_leaves_waits_for_its_datagrams_to_be_out_but_not_for_long() {
    for mut socket in [Stuck::Full, Stuck::Unflushed] {
        let mut street = Street::new(1, 10);
        street.run_for(3_000);
        let now = street.now;
        let BoxHouse { watch, screen, buttons, dog, .. } = &mut street.boxes[0];
        buttons.0.borrow_mut().push_back(Order::Leave);
        let network = Network { has_link: true, local: Some(EDGE.into()) };
        let mut cx = Context::from_waker(Waker::noop());
        let mut ended_after = |ms: u64| {
            let now = now + Duration::from_millis(ms);
            let round = watch.poll(&mut cx, now, network, (&mut socket, screen, buttons, dog));
            assert!(round.is_over || round.at > now && round.at <= now + Duration::from_millis(5));
            round.is_over
        };
        assert_eq!([0, 100, 199, 200].map(&mut ended_after), [false, false, false, true]);
    }
}
