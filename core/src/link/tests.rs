use core::time::Duration;
use std::boxed::Box;
use std::collections::BTreeSet;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::endpoint::Reject;
use crate::media::FrameId;
use crate::time::Instant;
use crate::wire::control::Ack;

const DELAY: Duration = Duration::from_millis(200);

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

pub(super) fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(proptest::test_runner::FileFailurePersistence::Direct(
            "../proptest-regressions/core_link.txt",
        ))),
        ..ProptestConfig::default()
    }
}

#[test]
fn a_bucket_that_is_resized_keeps_its_debt() {
    let mut bucket = TokenBucket::new(Instant::ZERO, 8_000, 1_000);
    bucket.take(Instant::ZERO, 1_500);
    bucket.resize(Instant::ZERO, 16_000, 4_000);
    assert_eq!(bucket.ready_at(Instant::ZERO), at(250), "500 bytes at 2,000 a second");
    bucket.resize(at(10_000), 16_000, 100);
    bucket.take(at(10_000), 101);
    assert!(!bucket.is_ready(at(10_000)), "no more than its depth was left");
}

#[test]
fn a_bucket_holds_its_depth_and_one_without_a_rate_lets_nothing_pass() {
    let mut bucket = TokenBucket::new(Instant::ZERO, 8_000, 1_000);
    bucket.resize(at(10_000), 16_000, 100);
    bucket.take(at(10_000), 100);
    assert!(bucket.is_ready(at(10_000)));
    bucket.take(at(10_000), 1);
    assert!(!bucket.is_ready(at(10_000)));
    assert!(!TokenBucket::new(Instant::ZERO, 0, 1_000).is_ready(at(5)));
}

#[test]
fn a_link_fits_two_kibibytes() {
    assert!(size_of::<Link>() <= 2_048, "{}", size_of::<Link>());
}

#[test]
fn an_acknowledgement_waits_unless_a_packet_is_skipped() {
    let mut link = Link::EMPTY;
    link.on_data(at(10), 0, 0, DELAY).unwrap();
    assert_eq!(link.ack_deadline(), Some(at(210)));
    link.on_data(at(20), 2, 0, DELAY).unwrap();
    assert_eq!(link.ack_deadline(), Some(at(20)));
    let mut runs = [0; ACK_RUNS_MAX];
    let ack = link.write_ack(at(25), &mut runs).unwrap();
    assert_eq!((ack.largest, ack.delay_us, ack.runs), (2, 5_000, &[1, 1, 1][..]));
    assert!(link.write_ack(at(26), &mut [0; ACK_RUNS_MAX]).is_none());
    assert_eq!(link.on_data(at(30), 2, 0, DELAY), Err(Reject::Duplicate));
    assert_eq!(link.on_data(at(30), 1 << 20, 0, DELAY), Err(Reject::Unexpected));
}

#[test]
fn what_was_overtaken_is_lost_after_a_while_and_comes_back_once() {
    let mut link = Link::EMPTY;
    for fragment in 0..6 {
        link.on_sent(at(0), FrameId(7), fragment);
    }
    let ack = Ack { largest: 5, delay_us: 0, one_way_us: 0, runs: &[2, 2, 2] };
    assert_eq!(
        link.on_ack(at(50), &ack),
        Ok(Acked { newly: 4, lost: 0, queue_us: Some(0) }),
        "reordering is no loss"
    );
    assert_eq!(link.in_flight(), 2);
    let due = link.loss_deadline().unwrap();
    assert_eq!(due, at(150), "50 ms and four variations of 25");
    assert_eq!(link.on_loss_timeout(due), 2);
    assert_eq!(link.next_lost(), Some((FrameId(7), 2)));
    assert_eq!(link.next_lost(), Some((FrameId(7), 3)));
    assert_eq!(link.next_lost(), None);
    assert_eq!(link.loss_deadline(), None);
}

#[test]
fn a_loss_that_was_none_makes_the_link_wait_longer() {
    let mut link = Link::EMPTY;
    link.on_sent(at(0), FrameId(1), 0);
    link.on_sent(at(0), FrameId(1), 1);
    link.on_ack(at(40), &Ack { largest: 1, delay_us: 0, one_way_us: 0, runs: &[1] }).unwrap();
    let before = link.rtt().loss_us();
    assert_eq!(link.on_loss_timeout(at(200)), 1);
    assert_eq!(link.next_lost(), Some((FrameId(1), 0)));
    link.on_ack(at(210), &Ack { largest: 1, delay_us: 0, one_way_us: 0, runs: &[2] }).unwrap();
    assert_eq!(link.rtt().loss_us(), before + 10_000);
    link.on_ack(at(220), &Ack { largest: 1, delay_us: 0, one_way_us: 0, runs: &[2] }).unwrap();
    assert_eq!(link.rtt().loss_us(), before + 10_000, "told once");
}

