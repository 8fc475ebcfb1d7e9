//! What is counted while the world runs, and what it comes to.

mod collector;
mod distribution;
mod minutes;
mod pairs;
mod repairs;
mod summary;
mod traffic;
mod uploads;
mod watch;

pub(crate) use collector::Collector;
pub(crate) use pairs::Pairs;
pub(crate) use repairs::Pending;
pub(crate) use summary::share_of;
pub(crate) use traffic::{Sender, share};
pub(crate) use watch::{Watch, Watching};
