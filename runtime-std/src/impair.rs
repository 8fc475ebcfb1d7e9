//! A bad network in user space: what the demo and the tests put between a socket and the world.

use core::time::Duration;
use std::collections::BTreeMap;

use livesky_core::rng::Rng;
use livesky_core::{Instant, Path};

/// How one direction of a socket is made worse. The default does nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairment {
    /// Share of datagrams lost, 0 to 1.
    pub loss: f64,
    /// Time every datagram takes.
    pub delay: Duration,
    /// Time on top, uniformly between zero and this. It does not reorder by itself.
    pub jitter: Duration,
    /// Share of datagrams that take no delay and so overtake others, 0 to 1 (as `reorder` of Linux' netem).
    pub reorder: f64,
    /// Share of datagrams that arrive twice, 0 to 1.
    pub duplicate: f64,
    /// Rate in bit/s of UDP payload; `None`: unlimited.
    pub rate_bps: Option<u64>,
    /// Longest a datagram waits for the rate; those that would wait longer are dropped.
    pub queue: Duration,
}

impl Default for Impairment {
    fn default() -> Self {
        Self {
            loss: 0.0,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            reorder: 0.0,
            duplicate: 0.0,
            rate_bps: None,
            queue: Duration::from_millis(200),
        }
    }
}

/// What a pipe did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PipeStats {
    /// Datagrams put in.
    pub offered: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Dropped because the rate's queue was full.
    pub overflowed: u64,
    /// Put in once, out twice.
    pub duplicated: u64,
    /// Sent ahead of their turn.
    pub reordered: u64,
}

/// A datagram and its path.
type Parcel = (Path, Box<[u8]>);

/// One impaired direction: datagrams go in now and come out later, or never. Same seed, same input, same outcome.
#[derive(Debug)]
pub struct Pipe {
    settings: Impairment,
    rng: Rng,
    /// By arrival, then in the order put in.
    waiting: BTreeMap<(Instant, u64), Parcel>,
    sequence: u64,
    rate_free_at: Instant,
    last_arrival: Instant,
    stats: PipeStats,
}

impl Pipe {
    /// An empty pipe.
    #[must_use]
    pub fn new(settings: Impairment, seed: u64) -> Self {
        Self {
            settings,
            rng: Rng::from_seed(seed),
            waiting: BTreeMap::new(),
            sequence: 0,
            rate_free_at: Instant::ZERO,
            last_arrival: Instant::ZERO,
            stats: PipeStats::default(),
        }
    }

    /// Puts a datagram in.
    pub fn offer(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        self.stats.offered += 1;
        // Every draw is made for every datagram, so that changing one setting leaves the others' outcomes alone.
        let is_lost = is_hit(&mut self.rng, self.settings.loss);
        let is_first = is_hit(&mut self.rng, self.settings.reorder);
        let is_twice = is_hit(&mut self.rng, self.settings.duplicate);
        let jitter = self.draw_jitter();
        let Some(departure) = self.depart(now, datagram.len()) else {
            self.stats.overflowed += 1;
            return;
        };
        if is_lost {
            self.stats.lost += 1;
            return;
        }
        let arrival = if is_first {
            self.stats.reordered += 1;
            departure
        } else {
            self.last_arrival = (departure + self.settings.delay + jitter).max(self.last_arrival);
            self.last_arrival
        };
        self.put(arrival, path, datagram);
        if is_twice {
            self.stats.duplicated += 1;
            self.put(arrival, path, datagram);
        }
    }

    /// The next datagram that has arrived by `now`.
    pub fn take_due(&mut self, now: Instant) -> Option<(Path, Box<[u8]>)> {
        let entry = self.waiting.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// When the next datagram arrives.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(&(at, _), _)| at)
    }

    /// What happened so far.
    #[must_use]
    pub const fn stats(&self) -> PipeStats {
        self.stats
    }

    /// When the datagram has left at the pipe's rate; `None`: the queue is too long.
    fn depart(&mut self, now: Instant, len: usize) -> Option<Instant> {
        let Some(rate_bps) = self.settings.rate_bps else { return Some(now) };
        let start = self.rate_free_at.max(now);
        if start.since(now) > self.settings.queue {
            return None;
        }
        let micros = (len as u64).saturating_mul(8_000_000) / rate_bps.max(1);
        self.rate_free_at = start.plus_micros(micros);
        Some(self.rate_free_at)
    }

