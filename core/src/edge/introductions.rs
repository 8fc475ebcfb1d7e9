//! Introductions: a client that is named candidates, and each of those, learn of each other at once, so that both NATs are opened
//! from inside (hole punching, RFC 5128 clause 3.3). Nobody else is ever told an address.

use core::net::SocketAddr;

use heapless::Vec;

use crate::auth::Auth;
use crate::endpoint::Reject;
use crate::limits::{CANDIDATES_MAX, MEETING_ADDRESSES_MAX, UNMET_MAX};
use crate::nat::{CompactAddress, NatClass, NatMapping, can_meet, is_local};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::ControlWriter;
use crate::wire::control::{ClientId, Cookie, Introduce, Message, Reach};

use super::client_slot::{ClientRecord, ClientSlot};
use super::feeds::deciseconds;
use super::machine::Edge;

/// A pair that did not meet is not introduced again for this long (docs/wire.md, "Peers"), in tenths of a second.
const UNMET_DS: u32 = 600;
/// The most that the totals of one report can add to the edge's: four answers of the tracker, more than fit between two reports.
const TOTAL_STEP_MAX: u32 = 32;

/// A peer that was not met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unmet {
    client: ClientId,
    until_ds: u32,
}

impl Unmet {
    const EMPTY: Self = Self { client: ClientId::EDGE, until_ds: 0 };
}

/// How a client is reached, and whom it is to meet.
#[derive(Debug)]
pub(super) struct Reachability {
    /// What its NAT does, as last told.
    pub(super) nat: NatClass,
    /// Its address in its own network, as last told.
    pub(super) private: CompactAddress,
    /// Where else it proved to receive.
    pub(super) also_at: CompactAddress,
    /// Slots of the clients it is to be told of, plus one; 0: none.
    askers: [u16; CANDIDATES_MAX],
    unmet: [Unmet; UNMET_MAX],
    /// The client's totals as last told; a client that joins again brings those of before.
    totals: Option<(u32, u32)>,
}

impl Reachability {
    pub(super) const EMPTY: Self = Self {
        nat: NatClass::UNKNOWN,
        private: CompactAddress::NONE,
        also_at: CompactAddress::NONE,
        askers: [0; CANDIDATES_MAX],
        unmet: [Unmet::EMPTY; UNMET_MAX],
        totals: None,
    };

    fn has_unmet(&self, now_ds: u32, client: ClientId) -> bool {
        self.unmet.iter().any(|unmet| unmet.client == client && unmet.until_ds > now_ds)
    }

    /// Notes a peer that was not met, in the place of the one whose time is over soonest.
    fn note_unmet(&mut self, now_ds: u32, client: ClientId) {
        if client == ClientId::EDGE || self.has_unmet(now_ds, client) {
            return;
        }
        if let Some(place) = self.unmet.iter_mut().min_by_key(|unmet| unmet.until_ds) {
            *place = Unmet { client, until_ds: now_ds.saturating_add(UNMET_DS) };
        }
    }
}

/// One of two clients, as far as their meeting goes.
struct Side<'e> {
    id: ClientId,
    public: SocketAddr,
    reach: &'e Reachability,
}

impl Side<'_> {
    fn has_v6(&self) -> bool {
        self.public.is_ipv6() || self.reach.also_at.get().is_some_and(|address| address.is_ipv6())
    }

    fn is_beside(&self, other: &Self) -> bool {
        self.public.ip() == other.public.ip()
    }
}

/// Whether the addresses of two clients let them meet, where NATs are told apart.
fn are_reachable(one: &Side<'_>, other: &Side<'_>) -> bool {
    let is_same_kind = one.public.is_ipv4() == other.public.is_ipv4();
    let has_private = |side: &Side<'_>| side.reach.private != CompactAddress::NONE;
    let is_at_home = one.is_beside(other) && has_private(one) && has_private(other);
    (is_same_kind && (can_meet(one.reach.nat, other.reach.nat) || is_at_home))
        || (one.has_v6() && other.has_v6())
}

