//! Joining: hellos and their answers, other edges asked, and what of a session outlives it.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::net::SocketAddr;
use core::time::Duration;
use std::vec::Vec;

use super::goodbyes::{address, config};
use super::script::{Memory, TestClient};
use crate::client::peer::EDGE;
use crate::client::{ClientConfig, ClientEvent};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelName, ChannelSettings, FrameId};
use crate::wire::control::{Challenge, Class, ClientId, Cookie, LinkId, RefusalReason, Refused, Welcome};
use crate::wire::{ControlWriter, Datagram, Message};
use crate::{Endpoint, Instant, Path, Reject};

const NOW: Instant = Instant::from_millis(1_000);
const COOKIE: Cookie = [7; 16];

fn after(ms: u64) -> Instant {
    NOW + Duration::from_millis(ms)
}

fn memory() -> Memory {
    Memory::new(6, 64, 8, 128)
}

fn other(index: u16) -> SocketAddr {
    ([198, 51, 100, 1], 8_000 + index).into()
}

fn tuned(memory: &mut Memory, config: ClientConfig) -> TestClient<'_> {
    let mut client = memory.client(config);
    client.tune(NOW, &ChannelName::new("live1").unwrap());
    client
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    to: SocketAddr,
    /// The link it is said under.
    under: LinkId,
    nonce: u64,
    link: LinkId,
    cookie: Option<Cookie>,
}

/// The hellos that go out now.
fn hellos(client: &mut TestClient<'_>, now: Instant) -> Vec<Said> {
    let mut said = Vec::new();
    let mut head = [0; DATAGRAM_LEN_MAX];
    while let Some(transmit) = client.poll_transmit(now, &mut head) {
        let Ok(Datagram::Control(under, messages)) = Datagram::parse(&head[..transmit.head_len]) else {
            continue;
        };
        said.extend(messages.flatten().filter_map(|message| match message {
            Message::Hello(hello) => {
                let to = transmit.path.remote;
                Some(Said { to, under, nonce: hello.nonce, link: hello.link, cookie: hello.cookie })
            }
            _ => None,
        }));
    }
    said
}

fn say(
    client: &mut TestClient<'_>,
    now: Instant,
    from: SocketAddr,
    link: LinkId,
    message: &Message<'_>,
) -> Result<(), Reject> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = ControlWriter::new(&mut out, link).unwrap();
    assert!(writer.push(message));
    let len = writer.finish();
    client.handle_datagram(now, Path::to(from), &out[..len])
}

fn refused(
    nonce: u64,
    reason: RefusalReason,
    retry_after_ms: u32,
    others: &[SocketAddr],
) -> Message<'static> {
    let alternatives = heapless::Vec::from_slice(others).unwrap();
    Message::Refused(Refused { nonce, reason, retry_after_ms, alternatives })
}

fn welcome(nonce: u64, epoch: u16, start: u32, newest: u32) -> Message<'static> {
    Message::Welcome(Welcome {
        nonce,
        client: ClientId(9),
        link: LinkId(500),
        epoch,
        class: Class::Push,
        start: FrameId(start),
        newest: FrameId(newest),
        left_from: None,
        settings: ChannelSettings { substreams: 1, ..ChannelSettings::default() },
        observed: address(9),
        init: &[],
        candidates: heapless::Vec::new(),
    })
}

fn events(client: &mut TestClient<'_>) -> Vec<ClientEvent> {
    core::iter::from_fn(|| client.poll_event()).collect()
}

/// The one hello that goes out now.
fn hello(client: &mut TestClient<'_>, now: Instant) -> Said {
    let said = hellos(client, now);
    assert_eq!(said.len(), 1, "{said:?}");
    said[0]
}

