/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The LiveSky client for C: docs/c.md tells how to use it.
 * Written by `cargo xtask c-header` from bindings/c/src: change it there. */

#ifndef LIVESKY_H
#define LIVESKY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * No address.
 */
#define LIVESKY_FAMILY_NONE 0

/**
 * An IPv4 address.
 */
#define LIVESKY_FAMILY_IPV4 4

/**
 * An IPv6 address.
 */
#define LIVESKY_FAMILY_IPV6 6

/**
 * Which header this is: it goes up with every change that programs must be compiled anew for.
 */
#define LIVESKY_ABI_VERSION 1

/**
 * The longest datagram in bytes.
 */
#define LIVESKY_DATAGRAM_LEN_MAX 1200

/**
 * The most the edge and the peers can be together.
 */
#define LIVESKY_PEERS_MAX 64

/**
 * What a function answers. 0: done; 1: done, there was nothing; from 16 on: a mistake of the caller, and nothing was done;
 * from 64 on: a datagram was ignored, which is counted and no reason to stop.
 */
typedef enum {
    /**
     * Done.
     */
    LIVESKY_RESULT_OK = 0,
    /**
     * Nothing to send, to tell or to wait for.
     */
    LIVESKY_RESULT_NOTHING = 1,
    /**
     * A pointer is null.
     */
    LIVESKY_RESULT_NULL_POINTER = 16,
    /**
     * A pointer is not aligned to what it leads to.
     */
    LIVESKY_RESULT_MISALIGNED = 17,
    /**
     * A length is longer than any memory.
     */
    LIVESKY_RESULT_INVALID_LENGTH = 18,
    /**
     * A pointer leads into the client's own memory.
     */
    LIVESKY_RESULT_OVERLAP = 19,
    /**
     * This is no client, or it was destroyed.
     */
    LIVESKY_RESULT_INVALID_CLIENT = 20,
    /**
     * `*client` is not null: destroy that client first, or set the pointer to NULL before it is used.
     */
    LIVESKY_RESULT_ALREADY_CREATED = 21,
    /**
     * The memory is smaller than livesky_client_size says.
     */
    LIVESKY_RESULT_MEMORY_TOO_SMALL = 22,
    /**
     * The buffer is smaller than what goes there.
     */
    LIVESKY_RESULT_BUFFER_TOO_SMALL = 23,
    /**
     * The header's LIVESKY_ABI_VERSION is not the library's, or livesky_config_init was not called.
     */
    LIVESKY_RESULT_ABI_MISMATCH = 24,
    /**
     * peers_max is not in 1 to LIVESKY_PEERS_MAX.
     */
    LIVESKY_RESULT_INVALID_PEERS_MAX = 25,
    /**
     * frames_max is 0, or too large for this computer.
     */
    LIVESKY_RESULT_INVALID_FRAMES_MAX = 26,
    /**
     * store_bytes_max holds no fragment, or is too large for this computer.
     */
    LIVESKY_RESULT_INVALID_STORE_BYTES_MAX = 27,
    /**
     * seed is 0: fill it with random bits.
     */
    LIVESKY_RESULT_INVALID_SEED = 28,
    /**
     * A flag is neither 0 nor 1.
     */
    LIVESKY_RESULT_INVALID_FLAG = 29,
    /**
     * An address is of no known family, or has no port.
     */
    LIVESKY_RESULT_INVALID_ADDRESS = 30,
    /**
     * A channel's name is 1 to 32 characters of a-z A-Z 0-9 . _ - and does not begin with a dot.
     */
    LIVESKY_RESULT_INVALID_CHANNEL_NAME = 31,
    /**
     * A figure of a channel is 0.
     */
    LIVESKY_RESULT_INVALID_FIGURE = 32,
    /**
     * No frame was told, or it made room for others since.
     */
    LIVESKY_RESULT_FRAME_GONE = 33,
    /**
     * Ignored: no datagram of this protocol.
     */
    LIVESKY_RESULT_REJECTED_MALFORMED = 64,
    /**
     * Ignored: a version or kind this client does not speak.
     */
    LIVESKY_RESULT_REJECTED_UNSUPPORTED = 65,
    /**
     * Ignored: its proof of origin is missing or wrong.
     */
    LIVESKY_RESULT_REJECTED_UNAUTHENTIC = 66,
    /**
     * Ignored: it was right once.
     */
    LIVESKY_RESULT_REJECTED_STALE = 67,
    /**
     * Ignored: had already.
     */
    LIVESKY_RESULT_REJECTED_DUPLICATE = 68,
    /**
     * Ignored: no room, in the frame store or in a table.
     */
    LIVESKY_RESULT_REJECTED_FULL = 69,
    /**
     * Ignored: of no peer known, or not from its address.
     */
    LIVESKY_RESULT_REJECTED_UNKNOWN_PEER = 70,
    /**
     * Ignored: of no channel known.
     */
    LIVESKY_RESULT_REJECTED_UNKNOWN_CHANNEL = 71,
    /**
     * Ignored: right message, wrong moment or sender.
     */
    LIVESKY_RESULT_REJECTED_UNEXPECTED = 72,
} livesky_result_t;

