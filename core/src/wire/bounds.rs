//! How long each control message can get, and which decoded ones no correct sender produces.
//!
//! A capacity is a sum with a reason per term: a variant's tag, then the fields in order.

use crate::limits::{
    ACK_RUNS_MAX, ALTERNATIVES_MAX, CANDIDATES_MAX, CHANNEL_NAME_LEN_MAX, DATAGRAM_LEN_MAX, INIT_LEN_MAX,
    LEVELS_MAX, MAP_LEN_MAX, MEETING_ADDRESSES_MAX, PULL_ITEMS_MAX, SUBSTREAMS_MAX, SUCCESSORS_MAX,
    TICKET_LEN_MAX, UNMET_MAX,
};
use crate::media::FrameInfo;
use crate::wire::control::{Accept, Candidate, ClientId, Hello, LinkId, Meet, Message, Subscribe, Welcome};
use crate::wire::header::CONTROL_HEADER_LEN;
use crate::wire::report::STALL_BUCKETS;
use crate::wire::stream::StreamMessage;

/// Tag of a variant (all have fewer than 128), a `bool`, a `u8`.
const BYTE: usize = 1;
/// Postcard's longest `u16`, also a length up to 16,383.
const U16: usize = 3;
/// Postcard's longest `u32`.
const U32: usize = 5;
/// Postcard's longest `u64`.
const U64: usize = 10;
/// Tag, 16 bytes of IPv6, port.
const ADDRESS: usize = BYTE + 16 + U16;
/// Longest `ChannelSettings`.
const SETTINGS: usize = U32 + U32 + BYTE + BYTE + U16 + U32 + U16 + BYTE + U16 + BYTE;
/// Longest `Candidate`.
const CANDIDATE: usize = U32 + ADDRESS + BYTE + BYTE + U16 + BYTE;
/// Longest `WatchStats`: six totals of 32 bits, five of 64.
const WATCH_STATS: usize = 6 * U32 + 5 * U64;

/// Longest `Hello`.
pub const HELLO_LEN_MAX: usize =
    BYTE + U64 + U32 + (BYTE + CHANNEL_NAME_LEN_MAX) + (BYTE + 16) + U32 + (2 + TICKET_LEN_MAX);
/// Longest `Challenge`.
pub const CHALLENGE_LEN_MAX: usize = BYTE + U64 + 16;
/// Longest `Welcome`: with the longest `init` and eight IPv6 candidates.
pub const WELCOME_LEN_MAX: usize = BYTE
    + U64
    + U32
    + U32
    + U16
    + BYTE
    + U32
    + U32
    + (BYTE + U32)
    + SETTINGS
    + ADDRESS
    + (2 + INIT_LEN_MAX)
    + (BYTE + CANDIDATES_MAX * CANDIDATE);
/// Longest `Refused`.
pub const REFUSED_LEN_MAX: usize = BYTE + U64 + BYTE + U32 + (BYTE + ALTERNATIVES_MAX * ADDRESS);
/// Longest `Meet` and `Met`.
pub const MEET_LEN_MAX: usize = BYTE + U32 + U32 + U16;
/// Longest `Ping` and `Pong`.
pub const PING_LEN_MAX: usize = BYTE + U32;
/// Longest `Ack`.
pub const ACK_LEN_MAX: usize = BYTE + U32 + U32 + U32 + (BYTE + ACK_RUNS_MAX);
/// Longest `Subscribe`.
pub const SUBSCRIBE_LEN_MAX: usize = BYTE + BYTE + U32 + BYTE;
/// Longest `Accept`.
pub const ACCEPT_LEN_MAX: usize = BYTE + BYTE + U32 + BYTE + BYTE;
/// Longest `Refuse`.
pub const REFUSE_LEN_MAX: usize = BYTE + BYTE + BYTE;
/// Longest `Release`.
pub const RELEASE_LEN_MAX: usize = BYTE + BYTE + U32;
/// Longest `BufferMap`.
pub const BUFFER_MAP_LEN_MAX: usize = BYTE + U32 + U32 + (2 + MAP_LEN_MAX);
/// Longest `Pull`.
pub const PULL_LEN_MAX: usize = BYTE + (BYTE + PULL_ITEMS_MAX * (U32 + U16 + U64)) + BYTE;
/// Longest `Missing`.
pub const MISSING_LEN_MAX: usize = BYTE + U32;
/// Longest `FindParents`.
pub const FIND_PARENTS_LEN_MAX: usize = BYTE + U16;
/// Longest `Candidates`.
pub const CANDIDATES_LEN_MAX: usize = BYTE + (BYTE + CANDIDATES_MAX * CANDIDATE);
/// Longest `Status`.
pub const STATUS_LEN_MAX: usize =
    BYTE + BYTE + BYTE + U16 + U16 + (BYTE + SUBSTREAMS_MAX * (BYTE + U32)) + WATCH_STATS;
