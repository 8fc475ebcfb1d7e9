//! Where edges should stand: MTCM (Yuan et al., "Server Placement for Peer-to-Peer Live Streaming Systems") and its
//! rivals, solved with proof.
//!
//! [`model`] is what is asked, [`input`] reads it from files, [`plan`] is what is answered. Between them [`solve`] sees
//! numbers only: sites that may be opened, customers to be served, what both cost. [`facility`] is the part of it without
//! capacities, and needs nothing of the rest, [`general`] solves all of it. [`claims`] holds the paper's figures
//! against what the paper says of them. [`report`] is what people see of it.

pub mod claims;
pub mod facility;
pub mod general;
pub mod input;
pub mod model;
pub mod plan;
pub mod report;
pub mod solve;
