//! One substream's feeds against a plain model: who is taken on as a child, from which frame, and where the feed stops.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;
use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::goodbyes::{address, config, find, joined_as, meet, said, say};
use super::script::{Memory, TestClient};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelSettings, Dts, FrameId, FrameInfo, Mapping};
use crate::wire::control::{Class, LinkId, RefuseReason, Subscribe};
use crate::wire::{DATA_HEADER_LEN, DataHeader, Datagram, Message};
use crate::{Endpoint, Instant, Path};

const NOW: Instant = Instant::from_millis(1_000);
const START: u32 = 100;
const LEN: u32 = 40;

/// What a feeder answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accept { first: FrameId, level: u8 },
    Refuse(RefuseReason),
}

/// The model of a feeder: plain numbers.
#[derive(Clone, Copy, Debug)]
struct Feeder {
    settings: ChannelSettings,
    class: Class,
    newest: u32,
    slots_max: u8,
    slots_used: u8,
}

impl Feeder {
    fn is_in(&self, id: u32, substream: u8) -> bool {
        self.settings.mapping.substream_of(FrameId(id), self.settings.substreams) == substream
    }

    /// docs/wire.md, "Feeds": a free slot, its own level below K0 and below the child's, a feed of its own.
    fn answer(&self, ask: Subscribe) -> Answer {
        let deepest = self.settings.levels_max;
        let level = if self.class == Class::Push { 1 } else { deepest };
        if level >= deepest || level >= ask.level {
            return Answer::Refuse(RefuseReason::Level);
        }
        if self.slots_used >= self.slots_max {
            return Answer::Refuse(RefuseReason::Full);
        }
        // At most 2 s behind: 50 frames.
        let floor = ask.from.0.max(self.newest.saturating_sub(50));
        let first = (floor..).find(|&id| self.is_in(id, ask.substream)).unwrap();
        Answer::Accept { first: FrameId(first), level }
    }

    /// What a feed brings: every frame of the substream from the one to before the other.
    fn brings(&self, substream: u8, first: FrameId, until: u32) -> Vec<u32> {
        (first.0..until.min(self.newest + 1)).filter(|&id| self.is_in(id, substream)).collect()
    }
}

pub(super) fn feed(
    client: &mut TestClient<'_>,
    link: LinkId,
    settings: &ChannelSettings,
    packet: u32,
    id: u32,
) {
    let header = DataHeader {
        link,
        packet,
        epoch: 1,
        info: FrameInfo {
            id: FrameId(id),
            dts: Dts::from_ticks(u64::from(id) * 3_600),
            pts_offset_ticks: 0,
            len: LEN,
            key: id.is_multiple_of(25),
        },
        substream: settings.mapping.substream_of(FrameId(id), settings.substreams),
        count: 1,
        ..DataHeader::default()
    };
    let mut datagram = [7; DATA_HEADER_LEN + LEN as usize];
    header.write(&mut datagram).unwrap();
    assert_eq!(client.handle_datagram(NOW, Path::to(address(0)), &datagram), Ok(()));
}

/// Sends all there is, as fast as the uplink lets it; gives the frames `peer` got, and the control datagrams.
fn drain(client: &mut TestClient<'_>, peer: u16) -> (Vec<u32>, Vec<(u16, Vec<u8>)>) {
    let (mut frames, mut control) = (Vec::new(), Vec::new());
    let mut head = [0; DATAGRAM_LEN_MAX];
    let mut steps = (0..100).map(|step| NOW + Duration::from_millis(100 * step));
    let mut now = NOW;
    loop {
        let Some(transmit) = client.poll_transmit(now, &mut head) else {
            let Some(later) = steps.next() else { break };
            now = later;
            continue;
        };
        let to = transmit.path.remote.port() - 7_000;
        let mut datagram = head[..transmit.head_len].to_vec();
        datagram.resize(datagram.len() + transmit.body.map_or(0, |body| usize::from(body.len)), 7);
        match Datagram::parse(&datagram) {
            Ok(Datagram::Data(header, _)) if to == peer => frames.push(header.info.id.0),
            Ok(Datagram::Data(..)) => {}
            _ => control.push((to, datagram)),
        }
    }
    (frames, control)
}

fn answer_in(control: &[(u16, Vec<u8>)]) -> Option<Answer> {
    find(control, |message| match message {
        Message::Accept(accept) => Some(Answer::Accept { first: accept.first, level: accept.level }),
        Message::Refuse { reason, .. } => Some(Answer::Refuse(*reason)),
        _ => None,
    })
}

proptest! {
    #![proptest_config(Config {
        cases: 300,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/core_feeds.txt"))),
        ..Config::default()
    })]

    #[test]
    fn children_are_fed_as_the_model_says(
        substreams in 1..=8_u8,
        levels_max in 1..=4_u8,
        is_scattered: bool,
        is_push: bool,
        frames in 40..160_u32,
        asks in prop::collection::vec((0..8_u8, 0..200_u32, 0..6_u8, 0..100_u32), 1..10),
    ) {
        let mapping = if is_scattered { Mapping::Scattered } else { Mapping::RoundRobin };
        let settings = ChannelSettings { substreams, levels_max, mapping, ..ChannelSettings::default() };
        let class = if is_push { Class::Push } else { Class::P2p };
        let mut memory = Memory::new(12, 256, 32, 256);
        let (mut client, edge) = joined_as(&mut memory, config(), class, settings);
        for packet in 0..frames {
            feed(&mut client, edge, &settings, packet, START + packet);
        }
        said(&mut client);
        let view = client.view(NOW).unwrap();
        let newest = START + frames - 1;
        let mut model = Feeder { settings, class, newest, slots_max: view.slots_max, slots_used: 0 };
        for (peer, &(substream, from, level, until)) in (1..).zip(&asks) {
            let substream = substream % substreams;
            let link = meet(&mut client, peer);
            let ask = Subscribe { substream, from: FrameId(START + from), level };
            // Ahead of everything nothing is owed yet; the cut may come before the first frame.
            let cut = START + from + until;
            say(&mut client, peer, link, &[Message::Subscribe(ask)]);
            let expected = model.answer(ask);
            say(&mut client, peer, link, &[Message::Release { substream, until: FrameId(cut) }]);
            let (sent, control) = drain(&mut client, peer);
            let answer = answer_in(&control);
            match expected {
                Answer::Refuse(_) => {
                    prop_assert_eq!(answer, Some(expected));
                    prop_assert!(sent.is_empty());
                }
                Answer::Accept { first, .. } => {
                    // A cut before the first frame is that of an earlier feed; one that is over before it is answered
                    // needs no answer.
                    let cut = if cut < first.0 { u32::MAX } else { cut };
                    let is_over = first.0 >= cut;
                    prop_assert_eq!(answer, Some(expected).filter(|_| !is_over));
                    prop_assert_eq!(sent, model.brings(substream, first, cut));
                    let lasts = (first.0..cut.min(first.0 + 100)).any(|id| id > newest && model.is_in(id, substream));
                    model.slots_used += u8::from(lasts);
                }
            }
            prop_assert_eq!(client.view(NOW).unwrap().slots_used, model.slots_used);
        }
    }
}
