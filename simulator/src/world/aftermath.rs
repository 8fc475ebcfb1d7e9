//! What comes of faults: who stalls, how fast it heals, whether the children of slow parents move.

use livesky_core::Instant;

use super::run::World;
use super::viewer::Viewer;
use crate::metrics::Watching;
use crate::results::FaultRow;

/// How long after a fault's end a stall still counts as its doing.
const AFTER_US: u64 = 10_000_000;
/// A viewer that came less than this ago may still be starting.
const STARTING_US: u64 = 5_000_000;
/// By then the children of a slow parent that it cannot feed have moved.
const SOON_US: u64 = 3_000_000;
/// A buffer from which a departure must not be seen, in milliseconds.
const BUFFERED_MS: u32 = 2_000;

/// A viewer that was there when a fault began.
#[derive(Clone, Copy, Debug)]
struct Witness {
    session: u32,
    buffer_ms: u32,
    has_stalled: bool,
}

/// A feed of a parent that was slowed down.
#[derive(Clone, Copy, Debug)]
struct Child {
    session: u32,
    parent: u32,
    substreams: u16,
}

/// One fault that has begun.
#[derive(Clone, Debug)]
pub(crate) struct Aftermath {
    fault: usize,
    began_at: Instant,
    ends_at: Instant,
    /// In the order of their sessions.
    witnesses: Vec<Witness>,
    children: Vec<Child>,
    moved_at: Option<Instant>,
    healed_at: Option<Instant>,
    row: FaultRow,
}

impl Aftermath {
    /// A viewer stalls.
    fn on_stalled(&mut self, now: Instant, session: u32) {
        if now > self.ends_at.plus_micros(AFTER_US) {
            return;
        }
        let place = self.witnesses.binary_search_by_key(&session, |witness| witness.session);
        let witness = place.ok().and_then(|place| self.witnesses.get_mut(place));
        if let Some(witness) = witness.filter(|witness| !witness.has_stalled) {
            witness.has_stalled = true;
            self.row.stalled += 1;
            self.row.stalled_with_buffer += u64::from(witness.buffer_ms >= BUFFERED_MS);
        }
    }

    fn row(&self) -> FaultRow {
        let seconds = |at: Instant, from: Instant| at.micros_since(from) as f64 / 1e6;
        FaultRow {
            healed_after_s: self.healed_at.map(|at| seconds(at, self.ends_at)),
            moved_after_s: self.moved_at.map(|at| seconds(at, self.began_at)),
            ..self.row.clone()
        }
    }
}

