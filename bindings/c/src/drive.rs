//! Functions that drive a client, and those that look at it.

use core::ffi::{CStr, c_char};

use livesky_core::limits::CHANNEL_NAME_LEN_MAX;
use livesky_core::media::ChannelName;
use livesky_core::{Endpoint, Instant, Path};

use crate::address::LiveskyAddress;
use crate::client::LiveskyClient;
use crate::event::LiveskyEvent;
use crate::pointer::{Region, bytes, check_len, read};
use crate::result::LiveskyResult;
use crate::status::{LiveskyStatus, LiveskyTransmit};

/// Asks the edge for a channel; what was watched before ends. `channel`: its name, ended by a zero byte. Afterwards, as after every
/// function that takes the time: livesky_client_poll_event, livesky_client_poll_transmit and livesky_client_poll_deadline.
/// `now_us`: microseconds of a clock that only goes forward (CLOCK_MONOTONIC), the same for all functions of a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_tune(
    client: *mut LiveskyClient,
    now_us: u64,
    channel: *const c_char,
) -> LiveskyResult {
    let tune = || {
        // SAFETY: the caller's client.
        let client = unsafe { LiveskyClient::at(client) }?;
        // SAFETY: the caller's string.
        let name = unsafe { channel_name(channel) }?;
        client.machine_mut().tune(Instant::from_micros(now_us), &name);
        Ok(())
    };
    tune().into()
}

/// # Safety
/// Unless null, the pointer leads to bytes of which one is zero, or to more than a name has.
unsafe fn channel_name(pointer: *const c_char) -> Result<ChannelName, LiveskyResult> {
    if pointer.is_null() {
        return Err(LiveskyResult::NullPointer);
    }
    let mut copy = [0_u8; CHANNEL_NAME_LEN_MAX + 1];
    for (place, to) in copy.iter_mut().enumerate() {
        // SAFETY: no zero byte came before, so the string goes on here.
        *to = unsafe { pointer.add(place).cast::<u8>().read() };
        if *to == 0 {
            break;
        }
    }
    let name = CStr::from_bytes_until_nul(&copy).ok().and_then(|name| name.to_str().ok());
    name.and_then(ChannelName::new).ok_or(LiveskyResult::InvalidChannelName)
}

/// Says goodbye to everybody: send what livesky_client_poll_transmit gives afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_leave(client: *mut LiveskyClient, now_us: u64) -> LiveskyResult {
    // SAFETY: the caller's client.
    let client = unsafe { LiveskyClient::at(client) };
    client.map(|client| client.machine_mut().leave(Instant::from_micros(now_us))).into()
}

/// Takes in a datagram of `len` bytes that came from `remote`. That it is ignored (LIVESKY_RESULT_REJECTED_...) is counted, happens, and
/// is no reason to stop.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_handle_datagram(
    client: *mut LiveskyClient,
    now_us: u64,
    remote: *const LiveskyAddress,
    datagram: *const u8,
    len: usize,
) -> LiveskyResult {
    let handle = || {
        // SAFETY: the caller's client, and an address.
        let (client, remote) = unsafe { (LiveskyClient::at(client)?, read(remote)?.require()?) };
        check_len(len)?;
        client.require_apart(Region::new(datagram, len))?;
        // SAFETY: the caller's bytes, which are none of the client's.
        let datagram = unsafe { bytes(datagram, len) }?;
        let now = Instant::from_micros(now_us);
        client.machine_mut().handle_datagram(now, Path::to(remote), datagram)?;
        Ok(())
    };
    handle().into()
}

/// Does what is due: to be called when the time of livesky_client_poll_deadline has come; earlier does no harm.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_handle_timeout(
    client: *mut LiveskyClient,
    now_us: u64,
) -> LiveskyResult {
    // SAFETY: the caller's client.
    let client = unsafe { LiveskyClient::at(client) };
    client.map(|client| client.machine_mut().handle_timeout(Instant::from_micros(now_us))).into()
}

/// The next datagram to send: writes it, whole, to `buffer` of `buffer_len` bytes, LIVESKY_DATAGRAM_LEN_MAX at least, and where it goes and
/// how long it is to `*transmit`. LIVESKY_RESULT_NOTHING: none. To be called until then, while the socket takes datagrams;
/// those not polled wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_poll_transmit(
    client: *mut LiveskyClient,
    now_us: u64,
    buffer: *mut u8,
    buffer_len: usize,
    transmit: *mut LiveskyTransmit,
) -> LiveskyResult {
    let poll = || {
        // SAFETY: the caller's client.
        let client = unsafe { LiveskyClient::at(client) }?;
        // SAFETY: the caller's buffer and struct.
        let (room, out) = unsafe { (client.room(buffer, buffer_len)?, client.out(transmit)?) };
        let (sent, len) = client.poll_transmit(Instant::from_micros(now_us), room)?;
        out.set(LiveskyTransmit { to: sent.path.remote.into(), len });
        Ok(())
    };
    poll().into()
}

