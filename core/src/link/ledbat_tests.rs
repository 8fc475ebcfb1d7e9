//! The estimate of an uplink against a modelled one: a rate, a queue, and acknowledgements five times a second.

#![expect(clippy::cast_possible_truncation, reason = "whole fragments and microseconds of small queues")]

use proptest::prelude::*;

use super::*;

const FRAGMENT_BYTES: u32 = 1_000;

/// An uplink that gives `gives_bps` while feeds ask for `asked_bps`, at most what the estimate lets out.
struct Uplink {
    ledbat: Ledbat,
    now: Instant,
    queue_bits: f64,
    to_send_bits: f64,
    got_bits: f64,
}

impl Uplink {
    fn new(cap_bps: u64) -> Self {
        let mut ledbat = Ledbat::EMPTY;
        ledbat.set_cap(cap_bps);
        Self { ledbat, now: Instant::from_millis(5), queue_bits: 0.0, to_send_bits: 0.0, got_bits: 0.0 }
    }

    /// Lets `ms` pass; gives the longest queueing delay in milliseconds.
    fn run(&mut self, ms: u64, gives_bps: f64, asked_bps: f64) -> f64 {
        let fragment_bits = f64::from(FRAGMENT_BYTES * 8);
        let mut longest = 0.0_f64;
        for tick in 0..ms {
            let rate = asked_bps.min(self.ledbat.rate_bps() as f64);
            self.to_send_bits += rate / 1_000.0;
            while self.to_send_bits >= fragment_bits {
                self.to_send_bits -= fragment_bits;
                self.queue_bits += fragment_bits;
                self.ledbat.on_sent(FRAGMENT_BYTES);
            }
            let out = self.queue_bits.min(gives_bps / 1_000.0);
            self.queue_bits -= out;
            self.got_bits += out;
            let queue_ms = self.queue_bits / gives_bps * 1_000.0;
            longest = longest.max(queue_ms);
            if tick % 200 == 0 {
                let acked = (self.got_bits / fragment_bits) as u32;
                self.got_bits -= f64::from(acked) * fragment_bits;
                self.ledbat.on_ack(&Acked {
                    newly: acked,
                    lost: 0,
                    queue_us: Some((queue_ms * 1_000.0) as u32),
                });
            }
            self.now = self.now.plus_micros(1_000);
            self.ledbat.on_time(self.now);
        }
        longest
    }
}

#[test]
fn an_uplink_that_gives_what_is_allowed_is_used_in_full() {
    let mut uplink = Uplink::new(600_000);
    assert!(uplink.run(60_000, 700_000.0, 600_000.0) < 60.0);
    assert_eq!((uplink.ledbat.rate_bps(), uplink.ledbat.gives_bps()), (600_000, 600_000));
}

#[test]
fn an_uplink_that_gives_less_is_found_out_within_three_seconds_and_its_queue_goes() {
    let mut uplink = Uplink::new(600_000);
    uplink.run(10_000, 700_000.0, 510_000.0);
    uplink.run(3_000, 400_000.0, 510_000.0);
    let gives = uplink.ledbat.gives_bps();
    assert!((300_000..=420_000).contains(&gives), "{gives}");
    uplink.run(10_000, 400_000.0, 510_000.0);
    let longest = uplink.run(20_000, 400_000.0, 510_000.0);
    assert!(longest < 200.0, "{longest} ms of queue");
    let gives = uplink.ledbat.gives_bps();
    assert!((300_000..=420_000).contains(&gives), "{gives}");
}

#[test]
fn an_overload_of_a_few_percent_is_found_out_before_its_queue_is_long() {
    let mut uplink = Uplink::new(600_000);
    uplink.run(10_000, 700_000.0, 498_000.0);
    let longest = uplink.run(2_600, 480_000.0, 498_000.0);
    assert!(longest < 120.0, "{longest} ms of queue");
    let gives = uplink.ledbat.gives_bps();
    assert!((440_000..=500_000).contains(&gives), "{gives}");
}

