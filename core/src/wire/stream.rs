//! Messages between a publisher and a service node over TCP.
//!
//! Each is a `u16` length (little endian) and that many bytes of postcard; a frame's bytes follow its message as they are.

use serde::{Deserialize, Serialize};

use crate::media::{ChannelSettings, FrameId, FrameInfo};

/// Version of the stream messages.
pub const STREAM_VERSION: u8 = 0;

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
    /// Version of these messages, [`STREAM_VERSION`]. It and the variant's tag before it never move.
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

impl Resume {
    /// Where a channel goes on: a service node that holds it knows best, else the publisher does, else it starts anew.
    #[must_use]
    pub fn choose(held: Option<Self>, offered: Option<Self>) -> Self {
        held.or(offered).unwrap_or(Self { epoch: 0, next: FrameId(0) })
    }
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

impl StreamRefusal {
    /// Whether asking again is of no use. A full node may have room later, and a channel taken may be the asker's own, held
    /// by a connection that the node has not found dead yet.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::ChannelTaken | Self::Full => false,
            Self::Invalid | Self::Version | Self::Ticket => true,
        }
    }
}
