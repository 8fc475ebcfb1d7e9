//! The tables lie in order, aligned, apart and within the memory, or there is an error value.

use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;

fn parts(layout: &Layout) -> Vec<(usize, usize, usize)> {
    let Layout { peers, frames, assemblies, links, pages, size: _ } = *layout;
    let part = |section: Section, size, align| (section.offset, section.count * size, align);
    std::vec![
        (0, size_of::<LiveskyClient>(), align_of::<LiveskyClient>()),
        part(peers, size_of::<Peer>(), align_of::<Peer>()),
        part(assemblies, size_of::<Assembly>(), align_of::<Assembly>()),
        part(frames, size_of::<FrameSlot>(), align_of::<FrameSlot>()),
        part(links, size_of::<PageLink>(), align_of::<PageLink>()),
        part(pages, size_of::<Page>(), align_of::<Page>()),
    ]
}

#[track_caller]
fn check(capacities: Capacities) {
    let layout = Layout::of(&capacities).unwrap();
    let mut end = 0;
    for (offset, len, align) in parts(&layout) {
        assert!(offset >= end && offset - end < Layout::ALIGN, "{capacities:?}: {layout:?}");
        assert!(offset.is_multiple_of(align) && Layout::ALIGN.is_multiple_of(align), "{layout:?}");
        end = offset + len;
    }
    assert!(
        layout.size >= end && layout.size - end < Layout::ALIGN && layout.size.is_multiple_of(Layout::ALIGN)
    );
    let counts = (layout.peers.count, layout.frames.count, layout.links.count, layout.pages.count);
    assert_eq!(counts, (capacities.peers, capacities.frames, capacities.pages, capacities.pages));
}

#[test]
fn small_ones() {
    for peers in 1..3 {
        for frames in 1..4 {
            for pages in 1..4 {
                check(Capacities { peers, frames, pages });
            }
        }
    }
}

#[test]
fn what_no_memory_holds_is_named() {
    let most = isize::MAX.cast_unsigned();
    let fits = Capacities { peers: 64, frames: 1, pages: 1 };
    for (capacities, error) in [
        (Capacities { peers: usize::MAX, ..fits }, LiveskyResult::InvalidPeersMax),
        (Capacities { peers: most / size_of::<Peer>(), ..fits }, LiveskyResult::InvalidPeersMax),
        (Capacities { frames: usize::MAX, ..fits }, LiveskyResult::InvalidFramesMax),
        (
            Capacities { frames: usize::MAX / size_of::<FrameSlot>() + 2, ..fits },
            LiveskyResult::InvalidFramesMax,
        ),
        (Capacities { pages: usize::MAX, ..fits }, LiveskyResult::InvalidStoreBytesMax),
        (Capacities { pages: most / size_of::<Page>(), ..fits }, LiveskyResult::InvalidStoreBytesMax),
    ] {
        assert_eq!(Layout::of(&capacities), Err(error), "{capacities:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 16 } else { 1_000 },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../../proptest-regressions/c_layout.txt"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_that_fit(peers in 1_usize..=64, frames in 0_usize..100_000, pages in 0_usize..1_000_000) {
        check(Capacities { peers, frames, pages });
    }

    #[test]
    fn any_at_all(peers: usize, frames: usize, pages: usize, shift in 0_u32..64) {
        let capacities = Capacities { peers: peers >> shift, frames: frames >> shift, pages: pages >> shift };
        if let Ok(layout) = Layout::of(&capacities) {
            prop_assert!(layout.size <= isize::MAX.cast_unsigned() + 1);
            check(capacities);
        }
    }

    #[test]
    fn tables_take_their_part_and_no_more(peers in 1_usize..4, frames in 1_usize..20, pages in 1_usize..8) {
        let layout = Layout::of(&Capacities { peers, frames, pages }).unwrap();
        let mut words = std::vec![u128::MAX; layout.size / 16 + 1];
        let memory = words.as_mut_ptr().cast::<u8>();
        // SAFETY: the words are aligned to 16, writable and ours.
        let tables = unsafe { layout.tables(memory) };
        prop_assert_eq!(tables.storage.peers.len(), peers);
        prop_assert_eq!(tables.storage.frames.len(), frames);
        prop_assert_eq!(tables.storage.assemblies.len(), ASSEMBLIES);
        prop_assert_eq!(tables.store.free_count() as usize, pages);
        prop_assert!(tables.storage.peers.iter().all(|peer| !peer.is_known()));
        prop_assert_eq!(words.last(), Some(&u128::MAX), "nothing is written behind");
    }
}
