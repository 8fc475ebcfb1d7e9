//! A decoder that checks every byte and notes what it was told, and a remote control.

use core::cell::RefCell;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::VecDeque;
use std::rc::Rc;

use livesky_core::media::{ChannelSettings, FrameId};
use livesky_core::store::FrameStore;
use livesky_embedded::{Decoder, Flush, Frame, Order, Remote, Watchdog};

use super::edge::byte_of;

#[derive(Default)]
pub(crate) struct Screen {
    pub(crate) channel: u8,
    pub(crate) is_busy: bool,
    pub(crate) joined: u32,
    pub(crate) started: Vec<Duration>,
    pub(crate) frames: Vec<FrameId>,
    pub(crate) flushes: Vec<Flush>,
    pub(crate) stalls: u32,
    pub(crate) wrong_bytes: u32,
    pub(crate) pts_ticks: Vec<u64>,
}

impl Decoder for Screen {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.is_busy { Poll::Pending } else { Poll::Ready(()) }
    }

    fn on_joined(&mut self, init: &[u8], settings: &ChannelSettings) {
        assert_eq!((init.len(), settings.fragment_len), (376, 1_128));
        self.joined += 1;
    }

    fn on_frame<S: FrameStore>(&mut self, frame: &Frame<'_, S>) {
        let mut bytes = vec![0; frame.info.len as usize];
        assert_eq!(frame.copy_to(&mut bytes), Some(bytes.len()));
        assert_eq!(frame.copy_to(&mut vec![0; bytes.len() - 1]), None, "no room for all of it");
        let is_wrong = |(at, byte): (usize, &u8)| *byte != byte_of(self.channel, frame.info.id, at);
        self.wrong_bytes += u32::from(bytes.iter().enumerate().any(is_wrong));
        self.frames.push(frame.info.id);
        self.pts_ticks.push(frame.pts_ticks());
    }

    fn on_flush(&mut self, why: Flush) {
        self.flushes.push(why);
    }

    fn on_stalled(&mut self) {
        self.stalls += 1;
    }

    fn on_started(&mut self, after: Duration) {
        self.started.push(after);
    }
}

/// Orders to come.
#[derive(Clone, Default)]
pub(crate) struct Buttons(pub(crate) Rc<RefCell<VecDeque<Order>>>);

impl Remote for Buttons {
    fn poll_order(&mut self, _: &mut Context<'_>) -> Poll<Order> {
        self.0.borrow_mut().pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

#[derive(Default)]
pub(crate) struct Dog {
    pub(crate) meals: u32,
}

impl Watchdog for Dog {
    fn feed(&mut self) {
        self.meals += 1;
    }
}
