//! What is shown while runs last: a bar on a terminal, a line now and then elsewhere.

use core::time::Duration;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use livesky_core::Instant;
use livesky_sim::{Progress, Results};
use livesky_std::{Runtime, Smol};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Times a second the bar is drawn at most.
const DRAWS_PER_SECOND: u8 = 8;

/// The screen of all runs.
#[derive(Debug)]
pub struct Screen {
    name: String,
    /// `None` without a terminal.
    bar: Option<ProgressBar>,
    began_at: Instant,
    told_at: Instant,
    runs: Vec<Progress>,
    done: usize,
}

impl Screen {
    /// A screen for `runs` runs of `span_s` seconds of virtual time each, called `name`.
    #[must_use]
    pub fn new(name: &str, runs: usize, span_s: f64) -> Self {
        let now = Smol::now();
        let start = Progress { now_s: 0.0, end_s: span_s, viewers: 0, events: 0 };
        let bar = io::stderr().is_terminal().then(|| bar(whole(span_s * runs as f64)));
        Self { name: name.to_owned(), bar, began_at: now, told_at: now, runs: vec![start; runs], done: 0 }
    }

    /// A run is this far.
    pub fn on_progress(&mut self, place: usize, progress: Progress) {
        if let Some(run) = self.runs.get_mut(place) {
            *run = progress;
        }
        self.draw();
    }

    /// A run is over.
    pub fn on_done(&mut self, place: usize, results: &Results) {
        self.done += 1;
        if let Some(run) = self.runs.get_mut(place) {
            run.now_s = run.end_s;
            run.viewers = 0;
        }
        if self.runs.len() > 1 && results.violations_count > 0 {
            self.say(&format!("seed {}: {} rules broken", results.seed, results.violations_count));
        }
        self.draw();
    }

    /// Draws what is known.
    pub fn draw(&mut self) {
        let now = Smol::now();
        let done_s: f64 = self.runs.iter().map(|run| run.now_s).sum();
        let viewers: u64 = self.runs.iter().map(|run| u64::from(run.viewers)).sum();
        let speed = done_s / now.since(self.began_at).as_secs_f64().max(1e-3);
        let seeds = match self.runs.len() {
            1 => String::new(),
            all => format!(", {} of {all} seeds done", self.done),
        };
        if let Some(bar) = &self.bar {
            bar.set_position(whole(done_s));
            bar.set_message(format!("{viewers} viewers, {speed:.0} x real time{seeds}"));
        } else if now.since(self.told_at) >= LINE_EVERY {
            self.told_at = now;
            let end_s: f64 = self.runs.iter().map(|run| run.end_s).sum();
            let name = &self.name;
            self.say(&format!(
                "{name}: {done_s:.0} of {end_s:.0} s, {viewers} viewers, {speed:.0} x real time{seeds}"
            ));
        }
    }

    /// Nothing more is shown.
    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => {
                let _is_read = writeln!(io::stderr(), "{line}");
            }
        }
    }
}

fn bar(len: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
    let style = ProgressStyle::with_template("[{bar:30}] {pos} of {len} s, {msg}, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("#> "));
    }
    bar
}

/// Whole seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
fn whole(seconds: f64) -> u64 {
    seconds.round() as u64
}
