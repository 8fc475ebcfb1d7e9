//! Rules that hold in every run: some are looked at with every datagram, some ten times a second.
//!
//! Two more are looked at with every frame played (`world/machine_events.rs`): the playhead never goes back, and a frame's
//! bytes are those that were published.

mod disclosure;
mod leases;
mod overlay;
mod playing;
mod rate;

pub(crate) use disclosure::Known;
pub(crate) use leases::{Leased, Leases, Overdue};
pub(crate) use overlay::{Overlay, Parent, Way};
pub(crate) use playing::{Idle, STUCK_US};
pub(crate) use rate::RateBound;
