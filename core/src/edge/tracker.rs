//! Tracker: who has free slots, and whom to tell an asker about.

use crate::endpoint::Reject;
use crate::limits::CANDIDATES_MAX;
use crate::media::Overlay;
use crate::rng::Rng;
use crate::store::{FrameStore, Handle, Slab, as_many_as_fit};
use crate::time::Instant;
use crate::wire::control::{Candidate, Transport};

use super::channel::ChannelId;
use super::client_slot::{ClientSlot, Mask};
use super::machine::Edge;

/// How long a slot is held for an asker.
const HOLD_US: u64 = 2_000_000;
/// A client is answered at most once in this time (docs/wire.md, "Status").
const ANSWER_GAP_US: u64 = 500_000;
/// With as many suppliers or fewer, each is looked at; with more, pairs are drawn.
const SUPPLIERS_SCANNED_MAX: u32 = 32;
/// Pairs drawn for an answer at most.
const DRAWS_MAX: u32 = 32;
/// Candidates beyond the number of substreams asked for, since some will not do.
const SPARES: usize = 2;

/// A slot promised to an asker.
#[derive(Clone, Copy, Debug)]
pub struct Reservation {
    supplier: Handle,
    until: Instant,
}

impl Reservation {
    /// An empty place.
    pub const EMPTY: Self = Self { supplier: Handle::EMPTY, until: Instant::ZERO };
}

/// Suppliers of each channel, and the slots promised.
#[derive(Debug)]
pub(super) struct Tracker<'a> {
    suppliers: &'a mut [u32],
    /// Suppliers of one channel at most.
    part: usize,
    /// A ring: all are held equally long, so the first to be promised is the first to end.
    reservations: &'a mut [Reservation],
    first: usize,
    len: usize,
}

impl<'a> Tracker<'a> {
    pub(super) fn new(
        suppliers: &'a mut [u32],
        reservations: &'a mut [Reservation],
        channels: usize,
    ) -> Self {
        let part = suppliers.len() / channels.max(1);
        Self { suppliers, part, reservations, first: 0, len: 0 }
    }

    fn place(&mut self, channel: ChannelId, index: u32) -> Option<&mut u32> {
        let index = usize::try_from(index).ok().filter(|&index| index < self.part)?;
        self.suppliers.get_mut(usize::from(channel.0).checked_mul(self.part)?.checked_add(index)?)
    }

    pub(super) fn supplier(&self, channel: ChannelId, index: u32) -> Option<u32> {
        let index = usize::try_from(index).ok().filter(|&index| index < self.part)?;
        self.suppliers.get(usize::from(channel.0).checked_mul(self.part)?.checked_add(index)?).copied()
    }

    /// Promises a slot; `false` when no more promises can be kept in mind.
    fn reserve(&mut self, now: Instant, supplier: Handle) -> bool {
        let size = self.reservations.len();
        if self.len >= size {
            return false;
        }
        let Some(place) = self.first.checked_add(self.len).and_then(|place| place.checked_rem(size)) else {
            return false;
        };
        if let Some(place) = self.reservations.get_mut(place) {
            *place = Reservation { supplier, until: now.plus_micros(HOLD_US) };
            self.len += 1;
        }
        true
    }

    /// Ends the promises of before.
    pub(super) fn expire(&mut self, now: Instant, clients: &mut Slab<'_, ClientSlot>) {
        while let Some(reservation) = self.front().filter(|reservation| reservation.until <= now) {
            if let Some(client) = clients.get_mut(reservation.supplier) {
                client.reserved = client.reserved.saturating_sub(1);
            }
            self.first = (self.first + 1).checked_rem(self.reservations.len()).unwrap_or(0);
            self.len -= 1;
        }
    }

    fn front(&self) -> Option<Reservation> {
        if self.len == 0 { None } else { self.reservations.get(self.first).copied() }
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.front().map(|reservation| reservation.until)
    }

    /// Promises that run.
    pub(super) const fn reserved(&self) -> usize {
        self.len
    }
}

/// What decides between two suppliers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Supplier {
    pub(super) slot: u32,
    pub(super) slots_free: u8,
    pub(super) joined_at: Instant,
}

/// The better of two: more free slots, then the older.
pub(super) fn better(left: Option<Supplier>, right: Option<Supplier>) -> Option<Supplier> {
    match (left, right) {
        (Some(left), Some(right)) => {
            let is_right = (right.slots_free, left.joined_at) > (left.slots_free, right.joined_at);
            Some(if is_right { right } else { left })
        }
        (one, None) | (None, one) => one,
    }
}

