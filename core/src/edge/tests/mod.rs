//! The edge alone, driven by hand-made clients in virtual time.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks the one variant it looks for")]

pub(crate) mod harness;

mod admission;
mod bursts;
mod consistency;
mod feeds;
mod handing;
mod introductions;
mod line;
mod liveness;
mod minutes;
mod promotions;
mod properties;
mod queues;
mod reports;
mod sharing;
mod sizes;
mod slots;
mod steering;
mod stun;
mod supply;
mod tracker;
mod viewer;
mod views;
