//! The figures of a run on the terminal.

use std::io::{self, IsTerminal, Write};

use livesky_core::scaling::Stage;
use livesky_std::EdgeSnapshot;

use crate::demo::totals::Summary;
use crate::terminal;

/// Between plain lines, when nobody sees the table being redrawn.
const PLAIN_EVERY_S: u64 = 5;

/// A table that is drawn over and over.
#[derive(Debug)]
pub struct Table {
    is_terminal: bool,
    lines: usize,
}

impl Table {
    /// A table on standard error.
    #[must_use]
    pub fn new() -> Self {
        Self { is_terminal: io::stderr().is_terminal(), lines: 0 }
    }

    /// Draws the figures; in place where that is seen, else a plain line each 5 s.
    pub fn draw(&mut self, summary: &Summary, edge: Option<&EdgeSnapshot>) {
        if !self.is_terminal {
            if summary.seconds.is_multiple_of(PLAIN_EVERY_S) {
                let _is_read = writeln!(io::stderr(), "{}", plain(summary));
            }
            return;
        }
        let lines = lines(summary, edge);
        let mut text = String::new();
        if self.lines > 0 {
            text.push_str(&format!("\x1b[{}A", self.lines));
        }
        for line in &lines {
            text.push_str("\x1b[K");
            text.push_str(line);
            text.push('\n');
        }
        self.lines = lines.len();
        let _is_read = io::stderr().write_all(text.as_bytes());
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

/// The stage as the paper numbers it.
#[must_use]
pub const fn stage_number(stage: Stage) -> u8 {
    match stage {
        Stage::One => 1,
        Stage::Two => 2,
        Stage::Three => 3,
        Stage::Four => 4,
    }
}

fn lines(summary: &Summary, edge: Option<&EdgeSnapshot>) -> Vec<String> {
    let thresholds = edge.and_then(|edge| edge.channel.thresholds);
    let bounds = thresholds.map_or(String::new(), |thresholds| {
        format!("  (N1 {}, N* {}, S {:.3})", thresholds.n1, thresholds.n_star, thresholds.s)
    });
    vec![
        format!(
            "{:>8}  viewers {:<5} seen {:<5} stage {}   Nc {:.1}{bounds}",
            terminal::clock(summary.seconds),
            summary.viewers_now,
            summary.viewers_seen,
            summary.stage,
            summary.nc
        ),
        format!(
            "          peers carry {:.1} %   {} from peers, {} from the edge ({} of it start bursts)",
            summary.peer_share_percent,
            terminal::bytes(summary.bytes_peers),
            terminal::bytes(summary.bytes_edge),
            terminal::bytes(summary.bytes_burst)
        ),
        format!(
            "          startup {} ms median, {} ms for 95 %   stalls {}   continuity {:.3} %",
            summary.startup_p50_ms,
            summary.startup_p95_ms,
            summary.stalls_after_start,
            summary.continuity * 100.0
        ),
        format!(
            "          control {:.2} %   duplicates {:.2} %",
            summary.control_percent, summary.duplicates_percent
        ),
    ]
}

fn plain(summary: &Summary) -> String {
    format!(
        "{} viewers {} stage {} Nc {:.1} peers {:.1} % stalls {} startup {}/{} ms continuity {:.5} control {:.2} % duplicates {:.2} %",
        terminal::clock(summary.seconds),
        summary.viewers_now,
        summary.stage,
        summary.nc,
        summary.peer_share_percent,
        summary.stalls_after_start,
        summary.startup_p50_ms,
        summary.startup_p95_ms,
        summary.continuity,
        summary.control_percent,
        summary.duplicates_percent
    )
}
