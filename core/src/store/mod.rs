//! Bounded containers over memory the caller lends, and where frames' bytes live.

mod frame_store;

pub use frame_store::{FragmentRef, FrameStore, StaleKey, StoreFull, StoreKey};
