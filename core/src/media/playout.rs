//! Playout: hands complete frames over in id order, each when it is due.
//!
//! A pure machine: it is told the time and looks at the buffer through [`PlayoutBuffer`]; it holds no frame itself.

use core::time::Duration;

use super::clock::{MediaClock, step_us};
use super::step::{PlayoutBuffer, PlayoutState, PlayoutStats, Step};
use super::{ChannelSettings, FrameId};
use crate::time::Instant;

/// A missing frame is waited for this long after its deadline.
const STALL_WAIT_US: u64 = 500_000;
/// Who stood so recently waits only as long as frames may be out of order: what lacks there was asked for long ago.
const STALL_AGAIN_US: u64 = 5_000_000;
/// So many stalls, each soon after the other, and half a buffer is given up to be rid of them.
const STALLS_IN_A_ROW_MAX: u8 = 3;
/// A start that does not come about within this time is tried further on.
const START_WAIT_US: u64 = 5_000_000;
/// When later frames come only after such a wait, the missing one gets this much longer: they seldom come in order.
const REORDER_WAIT_US: u64 = 100_000;
/// A longer hole is not omitted but skipped up to a key frame: what follows could not be decoded.
const OMIT_MAX_US: u64 = 500_000;
/// Where this part of the frames that follow a hole is missing, too, playback goes on at a key frame behind all that.
const RAGGED_PART: usize = 10;
/// Key frames looked at for that.
const SMOOTH_KEYS_MAX: u32 = 32;
/// Bound of the rate correction: 0.5 %, which nobody hears or sees.
const RATE_PPM_MAX: i64 = 5_000;
/// The rate moves in steps of this, so that it rests while the lag is about right.
const RATE_STEP_PPM: i64 = 250;
/// Speed-up after a start further back than the target because the GOP is long.
const CATCH_UP_PPM: i32 = 50_000;
/// The rate is set anew after this much time.
const STEER_EVERY_US: u64 = 1_000_000;
/// Key frames looked at in one search for a start, and frames in one look ahead: bounds of the work of a poll.
const START_KEYS_MAX: u32 = 16;
const RUN_FRAMES_MAX: u32 = 8_192;

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// `None` before the first poll.
    Startup(Option<Gathering>),
    Playing,
    /// `later_at`: since when frames after the missing one are there.
    Stalled {
        since: Instant,
        later_at: Option<Instant>,
    },
}

/// Media is gathered until there is enough to start.
#[derive(Clone, Copy, Debug)]
struct Gathering {
    /// The first poll.
    since: Instant,
    /// When the place to start from was last chosen.
    tried_at: Instant,
    /// Where the best run ended, and when it last grew.
    run_end: FrameId,
    run_at: Instant,
}

/// Complete frames without a gap.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The first frame that is missing.
    end: FrameId,
    media_us: u64,
    /// Whether it holds all frames from its first to the next key frame.
    has_gop: bool,
}

/// The playout clock of one viewer.
#[derive(Clone, Copy, Debug)]
pub struct Playout {
    target_us: u64,
    startup_us: u64,
    state: State,
    playhead: FrameId,
    clock: MediaClock,
    polled_at: Instant,
    steer_at: Instant,
    /// Until when a further stall is a short one.
    short_until: Instant,
    /// Stalls, each soon after the other.
    stalls_in_a_row: u8,
    is_catching_up: bool,
    stats: PlayoutStats,
}

impl Playout {
    /// A machine that waits for [`Self::start`].
    #[must_use]
    pub fn new(settings: &ChannelSettings) -> Self {
        Self {
            target_us: u64::from(settings.target_buffer_ms) * 1_000,
            startup_us: u64::from(settings.startup_ms) * 1_000,
            state: State::Idle,
            playhead: FrameId(0),
            clock: MediaClock::new(settings.cadence_us),
            polled_at: Instant::ZERO,
            steer_at: Instant::ZERO,
            short_until: Instant::ZERO,
            stalls_in_a_row: 0,
            is_catching_up: false,
            stats: PlayoutStats::default(),
        }
    }

    /// Begins to gather media for playback from the first key frame at or after `first`. Within one run of the machine
    /// the playhead never goes back; a start is a new run.
    pub fn start(&mut self, first: FrameId) {
        self.playhead = first;
        self.is_catching_up = false;
        self.clock.set_rate(0);
        self.state = State::Startup(None);
    }

    /// Stops; totals stay.
    pub fn stop(&mut self) {
        self.state = State::Idle;
    }

