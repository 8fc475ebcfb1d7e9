//! Bounds the protocol sets, each with its reason. Capacities a deployment sets are slices the caller lends.

/// Largest datagram in bytes: passes every path of 1,280 bytes (IPv6's minimum, RFC 8200 clause 5) with room for tunnels.
pub const DATAGRAM_LEN_MAX: usize = 1_200;
/// Payload bytes of a fragment unless the channel says otherwise: 6 MPEG-TS packets of 188 bytes.
pub const FRAGMENT_LEN: u16 = 1_128;
/// Fewest payload bytes of a fragment a channel may set: 1 MPEG-TS packet.
pub const FRAGMENT_LEN_MIN: u16 = 188;
/// Most fragments of a frame: a frame of 1.15 MB, a key frame of a 20 Mbit/s stream with room to spare.
pub const FRAGMENTS_MAX: u16 = 1_024;
/// Most substreams of a channel. The paper uses 6; a set of substreams is a `u16` bit mask.
pub const SUBSTREAMS_MAX: usize = 16;
/// Deepest level (K0): the level travels in 4 bits of the data header.
pub const LEVELS_MAX: u8 = 15;
/// Candidates in a tracker's answer.
pub const CANDIDATES_MAX: usize = 8;
/// Addresses of other edges in a refusal.
pub const ALTERNATIVES_MAX: usize = 4;
/// Bytes of a channel's name.
pub const CHANNEL_NAME_LEN_MAX: usize = 32;
/// Bytes of a channel's `init` (4 MPEG-TS packets: PAT, PMT and room for long PMTs); fits the welcome.
pub const INIT_LEN_MAX: usize = 752;
/// Items in one pull request.
pub const PULL_ITEMS_MAX: usize = 8;
/// Bytes of a buffer map's bits: 2,048 frames, over 80 s at 25 frames a second.
pub const MAP_LEN_MAX: usize = 256;
/// Run lengths in one acknowledgement: 16 gaps; older packets are left out.
pub const ACK_RUNS_MAX: usize = 32;
/// Bytes of a ticket: a signature, two keys and a page of operator's fields; fits the hello beside a cookie.
pub const TICKET_LEN_MAX: usize = 512;
/// Addresses in an introduction: public, private, IPv6 (docs/wire.md, "Peers").
pub const MEETING_ADDRESSES_MAX: usize = 3;
/// Peers that one that leaves names in its place: as many as a child tries before it had better ask the edge.
pub const SUCCESSORS_MAX: usize = 4;
/// Peers named in a report as not met.
pub const UNMET_MAX: usize = 4;
