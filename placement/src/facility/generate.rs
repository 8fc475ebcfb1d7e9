//! Instances by stated recipes: the same seed gives the same instance everywhere.

use livesky_core::rng::Rng;

use super::problem::{Facilities, FacilitiesError};

/// `count` points uniform in the unit square, each a site that costs `opening_cost` and a customer; service costs the
/// Euclidean distance.
///
/// The kind of the k-median instances of Ahn, Cooper, Cornuéjols and Frieze (1988), with the opening cost chosen freely.
/// Around the optimum, p open sites serve for about 0.38 · count / √p: an opening cost of 0.19 · count / p^1.5 opens
/// about p of them.
///
/// # Errors
/// `opening_cost` is negative or NaN.
pub fn euclidean(count: usize, opening_cost: f64, seed: u64) -> Result<Facilities, FacilitiesError> {
    let mut rng = Rng::from_seed(seed);
    let points: Vec<_> = (0..count).map(|_| point(&mut rng)).collect();
    let cost = points.iter().flat_map(|from| points.iter().map(|to| distance(*from, *to))).collect();
    Facilities::new(vec![opening_cost; count], cost)
}

/// The opening cost that makes [`euclidean`] open about `open` of its `count` points.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of points are small")]
pub fn opening_cost_for(count: usize, open: usize) -> f64 {
    0.19 * count as f64 / (open.max(1) as f64).powf(1.5)
}

/// Which of Beasley's three large kinds an instance resembles: they differ in what opening costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beasley {
    /// Dear sites: seven or eight are opened (capa).
    A,
    /// In between: about ten (capb).
    B,
    /// Cheaper sites: about 13 (capc).
    C,
}

impl Beasley {
    /// The mean opening cost, in the unit of demand times distance.
    const fn opening_cost_mean(self) -> f64 {
        match self {
            Self::A => 700_000.0,
            Self::B => 400_000.0,
            Self::C => 250_000.0,
        }
    }
}

/// 100 sites and 1,000 customers like capa, capb and capc of the OR-Library (Beasley 1988), without their capacities.
///
/// Sites and customers uniform in a square of side 1,000; demand uniform in 0..100; serving costs demand times distance
/// times a factor uniform in 1..1.25 for each pair; opening costs uniform within a quarter of their mean. The structure is
/// that of the paper's large problems (random points, random demand, cost by distance); the numbers are chosen here.
///
/// # Errors
/// None in practice: every cost is one.
pub fn beasley(kind: Beasley, seed: u64) -> Result<Facilities, FacilitiesError> {
    const SITES: usize = 100;
    const CUSTOMERS: usize = 1_000;
    const SIDE: f64 = 1_000.0;
    let mut rng = Rng::from_seed(seed);
    let sites: Vec<_> = (0..SITES).map(|_| point(&mut rng)).collect();
    let opening = (0..SITES).map(|_| kind.opening_cost_mean() * (0.75 + 0.5 * unit(&mut rng))).collect();
    let mut service = Vec::with_capacity(SITES * CUSTOMERS);
    for _ in 0..CUSTOMERS {
        let here = point(&mut rng);
        let demand = 100.0 * unit(&mut rng);
        service.extend(
            sites.iter().map(|site| demand * SIDE * distance(here, *site) * (1.0 + 0.25 * unit(&mut rng))),
        );
    }
    Facilities::new(opening, service)
}

/// Uniform in 0..1.
fn unit(rng: &mut Rng) -> f64 {
    f64::from(rng.next_u32()) / (f64::from(u32::MAX) + 1.0)
}

fn point(rng: &mut Rng) -> (f64, f64) {
    (unit(rng), unit(rng))
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (x, y) = (a.0 - b.0, a.1 - b.1);
    (x * x + y * y).sqrt()
}
