use livesky_core::rng::Rng;

/// Draws below this are whole steps of 1.
const STEPS: u32 = 1_000_000;

/// Tables of made regions and sites, for tests and benches of any size: the same for the same count and seed.
///
/// Regions lie evenly between 20° and 50° north and 75° and 135° east; region k of n in a random order has 200,000 / k^0.8
/// viewers, ρ between 0.2 and 0.6 and 10 to 30 ms within. Each has a site in one of five cost classes, 40 to 100 currency
/// units per Mbit/s and month, that costs 20,000 to 80,000 a month to keep open and holds so much that about thirty of them
/// hold everybody at 1 Mbit/s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeTables {
    /// Of the regions, as [`super::load_tables`] reads it.
    pub regions: String,
    /// Of the sites.
    pub sites: String,
}

/// Makes tables of `count` regions from a seed.
#[must_use]
pub fn made_tables(count: u32, seed: u64) -> MadeTables {
    let mut rng = Rng::from_seed(seed);
    let mut ranks: Vec<u32> = (1..=count).collect();
    for (last, bound) in (0..ranks.len()).zip(1..).skip(1) {
        ranks.swap(last, usize::try_from(rng.below(bound)).unwrap_or(last));
    }
    let mut regions = "name,viewers,rho,latitude-deg,longitude-deg,intra-rtt-ms\n".to_owned();
    let mut sites = "name,cost-per-mbps-month,cost-class,opening-cost-per-month,size-max-bps\n".to_owned();
    let viewers = |rank: u32| (200_000.0 / f64::from(rank).powf(0.8)).round();
    let all: f64 = ranks.iter().copied().map(viewers).sum();
    for (index, rank) in ranks.iter().enumerate() {
        let mut between =
            |least: f64, most: f64| least + (most - least) * f64::from(rng.below(STEPS)) / f64::from(STEPS);
        let name = format!("region-{:03}", index + 1);
        let [rho, latitude, longitude, intra] =
            [between(0.2, 0.6), between(20.0, 50.0), between(75.0, 135.0), between(10.0, 30.0)];
        let [class, opening, size] = [between(0.0, 5.0).floor(), between(20.0, 80.0), between(0.5, 1.5)];
        let viewers = viewers(*rank);
        regions.push_str(&format!("{name},{viewers},{rho:.2},{latitude:.3},{longitude:.3},{intra:.1}\n"));
        let cost = 100.0 - 15.0 * class;
        let size_bps = (size * all / 30.0).round() * 1e6;
        sites.push_str(&format!("{name},{cost},class-{class},{:.0},{size_bps:.0}\n", opening.round() * 1e3));
    }
    MadeTables { regions, sites }
}
