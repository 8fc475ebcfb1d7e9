use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;
use crate::media::{Dts, FrameInfo};

/// 25 frames a second.
const CADENCE_US: u64 = 40_000;
const TICKS: u64 = 3_600;

#[derive(Default)]
struct Buffer {
    frames: BTreeMap<FrameId, FrameInfo>,
    incomplete_keys: Vec<FrameId>,
    newest: FrameId,
}

impl PlayoutBuffer for Buffer {
    fn frame(&self, id: FrameId) -> Option<FrameInfo> {
        self.frames.get(&id).copied()
    }
    fn newest_live(&self) -> FrameId {
        self.newest
    }
    fn next_complete(&self, from: FrameId) -> Option<FrameId> {
        self.frames.range(from..).next().map(|(&id, _)| id)
    }
    fn next_key(&self, from: FrameId) -> Option<FrameId> {
        self.frames.range(from..).find(|(_, info)| info.key).map(|(&id, _)| id)
    }
    fn newest_key(&self) -> Option<FrameId> {
        self.frames.iter().rev().find(|(_, info)| info.key).map(|(&id, _)| id)
    }
    fn is_incomplete_key(&self, id: FrameId) -> bool {
        self.incomplete_keys.contains(&id) && !self.frames.contains_key(&id)
    }
}

impl Buffer {
    fn insert(&mut self, info: FrameInfo) {
        self.newest = self.newest.max(info.id);
        self.frames.insert(info.id, info);
    }
}

/// A player in virtual time: frames arrive, the machine is polled as its contract says, steps are written down.
struct Player {
    playout: Playout,
    buffer: Buffer,
    /// Arrivals to come, by time.
    arrivals: BTreeMap<(u64, FrameId), FrameInfo>,
    now_us: u64,
    steps: Vec<(u64, Step)>,
    delivered: Vec<(u64, FrameId)>,
}

fn settings(target_buffer_ms: u32) -> ChannelSettings {
    ChannelSettings { target_buffer_ms, ..ChannelSettings::default() }
}

/// Frame `id` of a 25 Hz stream with a key frame every `gop`.
fn frame(id: u32, gop: u32) -> FrameInfo {
    let dts = Dts::from_ticks(u64::from(id) * TICKS);
    FrameInfo { id: FrameId(id), dts, pts_offset_ticks: 0, len: 1_000, key: id.is_multiple_of(gop) }
}

impl Player {
    fn new(target_buffer_ms: u32) -> Self {
        let mut playout = Playout::new(&settings(target_buffer_ms));
        playout.start(FrameId(0));
        Self {
            playout,
            buffer: Buffer::default(),
            arrivals: BTreeMap::new(),
            now_us: 0,
            steps: Vec::new(),
            delivered: Vec::new(),
        }
    }

    fn arrive(&mut self, at_us: u64, info: FrameInfo) -> &mut Self {
        self.arrivals.insert((at_us, info.id), info);
        self
    }

    /// Frames `ids` at their own pace, the first at `from_us`.
    fn live(&mut self, from_us: u64, ids: core::ops::Range<u32>, gop: u32) -> &mut Self {
        for (place, id) in ids.enumerate() {
            self.arrive(from_us + place as u64 * CADENCE_US, frame(id, gop));
        }
        self
    }

    /// Frames `ids` all at once.
    fn burst(&mut self, at_us: u64, ids: core::ops::Range<u32>, gop: u32) -> &mut Self {
        for id in ids {
            self.arrive(at_us, frame(id, gop));
        }
        self
    }

    fn run(&mut self, until_us: u64) -> &mut Self {
        loop {
            let wait = self.poll_all();
            let arrival = self.arrivals.keys().next().map(|&(at, _)| at);
            let next = [wait, arrival].into_iter().flatten().min().unwrap_or(u64::MAX);
            if next > until_us {
                self.now_us = until_us;
                return self;
            }
            self.now_us = self.now_us.max(next);
            while let Some(entry) = self.arrivals.first_entry().filter(|entry| entry.key().0 <= next) {
                self.buffer.insert(entry.remove());
            }
        }
    }

