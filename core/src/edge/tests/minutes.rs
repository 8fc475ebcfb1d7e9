//! What an edge counts in a minute.

use core::time::Duration;
use std::vec::Vec;

use super::harness::*;
use crate::edge::{EdgeEvent, EdgeMinute, ToldMinutes};
use crate::scaling::Stage;
use crate::wire::SendReason;
use crate::wire::control::{LeaveReason, Message, Status, WatchStats};
use crate::wire::report::{MinuteReport, ReportBytes};
use crate::{Endpoint, Instant, Why};

fn world(memory: &mut EdgeMemory) -> World<'_> {
    World::new(memory, config(100_000_000, 90), settings(), 30)
}

fn minutes(world: &World<'_>) -> Vec<EdgeMinute> {
    let minute = |event: &EdgeEvent| match event {
        EdgeEvent::Minute { minute, .. } => Some(*minute),
        _ => None,
    };
    world.events.iter().filter_map(minute).collect()
}

#[test]
fn what_reports_told_adds_up_to_the_rates_of_the_paper() {
    let report = |played_ms, buffering_ms| MinuteReport {
        played_ms,
        buffering_ms,
        rescues: 2,
        bytes: ReportBytes { push: 5, rescue: 2, peers: 3, ..ReportBytes::default() },
        ..MinuteReport::default()
    };
    let mut told = ToldMinutes::default();
    assert_eq!((told.q1(), told.q2()), (None, None), "nobody played");
    for (played_ms, buffering_ms) in [(60_000, 0), (45_000, 15_000), (0, 60_000), (0, 0)] {
        told.add(&report(played_ms, buffering_ms));
    }
    assert_eq!((told.clients, told.rebuffered), (3, 2), "who waited for the start watched nothing");
    assert_eq!((told.played_ms, told.buffering_ms, told.rescues), (105_000, 75_000, 8));
    assert_eq!((told.bytes_edge, told.bytes_peers), (28, 12));
    assert_eq!(told.q1(), Some(105.0 / 180.0));
    assert_eq!(told.q2(), Some(1.0 / 3.0));
}

#[test]
fn a_minute_tells_who_came_and_went_and_what_was_sent() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let opened_at = world.now;
    for _ in 0..3 {
        world.join();
    }
    world.say(0, &Message::Leave { reason: LeaveReason::Done }).unwrap();
    world.viewers[0].edge_link = crate::wire::control::LinkId(0);
    world.run(Duration::from_secs(1));
    world.is_publishing = false;
    let due = opened_at + 60 * SECOND;
    assert_eq!(world.edge.minute_at, due);
    world.edge.handle_timeout(due.minus_micros(1));
    world.drain();
    assert_eq!(minutes(&world), []);
    // The clients fell silent meanwhile; they are there until the edge looks.
    let active = world.edge.channel(world.channel).unwrap().clients;
    world.edge.on_minute(due);
    world.drain();
    let [minute] = minutes(&world)[..] else { panic!() };
    assert_eq!((minute.number, minute.active, minute.joined), (0, active, 3));
    assert_eq!((minute.left, minute.stage), (3 - active, Stage::One));
    assert!(minute.sent(SendReason::Burst) > 0 && minute.sent(SendReason::Feed) > 0);
    assert_eq!((minute.sent(SendReason::Rescue), minute.sent(SendReason::Pull)), (0, 0));
    // The next is counted anew.
    assert_eq!(world.edge.minute_at, due + 60 * SECOND);
    world.edge.on_minute(due + 60 * SECOND);
    world.drain();
    let second = minutes(&world)[1];
    assert_eq!((second.number, second.joined, second.sent(SendReason::Feed)), (1, 0, 0));
}

#[test]
fn minutes_begin_with_the_first_channel_and_end_with_the_last() {
    let mut memory = EdgeMemory::new(4, 1, 64);
    let mut world = world(&mut memory);
    let opened_at = world.now;
    world.edge.start_minutes(opened_at + SECOND);
    assert_eq!(world.edge.minute_at, opened_at + 60 * SECOND, "it is begun");
    // Looked at late, the next one is a whole minute.
    let late = opened_at + 200 * SECOND;
    world.edge.on_minute(late);
    assert_eq!(world.edge.minute_at, late + 60 * SECOND);
    world.edge.close_channel(late, world.channel);
    world.drain();
    assert_eq!(minutes(&world).len(), 2, "the last one is cut short");
    world.edge.on_minute(late + 60 * SECOND);
    assert_eq!(world.edge.minute_at, Instant::FAR_FUTURE);
    assert!(world.edge.poll_timeout().is_none_or(|deadline| deadline.why != Why::Report));
}