#[test]
fn a_hello_is_said_again_ever_later() {
    let mut memory = memory();
    let mut client = tuned(&mut memory, config());
    let first = hello(&mut client, NOW);
    assert_eq!((first.to, first.under, first.cookie), (address(0), LinkId(0), None));
    for ms in [250, 750, 1_750, 3_750, 5_750, 7_750] {
        client.handle_timeout(after(ms - 1));
        assert_eq!(hellos(&mut client, after(ms - 1)), [], "{ms}");
        client.handle_timeout(after(ms));
        assert_eq!(hellos(&mut client, after(ms)), [first], "{ms}");
    }
}

#[test]
fn a_challenge_is_answered_at_once_and_a_second_time_in_its_turn() {
    let mut memory = memory();
    let mut client = tuned(&mut memory, config());
    let Said { nonce, link, .. } = hello(&mut client, NOW);
    let challenge = |nonce| Message::Challenge(Challenge { nonce, cookie: COOKIE });
    assert_eq!(say(&mut client, NOW, address(0), link, &challenge(nonce + 1)), Err(Reject::Stale));
    assert_eq!(hellos(&mut client, NOW), []);
    assert_eq!(say(&mut client, after(100), address(0), link, &challenge(nonce)), Ok(()));
    assert_eq!(hello(&mut client, after(100)).cookie, Some(COOKIE));
    assert_eq!(say(&mut client, after(110), address(0), link, &challenge(nonce)), Ok(()));
    assert_eq!(hellos(&mut client, after(110)), [], "it was answered");
    client.handle_timeout(after(350));
    assert_eq!(hello(&mut client, after(350)).cookie, Some(COOKIE));
}

#[test]
fn an_edge_that_answered_is_asked_again_soon_and_after_a_while_seldom() {
    let mut memory = memory();
    let mut client = tuned(&mut memory, config());
    let Said { nonce, link, .. } = hello(&mut client, NOW);
    let challenge = Message::Challenge(Challenge { nonce, cookie: COOKIE });
    say(&mut client, NOW, address(0), link, &challenge).unwrap();
    let mut times = Vec::new();
    for ms in (0..14_000).step_by(10) {
        client.handle_timeout(after(ms));
        times.extend(hellos(&mut client, after(ms)).iter().map(|_| ms));
    }
    let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses[..2], [250, 500]);
    assert!(pauses[2..16].iter().all(|&pause| pause == 500), "{pauses:?}");
    assert_eq!(pauses[16..18], [1_000, 2_000], "it may be gone");
}

#[test]
fn only_the_answer_to_a_hello_said_once_tells_the_round_trip() {
    for (answered_ms, expected_us) in [(80, 80_000), (249, 249_000), (330, 200_000)] {
        let mut memory = memory();
        let mut client = tuned(&mut memory, config());
        let Said { nonce, link, .. } = hello(&mut client, NOW);
        let challenge = Message::Challenge(Challenge { nonce, cookie: COOKIE });
        say(&mut client, after(100), address(0), link, &challenge).unwrap();
        hello(&mut client, after(100));
        let at = after(100 + answered_ms);
        client.handle_timeout(at);
        hellos(&mut client, at);
        say(&mut client, at, address(0), link, &welcome(nonce, 1, 100, 100)).unwrap();
        let rtt = client.peer(EDGE).map(|edge| edge.link.rtt().smoothed_us());
        assert_eq!(rtt, Some(expected_us), "{answered_ms}");
    }
}

#[test]
fn who_is_refused_and_told_of_nobody_else_asks_as_seldom_as_it_is_told_to() {
    let mut memory = memory();
    let mut client = tuned(&mut memory, config());
    let mut times = Vec::new();
    for ms in (0..9_000).step_by(10) {
        client.handle_timeout(after(ms));
        for said in hellos(&mut client, after(ms)) {
            times.push(ms);
            let refusal = refused(said.nonce, RefusalReason::Saturated, 2_000, &[]);
            say(&mut client, after(ms), address(0), said.link, &refusal).unwrap();
        }
    }
    assert_eq!(times, [0, 2_000, 4_000, 6_000, 8_000]);
}

