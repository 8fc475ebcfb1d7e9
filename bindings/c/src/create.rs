//! Functions for a client's birth and end.

use core::ffi::{c_char, c_void};

use crate::client::LiveskyClient;
use crate::config::{LIVESKY_ABI_VERSION, LiveskyConfig};
use crate::layout::Layout;
use crate::pointer::{Out, Region, check_len, read};
use crate::result::LiveskyResult;

/// LIVESKY_ABI_VERSION of the library; the header's must be the same.
#[unsafe(no_mangle)]
pub const extern "C" fn livesky_abi_version() -> u32 {
    LIVESKY_ABI_VERSION
}

/// The library's version, for example "0.1.0": a string that lives as long as the program.
#[unsafe(no_mangle)]
pub const extern "C" fn livesky_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Fills in what is usual: room for a channel of 4 Mbit/s with a buffer of 2 s, no upload. `edge` and `seed` remain to be set.
/// `abi_version`: LIVESKY_ABI_VERSION, which says that header and library belong together.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_config_init(config: *mut LiveskyConfig, abi_version: u32) -> LiveskyResult {
    if abi_version != LIVESKY_ABI_VERSION {
        return LiveskyResult::AbiMismatch;
    }
    // SAFETY: a pointer of the caller's to a whole struct.
    unsafe { Out::new(config) }.map(|out| out.set(LiveskyConfig::new())).into()
}

/// Makes room for channels of at most `rate_bps` bit/s, a buffer of `buffer_ms` milliseconds and a frame every `frame_ticks` 90 kHz
/// ticks (3600: 25 a second, 1800: 50): sets `frames_max` and `store_bytes_max`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_config_fit(
    config: *mut LiveskyConfig,
    rate_bps: u32,
    buffer_ms: u32,
    frame_ticks: u32,
) -> LiveskyResult {
    let fit = || {
        // SAFETY: a pointer of the caller's to a struct that livesky_config_init filled.
        let (mut fitted, out) = unsafe { (read(config)?, Out::new(config)?) };
        fitted.fit(rate_bps, buffer_ms, frame_ticks)?;
        out.set(fitted);
        Ok(())
    };
    fit().into()
}

/// How much memory a client takes, and what it is to be aligned to: the arguments of aligned_alloc. On 64-bit systems malloc aligns enough.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_size(
    config: *const LiveskyConfig,
    size: *mut usize,
    align: *mut usize,
) -> LiveskyResult {
    let ask = || {
        // SAFETY: pointers of the caller's to whole values.
        let (config, size, align) = unsafe { (read(config)?, Out::new(size)?, Out::new(align)?) };
        let layout = Layout::of(&config.capacities()?)?;
        size.set(layout.size);
        align.set(Layout::ALIGN);
        Ok(())
    };
    ask().into()
}

/// Makes a client in `memory`, which is the client's until livesky_client_destroy: it must stay where it is, untouched. What was in
/// it before does not matter. `*client` must be NULL before, and leads to the client afterwards. `config` is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_create(
    config: *const LiveskyConfig,
    memory: *mut c_void,
    memory_len: usize,
    client: *mut *mut LiveskyClient,
) -> LiveskyResult {
    // SAFETY: pointers of the caller's, to a whole config, to `memory_len` bytes, and to a pointer.
    unsafe { create(config, memory.cast(), memory_len, client) }.into()
}

/// # Safety
/// As the function above says.
unsafe fn create(
    config: *const LiveskyConfig,
    memory: *mut u8,
    memory_len: usize,
    client: *mut *mut LiveskyClient,
) -> Result<(), LiveskyResult> {
    // SAFETY: the caller's pointer to an initialised pointer.
    if !unsafe { read(client.cast_const()) }?.is_null() {
        return Err(LiveskyResult::AlreadyCreated);
    }
    // SAFETY: the caller's pointers.
    let (config, out) = unsafe { (read(config)?, Out::new(client)?) };
    let layout = Layout::of(&config.capacities()?)?;
    let of_core = config.of_core()?;
    if memory.is_null() {
        return Err(LiveskyResult::NullPointer);
    }
    if !memory.addr().is_multiple_of(Layout::ALIGN) {
        return Err(LiveskyResult::Misaligned);
    }
    check_len(memory_len)?;
    if memory_len < layout.size {
        return Err(LiveskyResult::MemoryTooSmall);
    }
    let region = Region::new(memory, layout.size);
    region.require_apart(out.region())?;
    // SAFETY: aligned, long enough, and the client's alone until it is destroyed, says the caller.
    let tables = unsafe { layout.tables(memory) };
    let place = memory.cast::<LiveskyClient>();
    // SAFETY: the start of the memory is the client's place, which no table reaches.
    unsafe { place.write(LiveskyClient::new(of_core, tables, region)) };
    out.set(place);
    Ok(())
}

/// Ends a client: its memory is the caller's again, `*client` is NULL. Nobody is told; livesky_client_leave does that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_destroy(client: *mut *mut LiveskyClient) -> LiveskyResult {
    let end = || {
        // SAFETY: the caller's pointer to an initialised pointer.
        let (place, out) = unsafe { (read(client.cast_const())?, Out::new(client)?) };
        // SAFETY: the caller's client.
        let client = unsafe { LiveskyClient::at(place) }?;
        client.require_apart(out.region())?;
        client.destroy();
        out.set(core::ptr::null_mut());
        Ok(())
    };
    end().into()
}
