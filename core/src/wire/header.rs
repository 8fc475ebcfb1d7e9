//! The outside of a datagram: first byte, link id, and the fixed header of a data datagram (`docs/wire.md`, "Datagrams").

use crate::endpoint::Reject;
use crate::limits::{
    DATAGRAM_LEN_MAX, FRAGMENT_LEN, FRAGMENT_LEN_MIN, FRAGMENTS_MAX, LEVELS_MAX, SUBSTREAMS_MAX,
};
use crate::media::{Dts, FrameId, FrameInfo};
use crate::wire::bounds::PTS_OFFSET_TICKS_MAX;
use crate::wire::control::LinkId;
use crate::wire::messages::Messages;

/// Version of the protocol, in 3 bits of the first byte.
pub const VERSION: u8 = 0;
/// Bytes before the first control message: first byte and link id.
pub const CONTROL_HEADER_LEN: usize = 5;
/// Bytes before a fragment.
pub const DATA_HEADER_LEN: usize = 46;
/// Where the MAC stands in a data header.
pub const MAC_OFFSET: usize = 38;
/// Bytes of the MAC, all zero until trust lands.
pub const MAC_LEN: usize = 8;

/// Bytes of a data header after the link id.
const FIELDS_LEN: usize = DATA_HEADER_LEN - CONTROL_HEADER_LEN;

/// Set in every first byte: STUN's has the top two bits clear (RFC 8489 clause 5).
const OURS: u8 = 0x80;

// A datagram of a full fragment is never longer than a path is bound to take.
const _: () = assert!(DATA_HEADER_LEN + FRAGMENT_LEN as usize <= DATAGRAM_LEN_MAX);
const _: () = assert!(MAC_OFFSET + MAC_LEN == DATA_HEADER_LEN);

/// What the low 4 bits of the first byte say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data,
    Control,
    Sealed,
    Proof,
}

impl Kind {
    const fn first_byte(self) -> u8 {
        let kind = match self {
            Self::Data => 0,
            Self::Control => 1,
            Self::Sealed => 2,
            Self::Proof => 3,
        };
        OURS | (VERSION << 4) | kind
    }

    const fn from_first_byte(first: u8) -> Result<Self, Reject> {
        if first & OURS == 0 {
            return Err(Reject::Malformed);
        }
        if (first >> 4) & 7 != VERSION {
            return Err(Reject::Unsupported);
        }
        match first & 0x0f {
            0 => Ok(Self::Data),
            1 => Ok(Self::Control),
            2 => Ok(Self::Sealed),
            3 => Ok(Self::Proof),
            4.. => Err(Reject::Unsupported),
        }
    }
}

/// A datagram, its outside checked.
#[derive(Clone, Debug)]
pub enum Datagram<'a> {
    /// A fragment and what is said of it. The fragment is 1 to [`FRAGMENT_LEN`] bytes; whether it has the length its
    /// channel demands is the frame store's to check.
    Data(DataHeader, &'a [u8]),
    /// Control messages for a link.
    Control(LinkId, Messages<'a>),
    /// Encrypted control: reserved for trust.
    Sealed {
        /// The receiver's id for the link.
        link: LinkId,
        /// Nonce of the cipher, up by one.
        counter: u64,
        /// The rest.
        ciphertext: &'a [u8],
    },
    /// A publisher's proof: reserved for trust.
    Proof {
        /// The receiver's id for the link.
        link: LinkId,
        /// The rest.
        body: &'a [u8],
    },
}

impl<'a> Datagram<'a> {
    /// Takes a datagram apart. Control messages are decoded when the iterator is driven.
    ///
    /// # Errors
    /// [`Reject::Unsupported`] for another version or an unknown kind, [`Reject::Malformed`] for everything else that no
    /// correct sender produces.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Reject> {
        let (&first, mut rest) = bytes.split_first().ok_or(Reject::Malformed)?;
        let kind = Kind::from_first_byte(first)?;
        if bytes.len() > DATAGRAM_LEN_MAX {
            return Err(Reject::Malformed);
        }
        let link = LinkId(u32::from_le_bytes(take(&mut rest).ok_or(Reject::Malformed)?));
        match kind {
            Kind::Data => {
                let header = DataHeader::parse(link, &mut rest).ok_or(Reject::Malformed)?;
                let is_fragment = !rest.is_empty() && rest.len() <= usize::from(FRAGMENT_LEN);
                if is_fragment { Ok(Self::Data(header, rest)) } else { Err(Reject::Malformed) }
            }
            Kind::Control => Ok(Self::Control(link, Messages::new(rest))),
            Kind::Sealed => {
                let counter = u64::from_le_bytes(take(&mut rest).ok_or(Reject::Malformed)?);
                Ok(Self::Sealed { link, counter, ciphertext: rest })
            }
            Kind::Proof => Ok(Self::Proof { link, body: rest }),
        }
    }
}