#[test]
fn who_is_refused_asks_again_when_it_is_told_to() {
    for (retry_after_ms, wait_ms) in [(5_000, 5_000), (0, 250)] {
        let mut memory = memory();
        let mut client = tuned(&mut memory, config());
        let Said { nonce, link, .. } = hello(&mut client, NOW);
        let challenge = Message::Challenge(Challenge { nonce, cookie: COOKIE });
        say(&mut client, NOW, address(0), link, &challenge).unwrap();
        let wrong = refused(nonce + 1, RefusalReason::Full, retry_after_ms, &[]);
        assert_eq!(say(&mut client, NOW, address(0), link, &wrong), Err(Reject::Stale));
        let right = refused(nonce, RefusalReason::Full, retry_after_ms, &[]);
        assert_eq!(say(&mut client, NOW, address(0), link, &right), Ok(()));
        assert_eq!(events(&mut client), [ClientEvent::Refused(RefusalReason::Full)]);
        assert_eq!(client.refused().map(|refused| refused.reason), Some(RefusalReason::Full));
        client.handle_timeout(after(wait_ms - 1));
        assert_eq!(hellos(&mut client, after(wait_ms - 1)), []);
        client.handle_timeout(after(wait_ms));
        assert_eq!(hello(&mut client, after(wait_ms)).cookie, None, "an old proof is none");
        client.handle_timeout(after(wait_ms + 500));
        assert_eq!(hellos(&mut client, after(wait_ms + 500)).len(), 1, "the answer is lost, not the edge");
    }
}

#[test]
fn who_is_refused_for_want_of_room_asks_the_others_and_then_again() {
    let mut memory = memory();
    let mut client = tuned(&mut memory, config());
    let Said { nonce, link, .. } = hello(&mut client, NOW);
    let others = [address(0), other(1), other(2)];
    let refusal = refused(nonce, RefusalReason::Full, 8_000, &others);
    say(&mut client, NOW, address(0), link, &refusal).unwrap();
    let first = hello(&mut client, NOW).to;
    assert!(others[1..].contains(&first), "not the one that refused");
    assert_eq!(
        events(&mut client),
        [ClientEvent::Refused(RefusalReason::Full), ClientEvent::Redirected { to: first }]
    );
    // None answers for two seconds and more.
    let mut asked = Vec::new();
    let mut times = Vec::new();
    for ms in (0..9_000).step_by(50) {
        client.handle_timeout(after(ms));
        for said in hellos(&mut client, after(ms)) {
            if asked.last() != Some(&said.to) {
                asked.push(said.to);
                times.push(ms);
            }
        }
    }
    let second = if first == other(1) { other(2) } else { other(1) };
    assert_eq!(asked, [first, second, address(0)]);
    assert_eq!(times[1..], [3_750, 8_000], "after four hellos, and when it was told to");
}

#[test]
fn an_alternative_that_refuses_gives_way_to_the_next() {
    let mut memory = memory();
    let mut client = tuned(&mut memory, config());
    let Said { nonce, link, .. } = hello(&mut client, NOW);
    let refusal = refused(nonce, RefusalReason::Saturated, 6_000, &[other(1), other(2)]);
    say(&mut client, NOW, address(0), link, &refusal).unwrap();
    let first = hello(&mut client, NOW);
    // Its own alternatives are not followed.
    let refusal = refused(first.nonce, RefusalReason::Full, 1_000, &[other(3)]);
    say(&mut client, after(10), first.to, first.link, &refusal).unwrap();
    let second = hello(&mut client, after(10));
    assert!([other(1), other(2)].contains(&second.to) && second.to != first.to);
    assert_eq!(client.refused().map(|refused| refused.reason), Some(RefusalReason::Saturated));
    say(&mut client, after(20), second.to, second.link, &welcome(second.nonce, 1, 100, 100)).unwrap();
    assert_eq!(client.view(after(20)).map(|view| view.edge), Some(second.to));
    assert_eq!(client.refused(), None);
}