/**
 * What happened.
 */
typedef enum {
    /**
     * Nothing.
     */
    LIVESKY_EVENT_KIND_NONE = 0,
    /**
     * The edge let the client in: livesky_client_init_bytes has what a decoder needs first.
     */
    LIVESKY_EVENT_KIND_JOINED = 1,
    /**
     * The edge turned the client away; it is asked again by itself. `refusal`, `after_us`: not before.
     */
    LIVESKY_EVENT_KIND_REFUSED = 2,
    /**
     * Another edge is asked, because one is full or goes down; what is playing plays on. `address`: that edge.
     */
    LIVESKY_EVENT_KIND_REDIRECTED = 3,
    /**
     * Playback begins. `after_us`: since the first hello.
     */
    LIVESKY_EVENT_KIND_STARTED = 4,
    /**
     * A frame is to be decoded now. `frame`; its bytes: livesky_client_frame_copy or livesky_client_frame_fragment.
     */
    LIVESKY_EVENT_KIND_FRAME = 5,
    /**
     * Nothing to play: the picture stands.
     */
    LIVESKY_EVENT_KIND_STALLED = 6,
    /**
     * Playback goes on. `after_us`: length of the stall.
     */
    LIVESKY_EVENT_KIND_RESUMED = 7,
    /**
     * Frames were passed over. `skipped_from`, `skipped_to`.
     */
    LIVESKY_EVENT_KIND_SKIPPED = 8,
    /**
     * The session is over; unless livesky_client_leave ended it, the client joins again by itself. `leave`.
     */
    LIVESKY_EVENT_KIND_LEFT = 9,
} livesky_event_kind_t;

/**
 * Why an edge does not let a client in.
 */
typedef enum {
    /**
     * It does.
     */
    LIVESKY_REFUSAL_NONE = 0,
    /**
     * No such channel there.
     */
    LIVESKY_REFUSAL_UNKNOWN_CHANNEL = 1,
    /**
     * The channel is known but has no frames yet.
     */
    LIVESKY_REFUSAL_NOT_ON_AIR = 2,
    /**
     * No capacity: neither a peer's nor the edge's.
     */
    LIVESKY_REFUSAL_SATURATED = 3,
    /**
     * Its table of clients is full.
     */
    LIVESKY_REFUSAL_FULL = 4,
    /**
     * It is going down.
     */
    LIVESKY_REFUSAL_DRAINING = 5,
    /**
     * The ticket is missing, wrong or expired.
     */
    LIVESKY_REFUSAL_TICKET = 6,
} livesky_refusal_t;

/**
 * Why a session ended.
 */
typedef enum {
    /**
     * It did not.
     */
    LIVESKY_LEAVE_NONE = 0,
    /**
     * The client left, or the edge shut down.
     */
    LIVESKY_LEAVE_DONE = 1,
    /**
     * The edge was silent for too long.
     */
    LIVESKY_LEAVE_SILENT = 2,
    /**
     * The channel ended.
     */
    LIVESKY_LEAVE_ENDED = 3,
    /**
     * Neither the edge nor peers fed the client.
     */
    LIVESKY_LEAVE_UNFED = 4,
    /**
     * The edge goes down.
     */
    LIVESKY_LEAVE_DRAINING = 5,
} livesky_leave_t;

/**
 * What playout is about.
 */
