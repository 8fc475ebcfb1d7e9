//! Where edges should stand: MTCM (Yuan et al., "Server Placement for Peer-to-Peer Live Streaming Systems") and its
//! rivals, solved with proof.
//!
//! [`solve`] sees numbers only: sites that may be opened, customers to be served, what both cost.

pub mod solve;