    fn poll_all(&mut self) -> Option<u64> {
        for _ in 0..10_000 {
            match self.playout.poll(Instant::from_micros(self.now_us), &self.buffer) {
                Step::Idle => return None,
                Step::Wait(at) => {
                    assert!(at.as_micros() > self.now_us, "waits for the past at {}", self.now_us);
                    return Some(at.as_micros());
                }
                Step::Deliver(id) => {
                    assert!(self.buffer.frames.contains_key(&id), "{id:?} is not complete");
                    self.delivered.push((self.now_us, id));
                }
                step @ (Step::Started { .. }
                | Step::Stalled
                | Step::Resumed { .. }
                | Step::Skipped { .. }) => {
                    self.steps.push((self.now_us, step));
                }
            }
        }
        panic!("poll does not come to rest at {}", self.now_us);
    }

    /// When frame `id` was delivered.
    fn at(&self, id: u32) -> u64 {
        self.delivered.iter().find(|(_, got)| got.0 == id).unwrap_or_else(|| panic!("{id} not delivered")).0
    }
}

/// When frame `id` arrives so that a viewer who starts at 0 stays 2 s behind the live edge.
fn steady(id: u32) -> u64 {
    u64::from(id.saturating_sub(51)) * CADENCE_US
}

fn started(first: u32, startup_us: u64) -> Step {
    Step::Started { first: FrameId(first), startup: Duration::from_micros(startup_us) }
}

fn resumed(after_us: u64) -> Step {
    Step::Resumed { after: Duration::from_micros(after_us) }
}

fn skipped(from: u32, to: u32) -> Step {
    Step::Skipped { from: FrameId(from), to: FrameId(to) }
}

#[test]
fn starts_at_the_threshold_from_a_key_frame() {
    let mut player = Player::new(2_000);
    // Thirteen frames of 40 ms are the first to hold 500 ms.
    player.live(0, 0..60, 25).run(2_000_000);
    assert_eq!(player.steps, [(480_000, started(0, 480_000))]);
    assert_eq!(player.at(0), 480_000);
    assert_eq!(player.playout.state(), PlayoutState::Playing);
}

#[test]
fn starts_from_the_oldest_key_frame_that_has_the_threshold() {
    let mut player = Player::new(2_000);
    player.burst(0, 1..10, 100).burst(0, 11..24, 25).burst(10_000, 25..40, 25).run(10_000);
    // 1..24 holds no key frame; 25 begins a run of 15 frames.
    assert_eq!(player.steps, [(10_000, started(25, 10_000))]);
    assert_eq!(player.playout.stats().frames_skipped, 0);
}

#[test]
fn a_stream_shorter_than_the_threshold_is_shown_after_the_wait() {
    let mut player = Player::new(2_000);
    player.burst(0, 0..5, 25).run(2_000_000);
    assert_eq!(player.steps, [(500_000, started(0, 500_000)), (700_000, Step::Stalled)]);
    assert_eq!(player.delivered.len(), 5);
}

#[test]
fn the_longest_of_several_short_runs_is_shown() {
    // 200 ms from frame 0; 320 ms from frame 25.
    let mut player = Player::new(2_000);
    player.burst(0, 0..5, 25).burst(0, 25..33, 25).run(500_000);
    assert_eq!(player.steps, [(500_000, started(25, 500_000))]);
    // Of two that are as long the first counts, and more of it is to come.
    let mut player = Player::new(2_000);
    player.burst(0, 0..5, 25).burst(0, 25..30, 25).run(500_000);
    assert_eq!(player.steps, []);
}

