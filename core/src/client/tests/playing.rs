//! What a client's player sees of its buffer, and what of it is told.

use std::vec::Vec;

use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::ClientEvent;
use crate::media::{ChannelSettings, FrameId};
use crate::wire::DataHeader;
use crate::wire::control::Class;
use crate::{Endpoint, Instant};

fn memory() -> Memory {
    Memory::new(4, 512, 16, 1_024)
}

fn rig(memory: &mut Memory) -> Rig<'_> {
    let settings = ChannelSettings { startup_ms: 400, target_buffer_ms: 4_000, ..one_substream() };
    Rig::new(memory, Class::Push, settings, 0)
}

/// Plays for so long; what was passed over, and how many frames were handed over.
fn play(rig: &mut Rig<'_>, from_ms: u64, to_ms: u64) -> (Vec<(u32, u32)>, u32) {
    let (mut skipped, mut frames) = (Vec::new(), 0);
    for ms in (from_ms..to_ms).step_by(20) {
        rig.client.clocks.play_at = NOW;
        rig.client.play(after(ms));
        while let Some(event) = rig.client.poll_event() {
            match event {
                ClientEvent::Skipped { from, to } => skipped.push((from.0, to.0)),
                ClientEvent::Frame(_) => frames += 1,
                ClientEvent::Joined
                | ClientEvent::Refused(_)
                | ClientEvent::Redirected { .. }
                | ClientEvent::Started { .. }
                | ClientEvent::Stalled
                | ClientEvent::Resumed { .. }
                | ClientEvent::Left { .. } => {}
            }
        }
    }
    (skipped, frames)
}

#[test]
fn a_lost_key_frame_takes_its_group_with_it_and_another_frame_itself_alone() {
    for (lost, skipped) in [(125, (125, 150)), (126, (126, 127))] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.feed(NOW, 0, 100..lost);
        // Half of it came.
        let half: DataHeader = rig.long(lost, 2);
        rig.send(NOW, 0, half).unwrap();
        rig.feed(NOW, 0, lost + 1..175);
        assert_eq!(play(&mut rig, 0, 3_000).0, [skipped], "{lost}");
    }
}

#[test]
fn a_viewer_far_behind_goes_on_at_the_newest_key_frame() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.feed(NOW, 0, 100..130);
    assert_eq!(play(&mut rig, 0, 400).0, []);
    rig.feed(after(400), 0, 300..330);
    let (skipped, frames) = play(&mut rig, 400, 800);
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0].1, 325);
    assert!(frames >= 4, "{frames}");
}

#[test]
fn frames_wait_while_the_owner_reads_none() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.feed(NOW, 0, 100..400);
    for ms in (0..20_000).step_by(40) {
        rig.client.clocks.play_at = NOW;
        rig.client.play(after(ms));
    }
    let queued = rig.client.events.len();
    assert!(queued + 2 >= ClientEvent::QUEUE_LEN && queued < ClientEvent::QUEUE_LEN, "{queued}");
    assert_eq!(rig.client.clocks.play_at, Instant::FAR_FUTURE);
    assert_eq!(rig.client.stats().events_dropped, 0);
    // With the first that is read playout goes on.
    assert!(rig.client.poll_event().is_some());
    assert_eq!(rig.client.clocks.play_at, Instant::ZERO);
    rig.client.clocks.play_at = after(5);
    rig.client.poll_event();
    assert_eq!(rig.client.clocks.play_at, after(5), "it does not wait for that");
}

#[test]
fn the_buffer_is_what_can_be_played_without_a_gap() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    assert_eq!(rig.client.buffer_ms(), 0);
    rig.feed(NOW, 0, (100..105).chain(106..110));
    rig.client.playout.start(FrameId(100));
    assert_eq!(rig.client.buffer_ms(), 200);
    rig.client.playout.start(FrameId(106));
    assert_eq!(rig.client.buffer_ms(), 160);
    rig.client.playout.start(FrameId(105));
    assert_eq!(rig.client.buffer_ms(), 0);
    rig.client.playout.stop();
    assert_eq!(rig.client.buffer_ms(), 0);
}