typedef enum {
    /**
     * Not started.
     */
    LIVESKY_PLAYOUT_IDLE = 0,
    /**
     * Gathers media before it begins.
     */
    LIVESKY_PLAYOUT_STARTUP = 1,
    /**
     * Frames are told as they fall due.
     */
    LIVESKY_PLAYOUT_PLAYING = 2,
    /**
     * The next frame is missing past its time.
     */
    LIVESKY_PLAYOUT_STALLED = 3,
} livesky_playout_t;

/**
 * A client, in memory of the caller.
 */
typedef struct livesky_client_t livesky_client_t;

/**
 * An address and port.
 *
 * An IPv4 address that is mapped to IPv6 (::ffff:a.b.c.d), as sockets for both families tell them, is taken as the IPv4
 * address it is; given out are IPv4 addresses as such.
 */
typedef struct {
    /**
     * LIVESKY_FAMILY_NONE, LIVESKY_FAMILY_IPV4 or LIVESKY_FAMILY_IPV6.
     */
    uint8_t family;
    /**
     * 0.
     */
    uint8_t reserved;
    /**
     * The port, in the computer's own byte order.
     */
    uint16_t port;
    /**
     * The address in network byte order: 4 bytes of IPv4 and zeros, or 16 of IPv6.
     */
    uint8_t bytes[16];
} livesky_address_t;

/**
 * What a client is told at birth: fill it with livesky_config_init, then change what is to differ.
 */
typedef struct {
    /**
     * LIVESKY_ABI_VERSION; filled in by livesky_config_init.
     */
    uint32_t abi_version;
    /**
     * The edge and the peers, 1 to LIVESKY_PEERS_MAX: 24 are plenty, 1 means no peers.
     */
    uint32_t peers_max;
    /**
     * Frames held: of twice the buffer and 1.2 s for repair. livesky_config_fit counts them.
     */
    uint32_t frames_max;
    /**
     * What may be uploaded to other clients in bit/s. The channel's own cap bounds it further.
     */
    uint32_t upload_bps;
    /**
     * Bytes of memory for frames, taken in pages of 1,144. livesky_config_fit counts them.
     */
    uint64_t store_bytes_max;
    /**
     * Decides every random choice: fill it from the system's entropy, for instance /dev/urandom. Not 0.
     */
    uint64_t seed;
    /**
     * The edge.
     */
    livesky_address_t edge;
    /**
     * The edge's address of the other family, when it has one and the socket can send there.
     */
    livesky_address_t edge_also;
    /**
     * The socket's address on its own network, when known: tells a NAT from none, and lets neighbours behind it meet.
     */
    livesky_address_t local;
    /**
     * 1: nothing at all is uploaded. A metered link, or no consent.
     */
    uint8_t receive_only;
    /**
     * 1: goes to the other edges an edge names when it is full or goes down.
     */
    uint8_t follows_redirects;
    /**
     * 0.
     */
    uint8_t reserved[2];
} livesky_config_t;

/**
 * A datagram to send.
 */
typedef struct {
    /**
     * Where to.
     */
    livesky_address_t to;
    /**
     * Bytes of it, at the start of the buffer.
     */
    size_t len;
} livesky_transmit_t;

/**
 * A frame: all the MPEG-TS packets from one picture to the next. Frames one after the other are the stream again.
 */
typedef struct {
    /**
     * Decode time in 90 kHz ticks, 33 bits.
     */
    uint64_t dts_ticks;
    /**
     * Presentation time in 90 kHz ticks, 33 bits.
     */
    uint64_t pts_ticks;
    /**
     * Number within the epoch.
     */
    uint32_t id;
    /**
     * Bytes.
     */
    uint32_t len;
    /**
     * Run of the channel: another one means another stream, whose times and numbers begin anew.
     */
    uint16_t epoch;
    /**
     * Fragments the bytes lie in.
     */
    uint16_t fragments;
    /**
     * Whether decoding can start here.
     */
    bool is_key;
} livesky_frame_t;

/**
 * Something happened. Fields the kind does not name are 0.
 */
typedef struct {
    /**
     * What.
     */
    livesky_event_kind_t kind;
    /**
     * Of a refusal: why.
     */
    livesky_refusal_t refusal;
    /**
     * Of an end: why.
     */
    livesky_leave_t leave;
    /**
     * Of frames passed over: the first of them.
     */
    uint32_t skipped_from;
    /**
     * And the one playback goes on with.
     */
    uint32_t skipped_to;
    /**
     * A span in microseconds.
     */
    uint64_t after_us;
    /**
     * The frame.
     */
    livesky_frame_t frame;
    /**
     * An edge.
     */
    livesky_address_t address;
} livesky_event_t;

