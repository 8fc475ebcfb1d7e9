use std::vec;
use std::vec::Vec as StdVec;

use super::*;
use crate::wire::report::JoinRecord;

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn keep(reports: &mut Reports, times: usize) {
    for _ in 0..times {
        reports.keep(at(0), ReportBody::Join(JoinRecord::default()));
    }
}

fn numbers(reports: &Reports) -> StdVec<u32> {
    reports.kept.iter().map(|kept| kept.number).collect()
}

fn pending(reports: &Reports) -> StdVec<u32> {
    reports.pending().map(|kept| kept.number).collect()
}

#[test]
fn what_was_taken_makes_room_first_and_then_the_oldest() {
    let mut reports = Reports::new(1);
    keep(&mut reports, 5);
    assert_eq!((numbers(&reports), reports.dropped), (vec![2, 3, 4, 5], 1));
    assert_eq!(reports.on_ack(&ReportAck { highest: 4, taken: 0b11 }), Ok(()));
    assert_eq!(pending(&reports), [2, 5]);
    keep(&mut reports, 1);
    assert_eq!((numbers(&reports), reports.dropped), (vec![2, 4, 5, 6], 1), "3 had been taken");
}

#[test]
fn an_acknowledgement_tells_of_32_numbers_and_older_reports_go() {
    let mut reports = Reports::new(1);
    keep(&mut reports, 2);
    reports.next_number = 33;
    keep(&mut reports, 1);
    assert_eq!((numbers(&reports), reports.dropped), (vec![2, 33], 1));
}

#[test]
fn an_acknowledgement_of_what_was_never_made_is_refused() {
    let mut reports = Reports::new(1);
    keep(&mut reports, 2);
    assert_eq!(reports.on_ack(&ReportAck { highest: 3, taken: 1 }), Err(Reject::Unexpected));
    assert_eq!(pending(&reports), [1, 2]);
    assert_eq!(reports.on_ack(&ReportAck { highest: 2, taken: 1 }), Ok(()));
    assert_eq!(pending(&reports), [1]);
}

#[test]
fn what_waits_is_sent_again_ever_more_seldom_until_something_is_taken() {
    let mut reports = Reports::new(1);
    reports.make_due(at(0));
    assert_eq!((reports.is_due(), reports.again_deadline()), (false, Instant::FAR_FUTURE), "nothing waits");
    keep(&mut reports, 2);
    let mut now = at(0);
    for wait_s in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert!(reports.again_deadline() <= now);
        reports.make_due(now);
        assert_eq!(reports.again_deadline(), now + Duration::from_secs(wait_s));
        now = reports.again_deadline();
    }
    reports.on_ack(&ReportAck { highest: 1, taken: 1 }).unwrap();
    reports.make_due(now);
    assert_eq!(reports.again_deadline(), now + Duration::from_secs(1));
    assert_eq!(reports.next_due().map(|kept| kept.number), Some(2));
    reports.on_ack(&ReportAck { highest: 2, taken: 1 }).unwrap();
    assert_eq!((reports.is_due(), reports.again_deadline()), (false, Instant::FAR_FUTURE));
}

#[test]
fn those_that_did_not_fit_go_next() {
    let mut reports = Reports::new(1);
    keep(&mut reports, 3);
    assert!(reports.next_due().is_none(), "nothing is due yet");
    reports.make_due(at(0));
    for (from, next) in [(0, Some(1)), (2, Some(2)), (3, Some(3)), (4, None)] {
        reports.due_from = Some(from);
        assert_eq!(reports.next_due().map(|kept| kept.number), next, "from {from}");
    }
}