#[test]
fn a_start_that_does_not_come_about_is_tried_further_on() {
    // Every second frame of the first 7 s is lost for good; what follows is whole.
    let mut player = Player::new(2_000);
    for id in (0..175).step_by(2) {
        player.arrive(u64::from(id) * CADENCE_US, frame(id, 10));
    }
    player.run(4_990_000);
    assert_eq!((player.playout.playhead(), &player.steps[..]), (Some(FrameId(0)), &[][..]));
    // At frame 125, 50 frames are aimed at, and what begins with a key frame.
    player.run(5_100_000);
    assert_eq!(player.steps, [(5_040_000, skipped(0, 80))]);
    player.live(7_000_000, 175..300, 10).run(8_400_000);
    assert_eq!(player.steps.last(), Some(&(7_680_000, started(180, 7_680_000))));
}

#[test]
fn a_start_further_back_than_all_that_comes_is_tried_at_the_newest_key_frame() {
    let mut player = Player::new(1_000);
    player.burst(0, 0..5, 100).burst(100_000, 100..105, 100);
    player.buffer.newest = FrameId(500);
    player.burst(5_200_000, 105..106, 100).run(5_300_000);
    assert_eq!(player.steps, [(5_200_000, skipped(0, 100))]);
    player.burst(5_400_000, 106..120, 100).run(5_400_000);
    assert_eq!(player.steps.last(), Some(&(5_400_000, started(100, 5_400_000))));
}

#[test]
fn the_wait_begins_anew_with_every_frame() {
    let mut player = Player::new(2_000);
    player.burst(0, 0..3, 25).burst(400_000, 3..5, 25).run(1_000_000);
    assert_eq!(player.steps[..1], [(900_000, started(0, 900_000))]);
}

#[test]
fn a_short_run_is_shown_only_when_it_is_all_there_is_or_a_whole_gop() {
    for (gop, steps) in [(25, 0), (5, 1)] {
        let mut player = Player::new(2_000);
        player.burst(0, 0..8, gop).run(0);
        player.buffer.newest = FrameId(20);
        player.run(700_000);
        assert_eq!(player.steps.len(), steps, "a key frame every {gop}");
    }
}

#[test]
fn there_is_nothing_to_jump_to_within_one_gop() {
    let mut player = Player::new(2_000);
    player.burst(0, 0..150, 1_000).run(100_000);
    assert_eq!(player.steps, [(0, started(0, 0))]);
}

#[test]
fn nothing_before_start_and_nothing_without_a_key_frame() {
    let mut player = Player::new(2_000);
    player.playout.stop();
    player.burst(0, 0..50, 25).run(1_000_000);
    assert_eq!(player.playout.playhead(), None);
    assert!(player.steps.is_empty());
    let mut player = Player::new(2_000);
    player.burst(0, 1..25, 25).run(10_000_000);
    assert!(player.steps.is_empty());
    assert_eq!(player.playout.deadline_of(FrameId(3)), None);
}

#[test]
fn a_late_frame_stalls_and_resumes_when_it_is_there() {
    let mut player = Player::new(2_000);
    player.burst(0, 0..20, 25).burst(0, 21..50, 25).arrive(1_000_000, frame(20, 25)).run(1_500_000);
    assert_eq!(player.steps, [(0, started(0, 0)), (800_000, Step::Stalled), (1_000_000, resumed(200_000))]);
    // What follows keeps its distance: the clock stood for the length of the stall.
    assert_eq!(player.at(20), 1_000_000);
    assert_eq!(player.at(21), 1_040_201, "40 ms at 0.5 % less");
    assert_eq!(player.playout.stats().stalled, Duration::from_millis(200));
}

#[test]
fn a_missing_frame_is_omitted_after_half_a_second() {
    let mut player = Player::new(2_000);
    player.burst(0, 0..20, 25).burst(0, 21..50, 25).run(2_000_000);
    assert_eq!(
        player.steps[1..],
        [(800_000, Step::Stalled), (1_300_000, skipped(20, 21)), (1_300_000, resumed(500_000))]
    );
    assert_eq!(player.at(21), 1_300_000);
    let stats = player.playout.stats();
    assert_eq!((stats.stalls, stats.frames_skipped), (1, 1));
}