/// Slots to be held at each of `free` candidates for one who wants `wanted` substreams: one at each, then more at the first,
/// but never more than half of what is wanted at one, until there are as many as wanted.
pub(super) fn shares(free: &[u8], wanted: usize) -> heapless::Vec<u8, CANDIDATES_MAX> {
    let mut held: heapless::Vec<u8, CANDIDATES_MAX> = as_many_as_fit(free.iter().map(|&free| free.min(1)));
    let half = u8::try_from(wanted.div_ceil(2)).unwrap_or(u8::MAX);
    let mut sum: usize = held.iter().map(|&held| usize::from(held)).sum();
    for (held, &free) in held.iter_mut().zip(free) {
        while sum < wanted && *held < free.min(half) {
            *held += 1;
            sum += 1;
        }
    }
    held
}

impl<S: FrameStore> Edge<'_, S> {
    /// Puts a client among its channel's suppliers or takes it out, as its last status says.
    pub(super) fn update_supplier(&mut self, slot: u32) {
        let Some(client) = self.clients.at(slot) else { return };
        let (channel, place) = (client.channel, client.supplier_place);
        let has_feeds = !client.feedable.is_empty();
        let is_supplier = client.slots > 0 && has_feeds;
        self.count_slots(slot, has_feeds);
        let Some(count) = self.channel(channel).map(|channel| channel.suppliers) else { return };
        let count = match (is_supplier, place.checked_sub(1)) {
            (true, None) => {
                let Some(end) = self.tracker.place(channel, count) else { return };
                *end = slot;
                self.set_supplier_place(slot, count.saturating_add(1));
                count.saturating_add(1)
            }
            (false, Some(index)) => {
                let last = count.saturating_sub(1);
                self.set_supplier_place(slot, 0);
                if let Some(moved) = self.tracker.supplier(channel, last).filter(|_| last != index) {
                    if let Some(hole) = self.tracker.place(channel, index) {
                        *hole = moved;
                    }
                    self.set_supplier_place(moved, index.saturating_add(1));
                }
                last
            }
            (true, Some(_)) | (false, None) => return,
        };
        if let Some(channel) = self.channel_mut(channel) {
            channel.suppliers = count;
        }
    }

    fn set_supplier_place(&mut self, slot: u32, place: u32) {
        if let Some(client) = self.clients.at_mut(slot) {
            client.supplier_place = place;
        }
    }

    /// The supplier at a place, when it can feed any of `wanted`, can meet the asker, and is neither the asker nor chosen already.
    fn qualified(
        &mut self,
        now: Instant,
        channel: ChannelId,
        index: u32,
        wanted: Mask,
        asker: Option<u32>,
        chosen: &[Supplier],
    ) -> Option<Supplier> {
        let slot = self.tracker.supplier(channel, index)?;
        let client = self.clients.at(slot).filter(|client| client.channel == channel)?;
        let is_fit = client.slots_free() > 0 && client.feedable.0 & wanted.0 != 0;
        let is_other = asker != Some(slot) && chosen.iter().all(|other| other.slot != slot);
        let supplier = Supplier { slot, slots_free: client.slots_free(), joined_at: client.joined_at };
        if !is_fit || !is_other {
            return None;
        }
        // A newcomer's NAT is not known before it was let in: whom it may meet is decided when it is told.
        let can_meet = asker.is_none_or(|asker| self.may_meet(now, asker, slot));
        if !can_meet {
            self.stats.introductions_passed_over += 1;
        }
        can_meet.then_some(supplier)
    }

    /// Picks candidates by the power of two choices; each is looked at when they are few.
    fn pick(
        &mut self,
        now: Instant,
        channel: ChannelId,
        wanted: Mask,
        asker: Option<u32>,
    ) -> heapless::Vec<Supplier, CANDIDATES_MAX> {
        let mut chosen = heapless::Vec::new();
        let Some(count) = self.channel(channel).map(|channel| channel.suppliers) else { return chosen };
        let wish = (wanted.iter().count() + SPARES).min(CANDIDATES_MAX);
        let mut rng: Rng = self.rng.clone();
        let offset = rng.below(count);
        let draws = if count <= SUPPLIERS_SCANNED_MAX { count } else { DRAWS_MAX };
        for draw in 0..draws {
            let (first, second) = if count <= SUPPLIERS_SCANNED_MAX {
                let index = offset.saturating_add(draw).checked_rem(count).unwrap_or(0);
                (index, index)
            } else {
                (rng.below(count), rng.below(count))
            };
            let first = self.qualified(now, channel, first, wanted, asker, &chosen);
            let second = self.qualified(now, channel, second, wanted, asker, &chosen);
            let Some(best) = better(first, second) else { continue };
            if chosen.push(best).is_err() || chosen.len() >= wish {
                break;
            }
        }
        self.rng = rng;
        chosen
    }

    /// Picks candidates and holds their slots for 2 s. Gives their slots plus one, empty when none could be held.
    pub(super) fn reserve_candidates(
        &mut self,
        now: Instant,
        channel: ChannelId,
        wanted: Mask,
        asker: Option<u32>,
    ) -> [u16; CANDIDATES_MAX] {
        self.tracker.expire(now, &mut self.clients);
        let mut offered = [0; CANDIDATES_MAX];
        let chosen = self.pick(now, channel, wanted, asker);
        let free: heapless::Vec<u8, CANDIDATES_MAX> =
            as_many_as_fit(chosen.iter().map(|supplier| supplier.slots_free));
        let held = shares(&free, wanted.iter().count());
        let mut places = offered.iter_mut();
        // Who is only asked for single frames gives no slot away.
        let is_mesh = self.channel(channel).is_some_and(|channel| channel.settings.overlay == Overlay::Mesh);
        for (supplier, &held) in chosen.iter().zip(&held) {
            let Some(handle) = self.clients.handle_of(supplier.slot) else { continue };
            let held = if is_mesh { 0 } else { held };
            let kept = (0..held).take_while(|_| self.tracker.reserve(now, handle)).count();
            let is_offered = kept > 0 || is_mesh;
            let Some(client) = self.clients.at_mut(supplier.slot).filter(|_| is_offered) else { continue };
            client.reserved = client.reserved.saturating_add(u8::try_from(kept).unwrap_or(u8::MAX));
            if let Some(place) = places.next() {
                *place = u16::try_from(supplier.slot).unwrap_or(u16::MAX).wrapping_add(1);
            }
        }
        offered
    }

    /// What an asker is told of those offered to it that are still there.
    pub(super) fn candidates(&self, now: Instant, slot: u32) -> heapless::Vec<Candidate, CANDIDATES_MAX> {
        let asked = self.records.get(slot as usize).map(|record| record.offered).unwrap_or_default();
        let channel = self.clients.at(slot).map(|client| client.channel);
        let told = asked.iter().filter_map(|place| {
            let supplier = u32::from(place.checked_sub(1)?);
            let handle = self.clients.handle_of(supplier)?;
            let client = self.clients.get(handle).filter(|client| Some(client.channel) == channel)?;
            if !self.may_meet(now, slot, supplier) {
                return None;
            }
            let age_s = now.micros_since(client.joined_at) / 1_000_000;
            Some(Candidate {
                client: self.client_id(handle),
                address: client.path.remote,
                transport: Transport::Udp,
                slots: client.slots,
                feedable: client.feedable.0,
                age_s: u8::try_from(age_s).unwrap_or(u8::MAX),
            })
        });
        as_many_as_fit(told)
    }

    pub(super) fn on_find_parents(&mut self, now: Instant, slot: u32, substreams: u16) -> Result<(), Reject> {
        let Some(client) = self.clients.at(slot) else { return Err(Reject::UnknownPeer) };
        let id = client.channel;
        let all = self.channel(id).map_or(0, |channel| channel.settings.all_substreams());
        let wanted = Mask(substreams & all);
        let Some(record) = self.record_mut(slot) else { return Err(Reject::UnknownPeer) };
        if wanted.is_empty() {
            return Err(Reject::Unexpected);
        }
        if record.answered_at != Instant::ZERO && now.micros_since(record.answered_at) < ANSWER_GAP_US {
            return Err(Reject::Duplicate);
        }
        self.answer_find(now, slot, wanted.0)
    }

    /// Holds slots for a client that looks for feeders of `substreams`, and has it told where.
    pub(super) fn answer_find(&mut self, now: Instant, slot: u32, substreams: u16) -> Result<(), Reject> {
        let Some(client) = self.clients.at(slot) else { return Err(Reject::UnknownPeer) };
        let id = client.channel;
        if let Some(record) = self.record_mut(slot) {
            record.answered_at = now;
        }
        let offered = self.reserve_candidates(now, id, Mask(substreams), Some(slot));
        if let Some(record) = self.record_mut(slot) {
            record.offered = offered;
        }
        if let Some(client) = self.clients.at_mut(slot) {
            client.pending.candidates = true;
        }
        self.refresh(now, slot);
        Ok(())
    }
}
