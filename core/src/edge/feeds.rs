//! Feeds: who is fed what, for how long, and where one feeder's part ends and the other's begins.

use crate::endpoint::Reject;
use crate::media::{FrameId, Overlay};
use crate::scaling::Thresholds;
use crate::store::{FrameStore, List, links_of};
use crate::time::Instant;
use crate::wire::control::{Class, Grant, RefuseReason, Subscribe};

use super::channel::ChannelId;
use super::client_slot::ClientSlot;
use super::machine::Edge;

/// A lease ends this long after the last status that names it (docs/wire.md, "Feeds").
pub(super) const LEASE_DS: u32 = 50;
/// Nobody asks for a feed that begins further ahead of the newest frame: the longest target buffer.
const AHEAD_MS: u64 = 120_000;

/// What a feed counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Granted {
    /// For good: counts towards Nc.
    Feed,
    /// For the time until a client that joined has parents.
    JoinLease,
    /// From the rescue budget.
    RescueLease,
}

impl Granted {
    pub(super) const fn grant(self) -> Grant {
        match self {
            Self::Feed => Grant::Feed,
            Self::JoinLease | Self::RescueLease => Grant::Lease,
        }
    }
}

impl ClientSlot {
    /// What the feed of a substream counts as; `None`: there is none.
    pub(super) fn granted(&self, substream: u8) -> Option<Granted> {
        match (self.feeds.has(substream), self.leases.has(substream), self.rescues.has(substream)) {
            (true, _, _) => Some(Granted::Feed),
            (false, true, false) => Some(Granted::JoinLease),
            (false, true, true) => Some(Granted::RescueLease),
            (false, false, _) => None,
        }
    }

    /// A lease's time begins anew. Whoever waits for the line was given another, which nothing renews.
    pub(super) fn renew_lease(&mut self, substream: u8, now: Instant) {
        let is_waiting = self.is_waiting;
        if let Some(feed) = self.feed_mut(substream).filter(|_| !is_waiting) {
            feed.lease_end_ds = lease_end_ds(now);
        }
    }

    /// Feeds that stand still end after a lease's time, if not sooner: the line gives all it ever will, and there is no room yet.
    pub(super) fn hasten_end(&mut self, now: Instant) {
        for substream in self.ending().iter() {
            if let Some(feed) = self.feed_mut(substream) {
                feed.lease_end_ds = feed.lease_end_ds.min(lease_end_ds(now));
            }
        }
    }

    fn set_granted(&mut self, substream: u8, granted: Option<Granted>) {
        self.feeds.set(substream, granted == Some(Granted::Feed));
        self.leases.set(substream, matches!(granted, Some(Granted::JoinLease | Granted::RescueLease)));
        self.rescues.set(substream, granted == Some(Granted::RescueLease));
    }
}

/// Tenths of a second since the origin: leases are counted in them.
pub(super) fn deciseconds(now: Instant) -> u32 {
    u32::try_from(now.as_micros() / 100_000).unwrap_or(u32::MAX)
}

/// The instant of a number of tenths of a second.
pub(super) const fn instant_of(deciseconds: u32) -> Instant {
    Instant::from_micros(deciseconds as u64 * 100_000)
}

fn lease_end_ds(now: Instant) -> u32 {
    deciseconds(now).saturating_add(LEASE_DS)
}

