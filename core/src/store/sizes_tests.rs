//! Holds the sizes that `docs/capacity.md` tells.

extern crate std;

use super::*;

#[test]
fn slots_stay_as_small_as_the_capacity_page_says() {
    let sizes = [
        ("SlabMeta", size_of::<SlabMeta>(), 8),
        ("OptionSlot", size_of::<OptionSlot>(), 4),
        ("ListLinks", size_of::<ListLinks>(), 8),
        ("List", size_of::<List>(), 12),
        ("AddressSlot", size_of::<AddressSlot>(), 32),
        ("WheelSlot", size_of::<WheelSlot>(), 24),
        ("TimerWheel", size_of::<TimerWheel<'_>>(), 2_160),
        ("FrameSlot", size_of::<FrameSlot>(), 40),
        ("Assembly", size_of::<Assembly>(), 136),
        ("PageLink", size_of::<PageLink>(), 16),
        ("Page", size_of::<Page>(), 1_128),
        ("Tag", size_of::<Tag>(), 4),
    ];
    for (name, size, size_max) in sizes {
        std::println!("{name:12} {size:5} B");
        assert!(size <= size_max, "{name} takes {size} B, more than {size_max}");
    }
}
