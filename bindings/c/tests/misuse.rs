//! Mistakes of a caller that can be seen are error values, and change nothing.

#![allow(unsafe_code, reason = "the functions under test follow pointers")]
#![allow(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use core::ffi::c_void;
use core::net::SocketAddr;
use core::ptr::{null, null_mut};

use livesky_c::*;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// Memory for any client of these tests.
const WORDS: usize = 10_000;

fn config() -> LiveskyConfig {
    let mut config = core::mem::MaybeUninit::uninit();
    // SAFETY: the place is ours.
    let mut config = unsafe {
        assert_eq!(livesky_config_init(config.as_mut_ptr(), LIVESKY_ABI_VERSION), LiveskyResult::Ok);
        config.assume_init()
    };
    config.edge = SocketAddr::from(([192, 0, 2, 1], 7_000)).into();
    config.seed = 1;
    config.peers_max = 2;
    config.frames_max = 8;
    config.store_bytes_max = 10_000;
    config
}

fn size(config: &LiveskyConfig) -> Result<usize, LiveskyResult> {
    let (mut size, mut align) = (0, 0);
    // SAFETY: the places are ours.
    let asked = unsafe { livesky_client_size(config, &raw mut size, &raw mut align) };
    if asked != LiveskyResult::Ok {
        return Err(asked);
    }
    assert!(align <= align_of::<u128>() && size.is_multiple_of(align));
    Ok(size)
}

/// A client in memory of its own.
struct Lent {
    memory: Vec<u128>,
    client: *mut LiveskyClient,
}

impl Lent {
    fn new() -> Self {
        let mut lent = Self { memory: vec![0; WORDS], client: null_mut() };
        assert_eq!(lent.create(&config()), LiveskyResult::Ok);
        lent
    }

    fn create(&mut self, config: &LiveskyConfig) -> LiveskyResult {
        let (start, len) = (self.memory.as_mut_ptr().cast(), size_of_val(self.memory.as_slice()));
        // SAFETY: the places are ours, the memory that long.
        unsafe { livesky_client_create(config, start, len, &raw mut self.client) }
    }
}

#[test]
fn memory_that_does_not_do() {
    let config = config();
    let size = size(&config).unwrap();
    let mut memory = vec![0_u128; WORDS];
    let start: *mut u8 = memory.as_mut_ptr().cast();
    for (memory, len, expected) in [
        (null_mut(), size, LiveskyResult::NullPointer),
        (start.wrapping_add(1), size, LiveskyResult::Misaligned),
        (start.wrapping_add(4), size, LiveskyResult::Misaligned),
        (start, size - 1, LiveskyResult::MemoryTooSmall),
        (start, 0, LiveskyResult::MemoryTooSmall),
        (start, usize::MAX, LiveskyResult::InvalidLength),
        (start, size, LiveskyResult::Ok),
    ] {
        let mut client = null_mut();
        // SAFETY: the places are ours, and the memory is as long as `len` where that is enough.
        let created =
            unsafe { livesky_client_create(&raw const config, memory.cast(), len, &raw mut client) };
        assert_eq!(created, expected, "{len}");
        assert_eq!(client.is_null(), expected != LiveskyResult::Ok);
    }
}

#[test]
fn a_client_is_not_made_twice() {
    let mut lent = Lent::new();
    let before = lent.client;
    assert_eq!(lent.create(&config()), LiveskyResult::AlreadyCreated);
    assert_eq!(lent.client, before);
    // SAFETY: the client lives.
    unsafe {
        assert_eq!(livesky_client_tune(lent.client, 0, c"live1".as_ptr()), LiveskyResult::Ok);
        assert_eq!(livesky_client_destroy(&raw mut lent.client), LiveskyResult::Ok);
    }
    assert_eq!(lent.create(&config()), LiveskyResult::Ok, "in the same memory");
}

#[test]
fn a_place_for_the_client_inside_its_own_memory() {
    let config = config();
    let mut memory = vec![0_u128; WORDS];
    let start: *mut c_void = memory.as_mut_ptr().cast();
    // SAFETY: all of it is ours.
    let created = unsafe { livesky_client_create(&raw const config, start, WORDS * 16, start.cast()) };
    assert_eq!(created, LiveskyResult::Overlap);
}

