//! What deciding a site has done to the bound so far: pseudo-costs (Bénichou et al. 1971), trusted once they rest on
//! several trials (reliability branching: Achterberg, Koch and Martin 2005).

use super::reach::Decision;

/// Trials of a site after which its mean rises are trusted.
const TRIALS_ENOUGH: u32 = 2;

/// The rises of the bound seen when a site was decided one way.
#[derive(Clone, Copy, Debug, Default)]
struct Rise {
    sum: f64,
    count: u32,
}

impl Rise {
    fn add(&mut self, rise: f64) {
        self.sum += rise;
        self.count += 1;
    }

    fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// The rises seen at all sites.
#[derive(Clone, Debug)]
pub(super) struct Rises {
    /// By site: opened, closed.
    sites: Vec<[Rise; 2]>,
    all: [Rise; 2],
}

impl Rises {
    pub(super) fn new(sites: usize) -> Self {
        Self { sites: vec![[Rise::default(); 2]; sites], all: [Rise::default(); 2] }
    }

    /// Deciding `site` in this way raised the bound by `rise`.
    pub(super) fn add(&mut self, site: usize, decision: Decision, rise: f64) {
        let way = match decision {
            Decision::Open => 0,
            Decision::Closed => 1,
            Decision::Free => return,
        };
        self.sites[site][way].add(rise);
        self.all[way].add(rise);
    }

    /// What opening and closing `site` promises: its own means, or everyone's.
    pub(super) fn expected(&self, site: usize) -> [f64; 2] {
        let mean = |way: usize| self.sites[site][way].mean().or(self.all[way].mean()).unwrap_or(0.0);
        [mean(0), mean(1)]
    }

    pub(super) fn is_known(&self, site: usize) -> bool {
        self.sites[site].iter().all(|rise| rise.count >= TRIALS_ENOUGH)
    }
}
