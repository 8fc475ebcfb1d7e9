//! What a set-top box is told at the factory or by its operator, as a small blob in flash.
//!
//! [`Settings`] is what it says, [`blob`] how that lies in memory, [`names`] the texts that only exist when they are valid.
#![no_std]

pub mod blob;
pub mod names;
pub mod settings;

#[cfg(test)]
extern crate std;

pub use blob::{BLOB_LEN_MAX, ParseError, WriteError};
pub use names::{ChannelName, HostName, InvalidName};
pub use settings::{
    Edge, EdgeHost, InvalidSettings, Network, Settings, StaticNetwork, TICKET_LEN_MAX, Ticket,
};
