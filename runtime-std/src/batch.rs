//! Datagrams on their way to a socket, back to back in one buffer and grouped so that one system call sends many (GSO).

use std::collections::VecDeque;

use livesky_core::Path;
use livesky_core::limits::DATAGRAM_LEN_MAX;

/// Bytes of datagrams polled from a machine before they go to the socket: about 54 of the longest.
const BATCH_LEN: usize = 65_536;
/// Datagrams polled from a machine before they go to the socket, however short they are.
const BATCH_DATAGRAMS_MAX: usize = 256;
/// Most bytes one call may carry: an IPv4 datagram's payload (RFC 791: 65,535 less 20 of IP and 8 of UDP).
const GROUP_LEN_MAX: usize = 65_507;
/// Most segments one call may carry (Linux: `UDP_MAX_SEGMENTS` was 64 before it was 128).
const GROUP_SEGMENTS_MAX: usize = 64;

/// Consecutive datagrams to one path, all as long as the first but the last, which may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Where to.
    pub(crate) path: Path,
    /// Length of the first.
    pub(crate) segment_len: usize,
    start: usize,
    end: usize,
    is_open: bool,
}

impl Group {
    fn takes(&self, path: &Path, len: usize) -> bool {
        let total = self.end - self.start + len;
        self.is_open
            && self.path == *path
            && len <= self.segment_len
            && total <= GROUP_LEN_MAX
            && total <= self.segment_len * GROUP_SEGMENTS_MAX
    }
}

/// The buffer.
#[derive(Debug)]
pub(crate) struct Batch {
    bytes: Box<[u8]>,
    used: usize,
    count: usize,
    groups: VecDeque<Group>,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; BATCH_LEN].into_boxed_slice(), used: 0, count: 0, groups: VecDeque::new() }
    }

    /// Room to write the next datagram to; `None` when the batch is to be sent first.
    pub(crate) fn room(&mut self) -> Option<&mut [u8]> {
        if self.count >= BATCH_DATAGRAMS_MAX {
            return None;
        }
        self.bytes.get_mut(self.used..self.used + DATAGRAM_LEN_MAX)
    }

    /// Takes the first `len` bytes of [`Self::room`] as a datagram to `path`. An empty one is none.
    pub(crate) fn push(&mut self, path: Path, len: usize) {
        if len == 0 || len > DATAGRAM_LEN_MAX {
            return;
        }
        let start = self.used;
        self.used += len;
        self.count += 1;
        match self.groups.back_mut() {
            Some(group) if group.takes(&path, len) => {
                group.end = self.used;
                group.is_open = len == group.segment_len;
            }
            _ => {
                self.groups.push_back(Group { path, segment_len: len, start, end: self.used, is_open: true })
            }
        }
    }

    /// The next group, or what is left of it, with its bytes.
    pub(crate) fn front(&self) -> Option<(Group, &[u8])> {
        let group = self.groups.front()?;
        Some((*group, self.bytes.get(group.start..group.end)?))
    }

    /// The first `len` bytes of the front group are sent.
    pub(crate) fn consume(&mut self, len: usize) {
        if let Some(group) = self.groups.front_mut() {
            group.start += len;
            if group.start >= group.end {
                self.groups.pop_front();
            }
        }
        if self.groups.is_empty() {
            self.used = 0;
            self.count = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

    use livesky_core::Ecn;

    use super::*;

    fn path(port: u16) -> Path {
        Path::to(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)))
    }

    fn push(batch: &mut Batch, path: Path, len: usize) {
        assert!(batch.room().is_some());
        batch.push(path, len);
    }

    fn groups(batch: &mut Batch) -> Vec<(u16, usize, usize)> {
        core::iter::from_fn(|| {
            let (group, bytes) = batch.front()?;
            let found = (group.path.remote.port(), group.segment_len, bytes.len());
            batch.consume(found.2);
            Some(found)
        })
        .collect()
    }

    #[test]
    fn equal_datagrams_to_one_path_make_a_group_and_a_shorter_one_ends_it() {
        let mut batch = Batch::new();
        for len in [100, 100, 40, 100, 100, 120, 120] {
            push(&mut batch, path(1), len);
        }
        push(&mut batch, path(2), 120);
        push(&mut batch, Path { ecn: Ecn::Capable0, ..path(2) }, 120);
        let expected = [(1, 100, 240), (1, 100, 200), (1, 120, 240), (2, 120, 120), (2, 120, 120)];
        assert_eq!(groups(&mut batch), expected);
    }

    #[test]
    fn a_group_keeps_the_limits_of_one_call() {
        let mut batch = Batch::new();
        for _ in 0..130 {
            push(&mut batch, path(1), 10);
        }
        assert_eq!(groups(&mut batch), [(1, 10, 640), (1, 10, 640), (1, 10, 20)]);
        while batch.room().is_some() {
            batch.push(path(1), 1);
        }
        assert_eq!(groups(&mut batch), [(1, 1, 64); 4]);
        let mut count = 0;
        while batch.room().is_some() {
            batch.push(path(1), DATAGRAM_LEN_MAX);
            count += 1;
        }
        assert_eq!(groups(&mut batch), [(1, DATAGRAM_LEN_MAX, count * DATAGRAM_LEN_MAX)]);
        assert!(batch.room().is_some(), "sent: there is room");
    }

    #[test]
    fn a_group_can_go_in_parts() {
        let mut batch = Batch::new();
        for byte in 0..3 {
            batch.room().unwrap()[..2].fill(byte);
            batch.push(path(1), 2);
        }
        batch.consume(2);
        assert_eq!(batch.front().map(|(_, bytes)| bytes), Some(&[1, 1, 2, 2][..]));
        batch.consume(4);
        assert!(batch.front().is_none());
    }
}
