//! The channels of an edge as HTTP sees them: a frame log each, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use livesky_core::Instant;
use livesky_core::edge::ChannelId;
use livesky_core::media::ChannelName;

use crate::log::{FrameLog, LoggedFrame};

/// Frame logs by the channels' names; shared by an edge's driver and its handles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logs(Arc<Mutex<BTreeMap<ChannelName, FrameLog>>>);

impl Logs {
    pub(crate) fn get(&self, name: &ChannelName) -> Option<FrameLog> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ChannelName, FrameLog>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The driver's side: channels by their ids.
#[derive(Debug)]
pub(crate) struct Channels {
    logs: Logs,
    open: BTreeMap<ChannelId, Channel>,
    log_frames_max: usize,
    log_bytes_max: usize,
}

#[derive(Debug)]
struct Channel {
    name: ChannelName,
    log: FrameLog,
    began_at: Instant,
}

impl Channels {
    pub(crate) const fn new(logs: Logs, log_frames_max: usize, log_bytes_max: usize) -> Self {
        Self { logs, open: BTreeMap::new(), log_frames_max, log_bytes_max }
    }

    /// A channel begins, or its publisher came back.
    pub(crate) fn open(&mut self, now: Instant, id: ChannelId, name: &ChannelName, init: &[u8]) {
        let channel = self.open.entry(id).or_insert_with(|| {
            let log = FrameLog::new(self.log_frames_max, self.log_bytes_max);
            self.logs.lock().insert(name.clone(), log.clone());
            Channel { name: name.clone(), log, began_at: now }
        });
        channel.log.set_init(init);
    }

    pub(crate) fn close(&mut self, id: ChannelId) {
        if let Some(channel) = self.open.remove(&id) {
            self.logs.lock().remove(&channel.name);
            channel.log.close();
        }
    }

    pub(crate) fn close_all(&mut self) {
        while let Some((&id, _)) = self.open.first_key_value() {
            self.close(id);
        }
    }

    pub(crate) fn set_init(&self, id: ChannelId, init: &[u8]) {
        if let Some(channel) = self.open.get(&id) {
            channel.log.set_init(init);
        }
    }

    pub(crate) fn push(&self, id: ChannelId, frame: LoggedFrame) {
        if let Some(channel) = self.open.get(&id) {
            channel.log.push(frame);
        }
    }

    pub(crate) fn id_of(&self, name: &ChannelName) -> Option<ChannelId> {
        self.open.iter().find(|(_, channel)| channel.name == *name).map(|(&id, _)| id)
    }

    /// When the channel began.
    pub(crate) fn began_at(&self, id: ChannelId) -> Option<Instant> {
        self.open.get(&id).map(|channel| channel.began_at)
    }

    /// In order of their names.
    pub(crate) fn ids(&self) -> Vec<ChannelId> {
        let mut channels: Vec<_> = self.open.iter().map(|(&id, channel)| (&channel.name, id)).collect();
        channels.sort_unstable();
        channels.into_iter().map(|(_, id)| id).collect()
    }
}
