//! Messages between a publisher and a service node over TCP.
//!
//! Each is a `u16` length (little endian) and that many bytes of postcard; a frame's bytes follow its message as they are.

use serde::{Deserialize, Serialize};

use crate::media::{ChannelSettings, FrameId, FrameInfo};

/// A message on a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamMessage<'a> {
    /// Publisher: I have this channel.
    #[serde(borrow)]
    Publish(Publish<'a>),
    /// Service node: go on from here.
    Accepted(Resume),
    /// Service node: no.
    Refused(StreamRefusal),
    /// Publisher: what a decoder needs before any frame has changed.
    Init {
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Publisher: a frame; `info.len` bytes follow.
    Frame(FrameInfo),
    /// Either: still here.
    KeepAlive,
    /// Publisher: the channel is over.
    End,
}

/// Announces a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish<'a> {
    /// Version of these messages: 0.
    pub version: u8,
    /// The channel's name.
    pub channel: &'a str,
    /// Permission to publish; empty where none is asked for.
    pub ticket: &'a [u8],
    /// Where the publisher was when it lost its last connection.
    pub resume: Option<Resume>,
    /// The channel.
    pub settings: ChannelSettings,
    /// What a decoder needs before any frame.
    pub init: &'a [u8],
}

/// Where a channel goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Run of the channel.
    pub epoch: u16,
    /// Id of the next frame.
    pub next: FrameId,
}

/// Why a service node does not take a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StreamRefusal {
    /// Another publisher has it.
    ChannelTaken,
    /// No room for one more channel.
    Full,
    /// The name, the settings or the init bytes are not valid.
    Invalid,
    /// A version the service node does not speak.
    Version,
    /// The ticket is missing or wrong.
    Ticket,
}