impl World<'_> {
    /// A fault is about to begin.
    pub(super) fn witness_fault(&mut self, index: usize) {
        let now = self.wire.now;
        let Some(fault) = self.scenario.faults.get(index) else { return };
        let (at_s, for_s) = fault.span_s();
        let watch = |session: &u32| {
            let slot = self.viewers.get(*session as usize).and_then(Viewer::slot)?;
            let buffer_ms = self.machines.get(slot)?.watch_stats(now).buffer_ms;
            Some(Witness { session: *session, buffer_ms, has_stalled: false })
        };
        let mut witnesses: Vec<Witness> = self.present.iter().filter_map(watch).collect();
        witnesses.sort_unstable_by_key(|witness| witness.session);
        let ends_at = now + core::time::Duration::from_secs_f64(for_s);
        let row = FaultRow { kind: fault.name().to_owned(), at_s, for_s, ..FaultRow::default() };
        self.aftermaths.push(Aftermath {
            fault: index,
            began_at: now,
            ends_at,
            witnesses,
            children: Vec::new(),
            moved_at: None,
            healed_at: None,
            row,
        });
    }

    /// So many clients are hit.
    pub(super) fn note_hit(&mut self, index: usize, clients: u64) {
        if let Some(aftermath) = self.aftermaths.iter_mut().find(|aftermath| aftermath.fault == index) {
            aftermath.row.clients += clients;
        }
    }

    /// A parent is slowed down: its children are watched.
    pub(super) fn note_slowed(&mut self, index: usize, session: u32) {
        let mut children = Vec::new();
        let Some(parent) = self.viewers.get(session as usize) else { return };
        let Some(machine) = parent.slot().and_then(|slot| self.machines.get(slot)) else { return };
        for peer in machine.peers().filter(|peer| peer.children != 0) {
            let child = self.wire.network.owner_of(peer.remote, parent.host);
            if let Some(child) = child.and_then(|child| child.0.checked_sub(self.wire.edges)) {
                children.push(Child { session: child, parent: session, substreams: peer.children });
            }
        }
        if let Some(aftermath) = self.aftermaths.iter_mut().find(|aftermath| aftermath.fault == index) {
            let feeds = children.iter().map(|child| u64::from(child.substreams.count_ones()));
            aftermath.row.children += feeds.sum::<u64>();
            aftermath.children.extend(children);
        }
    }

    /// A viewer stalls.
    pub(super) fn note_stall(&mut self, session: u32) {
        let now = self.wire.now;
        self.aftermaths.iter_mut().for_each(|aftermath| aftermath.on_stalled(now, session));
    }

    /// Looks whether all is well again, and who has moved.
    pub(super) fn follow_up(&mut self) {
        let now = self.wire.now;
        let is_watched =
            |aftermath: &Aftermath| aftermath.healed_at.is_none() || !aftermath.children.is_empty();
        if !self.aftermaths.iter().any(is_watched) {
            return;
        }
        let plays = |session: &u32| {
            self.viewers.get(*session as usize).is_none_or(|viewer| {
                let is_starting = now.micros_since(viewer.joined_at) < STARTING_US;
                is_starting || viewer.watch.state() == Watching::Playing
            })
        };
        let is_well = self.present.iter().all(plays);
        let mut aftermaths = core::mem::take(&mut self.aftermaths);
        for aftermath in &mut aftermaths {
            if now >= aftermath.ends_at && is_well {
                aftermath.healed_at.get_or_insert(now);
            }
            for child in &mut aftermath.children {
                let still = self.fed_by(child.session, child.parent) & child.substreams;
                let moved = (child.substreams & !still).count_ones();
                let since_us = now.micros_since(aftermath.began_at);
                if since_us >= SOON_US && now <= aftermath.ends_at {
                    let behind_ms = self.behind_ms(child.session, still);
                    aftermath.row.stayed_behind_ms = aftermath.row.stayed_behind_ms.max(behind_ms);
                }
                if moved > 0 && now <= aftermath.ends_at {
                    aftermath.row.children_moved += u64::from(moved);
                    if since_us <= SOON_US {
                        aftermath.row.children_moved_soon += u64::from(moved);
                    }
                    aftermath.moved_at = Some(now);
                }
                child.substreams = still;
            }
            aftermath.children.retain(|child| child.substreams != 0);
        }
        self.aftermaths = aftermaths;
    }

    /// The most that any of a viewer's feeds is behind what it knows of.
    fn behind_ms(&self, session: u32, substreams: u16) -> Option<u64> {
        let machine = self.viewers.get(session as usize)?.slot().and_then(|slot| self.machines.get(slot))?;
        let fed = (0..16_u8).filter(|substream| substreams >> substream & 1 == 1);
        let frames = fed.filter_map(|substream| machine.behind_frames(substream)).max()?;
        Some(u64::from(frames) * u64::from(self.scenario.channel.cadence_us) / 1_000)
    }

    /// Substreams a viewer takes from another, as it sees it.
    fn fed_by(&self, session: u32, parent: u32) -> u16 {
        let Some(viewer) = self.viewers.get(session as usize) else { return 0 };
        let Some(parent) = self.viewers.get(parent as usize).map(|parent| parent.host) else { return 0 };
        let Some(machine) = viewer.slot().and_then(|slot| self.machines.get(slot)) else { return 0 };
        let feeders = machine.peers().filter(|peer| peer.feeds != 0);
        let of_parent = |remote| self.wire.network.owner_of(remote, viewer.host) == Some(parent);
        feeders.filter(|peer| of_parent(peer.remote)).fold(0, |feeds, peer| feeds | peer.feeds)
    }

    pub(super) fn fault_rows(&self) -> Vec<FaultRow> {
        self.aftermaths.iter().map(Aftermath::row).collect()
    }
}
