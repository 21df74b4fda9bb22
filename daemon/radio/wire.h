/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon and ehrlink-bt say to each other: one message per SOCK_SEQPACKET datagram, on
 * one machine, between programs of one build (HELLO checks that). Layout, integers big-endian:
 *
 *     0  type      u8     EHD_RADIO_*
 *     1  value     u8     fast connectable: 0, 1; in HELLO the version of this layout
 *     2  status    u16    ehp_status; 0 where a message has none
 *     4  id        u32    which request this is or answers; chosen by the daemon, never 0
 *     8  own       6      address of our adapter, most significant byte first; zeros: any
 *     14 peer      6      address of the other device; zeros where a message has none
 *     20 channel   u8     RFCOMM, 1..30; 0 where a message has none
 *     21 seconds   u8     how long a connect may take, 1..60; 0 where a message has none
 *     22 data             OOB: hash (32), randomizer (32); or a detail text (UTF-8, no NUL)
 *
 * Every request is answered once, by CONNECTED, DONE or FAILED; CANCEL is not answered, and the
 * request that it names then may or may not be. When the daemon hangs up, everything that it
 * asked for is cancelled and everything that it set is put back.
 */
#pragma once

#include "proto/bytes.h"
#include "proto/status.h"

#include <stddef.h>
#include <stdint.h>

#define EHD_RADIO_WIRE_VERSION 1
#define EHD_RADIO_HEADER_LEN   22
#define EHD_RADIO_ADDRESS_LEN  6
#define EHD_RADIO_OOB_LEN      64
/* A detail is one line for a log or the doctor; never an address. */
#define EHD_RADIO_DETAIL_MAX   200
#define EHD_RADIO_MESSAGE_MAX  (EHD_RADIO_HEADER_LEN + EHD_RADIO_DETAIL_MAX)
#define EHD_RADIO_SECONDS_MAX  60
#define EHD_RADIO_CHANNEL_MAX  30

typedef enum {
    /* daemon to helper */
    EHD_RADIO_CONNECT = 1,    /* own, peer, channel, seconds */
    EHD_RADIO_CANCEL = 2,     /* id of a CONNECT */
    EHD_RADIO_GET_FAST = 3,   /* own; answered by DONE with value */
    EHD_RADIO_SET_FAST = 4,   /* own, value */
    EHD_RADIO_READ_OOB = 5,   /* own; answered by DONE with data */
    EHD_RADIO_ADD_OOB = 6,    /* own, peer, data */
    EHD_RADIO_REMOVE_OOB = 7, /* own, peer */
    /* helper to daemon */
    EHD_RADIO_HELLO = 16,     /* first message: value = version, id = EHP_STATUS_COUNT */
    EHD_RADIO_CONNECTED = 17, /* id, with the descriptor: connected, non-blocking */
    EHD_RADIO_DONE = 18,      /* id; value or data where the request wants them */
    EHD_RADIO_FAILED = 19,    /* id, status, detail */
} EhdRadioType;

typedef enum {
    EHD_RADIO_FROM_DAEMON, /* what a helper may receive */
    EHD_RADIO_FROM_HELPER, /* what the daemon may receive */
} EhdRadioOrigin;

typedef struct {
    EhdRadioType type;
    uint8_t value;
    ehp_status status;
    uint32_t id;
    uint8_t own[EHD_RADIO_ADDRESS_LEN], peer[EHD_RADIO_ADDRESS_LEN];
    uint8_t channel, seconds;
    const uint8_t *data; /* borrowed until the buffer it was parsed from changes */
    size_t len;
} EhdRadioMessage;

/* Reads one datagram. EHP_BAD_MESSAGE for anything that is not exactly as above, or that
 * `origin` may not say. */
ehp_status ehd_radio_wire_parse(EhdRadioMessage *out, const uint8_t *bytes, size_t len,
                                EhdRadioOrigin origin) EHP_MUST_USE;

/* Writes one datagram into buf (EHD_RADIO_MESSAGE_MAX bytes) and returns its length; a detail
 * that is too long is cut at a character. 0: not a message. */
size_t ehd_radio_wire_build(uint8_t *buf, const EhdRadioMessage *message) EHP_MUST_USE;
