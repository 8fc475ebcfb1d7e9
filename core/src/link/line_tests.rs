//! The estimate of a line against a modelled one: a rate, a queue that drops, and clients that acknowledge five times a second.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole fragments and microseconds of small queues"
)]

use proptest::prelude::*;

use super::super::tests::config;
use super::*;

const MBPS: f64 = 1e6;
const FRAGMENT_BYTES: usize = 1_200;
const FRAGMENT_BITS: f64 = FRAGMENT_BYTES as f64 * 8.0;
const CLIENTS: u32 = 20;

/// A line that gives `gives_bps`, holds `queue_ms` of that, and loses `loss` of what it carries.
#[derive(Clone, Copy)]
struct Line {
    gives_bps: f64,
    queue_ms: f64,
    loss: f64,
}

const CLEAN: Line = Line { gives_bps: 110.0 * MBPS, queue_ms: 300.0, loss: 0.01 };

struct Edge {
    rate: LineRate,
    now: Instant,
    to_send_bits: f64,
    queue_bits: f64,
    /// For each client: fragments that came through and that were lost since it last acknowledged.
    through: f64,
    lost: f64,
}

impl Edge {
    fn new(cap_bps: u64) -> Self {
        let rate = LineRate::new(cap_bps);
        Self {
            rate,
            now: Instant::from_millis(5),
            to_send_bits: 0.0,
            queue_bits: 0.0,
            through: 0.0,
            lost: 0.0,
        }
    }

    /// Lets `ms` pass while the feeds want `asked_bps`; gives the longest queueing delay in milliseconds.
    fn run(&mut self, ms: u64, line: Line, asked_bps: f64) -> f64 {
        let mut longest_ms = 0.0_f64;
        for tick in 0..ms {
            self.to_send_bits += asked_bps.min(self.rate.rate_bps() as f64) / 1_000.0;
            while self.to_send_bits >= FRAGMENT_BITS {
                self.to_send_bits -= FRAGMENT_BITS;
                self.rate.on_sent(self.now, FRAGMENT_BYTES);
                if self.queue_bits > line.gives_bps / 1_000.0 * line.queue_ms {
                    self.lost += 1.0;
                } else {
                    self.queue_bits += FRAGMENT_BITS;
                }
            }
            let out = self.queue_bits.min(line.gives_bps / 1_000.0);
            self.queue_bits -= out;
            self.through += out / FRAGMENT_BITS * (1.0 - line.loss);
            self.lost += out / FRAGMENT_BITS * line.loss;
            let queue_ms = self.queue_bits / line.gives_bps * 1_000.0;
            longest_ms = longest_ms.max(queue_ms);
            if tick % (200 / u64::from(CLIENTS)) == 0 {
                self.acknowledge(tick as u32, queue_ms);
            }
            self.now = self.now.plus_micros(1_000);
            self.rate.on_time(self.now);
        }
        longest_ms
    }

    /// One client after the other tells of its share.
    fn acknowledge(&mut self, tick: u32, queue_ms: f64) {
        let (newly, lost) = (self.through as u32, self.lost as u32);
        self.through -= f64::from(newly);
        self.lost -= f64::from(lost);
        let queue_us = Some((queue_ms * 1_000.0) as u32);
        self.rate.on_ack(tick / 10 % CLIENTS, &Acked { newly, lost, queue_us });
    }

    fn rate_mbps(&self) -> f64 {
        self.rate.rate_bps() as f64 / MBPS
    }
}

#[test]
fn what_paths_lose_is_sent_twice_and_promised_once() {
    for (loss, arriving) in [(0.01, 99.9..=100.0), (0.1, 92.0..=94.0), (0.2, 82.0..=84.0)] {
        let mut edge = Edge::new(100_000_000);
        edge.run(30_000, Line { loss, ..CLEAN }, 60.0 * MBPS);
        let share = edge.rate.arriving_bps(1_000_000) as f64 / 10_000.0;
        assert!(arriving.contains(&share), "{share} % at {loss}");
        assert_eq!(edge.rate.is_lossy(), loss > 0.05);
        assert!(!edge.rate.is_short());
    }
}

