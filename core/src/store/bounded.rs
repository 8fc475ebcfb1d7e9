//! Collecting into a bounded vector without a panic in case it is full.

use heapless::Vec;

/// The items of an iterator, as many as fit. (`collect` would panic on one more.)
pub(crate) fn as_many_as_fit<T, const N: usize>(items: impl Iterator<Item = T>) -> Vec<T, N> {
    let mut vec = Vec::new();
    for item in items {
        if vec.push(item).is_err() {
            break;
        }
    }
    vec
}