#[test]
fn what_no_edge_can_mend_is_not_asked_elsewhere() {
    for (reason, follows_redirects, is_followed) in [
        (RefusalReason::Draining, true, true),
        (RefusalReason::Full, false, false),
        (RefusalReason::Ticket, true, false),
        (RefusalReason::UnknownChannel, true, false),
        (RefusalReason::NotOnAir, true, false),
    ] {
        let mut memory = memory();
        let mut client = tuned(&mut memory, ClientConfig { follows_redirects, ..config() });
        let Said { nonce, link, .. } = hello(&mut client, NOW);
        say(&mut client, NOW, address(0), link, &refused(nonce, reason, 1_000, &[other(1)])).unwrap();
        assert_eq!(hellos(&mut client, NOW).len(), usize::from(is_followed), "{reason:?}");
    }
}

/// A client let in at frame 100, and the link it chose for the edge.
fn joined(memory: &mut Memory) -> (TestClient<'_>, LinkId) {
    let mut client = tuned(memory, config());
    let Said { nonce, link, .. } = hello(&mut client, NOW);
    say(&mut client, NOW, address(0), link, &welcome(nonce, 1, 100, 100)).unwrap();
    hellos(&mut client, NOW);
    events(&mut client);
    (client, link)
}

#[test]
fn a_welcome_to_the_same_run_keeps_what_is_held() {
    // Epoch, first and newest frame of the second welcome; whether playback goes on.
    for (epoch, start, is_same) in [(1, 100, true), (1, 102, true), (1, 103, false), (2, 100, false)] {
        let mut memory = memory();
        let (mut client, _) = joined(&mut memory);
        for id in 100..103 {
            let key = crate::store::StoreKey { slot: id, generation: 1 };
            let info = crate::media::FrameInfo { id: FrameId(id), len: 1, ..Default::default() };
            client.frames.insert_complete(info, key, 1).unwrap();
        }
        client.on_reset(after(500), &Path::to(address(0)), LinkId(500)).unwrap();
        let Said { nonce, link, .. } = hello(&mut client, after(500));
        assert_eq!(
            say(&mut client, after(510), address(0), link, &welcome(nonce, epoch, start, 110)),
            Ok(())
        );
        let session = client.session.as_ref().unwrap();
        assert_eq!(session.asked_at, if is_same { NOW } else { after(500) }, "{epoch} {start}");
        assert_eq!(client.frames.is_complete(FrameId(101)), is_same);
        assert_eq!(client.session.as_ref().unwrap().newest, FrameId(110));
        let playhead = if is_same { 100 } else { start };
        assert_eq!(client.playout.playhead(), Some(FrameId(playhead)));
        // The edge feeds from `start`; what lacks after that is asked for from there.
        let asked = client.feeds[0].request.map(|request| (request.peer, request.from.0));
        assert_eq!(asked, (is_same && start < 103).then_some((EDGE, 103)), "{epoch} {start}");
    }
}

#[test]
fn a_welcome_begins_the_clocks() {
    let mut memory = memory();
    let (client, _) = joined(&mut memory);
    let clocks = &client.clocks;
    assert_eq!((clocks.check_at, clocks.status_at, clocks.find_at), (NOW, after(200), after(500)));
    assert!(clocks.map_at >= NOW && clocks.map_at < after(500));
}