impl<S: FrameStore> Edge<'_, S> {
    fn side(&self, slot: u32) -> Option<Side<'_>> {
        let handle = self.clients.handle_of(slot)?;
        let client: &ClientSlot = self.clients.get(handle)?;
        let record: &ClientRecord = self.records.get(slot as usize)?;
        Some(Side { id: self.client_id(handle), public: client.path.remote, reach: &record.reach })
    }

    /// Whether clients can find out what their NATs do: as long as nothing came in at the second socket it may be shut, and then
    /// everybody's class stays unknown.
    fn tells_nats_apart(&self) -> bool {
        self.config.sockets.is_some() && self.is_second_heard
    }

    /// Whether two clients are to be told of each other.
    pub(super) fn may_meet(&self, now: Instant, asker: u32, supplier: u32) -> bool {
        let (Some(asker), Some(supplier)) = (self.side(asker), self.side(supplier)) else { return false };
        let now_ds = deciseconds(now);
        let has_failed =
            asker.reach.has_unmet(now_ds, supplier.id) || supplier.reach.has_unmet(now_ds, asker.id);
        !has_failed && (!self.tells_nats_apart() || are_reachable(&asker, &supplier))
    }

    /// Where `of` may be reached by `by`.
    fn addresses(&self, of: u32, by: u32) -> Option<(ClientId, Vec<SocketAddr, MEETING_ADDRESSES_MAX>)> {
        let (of, by) = (self.side(of)?, self.side(by)?);
        let private = of.reach.private.get().filter(|_| of.is_beside(&by));
        let others = private.into_iter().chain(of.reach.also_at.get());
        let mut addresses = Vec::new();
        for address in core::iter::once(of.public).chain(others) {
            if !addresses.contains(&address) {
                // One place for each kind of address.
                let _ = addresses.push(address);
            }
        }
        Some((of.id, addresses))
    }

    /// Tells a client where else its candidates are than it is told with them. `false`: not all found room.
    pub(super) fn write_whereabouts(
        &self,
        slot: u32,
        told: &[ClientId],
        writer: &mut ControlWriter<'_>,
    ) -> bool {
        told.iter().all(|&client| {
            let Some(of) = self.slot_of(crate::wire::control::LinkId(client.0)) else { return true };
            let Some((client, addresses)) = self.addresses(of, slot) else { return true };
            addresses.len() < 2 || writer.push(&Message::Introduce(Introduce { client, addresses }))
        })
    }

    /// Has the candidates of an asker told of it.
    pub(super) fn introduce(&mut self, now: Instant, asker: u32, told: &[ClientId]) {
        let Ok(place_of_asker) = u16::try_from(asker.saturating_add(1)) else { return };
        for client in told {
            let Some(supplier) = self.slot_of(crate::wire::control::LinkId(client.0)) else { continue };
            let Some(record) = self.records.get_mut(supplier as usize) else { continue };
            self.stats.introductions += 1;
            let askers = &mut record.reach.askers;
            if !askers.contains(&place_of_asker) {
                // With all places taken the asker comes as a stranger: slower, not lost.
                let Some(place) = askers.iter_mut().find(|place| **place == 0) else { continue };
                *place = place_of_asker;
            }
            if let Some(client) = self.clients.at_mut(supplier) {
                client.pending.introduce = true;
            }
            self.refresh(now, supplier);
        }
    }

    /// Tells a client of those that were told of it.
    pub(super) fn write_introductions(&mut self, slot: u32, writer: &mut ControlWriter<'_>) {
        for index in 0..CANDIDATES_MAX {
            let Some(record) = self.records.get(slot as usize) else { return };
            let place = record.reach.askers.get(index).copied().unwrap_or(0);
            let Some(asker) = place.checked_sub(1).map(u32::from) else { continue };
            if let Some((client, addresses)) =
                self.addresses(asker, slot).filter(|_| self.is_beside(asker, slot))
                && !writer.push(&Message::Introduce(Introduce { client, addresses }))
            {
                return;
            }
            if let Some(place) = self.record_mut(slot).and_then(|record| record.reach.askers.get_mut(index)) {
                *place = 0;
            }
        }
        if let Some(client) = self.clients.at_mut(slot) {
            client.pending.introduce = false;
        }
    }

    /// Whether two slots are of one channel: a slot may have been given to another since it was noted.
    fn is_beside(&self, one: u32, other: u32) -> bool {
        let channel = |slot| self.clients.at(slot).map(|client| client.channel);
        channel(one).is_some() && channel(one) == channel(other)
    }

    /// How a client is reached, and how its meetings went.
    pub(super) fn on_reach(&mut self, now: Instant, slot: u32, reach: &Reach) -> Result<(), Reject> {
        let now_ds = deciseconds(now);
        let record = self.records.get_mut(slot as usize).ok_or(Reject::UnknownPeer)?;
        let was_unknown = record.reach.nat.mapping == NatMapping::Unknown;
        let told = &mut record.reach;
        told.nat = reach.nat;
        // Whoever claims a public address has to prove it: it might be somebody else's.
        told.private = reach.private.filter(|address| is_local(&address.ip())).into();
        let before = told.totals.replace((reach.met, reach.unmet)).unwrap_or((reach.met, reach.unmet));
        let met = reach.met.saturating_sub(before.0).min(TOTAL_STEP_MAX);
        let unmet = reach.unmet.saturating_sub(before.1).min(TOTAL_STEP_MAX);
        for &client in &reach.unmet_list {
            told.note_unmet(now_ds, client);
        }
        self.stats.introductions_met += u64::from(met);
        self.stats.introductions_failed += u64::from(unmet);
        let is_known = reach.nat.mapping != NatMapping::Unknown;
        let leases = self.clients.at(slot).map_or(0, |client| client.leases.0);
        if was_unknown && is_known && leases != 0 && self.tells_nats_apart() {
            // The welcome could name only those whom anybody can meet.
            self.answer_find(now, slot, leases)?;
        }
        Ok(())
    }

    /// Another address, proved by what the edge told there.
    pub(super) fn on_also_at(
        &mut self,
        now: Instant,
        slot: u32,
        address: &SocketAddr,
        cookie: &Cookie,
    ) -> Result<(), Reject> {
        if !self.auth.verify_cookie(now, address, cookie) {
            return Err(Reject::Unauthentic);
        }
        let record = self.record_mut(slot).ok_or(Reject::UnknownPeer)?;
        record.reach.also_at = (*address).into();
        Ok(())
    }
}

#[cfg(test)]
#[path = "introductions_tests.rs"]
mod tests;
