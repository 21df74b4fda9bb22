/* SPDX-License-Identifier: Apache-2.0
 *
 * The supervisor's own parts: supervisor.c (time, signals, the loop), supervisor-daemon.c (what
 * goes to and comes from the daemon), supervisor-worker.c (a worker's life).
 */
#pragma once

#include "daemon/nfc/supervisor.h"

#include "daemon/nfc/wire.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct {
    EhdNfcSupervisorConfig config;
    int daemon;
    int signals;
    bool quit;
    int64_t idle_since; /* no daemon since then */
    /* the worker */
    pid_t pid; /* 0: none */
    int worker;
    int64_t born, due, killed, farewell; /* ms; due, killed, farewell: 0 for "not" */
    const char *fault;                   /* why we killed it; NULL: we did not */
    bool stuck_told;
    int64_t respawn; /* not before */
    int failures;
    /* what the daemon wants */
    char reader[EHD_NFC_READER_MAX + 1]; /* "": it named none */
    uint8_t role;
    uint32_t arm;
    bool probing;
    bool disarming; /* DISARMED is owed */
    /* what the worker last said */
    uint32_t tap; /* in progress; 0: none */
    bool state_known;
    ehp_status state;
    char detail[EHD_NFC_DETAIL_MAX + 1];
} EhdNfcSupervisor;

int64_t ehd_nfc_now_ms(void);
/* On stderr, with --verbose. */
void ehd_nfc_note(const EhdNfcSupervisor *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- supervisor-daemon.c --- */
void ehd_nfc_accept_daemon(EhdNfcSupervisor *s);
void ehd_nfc_welcome(EhdNfcSupervisor *s, int fd);
void ehd_nfc_read_daemon(EhdNfcSupervisor *s);
void ehd_nfc_hang_up(EhdNfcSupervisor *s);
/* Each does nothing without a daemon. */
void ehd_nfc_tell(EhdNfcSupervisor *s, const EhdNfcMessage *message);
void ehd_nfc_tell_detail(EhdNfcSupervisor *s, EhdNfcType type, uint32_t tap, ehp_status status,
                         const char *detail);
/* Also remembered, for the next arming and probes. */
void ehd_nfc_tell_state(EhdNfcSupervisor *s, ehp_status status, const char *detail);
/* If it is owed. */
void ehd_nfc_tell_disarmed(EhdNfcSupervisor *s);

/* --- supervisor-worker.c --- */
/* Runs, and was neither killed nor dismissed. */
bool ehd_nfc_is_usable(const EhdNfcSupervisor *s);
void ehd_nfc_spawn(EhdNfcSupervisor *s);
/* No-op without a usable worker. */
void ehd_nfc_pass_on(EhdNfcSupervisor *s, const EhdNfcMessage *message);
void ehd_nfc_read_worker(EhdNfcSupervisor *s);
/* Hangs up, so that it closes the reader and ends. */
void ehd_nfc_dismiss(EhdNfcSupervisor *s);
/* fault: static; what it did and that it was killed, for the daemon. */
void ehd_nfc_kill_worker(EhdNfcSupervisor *s, const char *fault);
/* It ended with this wait status. */
void ehd_nfc_bury(EhdNfcSupervisor *s, int status);
