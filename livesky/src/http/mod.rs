//! HTTP for players, people and scripts (docs/api.md): what an edge, a viewer and the demo answer.
//!
//! A host describes a [`Site`] — where frames come from, whether there is a state and a page — and runs [`serve`] on a
//! listener made by [`bind`] until its [`Stopper`] is dropped. Frames are shared with the store from end to end.

mod api;
mod assets;
mod guard;
mod live;
mod metrics;
mod playlist;
mod reply;
mod router;
mod server;
mod site;
pub mod state;
mod stop;

pub use server::{bind, serve};
pub use site::{EdgeSource, FrameSource, Page, Role, Site, Start, ViewerSource};
pub use stop::{Stopped, Stopper, stopper};
