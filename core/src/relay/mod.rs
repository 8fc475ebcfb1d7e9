//! The stream machines between a publisher and a service node: [`Source`] on the publisher's side, [`Intake`] on the node's.
//!
//! Both are sans-IO: connections are the adapter's, which tells what became of them. Frames' bytes never pass through a
//! machine: it writes and reads what stands before them.

mod error;
mod intake;
mod liveness;
mod source;

pub use error::{Blame, StreamError};
pub use intake::{Intake, IntakeEvent};
pub use source::{NewFrame, PushError, Source, SourceConfig, SourceEvent};

#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod tests;
