//! The edge: lets clients in, feeds them, tells them of each other, and rescues them.
//!
//! [`Edge`] is the machine. One frame's way through it: [`Edge::push_frame`] puts it into the index and makes the subscribers of
//! its substream ready (`fanout`); the egress bucket lets one datagram after the other out, the most urgent class first
//! (`egress`); acknowledgements bring back what was lost. A client's way: hello, cookie, stage, welcome (`admission`), leases until
//! its parents feed it (`feeds`), candidates when it asks (`tracker`) who are told of it at once (`introductions`), status once a
//! second (`status`), until it leaves or falls silent (`liveness`), or is sent to another edge because this one goes down (`drain`).
//! A line that gives less than is promised lowers the rate (`line`), and some clients wait (`waiting`). Clients' reports (`reports`) and
//! what the edge counts itself make a figure a minute (`minute`). Anybody is told where it is seen (`stun`).

mod admission;
mod channel;
mod client_slot;
mod config;
mod control;
mod drain;
mod egress;
mod events;
mod fanout;
mod feeds;
mod introductions;
mod line;
mod liveness;
mod machine;
mod minute;
mod pull;
mod replies;
mod reports;
mod sharing;
mod stats;
mod status;
mod steering;
mod storage;
mod stun;
mod supply;
mod tracker;
mod view;
mod waiting;

#[cfg(test)]
pub(crate) mod tests;

pub use crate::link::RateCause;
pub use channel::{CHANNELS_MAX, ChannelId, ChannelSlot, OpenError};
pub use client_slot::{ClientRecord, ClientSlot};
pub use config::{EdgeConfig, EdgeSockets};
pub use events::{EdgeEvent, LeaveCause};
pub use fanout::PushError;
pub use machine::Edge;
pub use minute::{EdgeMinute, ToldMinutes};
pub use stats::EdgeStats;
pub use storage::EdgeStorage;
pub use tracker::Reservation;
pub use view::{ChannelView, ClientView, LineView};
