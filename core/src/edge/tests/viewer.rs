//! A client that only counts what it gets.

use core::net::SocketAddr;
use core::time::Duration;
use std::vec::Vec;

use super::harness::address;
use crate::link::Link;
use crate::media::FrameId;
use crate::wire::control::{
    Accept, Candidate, Challenge, Class, ClientId, Cookie, LeaveReason, LinkId, Message, RefuseReason,
    Refused, Status,
};
use crate::wire::report::ReportAck;
use crate::wire::{DataHeader, Datagram};
use crate::{Instant, Path};

/// What an edge told, without borrows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Challenge(Challenge),
    Welcome {
        client: ClientId,
        link: LinkId,
        class: Class,
        start: FrameId,
        newest: FrameId,
        left_from: Option<FrameId>,
        init_len: usize,
        candidates: Vec<Candidate>,
    },
    Refused(Refused),
    Accept(Accept),
    Refuse(u8, RefuseReason),
    Candidates(Vec<Candidate>),
    Missing(FrameId),
    Pong(u32),
    Leave(LeaveReason),
    Reset(LinkId),
    Introduce(ClientId, Vec<SocketAddr>),
    ReportAck(ReportAck),
    Redirect(Vec<SocketAddr>),
}

impl Told {
    fn of(message: &Message<'_>) -> Self {
        match message {
            Message::Challenge(challenge) => Self::Challenge(*challenge),
            Message::Welcome(welcome) => Self::Welcome {
                client: welcome.client,
                link: welcome.link,
                class: welcome.class,
                start: welcome.start,
                newest: welcome.newest,
                left_from: welcome.left_from,
                init_len: welcome.init.len(),
                candidates: welcome.candidates.to_vec(),
            },
            Message::Refused(refused) => Self::Refused(refused.clone()),
            Message::Accept(accept) => Self::Accept(*accept),
            Message::Refuse { substream, reason } => Self::Refuse(*substream, *reason),
            Message::Candidates { list } => Self::Candidates(list.to_vec()),
            Message::Missing { frame } => Self::Missing(*frame),
            Message::Pong { token } => Self::Pong(*token),
            Message::Leave { reason } => Self::Leave(*reason),
            Message::Reset { link } => Self::Reset(*link),
            Message::Introduce(introduce) => Self::Introduce(introduce.client, introduce.addresses.to_vec()),
            Message::ReportAck(ack) => Self::ReportAck(*ack),
            Message::Redirect { alternatives } => Self::Redirect(alternatives.to_vec()),
            other => panic!("an edge does not say {other:?}"),
        }
    }
}

/// A client that says what the test tells it to, acknowledges, and keeps what it gets.
pub(crate) struct Viewer {
    pub(crate) path: Path,
    pub(crate) own_link: LinkId,
    pub(crate) edge_link: LinkId,
    /// Delay on the way from the edge that its acknowledgements tell of.
    pub(crate) queue_us: u32,
    pub(crate) id: ClientId,
    pub(crate) class: Class,
    pub(crate) start: FrameId,
    pub(crate) nonce: u64,
    pub(crate) cookie: Option<Cookie>,
    pub(crate) data: Vec<(Instant, DataHeader)>,
    pub(crate) told: Vec<(Instant, Told)>,
    pub(crate) bytes_in: usize,
    pub(crate) is_acking: bool,
    /// Told once a second while set.
    pub(crate) status: Option<Status>,
    pub(crate) loses: fn(&DataHeader) -> bool,
    pub(super) link: Link,
}

impl Viewer {
    pub(super) fn new(index: usize) -> Self {
        Self {
            path: Path::to(address(index)),
            own_link: LinkId(500 + u32::try_from(index).unwrap()),
            edge_link: LinkId(0),
            queue_us: 0,
            id: ClientId(0),
            class: Class::Push,
            start: FrameId(0),
            nonce: 1_000 + index as u64,
            cookie: None,
            data: Vec::new(),
            told: Vec::new(),
            bytes_in: 0,
            is_acking: true,
            status: Some(Status::default()),
            loses: |_| false,
            link: Link::EMPTY,
        }
    }

    pub(super) fn on_datagram(&mut self, now: Instant, bytes: &[u8]) {
        self.bytes_in += bytes.len();
        match Datagram::parse(bytes).unwrap() {
            Datagram::Data(header, _) => {
                assert_eq!(header.link, self.own_link);
                if (self.loses)(&header) {
                    return;
                }
                let sent_us = header.sent_us.wrapping_sub(self.queue_us);
                self.link.on_data(now, header.packet, sent_us, Duration::from_millis(200)).unwrap();
                self.data.push((now, header));
            }
            Datagram::Control(link, messages) => {
                assert!(link == self.own_link || link == LinkId(0));
                for message in messages {
                    let told = Told::of(&message.unwrap());
                    match &told {
                        Told::Challenge(challenge) => self.cookie = Some(challenge.cookie),
                        Told::Welcome { client, link, class, start, .. } => {
                            if self.id != *client {
                                self.link = Link::EMPTY;
                            }
                            (self.id, self.edge_link) = (*client, *link);
                            (self.class, self.start) = (*class, *start);
                        }
                        _ => {}
                    }
                    self.told.push((now, told));
                }
            }
            other => panic!("an edge does not send {other:?}"),
        }
    }

    /// Frames of which every fragment came, in the order the last fragment came, with how often each fragment came at most.
    pub(crate) fn frames(&self, substream: Option<u8>) -> Vec<FrameId> {
        let mut seen: Vec<(FrameId, u16)> = Vec::new();
        let mut complete = Vec::new();
        for (_, header) in self.data.iter().filter(|(_, h)| substream.is_none_or(|s| s == h.substream)) {
            if seen.contains(&(header.info.id, header.fragment)) {
                continue;
            }
            seen.push((header.info.id, header.fragment));
            if seen.iter().filter(|(id, _)| *id == header.info.id).count() == usize::from(header.count) {
                complete.push(header.info.id);
            }
        }
        complete
    }

    /// Fragments that came more than once.
    pub(crate) fn repeats(&self) -> usize {
        let mut keys: Vec<_> = self.data.iter().map(|(_, h)| (h.info.id, h.fragment)).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        all - keys.len()
    }

    pub(crate) fn has_been_told(&self, is_it: impl Fn(&Told) -> bool) -> bool {
        self.told.iter().any(|(_, told)| is_it(told))
    }

    pub(crate) fn last_accept(&self) -> Option<Accept> {
        self.told.iter().rev().find_map(|(_, told)| match told {
            Told::Accept(accept) => Some(*accept),
            _ => None,
        })
    }

    pub(crate) fn refused(&self) -> Option<&Refused> {
        self.told.iter().rev().find_map(|(_, told)| match told {
            Told::Refused(refused) => Some(refused),
            _ => None,
        })
    }
}
