use core::time::Duration;

use super::effort::Progress;

/// What the solvers see. A customer is one channel's audience in one region; "cost" is in units of the objective.
///
/// A plan opens sites, gives each a size, and in every state says which share of each customer an open site serves. It
/// minimises the opening costs and the service costs of the states, each with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Each site.
    pub sites: Vec<SiteNumbers>,
    /// What the plan must survive; the first is the normal one. At least one, all with the same number of customers.
    pub states: Vec<State>,
    /// (15): the sizes of all sites together, in bit/s; infinite when nothing limits them.
    pub budget_bps: f64,
    /// Fewest and most sites that may be open, built ones included.
    pub open_min: usize,
    /// See `open_min`; `usize::MAX` when nothing limits them.
    pub open_max: usize,
    /// The paper's (3): a customer is served whole by one site. Otherwise in shares.
    pub is_whole: bool,
    /// The plan must survive the loss of any one open site: those left can, within reach and size, serve everybody in
    /// every state. What service costs then does not count.
    pub must_survive_loss: bool,
}

impl Instance {
    /// These sites in these states, with no limits beside those of the sites, and customers served in shares.
    #[must_use]
    pub const fn unlimited(sites: Vec<SiteNumbers>, states: Vec<State>) -> Self {
        Self {
            sites,
            states,
            budget_bps: f64::INFINITY,
            open_min: 0,
            open_max: usize::MAX,
            is_whole: false,
            must_survive_loss: false,
        }
    }
}

/// A site in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SiteNumbers {
    /// What opening it costs; 0 for one that is built.
    pub opening_cost: f64,
    /// Whether it is a choice at all.
    pub standing: Standing,
    /// The largest size it can have, in bit/s; infinite when nothing limits it.
    pub size_max_bps: f64,
    /// The smallest size that is worth building, in bit/s: an open site takes at least so much of the budget.
    pub size_min_bps: f64,
}

/// Whether a site is a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// May be opened.
    #[default]
    Free,
    /// Stands already, and stays open.
    Built,
    /// May not be used.
    Forbidden,
}

/// One state of the world that the plan must serve: normal, peak, an outage.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// How much its service costs count; 0: it must be possible, whatever it costs.
    pub weight: f64,
    /// What each customer asks of the servers, in bit/s.
    pub demand_bps: Vec<f64>,
    /// What serving all of customer `j` from site `i` costs, at `j * sites + i`; infinite where it may not.
    pub service_cost: Vec<f64>,
    /// The sites that are down in this state, by index.
    pub lost: Vec<usize>,
}

/// The part of a customer that a site serves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Index of the site.
    pub site: usize,
    /// Over 0, at most 1; a customer's shares sum to 1.
    pub share: f64,
}

/// The best plan that a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// Whether each site is open.
    pub is_open: Vec<bool>,
    /// The size each site needs, in bit/s: its largest load over all states and losses, and at least `size_min_bps` when open.
    pub size_bps: Vec<f64>,
    /// Who serves each customer, for each state: `[state][customer]`.
    pub service: Vec<Vec<Vec<Share>>>,
    /// What the plan costs.
    pub objective: f64,
    /// No plan costs less.
    pub bound: f64,
    /// Nodes of the search tree done.
    pub nodes: u64,
    /// Whether the gap is within the effort's goal.
    pub is_proven: bool,
}

impl Solution {
    /// (objective − bound) / |objective|: 0 is proof.
    #[must_use]
    pub fn gap(&self) -> f64 {
        let Self { objective: best, bound, nodes, .. } = *self;
        Progress { bound, best, nodes, elapsed: Duration::ZERO }.gap()
    }
}
