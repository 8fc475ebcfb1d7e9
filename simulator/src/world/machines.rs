//! The clients' machines: as many as are ever there at once, used again and again.

use livesky_core::client::{Client, ClientConfig};
use livesky_core::store::PhantomStore;

use super::memory::ClientMemory;

/// The machine of a viewer.
pub(crate) type Machine<'a> = Client<'a, PhantomStore<'a>>;

/// Machines by slot.
pub(crate) struct Machines<'a> {
    machines: Vec<Machine<'a>>,
    free: Vec<u32>,
    spare: core::slice::IterMut<'a, ClientMemory>,
}

impl<'a> Machines<'a> {
    pub(crate) fn new(memory: &'a mut [ClientMemory]) -> Self {
        Self { machines: Vec::with_capacity(memory.len()), free: Vec::new(), spare: memory.iter_mut() }
    }

    /// A machine as just made; `None` when all are in use.
    pub(crate) fn take(&mut self, config: ClientConfig) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            self.machines.get_mut(slot as usize)?.reset(config);
            return Some(slot);
        }
        let (storage, store) = self.spare.next()?.lend();
        self.machines.push(Client::new(config, storage, store));
        u32::try_from(self.machines.len() - 1).ok()
    }

    pub(crate) fn give_back(&mut self, slot: u32) {
        self.free.push(slot);
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Machine<'a>> {
        self.machines.get(slot as usize)
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Machine<'a>> {
        self.machines.get_mut(slot as usize)
    }
}
