/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdPorch: where a connection waits until its first bytes say which session it belongs to.
 * Anyone in range can connect: what is junk, silent, unknown or too much is closed and counted,
 * and costs no session anything.
 */
#pragma once

#include <glib.h>

#include "proto/session.h"

/* Connections that have not said all of their preamble. One more pushes out the oldest: an
 * honest device says it at once. */
#define EHD_PORCH_MAX       16
#define EHD_PORCH_SILENT_MS 5000
/* Connections per second in the long run, and at once. More are closed unread. */
#define EHD_PORCH_RATE      20
#define EHD_PORCH_BURST     40

typedef struct EhdPorch EhdPorch;

typedef struct {
    guint64 taken;   /* given to a session */
    guint64 junk;    /* not our preamble */
    guint64 silent;  /* hung up or said nothing in time */
    guint64 unknown; /* no session wanted it, now or in time */
    guint64 refused; /* too many */
} EhdPorchCounts;

typedef enum {
    EHD_KNOCK_TAKEN,   /* fd is the caller's now */
    EHD_KNOCK_UNKNOWN, /* no session knows this preamble */
    /* Not known yet, but a tap is at its last step: the card commits on CONFIRM and may connect
     * before its answer to it has come through the reader. Keep it for ehd_porch_retry(). */
    EHD_KNOCK_WAIT,
} EhdKnock;

typedef EhdKnock (*EhdPorchKnock)(int fd, const ehp_preamble *preamble, gpointer user_data);

EhdPorch *ehd_porch_new(guint silent_ms, EhdPorchKnock knock, gpointer user_data);
void ehd_porch_free(EhdPorch *porch);
/* fd: (transfer full) connected, non-blocking. */
void ehd_porch_take(EhdPorch *porch, int fd);
/* Knocks again for every connection that waits. */
void ehd_porch_retry(EhdPorch *porch);
const EhdPorchCounts *ehd_porch_get_counts(const EhdPorch *porch);
