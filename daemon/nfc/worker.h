/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker: the one process that calls libnfc. One thread. What it is told comes over a
 * socket from the supervisor; while libnfc blocks, a signal looks at that socket (see
 * worker.c).
 */
#pragma once

#include "daemon/nfc/device.h"
#include "daemon/nfc/wire.h"

#include <signal.h>
#include <stdbool.h>

typedef struct {
    int fd; /* to the supervisor */
    bool verbose;
    EhdNfcDevice device;
    bool quit;    /* the supervisor is gone, or said goodbye */
    bool changed; /* a role loop must return: another role, or none */
    bool probing; /* STATE is owed */
    uint8_t role; /* what is armed; EHD_NFC_ROLE_* */
    uint32_t arm;
    uint32_t tap;    /* of this arming, the last one */
    bool active;     /* tap is in progress */
    bool released;   /* the daemon ended it */
    size_t apdu_len; /* 0: none has come */
    uint8_t apdu[EHP_APDU_MAX];
    int64_t promised; /* when the next sign of life is due, ms; 0: none is */
    int leaks;        /* fds lost to aborts that nobody waited for */
} EhdNfcWorker;

/* Runs until the supervisor hangs up; returns the exit code. */
int ehd_nfc_worker_run(int fd, const char *reader, bool verbose);

/* --- for the role loops --- */

/* Polls (reader.c) or listens (card.c) until changed or quit, or until the reader fails. */
void ehd_nfc_reader_loop(EhdNfcWorker *worker);
void ehd_nfc_card_loop(EhdNfcWorker *worker);

/* Promises the supervisor a sign of life within `ms`; 0 when only the next message can wake us.
 */
void ehd_nfc_worker_beat(EhdNfcWorker *worker, unsigned ms);
/* Takes messages until there is one to act on or `ms` have passed (-1: for ever). True if the
 * caller must look: apdu_len, released, changed, probing or quit. */
bool ehd_nfc_worker_wait(EhdNfcWorker *worker, int ms);
/* True when the role loop or the tap in progress is over. */
bool ehd_nfc_worker_interrupted(const EhdNfcWorker *worker);

void ehd_nfc_worker_armed(EhdNfcWorker *worker);
void ehd_nfc_worker_activated(EhdNfcWorker *worker);
void ehd_nfc_worker_apdu(EhdNfcWorker *worker, const uint8_t *apdu, size_t len);
/* Ends the tap in progress. */
void ehd_nfc_worker_lost(EhdNfcWorker *worker, ehp_status why, const char *detail);
/* Ends it because the device was judged unfit. */
void ehd_nfc_worker_lost_reader(EhdNfcWorker *worker);
void ehd_nfc_worker_foreign(EhdNfcWorker *worker, const char *detail);

/* Between these two a message that is not an APDU makes libnfc return NFC_EOPABORTED. begin
 * returns false if one is there already: then do not call libnfc. end takes its result. */
bool ehd_nfc_worker_begin(EhdNfcWorker *worker);
void ehd_nfc_worker_end(EhdNfcWorker *worker, int result);
