/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A viewer over POSIX sockets: viewer HOST PORT CHANNEL [SECONDS [FILE]]
 * Joins an edge, writes the MPEG-TS to FILE or standard output, and a status line a second to standard error.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "livesky.h"

static volatile sig_atomic_t is_over;

static void on_signal(int number) {
    (void)number;
    is_over = 1;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "viewer: %s: %s\n", what, why);
    exit(1);
}

/* For functions of which no other answer is expected. */
static void must(const char *what, livesky_result_t result) {
    if (result != LIVESKY_RESULT_OK) fail(what, livesky_result_text(result));
}

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static livesky_address_t from_socket(const struct sockaddr_storage *from) {
    livesky_address_t address = {0};
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        address.family = LIVESKY_FAMILY_IPV6;
        address.port = ntohs(in6->sin6_port);
        memcpy(address.bytes, &in6->sin6_addr, 16);
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        address.family = LIVESKY_FAMILY_IPV4;
        address.port = ntohs(in->sin_port);
        memcpy(address.bytes, &in->sin_addr, 4);
    }
    return address;
}

static socklen_t to_socket(const livesky_address_t *address, struct sockaddr_storage *to) {
    memset(to, 0, sizeof *to);
    if (address->family == LIVESKY_FAMILY_IPV6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        memcpy(&in6->sin6_addr, address->bytes, 16);
        return sizeof *in6;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    in->sin_family = AF_INET;
    in->sin_port = htons(address->port);
    memcpy(&in->sin_addr, address->bytes, 4);
    return sizeof *in;
}

/* Opens a socket of the edge's family, and fills in whom it is for and what it is called. */
static int open_socket(const char *host, const char *port, livesky_config_t *config) {
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) fail(host, gai_strerror(error));
    struct sockaddr_storage address;
    memcpy(&address, found->ai_addr, found->ai_addrlen);
    config->edge = from_socket(&address);
    /* A second socket that is connected, and sends nothing, tells which of our addresses leads to the edge. */
    int probe = socket(found->ai_family, SOCK_DGRAM, 0), udp = socket(found->ai_family, SOCK_DGRAM, 0);
    struct sockaddr_storage any = {.ss_family = address.ss_family};
    socklen_t len = sizeof address;
    if (probe < 0 || udp < 0 || bind(udp, (struct sockaddr *)&any, found->ai_addrlen) != 0)
        fail("socket", strerror(errno));
    if (connect(probe, found->ai_addr, found->ai_addrlen) == 0 &&
        getsockname(probe, (struct sockaddr *)&address, &len) == 0) {
        config->local = from_socket(&address);
        len = sizeof any;
        if (getsockname(udp, (struct sockaddr *)&any, &len) != 0) fail("socket", strerror(errno));
        config->local.port = from_socket(&any).port;
    }
    close(probe);
    freeaddrinfo(found);
    return udp;
}

/* All that came, then what is due. */
static void receive(livesky_client_t *client, int udp) {
    uint8_t datagram[2048];
    struct sockaddr_storage from;
    for (int count = 0; count < 64; count++) {
        socklen_t from_len = sizeof from;
        struct sockaddr *name = (struct sockaddr *)&from;
        ssize_t len = recvfrom(udp, datagram, sizeof datagram, MSG_DONTWAIT, name, &from_len);
        if (len < 0) break; /* Nothing more, or an ICMP error: the client sees for itself who is silent. */
        livesky_address_t remote = from_socket(&from);
        /* That one is ignored is counted in the status. */
        (void)livesky_client_handle_datagram(client, now_us(), &remote, datagram, (size_t)len);
    }
    uint64_t at_us;
    if (livesky_client_poll_deadline(client, &at_us) == LIVESKY_RESULT_OK && at_us <= now_us())
        must("timeout", livesky_client_handle_timeout(client, now_us()));
}

/* In the order of livesky_event_kind_t, livesky_refusal_t and livesky_leave_t. */
static const char *const kinds[] = {"", "joined", "refused", "sent to another edge", "started", "", "stalled",
                                    "resumed", "frames skipped", "session over"};
static const char *const refusals[] = {"", ": no such channel", ": not on air yet", ": no capacity",
                                       ": too many clients", ": the edge goes down", ": no good ticket"};
static const char *const leaves[] = {"", ": done", ": the edge is silent", ": the channel ended", ": nobody feeds us",
                                     ": the edge goes down"};

