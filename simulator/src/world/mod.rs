//! The simulated world: who is there, what they say, and when.

mod aftermath;
mod bounds;
mod channel;
mod checks;
mod faults;
mod flights;
mod hosts;
mod legacy;
mod machine_events;
mod machines;
mod memory;
mod outcome;
mod plan;
mod run;
mod sampling;
mod service;
mod stays;
mod viewer;
mod wire;

pub(crate) use flights::Cargo;
pub(crate) use run::run;
