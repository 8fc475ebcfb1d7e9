/// A state of the world beside the normal one, that the same sites in the same sizes must serve.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Unlike any other scenario's, and not "normal".
    pub name: String,
    /// How much its service costs count, relative to the others; 0: it must be possible, whatever it costs.
    pub weight: f64,
    /// Viewers of all regions are so many times the normal ones.
    pub viewers_factor: f64,
    /// And those of these regions so many times more, as (region index, factor).
    pub region_viewers_factors: Vec<(usize, f64)>,
    /// ρ of all regions is so many times the normal one.
    pub rho_factor: f64,
    /// ρ of these regions instead, as (region index, ρ).
    pub region_rhos: Vec<(usize, f64)>,
    /// Sites that are down, by index.
    pub lost_sites: Vec<usize>,
}

impl Scenario {
    /// The name of the state that every problem has and no scenario may take.
    pub const NORMAL: &'static str = "normal";

    /// A state that is like the normal one, and counts `weight`.
    #[must_use]
    pub fn named(name: &str, weight: f64) -> Self {
        Self {
            name: name.to_owned(),
            weight,
            viewers_factor: 1.0,
            region_viewers_factors: Vec::new(),
            rho_factor: 1.0,
            region_rhos: Vec::new(),
            lost_sites: Vec::new(),
        }
    }

    /// What region `region`'s viewers are multiplied by.
    #[must_use]
    pub fn viewers_factor_of(&self, region: usize) -> f64 {
        let own = self.region_viewers_factors.iter().filter(|(of, _)| *of == region);
        own.map(|(_, factor)| factor).product::<f64>() * self.viewers_factor
    }

    /// ρ of region `region`, whose normal one is `rho`.
    #[must_use]
    pub fn rho_of(&self, region: usize, rho: f64) -> f64 {
        let own = self.region_rhos.iter().rev().find(|(of, _)| *of == region);
        own.map_or(rho * self.rho_factor, |(_, rho)| *rho)
    }
}
