//! Who comes when and goes when: decided before the run, by the seed alone.

use livesky_core::rng::Rng;

use crate::scenario::{FaultSpec, Scenario};
use crate::seeds::{Draw, Purpose, stream};

/// When the first viewer comes, after the first frame was published: an edge without a frame is not on air.
const FIRST_JOIN_US: u64 = 1_000_000;
/// Step in which at most one viewer comes and at most one goes by chance.
const STEP_US: u64 = 1_000;

/// A viewer's stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) join_at_us: u64,
    /// `None`: stays to the end.
    pub(crate) leave_at_us: Option<u64>,
    /// Goes without a word.
    pub(crate) is_silent: bool,
}

/// All stays in the order of their beginning.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) sessions: Vec<Session>,
    /// Most present at once.
    pub(crate) present_max: usize,
}

/// Everybody who is present while the plan is made.
struct Planner<'a> {
    scenario: &'a Scenario,
    rng: Rng,
    sessions: Vec<Session>,
    present: Vec<usize>,
    present_max: usize,
}

impl Plan {
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Self {
        let rng = stream(seed, Purpose::Population, 0);
        let mut planner =
            Planner { scenario, rng, sessions: Vec::new(), present: Vec::new(), present_max: 0 };
        planner.play_out();
        Self { sessions: planner.sessions, present_max: planner.present_max }
    }
}

impl Planner<'_> {
    fn play_out(&mut self) {
        let population = &self.scenario.population;
        let warm_up_us = us(self.scenario.run.warm_up_s);
        let end_us = us(self.scenario.total_s());
        let churn_from_us = FIRST_JOIN_US + us(population.ramp_s);
        let churn_until_us = population.churn_until_s.map_or(end_us, |until_s| warm_up_us + us(until_s));
        let joins_per_step = population.joins_per_minute * f64::from(population.initial) * per_step();
        let fixed = self.fixed_steps(warm_up_us);
        let mut fixed = fixed.into_iter().peekable();
        let mut at_us = 0;
        while at_us < end_us {
            while let Some((_, step)) = fixed.next_if(|(step_at_us, _)| *step_at_us <= at_us) {
                self.take(at_us, step);
            }
            if (churn_from_us..churn_until_us).contains(&at_us) {
                if self.rng.happens(joins_per_step) {
                    self.join(at_us);
                }
                let leaves =
                    self.scenario.population.leaves_per_minute * self.present.len() as f64 * per_step();
                if self.rng.happens(leaves) {
                    self.leave_at_random(at_us);
                }
            }
            at_us += STEP_US;
        }
    }

    /// What is not left to chance, in the order of time.
    fn fixed_steps(&self, warm_up_us: u64) -> Vec<(u64, Step)> {
        let population = &self.scenario.population;
        let mut steps = Vec::new();
        let mut spread = |from_us: u64, over_s: f64, clients: u32| {
            let over_us = us(over_s);
            for client in 0..u64::from(clients) {
                steps.push((from_us + over_us * client / u64::from(clients.max(1)), Step::Join));
            }
        };
        spread(FIRST_JOIN_US, population.ramp_s, population.initial);
        for flash in &population.flash {
            spread(warm_up_us + us(flash.at_s), flash.over_s, flash.clients);
        }
        for sweep in &population.sweep {
            let (from_us, over_us) = (warm_up_us + us(sweep.at_s), us(sweep.over_s));
            // The target moves a hundredth of the way at a time, and at least every second.
            let parts = (over_us / 1_000_000).max(100);
            for part in 1..=parts {
                let step = Step::Lead { part, parts, to: sweep.clients };
                steps.push((from_us + over_us * part / parts, step));
            }
        }
        for &(at_s, change) in &population.trace_steps {
            let step = if change > 0 { Step::Join } else { Step::Leave };
            steps.push((warm_up_us + us(at_s), step));
        }
        for fault in &self.scenario.faults {
            if let FaultSpec::MassDeparture { at_s, share, silent } = fault {
                steps.push((warm_up_us + us(*at_s), Step::Vanish { share: *share, is_silent: *silent }));
            }
        }
        steps.sort_by_key(|(at_us, _)| *at_us);
        steps
    }

    fn take(&mut self, at_us: u64, step: Step) {
        match step {
            Step::Join => self.join(at_us),
            Step::Leave => self.leave_at_random(at_us),
            Step::Lead { part, parts, to } => {
                // What is left of the way is gone in equal parts.
                let (now, to) = (self.present.len() as f64, f64::from(to));
                let target = (now + (to - now) / (parts - part + 1) as f64).round();
                let mut wanted = target - now;
                while wanted >= 1.0 {
                    self.join(at_us);
                    wanted -= 1.0;
                }
                while wanted <= -1.0 {
                    self.leave_at_random(at_us);
                    wanted += 1.0;
                }
            }
            Step::Vanish { share, is_silent } => {
                let mut gone = (self.present.len() as f64 * share).round();
                while gone >= 1.0 {
                    let place = self.rng.place(self.present.len());
                    self.leave(at_us, place, is_silent);
                    gone -= 1.0;
                }
            }
        }
    }

    fn join(&mut self, at_us: u64) {
        self.present.push(self.sessions.len());
        self.sessions.push(Session { join_at_us: at_us, leave_at_us: None, is_silent: false });
        self.present_max = self.present_max.max(self.present.len());
    }

    fn leave_at_random(&mut self, at_us: u64) {
        let is_silent = self.rng.happens(self.scenario.population.silent_share);
        let place = self.rng.place(self.present.len());
        self.leave(at_us, place, is_silent);
    }

    fn leave(&mut self, at_us: u64, place: usize, is_silent: bool) {
        if place >= self.present.len() {
            return;
        }
        let session = self.present.swap_remove(place);
        if let Some(session) = self.sessions.get_mut(session) {
            session.leave_at_us = Some(at_us);
            session.is_silent = is_silent;
        }
    }
}

/// One thing that happens by plan.
#[derive(Clone, Copy, Debug)]
enum Step {
    Join,
    Leave,
    Lead { part: u64, parts: u64, to: u32 },
    Vanish { share: f64, is_silent: bool },
}

fn per_step() -> f64 {
    STEP_US as f64 / 60e6
}

/// Seconds of a scenario in microseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "validated: 0 to a day")]
pub(crate) fn us(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