#[test]
fn a_long_hole_or_a_lost_key_frame_is_skipped_to_a_key_frame() {
    // 20 frames are missing, 800 ms.
    let mut player = Player::new(4_000);
    player.burst(0, 0..20, 25).burst(0, 40..75, 25).run(1_300_000);
    assert_eq!(player.steps[2], (1_300_000, skipped(20, 50)));
    // One frame, but the key frame.
    let mut player = Player::new(4_000);
    player.buffer.incomplete_keys.push(FrameId(25));
    player.burst(0, 0..25, 25).burst(0, 26..75, 25).run(1_500_000);
    assert_eq!(player.steps[2], (1_500_000, skipped(25, 50)));
    // No key frame to go to.
    let mut player = Player::new(4_000);
    player.burst(0, 0..20, 100).burst(0, 40..75, 100).run(1_300_000);
    assert_eq!(player.steps[2], (1_300_000, skipped(20, 40)));
}

#[test]
fn where_a_substream_is_missing_playback_goes_on_behind_all_of_it() {
    // From 20 on every sixth frame is missing for 2 s, and nothing from 75 on.
    let mut player = Player::new(4_000);
    player.burst(0, 0..20, 25);
    for first in (21..74).step_by(6) {
        player.burst(0, first..first + 5, 25);
    }
    player.burst(0, 75..125, 25).run(1_300_000);
    assert_eq!(player.steps[2].1, skipped(20, 75), "{:?}", player.steps);
    // Where it goes on to the end, and that is not far, each hole is passed by itself.
    let mut player = Player::new(20_000);
    player.burst(0, 0..20, 25);
    for first in (21..124).step_by(6) {
        player.burst(0, first..first + 5, 25);
    }
    player.run(1_300_000);
    assert_eq!(player.steps[2].1, skipped(20, 21), "{:?}", player.steps);
}

#[test]
fn who_stood_just_now_does_not_wait_as_long_again() {
    let mut player = Player::new(20_000);
    // 20 and 60 are missing; six seconds later 300.
    player
        .burst(0, 0..20, 25)
        .burst(0, 21..60, 25)
        .burst(0, 61..300, 25)
        .burst(0, 301..400, 25)
        .run(20_000_000);
    let is_end = |step: &&(u64, Step)| matches!(step.1, Step::Resumed { .. });
    let stood: Vec<Step> = player.steps.iter().filter(is_end).map(|&(_, step)| step).collect();
    assert_eq!(stood, [resumed(500_000), resumed(100_000), resumed(500_000)]);
    assert_eq!(player.playout.stats().frames_skipped, 3);
}

#[test]
fn who_is_late_and_has_nothing_smooth_ahead_goes_on_at_the_newest_key_frame() {
    // Every other frame, up to the live edge: with 10 s of it a target of 6 s is long past, one of 9.5 s is not.
    for (target_ms, to) in [(6_000, 275), (9_500, 21)] {
        let mut player = Player::new(target_ms);
        player.burst(0, 0..20, 25);
        for id in (21..=275).step_by(2) {
            player.arrive(0, frame(id, 25));
        }
        player.run(1_300_000);
        assert_eq!(player.steps[2].1, skipped(20, to), "{:?}", player.steps);
    }
}

#[test]
fn who_stands_again_and_again_gives_up_half_a_buffer() {
    // The same, aimed at: three holes are passed one by one, then all of it where that is less than half of what is aimed at.
    for (target_ms, is_left) in [(12_000, true), (24_000, false)] {
        let mut player = Player::new(target_ms);
        player.burst(0, 0..20, 25);
        for id in (21..=275).step_by(2) {
            player.arrive(0, frame(id, 25));
        }
        player.run(4_000_000);
        let skips = player.steps.iter().filter_map(|&(_, step)| match step {
            Step::Skipped { from, to } => Some((from.0, to.0)),
            Step::Idle
            | Step::Wait(_)
            | Step::Started { .. }
            | Step::Deliver(_)
            | Step::Stalled
            | Step::Resumed { .. } => None,
        });
        let skips: Vec<_> = skips.take(4).collect();
        let last = if is_left { (26, 275) } else { (26, 27) };
        assert_eq!(skips, [(20, 21), (22, 23), (24, 25), last]);
    }
}

