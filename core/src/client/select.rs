//! Which candidate becomes a parent: pure decisions over plain data.

use core::net::{IpAddr, SocketAddr};

use crate::rng::Rng;

/// What is known of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// Smoothed round trip in microseconds, when the two have met.
    pub rtt_us: Option<u32>,
    /// Free slots, as last heard.
    pub slots: u8,
    /// Age in seconds, at most 255.
    pub age_s: u8,
    /// Substreams it feeds this client already.
    pub feeds: u8,
    /// Whether it shares this client's network prefix.
    pub is_near: bool,
}

/// A round trip assumed for a candidate not met yet.
const UNKNOWN_RTT_US: u32 = 80_000;
/// Scores closer than this are ties.
const NEAR_TIE: u32 = 12;

/// How well a candidate suits, higher is better; 0 to 400.
///
/// Near the client first, then a short way, spare slots, age: those who stayed long stay on (LiveSky's departures, like most,
/// come early).
#[must_use]
pub fn score(prospect: &Prospect) -> u32 {
    let rtt_ms = prospect.rtt_us.unwrap_or(UNKNOWN_RTT_US) / 1_000;
    let short_way = 150_u32.saturating_sub(rtt_ms.min(150));
    let spare = u32::from(prospect.slots.min(8)) * 10;
    let age = u32::from(prospect.age_s).min(60);
    let near = if prospect.is_near { 100 } else { 0 };
    short_way + spare + age + near
}

/// Picks the best of `prospects`, near-ties at random so that newcomers do not herd; gives its index.
///
/// A candidate that feeds half of the substreams already is taken only when no other qualifies: one departure must not
/// blank the picture.
#[must_use]
pub fn choose(prospects: &[Prospect], substreams: u8, rng: &mut Rng) -> Option<usize> {
    let feeds_max = substreams.div_ceil(2);
    let is_spread = |prospect: &Prospect| prospect.feeds < feeds_max;
    let must_spread = prospects.iter().any(is_spread);
    let eligible =
        || prospects.iter().enumerate().filter(|(_, prospect)| !must_spread || is_spread(prospect));
    let best = eligible().map(|(_, prospect)| score(prospect)).max()?;
    let is_tied = |prospect: &Prospect| score(prospect) + NEAR_TIE >= best;
    let ties = eligible().filter(|(_, prospect)| is_tied(prospect)).count();
    let pick = usize::try_from(rng.below(u32::try_from(ties).unwrap_or(1))).unwrap_or(0);
    eligible().filter(|(_, prospect)| is_tied(prospect)).nth(pick).map(|(index, _)| index)
}

/// Whether two addresses share a network: the first 24 bits of IPv4, the first 64 of IPv6.
#[must_use]
pub fn is_near(one: &SocketAddr, other: &SocketAddr) -> bool {
    match (one.ip(), other.ip()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.to_bits() >> 8 == other.to_bits() >> 8,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() >> 64 == other.to_bits() >> 64,
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Prospect = Prospect { rtt_us: Some(50_000), slots: 2, age_s: 30, feeds: 0, is_near: false };

    #[test]
    fn the_nearer_older_and_freer_candidate_wins() {
        let mut rng = Rng::from_seed(1);
        let cases = [
            Prospect { rtt_us: Some(10_000), ..PLAIN },
            Prospect { slots: 8, ..PLAIN },
            Prospect { age_s: 200, ..PLAIN },
            Prospect { is_near: true, ..PLAIN },
        ];
        for better in cases {
            for _ in 0..20 {
                assert_eq!(choose(&[PLAIN, better, PLAIN], 6, &mut rng), Some(1), "{better:?}");
            }
        }
        assert_eq!(choose(&[], 6, &mut rng), None);
    }

    #[test]
    fn a_score_is_the_sum_of_what_speaks_for_a_candidate() {
        for (prospect, expected) in [
            (PLAIN, 100 + 20 + 30),
            (Prospect { rtt_us: None, ..PLAIN }, 70 + 20 + 30),
            (Prospect { rtt_us: Some(900_000), slots: 0, age_s: 0, ..PLAIN }, 0),
            (
                Prospect { rtt_us: Some(0), slots: 99, age_s: 255, feeds: 0, is_near: true },
                150 + 80 + 60 + 100,
            ),
        ] {
            assert_eq!(score(&prospect), expected, "{prospect:?}");
        }
    }

    #[test]
    fn ties_are_spread_and_nobody_feeds_more_than_half_while_others_can() {
        let mut rng = Rng::from_seed(2);
        let mut seen = [0; 3];
        for _ in 0..300 {
            seen[choose(&[PLAIN; 3], 6, &mut rng).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| count > 50), "{seen:?}");
        let half = Prospect { feeds: 3, is_near: true, slots: 8, ..PLAIN };
        assert_eq!(choose(&[half, PLAIN], 6, &mut rng), Some(1));
        assert_eq!(choose(&[half], 6, &mut rng), Some(0));
    }

    #[test]
    fn nearness_is_a_network_prefix() {
        let near = |one: &str, other: &str| is_near(&one.parse().unwrap(), &other.parse().unwrap());
        assert!(near("10.0.0.1:1", "10.0.0.200:9"));
        assert!(!near("10.0.0.1:1", "10.0.1.1:1"));
        assert!(near("[2001:db8::1]:1", "[2001:db8::2]:1"));
        assert!(!near("[2001:db8::1]:1", "10.0.0.1:1"));
    }
}