#[test]
fn silence_fires_a_probe_with_backoff() {
    let mut link = Link::EMPTY;
    link.on_sent(at(0), FrameId(1), 0);
    let first = link.loss_deadline().unwrap();
    assert_eq!(link.on_loss_timeout(first), 1);
    assert_eq!(link.next_lost(), Some((FrameId(1), 0)));
    assert_eq!(link.loss_deadline(), None);
    link.on_sent(first, FrameId(1), 0);
    let second = link.loss_deadline().unwrap();
    assert_eq!(second.micros_since(first), 2 * first.as_micros());
}

#[test]
fn a_packet_that_fills_a_gap_is_taken_and_acknowledged_at_once() {
    let mut link = Link::EMPTY;
    for packet in [0, 1, 4] {
        link.on_data(at(10), packet, 0, DELAY).unwrap();
    }
    link.write_ack(at(10), &mut [0; ACK_RUNS_MAX]).unwrap();
    assert_eq!(link.ack_deadline(), None);
    for packet in [2, 3] {
        assert_eq!(link.on_data(at(30), packet, 0, DELAY), Ok(()));
        assert_eq!(link.on_data(at(30), packet, 0, DELAY), Err(Reject::Duplicate));
    }
    assert_eq!(link.ack_deadline(), Some(at(30)));
    let mut runs = [0; ACK_RUNS_MAX];
    assert_eq!(link.write_ack(at(30), &mut runs).unwrap().runs, &[5]);
}

#[test]
fn an_answer_ends_the_backoff_of_probes_and_one_without_news_does_not() {
    let mut link = Link::EMPTY;
    link.on_sent(at(0), FrameId(1), 0);
    link.on_sent(at(0), FrameId(1), 1);
    let ack = Ack { largest: 0, delay_us: 0, one_way_us: 0, runs: &[1] };
    link.on_ack(at(50), &ack).unwrap();
    let due = link.loss_deadline().unwrap();
    link.on_loss_timeout(due);
    assert_eq!(link.probes(), 1);
    link.on_ack(due, &ack).unwrap();
    assert_eq!(link.probes(), 1, "it names nothing new");
    link.on_ack(due, &Ack { largest: 1, runs: &[2], ..ack }).unwrap();
    assert_eq!(link.probes(), 0);
}

#[test]
fn the_round_trip_is_sampled_once_by_its_largest_packet() {
    let mut link = Link::EMPTY;
    for fragment in 0..3 {
        link.on_sent(at(0), FrameId(1), fragment);
    }
    let ack = Ack { largest: 2, delay_us: 0, one_way_us: 0, runs: &[1, 1, 1] };
    assert!(link.on_ack(at(40), &ack).unwrap().queue_us.is_some());
    let before = *link.rtt();
    let late = link.on_ack(at(90), &Ack { runs: &[3], ..ack }).unwrap();
    assert_eq!((late.newly, late.queue_us), (1, None), "the largest was known, the other says nothing");
    assert_eq!(*link.rtt(), before);
}

#[test]
fn a_round_trip_unknown_is_assumed_and_one_without_jitter_waits_an_eighth_more() {
    assert_eq!(Rtt::EMPTY.answer_us(), 600_000, "200 ms and four variations of 100");
    let mut rtt = Rtt::EMPTY;
    for _ in 0..40 {
        rtt.on_sample(80_000, 0);
    }
    assert!(rtt.answer_us() < 82_000, "{rtt:?}");
    assert_eq!(rtt.loss_us(), 90_000);
}

#[test]
fn a_round_trip_is_smoothed_as_rfc_6298_has_it() {
    let mut rtt = Rtt::EMPTY;
    rtt.on_sample(100_000, 0);
    assert_eq!((rtt.smoothed_us(), rtt.var_us(), rtt.loss_us()), (100_000, 50_000, 300_000));
    rtt.on_sample(140_000, 0);
    assert_eq!((rtt.smoothed_us(), rtt.var_us()), (105_000, 47_500));
    // The other side's delay counts where it leaves more than the least that was seen.
    rtt.on_sample(150_000, 45_000);
    assert_eq!(rtt.smoothed_us(), 105_000);
    rtt.on_sample(150_000, 51_000);
    assert_eq!(rtt.smoothed_us(), 110_625);
}

