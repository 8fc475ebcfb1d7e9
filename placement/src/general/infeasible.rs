/// Why there is no plan, as far as that is cheaply known.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Infeasible {
    /// The instance itself: what of it.
    #[error("the instance is not well formed: {0}")]
    Malformed(&'static str),
    /// No site may serve the customer in the state, or only one that may be lost, or none is large enough for all of it.
    #[error("no site, or only one that may be lost, can serve customer {customer} in state {state}")]
    Unreachable {
        /// Index of the state.
        state: usize,
        /// Index of the customer.
        customer: usize,
    },
    /// The budget is below a state's demand.
    #[error("the budget is {shortfall_bps} bit/s below the demand of state {state}")]
    BudgetBelowDemand {
        /// Index of the state.
        state: usize,
        /// By how much, in bit/s.
        shortfall_bps: f64,
    },
    /// All sites together, but for one that may be lost, are below a state's demand.
    #[error("all sites together are {shortfall_bps} bit/s below the demand of state {state}")]
    SizesBelowDemand {
        /// Index of the state.
        state: usize,
        /// By how much, in bit/s.
        shortfall_bps: f64,
    },
    /// More sites must be open than may be.
    #[error("{needed} sites are needed, {allowed} are allowed")]
    MoreSitesNeeded {
        /// How many at least.
        needed: usize,
        /// How many at most.
        allowed: usize,
    },
    /// Every choice was ruled out.
    #[error("no choice of sites meets all limits")]
    NoChoice,
    /// The time was over, or the caller broke off, before any plan was found; there may be one.
    #[error("stopped before any plan was found")]
    Stopped,
}
