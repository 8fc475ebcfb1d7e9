//! What is simulated: TOML files, read into plain structs and checked.
//!
//! Every table and field has a default, the setting of the paper's baseline, so that a file tells only what it is about.
//! Shares are fractions of 1; every `at_s` counts from the end of the warm-up.

mod channel;
mod edges;
mod error;
mod faults;
mod file;
mod hosts;
mod network;
mod population;
mod validate;

pub use channel::{ChannelSpec, FrameSizes, MappingName, OverlayName};
pub use edges::EdgeSpec;
pub use error::ScenarioError;
pub use faults::{FaultSpec, HostSet};
pub use file::{RunSpec, Scenario};
pub use hosts::{HostSpec, NatKind, NatSpec, UplinkRange};
pub use network::{BurstLossSpec, IspSpec, NetworkSpec, RegionSpec};
pub use population::{FlashSpec, PopulationSpec, SweepSpec};
