use core::fmt;

use serde::{Deserialize, Serialize};

/// What a plan minimises. Each is in normalised units; `super::Normal` says what those are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "name")]
pub enum Objective {
    /// (12): Σ d_j c_i (1−ρ_j) (d_j L_ij)^p. The delay stands in ms, so a plan does not depend on its unit, but the value does.
    ///
    /// An opening cost counts like traffic of the same price at the best delay there is: times Σ_j d_j (d_j min_i L_ij)^p.
    /// With p = 0 that is 1, and this is MPCM.
    Mtcm {
        /// p: how much delay counts; 0 or more.
        exponent: f64,
    },
    /// (7): f_pc, the placement cost alone; opening costs count in full.
    Mpcm,
    /// (10): f_cc in ms, the delay alone. Opening costs do not count, as in the k-median it stands for: limit the number of sites.
    Mccm,
    /// The weighted sum of f_pc, opening costs in it, and f_cc in delay units (`Problem::delay_unit_ms`).
    Ltcm {
        /// Of f_pc.
        placement_weight: f64,
        /// Of f_cc.
        connection_weight: f64,
    },
}

impl Objective {
    /// MTCM with the paper's p = 0.5.
    pub const MTCM: Self = Self::Mtcm { exponent: 0.5 };
    /// LTCM with the paper's weights, 0.7 and 0.3.
    pub const LTCM: Self = Self::Ltcm { placement_weight: 0.7, connection_weight: 0.3 };
    /// The four models that the paper compares.
    pub const PAPER: [Self; 4] = [Self::MTCM, Self::Mpcm, Self::Mccm, Self::LTCM];

    /// The paper's name of the model, without its numbers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mtcm { .. } => "MTCM",
            Self::Mpcm => "MPCM",
            Self::Mccm => "MCCM",
            Self::Ltcm { .. } => "LTCM",
        }
    }
}

impl Default for Objective {
    fn default() -> Self {
        Self::MTCM
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mtcm { exponent } => write!(f, "MTCM (p = {exponent})"),
            Self::Mpcm | Self::Mccm => f.write_str(self.name()),
            Self::Ltcm { placement_weight, connection_weight } => {
                write!(f, "LTCM ({placement_weight} cost + {connection_weight} delay)")
            }
        }
    }
}
