use super::region::Coordinates;

/// Light in fibre goes at two thirds of its speed in vacuum: km per ms, one way.
pub const FIBRE_KM_PER_MS: f64 = 299.792_458 * 2.0 / 3.0;

/// l_ij: the round-trip times between regions, in ms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delays {
    regions: usize,
    rtt_ms: Vec<f64>,
}

impl Delays {
    /// From rows, one for each region that serves, each with one entry for each region served. l_jj, within a region, is on
    /// the diagonal; infinite is no way at all. `None` when a row is longer or shorter than there are rows.
    #[must_use]
    pub fn from_rows(rows: &[Vec<f64>]) -> Option<Self> {
        let is_square = rows.iter().all(|row| row.len() == rows.len());
        is_square.then(|| Self { regions: rows.len(), rtt_ms: rows.concat() })
    }

    /// From places and l_jj: l_ij = l_jj + 2 × great circle × `route_factor` / [`FIBRE_KM_PER_MS`]. The viewers' side brings
    /// the delay within its region along; the servers' side stands where its region meets the others.
    #[must_use]
    pub fn from_coordinates(regions: &[(Coordinates, f64)], route_factor: f64) -> Self {
        let row = |from: Coordinates| {
            let entry = move |&(to, intra_ms): &(Coordinates, f64)| {
                rtt_ms(from.distance_km(to), intra_ms, route_factor)
            };
            regions.iter().map(entry)
        };
        let rtt_ms = regions.iter().flat_map(|&(from, _)| row(from)).collect();
        Self { regions: regions.len(), rtt_ms }
    }

    /// How many regions there are.
    #[must_use]
    pub fn regions(&self) -> usize {
        self.regions
    }

    /// l_ij from servers in region `from` to viewers in region `to`; infinite outside the matrix.
    #[must_use]
    pub fn rtt_ms(&self, from: usize, to: usize) -> f64 {
        let is_inside = from < self.regions && to < self.regions;
        let entry = is_inside.then(|| self.rtt_ms.get(from * self.regions + to)).flatten();
        entry.copied().unwrap_or(f64::INFINITY)
    }

    /// The part of it that belongs to the first `regions` regions.
    #[must_use]
    pub fn first(&self, regions: usize) -> Self {
        let regions = regions.min(self.regions);
        let rows = self.rtt_ms.chunks(self.regions.max(1)).take(regions);
        Self { regions, rtt_ms: rows.flat_map(|row| row.iter().take(regions)).copied().collect() }
    }
}

/// The round-trip time over `distance_km` of great circle, when cables are `route_factor` times as long.
pub(crate) fn rtt_ms(distance_km: f64, intra_ms: f64, route_factor: f64) -> f64 {
    intra_ms + 2.0 * distance_km * route_factor / FIBRE_KM_PER_MS
}

/// (9): L_ij = k1 l_ij + k2 l_jj, and no service beyond a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelayModel {
    /// Of the round trip between server and viewer.
    pub k1: f64,
    /// Of the round trip within the viewer's region.
    pub k2: f64,
    /// L_thr, in ms; infinite when nothing limits it.
    pub threshold_ms: f64,
}

impl Default for DelayModel {
    /// The paper's simplification (11) with k = 1.
    fn default() -> Self {
        Self { k1: 1.0, k2: 0.0, threshold_ms: f64::INFINITY }
    }
}

impl DelayModel {
    /// L_ij in ms, or infinite beyond the threshold.
    #[must_use]
    pub fn delay_ms(&self, rtt_ms: f64, intra_ms: f64) -> f64 {
        // 0 × ∞ has no value, and a term that does not count is none.
        let term = |weight: f64, ms: f64| if weight == 0.0 { 0.0 } else { weight * ms };
        let delay_ms = term(self.k1, rtt_ms) + term(self.k2, intra_ms);
        if rtt_ms.is_finite() && delay_ms <= self.threshold_ms { delay_ms } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_kilometres_are_a_millisecond_there_and_back() {
        assert!((rtt_ms(100.0, 20.0, 1.0) - 21.0).abs() < 1e-2);
        assert!((rtt_ms(100.0, 20.0, 2.0) - 22.0).abs() < 2e-2);
        assert_eq!(rtt_ms(0.0, 20.0, 2.0), 20.0);
    }

    #[test]
    fn the_viewers_side_brings_its_delay_along() {
        let place = |longitude_deg| Coordinates { latitude_deg: 0.0, longitude_deg };
        let delays = Delays::from_coordinates(&[(place(0.0), 10.0), (place(1.0), 30.0)], 1.0);
        assert_eq!(delays.rtt_ms(0, 0), 10.0);
        assert_eq!(delays.rtt_ms(1, 1), 30.0);
        assert!((delays.rtt_ms(0, 1) - delays.rtt_ms(1, 0) - 20.0).abs() < 1e-9);
        assert_eq!(delays.first(1), Delays::from_rows(&[vec![10.0]]).unwrap());
        assert_eq!(delays.rtt_ms(0, 2), f64::INFINITY);
        assert_eq!(delays.rtt_ms(2, 0), f64::INFINITY);
    }

    #[test]
    fn a_matrix_is_square() {
        assert!(Delays::from_rows(&[vec![1.0, 2.0], vec![3.0]]).is_none());
        assert!(Delays::from_rows(&[vec![1.0, 2.0]]).is_none());
    }

    #[test]
    fn beyond_the_threshold_there_is_no_service() {
        let model = DelayModel { k1: 2.0, k2: 0.5, threshold_ms: 100.0 };
        assert_eq!(model.delay_ms(45.0, 20.0), 100.0);
        assert_eq!(model.delay_ms(46.0, 20.0), f64::INFINITY);
        assert_eq!(DelayModel::default().delay_ms(45.0, 20.0), 45.0);
        let own_only = DelayModel { k1: 0.0, k2: 1.0, ..DelayModel::default() };
        assert_eq!(own_only.delay_ms(45.0, 20.0), 20.0);
        assert_eq!(own_only.delay_ms(f64::INFINITY, 20.0), f64::INFINITY);
    }
}
