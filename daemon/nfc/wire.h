/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon and ehrlink-nfc say to each other: one message per SOCK_SEQPACKET datagram,
 * on one machine, between programs of one build (HELLO checks that). The same form runs between
 * the helper's supervisor and its worker. Layout, integers big-endian:
 *
 *     0  type      u8   EHD_NFC_*
 *     1  role      u8   EHD_NFC_ROLE_*; in HELLO the version of this layout
 *     2  status    u16  ehp_status; 0 where a message has none
 *     4  arm       u32  which arming this belongs to; chosen by the daemon, never 0 while armed
 *     8  tap       u32  which activation of that arming; chosen by the helper, from 1
 *     12 data           an APDU (0 to EHP_APDU_MAX bytes), a detail text (UTF-8, no NUL), or a
 *                       reader (1 to EHD_NFC_READER_MAX bytes of printable ASCII)
 *
 * arm and tap let both sides drop what crossed a DISARM or a LOST on its way.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/status.h"

#include <stddef.h>
#include <stdint.h>

#define EHD_NFC_WIRE_VERSION 2
#define EHD_NFC_HEADER_LEN   12
/* A detail is one line for a log or the doctor: paths and reasons, never an APDU or a UID. */
#define EHD_NFC_DETAIL_MAX   200
/* libnfc's own bound is 1023; ours is what fits into a message. */
#define EHD_NFC_READER_MAX   250
#define EHD_NFC_MESSAGE_MAX  (EHD_NFC_HEADER_LEN + EHP_APDU_MAX)

typedef enum {
    EHD_NFC_ROLE_NONE = 0,
    EHD_NFC_ROLE_READER = 1,
    EHD_NFC_ROLE_CARD = 2,
} EhdNfcRole;

typedef enum {
    /* daemon to helper */
    EHD_NFC_ARM = 1,     /* role, arm: poll or listen until DISARM; replaces an earlier ARM */
    EHD_NFC_DISARM = 2,  /* arm: stop; answered by DISARMED */
    EHD_NFC_RELEASE = 3, /* arm, tap: end this tap, stay armed; answered by LOST with Ok */
    EHD_NFC_PROBE = 4,   /* open the reader if it is not, and answer with STATE */
    /* both ways: a C-APDU goes from the NFC reader's side to the card's, an R-APDU back */
    EHD_NFC_APDU = 5, /* arm, tap, data */
    /* daemon to a helper that its service manager started: data = the reader, as libnfc names
     * it, or "auto"; before any ARM or PROBE. A helper whose command line names one stays with
     * that. */
    EHD_NFC_READER = 6,
    /* helper to daemon */
    EHD_NFC_HELLO = 16,     /* first message: role = version, arm = EHP_STATUS_COUNT */
    EHD_NFC_STATE = 17,     /* status, detail: how the reader is; sent on change and to PROBE */
    EHD_NFC_ARMED = 18,     /* role, arm: polls or listens from now on (again) */
    EHD_NFC_DISARMED = 19,  /* arm: the field is off, nothing polls */
    EHD_NFC_ACTIVATED = 20, /* role, arm, tap: an ISO-DEP device is there */
    EHD_NFC_LOST = 21,      /* arm, tap, status (Ok: released by us), detail */
    EHD_NFC_FOREIGN = 22,   /* arm, status, detail: something that is not ISO-DEP is there */
    EHD_NFC_REFUSED = 23, /* arm, tap, status, detail: a message of the daemon was not obeyed */
    /* worker to supervisor only: next sign of life within arm milliseconds (0: only after the
     * next message) */
    EHD_NFC_BEAT = 32,
} EhdNfcType;

typedef enum {
    EHD_NFC_FROM_DAEMON, /* what a helper may receive */
    EHD_NFC_FROM_HELPER, /* what the daemon may receive */
    EHD_NFC_FROM_WORKER, /* FROM_HELPER without HELLO, and BEAT */
} EhdNfcOrigin;

typedef struct {
    EhdNfcType type;
    uint8_t role;
    ehp_status status;
    uint32_t arm;
    uint32_t tap;
    const uint8_t *data; /* borrowed until the buffer it was parsed from changes */
    size_t len;
} EhdNfcMessage;

/* Reads one datagram. EHP_TOO_LARGE if an APDU is longer than EHP_APDU_MAX (out is then filled
 * but for data, so that it can be refused by its numbers) or a detail longer than its maximum;
 * EHP_BAD_MESSAGE for anything else that is not exactly as above, or that `origin` may not say.
 */
ehp_status ehd_nfc_wire_parse(EhdNfcMessage *out, const uint8_t *bytes, size_t len,
                              EhdNfcOrigin origin) EHP_MUST_USE;

/* Writes one datagram into buf (EHD_NFC_MESSAGE_MAX bytes) and returns its length; a detail
 * that is too long is cut at a character. EHP_TOO_LARGE is 0: an APDU over EHP_APDU_MAX. */
size_t ehd_nfc_wire_build(uint8_t *buf, const EhdNfcMessage *message) EHP_MUST_USE;

/* Builds and sends without blocking. 0, or a negative errno: -EMSGSIZE for an APDU over
 * EHP_APDU_MAX, -EAGAIN when the other side does not read, -EPIPE when it is gone. */
int ehd_nfc_wire_send(int fd, const EhdNfcMessage *message) EHP_MUST_USE;
