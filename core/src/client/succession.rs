//! Who feeds on when a parent takes leave: it names others, and its children ask those they know at once.

use heapless::Vec;

use super::machine::Client;
use super::peer::{EDGE, bit, substreams_of};
use crate::limits::SUCCESSORS_MAX;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::ClientId;

/// Whom a parent named, most of them last heard in the datagram of its goodbye.
pub(super) type Successors = Vec<ClientId, SUCCESSORS_MAX>;

impl<S: FrameStore> Client<'_, S> {
    /// Who may feed a child instead of this client: those who feed this client what it feeds the child, whose slot becomes free, then
    /// candidates with room. Each child hears another one first.
    pub(super) fn successors_for(&self, slot: u8) -> Successors {
        let Some(peer) = self.peer(slot).filter(|_| slot != EDGE) else { return Vec::new() };
        let feeders = substreams_of(peer.children).filter_map(|substream| {
            let parent = self.feeds.get(usize::from(substream))?.parent().filter(|&parent| parent != EDGE)?;
            Some(self.peer(parent)?.client)
        });
        let is_fit = |feedable: u16| feedable & peer.children != 0;
        let others = self.candidates.iter().map(|known| &known.candidate);
        let others =
            others.filter(|other| other.slots > 0 && is_fit(other.feedable)).map(|other| other.client);
        let mut named = Successors::new();
        // A former edge, which feeds on after a redirect, is nobody that others know.
        let is_other = |client: &ClientId| *client != peer.client && *client != ClientId::EDGE;
        for client in feeders.chain(others).filter(is_other) {
            if !named.contains(&client) && named.push(client).is_err() {
                break;
            }
        }
        if !named.is_empty() {
            let turn = usize::from(slot) % named.len();
            named.rotate_left(turn);
        }
        named
    }

    /// A parent that named others has gone: what it fed is asked of the first of them that is known and was met. Without one the edge
    /// is asked already, and who is not introduced could not be met.
    pub(super) fn ask_successors(&mut self, now: Instant, fed: u16, named: &Successors) {
        for substream in substreams_of(fed) {
            let known = named.iter().filter_map(|&client| self.slot_of_client(client));
            let heir = known.into_iter().find(|&slot| {
                let is_fit = |peer: &super::Peer| peer.is_there() && peer.children & bit(substream) == 0;
                slot != EDGE && self.peer(slot).is_some_and(is_fit)
            });
            if let Some((heir, from)) = heir.zip(self.first_lacking(substream, EDGE)) {
                self.request(now, heir, substream, from);
            }
        }
    }
}