/// Writes what stands before control messages; `None` when `out` is too short.
pub(super) fn write_control_header(out: &mut [u8], link: LinkId) -> Option<usize> {
    let mut rest = out;
    put(&mut rest, [Kind::Control.first_byte()])?;
    put(&mut rest, link.0.to_le_bytes())?;
    Some(CONTROL_HEADER_LEN)
}

/// Why a fragment is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SendReason {
    /// The child's feed.
    #[default]
    Feed,
    /// Media from before the child came.
    Burst,
    /// A lease from the edge.
    Rescue,
    /// The receiver asked for it.
    Pull,
}

impl SendReason {
    /// Every reason, in the order of the wire.
    pub const ALL: [Self; 4] = [Self::Feed, Self::Burst, Self::Rescue, Self::Pull];

    const fn bits(self) -> u8 {
        match self {
            Self::Feed => 0,
            Self::Burst => 1,
            Self::Rescue => 2,
            Self::Pull => 3,
        }
    }

    /// The reason the two low bits of `bits` name.
    const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Feed,
            1 => Self::Burst,
            2 => Self::Rescue,
            3.. => Self::Pull,
        }
    }
}

/// The header of a data datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DataHeader {
    /// The receiver's id for the link.
    pub link: LinkId,
    /// Packet number of the link and direction, from 0.
    pub packet: u32,
    /// Low 32 bits of the sender's microseconds.
    pub sent_us: u32,
    /// Run of the channel.
    pub epoch: u16,
    /// The frame.
    pub info: FrameInfo,
    /// The frame's substream, below [`SUBSTREAMS_MAX`].
    pub substream: u8,
    /// Index of the fragment, below `count`.
    pub fragment: u16,
    /// Fragments of the frame, 1 to [`FRAGMENTS_MAX`].
    pub count: u16,
    /// Why it is sent.
    pub reason: SendReason,
    /// The sender's level on this substream, at most [`LEVELS_MAX`].
    pub level: u8,
}

impl DataHeader {
    const KEY_FLAG: u8 = 1;