    /// The next step at `now`, which never goes back.
    pub fn poll(&mut self, now: Instant, buffer: &impl PlayoutBuffer) -> Step {
        self.polled_at = now;
        match self.state {
            State::Idle => Step::Idle,
            State::Startup(gathering) => {
                let run_end = self.playhead;
                let first = Gathering { since: now, tried_at: now, run_end, run_at: Instant::ZERO };
                let gathering = gathering.unwrap_or(first);
                match self.start_anew(now, buffer, gathering) {
                    Some(step) => step,
                    None => self.on_startup(now, buffer, gathering),
                }
            }
            State::Playing | State::Stalled { .. } => {
                if let Some(step) = self.jump(now, buffer) {
                    return step;
                }
                match self.state {
                    State::Stalled { since, later_at } => self.on_stalled(now, buffer, since, later_at),
                    State::Playing | State::Idle | State::Startup(_) => self.on_playing(now, buffer),
                }
            }
        }
    }

    /// When frame `id` is due, judged by the cadence; `None` before playback. A constant-time estimate: frames between
    /// here and there may yet stall the clock or be skipped. In a stall the missing frame is due at the last poll.
    #[must_use]
    pub fn deadline_of(&self, id: FrameId) -> Option<Instant> {
        match self.state {
            State::Idle | State::Startup(_) => None,
            State::Playing => Some(self.clock.estimate(id)),
            State::Stalled { .. } => {
                Some(self.polled_at.plus_micros(self.clock.media_us(id.since(self.playhead))))
            }
        }
    }

    /// The next frame to be delivered (during startup: the earliest it may be); `None` before a start.
    #[must_use]
    pub fn playhead(&self) -> Option<FrameId> {
        match self.state {
            State::Idle => None,
            State::Startup(_) | State::Playing | State::Stalled { .. } => Some(self.playhead),
        }
    }

    /// What the machine is about.
    #[must_use]
    pub fn state(&self) -> PlayoutState {
        match self.state {
            State::Idle => PlayoutState::Idle,
            State::Startup(_) => PlayoutState::Startup,
            State::Playing => PlayoutState::Playing,
            State::Stalled { .. } => PlayoutState::Stalled,
        }
    }

    /// Totals.
    #[must_use]
    pub fn stats(&self) -> PlayoutStats {
        self.stats
    }

    /// Time spent in stalls up to `now`, the present one included.
    #[must_use]
    pub fn stalled_time(&self, now: Instant) -> Duration {
        match self.state {
            State::Stalled { since, .. } => self.stats.stalled.saturating_add(now.since(since)),
            State::Idle | State::Startup(_) | State::Playing => self.stats.stalled,
        }
    }

    /// Media from the playhead to the live edge: how far behind the viewer is.
    #[must_use]
    pub fn lag(&self, buffer: &impl PlayoutBuffer) -> Duration {
        Duration::from_micros(self.lag_us(buffer))
    }

    /// Speed of playback above 1 in parts per million.
    #[must_use]
    pub fn rate_ppm(&self) -> i32 {
        self.clock.rate_ppm()
    }

    /// When so long nothing could be started, what is missing there will hardly come: on to a key frame no further back than is aimed at,
    /// or to the newest one.
    fn start_anew(
        &mut self,
        now: Instant,
        buffer: &impl PlayoutBuffer,
        gathering: Gathering,
    ) -> Option<Step> {
        if now.micros_since(gathering.tried_at) < START_WAIT_US {
            return None;
        }
        let nearest = buffer.newest_live().minus(self.clock.frames_in(self.target_us));
        let key = buffer.next_key(nearest).or_else(|| buffer.newest_key());
        let key = key.filter(|&key| key > self.playhead)?;
        self.state = State::Startup(Some(Gathering { tried_at: now, ..gathering }));
        Some(self.skip_to(key))
    }

    /// Plays as soon as the threshold is met from some key frame, the oldest that meets it. When nothing more arrives,
    /// a whole GOP, or all there is, has to do: a stream that ended is still shown.
    fn on_startup(&mut self, now: Instant, buffer: &impl PlayoutBuffer, gathering: Gathering) -> Step {
        let mut best: Option<(FrameId, Run)> = None;
        let mut from = self.playhead;
        for _ in 0..START_KEYS_MAX {
            let Some(key) = buffer.next_key(from) else { break };
            let run = self.run(buffer, key, self.startup_us);
            if run.media_us >= self.startup_us {
                return self.begin(now, buffer, key, gathering.since);
            }
            if best.is_none_or(|(_, longest)| run.media_us > longest.media_us) {
                best = Some((key, run));
            }
            from = run.end.max(key.next());
        }
        self.state = State::Startup(Some(gathering));
        let Some((key, run)) = best else { return Step::Idle };
        if run.end != gathering.run_end {
            self.state = State::Startup(Some(Gathering { run_end: run.end, run_at: now, ..gathering }));
            return Step::Wait(now.plus_micros(STALL_WAIT_US));
        }
        let give_up = gathering.run_at.plus_micros(STALL_WAIT_US);
        if !run.has_gop && run.end <= buffer.newest_live() {
            Step::Idle
        } else if now < give_up {
            Step::Wait(give_up)
        } else {
            self.begin(now, buffer, key, gathering.since)
        }
    }

