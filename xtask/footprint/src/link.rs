//! Both directions of a link, and what bounds its sending.

use core::hint::black_box;
use core::time::Duration;

use livesky_core::Instant;
use livesky_core::link::{ACK_RUNS_MAX, Link, TokenBucket};
use livesky_core::media::FrameId;

/// Receives, acknowledges, sends, loses and sends again.
pub fn weigh() {
    let now = black_box(Instant::ZERO);
    let mut link = black_box(Link::EMPTY);
    let mut runs = [0; ACK_RUNS_MAX];
    link.on_heard(now);
    black_box(link.on_data(now, black_box(0), black_box(0), black_box(Duration::ZERO)).is_ok());
    if let Some(ack) = link.write_ack(now, &mut runs) {
        let mut peer = black_box(Link::EMPTY);
        black_box(peer.on_ack(now, &black_box(ack)).is_ok());
    }
    black_box(link.on_sent(now, black_box(FrameId(0)), black_box(0)));
    black_box(link.on_loss_timeout(now));
    black_box(link.next_lost());
    link.on_rtt_sample(black_box(Duration::ZERO));
    black_box((
        link.ack_deadline(),
        link.loss_deadline(),
        link.has_lost(),
        link.in_flight(),
        link.rtt().answer_us(),
    ));

    let mut bucket = black_box(TokenBucket::new(now, black_box(0), black_box(0)));
    bucket.set_rate(now, black_box(0));
    bucket.take(now, black_box(0));
    black_box((bucket.is_ready(now), bucket.ready_at(now)));
}