#[test]
fn a_link_that_starts_over_has_nothing_under_way_and_goes_on_counting() {
    let mut link = link_with_two_lost();
    link.on_sent(at(600), FrameId(2), 0);
    assert!(link.in_flight() > 0 && link.has_lost());
    link.forget_all();
    assert_eq!((link.in_flight(), link.has_lost(), link.next_lost()), (0, false, None));
    assert_eq!(link.loss_deadline(), None);
    assert_eq!(link.on_sent(at(700), FrameId(3), 0), 7);
    assert_eq!(link.in_flight(), 1);
}

#[test]
fn of_two_that_were_taken_as_lost_the_one_that_came_is_not_sent_again() {
    // The newest packets first: those that came, a gap, and so on.
    for (runs, expected) in
        [(&[2, 1, 3][..], &[3][..]), (&[4, 1, 1], &[1]), (&[2, 1, 1, 1, 1], &[1, 3]), (&[6], &[])]
    {
        let mut link = link_with_two_lost();
        link.on_ack(at(500), &Ack { largest: 5, delay_us: 0, one_way_us: 0, runs }).unwrap();
        let lost = core::iter::from_fn(|| link.next_lost());
        assert_eq!(lost.map(|(_, fragment)| fragment).collect::<Vec<_>>(), expected, "{runs:?}");
    }
}

#[test]
fn thirty_two_packets_in_order_may_wait() {
    let mut link = Link::EMPTY;
    for packet in 0..32 {
        link.on_data(at(10), packet, 0, DELAY).unwrap();
        assert_eq!(link.ack_deadline(), Some(at(210)), "{packet}");
    }
    link.on_data(at(10), 32, 0, DELAY).unwrap();
    assert_eq!(link.ack_deadline(), Some(at(10)));
    assert_eq!(link.on_data(at(10), 32 + 65_537, 0, DELAY), Err(Reject::Unexpected));
    assert_eq!(link.on_data(at(10), 32 + 65_536, 0, DELAY), Ok(()));
}

#[test]
fn fragments_sent_together_share_records() {
    let mut sent = SentWindow::EMPTY;
    for fragment in 0..1_000 {
        sent.on_sent(at(3), FrameId(5), fragment);
    }
    assert_eq!((sent.in_flight(), sent.overflowed()), (1_000, 0));
    let mut sent = SentWindow::EMPTY;
    for fragment in 0..70 {
        sent.on_sent(at(u64::from(fragment) * 5), FrameId(5), fragment);
    }
    assert_eq!((sent.in_flight(), sent.overflowed()), (64, 6), "5 ms apart is not together");
}

/// A link on which packets 0 to 5 are fragments of one frame, of which 1 and 3 are taken as lost.
fn link_with_two_lost() -> Link {
    let mut link = Link::EMPTY;
    for fragment in 0..6 {
        link.on_sent(at(0), FrameId(1), fragment);
    }
    link.on_ack(at(40), &Ack { largest: 5, delay_us: 0, one_way_us: 0, runs: &[2, 1, 1, 1, 1] }).unwrap();
    assert_eq!(link.on_loss_timeout(link.loss_deadline().unwrap()), 2);
    link
}

#[test]
fn what_arrives_after_it_was_taken_as_lost_is_not_sent_again() {
    let mut link = link_with_two_lost();
    link.on_ack(at(500), &Ack { largest: 5, delay_us: 0, one_way_us: 0, runs: &[4, 1, 1] }).unwrap();
    assert_eq!(link.next_lost(), Some((FrameId(1), 1)));
    assert!(!link.has_lost());
    assert_eq!(link.next_lost(), None);
}

