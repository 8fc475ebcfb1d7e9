//! What an uplink can be promised for: slots, each a feed of one substream.

/// Plain data of an uplink, from which its slots follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// What may be uploaded in bit/s.
    pub cap_bps: u64,
    /// Media rate of the channel in bit/s.
    pub rate_bps: u64,
    /// Number of substreams.
    pub substreams: u8,
    /// Bytes of the largest key frame of late.
    pub key_len: u32,
    /// The target buffer in milliseconds.
    pub target_ms: u32,
}

/// Share of the uplink promised to feeds, in percent; the rest is for retransmissions and pulls.
const PROMISED_PERCENT: u64 = 85;
/// What headers, acknowledgements and IP add to a feed, in percent.
const OVERHEAD_PERCENT: u64 = 6;

/// How many feeds an uplink carries: the promised share over the rate of a substream with headers, and no more than can
/// each be sent a key frame within a quarter of the target buffer.
#[must_use]
pub fn slots(uplink: &Uplink) -> u8 {
    let per_feed_bps = uplink.rate_bps * (100 + OVERHEAD_PERCENT) / 100 / u64::from(uplink.substreams.max(1));
    let promised_bps = uplink.cap_bps.saturating_mul(PROMISED_PERCENT) / 100;
    let by_rate = promised_bps.checked_div(per_feed_bps).unwrap_or(0);
    let key_bits = u64::from(uplink.key_len) * 8;
    let sendable_bits = uplink.cap_bps.saturating_mul(u64::from(uplink.target_ms)) / 4_000;
    let by_key = sendable_bits.checked_div(key_bits).unwrap_or(by_rate);
    u8::try_from(by_rate.min(by_key)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_the_uplink() {
        let uplink = |cap_bps| Uplink {
            cap_bps,
            rate_bps: 400_000,
            substreams: 6,
            key_len: 12_000,
            target_ms: 15_000,
        };
        assert_eq!(slots(&uplink(0)), 0);
        assert_eq!(slots(&uplink(80_000)), 0);
        assert_eq!(slots(&uplink(400_000)), 4);
        assert_eq!(slots(&uplink(600_000)), 7);
        let low_latency = Uplink { key_len: 40_000, target_ms: 2_000, ..uplink(600_000) };
        assert_eq!(slots(&low_latency), 0, "a key frame of 320 kbit does not go out in 500 ms");
        assert_eq!(slots(&Uplink { substreams: 0, rate_bps: 0, ..uplink(1) }), 0);
    }
}
