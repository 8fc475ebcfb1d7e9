//! One MPEG-TS packet (ISO/IEC 13818-1 clause 2.4.3.2).

/// Bytes of a packet.
pub const PACKET_LEN: usize = 188;
/// First byte of every packet.
pub const SYNC_BYTE: u8 = 0x47;
/// PID of the program association table.
pub const PAT_PID: u16 = 0;
/// PID of DVB's service description table, which rides with PAT and PMT (ETSI EN 300 468 clause 5.1.3).
pub const SDT_PID: u16 = 0x11;
/// PID of packets that only fill.
pub const NULL_PID: u16 = 0x1fff;

/// A packet of 188 bytes that begins with the sync byte.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a>(&'a [u8; PACKET_LEN]);

impl<'a> Packet<'a> {
    /// Looks at `bytes`; `None` when they are not 188 bytes or do not begin with the sync byte.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let bytes: &[u8; PACKET_LEN] = bytes.try_into().ok()?;
        (bytes[0] == SYNC_BYTE).then_some(Self(bytes))
    }

    /// Which stream of the multiplex it belongs to.
    #[must_use]
    pub fn pid(&self) -> u16 {
        u16::from_be_bytes([self.0[1] & 0x1f, self.0[2]])
    }

    /// Whether a PES packet or a section begins in it.
    #[must_use]
    pub fn starts_unit(&self) -> bool {
        self.0[1] & 0x40 != 0
    }

    /// Counts the packets of its PID that carry payload, modulo 16.
    #[must_use]
    pub fn continuity(&self) -> u8 {
        self.0[3] & 0x0f
    }

    /// Whether it carries payload.
    #[must_use]
    pub fn has_payload(&self) -> bool {
        self.0[3] & 0x10 != 0
    }

    fn has_adaptation(&self) -> bool {
        self.0[3] & 0x20 != 0
    }

    /// The adaptation field behind its length byte; empty without one.
    fn adaptation(&self) -> &'a [u8] {
        if !self.has_adaptation() {
            return &[];
        }
        let len = usize::from(self.0[4]);
        self.0.get(5..5 + len).unwrap_or(&[])
    }

    /// The payload; empty without one.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        if !self.has_payload() {
            return &[];
        }
        let start = if self.has_adaptation() { 5 + usize::from(self.0[4]) } else { 4 };
        self.0.get(start..).unwrap_or(&[])
    }

    /// Whether decoding can begin here (random_access_indicator).
    #[must_use]
    pub fn is_random_access(&self) -> bool {
        self.adaptation().first().is_some_and(|flags| flags & 0x40 != 0)
    }

    /// Whether clock and continuity begin anew here (discontinuity_indicator).
    #[must_use]
    pub fn is_discontinuity(&self) -> bool {
        self.adaptation().first().is_some_and(|flags| flags & 0x80 != 0)
    }

    /// The program clock reference: its 33-bit base in ticks of 90 kHz.
    #[must_use]
    pub fn pcr_base(&self) -> Option<u64> {
        let field = self.adaptation();
        let has_pcr = field.first().is_some_and(|flags| flags & 0x10 != 0);
        let bytes: [u8; 5] = field.get(1..6).filter(|_| has_pcr)?.try_into().ok()?;
        let [a, b, c, d, e] = bytes.map(u64::from);
        Some(a << 25 | b << 17 | c << 9 | d << 1 | e >> 7)
    }

    /// The PES packet that begins here: its header's time stamps, and what follows the header in this packet.
    #[must_use]
    pub fn pes(&self) -> Option<Pes<'a>> {
        Pes::new(self.payload()).filter(|_| self.starts_unit())
    }
}

/// The beginning of a PES packet (clause 2.4.3.6).
#[derive(Clone, Copy, Debug)]
pub struct Pes<'a> {
    /// Presentation time stamp, 33 bits of 90 kHz.
    pub pts: Option<u64>,
    /// Decode time stamp; the presentation time stamp where there is none.
    pub dts: Option<u64>,
    /// The elementary stream's first bytes.
    pub elementary: &'a [u8],
}