#[test]
fn an_uplink_that_recovers_is_believed_again_by_and_by() {
    let mut uplink = Uplink::new(600_000);
    uplink.run(10_000, 300_000.0, 600_000.0);
    assert!(uplink.ledbat.gives_bps() < 330_000);
    uplink.run(60_000, 2_000_000.0, 600_000.0);
    let after_a_minute = uplink.ledbat.gives_bps();
    assert!((360_000..600_000).contains(&after_a_minute), "{after_a_minute}");
    uplink.run(240_000, 2_000_000.0, 600_000.0);
    assert_eq!(uplink.ledbat.gives_bps(), 600_000);
}

#[test]
fn a_cap_that_changes_bounds_at_once_and_receive_only_stays_so() {
    let mut ledbat = Ledbat::EMPTY;
    ledbat.set_cap(600_000);
    ledbat.set_cap(100_000);
    assert_eq!(ledbat.gives_bps(), 100_000);
    ledbat.set_cap(900_000);
    assert_eq!(ledbat.gives_bps(), 900_000);
    ledbat.set_cap(0);
    ledbat.on_ack(&Acked { newly: 100, lost: 0, queue_us: Some(1_000_000) });
    ledbat.on_time(Instant::from_millis(1_000));
    ledbat.on_ack(&Acked { newly: 100, lost: 0, queue_us: Some(1_000_000) });
    ledbat.on_time(Instant::from_millis(2_000));
    assert_eq!(ledbat.rate_bps(), 0);
}

/// An interval from `from_ms` on in which so many fragments of 1,000 bytes were acknowledged, looked at `late_ms` late; whether the
/// rate changed.
fn interval(ledbat: &mut Ledbat, from_ms: u64, acked: u32, queue_us: u32, late_ms: u64) -> bool {
    for _ in 0..acked {
        ledbat.on_sent(FRAGMENT_BYTES);
    }
    ledbat.on_ack(&Acked { newly: acked, lost: 0, queue_us: Some(queue_us) });
    assert!(!ledbat.on_time(Instant::from_millis(from_ms + 499)), "it is not over");
    ledbat.on_time(Instant::from_millis(from_ms + 500 + late_ms))
}

/// With an interval of 50 fragments and no queue behind it.
fn begun() -> Ledbat {
    let mut ledbat = Ledbat::EMPTY;
    ledbat.set_cap(1_000_000);
    ledbat.on_time(Instant::from_millis(500));
    assert!(!interval(&mut ledbat, 500, 50, 0, 0), "one interval tells nothing");
    ledbat
}

#[test]
fn what_gets_through_beside_a_queue_is_what_the_uplink_gives() {
    for (acked, queue_us, late_ms, gives_bps, rate_bps) in [
        (50, 60_001, 0, 800_000, 640_000),
        // 60 ms are aimed at.
        (50, 60_000, 0, 1_000_000, 1_000_000),
        (50, 60_001, 250, 640_000, 512_000),
        (0, 60_001, 0, 400_000, 320_000),
        // Too long ago.
        (50, 60_001, 499, 533_689, 426_880),
        (50, 60_001, 500, 1_000_000, 1_000_000),
    ] {
        let mut ledbat = begun();
        let is_changed = interval(&mut ledbat, 1_000, acked, queue_us, late_ms);
        assert_eq!(
            (ledbat.gives_bps(), ledbat.rate_bps()),
            (gives_bps, rate_bps),
            "{acked} {queue_us} {late_ms}"
        );
        assert_eq!(is_changed, rate_bps < 1_000_000);
    }
}

#[test]
fn a_few_fragments_tell_nothing() {
    for (acked, gives_bps) in [(3, 1_000_000), (4, 64_000)] {
        let mut ledbat = Ledbat::EMPTY;
        ledbat.set_cap(1_000_000);
        ledbat.on_time(Instant::from_millis(500));
        interval(&mut ledbat, 500, 4, 0, 0);
        interval(&mut ledbat, 1_000, acked, 60_001, 0);
        assert_eq!(ledbat.gives_bps(), gives_bps);
    }
}