fn rebuffered(world: &World<'_>) -> u32 {
    world.edge.channel(world.channel).unwrap().minute.rebuffered
}

fn tell(world: &mut World<'_>, watch: WatchStats) {
    world.say(0, &Message::Status(Status { watch, ..Status::default() })).unwrap();
}

#[test]
fn a_stall_counts_a_client_once_a_minute() {
    let known = WatchStats { frames_played: 1, stalls: 2, stalled_ms: 100, ..WatchStats::default() };
    for (watch, counts) in [
        (known, 0),
        (WatchStats { stalls: 3, ..known }, 1),
        (WatchStats { stalled_ms: 101, ..known }, 1),
        (WatchStats { stalls: 1, stalled_ms: 99, ..known }, 0),
    ] {
        let mut memory = EdgeMemory::new(4, 1, 64);
        let mut world = world(&mut memory);
        world.join();
        tell(&mut world, known);
        assert_eq!(rebuffered(&world), 0, "the first status tells of former sessions, too");
        tell(&mut world, watch);
        assert_eq!(rebuffered(&world), counts, "{watch:?}");
    }
    let mut memory = EdgeMemory::new(4, 1, 64);
    let mut world = world(&mut memory);
    world.join();
    for (stalls, counts) in [(2, 0), (3, 1), (4, 1)] {
        tell(&mut world, WatchStats { stalls, ..known });
        assert_eq!(rebuffered(&world), counts);
    }
    for _ in 0..2 {
        world.edge.on_minute(world.now);
        assert_eq!(rebuffered(&world), 0);
        let stalls = world.edge.minute_number + 10;
        tell(&mut world, WatchStats { stalls, ..known });
        assert_eq!(rebuffered(&world), 1, "in another minute");
    }
}

#[test]
fn any_of_three_figures_shows_that_a_status_is_not_the_first() {
    for known in [
        WatchStats { frames_played: 1, ..WatchStats::default() },
        WatchStats { buffer_ms: 1, ..WatchStats::default() },
        WatchStats { bytes_control: 1, ..WatchStats::default() },
    ] {
        let mut memory = EdgeMemory::new(4, 1, 64);
        let mut world = world(&mut memory);
        world.join();
        tell(&mut world, known);
        tell(&mut world, WatchStats { stalls: 1, ..known });
        assert_eq!(rebuffered(&world), 1, "{known:?}");
    }
}

#[test]
fn a_rescue_counts_a_client_once_a_minute() {
    let mut memory = EdgeMemory::new(4, 1, 64);
    let mut world = world(&mut memory);
    world.join();
    let rescued = |world: &World<'_>| world.edge.channel(world.channel).unwrap().minute.rescued;
    for _ in 0..2 {
        for _ in 0..3 {
            world.edge.note_rescued(0);
            assert_eq!(rescued(&world), 1);
        }
        world.edge.on_minute(world.now);
    }
}

#[test]
fn a_minute_tells_how_many_there_are_and_in_which_stage() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = World::new(&mut memory, config(100_000_000, 2), settings(), 30);
    for _ in 0..3 {
        world.join();
    }
    world.run(Duration::from_millis(200));
    world.edge.on_minute(world.now);
    world.drain();
    let [minute] = minutes(&world)[..] else { panic!() };
    assert_eq!((minute.active, minute.joined, minute.left, minute.stage), (3, 3, 0, Stage::Two));
    let stats = world.edge.stats();
    assert!(stats.header_bytes >= 40 * stats.data_packets, "{stats:?}");
    assert!(stats.control_bytes >= 9 * stats.control_packets && stats.control_packets > 3);
    assert!(stats.sent_bytes() > stats.header_bytes + stats.control_bytes);
}

#[test]
fn a_burst_s_first_part_is_the_startup_and_two_seconds() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let viewer = world.join();
    let client = world.edge.clients.at(0).unwrap();
    // Half a second and two, at 25 frames a second.
    let until = world.viewers[viewer].start.plus(63);
    assert_eq!((client.first_until, client.first_base), (until, until));
    assert_eq!((client.channel, client.joined_at), (world.channel, world.now));
}
