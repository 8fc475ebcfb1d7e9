//! What is asked: regions and their viewers, sites and what they cost, delays, limits, and what to minimise.
//!
//! Equation numbers are those of Yuan et al., "Server Placement for Peer-to-Peer Live Streaming Systems".

mod channel;
mod customers;
mod delay;
mod error;
mod instance;
mod normal;
mod objective;
mod problem;
mod region;
mod scenario;
mod serving;
mod site;
mod validate;

pub use channel::{Audience, Channel};
pub use customers::Customer;
pub(crate) use delay::rtt_ms;
pub use delay::{DelayModel, Delays, FIBRE_KM_PER_MS};
pub use error::ProblemError;
pub use normal::Normal;
pub(crate) use normal::ratio;
pub use objective::Objective;
pub use problem::{Assignment, DemandRule, Limits, Problem};
pub use region::{Coordinates, Region};
pub use scenario::Scenario;
pub use serving::{Labels, ServingRules};
pub use site::Site;
pub(crate) use validate::check_names;