#[test]
fn loss_behind_a_line_makes_it_no_slower() {
    let mut edge = Edge::new(100_000_000);
    let lossy = Line { loss: 0.2, ..CLEAN };
    edge.run(10_000, lossy, 90.0 * MBPS);
    edge.run(15_000, Line { gives_bps: 60.0 * MBPS, ..lossy }, 90.0 * MBPS);
    let counted = edge.rate.counted_bps();
    assert!((52_000_000..=62_000_000).contains(&counted), "{counted}");
}

#[test]
fn a_line_that_gives_what_is_configured_is_used_in_full() {
    let mut edge = Edge::new(100_000_000);
    edge.run(60_000, CLEAN, 200.0 * MBPS);
    assert_eq!(edge.rate.rate_bps(), 100_000_000);
    assert_eq!((edge.rate.counted_bps(), edge.rate.cause()), (100_000_000, RateCause::Configured));
}

#[test]
fn half_a_line_is_found_within_two_seconds_and_the_whole_one_within_three() {
    for asked in [80.0, 200.0] {
        let mut edge = Edge::new(100_000_000);
        edge.run(10_000, CLEAN, asked * MBPS);
        let half = Line { gives_bps: 50.0 * MBPS, ..CLEAN };
        edge.run(2_000, half, asked * MBPS);
        assert!((30.0..=52.0).contains(&edge.rate_mbps()), "{asked}: {}", edge.rate_mbps());
        assert_eq!(edge.rate.cause(), RateCause::Queue);
        let longest_ms = {
            edge.run(3_000, half, asked * MBPS);
            edge.run(50_000, half, asked * MBPS)
        };
        assert!(longest_ms < 250.0, "a queue of {longest_ms} ms stays");
        let counted_mbps = edge.rate.counted_bps() as f64 / MBPS;
        assert!((40.0..=56.0).contains(&counted_mbps), "{asked}: {counted_mbps}");
        edge.run(3_000, CLEAN, asked * MBPS);
        assert!(edge.rate_mbps() >= asked.min(99.0), "{asked}: {}", edge.rate_mbps());
        edge.run(5_000, CLEAN, 200.0 * MBPS);
        assert_eq!((edge.rate.counted_bps(), edge.rate.cause()), (100_000_000, RateCause::Configured));
    }
}

#[test]
fn a_line_that_drops_without_a_queue_is_found_by_its_loss() {
    let mut edge = Edge::new(100_000_000);
    edge.run(10_000, CLEAN, 80.0 * MBPS);
    let short = Line { gives_bps: 50.0 * MBPS, queue_ms: 10.0, ..CLEAN };
    edge.run(4_000, short, 80.0 * MBPS);
    assert!(edge.rate_mbps() <= 50.0 * 1.25, "{}", edge.rate_mbps());
    assert_eq!(edge.rate.cause(), RateCause::Loss);
    edge.run(6_000, CLEAN, 200.0 * MBPS);
    assert_eq!(edge.rate.rate_bps(), 100_000_000);
}

#[test]
fn loss_of_the_paths_is_lived_with() {
    for loss in [0.05, 0.1, 0.2] {
        let lossy = Line { loss, ..CLEAN };
        let mut edge = Edge::new(100_000_000);
        edge.run(60_000, lossy, 80.0 * MBPS);
        assert_eq!(edge.rate.rate_bps(), 100_000_000, "{loss} from the beginning");
        // Where it begins later, lowering the rate is tried once.
        let mut edge = Edge::new(100_000_000);
        edge.run(10_000, CLEAN, 80.0 * MBPS);
        edge.run(3_000, lossy, 80.0 * MBPS);
        edge.run(20_000, lossy, 80.0 * MBPS);
        assert_eq!(edge.rate.rate_bps(), 100_000_000, "{loss} later");
        assert_eq!(edge.rate.counted_bps(), 100_000_000);
    }
}