#[test]
fn frames_after_an_outage_get_a_moment_to_come_in_order() {
    let mut player = Player::new(4_000);
    player.burst(0, 0..20, 25).burst(3_000_000, 21..60, 25).arrive(3_050_000, frame(20, 25)).run(3_060_000);
    assert_eq!(
        player.steps[1..],
        [(800_000, Step::Stalled), (3_050_000, resumed(2_250_000))],
        "nothing is skipped"
    );
}

#[test]
fn the_end_of_the_stream_is_one_stall() {
    let mut player = Player::new(2_000);
    player.burst(0, 0..25, 25).run(60_000_000);
    assert_eq!(player.steps, [(0, started(0, 0)), (1_000_000, Step::Stalled)]);
    for _ in 0..100 {
        assert_eq!(player.playout.poll(Instant::from_millis(61_000), &player.buffer), Step::Idle);
    }
    assert_eq!(player.playout.stats().stalls, 1);
    assert_eq!(player.playout.stats().stalled, Duration::ZERO);
    assert_eq!(player.playout.stalled_time(Instant::from_millis(61_000)), Duration::from_secs(60));
    // The publisher comes back.
    player.burst(70_000_000, 25..50, 25).run(70_000_000);
    assert_eq!(player.steps.last(), Some(&(70_000_000, resumed(69_000_000))));
}

#[test]
fn a_feed_slower_than_the_media_stalls_seldom_and_not_at_every_frame() {
    let mut player = Player::new(4_000);
    for id in 0..250 {
        player.arrive(u64::from(id) * 50_000, frame(id, 25));
    }
    player.run(12_450_000);
    let stalls = player.playout.stats().stalls;
    assert!((3..=8).contains(&stalls), "{stalls}");
}

#[test]
fn more_than_twice_the_target_behind_it_jumps_to_the_newest_key_frame() {
    let mut player = Player::new(2_000);
    player.burst(0, 0..50, 25).burst(1_000_000, 50..160, 25).run(1_000_000);
    // At 1 s the playhead is at 25; frame 159 is 5.4 s ahead.
    assert_eq!(player.steps, [(0, started(0, 0)), (1_000_000, skipped(25, 150))]);
    assert_eq!(player.at(150), 1_000_000);
    assert_eq!(player.playout.stats().frames_skipped, 125);
}

#[test]
fn a_gop_longer_than_the_target_is_played_faster_up_to_the_target() {
    let mut player = Player::new(2_000);
    // One GOP of 200 s: the burst begins 3.5 s behind the live edge, less than twice the target.
    player.burst(0, 0..88, 5_000).live(40_000, 88..4_000, 5_000).run(20_000_000);
    assert_eq!(player.playout.rate_ppm(), CATCH_UP_PPM);
    assert_eq!(player.at(20), 761_904, "20 frames, 5 % faster");
    player.run(100_000_000);
    let lag_ms = player.playout.lag(&player.buffer).as_millis();
    assert!((1_900..=2_050).contains(&lag_ms), "{lag_ms}");
    assert!(player.playout.rate_ppm().unsigned_abs() <= 5_000);
    assert_eq!(player.steps.len(), 1, "{:?}", player.steps);
}

#[test]
fn the_rate_is_in_proportion_to_the_error_and_bounded() {
    let table = [
        (15_000, 15_000, 0),
        (15_020, 15_000, 0),
        (15_500, 15_000, 2_500),
        (14_500, 15_000, -2_500),
        (16_000, 15_000, 5_000),
        (29_000, 15_000, 5_000),
        (0, 15_000, -5_000),
        (2_125, 2_000, 2_500),
        (2_250, 2_000, 5_000),
        (550, 500, 2_500),
    ];
    for (lag_ms, target_ms, ppm) in table {
        assert_eq!(rate_ppm(lag_ms * 1_000, target_ms * 1_000), ppm, "{lag_ms} {target_ms}");
    }
}

