//! The client alone.

mod arrivals;
mod catching_up;
mod changing;
mod company;
mod discovering;
mod feeding;
mod goodbyes;
mod hand_over;
mod joining;
mod lagging;
mod meeting;
mod mesh;
mod model;
mod modes;
mod parting;
mod playing;
mod properties;
mod pulling;
mod repair;
mod reporting;
mod rig;
mod silence;
mod sizes;
mod starving;
mod strangers;
mod telling;

#[expect(unreachable_pub, reason = "public for the fuzz target that shares the file")]
#[path = "../../../../fuzz/src/bytes.rs"]
mod bytes;
#[expect(unreachable_pub, reason = "public for the fuzz target that shares the file")]
#[path = "../../../../fuzz/src/client_memory.rs"]
mod client_memory;
#[expect(
    unreachable_pub,
    dead_code,
    clippy::cast_possible_truncation,
    reason = "shared with the fuzz target: public there, and its numbers are small"
)]
#[path = "../../../../fuzz/src/client.rs"]
mod script;
