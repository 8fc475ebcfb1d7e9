//! A solved problem with all its figures, ready for JSON, tables and pages.

mod compare;
mod error;
mod explore;
mod figures;
mod library;
mod losses;
mod made;
mod shape;
#[cfg(test)]
mod tests;
mod ties;

pub use compare::{Difference, Moved, PlanDifference, compare};
pub use error::PlanError;
pub use explore::{Change, FrontPoint, Outcome, RhoPoint, Summary, front, models, rho_effect, sensitivity};
pub use library::{LibraryPlan, LibraryShare, LibrarySite, plan_library};
pub use made::{plan, summary};
pub use shape::{LossFigures, OpenSite, Plan, Served, ServedBySite, StateFigures};
