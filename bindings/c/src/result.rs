//! What every function answers.

use core::ffi::{CStr, c_char};

use livesky_core::Reject;

/// What a function answers. 0: done; 1: done, there was nothing; from 16 on: a mistake of the caller, and nothing was done;
/// from 64 on: a datagram was ignored, which is counted and no reason to stop.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveskyResult {
    /// Done.
    Ok = 0,
    /// Nothing to send, to tell or to wait for.
    Nothing = 1,
    /// A pointer is null.
    NullPointer = 16,
    /// A pointer is not aligned to what it leads to.
    Misaligned = 17,
    /// A length is longer than any memory.
    InvalidLength = 18,
    /// A pointer leads into the client's own memory.
    Overlap = 19,
    /// This is no client, or it was destroyed.
    InvalidClient = 20,
    /// `*client` is not null: destroy that client first, or set the pointer to NULL before it is used.
    AlreadyCreated = 21,
    /// The memory is smaller than livesky_client_size says.
    MemoryTooSmall = 22,
    /// The buffer is smaller than what goes there.
    BufferTooSmall = 23,
    /// The header's LIVESKY_ABI_VERSION is not the library's, or livesky_config_init was not called.
    AbiMismatch = 24,
    /// peers_max is not in 1 to LIVESKY_PEERS_MAX.
    InvalidPeersMax = 25,
    /// frames_max is 0, or too large for this computer.
    InvalidFramesMax = 26,
    /// store_bytes_max holds no fragment, or is too large for this computer.
    InvalidStoreBytesMax = 27,
    /// seed is 0: fill it with random bits.
    InvalidSeed = 28,
    /// A flag is neither 0 nor 1.
    InvalidFlag = 29,
    /// An address is of no known family, or has no port.
    InvalidAddress = 30,
    /// A channel's name is 1 to 32 characters of a-z A-Z 0-9 . _ - and does not begin with a dot.
    InvalidChannelName = 31,
    /// A figure of a channel is 0.
    InvalidFigure = 32,
    /// No frame was told, or it made room for others since.
    FrameGone = 33,
    /// Ignored: no datagram of this protocol.
    RejectedMalformed = 64,
    /// Ignored: a version or kind this client does not speak.
    RejectedUnsupported = 65,
    /// Ignored: its proof of origin is missing or wrong.
    RejectedUnauthentic = 66,
    /// Ignored: it was right once.
    RejectedStale = 67,
    /// Ignored: had already.
    RejectedDuplicate = 68,
    /// Ignored: no room, in the frame store or in a table.
    RejectedFull = 69,
    /// Ignored: of no peer known, or not from its address.
    RejectedUnknownPeer = 70,
    /// Ignored: of no channel known.
    RejectedUnknownChannel = 71,
    /// Ignored: right message, wrong moment or sender.
    RejectedUnexpected = 72,
}

impl LiveskyResult {
    const fn text(self) -> &'static CStr {
        match self {
            Self::Ok => c"done",
            Self::Nothing => c"nothing to send, to tell or to wait for",
            Self::NullPointer => c"a pointer is null",
            Self::Misaligned => c"a pointer is not aligned",
            Self::InvalidLength => c"a length is longer than any memory",
            Self::Overlap => c"a pointer leads into the client's own memory",
            Self::InvalidClient => c"this is no client, or it was destroyed",
            Self::AlreadyCreated => c"*client is not NULL: destroy that client first",
            Self::MemoryTooSmall => c"the memory is smaller than livesky_client_size says",
            Self::BufferTooSmall => c"the buffer is too small",
            Self::AbiMismatch => c"the header is not of this library, or livesky_config_init was not called",
            Self::InvalidPeersMax => c"peers_max is not in 1 to 64",
            Self::InvalidFramesMax => c"frames_max is 0 or too large",
            Self::InvalidStoreBytesMax => c"store_bytes_max holds no fragment or is too large",
            Self::InvalidSeed => c"seed is 0: fill it with random bits",
            Self::InvalidFlag => c"a flag is neither 0 nor 1",
            Self::InvalidAddress => c"an address is of no known family or has no port",
            Self::InvalidChannelName => {
                c"a channel's name is 1 to 32 characters of a-z A-Z 0-9 . _ - and does not begin with a dot"
            }
            Self::InvalidFigure => c"a figure of the channel is 0",
            Self::FrameGone => c"no frame was told, or it made room for others since",
            Self::RejectedMalformed => c"datagram ignored: not of this protocol",
            Self::RejectedUnsupported => c"datagram ignored: of a version or kind not spoken here",
            Self::RejectedUnauthentic => c"datagram ignored: its proof of origin is missing or wrong",
            Self::RejectedStale => c"datagram ignored: it was right once",
            Self::RejectedDuplicate => c"datagram ignored: had already",
            Self::RejectedFull => c"datagram ignored: no room",
            Self::RejectedUnknownPeer => c"datagram ignored: of no peer known",
            Self::RejectedUnknownChannel => c"datagram ignored: of no channel known",
            Self::RejectedUnexpected => c"datagram ignored: wrong moment or wrong sender",
        }
    }
}