    fn draw_jitter(&mut self) -> Duration {
        let bound = u32::try_from(self.settings.jitter.as_micros()).unwrap_or(u32::MAX);
        Duration::from_micros(u64::from(self.rng.below(bound)))
    }

    fn put(&mut self, arrival: Instant, path: Path, datagram: &[u8]) {
        self.sequence += 1;
        self.waiting.insert((arrival, self.sequence), (path, datagram.into()));
    }
}

/// Draws once; true in a `share` of draws.
fn is_hit(rng: &mut Rng, share: f64) -> bool {
    f64::from(rng.next_u32()) < share * 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;

    const REMOTE: Path =
        Path::to(SocketAddr::V4(core::net::SocketAddrV4::new(core::net::Ipv4Addr::LOCALHOST, 9)));

    const START: Instant = Instant::from_millis(1_000);

    /// Sends `count` datagrams, one a millisecond from `START` on; returns their numbers and arrival times after it, in order of arrival.
    fn run(settings: Impairment, seed: u64, count: u16) -> (Vec<(u16, u64)>, PipeStats) {
        let mut pipe = Pipe::new(settings, seed);
        for number in 0..count {
            let mut datagram = [0; 125];
            datagram[..2].copy_from_slice(&number.to_le_bytes());
            pipe.offer(START.plus_micros(u64::from(number) * 1_000), REMOTE, &datagram);
        }
        let mut arrivals = Vec::new();
        while let Some(at) = pipe.next_due() {
            assert!(pipe.take_due(at.minus_micros(1)).is_none(), "never early");
            let (path, datagram) = pipe.take_due(at).unwrap();
            assert_eq!(path, REMOTE);
            arrivals.push((u16::from_le_bytes([datagram[0], datagram[1]]), at.micros_since(START)));
        }
        (arrivals, pipe.stats())
    }

    fn all_bad() -> Impairment {
        Impairment {
            loss: 0.1,
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(5),
            reorder: 0.05,
            duplicate: 0.02,
            rate_bps: Some(2_000_000),
            ..Impairment::default()
        }
    }

    #[test]
    fn the_default_changes_nothing() {
        let (arrivals, stats) = run(Impairment::default(), 1, 100);
        assert!(arrivals.iter().enumerate().all(|(place, &(number, at))| {
            place == usize::from(number) && at == u64::from(number) * 1_000
        }));
        assert_eq!(stats, PipeStats { offered: 100, ..PipeStats::default() });
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(run(all_bad(), 3, 500), run(all_bad(), 3, 500));
        assert_ne!(run(all_bad(), 3, 500).0, run(all_bad(), 4, 500).0);
    }

    #[test]
    fn shares_come_out_as_set() {
        let (arrivals, stats) = run(all_bad(), 5, 10_000);
        assert!((900..1_100).contains(&stats.lost), "{stats:?}");
        assert!((400..550).contains(&stats.reordered), "{stats:?}");
        assert!((140..220).contains(&stats.duplicated), "{stats:?}");
        assert_eq!(arrivals.len() as u64, 10_000 - stats.lost + stats.duplicated);
        let late = arrivals.iter().filter(|&&(number, at)| at >= u64::from(number) * 1_000 + 20_000).count();
        assert!(late > 9_000 * arrivals.len() / 10_000, "most take the delay: {late}");
    }

    #[test]
    fn jitter_alone_keeps_the_order() {
        let settings = Impairment { jitter: Duration::from_millis(50), ..Impairment::default() };
        let (arrivals, _) = run(settings, 6, 1_000);
        assert!(arrivals.is_sorted());
    }

    #[test]
    fn the_rate_spaces_datagrams_and_its_queue_overflows() {
        // 125 bytes at 500 kbit/s take 2 ms; one comes each millisecond: half of them pass once the queue is full.
        let settings =
            Impairment { rate_bps: Some(500_000), queue: Duration::from_millis(50), ..Impairment::default() };
        let (arrivals, stats) = run(settings, 7, 1_000);
        assert!(arrivals.windows(2).all(|pair| pair[1].1 - pair[0].1 >= 2_000));
        assert!((450..500).contains(&stats.overflowed), "{stats:?}");
    }
}
