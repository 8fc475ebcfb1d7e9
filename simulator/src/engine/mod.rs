//! Virtual time: what happens next.

mod hash;
mod queue;

pub(crate) use hash::EventHash;
pub(crate) use queue::Queue;
