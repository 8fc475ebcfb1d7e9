//! Reports: each is taken once, and what is owed is counted.

use core::time::Duration;
use std::vec::Vec;

use super::harness::*;
use crate::edge::EdgeEvent;
use crate::edge::events::{Events, LeaveCause};
use crate::edge::stats::EdgeStats;
use crate::media::ChannelName;
use crate::wire::control::{LeaveReason, Message};
use crate::wire::report::{
    ChannelTag, JoinRecord, MinuteReport, Report, ReportAck, ReportBody, ReportBytes, ViewerId,
};
use crate::{Endpoint, Reject};

const VIEWER: ViewerId = ViewerId(77);

fn world(memory: &mut EdgeMemory) -> World<'_> {
    World::new(memory, config(100_000_000, 90), settings(), 30)
}

fn report(number: u32) -> Report {
    Report {
        viewer: VIEWER,
        number,
        channel: ChannelTag::of(&name()),
        dropped: 0,
        public: address(0),
        private: None,
        body: ReportBody::Join(JoinRecord::default()),
    }
}

fn hand_in(world: &mut World<'_>, viewer: usize, report: Report) -> Result<(), Reject> {
    world.say(viewer, &Message::Report(report))
}

#[test]
fn a_report_is_taken_once_and_told_so() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let viewer = world.join();
    assert_eq!(hand_in(&mut world, viewer, report(2)), Ok(()));
    assert_eq!(hand_in(&mut world, viewer, report(1)), Ok(()));
    assert_eq!(hand_in(&mut world, viewer, report(2)), Err(Reject::Duplicate));
    let ack = Told::ReportAck(ReportAck { highest: 2, taken: 0b11 });
    let acks = world.viewers[viewer].told.iter().filter(|(_, told)| *told == ack).count();
    assert_eq!(acks, 2, "what is repeated is acknowledged again");
    assert_eq!(hand_in(&mut world, viewer, report(40)), Ok(()));
    assert_eq!(hand_in(&mut world, viewer, report(3)), Err(Reject::Stale), "too old to be known");
    let other = Report { viewer: ViewerId(78), ..report(41) };
    assert_eq!(hand_in(&mut world, viewer, other), Err(Reject::Unexpected));
    let stats = world.edge.stats();
    assert_eq!((stats.reports, stats.reports_repeated), (3, 1));
}

#[test]
fn what_a_client_threw_away_counts_once() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let viewer = world.join();
    for (number, dropped, lost) in [(1, 3, 3), (2, 5, 5), (3, 4, 5), (4, 6, 6)] {
        hand_in(&mut world, viewer, Report { dropped, ..report(number) }).unwrap();
        assert_eq!(world.edge.stats().reports_lost, lost, "{dropped}");
    }
}

#[test]
fn a_client_hands_in_eight_at_once_and_one_every_ten_seconds() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let viewer = world.join();
    let joined_at = world.now;
    for number in 1..=8 {
        assert_eq!(hand_in(&mut world, viewer, report(number)), Ok(()));
    }
    for (ms, verdict) in [(0, Err(Reject::Full)), (9_999, Err(Reject::Full)), (10_000, Ok(()))] {
        world.now = joined_at + Duration::from_millis(ms);
        assert_eq!(hand_in(&mut world, viewer, report(9)), verdict, "{ms}");
    }
    assert_eq!(hand_in(&mut world, viewer, report(10)), Err(Reject::Full));
}

#[test]
fn reports_wait_in_a_queue_that_does_not_grow() {
    let (mut events, mut stats) = (Events::default(), EdgeStats::default());
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let viewer = world.join();
    hand_in(&mut world, viewer, report(1)).unwrap();
    let is_report = |event: &EdgeEvent| matches!(event, EdgeEvent::Report { .. });
    let event = world.events.iter().find(|event| is_report(event)).unwrap();
    let mut count = 0;
    while events.takes_report() {
        events.push(event.clone(), &mut stats);
        count += 1;
    }
    assert!(count > 1 && count < 128, "{count}");
    assert_eq!((stats.events_dropped, stats.reports_dropped), (0, 0));
    assert!(events.pop().is_some());
    assert!(events.takes_report());
    // Other events push the oldest out: the reports among them are counted.
    let other = EdgeEvent::ChannelClosed { channel: world.channel };
    let mut pushed = 0;
    while stats.events_dropped < 2 {
        events.push(other.clone(), &mut stats);
        pushed += 1;
        assert!(pushed < 1_000);
    }
    assert_eq!(stats.reports_dropped, 2);
}