#[test]
fn each_of_several_packets_sent_again_is_known_when_it_came_after_all() {
    for (runs, is_spurious) in [(&[2, 1, 3][..], true), (&[4, 1, 1][..], true), (&[2, 1, 1, 1, 1][..], false)]
    {
        let mut link = link_with_two_lost();
        while link.next_lost().is_some() {}
        let before = link.rtt().loss_us();
        link.on_ack(at(500), &Ack { largest: 5, delay_us: 0, one_way_us: 0, runs }).unwrap();
        assert_eq!(link.rtt().loss_us() > before, is_spurious, "{runs:?}");
    }
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_refused() {
    let mut link = Link::EMPTY;
    let ack = Ack { largest: 0, delay_us: 0, one_way_us: 0, runs: &[1] };
    assert_eq!(link.on_ack(at(1), &ack), Err(Reject::Unexpected));
}

#[test]
fn more_records_than_fit_are_counted_not_kept() {
    let mut link = SentWindow::EMPTY;
    for frame in 0..70 {
        link.on_sent(at(0), FrameId(frame), 0);
    }
    assert_eq!((link.in_flight(), link.overflowed()), (64, 6));
}

#[test]
fn a_bucket_passes_its_rate_and_its_depth() {
    let mut bucket = TokenBucket::new(at(0), 80_000, 1_000);
    bucket.take(at(0), 2_000);
    assert!(!bucket.is_ready(at(99)));
    assert_eq!(bucket.ready_at(at(0)), at(100));
    assert!(bucket.is_ready(at(100)));
    assert_eq!(TokenBucket::EMPTY.ready_at(at(5)), Instant::FAR_FUTURE);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_ack_covers_exactly_what_arrived(packets in proptest::collection::vec(0_u32..300, 1..200)) {
        let mut arrivals = Arrivals::EMPTY;
        let mut seen = BTreeSet::new();
        for &packet in &packets {
            let verdict = arrivals.on_data(at(1), packet, 0, DELAY);
            prop_assert!(!(verdict.is_ok() && seen.contains(&packet)));
            if verdict.is_ok() {
                seen.insert(packet);
            }
        }
        let mut runs = [0; ACK_RUNS_MAX];
        let ack = arrivals.write_ack(at(2), &mut runs).unwrap();
        let window = arrivals::read_runs(ack.runs);
        for back in 0..128_u32.min(ack.largest + 1) {
            let is_claimed = window & (1 << back) != 0;
            // Runs may be cut off, but nothing is claimed that did not arrive.
            prop_assert!(!is_claimed || seen.contains(&(ack.largest - back)));
            if ack.runs.len() < ACK_RUNS_MAX {
                prop_assert_eq!(is_claimed, seen.contains(&(ack.largest - back)));
            }
        }
    }

    /// Whatever is lost on the way, each fragment is in the end acknowledged or handed back to be sent again.
    #[test]
    fn no_fragment_is_forgotten(losses in proptest::collection::vec(any::<bool>(), 40), frames in 1_u32..20) {
        let (mut near, mut far) = (Link::EMPTY, Link::EMPTY);
        let mut to_send: Vec<(FrameId, u16)> = (0..frames).flat_map(|f| [(FrameId(f), 0), (FrameId(f), 1)]).collect();
        let mut arrived = BTreeSet::new();
        let mut drop_at = losses.iter().copied();
        let mut now = at(0);
        // 40 losses in a row, each waited for 8 probe timeouts.
        for _ in 0..2_000 {
            for (frame, fragment) in to_send.drain(..) {
                let packet = near.on_sent(now, frame, fragment);
                if drop_at.next() != Some(true) {
                    prop_assert_eq!(far.on_data(now, packet, 0, DELAY), Ok(()));
                    arrived.insert((frame, fragment));
                }
            }
            now = now + DELAY;
            let mut runs = [0; ACK_RUNS_MAX];
            if let Some(ack) = far.write_ack(now, &mut runs) {
                near.on_ack(now, &ack).unwrap();
            }
            near.on_loss_timeout(now);
            while let Some(lost) = near.next_lost() {
                to_send.push(lost);
            }
        }
        prop_assert_eq!(arrived.len(), frames as usize * 2);
        prop_assert_eq!(near.in_flight(), 0);
    }

    #[test]
    fn arbitrary_acks_never_panic(largest in any::<u32>(), delay_us in any::<u32>(), runs in proptest::collection::vec(any::<u8>(), 0..40), sent in 0_u16..100) {
        let mut link = Link::EMPTY;
        for fragment in 0..sent {
            link.on_sent(at(u64::from(fragment)), FrameId(u32::from(fragment / 3)), fragment % 3);
        }
        let _ = link.on_ack(at(500), &Ack { largest, delay_us, one_way_us: 0, runs: &runs });
        prop_assert!(link.in_flight() <= u32::from(sent));
        link.on_loss_timeout(Instant::FAR_FUTURE);
        while link.next_lost().is_some() {}
    }
}