/**
 * How a client fares. Totals are since livesky_client_create.
 */
typedef struct {
    /**
     * Payload bytes from the edge.
     */
    uint64_t bytes_edge;
    /**
     * Payload bytes from peers.
     */
    uint64_t bytes_peers;
    /**
     * Payload bytes that were there before.
     */
    uint64_t bytes_duplicate;
    /**
     * UDP payload bytes sent to peers in datagrams that carry a fragment.
     */
    uint64_t bytes_uploaded;
    /**
     * UDP payload bytes of all other datagrams sent.
     */
    uint64_t bytes_control;
    /**
     * Datagrams ignored.
     */
    uint64_t rejects;
    /**
     * Frames that were gone when a datagram was to carry a piece of them.
     */
    uint64_t stale_bodies;
    /**
     * Media that can be played without a gap, in milliseconds.
     */
    uint32_t buffer_ms;
    /**
     * From the first hello to playback, in milliseconds; 0: not started.
     */
    uint32_t startup_ms;
    /**
     * Stalls after the start.
     */
    uint32_t stalls;
    /**
     * Time spent in them, in milliseconds.
     */
    uint32_t stalled_ms;
    /**
     * Frames told.
     */
    uint32_t frames_played;
    /**
     * Frames passed over because they were missing.
     */
    uint32_t frames_skipped;
    /**
     * Events that found no room: livesky_client_poll_event was not called until there was nothing.
     */
    uint32_t events_dropped;
    /**
     * Fragments the frame store has room for.
     */
    uint32_t store_pages_free;
    /**
     * Seconds since the edge let the client in; this and all below are 0 before.
     */
    uint32_t age_s;
    /**
     * Rate of the channel in bit/s.
     */
    uint32_t rate_bps;
    /**
     * How far behind live the channel is played, in milliseconds.
     */
    uint32_t target_buffer_ms;
    /**
     * What playout is about.
     */
    livesky_playout_t playout;
    /**
     * The edge.
     */
    livesky_address_t edge;
    /**
     * Where the edge sees the client.
     */
    livesky_address_t observed;
    /**
     * Substreams of the channel.
     */
    uint8_t substreams;
    /**
     * Of those, fed by the edge.
     */
    uint8_t substreams_edge;
    /**
     * Of those, fed by peers.
     */
    uint8_t substreams_peers;
    /**
     * Different peers that feed some.
     */
    uint8_t parents;
    /**
     * Peers met.
     */
    uint8_t peers;
    /**
     * Substreams fed to other clients.
     */
    uint8_t slots_used;
    /**
     * Substreams that could be.
     */
    uint8_t slots_max;
    /**
     * Whether the edge let the client in.
     */
    bool is_joined;
} livesky_status_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * LIVESKY_ABI_VERSION of the library; the header's must be the same.
 */
uint32_t livesky_abi_version(void);

/**
 * The library's version, for example "0.1.0": a string that lives as long as the program.
 */
const char *livesky_version(void);

/**
 * Fills in what is usual: room for a channel of 4 Mbit/s with a buffer of 2 s, no upload. `edge` and `seed` remain to be set.
 * `abi_version`: LIVESKY_ABI_VERSION, which says that header and library belong together.
 */
livesky_result_t livesky_config_init(livesky_config_t *config,
                                     uint32_t abi_version);

/**
 * Makes room for channels of at most `rate_bps` bit/s, a buffer of `buffer_ms` milliseconds and a frame every `frame_ticks` 90 kHz
 * ticks (3600: 25 a second, 1800: 50): sets `frames_max` and `store_bytes_max`.
 */
livesky_result_t livesky_config_fit(livesky_config_t *config,
                                    uint32_t rate_bps,
                                    uint32_t buffer_ms,
                                    uint32_t frame_ticks);

/**
 * How much memory a client takes, and what it is to be aligned to: the arguments of aligned_alloc. On 64-bit systems malloc aligns enough.
 */
livesky_result_t livesky_client_size(const livesky_config_t *config,
                                     size_t *size,
                                     size_t *align);

/**
 * Makes a client in `memory`, which is the client's until livesky_client_destroy: it must stay where it is, untouched. What was in
 * it before does not matter. `*client` must be NULL before, and leads to the client afterwards. `config` is copied.
 */
