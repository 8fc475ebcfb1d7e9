//! What a client tells of what it saw: a join record, then a report a minute (LiveSky, section 5.1).

use core::net::SocketAddr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::media::ChannelName;
use crate::nat::NatClass;
use crate::wire::control::Class;

/// Names a viewer for as long as its program runs, at whichever edge: two reports of one viewer with the same number are the same report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ViewerId(pub u64);

/// Stands for a channel's name in reports: they may arrive when another channel is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ChannelTag(pub u32);

impl ChannelTag {
    /// The tag of a name: its FNV-1a hash of 32 bits.
    #[must_use]
    pub fn of(name: &ChannelName) -> Self {
        let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        Self(name.as_str().bytes().fold(0x811c_9dc5, mix))
    }
}

/// What a client saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whose.
    pub viewer: ViewerId,
    /// Counts the viewer's reports from 1.
    pub number: u32,
    /// What it watched.
    pub channel: ChannelTag,
    /// Reports it had to throw away so far, all in all: they were not taken in time.
    pub dropped: u16,
    /// Where an edge sees it, when this is sent.
    pub public: SocketAddr,
    /// Its address in its own network, when it knows.
    pub private: Option<SocketAddr>,
    /// What is told.
    pub body: ReportBody,
}

/// What a report tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReportBody {
    /// How the start went.
    Join(JoinRecord),
    /// A minute of watching.
    Minute(MinuteReport),
}

/// How the start went: times in milliseconds since the first hello; 0: not yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct JoinRecord {
    /// The first answer to a hello.
    pub answered_ms: u32,
    /// The first data packet.
    pub data_ms: u32,
    /// The buffer reached the target, or held all there was up to the live edge; looked at whenever a deadline passes.
    pub full_ms: u32,
    /// Playback began.
    pub started_ms: u32,
    /// How often the client was turned away before.
    pub refused: u16,
}

/// Bytes of a minute. Media counts its payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReportBytes {
    /// From the edge, from before the client came.
    pub burst: u32,
    /// Feeds of the edge.
    pub push: u32,
    /// From the edge until a parent is found.
    pub rescue: u32,
    /// Asked of the edge frame by frame.
    pub pull: u32,
    /// From peers, however it was asked for.
    pub peers: u32,
    /// UDP payload bytes sent to peers in datagrams that carry a fragment.
    pub uploaded: u32,
    /// UDP payload bytes of all datagrams sent that carry no fragment.
    pub control: u32,
    /// Payload bytes received that were there before.
    pub duplicates: u32,
}

impl ReportBytes {
    /// Media received, from whomever.
    #[must_use]
    pub fn media(&self) -> u64 {
        [self.burst, self.push, self.rescue, self.pull, self.peers].into_iter().map(u64::from).sum()
    }
}

/// Stalls are counted in this many classes of length.
pub const STALL_BUCKETS: usize = 8;

/// Up to which length in milliseconds a class of stalls goes, doubling from 100 ms; the last one has no end.
#[must_use]
pub const fn stall_bucket_ms(bucket: usize) -> Option<u32> {
    if bucket + 1 < STALL_BUCKETS { Some(100 << bucket) } else { None }
}

/// The class of a stall.
#[must_use]
pub fn stall_bucket(after: Duration) -> usize {
    let is_longer = |&bucket: &usize| {
        stall_bucket_ms(bucket).is_some_and(|ms| after >= Duration::from_millis(u64::from(ms)))
    };
    (0..STALL_BUCKETS).take_while(is_longer).count().min(STALL_BUCKETS - 1)
}

/// Kinds of addresses media and control went between, as a bit mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AddressKinds(pub u8);

impl AddressKinds {
    /// The edge, over IPv4.
    pub const EDGE_V4: u8 = 1;
    /// The edge, over IPv6.
    pub const EDGE_V6: u8 = 2;
    /// Peers at public IPv4 addresses.
    pub const PEERS_V4: u8 = 4;
    /// Peers at public IPv6 addresses.
    pub const PEERS_V6: u8 = 8;
    /// Peers in the same network.
    pub const PEERS_LOCAL: u8 = 16;

    /// Adds a kind.
    pub const fn add(&mut self, kind: u8) {
        self.0 |= kind;
    }

    /// Whether a kind is among them.
    #[must_use]
    pub const fn has(self, kind: u8) -> bool {
        self.0 & kind != 0
    }
}

/// A minute of watching, counted from the first hello; the last one is as long as it was watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MinuteReport {
    /// Whole minutes from the first hello to its begin.
    pub minute: u32,
    /// How long it was, in milliseconds.
    pub span_ms: u32,
    /// How the client was fed at its end.
    pub class: Class,
    /// What its NAT does.
    pub nat: NatClass,
    /// Which kinds of addresses were in use at its end.
    pub kinds: AddressKinds,
    /// Peers met at its end.
    pub peers: u8,
    /// Bytes.
    pub bytes: ReportBytes,
    /// Media received over the channel's rate, in thousandths.
    pub download_permille: u16,
    /// Time in which the picture moved: TP, in milliseconds.
    pub played_ms: u32,
    /// Time in which it stood: TB, startup left out, in milliseconds.
    pub buffering_ms: u32,
    /// Stalls that ended, by their length ([`stall_bucket_ms`]).
    pub stalls: [u8; STALL_BUCKETS],
    /// Frames handed to the player.
    pub frames_played: u16,
    /// Frames passed over, the one behind them decodable.
    pub frames_omitted: u16,
    /// Frames passed over up to a key frame.
    pub frames_skipped: u16,
    /// Substreams the edge took over from a parent.
    pub rescues: u16,
}

