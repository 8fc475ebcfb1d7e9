//! Holds the sizes that `docs/capacity.md` tells.

use std::println;

use crate::edge::{ChannelSlot, ClientRecord, ClientSlot, Edge, Reservation};
use crate::link::Link;
use crate::store::PagePool;

#[test]
fn a_client_stays_as_small_as_the_capacity_page_says() {
    let sizes = [
        ("ClientSlot", size_of::<ClientSlot>(), 512),
        ("ClientRecord", size_of::<ClientRecord>(), 512),
        ("Link", size_of::<Link>(), 2_048),
        ("Reservation", size_of::<Reservation>(), 16),
        ("ChannelSlot", size_of::<ChannelSlot>(), 1_280),
        ("Edge", size_of::<Edge<'static, PagePool<'static>>>(), 26_624),
    ];
    for (name, size, size_max) in sizes {
        println!("{name:12} {size:5} B");
        assert!(size <= size_max, "{name} takes {size} B, more than {size_max}");
    }
}
