//! The client of `livesky-core` for C: `include/livesky.h` is made from this crate, `docs/c.md` tells how to use it.
//!
//! No allocation, no thread, no clock, no I/O: the caller lends memory, passes the time and carries datagrams. What the
//! functions have in common:
//! - A client belongs to one thread at a time. It lies in the memory lent to it, which stays in place and untouched until
//!   [`livesky_client_destroy`].
//! - Pointers lead to as much memory as their type or length says, which nobody else writes meanwhile. What of that can be seen
//!   from here is checked, and is an error value: null, misaligned, too short, inside the client's own memory, a client that
//!   was destroyed.
//! - Core panics on no input, and neither does this crate: nothing unwinds into C.
//!
//! From the top: `result`; `address`, `config`, `event`, `status` are plain structs of the header; `layout` divides the
//! memory, `pointer` follows pointers, `client` is what lies there; `create` and `drive` are the functions.

#![no_std]
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::panic, clippy::expect_used, clippy::unreachable)
)]
#![allow(unsafe_code, reason = "a C ABI follows its callers' pointers; each block says why it may")]
#![allow(clippy::missing_safety_doc, reason = "said once, above, and in the words of C at each function")]

// For its panic handler, which a library that C links must bring; nothing else of it is used.
#[cfg(any(test, not(livesky_bare)))]
extern crate std;

mod address;
#[cfg(all(livesky_bare, not(test)))]
mod bare;
mod client;
mod config;
mod create;
mod drive;
mod event;
mod layout;
mod pointer;
mod result;
mod status;

pub use address::{LIVESKY_FAMILY_IPV4, LIVESKY_FAMILY_IPV6, LIVESKY_FAMILY_NONE, LiveskyAddress};
pub use client::LiveskyClient;
pub use config::{LIVESKY_ABI_VERSION, LIVESKY_DATAGRAM_LEN_MAX, LIVESKY_PEERS_MAX, LiveskyConfig};
pub use create::*;
pub use drive::*;
pub use event::{LiveskyEvent, LiveskyEventKind, LiveskyFrame, LiveskyLeave, LiveskyRefusal};
pub use result::{LiveskyResult, livesky_result_text};
pub use status::{LiveskyPlayout, LiveskyStatus, LiveskyTransmit};