impl<S: FrameStore> Edge<'_, S> {
    pub(super) fn on_subscribe(&mut self, now: Instant, slot: u32, ask: &Subscribe) -> Result<(), Reject> {
        let substream = ask.substream;
        let Some(client) = self.clients.at(slot) else { return Err(Reject::UnknownPeer) };
        let id = client.channel;
        let running = client.granted(substream).filter(|_| !client.cut.has(substream));
        let promised = client.feed(substream).map(|feed| feed.mark).filter(|_| running.is_some());
        let Some(channel) = self.channel(id) else { return Err(Reject::UnknownChannel) };
        let ahead = u32::try_from(AHEAD_MS * 1_000 / u64::from(channel.settings.cadence_us.max(1)));
        let newest = channel.newest.unwrap_or(channel.next);
        if substream >= channel.settings.substreams || ask.from > newest.plus(ahead.unwrap_or(u32::MAX)) {
            return Err(Reject::Unexpected);
        }
        let Some(granted) = self.grant_for(slot, running) else {
            self.refuse_feed(now, slot, substream, RefuseReason::Budget);
            return Ok(());
        };
        match promised.filter(|&first| first >= ask.from) {
            Some(_) => self.regrant(slot, substream, Some(granted)),
            None => {
                let first = self.first_from(id, substream, ask.from);
                self.begin_feed(now, slot, substream, first, granted);
            }
        }
        if granted == Granted::RescueLease && running != Some(Granted::RescueLease) {
            self.stats.rescues += 1;
            self.note_rescued(slot);
        }
        if let Some(client) = self.clients.at_mut(slot) {
            client.accepts.set(substream, true);
            client.refusals.set(substream, false);
            client.renew_lease(substream, now);
        }
        self.refresh(now, slot);
        self.arm(now, slot);
        Ok(())
    }

    fn refuse_feed(&mut self, now: Instant, slot: u32, substream: u8, reason: RefuseReason) {
        self.stats.rescues_refused += 1;
        if let Some(client) = self.clients.at_mut(slot) {
            client.refusals.set(substream, true);
            client.accepts.set(substream, false);
            client.refuse_reason = reason;
        }
        self.refresh(now, slot);
    }

    /// What a client that asks for a feed gets: one for good while Nc is below what the stage wants, else a lease while the
    /// rescue budget lasts; what runs already stays at least as it is.
    fn grant_for(&self, slot: u32, running: Option<Granted>) -> Option<Granted> {
        let client = self.clients.at(slot)?;
        let channel = self.channel(client.channel)?;
        let substreams = f64::from(channel.settings.substreams.max(1));
        let nc_then = f64::from(channel.feeds.saturating_add(1)) / substreams;
        let thresholds = self.thresholds(client.channel);
        let has_overlay = has_overlay(channel.settings.overlay, channel.settings.levels_max);
        let nc_max = thresholds.map_or(0.0, |thresholds| match (has_overlay, client.class) {
            (false, _) | (true, Class::Push) => f64::from(thresholds.n_star),
            (true, Class::P2p) => thresholds.target_nc(channel.clients).min(f64::from(thresholds.n_star)),
        });
        let may_rescue = has_overlay && self.has_rescue_budget(channel.substream_bps());
        let can_wait = client.class == Class::P2p
            && has_overlay
            && self.has_spare_slots(client.channel, self.can_supply(slot))
            && may_rescue;
        if nc_then <= nc_max && !can_wait {
            return Some(Granted::Feed);
        }
        running.or_else(|| may_rescue.then_some(Granted::RescueLease))
    }

    /// The edge's bounds for a channel: what other channels were promised is not its to give, and what is kept for rescues, headers
    /// and bursts is kept of the whole line.
    pub(super) fn thresholds(&self, id: ChannelId) -> Option<Thresholds> {
        let channel = self.channel(id)?;
        let own_bps = channel.substream_bps().saturating_mul(u64::from(channel.feeds));
        let others_bps = self.promised.feeds_bps.saturating_sub(own_bps);
        let rate_bps = channel.settings.rate_bps;
        let others = others_bps.div_ceil(u64::from(rate_bps.max(1)));
        let n_star = u64::from(self.config.n_star(self.capacity_bps(), rate_bps)).saturating_sub(others);
        let n_star = u32::try_from(n_star).unwrap_or(u32::MAX);
        Thresholds::new(self.config.n1, n_star, channel.scaling, self.config.slope).ok()
    }

    /// What is left beside legacy clients, of a line that gives less of what it gives, and beside what has to be sent twice.
    pub(super) fn capacity_bps(&self) -> u64 {
        self.line.arriving_bps(self.line.counted_bps())
    }

    /// Whether leases of `more_bps` fit the rescue budget.
    pub(super) fn has_rescue_budget(&self, more_bps: u64) -> bool {
        let budget_bps = share_of(self.capacity_bps(), self.config.rescue_share);
        self.promised.rescues_bps.saturating_add(more_bps) <= budget_bps
    }

    /// The first frame of a substream at or after `from` that is held or still to come.
    pub(super) fn first_from(&self, id: ChannelId, substream: u8, from: FrameId) -> FrameId {
        let (Some(channel), Some(frames)) = (self.channel(id), self.frames.get(usize::from(id.0))) else {
            return from;
        };
        let settings = &channel.settings;
        let oldest = frames.oldest().unwrap_or(channel.next);
        let mut first = settings.mapping.next_in(substream, from.max(oldest), settings.substreams);
        while channel.newest.is_some_and(|newest| first <= newest) && !frames.is_complete(first) {
            first = settings.mapping.next_in(substream, first.next(), settings.substreams);
        }
        first
    }

    /// Begins a feed at `first`, or moves one that runs there.
    pub(super) fn begin_feed(
        &mut self,
        now: Instant,
        slot: u32,
        substream: u8,
        first: FrameId,
        granted: Granted,
    ) {
        let Some(id) = self.clients.at(slot).map(|client| client.channel) else { return };
        let Some(newest) = self.channel(id).map(|channel| channel.newest) else { return };
        self.regrant(slot, substream, Some(granted));
        let Some(client) = self.clients.at_mut(slot) else { return };
        client.cut.set(substream, false);
        client.behind.set(substream, newest.is_some_and(|newest| first <= newest));
        if client.current.is_some_and(|current| current.substream == substream) {
            client.current = None;
        }
        if let Some(feed) = client.feed_mut(substream) {
            (feed.next, feed.mark) = (first, first);
        }
        client.renew_lease(substream, now);
        self.with_subscribers(id, substream, |list, clients| {
            let mut links = links_of(clients, |client: &mut ClientSlot| {
                client.feed_mut(substream).map(|feed| &mut feed.links)
            });
            list.push_back(&mut links, slot);
        });
    }

    /// Ends a feed at once.
    pub(super) fn end_feed(&mut self, slot: u32, substream: u8) {
        let Some(client) = self.clients.at(slot).filter(|client| client.active().has(substream)) else {
            return;
        };
        let id = client.channel;
        self.regrant(slot, substream, None);
        if let Some(client) = self.clients.at_mut(slot) {
            client.cut.set(substream, false);
            client.behind.set(substream, false);
            if client.current.is_some_and(|current| current.substream == substream) {
                client.current = None;
            }
        }
        self.with_subscribers(id, substream, |list, clients| {
            let mut links = links_of(clients, |client: &mut ClientSlot| {
                client.feed_mut(substream).map(|feed| &mut feed.links)
            });
            list.remove(&mut links, slot);
        });
    }

    fn with_subscribers(
        &mut self,
        id: ChannelId,
        substream: u8,
        change: impl FnOnce(&mut List, &mut crate::store::Slab<'_, ClientSlot>),
    ) {
        let Some(channel) = self.channels.get_mut(usize::from(id.0)) else { return };
        let Some(list) = channel.subscribers.get_mut(usize::from(substream)) else { return };
        change(list, &mut self.clients);
    }

    /// Counts a feed as something else than before: the one place where promises change.
    pub(super) fn regrant(&mut self, slot: u32, substream: u8, granted: Option<Granted>) {
        let Some(client) = self.clients.at_mut(slot) else { return };
        let before = client.granted(substream);
        if before == granted {
            return;
        }
        client.set_granted(substream, granted);
        let Some(channel) = self.channels.get_mut(usize::from(client.channel.0)) else { return };
        let bps = channel.substream_bps();
        for (which, is_more) in [(before, false), (granted, true)] {
            let Some(which) = which else { continue };
            let (count, promised) = match which {
                Granted::Feed => (&mut channel.feeds, &mut self.promised.feeds_bps),
                Granted::JoinLease => (&mut channel.join_leases, &mut self.promised.joins_bps),
                Granted::RescueLease => (&mut channel.rescue_leases, &mut self.promised.rescues_bps),
            };
            *count = if is_more { count.saturating_add(1) } else { count.saturating_sub(1) };
            *promised = moved(*promised, bps, is_more);
            if client.is_waiting {
                self.promised.waiting_bps = moved(self.promised.waiting_bps, bps, is_more);
            }
        }
    }

    pub(super) fn on_release(
        &mut self,
        now: Instant,
        slot: u32,
        substream: u8,
        until: FrameId,
    ) -> Result<(), Reject> {
        let Some(client) = self.clients.at_mut(slot) else { return Err(Reject::UnknownPeer) };
        if !client.active().has(substream) {
            return Err(Reject::Duplicate);
        }
        let is_running = !client.cut.has(substream);
        if client.feed(substream).is_some_and(|feed| is_running && until < feed.mark) {
            // The end of an earlier feed, told late.
            return Err(Reject::Stale);
        }
        // An answer not yet given would begin the feed anew at the client.
        client.accepts.set(substream, false);
        client.cut.set(substream, true);
        let Some(feed) = client.feed_mut(substream) else { return Err(Reject::Unexpected) };
        feed.mark = until;
        if feed.next >= until {
            self.end_feed(slot, substream);
        }
        self.refresh(now, slot);
        Ok(())
    }
}

const fn moved(promised_bps: u64, bps: u64, is_more: bool) -> u64 {
    if is_more { promised_bps.saturating_add(bps) } else { promised_bps.saturating_sub(bps) }
}

/// Whether clients feed each other at all: with one level nobody has a child.
pub(super) const fn has_overlay(overlay: Overlay, levels_max: u8) -> bool {
    match overlay {
        Overlay::Push => levels_max > 1,
        Overlay::Off => false,
        Overlay::Mesh => true,
    }
}

/// A share of a rate, rounded down; shares outside 0..=1 are cut off.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates, and drops the fraction as wanted"
)]
pub(super) fn share_of(rate_bps: u64, share: f64) -> u64 {
    (rate_bps as f64 * share.clamp(0.0, 1.0) * (1.0 + 1e-9)) as u64
}
