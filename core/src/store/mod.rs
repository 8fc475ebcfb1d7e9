//! Bounded containers over memory the caller lends, and where frames' bytes live.
//!
//! No container allocates, and none panics: a full one says so, a stale name leads nowhere. Every slot type has an `EMPTY`
//! of all zero bits, so that tables in statics land in `.bss`. `docs/capacity.md` sums up what each takes.
//!
//! - Who is there: [`Slab`] names items by generation-checked handles, [`AddressIndex`] finds them by address, [`List`]
//!   chains them, [`TimerWheel`] wakes them.
//! - What is there: [`FrameIndex`] knows which frames of a channel are held, and how much of each.
//! - The bytes: [`FrameStore`] is the seam, [`PagePool`] the store of a box, [`PhantomStore`] that of a simulated endpoint.

mod address_index;
mod assembly;
mod bounded;
mod frame_index;
mod frame_slot;
mod frame_store;
mod list;
mod option_slot;
mod page_chains;
mod page_pool;
mod phantom_store;
mod place_bits;
mod slab;
mod timer_wheel;

pub use address_index::{AddressIndex, AddressIndexFull, AddressSlot};
pub use assembly::Assembly;
pub(crate) use bounded::as_many_as_fit;
pub use frame_index::{FrameIndex, IndexFull, Marked};
pub use frame_slot::{FrameEntry, FrameSlot, FrameState};
pub use frame_store::{FragmentRef, FrameStore, StaleKey, StoreFull, StoreKey};
pub use list::{Links, LinksOf, List, ListLinks, Slots, links_of};
pub use option_slot::OptionSlot;
pub use page_chains::PageLink;
pub use page_pool::{Page, PagePool};
pub use phantom_store::{PhantomStore, Tag};
pub use slab::{Handle, Slab, SlabItem, SlabMeta};
pub use timer_wheel::{TimerWheel, WheelSlot};

#[cfg(test)]
mod seeds;
#[cfg(test)]
use seeds::proptest_config;
#[cfg(test)]
mod sizes_tests;