#[test]
fn configs_that_do_not_do() {
    let good = config();
    let mut config = good;
    // SAFETY: the place is ours.
    unsafe {
        assert_eq!(livesky_config_init(&raw mut config, 0), LiveskyResult::AbiMismatch);
        assert_eq!(livesky_config_init(null_mut(), LIVESKY_ABI_VERSION), LiveskyResult::NullPointer);
        assert_eq!(livesky_config_fit(null_mut(), 1, 1, 1), LiveskyResult::NullPointer);
        assert_eq!(livesky_config_fit(&raw mut config, 0, 1, 1), LiveskyResult::InvalidFigure);
    }
    assert_eq!(config, good);
    let nowhere = LiveskyAddress::default();
    for (config, expected) in [
        (LiveskyConfig { abi_version: 0, ..good }, LiveskyResult::AbiMismatch),
        (LiveskyConfig { peers_max: 0, ..good }, LiveskyResult::InvalidPeersMax),
        (LiveskyConfig { frames_max: 0, ..good }, LiveskyResult::InvalidFramesMax),
        (LiveskyConfig { store_bytes_max: u64::MAX, ..good }, LiveskyResult::InvalidStoreBytesMax),
        (LiveskyConfig { seed: 0, ..good }, LiveskyResult::InvalidSeed),
        (LiveskyConfig { edge: nowhere, ..good }, LiveskyResult::InvalidAddress),
        (LiveskyConfig { receive_only: 7, ..good }, LiveskyResult::InvalidFlag),
    ] {
        let mut lent = Lent { memory: vec![0; WORDS], client: null_mut() };
        assert_eq!(lent.create(&config), expected, "{config:?}");
        assert!(lent.client.is_null());
    }
    let (mut size, mut align) = (7, 7);
    // SAFETY: the places are ours.
    unsafe {
        assert_eq!(livesky_client_size(null(), &raw mut size, &raw mut align), LiveskyResult::NullPointer);
        assert_eq!(
            livesky_client_size(&raw const good, null_mut(), &raw mut align),
            LiveskyResult::NullPointer
        );
        assert_eq!(
            livesky_client_size(&raw const good, &raw mut size, null_mut()),
            LiveskyResult::NullPointer
        );
    }
    assert_eq!((size, align), (7, 7));
}

#[test]
fn what_is_no_client() {
    let zeros = [0_u128; WORDS];
    let strange: *mut LiveskyClient = zeros.as_ptr().cast_mut().cast();
    for (client, expected) in [
        (null_mut(), LiveskyResult::NullPointer),
        (strange.cast::<u8>().wrapping_add(1).cast(), LiveskyResult::Misaligned),
        (strange, LiveskyResult::InvalidClient),
    ] {
        let mut pointer = client;
        let (mut at_us, mut event) = (0, LiveskyEvent::default());
        let (mut transmit, mut buffer) = (LiveskyTransmit::default(), [0_u8; LIVESKY_DATAGRAM_LEN_MAX]);
        let (mut bytes, mut len, mut status) = (null(), 0, LiveskyStatus::default());
        let remote = LiveskyAddress::from(SocketAddr::from(([192, 0, 2, 1], 7_000)));
        // SAFETY: what is no client is looked at and not used; the places are ours.
        let answers = unsafe {
            [
                livesky_client_tune(client, 0, c"live1".as_ptr()),
                livesky_client_leave(client, 0),
                livesky_client_handle_datagram(client, 0, &raw const remote, buffer.as_ptr(), 5),
                livesky_client_handle_timeout(client, 0),
                livesky_client_poll_transmit(client, 0, buffer.as_mut_ptr(), buffer.len(), &raw mut transmit),
                livesky_client_poll_event(client, &raw mut event),
                livesky_client_poll_deadline(client, &raw mut at_us),
                livesky_client_frame_copy(client, buffer.as_mut_ptr(), buffer.len()),
                livesky_client_frame_fragment(client, 0, &raw mut bytes, &raw mut len),
                livesky_client_init_bytes(client, &raw mut bytes, &raw mut len),
                livesky_client_status(client, 0, &raw mut status),
                livesky_client_destroy(&raw mut pointer),
            ]
        };
        assert_eq!(answers, [expected; 12]);
    }
}

