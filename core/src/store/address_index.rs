//! From a socket address to a slot number, over slots the caller lends.

use core::hash::Hasher;
use core::net::{IpAddr, SocketAddr};

use siphasher::sip::SipHasher13;

/// One entry of an [`AddressIndex`]: 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct AddressSlot {
    key: Key,
    hash: u32,
    value: u32,
}

impl AddressSlot {
    /// No entry; all zero bits.
    pub const EMPTY: Self = Self { key: Key::NONE, hash: 0, value: 0 };
}

/// A socket address in a form whose layout is ours. An IPv6 flow label is no part of who someone is, and left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    ip: [u8; 16],
    scope: u32,
    port: u16,
    /// 4 or 6; 0: no address.
    family: u8,
}

impl Key {
    const NONE: Self = Self { ip: [0; 16], scope: 0, port: 0, family: 0 };

    fn of(address: &SocketAddr) -> Self {
        let mut key = Self { port: address.port(), ..Self::NONE };
        match address.ip() {
            IpAddr::V4(ip) => {
                key.family = 4;
                if let Some(bytes) = key.ip.first_chunk_mut() {
                    *bytes = ip.octets();
                }
            }
            IpAddr::V6(ip) => {
                key.family = 6;
                key.ip = ip.octets();
            }
        }
        if let SocketAddr::V6(address) = address {
            key.scope = address.scope_id();
        }
        key
    }

    fn is_none(&self) -> bool {
        self.family == 0
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "half of the hash is enough to place and compare entries"
    )]
    fn hash(&self, secret: &[u8; 16]) -> u32 {
        let mut hasher = SipHasher13::new_with_key(secret);
        hasher.write(&self.ip);
        let mut rest = [0; 8];
        let parts = self.scope.to_le_bytes().into_iter().chain(self.port.to_le_bytes()).chain([self.family]);
        rest.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        hasher.write(&rest);
        hasher.finish() as u32
    }
}

/// No room for another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AddressIndexFull;

/// A hash table from addresses to slot numbers: linear probing, keyed so that a sender cannot choose collisions, deletion by
/// shifting back so that lookups never slow down with age. Holds at most 7/8 of the lent slots (rounded up), for short probes.
#[derive(Debug)]
pub struct AddressIndex<'a> {
    slots: &'a mut [AddressSlot],
    secret: [u8; 16],
    len: u32,
}

impl<'a> AddressIndex<'a> {
    /// An empty index; the lent slots are cleared. `secret` is unknown to those who choose the addresses.
    #[must_use]
    pub fn new(slots: &'a mut [AddressSlot], secret: [u8; 16]) -> Self {
        slots.fill(AddressSlot::EMPTY);
        Self { slots, secret, len: 0 }
    }

    /// Slots to lend for `addresses` addresses: half as many again, which keeps probes at about 2 slots.
    #[must_use]
    pub const fn slots_for(addresses: usize) -> usize {
        addresses.saturating_add(addresses.div_ceil(2))
    }

    /// Sets what `address` leads to and gives what it led to before.
    ///
    /// # Errors
    /// [`AddressIndexFull`] when the address is not known and there is no room for it.
    pub fn insert(&mut self, address: SocketAddr, value: u32) -> Result<Option<u32>, AddressIndexFull> {
        let key = Key::of(&address);
        let hash = key.hash(&self.secret);
        let place = self.place_of(&key, hash).ok_or(AddressIndexFull)?;
        let room = self.len < self.capacity();
        let slot = self.slots.get_mut(place as usize).ok_or(AddressIndexFull)?;
        if !slot.key.is_none() {
            return Ok(Some(core::mem::replace(&mut slot.value, value)));
        }
        if !room {
            return Err(AddressIndexFull);
        }
        *slot = AddressSlot { key, hash, value };
        self.len = self.len.saturating_add(1);
        Ok(None)
    }

    /// Forgets `address` and gives what it led to.
    pub fn remove(&mut self, address: &SocketAddr) -> Option<u32> {
        let key = Key::of(address);
        let mut hole = self.place_of(&key, key.hash(&self.secret))?;
        let removed = *self.slots.get(hole as usize).filter(|slot| !slot.key.is_none())?;
        self.len = self.len.saturating_sub(1);
        // Entries after the hole that probed past it move back into it, until one that has no one before it.
        let mut place = hole;
        for _ in 1..self.slots.len() {
            place = self.after(place);
            let Some(slot) = self.slots.get(place as usize).copied().filter(|slot| !slot.key.is_none())
            else {
                break;
            };
            if self.distance(self.home(slot.hash), place) >= self.distance(hole, place) {
                self.set(hole, slot);
                hole = place;
            }
        }
        self.set(hole, AddressSlot::EMPTY);
        Some(removed.value)
    }

    /// What `address` leads to.
    #[must_use]
    pub fn get(&self, address: &SocketAddr) -> Option<u32> {
        let key = Key::of(address);
        let place = self.place_of(&key, key.hash(&self.secret))?;
        self.slots.get(place as usize).filter(|slot| !slot.key.is_none()).map(|slot| slot.value)
    }

    /// Addresses held.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether no address is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Addresses that fit.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        let slots = self.slot_count();
        slots - slots / 8
    }

    /// Where `key` is, or the empty place it would go to; `None` when neither exists.
    fn place_of(&self, key: &Key, hash: u32) -> Option<u32> {
        let mut place = self.home(hash);
        for _ in 0..self.slots.len() {
            let slot = self.slots.get(place as usize)?;
            if slot.key.is_none() || (slot.hash == hash && slot.key == *key) {
                return Some(place);
            }
            place = self.after(place);
        }
        None
    }

    /// Where probing starts: the hash scaled to the number of slots.
    fn home(&self, hash: u32) -> u32 {
        ((u64::from(hash) * u64::from(self.slot_count())) >> 32) as u32
    }

    fn after(&self, place: u32) -> u32 {
        let next = place.wrapping_add(1);
        if next >= self.slot_count() { 0 } else { next }
    }

    /// Steps of probing from one place to another.
    fn distance(&self, from: u32, to: u32) -> u32 {
        if to >= from { to - from } else { self.slot_count().saturating_sub(from).saturating_add(to) }
    }

    fn set(&mut self, place: u32, slot: AddressSlot) {
        if let Some(held) = self.slots.get_mut(place as usize) {
            *held = slot;
        }
    }

    fn slot_count(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
