//! What is shown while a search lasts: a bar on a terminal that fills as the gap closes, and nothing elsewhere.

use core::time::Duration;
use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use livesky_placement::report::unit::{percent, plain};
use livesky_placement::solve::Progress;

/// Searches that are over by then show nothing.
const QUIET_FOR: Duration = Duration::from_millis(500);
/// Times a second the bar is drawn at most.
const DRAWS_PER_SECOND: u8 = 8;
/// The bar is full when the gap is this or less, and empty when it is 1 or more: each power of ten is as long.
const GAP_MIN: f64 = 1e-6;
/// Steps of the bar.
const STEPS: u64 = 600;

/// The screen of a search.
#[derive(Debug)]
pub struct Screen {
    is_shown: bool,
    bar: Option<ProgressBar>,
    what: String,
}

impl Screen {
    /// A screen; `what` is what is searched for.
    #[must_use]
    pub fn new(what: &str) -> Self {
        Self { is_shown: io::stderr().is_terminal(), bar: None, what: what.to_owned() }
    }

    /// Something else is searched for.
    pub fn set_what(&mut self, what: &str) {
        what.clone_into(&mut self.what);
    }

    /// The search is this far.
    pub fn on_progress(&mut self, progress: &Progress) {
        if !self.is_shown || progress.elapsed < QUIET_FOR {
            return;
        }
        let bar = self.bar.get_or_insert_with(bar);
        bar.set_position(filled(progress.gap()));
        bar.set_message(format!("{}: {}", self.what, message(progress)));
    }

    /// Nothing more is shown.
    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn message(progress: &Progress) -> String {
    let Progress { bound, best, nodes, elapsed } = progress;
    let bound = if bound.is_finite() { plain(*bound) } else { "unknown".to_owned() };
    let best = if best.is_finite() { plain(*best) } else { "none yet".to_owned() };
    let gap = percent(progress.gap());
    format!(
        "best {best}, bound {bound}, gap {gap}, {nodes} nodes, {} s (Ctrl-C: the best so far)",
        elapsed.as_secs()
    )
}

/// How much of the bar is full.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a few hundred steps")]
fn filled(gap: f64) -> u64 {
    if gap.is_nan() {
        return 0;
    }
    let share = gap.clamp(GAP_MIN, 1.0).log10() / GAP_MIN.log10();
    (share * STEPS as f64).round() as u64
}

fn bar() -> ProgressBar {
    let bar =
        ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
    if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {msg}") {
        bar.set_style(style.progress_chars("#> "));
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_as_the_gap_closes() {
        for (gap, position) in [
            (f64::INFINITY, 0),
            (2.0, 0),
            (1.0, 0),
            (0.1, 100),
            (0.001, 300),
            (1e-6, 600),
            (0.0, 600),
            (f64::NAN, 0),
        ] {
            assert_eq!(filled(gap), position, "{gap}");
        }
    }

    #[test]
    fn what_is_not_known_is_said_in_words() {
        let progress = Progress {
            bound: f64::NEG_INFINITY,
            best: f64::INFINITY,
            nodes: 0,
            elapsed: Duration::from_secs(3),
        };
        let text = message(&progress);
        assert!(text.starts_with("best none yet, bound unknown, gap unknown, 0 nodes, 3 s"), "{text}");
    }
}
