//! A viewer that also relays.
//!
//! - [`machine`](Client): the verbs, and where the parts meet; [`session`](Client::tune): joining and leaving.
//! - `meeting`, `peers`, `peer`: coming to know other clients, keeping and losing them; slot 0 is the edge, one more possible parent
//!   of each substream. `discovery`: what a NAT on the way does.
//! - `redirect`: going to another edge, because this one is full or hands its clients over.
//! - `handover`, [`feed`], [`select`]: who feeds each substream, and changing over by a cut. `suspicion`, `lag`, `starved`: feeders
//!   that fall silent or behind, or are not to blame for it; `succession`: those that take leave.
//! - `data`: fragments that arrive; `pull`, [`holes`]: those that do not; `maps`: who has what.
//! - `serve`: feeding children over the uplink; `control`: datagrams built from what peers are owed.
//! - `reports`, `minute`: what the edge is told of it all, once a minute.
//! - `play`: frames that are due; [`events`](ClientEvent), `stats`, `view`: what the owner sees.

mod catch_up;
mod config;
mod control;
mod data;
mod discovery;
mod events;
pub mod feed;
mod handover;
pub mod holes;
mod lag;
mod load;
mod machine;
mod maps;
mod meeting;
mod mesh;
mod minute;
pub mod peer;
mod peers;
mod play;
mod pull;
mod redirect;
mod reports;
pub mod select;
mod serve;
mod session;
mod starved;
mod stats;
mod succession;
mod suspicion;
mod uplink;
mod view;

#[cfg(test)]
mod tests;

pub use config::{ClientConfig, ClientStorage};
pub use events::{ClientEvent, FrameDue};
pub use machine::Client;
pub use peer::Peer;
pub use reports::ReportsView;
pub use stats::{BytesByReason, CandidateRefusals, ClientStats};
pub use view::{ClientView, PeerView};
