use thiserror::Error;

/// An uncapacitated facility location problem: sites to open, customers to serve from the cheapest open site.
///
/// All costs are in one unit of the caller's choice. Whatever opening and serving cost, capacities there are none.
#[derive(Clone, Debug, PartialEq)]
pub struct Facilities {
    opening_cost: Vec<f64>,
    service_cost: Vec<f64>,
    customers: usize,
    is_required: Vec<bool>,
    open_min: usize,
    open_max: usize,
}

/// Why numbers are not a facility location problem.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum FacilitiesError {
    /// The service costs are not a whole number of rows of one cost per site.
    #[error("{costs} service costs are no whole number of rows for {sites} sites")]
    Ragged {
        /// Service costs given.
        costs: usize,
        /// Sites given.
        sites: usize,
    },
    /// Opening a site costs less than 0, or NaN.
    #[error("site {site}: opening it costs {cost}, which is no cost")]
    OpeningCost {
        /// The site.
        site: usize,
        /// What was given.
        cost: f64,
    },
    /// Serving a customer costs less than 0, or NaN.
    #[error("customer {customer}, site {site}: service costs {cost}, which is no cost")]
    ServiceCost {
        /// The customer.
        customer: usize,
        /// The site.
        site: usize,
        /// What was given.
        cost: f64,
    },
    /// The costs are so large that their sum is not a number, or there are 2^32 of them.
    #[error("too many costs, or too large ones, to be added up")]
    TooLarge,
    /// No such site.
    #[error("there is no site {site}")]
    NoSite {
        /// What was given.
        site: usize,
    },
}

impl Facilities {
    /// Sites that cost `opening_cost` each, and customers that cost `service_cost[customer * sites + site]`.
    ///
    /// An infinite opening cost forbids a site, an infinite service cost says that the site may not serve the customer.
    ///
    /// # Errors
    /// Negative numbers, NaN, a last row that is not full, sums beyond `f64`.
    pub fn new(opening_cost: Vec<f64>, service_cost: Vec<f64>) -> Result<Self, FacilitiesError> {
        let sites = opening_cost.len();
        let ragged = FacilitiesError::Ragged { costs: service_cost.len(), sites };
        let customers = match service_cost.len().checked_rem(sites) {
            Some(0) => service_cost.len() / sites,
            None if service_cost.is_empty() => 0,
            Some(_) | None => return Err(ragged),
        };
        if let Some(site) = opening_cost.iter().position(|cost| !is_cost(*cost)) {
            return Err(FacilitiesError::OpeningCost { site, cost: opening_cost[site] });
        }
        if let Some(at) = service_cost.iter().position(|cost| !is_cost(*cost)) {
            let (customer, site) = (at / sites, at % sites);
            return Err(FacilitiesError::ServiceCost { customer, site, cost: service_cost[at] });
        }
        let finite = opening_cost.iter().chain(&service_cost).filter(|cost| cost.is_finite());
        // The solvers add a few such sums.
        let sum: f64 = finite.sum::<f64>() * 16.0;
        if !sum.is_finite() || u32::try_from(service_cost.len().max(sites)).is_err() {
            return Err(FacilitiesError::TooLarge);
        }
        let is_required = vec![false; sites];
        Ok(Self { opening_cost, service_cost, customers, is_required, open_min: 0, open_max: sites })
    }

    /// Opens `site` whatever it costs: it is there already, or someone wants it.
    ///
    /// # Errors
    /// There is no such site.
    pub fn require(&mut self, site: usize) -> Result<(), FacilitiesError> {
        *self.is_required.get_mut(site).ok_or(FacilitiesError::NoSite { site })? = true;
        Ok(())
    }

    /// Keeps `site` closed. A site both required and forbidden makes the problem unsolvable.
    ///
    /// # Errors
    /// There is no such site.
    pub fn forbid(&mut self, site: usize) -> Result<(), FacilitiesError> {
        *self.opening_cost.get_mut(site).ok_or(FacilitiesError::NoSite { site })? = f64::INFINITY;
        Ok(())
    }

    /// Opens at least `min` and at most `max` sites: the same number twice, with opening costs of 0, makes a p-median
    /// problem.
    pub fn limit_open(&mut self, min: usize, max: usize) {
        (self.open_min, self.open_max) = (min, max);
    }

    /// The least and the greatest number of sites that may be open.
    #[must_use]
    pub fn open_limits(&self) -> (usize, usize) {
        (self.open_min, self.open_max)
    }

    /// What opening the sites marked in `open` costs, and serving everyone from them: infinite if a customer has none,
    /// if a required site is closed, a forbidden one open, or their number not allowed. Sites beyond the end of `open` are closed.
    #[must_use]
    pub fn cost_of(&self, open: &[bool]) -> f64 {
        let is_open = |site: usize| open.get(site).copied().unwrap_or(false);
        let count = open.iter().take(self.sites()).filter(|is_open| **is_open).count();
        if count < self.open_min || count > self.open_max {
            return f64::INFINITY;
        }
        let mut total = 0.0;
        for site in 0..self.sites() {
            match (is_open(site), self.is_required[site]) {
                (true, _) => total += self.opening_cost[site],
                (false, true) => return f64::INFINITY,
                (false, false) => {}
            }
        }
        for customer in 0..self.customers {
            let served = self.row(customer).iter().enumerate().filter(|(site, _)| is_open(*site));
            total += served.fold(f64::INFINITY, |least, (_, cost)| least.min(*cost));
        }
        total
    }

    /// Number of sites.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.opening_cost.len()
    }

    /// Number of customers.
    #[must_use]
    pub fn customers(&self) -> usize {
        self.customers
    }

    /// What opening each site costs; infinite if it is forbidden.
    #[must_use]
    pub fn opening_cost(&self) -> &[f64] {
        &self.opening_cost
    }

    /// Which sites must be open.
    #[must_use]
    pub fn is_required(&self) -> &[bool] {
        &self.is_required
    }

    /// What serving `customer` costs from each site; empty if there is no such customer.
    #[must_use]
    pub fn row(&self, customer: usize) -> &[f64] {
        let sites = self.sites();
        self.service_cost.get(customer * sites..(customer + 1) * sites).unwrap_or_default()
    }
}

fn is_cost(cost: f64) -> bool {
    cost >= 0.0
}
