//! How far from the edge each viewer is.

use std::collections::BTreeMap;

/// Levels beyond this are a cycle seen half-way through a change of parents.
const LEVEL_MAX: u8 = 16;

/// The level of each viewer: the most hops from the edge (0) over its substreams; 0 while it has no parent.
/// `parents` holds each viewer's parent per substream.
pub(super) fn levels(parents: &BTreeMap<u32, Vec<Option<u32>>>) -> BTreeMap<u32, u8> {
    let mut levels: BTreeMap<u32, u8> = BTreeMap::new();
    for (&id, own) in parents {
        let hops = own.iter().enumerate().filter_map(|(substream, _)| hops(parents, id, substream));
        levels.insert(id, hops.max().unwrap_or(0));
    }
    levels
}

/// Hops from the edge on one substream; a chain that ends at somebody without a parent counts as far as it is known.
fn hops(parents: &BTreeMap<u32, Vec<Option<u32>>>, mut id: u32, substream: usize) -> Option<u8> {
    let parent_of = |id: u32| parents.get(&id)?.get(substream).copied().flatten();
    let mut hops = 0;
    while let Some(parent) = parent_of(id) {
        hops += 1;
        if parent == 0 || hops == LEVEL_MAX {
            return Some(hops);
        }
        id = parent;
    }
    // The last of the chain is fed by the edge in the meantime: rescued or starting.
    (hops > 0).then_some(hops + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_the_longest_way_from_the_edge() {
        let parents = BTreeMap::from([
            (1, vec![Some(0), Some(0)]),
            (2, vec![Some(1), Some(0)]),
            (3, vec![Some(2), Some(1)]),
            (4, vec![None, None]),
            (5, vec![Some(4), None]),
            (6, vec![Some(7), None]),
            (7, vec![Some(6), None]),
            (8, vec![Some(99), Some(0)]),
        ]);
        let expected = BTreeMap::from([(1, 1), (2, 2), (3, 3), (4, 0), (5, 2), (6, 16), (7, 16), (8, 2)]);
        assert_eq!(levels(&parents), expected);
    }
}