/// Longest `Leave`.
pub const LEAVE_LEN_MAX: usize = BYTE + BYTE;
/// Longest `Reset`.
pub const RESET_LEN_MAX: usize = BYTE + U32;
/// Longest `Introduce`.
pub const INTRODUCE_LEN_MAX: usize = BYTE + U32 + (BYTE + MEETING_ADDRESSES_MAX * ADDRESS);
/// Longest `Reach`.
pub const REACH_LEN_MAX: usize =
    BYTE + (BYTE + BYTE) + (BYTE + ADDRESS) + U32 + U32 + (BYTE + UNMET_MAX * U32);
/// Longest `Seen`.
pub const SEEN_LEN_MAX: usize = BYTE + ADDRESS;
/// Longest `AlsoAt`.
pub const ALSO_AT_LEN_MAX: usize = BYTE + ADDRESS + 16;
/// Longest `JoinRecord`.
const JOIN_RECORD: usize = 4 * U32 + U16;
/// Longest `MinuteReport`: minute and span; class, NAT, kinds, peers; bytes; download; times; stalls; frames and rescues.
const MINUTE_REPORT: usize =
    2 * U32 + (BYTE + 2 * BYTE + BYTE + BYTE) + 8 * U32 + U16 + 2 * U32 + STALL_BUCKETS + 4 * U16;
/// Longest `Report`: with a minute.
pub const REPORT_LEN_MAX: usize =
    BYTE + U64 + U32 + U32 + U16 + ADDRESS + (BYTE + ADDRESS) + (BYTE + MINUTE_REPORT);
/// Longest `ReportAck`.
pub const REPORT_ACK_LEN_MAX: usize = BYTE + U32 + U32;
const _: () = assert!(JOIN_RECORD <= MINUTE_REPORT);
/// Longest `Redirect`.
pub const REDIRECT_LEN_MAX: usize = BYTE + (BYTE + ALTERNATIVES_MAX * ADDRESS);

/// Longest `Starved`.
pub const STARVED_LEN_MAX: usize = BYTE + BYTE + U32;
/// Longest `Successors`.
pub const SUCCESSORS_LEN_MAX: usize = BYTE + (BYTE + SUCCESSORS_MAX * U32);
/// Longest `Skipped`.
pub const SKIPPED_LEN_MAX: usize = BYTE + U32;

/// Longest `Publish`, the longest of the stream messages.
pub const PUBLISH_LEN_MAX: usize = BYTE
    + BYTE
    + (BYTE + CHANNEL_NAME_LEN_MAX)
    + (2 + TICKET_LEN_MAX)
    + (BYTE + U16 + U32)
    + SETTINGS
    + (2 + INIT_LEN_MAX);
/// Longest `Init`.
pub const INIT_MESSAGE_LEN_MAX: usize = BYTE + (2 + INIT_LEN_MAX);
/// Longest `Frame`: tag, id, 33 and 24 bits of time, length, key flag.
pub const FRAME_LEN_MAX: usize = BYTE + U32 + 5 + 4 + U32 + BYTE;

/// Largest presentation offset in 90 kHz ticks: 24 bits.
pub const PTS_OFFSET_TICKS_MAX: u32 = 0x00ff_ffff;

/// Bytes of a control datagram left for messages.
pub const CONTROL_ROOM: usize = DATAGRAM_LEN_MAX - CONTROL_HEADER_LEN;

// The three longest; an acknowledgement still fits beside a welcome.
const _: () = assert!(WELCOME_LEN_MAX + ACK_LEN_MAX <= CONTROL_ROOM);
const _: () = assert!(HELLO_LEN_MAX <= CONTROL_ROOM);
const _: () = assert!(BUFFER_MAP_LEN_MAX <= CONTROL_ROOM);

