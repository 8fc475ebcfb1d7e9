//! The memory an edge works in.

use crate::link::Link;
use crate::store::{AddressSlot, FrameSlot, WheelSlot};

use super::channel::ChannelSlot;
use super::client_slot::{ClientRecord, ClientSlot};
use super::tracker::Reservation;

/// Slices lent to an edge. The shortest of `clients`, `records` and `links` bounds the clients, at most 65,535; every slice is
/// cleared.
#[derive(Debug)]
pub struct EdgeStorage<'a> {
    /// One for each client.
    pub clients: &'a mut [ClientSlot],
    /// One for each client.
    pub records: &'a mut [ClientRecord],
    /// One for each client.
    pub links: &'a mut [Link],
    /// Clients by address: [`AddressIndex::slots_for`](crate::store::AddressIndex::slots_for) their number.
    pub addresses: &'a mut [AddressSlot],
    /// One for each client and one for each channel.
    pub timers: &'a mut [WheelSlot],
    /// One for each channel, at most [`CHANNELS_MAX`](super::CHANNELS_MAX).
    pub channels: &'a mut [ChannelSlot],
    /// Frames held, divided evenly among the channels: twice the target buffer and 2 s each.
    pub frames: &'a mut [FrameSlot],
    /// Clients with free slots, divided evenly among the channels: one for each client and channel. With fewer some clients are
    /// not offered to others.
    pub suppliers: &'a mut [u32],
    /// Slots promised within the last 2 s, 8 for each join expected in that time.
    pub reservations: &'a mut [Reservation],
}
