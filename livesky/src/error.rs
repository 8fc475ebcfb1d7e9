//! Why publishing, watching or the demo end before their time: what, where, and what to do, in one line.

use core::net::SocketAddr;
use std::io;
use std::path::PathBuf;

use livesky_core::limits::INIT_LEN_MAX;

use crate::failure::Failure;
use crate::media::cut::CutError;

/// A command's failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input cannot be opened or read.
    #[error("cannot read {input}: {source}")]
    Read {
        /// As written on the command line.
        input: String,
        /// Why.
        source: io::Error,
    },
    /// Nobody can listen there.
    #[error("{0}")]
    Listen(Failure),
    /// The bytes cannot be cut into frames.
    #[error("cannot publish {input}: {source}")]
    Cut {
        /// As written on the command line.
        input: String,
        /// Why.
        source: CutError,
    },
    /// The last packet is cut off.
    #[error(
        "{input} is cut off: its last MPEG-TS packet has {rest} of 188 bytes; mend it (ffmpeg -i INPUT -c copy -f mpegts OUTPUT.ts), or pipe it in and let the rest go: livesky publish - < FILE"
    )]
    Truncated {
        /// As written on the command line.
        input: String,
        /// Bytes after the last whole packet.
        rest: u64,
    },
    /// `--loop` of what has no beginning to go back to.
    #[error("--loop is for files: {input} cannot be started over")]
    CannotLoop {
        /// As written on the command line.
        input: String,
    },
    /// The settings make no channel.
    #[error("these settings make no channel: {0}")]
    Settings(&'static str),
    /// What a decoder needs before any frame does not go into one message.
    #[error(
        "cannot publish {input}: its PAT and PMT take more than {INIT_LEN_MAX} bytes; keep fewer streams (ffmpeg -i INPUT -map 0:v:0 -map 0:a:0 -c copy -f mpegts OUTPUT.ts), or publish it with --raw"
    )]
    TablesTooLong {
        /// As written on the command line.
        input: String,
    },
    /// The edge does not take the channel.
    #[error("{node} refuses the channel {channel}: {reason}")]
    ChannelRefused {
        /// Where.
        node: SocketAddr,
        /// Which.
        channel: String,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// No connection came about.
    #[error("no edge takes publishers at {node} (TCP): is `livesky edge` running there, and the port open?")]
    NoNode {
        /// Where.
        node: SocketAddr,
    },
    /// No answer to any hello.
    #[error("no edge answers at {edge} (UDP): is `livesky edge` running there, and the port open?")]
    NoEdge {
        /// Where.
        edge: SocketAddr,
    },
    /// The same, nor is there a stream by HTTP.
    #[error(
        "no edge answers at {edge} (UDP): is `livesky edge` running there, and the port open? Nor does the stream come by HTTP: {stream}: {source}"
    )]
    NoEdgeNorHttp {
        /// Where.
        edge: SocketAddr,
        /// The stream's address.
        stream: String,
        /// Why it does not come.
        source: io::Error,
    },
    /// The edge was there, and is no more.
    #[error("the edge at {edge} has not been heard for {silent_s} s")]
    EdgeLost {
        /// Where.
        edge: SocketAddr,
        /// For how long.
        silent_s: u64,
    },
    /// The edge refuses for good.
    #[error("the edge at {edge} refuses: {reason}")]
    Refused {
        /// Where.
        edge: SocketAddr,
        /// Why, and what to do.
        reason: String,
    },
    /// What is received cannot be written.
    #[error("cannot write {output}: {source}")]
    Write {
        /// As written on the command line.
        output: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system does not give what is needed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Listen(failure)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.to_string())
    }
}
