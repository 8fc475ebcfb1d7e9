//! Following the caller's pointers.

use crate::result::LiveskyResult;

/// What may be read from memory that C wrote.
///
/// # Safety
/// Every pattern of bits is a value.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: any address makes a pointer; following it is another matter.
unsafe impl<T> Plain for *mut T {}

/// Memory, by its numbers only: nothing is reached through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    start: usize,
    len: usize,
}

impl Region {
    /// `len` bytes from `start` on.
    pub(crate) fn new<T>(start: *const T, len: usize) -> Self {
        Self { start: start.addr(), len }
    }

    /// Fails when the two share a byte.
    pub(crate) const fn require_apart(self, other: Self) -> Result<(), LiveskyResult> {
        let is_before = self.start.saturating_add(self.len) <= other.start;
        let is_behind = other.start.saturating_add(other.len) <= self.start;
        if is_before || is_behind { Ok(()) } else { Err(LiveskyResult::Overlap) }
    }
}

/// Checks a pointer to one `T`.
fn check<T>(pointer: *const T) -> Result<(), LiveskyResult> {
    if pointer.is_null() {
        return Err(LiveskyResult::NullPointer);
    }
    if !pointer.is_aligned() {
        return Err(LiveskyResult::Misaligned);
    }
    Ok(())
}

/// Reads a struct.
///
/// # Safety
/// Unless null, the pointer leads to initialised memory of a `T`.
pub(crate) unsafe fn read<T: Plain>(pointer: *const T) -> Result<T, LiveskyResult> {
    check(pointer)?;
    // SAFETY: neither null nor misaligned; initialised, says the caller; any bits are a `T`, says `Plain`.
    Ok(unsafe { pointer.read() })
}

/// Bytes to read.
///
/// # Safety
/// Unless null, the pointer leads to `len` initialised bytes that nobody writes during `'a`.
pub(crate) unsafe fn bytes<'a>(pointer: *const u8, len: usize) -> Result<&'a [u8], LiveskyResult> {
    check(pointer)?;
    check_len(len)?;
    // SAFETY: not null, not longer than any memory can be; the rest says the caller.
    Ok(unsafe { core::slice::from_raw_parts(pointer, len) })
}

/// Fails when no memory can be so long.
pub(crate) const fn check_len(len: usize) -> Result<(), LiveskyResult> {
    if len > isize::MAX.cast_unsigned() { Err(LiveskyResult::InvalidLength) } else { Ok(()) }
}

/// Where an answer goes. What is there before is not looked at.
#[derive(Clone, Copy)]
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Checks the pointer, so that nothing is done when there is no place for the answer.
    ///
    /// # Safety
    /// Unless null, the pointer leads to writable memory of a `T` until the answer was set.
    pub(crate) unsafe fn new(pointer: *mut T) -> Result<Self, LiveskyResult> {
        check(pointer).map(|()| Self(pointer))
    }

    /// The memory.
    pub(crate) fn region(&self) -> Region {
        Region::new(self.0, size_of::<T>())
    }

    /// Writes the answer.
    pub(crate) fn set(&self, answer: T) {
        // SAFETY: neither null nor misaligned; writable, said the caller of `new`.
        unsafe { self.0.write(answer) }
    }
}

/// Where bytes go. They may be uninitialised before, so no slice is made of them.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    start: *mut u8,
    len: usize,
}

impl Room {
    /// Checks the pointer and the length.
    ///
    /// # Safety
    /// Unless null, the pointer leads to `len` writable bytes until they were written.
    pub(crate) unsafe fn new(start: *mut u8, len: usize) -> Result<Self, LiveskyResult> {
        check(start)?;
        check_len(len)?;
        Ok(Self { start, len })
    }

    /// The memory.
    pub(crate) fn region(&self) -> Region {
        Region::new(self.start, self.len)
    }

    /// Fails when fewer than `len` bytes fit.
    pub(crate) const fn require(&self, len: usize) -> Result<(), LiveskyResult> {
        if len > self.len { Err(LiveskyResult::BufferTooSmall) } else { Ok(()) }
    }

    /// Writes bytes from `at` on; gives where they end.
    pub(crate) fn put(&self, at: usize, bytes: &[u8]) -> Result<usize, LiveskyResult> {
        let end = at.checked_add(bytes.len()).ok_or(LiveskyResult::BufferTooSmall)?;
        self.require(end)?;
        // SAFETY: `at` is at most `len`, so the place is within the room or just behind it.
        let place = unsafe { self.start.add(at) };
        // SAFETY: the room is writable up to `end`, said the caller of `new`; `bytes` is lent, so it is not part of it: callers of
        // the library pass no memory of a client as a buffer (`Overlap`), and the heads are on our stack.
        unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_that_touch_are_apart() {
        let of = |start, len| Region { start, len };
        for (a, b, is_apart) in [
            (of(100, 10), of(110, 5), true),
            (of(110, 5), of(100, 10), true),
            (of(100, 10), of(109, 1), false),
            (of(109, 1), of(100, 10), false),
            (of(100, 10), of(90, 40), false),
            (of(100, 10), of(105, 0), false),
            (of(usize::MAX - 1, 10), of(0, 5), true),
        ] {
            assert_eq!(a.require_apart(b).is_ok(), is_apart, "{a:?} {b:?}");
        }
    }

    #[test]
    fn pointers_are_checked_before_they_are_followed() {
        let words = [7_u64; 2];
        let odd = words.as_ptr().cast::<u8>().wrapping_add(1);
        // SAFETY: null and misaligned pointers are not followed.
        let answers = unsafe {
            (Out::<u64>::new(odd.cast_mut().cast()).err(), Out::<u64>::new(core::ptr::null_mut()).err())
        };
        assert_eq!(answers, (Some(LiveskyResult::Misaligned), Some(LiveskyResult::NullPointer)));
        // SAFETY: the length is checked first.
        let long = unsafe { bytes(odd, usize::MAX) };
        assert_eq!(long, Err(LiveskyResult::InvalidLength));
    }

    #[test]
    fn a_room_takes_what_fits() {
        let mut memory = [0_u8; 4];
        // SAFETY: `memory` is that long.
        let room = unsafe { Room::new(memory.as_mut_ptr(), memory.len()) }.unwrap();
        assert_eq!(room.put(0, b"ab"), Ok(2));
        assert_eq!(room.put(2, b"cde"), Err(LiveskyResult::BufferTooSmall));
        assert_eq!(room.put(usize::MAX, b"c"), Err(LiveskyResult::BufferTooSmall));
        assert_eq!(room.put(2, b"cd"), Ok(4));
        assert_eq!(&memory, b"abcd");
    }
}