#[test]
fn decode_time_wraps_without_a_step() {
    let mut player = Player::new(2_000);
    for id in 0..100 {
        let ticks = Dts::WRAP_TICKS - 10 * TICKS + u64::from(id) * TICKS;
        player.arrive(steady(id), FrameInfo { dts: Dts::from_ticks(ticks), ..frame(id, 25) });
    }
    player.run(1_900_000);
    for id in 0..48 {
        assert_eq!(player.at(id), u64::from(id) * CADENCE_US);
    }
}

#[test]
fn discontinuities_are_taken_at_the_usual_cadence() {
    for jump in [-20 * 90_000_i64, -1, 11 * 90_000, 1_000_000_000] {
        let mut player = Player::new(2_000);
        for id in 0..100 {
            let plain = i64::from(id) * TICKS as i64 + 1_000_000_000;
            let ticks = if id < 20 { plain } else { plain - TICKS as i64 + jump };
            let dts = Dts::from_ticks(ticks.unsigned_abs());
            player.arrive(steady(id), FrameInfo { dts, ..frame(id, 25) });
        }
        player.run(1_950_000);
        for id in [19, 20, 21, 40] {
            assert_eq!(player.at(id), u64::from(id) * CADENCE_US, "{id} after {jump}");
        }
        assert_eq!(player.steps.len(), 1, "{:?}", player.steps);
    }
}

#[test]
fn a_pause_of_nine_seconds_in_decode_time_is_no_discontinuity() {
    let mut player = Player::new(15_000);
    for id in 0..50 {
        let gap = if id < 20 { 0 } else { 9 * 90_000 };
        let dts = Dts::from_ticks(u64::from(id) * TICKS + gap);
        player.arrive(0, FrameInfo { dts, ..frame(id, 25) });
    }
    player.run(9_900_000);
    assert_eq!(player.at(20), 9_800_000);
}

/// 30,000/1,001 frames a second for 30 hours, past the wrap: each frame is delivered where exact arithmetic puts it.
#[test]
fn the_clock_does_not_drift() {
    let mut playout = Playout::new(&ChannelSettings { cadence_us: 33_367, ..settings(2_002) });
    playout.start(FrameId(0));
    let mut buffer = Buffer::default();
    let info = |id: u32| FrameInfo { dts: Dts::from_ticks(u64::from(id) * 3_003), ..frame(id, 60) };
    // 61 frames ahead of the one delivered: 2,002 ms behind the live edge.
    (0..62).for_each(|id| buffer.insert(info(id)));
    let mut now = Instant::ZERO;
    let mut worst = 0;
    let mut next = 62;
    while next < 30 * 3_600 * 30 {
        match playout.poll(now, &buffer) {
            Step::Wait(at) => {
                now = at;
            }
            Step::Deliver(id) => {
                let exact = u64::from(id.0) * 3_003 * 100 / 9;
                worst = worst.max(now.as_micros().abs_diff(exact));
                buffer.frames.remove(&id);
                buffer.insert(info(next));
                next += 1;
            }
            Step::Started { .. } => {}
            step @ (Step::Idle | Step::Stalled | Step::Resumed { .. } | Step::Skipped { .. }) => {
                panic!("{step:?} at {now:?}")
            }
        }
    }
    assert!(worst <= 15, "{worst} us");
}

