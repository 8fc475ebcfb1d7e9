use core::net::{Ipv4Addr, SocketAddr};
use std::collections::VecDeque;
use std::sync::Arc;

use livesky_core::store::{FragmentRef, StoreKey};
use livesky_core::{Deadline, Path, Reject, Transmit, Why};
use smol::future::FutureExt;

use super::*;
use crate::smol::Smol;
use crate::store::SharedStore;
use crate::udp::UdpOptions;

/// Answers every datagram with `copies` datagrams: its first byte as head, a frame of the store as body.
struct Echo {
    store: SharedStore,
    body: FragmentRef,
    copies: usize,
    answers: VecDeque<(Path, u8)>,
    heard: VecDeque<u8>,
    tick_at: Instant,
    ticks: u32,
}

const TICK: Duration = Duration::from_millis(5);

impl Echo {
    fn new(copies: usize) -> Self {
        let mut store = SharedStore::new(10_000);
        let key = store.insert(Arc::from(&b"body"[..]), 1_128).unwrap();
        let body = FragmentRef { key, index: 0, len: 4 };
        let (answers, heard) = (VecDeque::new(), VecDeque::new());
        Self { store, body, copies, answers, heard, tick_at: Smol::now() + TICK, ticks: 0 }
    }
}

impl Endpoint for Echo {
    type Event = u8;

    fn handle_datagram(&mut self, _: Instant, path: Path, datagram: &[u8]) -> Result<(), Reject> {
        let &[byte, ..] = datagram else { return Err(Reject::Malformed) };
        if byte == 0 {
            return Err(Reject::Unexpected);
        }
        self.heard.push_back(byte);
        self.answers.extend(core::iter::repeat_n((path, byte), self.copies));
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        assert!(self.tick_at <= now, "called before its time");
        self.tick_at = now + TICK;
        self.ticks += 1;
    }

    fn poll_transmit(&mut self, _: Instant, head: &mut [u8]) -> Option<Transmit> {
        let (path, byte) = self.answers.pop_front()?;
        *head.first_mut()? = byte;
        // An odd byte asks for a body that is there, an even one for a stale one.
        let key =
            StoreKey { generation: self.body.key.generation + u32::from(byte % 2 == 0), ..self.body.key };
        Some(Transmit { path, head_len: 1, body: Some(FragmentRef { key, ..self.body }) })
    }

    fn poll_event(&mut self) -> Option<u8> {
        self.heard.pop_front()
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        Some(Deadline { at: self.tick_at, why: Why::KeepAlive })
    }
}

impl Machine for Echo {
    type Store = SharedStore;

    fn store(&self) -> &SharedStore {
        &self.store
    }
}

/// Stops at byte 255 or when asked to, saying goodbye to `farewell`.
#[derive(Default)]
struct Listener {
    heard: Vec<u8>,
    farewell: Option<SocketAddr>,
    stop_after_ticks: Option<u32>,
}

impl Owner<Echo> for Listener {
    type Ended = &'static str;

    fn on_event(&mut self, _: Instant, _: &mut Echo, event: u8) -> ControlFlow<&'static str> {
        self.heard.push(event);
        if event == 255 { ControlFlow::Break("told to") } else { ControlFlow::Continue(()) }
    }

    fn poll_input(
        &mut self,
        _: &mut Context<'_>,
        Turn { machine, .. }: Turn<'_, Echo>,
    ) -> Poll<ControlFlow<&'static str>> {
        if self.stop_after_ticks.is_some_and(|ticks| machine.ticks >= ticks) {
            machine.answers.extend(self.farewell.map(|remote| (Path::to(remote), 77)));
            return Poll::Ready(ControlFlow::Break("time"));
        }
        Poll::Pending
    }
}

fn udp() -> Udp<Smol> {
    Udp::bind((Ipv4Addr::LOCALHOST, 0).into(), &UdpOptions::default()).unwrap()
}

fn client() -> smol::net::UdpSocket {
    smol::block_on(smol::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

#[test]
fn datagrams_events_and_bodies_pass_through() {
    let (mut echo, mut owner, mut udp) = (Echo::new(1), Listener::default(), udp());
    let address = udp.local_addr();
    let talk = async {
        let socket = client();
        let mut answer = [0; 100];
        for byte in [1, 0, 2, 3] {
            socket.send_to(&[byte, 9, 9], address).await.unwrap();
        }
        // 0 is rejected, 2 asks for a stale body: two answers.
        for byte in [1, 3] {
            let (len, _) = socket.recv_from(&mut answer).await.unwrap();
            assert_eq!(&answer[..len], [byte, b'b', b'o', b'd', b'y']);
        }
        socket.send_to(&[255], address).await.unwrap();
        let (len, _) = socket.recv_from(&mut answer).await.unwrap();
        assert_eq!((len, answer[0]), (5, 255), "what is ready goes out before the end");
        core::future::pending().await
    };
    let (ended, stats) = smol::block_on(Driver::new(&mut echo, &mut owner, &mut udp).run().or(talk)).unwrap();
    assert_eq!(ended, "told to");
    assert_eq!(owner.heard, [1, 2, 3, 255]);
    assert_eq!((stats.rejects, stats.stale_bodies), (1, 1));
    assert_eq!(udp.stats().datagrams_sent, 3);
}

#[test]
fn deadlines_fire_in_time_and_idling_costs_no_rounds() {
    let mut owner = Listener { stop_after_ticks: Some(10), ..Listener::default() };
    let (mut echo, mut udp) = (Echo::new(1), udp());
    let peer = client();
    owner.farewell = peer.local_addr().ok();
    let began = Smol::now();
    let (ended, stats) = smol::block_on(Driver::new(&mut echo, &mut owner, &mut udp).run()).unwrap();
    assert_eq!(ended, "time");
    let took = Smol::now().since(began);
    assert!((Duration::from_millis(49)..Duration::from_secs(2)).contains(&took), "{took:?}");
    assert!(stats.rounds < 50, "{stats:?}");
    let mut answer = [0; 10];
    let (len, _) = smol::block_on(peer.recv_from(&mut answer)).unwrap();
    assert_eq!((len, answer[0]), (5, 77), "the farewell is sent");
}

#[test]
fn a_busy_machine_yields() {
    // 4,000 answers to one datagram take many rounds; a second task gets turns between them.
    let (mut echo, mut owner, mut udp) = (Echo::new(4_000), Listener::default(), udp());
    let address = udp.local_addr();
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.send_to(&[255], address).unwrap();
    let turns = core::cell::Cell::new(0_u32);
    let executor = smol::LocalExecutor::new();
    let (_, stats) = smol::block_on(executor.run(async {
        let counting = executor.spawn(async {
            loop {
                turns.set(turns.get() + 1);
                smol::future::yield_now().await;
            }
        });
        let ended = Driver::new(&mut echo, &mut owner, &mut udp).run().await.unwrap();
        counting.cancel().await;
        ended
    }));
    assert_eq!(udp.stats().datagrams_sent, 4_000);
    assert!(stats.rounds > 3, "{stats:?}");
    assert!(turns.get() > 2, "{} turns in {} rounds", turns.get(), stats.rounds);
}
