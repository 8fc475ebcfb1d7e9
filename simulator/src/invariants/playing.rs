//! Whoever is let in plays, is being moved, or was told why not.

use livesky_core::Instant;

/// How long a viewer may go without playing while nothing is wrong with the network.
pub(crate) const STUCK_US: u64 = 20_000_000;

/// For how long a viewer has had no reason not to play.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Idle {
    since: Option<Instant>,
    is_told: bool,
}

impl Idle {
    /// One look at the viewer; gives for how long it has been idle, once, when that is too long.
    pub(crate) fn look(&mut self, now: Instant, is_excused: bool) -> Option<u64> {
        if is_excused {
            *self = Self::default();
            return None;
        }
        let idle_us = now.micros_since(*self.since.get_or_insert(now));
        if idle_us < STUCK_US || self.is_told {
            return None;
        }
        self.is_told = true;
        Some(idle_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_and_an_excuse_begins_anew() {
        let at = Instant::from_millis;
        let mut idle = Idle::default();
        assert_eq!(idle.look(at(1_000), false), None);
        assert_eq!(idle.look(at(20_000), true), None);
        assert_eq!(idle.look(at(21_000), false), None);
        assert_eq!(idle.look(at(41_000), false), Some(20_000_000));
        assert_eq!(idle.look(at(42_000), false), None);
    }
}
