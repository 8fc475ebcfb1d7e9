use std::vec::Vec;

use super::*;

const EDGE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1));
const OTHER_EDGE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 2));
const HOME: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 5));
const NEW_HOME: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 9));

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn named() -> Station<'static> {
    Station::new(StationConfig { edge: EdgeName::Name("edge.example"), port: 7_000 })
}

fn network(local: Option<IpAddr>) -> Network {
    Network { has_link: true, local }
}

fn join(edge: IpAddr, local: IpAddr) -> Step {
    Step::Join { edge: SocketAddr::new(edge, 7_000), local }
}

#[test]
fn first_an_address_then_the_name_then_the_edge() {
    let mut station = named();
    let down = Network::default();
    assert_eq!(station.poll(at(0), &down, SessionState::Asking), Step::None);
    assert_eq!(station.poll(at(1), &network(None), SessionState::Asking), Step::None);
    assert_eq!(station.poll(at(2), &network(Some(HOME)), SessionState::Asking), Step::Resolve);
    assert_eq!(station.poll(at(3), &network(Some(HOME)), SessionState::Asking), Step::None, "asked once");
    station.on_resolved(at(3), Ok(EDGE));
    assert_eq!(station.poll(at(3), &network(Some(HOME)), SessionState::Asking), join(EDGE, HOME));
    assert_eq!(station.poll(at(3), &network(Some(HOME)), SessionState::Asking), Step::None);
    assert_eq!(station.poll(at(90), &network(Some(HOME)), SessionState::Joined), Step::None);
}

#[test]
fn an_address_needs_no_name_server() {
    let config = StationConfig { edge: EdgeName::Address(EDGE), port: 7_000 };
    let mut station = Station::new(config);
    assert_eq!(station.poll(at(0), &network(Some(HOME)), SessionState::Asking), join(EDGE, HOME));
    for second in 0..200 {
        assert_eq!(station.poll(at(second), &network(Some(HOME)), SessionState::Asking), Step::None);
    }
}

#[test]
fn a_name_that_is_not_found_is_looked_up_again_ever_more_seldom() {
    let mut station = named();
    let mut asked = Vec::new();
    for second in 0..300 {
        if station.poll(at(second), &network(Some(HOME)), SessionState::Asking) == Step::Resolve {
            asked.push(second);
            station.on_resolved(at(second), Err(Unresolved::Unknown));
        }
    }
    assert_eq!(asked, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    assert_eq!(station.trouble(at(300)), Some(Trouble::UnknownName));
}

#[test]
fn a_new_address_moves_the_session_and_a_link_that_comes_back_does_not() {
    let mut station = named();
    station.on_resolved(at(0), Ok(EDGE));
    assert_eq!(station.poll(at(0), &network(Some(HOME)), SessionState::Asking), join(EDGE, HOME));
    let down = Network { has_link: false, local: Some(HOME) };
    assert_eq!(station.poll(at(5), &down, SessionState::Joined), Step::None);
    assert_eq!(station.poll(at(9), &network(Some(HOME)), SessionState::Joined), Step::None);
    assert_eq!(station.poll(at(20), &network(None), SessionState::Joined), Step::None);
    let moved = Step::Relocate { local: NEW_HOME };
    assert_eq!(station.poll(at(21), &network(Some(NEW_HOME)), SessionState::Joined), moved);
    assert_eq!(station.poll(at(21), &network(Some(NEW_HOME)), SessionState::Joined), Step::None);
}

#[test]
fn an_edge_that_is_silent_for_long_may_have_moved() {
    let mut station = named();
    station.on_resolved(at(0), Ok(EDGE));
    station.poll(at(0), &network(Some(HOME)), SessionState::Asking);
    let mut asked = Vec::new();
    for second in 1..=95 {
        if station.poll(at(second), &network(Some(HOME)), SessionState::Asking) == Step::Resolve {
            asked.push(second);
            station.on_resolved(at(second), Ok(EDGE));
        }
    }
    assert_eq!(asked, [31, 61, 91]);
    station.on_resolved(at(96), Ok(OTHER_EDGE));
    assert_eq!(station.poll(at(96), &network(Some(HOME)), SessionState::Asking), join(OTHER_EDGE, HOME));
    assert_eq!(station.poll(at(97), &network(Some(HOME)), SessionState::Joined), Step::None);
    assert_eq!(station.trouble(at(97)), None);
}

#[test]
fn trouble_is_trouble_when_it_lasts() {
    let mut station = named();
    let mut seen = Vec::new();
    let mut look = |station: &mut Station<'_>, second, network: Network, session| {
        station.poll(at(second), &network, session);
        seen.push(station.trouble(at(second)));
    };
    let (none, up) = (network(None), network(Some(HOME)));
    look(&mut station, 0, Network::default(), SessionState::Asking);
    look(&mut station, 3, Network::default(), SessionState::Asking);
    look(&mut station, 4, none, SessionState::Asking);
    look(&mut station, 8, none, SessionState::Asking);
    look(&mut station, 9, up, SessionState::Asking);
    look(&mut station, 12, up, SessionState::Asking);
    station.on_resolved(at(12), Ok(EDGE));
    look(&mut station, 12, up, SessionState::Asking);
    look(&mut station, 16, up, SessionState::Asking);
    look(&mut station, 17, up, SessionState::Refused);
    look(&mut station, 20, up, SessionState::Refused);
    look(&mut station, 21, up, SessionState::Joined);
    let expected = [
        None,
        Some(Trouble::NoLink),
        None,
        Some(Trouble::NoAddress),
        None,
        Some(Trouble::NoNameServer),
        None,
        Some(Trouble::EdgeSilent),
        None,
        Some(Trouble::Refused),
        None,
    ];
    assert_eq!(seen, expected);
    for trouble in Trouble::ALL {
        assert_eq!(Trouble::from_number(trouble.number()), Some(trouble));
    }
    assert_eq!(Trouble::from_number(0), None);
}

#[test]
fn the_end_of_what_was_told_is_told_whatever_came_between() {
    let mut station = named();
    station.on_resolved(at(0), Ok(EDGE));
    let mut told = Vec::new();
    for (second, network, session) in [
        (0, Network::default(), SessionState::Asking),
        (3, Network::default(), SessionState::Asking),
        (5, network(None), SessionState::Asking),
        (6, network(Some(HOME)), SessionState::Asking),
        (7, network(Some(HOME)), SessionState::Joined),
        (8, network(Some(HOME)), SessionState::Joined),
    ] {
        station.poll(at(second), &network, session);
        told.push(station.is_told);
    }
    assert_eq!(told, [false, true, true, true, false, false]);
}