/// What happened next: writes it to `*event`. LIVESKY_RESULT_NOTHING: nothing. To be called until then: frames wait, and playback with
/// them, while events are not taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_poll_event(
    client: *mut LiveskyClient,
    event: *mut LiveskyEvent,
) -> LiveskyResult {
    let poll = || {
        // SAFETY: the caller's client.
        let client = unsafe { LiveskyClient::at(client) }?;
        // SAFETY: the caller's struct.
        let out = unsafe { client.out(event) }?;
        out.set(client.poll_event().ok_or(LiveskyResult::Nothing)?);
        Ok(())
    };
    poll().into()
}

/// When livesky_client_handle_timeout is to be called, in microseconds of the caller's clock. LIVESKY_RESULT_NOTHING: not before other
/// input. To be asked again after every other function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_poll_deadline(
    client: *mut LiveskyClient,
    at_us: *mut u64,
) -> LiveskyResult {
    let poll = || {
        // SAFETY: the caller's client.
        let client = unsafe { LiveskyClient::at(client) }?;
        // SAFETY: the caller's number.
        let out = unsafe { client.out(at_us) }?;
        out.set(client.machine().poll_timeout().ok_or(LiveskyResult::Nothing)?.at.as_micros());
        Ok(())
    };
    poll().into()
}

/// Copies the frame that the last event told to `buffer` of `buffer_len` bytes: `event.frame.len` of them are written. To be called
/// before the next function that takes the time or an event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_frame_copy(
    client: *mut LiveskyClient,
    buffer: *mut u8,
    buffer_len: usize,
) -> LiveskyResult {
    let copy = || {
        // SAFETY: the caller's client.
        let client = unsafe { LiveskyClient::at(client) }?;
        // SAFETY: the caller's buffer.
        let room = unsafe { client.room(buffer, buffer_len) }?;
        let (len, fragments) = client.due_frame()?;
        room.require(len)?;
        (0..fragments).try_fold(0, |at, index| room.put(at, client.due_fragment(index)?))?;
        Ok(())
    };
    copy().into()
}

/// Leads to the bytes of fragment `index` (0 to `event.frame.fragments` - 1) of the frame that the last event told, without a copy.
/// They may be read until the next function that takes the time or an event. One fragment after the other is the frame.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_frame_fragment(
    client: *mut LiveskyClient,
    index: u16,
    fragment: *mut *const u8,
    len: *mut usize,
) -> LiveskyResult {
    let lead = || {
        // SAFETY: the caller's client.
        let client = unsafe { LiveskyClient::at(client) }?;
        // SAFETY: the caller's pointer and number.
        let (start, count) = unsafe { (client.out(fragment)?, client.out(len)?) };
        let bytes = client.due_fragment(index)?;
        start.set(bytes.as_ptr());
        count.set(bytes.len());
        Ok(())
    };
    lead().into()
}

/// Leads to what a decoder needs before the first frame (of MPEG-TS: PAT and PMT), known once the edge let the client in;
/// LIVESKY_RESULT_NOTHING: none. They may be read until the next function that takes the time. Streams of MPEG-TS are complete without:
/// their key frames begin with the same tables.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_init_bytes(
    client: *mut LiveskyClient,
    init: *mut *const u8,
    len: *mut usize,
) -> LiveskyResult {
    let lead = || {
        // SAFETY: the caller's client.
        let client = unsafe { LiveskyClient::at(client) }?;
        // SAFETY: the caller's pointer and number.
        let (start, count) = unsafe { (client.out(init)?, client.out(len)?) };
        let bytes = client.machine().init();
        if bytes.is_empty() {
            return Err(LiveskyResult::Nothing);
        }
        start.set(bytes.as_ptr());
        count.set(bytes.len());
        Ok(())
    };
    lead().into()
}

/// How the client fares: writes it to `*status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn livesky_client_status(
    client: *mut LiveskyClient,
    now_us: u64,
    status: *mut LiveskyStatus,
) -> LiveskyResult {
    let ask = || {
        // SAFETY: the caller's client.
        let client = unsafe { LiveskyClient::at(client) }?;
        // SAFETY: the caller's struct.
        let out = unsafe { client.out(status) }?;
        out.set(LiveskyStatus::of(client.machine(), Instant::from_micros(now_us), client.stale_bodies()));
        Ok(())
    };
    ask().into()
}