livesky_result_t livesky_client_create(const livesky_config_t *config,
                                       void *memory,
                                       size_t memory_len,
                                       livesky_client_t **client);

/**
 * Ends a client: its memory is the caller's again, `*client` is NULL. Nobody is told; livesky_client_leave does that.
 */
livesky_result_t livesky_client_destroy(livesky_client_t **client);

/**
 * Asks the edge for a channel; what was watched before ends. `channel`: its name, ended by a zero byte. Afterwards, as after every
 * function that takes the time: livesky_client_poll_event, livesky_client_poll_transmit and livesky_client_poll_deadline.
 * `now_us`: microseconds of a clock that only goes forward (CLOCK_MONOTONIC), the same for all functions of a client.
 */
livesky_result_t livesky_client_tune(livesky_client_t *client,
                                     uint64_t now_us,
                                     const char *channel);

/**
 * Says goodbye to everybody: send what livesky_client_poll_transmit gives afterwards.
 */
livesky_result_t livesky_client_leave(livesky_client_t *client, uint64_t now_us);

/**
 * Takes in a datagram of `len` bytes that came from `remote`. That it is ignored (LIVESKY_RESULT_REJECTED_...) is counted, happens, and
 * is no reason to stop.
 */
livesky_result_t livesky_client_handle_datagram(livesky_client_t *client,
                                                uint64_t now_us,
                                                const livesky_address_t *remote,
                                                const uint8_t *datagram,
                                                size_t len);

/**
 * Does what is due: to be called when the time of livesky_client_poll_deadline has come; earlier does no harm.
 */
livesky_result_t livesky_client_handle_timeout(livesky_client_t *client,
                                               uint64_t now_us);

/**
 * The next datagram to send: writes it, whole, to `buffer` of `buffer_len` bytes, LIVESKY_DATAGRAM_LEN_MAX at least, and where it goes and
 * how long it is to `*transmit`. LIVESKY_RESULT_NOTHING: none. To be called until then, while the socket takes datagrams;
 * those not polled wait.
 */
livesky_result_t livesky_client_poll_transmit(livesky_client_t *client,
                                              uint64_t now_us,
                                              uint8_t *buffer,
                                              size_t buffer_len,
                                              livesky_transmit_t *transmit);

/**
 * What happened next: writes it to `*event`. LIVESKY_RESULT_NOTHING: nothing. To be called until then: frames wait, and playback with
 * them, while events are not taken.
 */
livesky_result_t livesky_client_poll_event(livesky_client_t *client,
                                           livesky_event_t *event);

/**
 * When livesky_client_handle_timeout is to be called, in microseconds of the caller's clock. LIVESKY_RESULT_NOTHING: not before other
 * input. To be asked again after every other function.
 */
livesky_result_t livesky_client_poll_deadline(livesky_client_t *client,
                                              uint64_t *at_us);

/**
 * Copies the frame that the last event told to `buffer` of `buffer_len` bytes: `event.frame.len` of them are written. To be called
 * before the next function that takes the time or an event.
 */
livesky_result_t livesky_client_frame_copy(livesky_client_t *client,
                                           uint8_t *buffer,
                                           size_t buffer_len);

/**
 * Leads to the bytes of fragment `index` (0 to `event.frame.fragments` - 1) of the frame that the last event told, without a copy.
 * They may be read until the next function that takes the time or an event. One fragment after the other is the frame.
 */
livesky_result_t livesky_client_frame_fragment(livesky_client_t *client,
                                               uint16_t index,
                                               const uint8_t **fragment,
                                               size_t *len);

/**
 * Leads to what a decoder needs before the first frame (of MPEG-TS: PAT and PMT), known once the edge let the client in;
 * LIVESKY_RESULT_NOTHING: none. They may be read until the next function that takes the time. Streams of MPEG-TS are complete without:
 * their key frames begin with the same tables.
 */
livesky_result_t livesky_client_init_bytes(livesky_client_t *client,
                                           const uint8_t **init,
                                           size_t *len);

/**
 * How the client fares: writes it to `*status`.
 */
livesky_result_t livesky_client_status(livesky_client_t *client, uint64_t now_us, livesky_status_t *status);

/**
 * A result in words: a string that lives as long as the program. Any number may be asked about.
 */
const char *livesky_result_text(int32_t result);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LIVESKY_H */