impl From<Reject> for LiveskyResult {
    fn from(reject: Reject) -> Self {
        match reject {
            Reject::Malformed => Self::RejectedMalformed,
            Reject::Unsupported => Self::RejectedUnsupported,
            Reject::Unauthentic => Self::RejectedUnauthentic,
            Reject::Stale => Self::RejectedStale,
            Reject::Duplicate => Self::RejectedDuplicate,
            Reject::Full => Self::RejectedFull,
            Reject::UnknownPeer => Self::RejectedUnknownPeer,
            Reject::UnknownChannel => Self::RejectedUnknownChannel,
            Reject::Unexpected => Self::RejectedUnexpected,
        }
    }
}

impl From<Result<(), Self>> for LiveskyResult {
    fn from(done: Result<(), Self>) -> Self {
        done.err().unwrap_or(Self::Ok)
    }
}

/// Every result.
const ALL: [LiveskyResult; 29] = [
    LiveskyResult::Ok,
    LiveskyResult::Nothing,
    LiveskyResult::NullPointer,
    LiveskyResult::Misaligned,
    LiveskyResult::InvalidLength,
    LiveskyResult::Overlap,
    LiveskyResult::InvalidClient,
    LiveskyResult::AlreadyCreated,
    LiveskyResult::MemoryTooSmall,
    LiveskyResult::BufferTooSmall,
    LiveskyResult::AbiMismatch,
    LiveskyResult::InvalidPeersMax,
    LiveskyResult::InvalidFramesMax,
    LiveskyResult::InvalidStoreBytesMax,
    LiveskyResult::InvalidSeed,
    LiveskyResult::InvalidFlag,
    LiveskyResult::InvalidAddress,
    LiveskyResult::InvalidChannelName,
    LiveskyResult::InvalidFigure,
    LiveskyResult::FrameGone,
    LiveskyResult::RejectedMalformed,
    LiveskyResult::RejectedUnsupported,
    LiveskyResult::RejectedUnauthentic,
    LiveskyResult::RejectedStale,
    LiveskyResult::RejectedDuplicate,
    LiveskyResult::RejectedFull,
    LiveskyResult::RejectedUnknownPeer,
    LiveskyResult::RejectedUnknownChannel,
    LiveskyResult::RejectedUnexpected,
];

/// A result in words: a string that lives as long as the program. Any number may be asked about.
#[unsafe(no_mangle)]
pub extern "C" fn livesky_result_text(result: i32) -> *const c_char {
    let known = ALL.into_iter().find(|&known| known as i32 == result);
    known.map_or(c"not a result of this library", LiveskyResult::text).as_ptr()
}

#[cfg(test)]
mod tests {
    use core::ffi::CStr;
    use std::collections::BTreeSet;

    use super::*;

    fn text(result: i32) -> &'static str {
        // SAFETY: the function gives strings that live as long as the program.
        unsafe { CStr::from_ptr(livesky_result_text(result)) }.to_str().unwrap()
    }

    #[test]
    fn each_result_has_its_own_number_and_words() {
        let numbers: BTreeSet<_> = ALL.into_iter().map(|result| result as i32).collect();
        let texts: BTreeSet<_> = numbers.iter().map(|&number| text(number)).collect();
        assert_eq!((numbers.len(), texts.len()), (ALL.len(), ALL.len()));
        for strange in [-1, 2, 15, 34, 73, i32::MIN, i32::MAX] {
            assert_eq!(text(strange), "not a result of this library");
        }
    }

    #[test]
    fn every_reject_has_a_result_among_those_that_are_no_mistake() {
        for reject in Reject::ALL {
            let result = LiveskyResult::from(reject);
            assert_eq!(result as usize, 64 + reject.index());
            assert!(ALL.contains(&result));
        }
    }
}