static void take_events(livesky_client_t *client, FILE *out) {
    livesky_event_t event;
    while (livesky_client_poll_event(client, &event) == LIVESKY_RESULT_OK) {
        if (event.kind != LIVESKY_EVENT_KIND_FRAME)
            fprintf(stderr, "viewer: %s%s%s\n", kinds[event.kind], refusals[event.refusal], leaves[event.leave]);
        /* Not a frame: no fragments. */
        for (uint16_t index = 0; index < event.frame.fragments; index++) {
            const uint8_t *bytes;
            size_t len;
            must("frame", livesky_client_frame_fragment(client, index, &bytes, &len));
            if (fwrite(bytes, 1, len, out) != len) fail("output", strerror(errno));
        }
    }
    if (fflush(out) != 0) fail("output", strerror(errno));
}

static void transmit(livesky_client_t *client, int udp) {
    uint8_t datagram[LIVESKY_DATAGRAM_LEN_MAX];
    livesky_transmit_t next;
    while (livesky_client_poll_transmit(client, now_us(), datagram, sizeof datagram, &next) == LIVESKY_RESULT_OK) {
        struct sockaddr_storage to;
        socklen_t to_len = to_socket(&next.to, &to);
        /* A datagram that cannot be sent is a lost one. */
        (void)sendto(udp, datagram, next.len, 0, (struct sockaddr *)&to, to_len);
    }
}

static livesky_status_t print_status(livesky_client_t *client) {
    livesky_status_t status;
    must("status", livesky_client_status(client, now_us(), &status));
    fprintf(stderr, "viewer: %s, buffer %u ms, %u frames, %u stalls, edge %llu B, %u parents %llu B, ignored %llu\n",
            status.is_joined ? "joined" : "joining", (unsigned)status.buffer_ms, (unsigned)status.frames_played,
            (unsigned)status.stalls, (unsigned long long)status.bytes_edge, (unsigned)status.parents,
            (unsigned long long)status.bytes_peers, (unsigned long long)status.rejects);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 4 || argc > 6) fail("usage", "viewer HOST PORT CHANNEL [SECONDS [FILE]]");
    FILE *out = argc > 5 ? fopen(argv[5], "wb") : stdout, *entropy = fopen("/dev/urandom", "rb");
    if (out == NULL) fail(argv[5], strerror(errno));
    livesky_config_t config;
    must("header", livesky_config_init(&config, LIVESKY_ABI_VERSION));
    if (entropy == NULL || fread(&config.seed, sizeof config.seed, 1, entropy) != 1)
        fail("/dev/urandom", strerror(errno));
    fclose(entropy);
    config.upload_bps = 2000000;
    /* Room for channels up to 8 Mbit/s at 50 frames a second, played 4 s behind live. */
    must("size", livesky_config_fit(&config, 8000000, 4000, 1800));
    int udp = open_socket(argv[1], argv[2], &config);

    size_t size, align;
    must("size", livesky_client_size(&config, &size, &align));
    void *memory = aligned_alloc(align, size);
    livesky_client_t *client = NULL;
    must("create", livesky_client_create(&config, memory, size, &client));
    must(argv[3], livesky_client_tune(client, now_us(), argv[3]));
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    uint64_t end_us = argc > 4 ? now_us() + strtoull(argv[4], NULL, 10) * 1000000 : UINT64_MAX;
    uint64_t status_us = now_us() + 1000000;
    while (!is_over && now_us() < end_us) {
        receive(client, udp);
        take_events(client, out);
        transmit(client, udp);
        uint64_t now = now_us(), wake_us = status_us < end_us ? status_us : end_us, at_us;
        if (now >= status_us) {
            print_status(client);
            status_us += 1000000;
        }
        if (livesky_client_poll_deadline(client, &at_us) == LIVESKY_RESULT_OK && at_us < wake_us) wake_us = at_us;
        struct pollfd ready = {.fd = udp, .events = POLLIN};
        /* Rounded up, so that what is due is due. */
        (void)poll(&ready, 1, wake_us > now ? (int)((wake_us - now + 999) / 1000) : 0);
    }
    livesky_status_t status = print_status(client);
    must("leave", livesky_client_leave(client, now_us()));
    transmit(client, udp);
    must("destroy", livesky_client_destroy(&client));
    free(memory);
    close(udp);
    if (fclose(out) != 0) fail("output", strerror(errno));
    if (!status.is_joined) fail(argv[3], "no edge let us in");
    return 0;
}
