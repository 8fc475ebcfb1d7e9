//! The memory a client under test is lent.

use std::vec;
use std::vec::Vec;

use livesky_core::client::{Client, ClientConfig, ClientStorage, Peer};
use livesky_core::store::{Assembly, FrameSlot, PageLink, PagePool};

/// The client under test.
pub type TestClient<'m> = Client<'m, PagePool<'m>>;

/// Memory of a client.
pub struct Memory {
    peers: Vec<Peer>,
    frames: Vec<FrameSlot>,
    assemblies: Vec<Assembly>,
    pages: Vec<[u8; 1_128]>,
    links: Vec<PageLink>,
}

impl Memory {
    /// Room for so many of each.
    pub fn new(peers: usize, frames: usize, assemblies: usize, pages: usize) -> Self {
        Self {
            peers: vec![Peer::EMPTY; peers],
            frames: vec![FrameSlot::EMPTY; frames],
            assemblies: (0..assemblies).map(|_| Assembly::EMPTY).collect(),
            pages: vec![PagePool::EMPTY_PAGE; pages],
            links: (0..pages).map(|_| PageLink::EMPTY).collect(),
        }
    }

    /// A client in this memory.
    pub fn client(&mut self, config: ClientConfig) -> TestClient<'_> {
        let storage = ClientStorage {
            peers: &mut self.peers,
            frames: &mut self.frames,
            assemblies: &mut self.assemblies,
        };
        Client::new(config, storage, PagePool::new(&mut self.pages, &mut self.links))
    }
}
