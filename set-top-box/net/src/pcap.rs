//! The classic capture format, for Wireshark and tcpdump.

use core::time::Duration;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Capture files end here, so that a forgotten one does not fill the disk.
const FILE_LEN_MAX: u64 = 1 << 30;

/// Microsecond resolution, in the byte order of the writer (draft-ietf-opsawg-pcap, section 4).
const MAGIC: u32 = 0xa1b2_c3d4;
const SNAP_LEN: u32 = 65_535;
const LINKTYPE_ETHERNET: u32 = 1;

/// A capture file that is being written. Times in it count from the switch's start.
#[derive(Debug)]
pub(crate) struct Capture<W: Write = BufWriter<File>> {
    out: W,
    written: u64,
}

impl Capture {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Self::new(BufWriter::new(File::create(path)?))
    }
}

impl<W: Write> Capture<W> {
    fn new(mut out: W) -> io::Result<Self> {
        let (version_major, version_minor) = (2_u16, 4_u16);
        let mut header = Vec::with_capacity(24);
        header.extend(MAGIC.to_le_bytes());
        header.extend(version_major.to_le_bytes());
        header.extend(version_minor.to_le_bytes());
        header.extend([0; 8]);
        header.extend(SNAP_LEN.to_le_bytes());
        header.extend(LINKTYPE_ETHERNET.to_le_bytes());
        out.write_all(&header)?;
        Ok(Self { out, written: 24 })
    }

    /// Appends a frame; nothing when the file is long enough.
    pub(crate) fn write(&mut self, at: Duration, frame: &[u8]) -> io::Result<()> {
        let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.written += 16 + u64::from(len);
        if self.written > FILE_LEN_MAX {
            return Ok(());
        }
        let seconds = u32::try_from(at.as_secs()).unwrap_or(u32::MAX);
        for word in [seconds, at.subsec_micros(), len, len] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(frame)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let mut capture = Capture::new(Vec::new()).unwrap();
        capture.write(Duration::from_micros(3_000_007), &[0xaa, 0xbb, 0xcc]).unwrap();
        let expected = [
            0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0, //
            3, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0xaa, 0xbb, 0xcc,
        ];
        assert_eq!(capture.out, expected);
    }
}