#[test]
fn what_only_a_few_clients_see_says_nothing() {
    let mut rate = LineRate::new(100_000_000);
    let mut now = Instant::from_millis(5);
    for _ in 0..400 {
        for _ in 0..100 {
            rate.on_sent(now, FRAGMENT_BYTES);
        }
        // A third sees a queue of its own, and loses half.
        for voice in 0..30 {
            let (lost, queue_us) = if voice < 10 { (2, 200_000) } else { (0, 3_000) };
            rate.on_ack(voice, &Acked { newly: 3, lost, queue_us: Some(queue_us) });
        }
        now = now.plus_micros(100_000);
        rate.on_time(now);
    }
    assert_eq!(rate.rate_bps(), 100_000_000);
    // Nor do fewer clients than count.
    for _ in 0..40 {
        rate.on_sent(now, FRAGMENT_BYTES);
        for voice in 0..3 {
            rate.on_ack(voice, &Acked { newly: 20, lost: 5, queue_us: Some(900_000) });
        }
        now = now.plus_micros(100_000);
        rate.on_time(now);
    }
    assert_eq!(rate.rate_bps(), 100_000_000);
}

#[test]
fn silence_of_everybody_cuts_the_rate_until_somebody_answers() {
    let mut edge = Edge::new(160_000_000);
    edge.run(3_000, CLEAN, 80.0 * MBPS);
    for _ in 0..12 {
        (0..100).for_each(|_| edge.rate.on_sent(edge.now, FRAGMENT_BYTES));
        edge.now = edge.now.plus_micros(100_000);
        edge.rate.on_time(edge.now);
    }
    assert_eq!((edge.rate.rate_bps(), edge.rate.cause()), (10_000_000, RateCause::Silence));
    assert_eq!(edge.rate.counted_bps(), 160_000_000, "nobody is turned away for it");
    edge.run(1_000, CLEAN, 80.0 * MBPS);
    assert_eq!((edge.rate.rate_bps(), edge.rate.cause()), (160_000_000, RateCause::Configured));
}

#[test]
fn a_cap_that_changes_is_followed_and_an_estimate_below_it_stays() {
    let mut rate = LineRate::new(100);
    rate.set_cap(0);
    assert_eq!((rate.rate_bps(), rate.counted_bps()), (0, 0));
    rate.set_cap(100_000_000);
    assert_eq!(rate.rate_bps(), 100_000_000);
    let mut edge = Edge::new(100_000_000);
    edge.run(5_000, Line { gives_bps: 50.0 * MBPS, ..CLEAN }, 100.0 * MBPS);
    let counted_bps = edge.rate.counted_bps();
    edge.rate.set_cap(90_000_000);
    assert_eq!(edge.rate.counted_bps(), counted_bps);
    edge.rate.set_cap(10_000_000);
    assert_eq!(edge.rate.counted_bps(), 10_000_000);
}

#[test]
fn no_time_is_asked_for_while_there_is_nothing_to_steer() {
    let mut edge = Edge::new(100_000_000);
    assert_eq!(edge.rate.deadline(), None);
    edge.run(5_000, CLEAN, 50.0 * MBPS);
    assert!(edge.rate.deadline().is_some());
    edge.run(1_000, CLEAN, 0.0);
    assert_eq!(edge.rate.deadline(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..config() })]

    #[test]
    fn the_rate_stays_within_bounds_and_comes_back(
        spans in prop::collection::vec((100_u64..4_000, 1.0..150.0_f64, 0.0..0.3_f64, 5.0..500.0_f64, 0.0..200.0_f64), 1..8),
    ) {
        let cap_bps = 100_000_000;
        let mut edge = Edge::new(cap_bps);
        for (ms, gives, loss, queue_ms, asked) in spans {
            let line = Line { gives_bps: gives * MBPS, queue_ms, loss };
            for _ in 0..ms / 100 {
                edge.run(100, line, asked * MBPS);
                // What drains is below the floor of what is believed by its share.
                prop_assert!(edge.rate.rate_bps() >= cap_bps / FLOOR_PART / 100 * DRAIN_PERCENT);
                prop_assert!(edge.rate.rate_bps() <= cap_bps);
                prop_assert!(edge.rate.counted_bps() >= cap_bps / FLOOR_PART && edge.rate.counted_bps() <= cap_bps);
                if let Some(at) = edge.rate.deadline() {
                    prop_assert!(at > edge.now);
                }
            }
        }
        edge.run(20_000, CLEAN, 200.0 * MBPS);
        prop_assert_eq!((edge.rate.rate_bps(), edge.rate.counted_bps()), (cap_bps, cap_bps));
    }
}