/// Where the time stamps stand in a PES packet.
const PTS_AT: usize = 9;
const DTS_AT: usize = 14;

impl<'a> Pes<'a> {
    fn new(payload: &'a [u8]) -> Option<Self> {
        let flags = flags_of(payload)?;
        let stamp = |at: usize| read_stamp(payload.get(at..at + 5)?);
        let pts = if flags & 2 != 0 { stamp(PTS_AT) } else { None };
        let dts = if flags == 3 { stamp(DTS_AT) } else { None };
        let start = PTS_AT + usize::from(*payload.get(8)?);
        Some(Self { pts, dts: dts.or(pts), elementary: payload.get(start..).unwrap_or(&[]) })
    }
}

/// The two PTS_DTS_flags bits of a PES packet with an optional header; `None` when it has none.
fn flags_of(payload: &[u8]) -> Option<u8> {
    let is_pes = payload.starts_with(&[0, 0, 1]);
    let stream_id = *payload.get(3)?;
    // Program map, private 2, ECM, EMM, directory, DSM-CC and padding streams have no optional header (table 2-21).
    let has_header = !matches!(stream_id, 0xbc | 0xbe | 0xbf | 0xf0 | 0xf1 | 0xf2 | 0xf8 | 0xff);
    let is_marked = payload.get(6)? & 0xc0 == 0x80;
    (is_pes && has_header && is_marked).then_some(payload.get(7)? >> 6)
}

fn read_stamp(bytes: &[u8]) -> Option<u64> {
    let bytes: [u8; 5] = bytes.try_into().ok()?;
    let [a, b, c, d, e] = bytes.map(u64::from);
    Some((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}

fn write_stamp(bytes: &mut [u8], stamp: u64) {
    let [a, b, c, d, e] = bytes else { return };
    let byte = |shift: u32, mask: u8| (stamp >> shift).to_le_bytes()[0] & mask;
    *a = *a & 0xf1 | byte(30, 7) << 1;
    *b = byte(22, 0xff);
    *c = *c & 1 | byte(15, 0x7f) << 1;
    *d = byte(7, 0xff);
    *e = *e & 1 | byte(0, 0x7f) << 1;
}

/// Ticks after which PCR base, PTS and DTS wrap.
pub const WRAP_TICKS: u64 = 1 << 33;

/// Moves every clock in a packet `ticks` later: PCR base, PTS and DTS, modulo 2^33. `bytes` that are no packet stay as they are.
pub fn shift_clocks(bytes: &mut [u8], ticks: u64) {
    let Some(packet) = Packet::new(bytes) else { return };
    let pcr = packet.pcr_base();
    let payload_at = PACKET_LEN - packet.payload().len();
    let flags = if packet.starts_unit() { flags_of(packet.payload()) } else { None };
    if let Some(base) = pcr {
        let base = (base + ticks) % WRAP_TICKS;
        let byte = |shift: u32| (base >> shift).to_le_bytes()[0];
        if let Some([a, b, c, d, e]) = bytes.get_mut(6..11) {
            (*a, *b, *c, *d) = (byte(25), byte(17), byte(9), byte(1));
            *e = *e & 0x7f | byte(0) << 7;
        }
    }
    let stamps: &[usize] = match flags {
        Some(3) => &[PTS_AT, DTS_AT],
        Some(2) => &[PTS_AT],
        Some(_) | None => &[],
    };
    for at in stamps {
        let Some(stamp_bytes) = bytes.get_mut(payload_at + at..payload_at + at + 5) else { continue };
        if let Some(stamp) = read_stamp(stamp_bytes) {
            write_stamp(stamp_bytes, (stamp + ticks) % WRAP_TICKS);
        }
    }
}

/// Writes a packet's continuity counter. `bytes` that are no packet stay as they are.
pub fn set_continuity(bytes: &mut [u8], continuity: u8) {
    if Packet::new(bytes).is_some() {
        bytes[3] = bytes[3] & 0xf0 | continuity & 0x0f;
    }
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