impl Message<'_> {
    /// The length this message's kind never exceeds, in bytes.
    #[must_use]
    pub const fn len_max(&self) -> usize {
        match self {
            Self::Padding => BYTE,
            Self::Hello(_) => HELLO_LEN_MAX,
            Self::Challenge(_) => CHALLENGE_LEN_MAX,
            Self::Welcome(_) => WELCOME_LEN_MAX,
            Self::Refused(_) => REFUSED_LEN_MAX,
            Self::Meet(_) | Self::Met(_) => MEET_LEN_MAX,
            Self::Ping { .. } | Self::Pong { .. } => PING_LEN_MAX,
            Self::Ack(_) => ACK_LEN_MAX,
            Self::Subscribe(_) => SUBSCRIBE_LEN_MAX,
            Self::Accept(_) => ACCEPT_LEN_MAX,
            Self::Refuse { .. } => REFUSE_LEN_MAX,
            Self::Release { .. } => RELEASE_LEN_MAX,
            Self::BufferMap(_) => BUFFER_MAP_LEN_MAX,
            Self::Pull { .. } => PULL_LEN_MAX,
            Self::Missing { .. } => MISSING_LEN_MAX,
            Self::FindParents { .. } => FIND_PARENTS_LEN_MAX,
            Self::Candidates { .. } => CANDIDATES_LEN_MAX,
            Self::Status(_) => STATUS_LEN_MAX,
            Self::Leave { .. } => LEAVE_LEN_MAX,
            Self::Reset { .. } => RESET_LEN_MAX,
            Self::Introduce(_) => INTRODUCE_LEN_MAX,
            Self::Reach(_) => REACH_LEN_MAX,
            Self::Seen { .. } => SEEN_LEN_MAX,
            Self::AlsoAt { .. } => ALSO_AT_LEN_MAX,
            Self::Report(_) => REPORT_LEN_MAX,
            Self::ReportAck(_) => REPORT_ACK_LEN_MAX,
            Self::Redirect { .. } => REDIRECT_LEN_MAX,
            Self::Starved { .. } => STARVED_LEN_MAX,
            Self::Successors { .. } => SUCCESSORS_LEN_MAX,
            Self::Skipped { .. } => SKIPPED_LEN_MAX,
        }
    }

    /// Whether every field is within the bounds that do not depend on the receiver's state. A decoded message that is not
    /// counts as malformed, so machines need not look again.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Hello(hello) => is_hello_valid(hello),
            Self::Welcome(welcome) => is_welcome_valid(welcome),
            Self::Meet(meet) | Self::Met(meet) => is_meet_valid(meet),
            Self::Ack(ack) => ack.runs.len() <= ACK_RUNS_MAX,
            Self::Subscribe(Subscribe { substream, level, .. })
            | Self::Accept(Accept { substream, level, .. }) => {
                is_substream(*substream) && *level <= LEVELS_MAX
            }
            Self::Refuse { substream, .. }
            | Self::Release { substream, .. }
            | Self::Starved { substream, .. } => is_substream(*substream),
            Self::BufferMap(map) => map.bits.len() <= MAP_LEN_MAX,
            Self::Candidates { list } => are_candidates_valid(list),
            Self::Introduce(introduce) => {
                introduce.client != ClientId::EDGE && !introduce.addresses.is_empty()
            }
            Self::Redirect { alternatives } => !alternatives.is_empty(),
            Self::Successors { clients } => !clients.contains(&ClientId::EDGE),
            Self::Padding
            | Self::Skipped { .. }
            | Self::Challenge(_)
            | Self::Refused(_)
            | Self::Ping { .. }
            | Self::Pong { .. }
            | Self::Pull { .. }
            | Self::Missing { .. }
            | Self::FindParents { .. }
            | Self::Status(_)
            | Self::Leave { .. }
            | Self::Reset { .. }
            | Self::Reach(_)
            | Self::Seen { .. }
            | Self::AlsoAt { .. }
            | Self::Report(_)
            | Self::ReportAck(_) => true,
        }
    }
}

impl StreamMessage<'_> {
    /// Whether a receiver may take it as it is. What a publisher announces is the service node's to judge: it answers.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Frame(info) => is_frame_valid(info),
            Self::Init { bytes } => bytes.len() <= INIT_LEN_MAX,
            Self::Publish(_) | Self::Accepted(_) | Self::Refused(_) | Self::KeepAlive | Self::End => true,
        }
    }
}

fn is_frame_valid(info: &FrameInfo) -> bool {
    info.len > 0 && info.pts_offset_ticks <= PTS_OFFSET_TICKS_MAX
}

fn is_substream(substream: u8) -> bool {
    usize::from(substream) < SUBSTREAMS_MAX
}

/// The characters of the name are the edge's to judge: a name that breaks the rule is one it does not know.
fn is_hello_valid(hello: &Hello<'_>) -> bool {
    hello.link != LinkId::default()
        && hello.channel.len() <= CHANNEL_NAME_LEN_MAX
        && hello.ticket.len() <= TICKET_LEN_MAX
}

fn is_welcome_valid(welcome: &Welcome<'_>) -> bool {
    welcome.link != LinkId::default()
        && welcome.client != ClientId::EDGE
        && welcome.start <= welcome.newest
        && welcome.left_from.is_none_or(|left_from| left_from >= welcome.start)
        && welcome.settings.validate().is_ok()
        && welcome.init.len() <= INIT_LEN_MAX
        && are_candidates_valid(&welcome.candidates)
}

fn is_meet_valid(meet: &Meet) -> bool {
    meet.link != LinkId::default() && meet.client != ClientId::EDGE
}

fn are_candidates_valid(list: &[Candidate]) -> bool {
    list.iter().all(|candidate| candidate.client != ClientId::EDGE)
}
