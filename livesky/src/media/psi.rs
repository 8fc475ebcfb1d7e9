//! Program association and program map tables (ISO/IEC 13818-1 clause 2.4.4): which stream is the picture.

use super::packet::{PAT_PID, Packet};

/// What a stream of the program carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// H.264 (stream type 0x1b).
    H264,
    /// H.265 (0x24).
    H265,
    /// MPEG-1 or MPEG-2 video (0x01, 0x02).
    Mpeg2,
    /// Any sound.
    Audio,
    /// Anything else: subtitles, data.
    Other,
}

impl Codec {
    const fn of(stream_type: u8) -> Self {
        match stream_type {
            0x01 | 0x02 => Self::Mpeg2,
            0x1b => Self::H264,
            0x24 => Self::H265,
            0x03 | 0x04 | 0x0f | 0x11 | 0x81 | 0x82 | 0x84 | 0x87 => Self::Audio,
            _ => Self::Other,
        }
    }

    /// Whether it is a picture.
    #[must_use]
    pub const fn is_video(self) -> bool {
        matches!(self, Self::H264 | Self::H265 | Self::Mpeg2)
    }
}

/// The stream frames are cut by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Its PID.
    pub pid: u16,
    /// What it carries: a picture, or sound where there is no picture.
    pub codec: Codec,
}

/// Reads the first program's tables, and keeps their packets for those who join in the middle.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pmt_pid: Option<u16>,
    lead: Option<Lead>,
    has_program_without_media: bool,
    pat: Section,
    pmt: Section,
}

/// A section being collected, and the packets of the last whole one.
#[derive(Clone, Debug, Default)]
struct Section {
    bytes: Vec<u8>,
    packets: Vec<u8>,
    last: Vec<u8>,
}

/// Longest section of PAT and PMT (clause 2.4.4.3: section_length at most 1021).
const SECTION_LEN_MAX: usize = 1_024;

impl Section {
    /// Takes a packet of the table; gives the section once it is whole.
    fn take(&mut self, packet: &Packet<'_>, raw: &[u8]) -> Option<Vec<u8>> {
        let payload = packet.payload();
        if packet.starts_unit() {
            let pointer = usize::from(*payload.first()?);
            self.bytes = payload.get(1 + pointer..)?.to_vec();
            self.packets = raw.to_vec();
        } else if self.bytes.is_empty() {
            return None;
        } else {
            self.bytes.extend_from_slice(payload);
            self.packets.extend_from_slice(raw);
        }
        let len = 3 + usize::from(u16::from_be_bytes([*self.bytes.get(1)? & 0x0f, *self.bytes.get(2)?]));
        if len > SECTION_LEN_MAX {
            self.bytes.clear();
            return None;
        }
        let section = self.bytes.get(..len)?.to_vec();
        self.last = core::mem::take(&mut self.packets);
        self.bytes.clear();
        Some(section)
    }
}

impl Tables {
    /// Looks at a packet; `true` when it belongs to PAT or PMT.
    pub fn take(&mut self, packet: &Packet<'_>, raw: &[u8]) -> bool {
        let pid = packet.pid();
        if pid == PAT_PID {
            if let Some(section) = self.pat.take(packet, raw) {
                self.on_pat(&section);
            }
            return true;
        }
        if Some(pid) != self.pmt_pid {
            return false;
        }
        if let Some(section) = self.pmt.take(packet, raw) {
            self.on_pmt(&section);
        }
        true
    }

    fn on_pat(&mut self, section: &[u8]) {
        // Table id 0; eight bytes of header, four of CRC; program 0 is the network's.
        let Some(programs) = body(section, 0x00, 8) else { return };
        let first = programs.chunks_exact(4).find(|entry| entry[0] != 0 || entry[1] != 0);
        let pid = first.map(|entry| u16::from_be_bytes([entry[2] & 0x1f, entry[3]]));
        if pid.is_some() && pid != self.pmt_pid {
            self.pmt_pid = pid;
            self.pmt = Section::default();
        }
    }