#[test]
fn reports_are_handed_up_under_the_channel_they_are_of() {
    let mut memory = EdgeMemory::new(8, 2, 64);
    let mut world = world(&mut memory);
    let other = ChannelName::new("live2").unwrap();
    let (second, _) = world.edge.open_channel(world.now, &other, settings(), &[], None).unwrap();
    let viewer = world.join();
    let unknown = ChannelTag::of(&ChannelName::new("live3").unwrap());
    let minute = MinuteReport {
        played_ms: 50_000,
        buffering_ms: 10_000,
        rescues: 3,
        bytes: ReportBytes { push: 70, peers: 30, ..ReportBytes::default() },
        ..MinuteReport::default()
    };
    for (number, channel) in [(1, ChannelTag::of(&name())), (2, ChannelTag::of(&other)), (3, unknown)] {
        let body = ReportBody::Minute(minute);
        hand_in(&mut world, viewer, Report { channel, body, ..report(number) }).unwrap();
    }
    let handed: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            EdgeEvent::Report { channel, report, client } => Some((*channel, report.number, *client)),
            _ => None,
        })
        .collect();
    let id = world.viewers[viewer].id;
    assert_eq!(handed, [(Some(world.channel), 1, id), (Some(second), 2, id), (None, 3, id)]);
    let told = world.edge.channel(world.channel).unwrap().minute.told;
    assert_eq!((told.clients, told.rebuffered, told.rescues), (1, 1, 3));
    assert_eq!((told.played_ms, told.buffering_ms), (50_000, 10_000));
    assert_eq!((told.bytes_edge, told.bytes_peers), (70, 30));
}

/// A viewer that stays for two minutes and a little, hands in one report, and falls silent; gives the reports missing.
fn owed_after(world: &mut World<'_>, is_silent: bool) -> u64 {
    let viewer = world.join_with_slots(0);
    world.is_publishing = false;
    for _ in 0..130 {
        world.now = world.now + SECOND;
        world.edge.handle_timeout(world.now);
        let status = world.viewers[viewer].status.clone().unwrap();
        world.say(viewer, &Message::Status(status)).unwrap();
    }
    hand_in(world, viewer, report(1)).unwrap();
    if is_silent {
        for _ in 0..60 {
            world.now = world.now + SECOND;
            world.edge.handle_timeout(world.now);
        }
    } else {
        world.say(viewer, &Message::Leave { reason: LeaveReason::Done }).unwrap();
    }
    world.drain();
    let cause = world.events.iter().rev().find_map(|event| match event {
        EdgeEvent::Left { cause, .. } => Some(*cause),
        _ => None,
    });
    assert_eq!(cause, Some(if is_silent { LeaveCause::Silent } else { LeaveCause::Left }));
    world.viewers[viewer].edge_link = crate::wire::control::LinkId(0);
    world.edge.stats().reports_missing
}

#[test]
fn who_falls_silent_owes_a_start_each_minute_and_the_last() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    assert_eq!(owed_after(&mut world, false), 0, "who says goodbye handed in what it had");
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = World::new(&mut memory, config(100_000_000, 90), settings(), 30);
    // Two and one for each of two minutes, less the one.
    assert_eq!(owed_after(&mut world, true), 3);
    let told = world.events.iter().map(|event| match event {
        EdgeEvent::Minute { minute, .. } => minute.reports_missing,
        _ => 0,
    });
    let running = world.edge.channel(world.channel).unwrap().minute.reports_missing;
    assert_eq!(told.sum::<u32>() + running, 3);
}

#[test]
fn who_comes_back_is_known() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    owed_after(&mut world, true);
    world.is_publishing = false;
    let back = world.join();
    let stranger = world.join();
    let unknown = Report { viewer: ViewerId(78), ..report(1) };
    assert_eq!(hand_in(&mut world, stranger, unknown), Ok(()));
    assert_eq!(world.edge.stats().reports_missing_back, 0);
    assert_eq!(hand_in(&mut world, back, report(1)), Err(Reject::Duplicate), "it came in the last session");
    assert_eq!(world.edge.stats().reports_missing_back, 3);
    assert_eq!(hand_in(&mut world, back, report(2)), Ok(()));
    assert_eq!(world.edge.stats().reports_missing_back, 3);
}
