//! Uncapacitated facility location: which sites to open so that opening them and serving every customer from the
//! cheapest open one costs least. Exact, with proof, and with a bound at any time.
//!
//! In the order of a solution:
//! - `problem`: [`Facilities`], what is asked; `sorted`: the same without sites that cannot matter, sorted for the solvers.
//! - `dual_ascent`: a first bound and a first plan (Erlenkotter 1978).
//! - `neighbourhood`, `local_search`: better plans, by opening, closing and swapping sites (Resende and Werneck 2006).
//! - `reach`, `lagrangian`: the bound of the linear relaxation, by subgradients, and the sites it decides
//!   (Barahona and Chudak 2005; Posta, Ferland and Michelon 2014).
//! - `rises`, `branch`: the rest, by branch and bound on the sites left undecided.
//! - [`solve`]: the above in turn. [`generate`]: instances for tests and benches.

mod branch;
mod dual_ascent;
pub mod generate;
mod lagrangian;
mod local_search;
mod neighbourhood;
mod problem;
mod reach;
mod rises;
mod search;
#[cfg(test)]
mod small;
mod sorted;

pub use problem::{Facilities, FacilitiesError};
pub use search::{Found, solve};