#[test]
fn deadlines_follow_the_cadence_of_the_stream_and_the_stall() {
    let mut player = Player::new(4_000);
    player.burst(0, 0..50, 50).run(1_000_000);
    let deadline = |player: &Player, id| player.playout.deadline_of(FrameId(id)).map(Instant::as_micros);
    assert_eq!(deadline(&player, 60), Some(2_400_000));
    assert_eq!(deadline(&player, 20), Some(800_000));
    player.run(5_000_000);
    let _ = player.playout.poll(Instant::from_micros(5_000_000), &player.buffer);
    assert_eq!(player.playout.state(), PlayoutState::Stalled);
    assert_eq!(deadline(&player, 50), Some(5_000_000), "the stalled frame is wanted at once");
    assert_eq!(deadline(&player, 75), Some(6_000_000));
    // The settings said 40 ms, the stream has 20.
    let mut player = Player::new(4_000);
    for id in 0..150 {
        let dts = Dts::from_ticks(u64::from(id) * TICKS / 2);
        player.arrive(0, FrameInfo { dts, ..frame(id, 50) });
    }
    player.run(2_980_000);
    let estimate = deadline(&player, 200).unwrap();
    assert!(estimate.abs_diff(4_000_000) < 60_000, "{estimate}");
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_playout.txt",
        ))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Whatever is lost, late or oddly stamped: the playhead never goes back, only complete frames are delivered (the
    /// player checks), the pace holds, counters add up, and every poll comes to rest.
    #[test]
    fn any_arrivals(
        frames in prop::collection::vec((0_u64..3_000_000, 0_u64..8_000, 0_u8..100), 1..400),
        target_ms in prop_oneof![Just(500_u32), Just(2_000), Just(15_000)],
        gop in 1_u32..80,
    ) {
        let mut player = Player::new(target_ms);
        let mut ticks = 0_u64;
        for (id, &(delay_us, step, luck)) in (0_u32..).zip(&frames) {
            ticks += match luck { 0 => 2_000_000, 1 => Dts::WRAP_TICKS - 90_000, _ => step };
            if luck > 10 {
                let delay_us = if luck > 30 { delay_us / 100 } else { delay_us };
                let info = FrameInfo { dts: Dts::from_ticks(ticks), ..frame(id, gop) };
                player.arrive(u64::from(id) * CADENCE_US + delay_us, info);
            }
        }
        player.run(60_000_000);
        prop_assert!(player.delivered.windows(2).all(|pair| pair[0].1 < pair[1].1));
        let stats = player.playout.stats();
        prop_assert_eq!(stats.frames_played as usize, player.delivered.len());
        let count = |is: fn(&Step) -> bool| player.steps.iter().filter(|(_, step)| is(step)).count();
        prop_assert_eq!(stats.stalls as usize, count(|step| matches!(step, Step::Stalled)));
        if let Some(&(_, Step::Started { first, .. })) = player.steps.first() {
            let passed = player.playout.playhead().unwrap().since(first);
            prop_assert_eq!(passed, stats.frames_played + stats.frames_skipped);
        }
        let stalled: Duration = player.steps.iter().map(|(_, step)| match step {
            Step::Resumed { after } => *after,
            Step::Idle | Step::Wait(_) | Step::Deliver(_) | Step::Started { .. } | Step::Stalled
            | Step::Skipped { .. } => Duration::ZERO,
        }).sum();
        prop_assert_eq!(stats.stalled, stalled);
        check_pace(&player)?;
    }
}

/// From the frame at which the clock was set (a start, a resumption, a jump) on, no frame comes before its decode time
/// allows, up to the next discontinuity: 5 % at most, and rounding.
fn check_pace(player: &Player) -> Result<(), TestCaseError> {
    let mut segment: Option<(u64, u64, FrameInfo)> = None;
    let mut seen = 0;
    for &(at_us, id) in &player.delivered {
        let info = player.buffer.frames[&id];
        let events = player.steps.iter().filter(|(at, _)| *at <= at_us).count();
        let step = segment.and_then(|(.., last)| step_us(last.dts, info.dts));
        segment = match (segment, step) {
            (Some((from_us, media_us, last)), Some(step)) if events == seen && id == last.id.next() => {
                let least = (media_us + step) * 100 / 105;
                prop_assert!(at_us + 5 >= from_us + least, "{:?} at {}", id, at_us);
                Some((from_us, media_us + step, info))
            }
            _ => (events > seen).then_some((at_us, 0, info)),
        };
        seen = events;
    }
    Ok(())
}

#[path = "playout_drift_tests.rs"]
mod drift;
