/// Why a problem has no plan, or is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProblemError {
    /// A value is out of its bounds, or two values contradict each other.
    #[error("{field}: {problem}: {advice}")]
    Invalid {
        /// The field with its tables, as in a problem file: `regions[0].rho`.
        field: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// No site may serve a region, or every one is too far.
    #[error("{field}: no usable site reaches region {region} in state {state}: {why}")]
    Unreachable {
        /// The region's field: `regions[0]`.
        field: String,
        /// Its name.
        region: String,
        /// The state's name.
        state: String,
        /// How far the nearest site is and what keeps it away.
        why: String,
    },
    /// The budget, or all sites together, are smaller than what is asked of them.
    #[error("{field}: {available_bps:.0} bit/s are {:.0} bit/s short of the {demand_bps:.0} bit/s that state {state} asks of servers",
        demand_bps - available_bps)]
    Short {
        /// What is too small: `limits.budget-bps`, `sites`.
        field: String,
        /// The state's name.
        state: String,
        /// What there is.
        available_bps: f64,
        /// What is needed.
        demand_bps: f64,
    },
}

impl ProblemError {
    /// The field that is to be changed, with its tables, as in a problem file.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Invalid { field, .. } | Self::Unreachable { field, .. } | Self::Short { field, .. } => {
                field
            }
        }
    }

    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>, advice: &str) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into(), advice: advice.to_owned() }
    }
}
