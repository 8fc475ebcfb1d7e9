//! A client in the middle of watching, and its peers, at any time: what the tables of its decisions start from.

use core::time::Duration;
use std::vec;
use std::vec::Vec;

use super::goodbyes::{address, config, joined_as, meet};
use super::script::{Memory, TestClient};
use crate::client::ClientConfig;
use crate::client::peer::EDGE;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::link::Link;
use crate::media::{ChannelSettings, Dts, FrameId, FrameInfo, fragment_count, fragment_len_at};
use crate::wire::control::{Class, LinkId, MapBits};
use crate::wire::{ControlWriter, DATA_HEADER_LEN, DataHeader, Datagram, Message, SendReason};
use crate::{Endpoint, Instant, Path, Reject};

/// When the client was welcomed.
pub(super) const NOW: Instant = Instant::from_millis(1_000);
/// Length of a frame of one fragment.
const SHORT: u32 = 40;

/// A time after the welcome.
pub(super) fn after(ms: u64) -> Instant {
    NOW + Duration::from_millis(ms)
}

/// One substream, so that whom it concerns is plain, and room for many children.
pub(super) fn one_substream() -> ChannelSettings {
    ChannelSettings { substreams: 1, upload_cap_percent: 1_000, ..ChannelSettings::default() }
}

/// What a datagram carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// The peer's number; 0: the edge.
    pub(super) to: u16,
    pub(super) frame: u32,
    pub(super) fragment: u16,
    pub(super) reason: SendReason,
}

/// A client that was welcomed at frame 100; the peer of slot i is at address i.
pub(super) struct Rig<'m> {
    pub(super) client: TestClient<'m>,
    /// The client's link ids for the others; the first is the edge's.
    links: Vec<LinkId>,
    packets: Vec<u32>,
    settings: ChannelSettings,
}

impl<'m> Rig<'m> {
    pub(super) fn new(memory: &'m mut Memory, class: Class, settings: ChannelSettings, peers: u16) -> Self {
        let (mut client, edge) =
            joined_as(memory, ClientConfig { upload_bps: 4_000_000, ..config() }, class, settings);
        // The answer to the hello came at once: a round trip like no other.
        let link = &mut client.peer_mut(EDGE).unwrap().link;
        *link = Link::EMPTY;
        link.on_heard(NOW);
        let mut rig = Self { client, links: vec![edge], packets: vec![0], settings };
        for peer in 1..=peers {
            rig.links.push(meet(&mut rig.client, peer));
            rig.packets.push(0);
        }
        rig
    }

    /// What peer `from` says.
    pub(super) fn say(&mut self, now: Instant, from: u16, message: &Message<'_>) -> Result<(), Reject> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = ControlWriter::new(&mut out, self.links[usize::from(from)]).unwrap();
        assert!(writer.push(message));
        let len = writer.finish();
        self.client.handle_datagram(now, Path::to(address(from)), &out[..len])
    }

    /// Peer `from` tells that it holds these frames, of at most 64.
    pub(super) fn tell_map(&mut self, from: u16, frames: &[u32]) {
        let base = frames[0];
        let bits = frames.iter().fold(0_u64, |bits, frame| bits | 1 << (frame - base)).to_le_bytes();
        let map = MapBits { oldest: FrameId(base), base: FrameId(base), bits: &bits };
        assert_eq!(self.say(NOW, from, &Message::BufferMap(map)), Ok(()));
    }

    pub(super) fn header(&self, id: u32) -> DataHeader {
        let info = FrameInfo {
            id: FrameId(id),
            dts: Dts::from_ticks(u64::from(id) * 3_600),
            pts_offset_ticks: 0,
            len: SHORT,
            key: id.is_multiple_of(25),
        };
        let substream = self.settings.mapping.substream_of(info.id, self.settings.substreams);
        DataHeader { epoch: 1, info, substream, count: 1, ..DataHeader::default() }
    }

    /// A frame of several fragments.
    pub(super) fn long(&self, id: u32, fragments: u16) -> DataHeader {
        let header = self.header(id);
        let len = u32::from(fragments) * u32::from(self.settings.fragment_len);
        let count = fragment_count(len, self.settings.fragment_len).unwrap();
        DataHeader { info: FrameInfo { len, ..header.info }, count, ..header }
    }

    /// Peer `from` sends the fragment that `header` describes.
    pub(super) fn send(&mut self, now: Instant, from: u16, header: DataHeader) -> Result<(), Reject> {
        let packet = self.packets[usize::from(from)];
        self.packets[usize::from(from)] += 1;
        let header = DataHeader { link: self.links[usize::from(from)], packet, ..header };
        let len = fragment_len_at(header.info.len, self.settings.fragment_len, header.fragment);
        let mut datagram = vec![7; DATA_HEADER_LEN + usize::from(len)];
        header.write(&mut datagram).unwrap();
        self.client.handle_datagram(now, Path::to(address(from)), &datagram)
    }

    /// A packet of peer `from` is lost on the way.
    pub(super) fn skip_packet(&mut self, from: u16) {
        self.packets[usize::from(from)] += 1;
    }

    /// The next packet of peer `from` is the last one once more.
    pub(super) fn repeat_packet(&mut self, from: u16) {
        self.packets[usize::from(from)] -= 1;
    }

    /// Peer `from` sends whole frames.
    pub(super) fn feed(&mut self, now: Instant, from: u16, ids: impl IntoIterator<Item = u32>) {
        for id in ids {
            let header = self.header(id);
            assert_eq!(self.send(now, from, header), Ok(()), "frame {id}");
        }
    }

    /// All that the client sends by and by, in the order it goes; time stands for control.
    pub(super) fn drain(&mut self, now: Instant) -> (Vec<Sent>, Vec<(u16, Vec<u8>)>) {
        let (mut data, mut control) = (Vec::new(), Vec::new());
        let mut head = [0; DATAGRAM_LEN_MAX];
        let mut at = now;
        for _ in 0..10_000 {
            let Some(transmit) = self.client.poll_transmit(at, &mut head) else {
                // What is left waits for the uplink, or there is nothing.
                match self.client.clocks.pacing_at {
                    Some(later) if later < Instant::FAR_FUTURE => at = later,
                    Some(_) | None => return (data, control),
                }
                continue;
            };
            let to = transmit.path.remote.port().wrapping_sub(7_000);
            let mut datagram = head[..transmit.head_len].to_vec();
            datagram.resize(datagram.len() + transmit.body.map_or(0, |body| usize::from(body.len)), 7);
            match Datagram::parse(&datagram) {
                Ok(Datagram::Data(header, _)) => data.push(Sent {
                    to,
                    frame: header.info.id.0,
                    fragment: header.fragment,
                    reason: header.reason,
                }),
                _ => control.push((to, datagram)),
            }
        }
        panic!("it never ends");
    }

    /// What the client says now, picked out of the messages, with whom it says it to.
    pub(super) fn hear<T>(
        &mut self,
        now: Instant,
        mut pick: impl FnMut(&Message<'_>) -> Option<T>,
    ) -> Vec<(u16, T)> {
        let (_, control) = self.drain(now);
        let mut heard = Vec::new();
        for (to, datagram) in &control {
            if let Ok(Datagram::Control(_, messages)) = Datagram::parse(datagram) {
                heard.extend(messages.flatten().filter_map(|message| Some((*to, pick(&message)?))));
            }
        }
        heard
    }

    /// Sets the smoothed round trip to a peer, which had none.
    pub(super) fn set_rtt(&mut self, slot: u8, ms: u64) {
        self.client.peer_mut(slot).unwrap().link.on_rtt_sample(Duration::from_millis(ms));
    }
}
