use super::channel::Audience;
use super::problem::{DemandRule, Problem};

/// One channel's viewers in one region: what a solver assigns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Customer {
    /// Index of the channel.
    pub channel: usize,
    /// Index of the region.
    pub region: usize,
    /// Viewers in the normal state, over 0.
    pub viewers: f64,
}

impl Problem {
    /// Everybody who is to be served, channel by channel; where nobody watches there is no customer.
    #[must_use]
    pub fn customers(&self) -> Vec<Customer> {
        let mut customers = Vec::with_capacity(self.channels.len() * self.regions.len());
        for (channel, of) in self.channels.iter().enumerate() {
            for (region, at) in self.regions.iter().enumerate() {
                let viewers = match &of.audience {
                    Audience::Share(share) => share * at.viewers,
                    Audience::Viewers(viewers) => viewers.get(region).copied().unwrap_or(0.0),
                };
                if viewers > 0.0 {
                    customers.push(Customer { channel, region, viewers });
                }
            }
        }
        customers
    }

    /// A customer's viewers in a state.
    #[must_use]
    pub fn viewers_in(&self, state: usize, customer: &Customer) -> f64 {
        let factor =
            self.scenario_of(state).map_or(1.0, |scenario| scenario.viewers_factor_of(customer.region));
        customer.viewers * factor
    }

    /// ρ of a customer in a state.
    #[must_use]
    pub fn rho_in(&self, state: usize, customer: &Customer) -> f64 {
        let rho = self.regions.get(customer.region).map_or(0.0, |region| region.rho);
        self.scenario_of(state).map_or(rho, |scenario| scenario.rho_of(customer.region, rho))
    }

    /// n_j R: what a customer takes in a state, from servers and peers, in bit/s.
    #[must_use]
    pub fn full_demand_bps(&self, state: usize, customer: &Customer) -> f64 {
        let rate_bps = self.channels.get(customer.channel).map_or(0.0, |channel| channel.rate_bps);
        self.viewers_in(state, customer) * rate_bps
    }

    /// (1−ρ_j) n_j R: what servers send a customer in a state, in bit/s.
    #[must_use]
    pub fn server_demand_bps(&self, state: usize, customer: &Customer) -> f64 {
        (1.0 - self.rho_in(state, customer)) * self.full_demand_bps(state, customer)
    }

    /// What a customer counts against sizes and the budget (14) in a state, in bit/s.
    #[must_use]
    pub fn size_demand_bps(&self, state: usize, customer: &Customer) -> f64 {
        match self.demand_rule {
            DemandRule::Servers => self.server_demand_bps(state, customer),
            DemandRule::Full => self.full_demand_bps(state, customer),
        }
    }
}