#[test]
fn what_is_lost_on_the_way_is_sent_twice_and_promised_once() {
    // Of 50 in an interval so many arrive; a reserve covers 8 %.
    for (acked, arriving_bps) in
        [(50, 1_000_000), (47, 1_000_000), (45, 980_000), (40, 880_000), (0, 580_000)]
    {
        let mut ledbat = begun();
        for interval in 2..200 {
            for _ in 0..50 {
                ledbat.on_sent(FRAGMENT_BYTES);
            }
            ledbat.on_ack(&Acked { newly: acked, lost: 0, queue_us: Some(0) });
            ledbat.on_time(Instant::from_millis(interval * 500));
        }
        assert_eq!(ledbat.gives_bps(), 1_000_000);
        let told = ledbat.arriving_bps();
        assert!(told.abs_diff(arriving_bps) <= 20_000, "{acked}: {told}");
    }
}

#[test]
fn loss_behind_an_uplink_makes_it_no_slower() {
    let mut ledbat = begun();
    for from_ms in (1_000..60_000).step_by(500) {
        for _ in 0..50 {
            ledbat.on_sent(FRAGMENT_BYTES);
        }
        ledbat.on_ack(&Acked { newly: 40, lost: 10, queue_us: Some(0) });
        ledbat.on_time(Instant::from_millis(from_ms + 500));
    }
    interval(&mut ledbat, 60_000, 40, 60_001, 0);
    let gives = ledbat.gives_bps();
    assert!((780_000..=820_000).contains(&gives), "of 50 sent 40 arrive, as ever: {gives}");
}

#[test]
fn after_two_steps_it_falls_by_quarters_and_grows_by_a_two_hundredth_a_second() {
    // The queue of the third interval, and what becomes of 600 kbit/s of which 400 got through.
    for (queue_us, gives_bps, rate_bps) in
        [(60_001, 550_000, 440_000), (30_000, 600_000, 480_000), (29_999, 601_500, 601_500)]
    {
        let mut ledbat = begun();
        interval(&mut ledbat, 1_000, 50, 60_001, 0);
        interval(&mut ledbat, 1_500, 25, 60_001, 0);
        assert_eq!(ledbat.gives_bps(), 600_000, "again what got through");
        interval(&mut ledbat, 2_000, 25, queue_us, 0);
        assert_eq!((ledbat.gives_bps(), ledbat.rate_bps()), (gives_bps, rate_bps), "{queue_us}");
    }
    let mut ledbat = begun();
    interval(&mut ledbat, 1_000, 50, 60_001, 0);
    interval(&mut ledbat, 1_500, 50, 10_000, 250);
    assert_eq!(ledbat.gives_bps(), 803_000, "in three quarters of a second");
    // Held down by what was seen, a higher cap gives no more; a lower one bounds it.
    ledbat.set_cap(2_000_000);
    assert_eq!(ledbat.gives_bps(), 803_000);
    ledbat.set_cap(500_000);
    assert_eq!(ledbat.gives_bps(), 500_000);
}

proptest! {
    #![proptest_config(super::super::tests::config())]

    #[test]
    fn the_rate_is_never_above_the_cap(
        cap_bps in 0..10_000_000_u64,
        steps in prop::collection::vec((0..3_000_u64, 0..200_u32, prop::option::of(0..2_000_000_u32), 0..200_u32), 0..50),
    ) {
        let mut ledbat = Ledbat::EMPTY;
        ledbat.set_cap(cap_bps);
        let mut now = Instant::ZERO;
        for (ms, acked, queue_us, sent) in steps {
            now = now.plus_micros(ms * 1_000);
            for _ in 0..sent {
                ledbat.on_sent(FRAGMENT_BYTES);
            }
            ledbat.on_ack(&Acked { newly: acked, lost: 0, queue_us });
            ledbat.on_time(now);
            prop_assert!(ledbat.rate_bps() <= ledbat.gives_bps() && ledbat.gives_bps() <= cap_bps);
            prop_assert!(ledbat.gives_bps() >= RATE_BPS_MIN.min(cap_bps));
        }
    }
}