#[test]
fn a_channel_asked_for_in_vain_under_a_link_is_asked_for_under_none() {
    let mut memory = memory();
    let (mut client, _) = joined(&mut memory);
    client.tune(after(500), &ChannelName::new("live2").unwrap());
    let said = hello(&mut client, after(500));
    assert_eq!((said.to, said.under), (address(0), LinkId(500)));
    let reset =
        |client: &mut TestClient<'_>, from, link| client.on_reset(after(510), &Path::to(from), LinkId(link));
    assert_eq!(reset(&mut client, address(0), 501), Err(Reject::UnknownPeer));
    assert_eq!(reset(&mut client, other(1), 500), Err(Reject::UnknownPeer));
    assert_eq!(hellos(&mut client, after(510)), []);
    assert_eq!(reset(&mut client, address(0), 500), Ok(()));
    let again = hello(&mut client, after(510));
    assert_eq!((again.under, again.nonce), (LinkId(0), said.nonce));
    assert_eq!(reset(&mut client, address(0), 500), Err(Reject::UnknownPeer), "once");
}

#[test]
fn an_edge_that_asks_its_client_to_go_feeds_it_until_another_does() {
    let mut memory = memory();
    let (mut client, link) = joined(&mut memory);
    let others = heapless::Vec::from_slice(&[other(1)]).unwrap();
    let redirect = Message::Redirect { alternatives: others };
    assert_eq!(say(&mut client, after(10), address(0), link, &redirect), Ok(()));
    assert_eq!(events(&mut client), [ClientEvent::Redirected { to: other(1) }]);
    let said = hello(&mut client, after(10));
    assert_eq!((said.to, said.under), (other(1), LinkId(0)));
    assert_ne!(said.link, link);
    assert_eq!(
        say(&mut client, after(10), address(0), link, &redirect),
        Err(Reject::Unexpected),
        "it is going"
    );
    assert_eq!(client.view(after(10)).map(|view| view.edge), Some(address(0)));
    assert!(client.feeds[0].is_from(EDGE));
    // An answer that is none.
    let answer = welcome(said.nonce, 1, 100, 120);
    assert!(say(&mut client, after(20), other(2), said.link, &answer).is_err(), "of another");
    assert!(say(&mut client, after(20), other(1), LinkId(said.link.0 ^ (8 << 16)), &answer).is_err());
    assert_eq!(say(&mut client, after(20), other(1), said.link, &answer), Ok(()));
    assert_eq!(client.view(after(20)).map(|view| view.edge), Some(other(1)));
    let former = client.former_slot().unwrap();
    assert_eq!(client.peer(former).unwrap().remote, address(0));
    assert!(client.feeds[0].is_from(former), "it feeds on");
    let asked = client.feeds[0].request.map(|request| (request.peer, request.from.0));
    assert_eq!(asked, Some((EDGE, 121)), "the new one is asked for what comes next");
    // After five seconds it is told goodbye, wherever its feed went.
    client.feeds[0].request = None;
    client.clocks.edge_at = after(60_000);
    client.check_former(after(5_019));
    assert_eq!(client.former_slot(), Some(former));
    client.check_former(after(5_020));
    assert_eq!(client.former_slot(), None);
    assert!(client.peer(former).unwrap().owed.leave && client.peer(former).unwrap().owed.ack);
    assert!(!client.feeds[0].is_from(former));
    hellos(&mut client, after(5_020));
    assert!(!client.peer(former).unwrap().is_known(), "it is forgotten when it was told");
}

#[test]
fn who_may_not_or_cannot_go_stays() {
    type Change = fn(&mut TestClient<'_>);
    let cases: [(Change, &[SocketAddr]); 4] = [
        (|client| client.config.follows_redirects = false, &[other_one()]),
        (|client| client.is_leaving = true, &[other_one()]),
        (|client| client.session = None, &[other_one()]),
        (|_| (), &[home()]),
    ];
    for (change, others) in cases {
        let mut memory = memory();
        let (mut client, _) = joined(&mut memory);
        change(&mut client);
        assert_eq!(client.on_redirect(NOW, others), Err(Reject::Unexpected), "{others:?}");
        assert!(client.joining.is_none());
    }
}

const fn other_one() -> SocketAddr {
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(198, 51, 100, 1)), 8_001)
}

const fn home() -> SocketAddr {
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)), 7_000)
}