    fn on_pmt(&mut self, section: &[u8]) {
        let Some(after_header) = body(section, 0x02, 12) else { return };
        let info_len = usize::from(u16::from_be_bytes([section[10] & 0x0f, section[11]]));
        let mut rest = after_header.get(info_len..).unwrap_or(&[]);
        let mut streams = Vec::new();
        while let [stream_type, pid_high, pid_low, len_high, len_low, ..] = *rest {
            let pid = u16::from_be_bytes([pid_high & 0x1f, pid_low]);
            streams.push(Lead { pid, codec: Codec::of(stream_type) });
            let len = usize::from(u16::from_be_bytes([len_high & 0x0f, len_low]));
            rest = rest.get(5 + len..).unwrap_or(&[]);
        }
        let video = streams.iter().find(|stream| stream.codec.is_video());
        let audio = streams.iter().find(|stream| stream.codec == Codec::Audio);
        self.lead = video.or(audio).copied();
        self.has_program_without_media = self.lead.is_none();
    }

    /// The stream frames are cut by; `None` before the first PMT, or when it names neither picture nor sound.
    #[must_use]
    pub const fn lead(&self) -> Option<Lead> {
        self.lead
    }

    /// Whether a PMT came that names neither picture nor sound.
    #[must_use]
    pub const fn has_program_without_media(&self) -> bool {
        self.has_program_without_media
    }

    /// The packets of the last PAT and PMT; empty before both came.
    #[must_use]
    pub fn init(&self) -> Vec<u8> {
        if self.pat.last.is_empty() || self.pmt.last.is_empty() {
            return Vec::new();
        }
        [self.pat.last.as_slice(), self.pmt.last.as_slice()].concat()
    }
}

/// What stands between the header and the CRC of a section of a table.
fn body(section: &[u8], table_id: u8, header_len: usize) -> Option<&[u8]> {
    let end = section.len().checked_sub(4)?;
    (section.first() == Some(&table_id)).then_some(section.get(header_len..end)?)
}

#[cfg(test)]
mod tests {
    use super::super::packet::PACKET_LEN;
    use super::*;

    fn packet(pid: u16, section: &[u8]) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut bytes = vec![0x47, 0x40 | high, low, 0x10, 0];
        bytes.extend_from_slice(section);
        bytes.resize(PACKET_LEN, 0xff);
        bytes
    }

    fn pmt(streams: &[(u8, u16)]) -> Vec<u8> {
        let mut section = vec![0x02, 0xb0, 0, 0, 1, 0xc1, 0, 0, 0xe1, 0, 0xf0, 0];
        for &(stream_type, pid) in streams {
            let [high, low] = pid.to_be_bytes();
            section.extend_from_slice(&[stream_type, 0xe0 | high, low, 0xf0, 0]);
        }
        section[2] = u8::try_from(section.len() + 1).unwrap();
        section.extend_from_slice(&[0; 4]);
        section
    }

    const PAT: [u8; 16] = [0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0, 0, 0, 0, 0];

    fn tables(streams: &[(u8, u16)]) -> Tables {
        let mut tables = Tables::default();
        for bytes in [packet(0, &PAT), packet(0x1000, &pmt(streams))] {
            assert!(tables.take(&Packet::new(&bytes).unwrap(), &bytes));
        }
        tables
    }

    #[test]
    fn the_picture_leads_and_sound_where_there_is_none() {
        let of = |streams: &[(u8, u16)]| tables(streams).lead();
        assert_eq!(of(&[(0x0f, 257), (0x1b, 256)]), Some(Lead { pid: 256, codec: Codec::H264 }));
        assert_eq!(of(&[(0x06, 300), (0x0f, 257)]), Some(Lead { pid: 257, codec: Codec::Audio }));
        assert_eq!(of(&[(0x06, 300)]), None);
        assert!(tables(&[(0x06, 300)]).has_program_without_media());
        assert_eq!(tables(&[(0x1b, 256)]).init().len(), 2 * PACKET_LEN);
    }
}
