use crate::solve::Standing;

/// Where servers may stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Unlike any other site's; by default that of its region.
    pub name: String,
    /// Index of the region it stands in: its delays are those of that region.
    pub region: usize,
    /// C_i: currency per Mbit/s and month.
    pub cost_per_mbps_month: f64,
    /// Sites of one class cost what the dearest of them does once normalised (5); without a class a site stands alone.
    pub cost_class: Option<String>,
    /// What keeping it open costs whatever it sends, in currency per month; not counted for a site that is built.
    pub opening_cost_per_month: f64,
    /// The largest B_i it can have, in bit/s; infinite when nothing limits it.
    pub size_max_bps: f64,
    /// The smallest B_i that is worth building, in bit/s.
    pub size_min_bps: f64,
    /// Whether it is a choice at all.
    pub standing: Standing,
    /// The provider it stands with; without one, that of its region.
    pub isp: Option<String>,
    /// The country or law it stands under; without one, that of its region.
    pub jurisdiction: Option<String>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: String::new(),
            region: 0,
            cost_per_mbps_month: 1.0,
            cost_class: None,
            opening_cost_per_month: 0.0,
            size_max_bps: f64::INFINITY,
            size_min_bps: 0.0,
            standing: Standing::Free,
            isp: None,
            jurisdiction: None,
        }
    }
}
