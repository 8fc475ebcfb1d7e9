//! Every kind of instance, exactly: opening costs, sizes, a budget, numbers of sites, several states, whole customers or
//! shares, and the loss of any one site.
//!
//! The search branches on which sites are open (`tree`). Its bound lets customers pay prices to be served (`relaxation`),
//! which the volume algorithm raises (`ascent`); each site then solves a `knapsack`. An open set is judged by a
//! transportation problem for each state (`transport`, rounded by `assign` for whole customers), and by linear programs
//! where a budget ties the states together (`sizes`). What is learnt from sets that fail is kept as `cut`s: a loss that
//! is not survived names, by max-flow and min-cut, customers and the sites too small for them.
//!
//! Whole customers are whole in every state of the instance; only the loss of a site may split them.

mod ascent;
mod assign;
mod cut;
mod finish;
mod incumbent;
mod infeasible;
mod knapsack;
mod plan;
mod problem;
mod relaxation;
mod sizes;
mod solver;
mod transport;
mod tree;

pub use infeasible::Infeasible;
#[cfg(feature = "highs")]
pub(crate) use problem::refuse_malformed;
pub use solver::solve;

#[cfg(test)]
mod tests;