    /// Writes the header with a zero MAC and gives [`DATA_HEADER_LEN`]; `None` when `out` is shorter or a field is out of
    /// its bounds (a receiver would reject it).
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        if !self.is_valid() {
            return None;
        }
        let mut rest = out.get_mut(..DATA_HEADER_LEN)?;
        put(&mut rest, [Kind::Data.first_byte()])?;
        put(&mut rest, self.link.0.to_le_bytes())?;
        put(&mut rest, self.packet.to_le_bytes())?;
        put(&mut rest, self.sent_us.to_le_bytes())?;
        put(&mut rest, self.epoch.to_le_bytes())?;
        put(&mut rest, self.info.id.0.to_le_bytes())?;
        let [dts @ .., _, _, _] = self.info.dts.ticks().to_le_bytes();
        put::<5>(&mut rest, dts)?;
        let [pts_offset @ .., _] = self.info.pts_offset_ticks.to_le_bytes();
        put::<3>(&mut rest, pts_offset)?;
        put(&mut rest, [self.substream])?;
        put(&mut rest, self.fragment.to_le_bytes())?;
        put(&mut rest, self.count.to_le_bytes())?;
        put(&mut rest, self.info.len.to_le_bytes())?;
        let key = if self.info.key { Self::KEY_FLAG } else { 0 };
        put(&mut rest, [key | (self.reason.bits() << 1) | (self.level << 4), 0])?;
        put(&mut rest, [0; MAC_LEN])?;
        Some(DATA_HEADER_LEN)
    }

    /// Reads what follows the link id, and leaves the fragment in `rest`.
    fn parse(link: LinkId, rest: &mut &[u8]) -> Option<Self> {
        // The byte after the flags, bit 3 of the flags and the MAC are ignored: a later sender may use them.
        let (fields, tail) = rest.split_first_chunk::<FIELDS_LEN>()?;
        *rest = tail;
        let [
            n0,
            n1,
            n2,
            n3,
            u0,
            u1,
            u2,
            u3,
            e0,
            e1,
            i0,
            i1,
            i2,
            i3,
            d0,
            d1,
            d2,
            d3,
            d4,
            p0,
            p1,
            p2,
            substream,
            f0,
            f1,
            c0,
            c1,
            l0,
            l1,
            l2,
            l3,
            flags,
            ..,
        ] = *fields;
        let packet = u32::from_le_bytes([n0, n1, n2, n3]);
        let sent_us = u32::from_le_bytes([u0, u1, u2, u3]);
        let epoch = u16::from_le_bytes([e0, e1]);
        let id = FrameId(u32::from_le_bytes([i0, i1, i2, i3]));
        let dts_ticks = u64::from_le_bytes([d0, d1, d2, d3, d4, 0, 0, 0]);
        let pts_offset_ticks = u32::from_le_bytes([p0, p1, p2, 0]);
        let fragment = u16::from_le_bytes([f0, f1]);
        let count = u16::from_le_bytes([c0, c1]);
        let len = u32::from_le_bytes([l0, l1, l2, l3]);
        if dts_ticks >= Dts::WRAP_TICKS {
            return None;
        }
        let key = flags & Self::KEY_FLAG != 0;
        let info = FrameInfo { id, dts: Dts::from_ticks(dts_ticks), pts_offset_ticks, len, key };
        let reason = SendReason::from_bits(flags >> 1);
        let header = Self {
            link,
            packet,
            sent_us,
            epoch,
            info,
            substream,
            fragment,
            count,
            reason,
            level: flags >> 4,
        };
        header.is_valid().then_some(header)
    }

    /// Whether every field is within its bounds, and length and count go together for some fragment length a channel can
    /// have. The channel's own fragment length is the machine's to compare.
    fn is_valid(&self) -> bool {
        let is_counted = (1..=FRAGMENTS_MAX).contains(&self.count) && self.fragment < self.count;
        let len_max = u32::from(self.count) * u32::from(FRAGMENT_LEN);
        let len_above = u32::from(self.count.saturating_sub(1)) * u32::from(FRAGMENT_LEN_MIN);
        is_counted
            && self.info.len > len_above
            && self.info.len <= len_max
            && self.info.pts_offset_ticks <= PTS_OFFSET_TICKS_MAX
            && usize::from(self.substream) < SUBSTREAMS_MAX
            && self.level <= LEVELS_MAX
    }
}

/// The first `N` bytes of `rest`, which then starts after them.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

/// Writes to the start of `rest`, which then starts after it.
fn put<const N: usize>(rest: &mut &mut [u8], bytes: [u8; N]) -> Option<()> {
    let (head, tail) = core::mem::take(rest).split_first_chunk_mut()?;
    *head = bytes;
    *rest = tail;
    Some(())
}