    fn begin(&mut self, now: Instant, buffer: &impl PlayoutBuffer, first: FrameId, since: Instant) -> Step {
        let Some(info) = buffer.frame(first) else { return Step::Idle };
        self.playhead = first;
        self.clock.anchor(now, &info);
        self.steer_at = now.plus_micros(STEER_EVERY_US);
        self.state = State::Playing;
        self.is_catching_up =
            self.lag_us(buffer) > self.target_us.saturating_add(full_scale_us(self.target_us));
        if self.is_catching_up {
            self.clock.set_rate(CATCH_UP_PPM);
        }
        Step::Started { first, startup: now.since(since) }
    }

    fn on_playing(&mut self, now: Instant, buffer: &impl PlayoutBuffer) -> Step {
        let Some(info) = buffer.frame(self.playhead) else {
            let deadline = self.deadline_of_missing(buffer);
            if now < deadline {
                return Step::Wait(deadline);
            }
            self.stats.stalls = self.stats.stalls.saturating_add(1);
            let is_again = now < self.short_until;
            self.stalls_in_a_row = if is_again { self.stalls_in_a_row.saturating_add(1) } else { 1 };
            self.state = State::Stalled { since: now, later_at: None };
            return Step::Stalled;
        };
        let due = self.clock.due(&info);
        if now < due {
            return Step::Wait(due);
        }
        self.clock.on_delivered(&info, due);
        self.stats.frames_played = self.stats.frames_played.saturating_add(1);
        if info.id.next() == info.id {
            self.state = State::Idle;
        }
        self.playhead = info.id.next();
        self.steer(due, buffer);
        Step::Deliver(info.id)
    }

    /// A stall ends when the missing frame is there with the startup threshold behind it, so that the picture does not
    /// stand again at once, or after the wait with what is there.
    fn on_stalled(
        &mut self,
        now: Instant,
        buffer: &impl PlayoutBuffer,
        since: Instant,
        later_at: Option<Instant>,
    ) -> Step {
        let waited_until = since.plus_micros(STALL_WAIT_US);
        if let Some(info) = buffer.frame(self.playhead) {
            let run = self.run(buffer, self.playhead, self.startup_us);
            if run.media_us < self.startup_us && now < waited_until {
                return Step::Wait(waited_until);
            }
            let after = now.since(since);
            self.stats.stalled = self.stats.stalled.saturating_add(after);
            self.clock.anchor(now, &info);
            self.state = State::Playing;
            self.short_until = now.plus_micros(STALL_AGAIN_US);
            return Step::Resumed { after };
        }
        let Some(later) = buffer.next_complete(self.playhead) else {
            self.state = State::Stalled { since, later_at: None };
            return Step::Idle;
        };
        let later_at = later_at.unwrap_or(now);
        self.state = State::Stalled { since, later_at: Some(later_at) };
        let is_again = since < self.short_until;
        let missed_until = if is_again { since.plus_micros(REORDER_WAIT_US) } else { waited_until };
        let give_up = missed_until.max(later_at.plus_micros(REORDER_WAIT_US));
        if now < give_up {
            return Step::Wait(give_up);
        }
        self.skip_to(self.past_hole(buffer, later))
    }

    /// More than twice the target behind: on to the newest key frame.
    fn jump(&mut self, now: Instant, buffer: &impl PlayoutBuffer) -> Option<Step> {
        if self.lag_us(buffer) <= self.target_us.saturating_mul(2) {
            return None;
        }
        let key = buffer.newest_key().filter(|&key| key > self.playhead)?;
        let info = buffer.frame(key)?;
        let step = self.skip_to(key);
        self.is_catching_up = false;
        self.clock.anchor(now, &info);
        Some(step)
    }

    fn skip_to(&mut self, to: FrameId) -> Step {
        let from = self.playhead;
        self.stats.frames_skipped = self.stats.frames_skipped.saturating_add(to.since(from));
        self.playhead = to;
        Step::Skipped { from, to }
    }

    /// Where to go on after a hole that ends before `later`: there when the hole is short, else, or when a key frame is
    /// lost, at the next key frame, if there is one.
    fn past_hole(&self, buffer: &impl PlayoutBuffer, later: FrameId) -> FrameId {
        let is_long = self.clock.media_us(later.since(self.playhead)) > OMIT_MAX_US;
        let is_decodable =
            !is_long && (self.playhead.0..later.0).all(|id| !buffer.is_incomplete_key(FrameId(id)));
        if is_decodable && !self.is_ragged(buffer, later) {
            return later;
        }
        let fallback = if is_decodable { Some(later) } else { buffer.next_key(later) };
        self.smooth_key(buffer, later).or_else(|| self.late_key(buffer)).or(fallback).unwrap_or(later)
    }