#[test]
fn pointers_that_do_not_do() {
    let lent = Lent::new();
    let client = lent.client;
    let own = lent.memory.as_ptr().cast::<u8>().wrapping_add(4_096).cast_mut();
    let mut buffer = [0_u8; LIVESKY_DATAGRAM_LEN_MAX];
    let mut transmit = LiveskyTransmit::default();
    let remote = LiveskyAddress::from(SocketAddr::from(([192, 0, 2, 1], 7_000)));
    let (from, room, out) = (&raw const remote, buffer.as_mut_ptr(), &raw mut transmit);
    // SAFETY: pointers that do not do are not followed; the others are ours.
    let answers = unsafe {
        [
            (livesky_client_tune(client, 0, null()), LiveskyResult::NullPointer),
            (livesky_client_tune(client, 0, c"a b".as_ptr()), LiveskyResult::InvalidChannelName),
            (livesky_client_tune(client, 0, c"".as_ptr()), LiveskyResult::InvalidChannelName),
            (livesky_client_tune(client, 0, c"caf\xe9".as_ptr()), LiveskyResult::InvalidChannelName),
            (livesky_client_tune(client, 0, [b'a'; 33].as_ptr().cast()), LiveskyResult::InvalidChannelName),
            (livesky_client_handle_datagram(client, 0, null(), room, 9), LiveskyResult::NullPointer),
            (livesky_client_handle_datagram(client, 0, from, null(), 9), LiveskyResult::NullPointer),
            (livesky_client_handle_datagram(client, 0, from, room, usize::MAX), LiveskyResult::InvalidLength),
            (livesky_client_handle_datagram(client, 0, from, own, 9), LiveskyResult::Overlap),
            (livesky_client_handle_datagram(client, 0, from, room, 0), LiveskyResult::RejectedMalformed),
            (livesky_client_poll_transmit(client, 0, null_mut(), 1_200, out), LiveskyResult::NullPointer),
            (livesky_client_poll_transmit(client, 0, room, 1_199, out), LiveskyResult::BufferTooSmall),
            (livesky_client_poll_transmit(client, 0, own, 1_200, out), LiveskyResult::Overlap),
            (livesky_client_poll_transmit(client, 0, room, 1_200, null_mut()), LiveskyResult::NullPointer),
            (livesky_client_poll_event(client, own.cast()), LiveskyResult::Overlap),
            (livesky_client_poll_event(client, own.wrapping_add(1).cast()), LiveskyResult::Misaligned),
            (livesky_client_frame_copy(client, room, 1_200), LiveskyResult::FrameGone),
            (livesky_client_poll_deadline(client, null_mut()), LiveskyResult::NullPointer),
            (livesky_client_status(client, 0, null_mut()), LiveskyResult::NullPointer),
            (livesky_client_init_bytes(client, null_mut(), null_mut()), LiveskyResult::NullPointer),
        ]
    };
    for (place, (is, should_be)) in answers.into_iter().enumerate() {
        assert_eq!(is, should_be, "call {place}");
    }
    let mut at_us = 0;
    // SAFETY: the client lives, the places are ours.
    unsafe {
        assert_eq!(livesky_client_poll_deadline(client, &raw mut at_us), LiveskyResult::Nothing, "not tuned");
        assert_eq!(livesky_client_poll_transmit(client, 0, room, 1_200, out), LiveskyResult::Nothing);
        assert_eq!(
            livesky_client_tune(client, 0, c"a2345678901234567890123456789012".as_ptr()),
            LiveskyResult::Ok
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 300 },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../../proptest-regressions/c_misuse.txt"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn clients_of_any_size_live_in_just_the_memory_they_ask_for(
        peers_max in 1_u32..=64,
        frames_max in 1_u32..200,
        store_bytes_max in 1_144_u64..50_000,
        steps in prop::collection::vec((0_u64..2_000_000, 0_usize..6, prop::collection::vec(any::<u8>(), 1..80)), 0..40),
    ) {
        let config = LiveskyConfig { peers_max, frames_max, store_bytes_max, ..config() };
        let size = size(&config).unwrap();
        // Not one byte more, so that whoever checks memory sees a write behind it.
        let mut memory = vec![u128::MAX; size / 16];
        let (start, mut client) = (memory.as_mut_ptr().cast(), null_mut());
        let mut now_us = 0;
        // SAFETY: all places are ours, and the memory is as long as asked for.
        unsafe {
            prop_assert_eq!(
                livesky_client_create(&raw const config, start, size - 1, &raw mut client),
                LiveskyResult::MemoryTooSmall
            );
            prop_assert_eq!(livesky_client_create(&raw const config, start, size, &raw mut client), LiveskyResult::Ok);
            for (span_us, verb, bytes) in &steps {
                now_us += span_us;
                prop_assert!(call(client, now_us, *verb, bytes, &config.edge));
            }
            prop_assert_eq!(livesky_client_destroy(&raw mut client), LiveskyResult::Ok);
        }
    }
}

/// Calls one of the functions; says whether the answer is one of those it may give.
///
/// # Safety
/// The client lives.
unsafe fn call(
    client: *mut LiveskyClient,
    now_us: u64,
    verb: usize,
    bytes: &[u8],
    edge: &LiveskyAddress,
) -> bool {
    let (mut event, mut at_us, mut status) = (LiveskyEvent::default(), 0, LiveskyStatus::default());
    let (mut buffer, mut transmit) = ([0; LIVESKY_DATAGRAM_LEN_MAX], LiveskyTransmit::default());
    // SAFETY: the client lives, the places are ours.
    let answer = unsafe {
        match verb {
            0 => livesky_client_tune(client, now_us, c"live1".as_ptr()),
            1 => livesky_client_handle_datagram(client, now_us, edge, bytes.as_ptr(), bytes.len()),
            2 => livesky_client_handle_timeout(client, now_us),
            3 => livesky_client_leave(client, now_us),
            4 => livesky_client_poll_event(client, &raw mut event),
            _ => livesky_client_status(client, now_us, &raw mut status),
        }
    };
    // SAFETY: the same.
    while unsafe {
        livesky_client_poll_transmit(client, now_us, buffer.as_mut_ptr(), 1_200, &raw mut transmit)
    } == LiveskyResult::Ok
    {
        assert!(transmit.len <= LIVESKY_DATAGRAM_LEN_MAX && transmit.to == *edge);
    }
    // SAFETY: the same.
    let _is_due = unsafe { livesky_client_poll_deadline(client, &raw mut at_us) };
    matches!(answer, LiveskyResult::Ok | LiveskyResult::Nothing) || answer as u32 >= 64
}
