/// Where viewers are. Its delay to itself, l_jj, stands in [`super::Delays`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    /// Unlike any other region's.
    pub name: String,
    /// Of its main city; for maps, and for delays that are not given.
    pub coordinates: Option<Coordinates>,
    /// n_j: viewers at once, over all channels. The paper calls them peers.
    pub viewers: f64,
    /// ρ_j (6): the share of the stream that peers upload themselves, 0 to below 1.
    pub rho: f64,
    /// The provider that connects its viewers.
    pub isp: Option<String>,
    /// The country or law its viewers live under.
    pub jurisdiction: Option<String>,
}

/// A place on Earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinates {
    /// North is positive, −90 to 90.
    pub latitude_deg: f64,
    /// East is positive, −180 to 180.
    pub longitude_deg: f64,
}

/// Mean radius of the Earth (IUGG).
const EARTH_RADIUS_KM: f64 = 6_371.008_8;

impl Coordinates {
    /// The great-circle distance to `other` in km, by the haversine formula on a sphere.
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let [from, to] = [self.latitude_deg.to_radians(), other.latitude_deg.to_radians()];
        let north = ((to - from) / 2.0).sin();
        let east = ((other.longitude_deg - self.longitude_deg).to_radians() / 2.0).sin();
        let chord = north * north + from.cos() * to.cos() * east * east;
        2.0 * EARTH_RADIUS_KM * chord.sqrt().min(1.0).asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_an_atlas() {
        let beijing = Coordinates { latitude_deg: 39.904, longitude_deg: 116.407 };
        let guangzhou = Coordinates { latitude_deg: 23.129, longitude_deg: 113.264 };
        assert!((beijing.distance_km(guangzhou) - 1_889.0).abs() < 5.0);
        assert_eq!(beijing.distance_km(beijing), 0.0);
        let antipode = Coordinates { latitude_deg: -39.904, longitude_deg: -63.593 };
        assert!((beijing.distance_km(antipode) - 20_015.0).abs() < 1.0);
    }
}