    /// Whether so much is missing of the second from `from` on that the picture would stand at every few frames.
    fn is_ragged(&self, buffer: &impl PlayoutBuffer, from: FrameId) -> bool {
        let frames =
            1_000_000_u64.checked_div(self.clock.cadence_us()).unwrap_or(0).min(u64::from(RUN_FRAMES_MAX));
        let until = from.plus(u32::try_from(frames).unwrap_or(0)).min(buffer.newest_live());
        let missing = (from.0..until.0).filter(|&id| buffer.frame(FrameId(id)).is_none()).count();
        missing * RAGGED_PART >= usize::try_from(until.since(from)).unwrap_or(usize::MAX).max(1)
    }

    /// The first key frame from `from` on that plays: the startup threshold behind it, and little missing after that.
    fn smooth_key(&self, buffer: &impl PlayoutBuffer, from: FrameId) -> Option<FrameId> {
        let mut key = buffer.next_key(from)?;
        for _ in 0..SMOOTH_KEYS_MAX {
            let run = self.run(buffer, key, self.startup_us);
            if run.media_us >= self.startup_us && !self.is_ragged(buffer, key) {
                return Some(key);
            }
            key = buffer.next_key(key.next())?;
        }
        None
    }

    /// The newest key frame, for who is later than is aimed at: what lies before it would come piece by piece. Who stood again and
    /// again gives up half a buffer for it.
    fn late_key(&self, buffer: &impl PlayoutBuffer) -> Option<FrameId> {
        let whole_us = self.target_us.saturating_add(full_scale_us(self.target_us));
        let is_often = self.stalls_in_a_row > STALLS_IN_A_ROW_MAX;
        let late_us = if is_often { self.target_us / 2 } else { whole_us };
        buffer.newest_key().filter(|&key| key > self.playhead && self.lag_us(buffer) > late_us)
    }

    fn steer(&mut self, due: Instant, buffer: &impl PlayoutBuffer) {
        if due < self.steer_at {
            return;
        }
        self.steer_at = due.plus_micros(STEER_EVERY_US);
        let lag_us = self.lag_us(buffer);
        self.is_catching_up &= lag_us > self.target_us;
        let rate_ppm = if self.is_catching_up { CATCH_UP_PPM } else { rate_ppm(lag_us, self.target_us) };
        self.clock.set_rate(rate_ppm);
    }

    fn deadline_of_missing(&self, buffer: &impl PlayoutBuffer) -> Instant {
        match buffer.next_complete(self.playhead).and_then(|later| buffer.frame(later)) {
            Some(later) => self.clock.estimate_before(self.playhead, &later),
            None => self.clock.estimate(self.playhead),
        }
    }

    fn lag_us(&self, buffer: &impl PlayoutBuffer) -> u64 {
        let newest = buffer.newest_live();
        self.clock.media_to(self.playhead, newest, buffer.frame(newest).map(|info| info.dts))
    }

    /// The complete frames from `from` on, until they hold `enough_us` of media.
    fn run(&self, buffer: &impl PlayoutBuffer, from: FrameId, enough_us: u64) -> Run {
        let mut run = Run { end: from, media_us: 0, has_gop: false };
        let mut before = None;
        while let Some(info) = buffer.frame(run.end) {
            // A frame lasts until the next one; the last one as long as frames do.
            let step = before.and_then(|dts| step_us(dts, info.dts)).unwrap_or(self.clock.cadence_us());
            run.media_us = run.media_us.saturating_add(step);
            run.has_gop |= info.key && before.is_some();
            before = Some(info.dts);
            let is_enough = run.media_us >= enough_us || run.end.since(from) >= RUN_FRAMES_MAX;
            if is_enough || run.end.next() == run.end {
                break;
            }
            run.end = run.end.next();
        }
        run
    }
}

/// The lag error that asks for the whole correction: an eighth of the target, so that a short buffer is held closely.
fn full_scale_us(target_us: u64) -> u64 {
    (target_us / 8).clamp(100_000, 1_000_000)
}

/// The rate correction for a viewer `lag_us` behind the live edge who should be `target_us` behind it: in proportion to
/// the error, within 0.5 %.
fn rate_ppm(lag_us: u64, target_us: u64) -> i32 {
    let scale = full_scale_us(target_us);
    let error = lag_us.abs_diff(target_us).min(scale);
    let size = i64::try_from(error * RATE_PPM_MAX.unsigned_abs() / scale).unwrap_or(RATE_PPM_MAX);
    let stepped = size / RATE_STEP_PPM * RATE_STEP_PPM;
    i32::try_from(if lag_us < target_us { -stepped } else { stepped }).unwrap_or(0)
}

#[cfg(test)]
#[path = "playout_tests.rs"]
mod tests;
