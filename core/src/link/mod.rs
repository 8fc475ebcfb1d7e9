//! One peer: which data packets arrived, what they tell of round trip and loss, and how fast to send.
//!
//! [`Link`] joins the four: [`arrivals`](Arrivals) on the receiving side, [`sent`](SentWindow) and [`rtt`](Rtt) on the
//! sending side. [`TokenBucket`] bounds what leaves, [`Ledbat`] finds out how much of it an uplink bears, [`LineRate`]
//! how much the line of an edge.

mod arrivals;
mod delay;
mod ledbat;
mod line;
mod machine;
mod rtt;
mod sent;
mod uplink;

#[cfg(test)]
mod tests;

pub use crate::limits::ACK_RUNS_MAX;
pub use arrivals::Arrivals;
pub use delay::QueueDelay;
pub use ledbat::Ledbat;
pub use line::{LineRate, RateCause};
pub use machine::{Acked, Link};
pub use rtt::Rtt;
pub use sent::SentWindow;
pub use uplink::TokenBucket;