impl MinuteReport {
    /// Time from the first hello to its end, in seconds.
    #[must_use]
    pub const fn age_s(&self) -> u32 {
        self.minute.saturating_mul(60).saturating_add(self.span_ms / 1_000)
    }

    /// Whether the picture stood at all.
    #[must_use]
    pub const fn has_buffered(&self) -> bool {
        self.buffering_ms > 0
    }
}

/// How many numbers an acknowledgement tells of.
pub const REPORT_WINDOW: u32 = 32;

/// Which reports of a client its edge has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReportAck {
    /// The highest number taken.
    pub highest: u32,
    /// Bit i: number `highest - i` was taken.
    pub taken: u32,
}

/// What becomes of a report by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReportPlace {
    /// It was not taken.
    Fresh,
    /// It was.
    Repeated,
    /// It lies below what an acknowledgement tells of.
    Old,
}

impl ReportAck {
    /// Nothing was taken.
    pub const NONE: Self = Self { highest: 0, taken: 0 };

    /// Where a number lies.
    #[must_use]
    pub fn place(&self, number: u32) -> ReportPlace {
        match self.highest.checked_sub(number) {
            None => ReportPlace::Fresh,
            Some(below) => match self.taken.checked_shr(below) {
                None => ReportPlace::Old,
                Some(bits) if bits & 1 == 1 => ReportPlace::Repeated,
                Some(_) => ReportPlace::Fresh,
            },
        }
    }

    /// Whether a number is told as taken.
    #[must_use]
    pub fn has(&self, number: u32) -> bool {
        self.place(number) == ReportPlace::Repeated
    }

    /// Notes a number as taken; an old one changes nothing.
    pub fn take(&mut self, number: u32) {
        if let Some(above) = number.checked_sub(self.highest) {
            self.taken = self.taken.checked_shl(above).unwrap_or(0) | 1;
            self.highest = number;
        } else {
            let below = self.highest.saturating_sub(number);
            self.taken |= 1_u32.checked_shl(below).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stall_classes_double() {
        for (ms, bucket) in
            [(0, 0), (99, 0), (100, 1), (199, 1), (200, 2), (1_000, 4), (6_399, 6), (6_400, 7), (90_000, 7)]
        {
            assert_eq!(stall_bucket(Duration::from_millis(ms)), bucket, "{ms}");
        }
        assert_eq!(
            (stall_bucket_ms(0), stall_bucket_ms(6), stall_bucket_ms(7)),
            (Some(100), Some(6_400), None)
        );
    }

    #[test]
    fn media_is_what_came_from_whomever_and_nothing_else() {
        let bytes = ReportBytes {
            burst: 1,
            push: 20,
            rescue: 300,
            pull: 4_000,
            peers: u32::MAX,
            uploaded: 7,
            control: 7,
            duplicates: 7,
        };
        assert_eq!(bytes.media(), 4_321 + u64::from(u32::MAX));
    }

    #[test]
    fn kinds_of_addresses_add_up() {
        let mut kinds = AddressKinds::default();
        for kind in [AddressKinds::EDGE_V4, AddressKinds::PEERS_LOCAL, AddressKinds::EDGE_V4] {
            kinds.add(kind);
        }
        assert_eq!(kinds, AddressKinds(17));
        assert!(kinds.has(AddressKinds::PEERS_LOCAL) && !kinds.has(AddressKinds::EDGE_V6));
    }

    #[test]
    fn a_window_tells_the_last_32_numbers() {
        let mut window = ReportAck::NONE;
        for number in [3, 1, 33, 2] {
            assert_eq!(window.place(number), ReportPlace::Fresh, "{number}");
            window.take(number);
            assert_eq!(window.place(number), ReportPlace::Repeated, "{number}");
        }
        assert_eq!((window.place(4), window.place(1)), (ReportPlace::Fresh, ReportPlace::Old));
        window.take(1);
        assert!(!window.has(1) && window.has(2) && !window.has(4));
        window.take(u32::MAX);
        assert_eq!(window, ReportAck { highest: u32::MAX, taken: 1 });
    }

    #[test]
    fn names_have_tags() {
        let tag = |name| ChannelTag::of(&ChannelName::new(name).unwrap());
        assert_eq!(tag("a"), ChannelTag(0xe40c_292c), "the vector of the FNV draft, appendix C");
        assert_eq!(tag("foobar"), ChannelTag(0xbf9c_f968));
    }
}
