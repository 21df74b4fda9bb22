/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of ehrlink-bt: server.c (the loop, the daemon), calls.c (connects), settings.c (what
 * the management socket does).
 */
#pragma once

#include "daemon/radio/server.h"

#include "daemon/radio/mgmt.h"
#include "daemon/radio/wire.h"

/* Seven sessions and one to spare. */
#define EHD_RADIO_CALLS    8
#define EHD_RADIO_ASKS     32
#define EHD_RADIO_ADAPTERS 8
/* Tapped and not connected yet: one per session. */
#define EHD_RADIO_OOBS      16

/* A connect under way. */
typedef struct {
    uint32_t id; /* 0: free */
    int fd;
    int64_t until; /* ms */
    uint8_t peer[6];
    bool refused; /* the kernel told that its pairing failed */
} EhdRadioCall;

/* A management command that is not answered yet. */
typedef struct {
    uint32_t id; /* 0: our own, when a daemon left */
    uint16_t command, index;
    uint8_t request; /* EhdRadioType that it is for */
    bool fast;       /* SET_FAST, SET_CONNECTABLE: what is wanted */
    int64_t until;   /* ms */
} EhdRadioAsk;

/* Fast connectable of an adapter that we changed. */
typedef struct {
    bool used, was, is;
    bool opened; /* it was not connectable at all */
    uint16_t index;
} EhdRadioHeld;

/* A device of which the kernel was given OOB data. */
typedef struct {
    bool used;
    uint16_t index;
    uint8_t peer[6];
} EhdRadioOob;

typedef struct {
    EhdRadioConfig config;
    int daemon, signals, management; /* -1: not there */
    bool quit;
    int64_t idle_since;
    EhdRadioCall calls[EHD_RADIO_CALLS];
    EhdRadioAsk asks[EHD_RADIO_ASKS]; /* in the order they were sent */
    unsigned n_asks;
    EhdRadioHeld held[EHD_RADIO_ADAPTERS];
    EhdRadioOob oobs[EHD_RADIO_OOBS];
} EhdRadioServer;

int64_t ehd_radio_now_ms(void);
/* Each does nothing without a daemon. fd: (transfer none) or -1. */
void ehd_radio_tell(EhdRadioServer *s, const EhdRadioMessage *message, int fd);
void ehd_radio_done(EhdRadioServer *s, uint32_t id);
void ehd_radio_failed(EhdRadioServer *s, uint32_t id, ehp_status status, const char *detail);

/* --- calls.c --- */
void ehd_radio_connect(EhdRadioServer *s, const EhdRadioMessage *message);
void ehd_radio_cancel(EhdRadioServer *s, uint32_t id);
void ehd_radio_cancel_all(EhdRadioServer *s);
/* The socket of a call is writable or broken. */
void ehd_radio_call_ready(EhdRadioServer *s, EhdRadioCall *call);
void ehd_radio_check_calls(EhdRadioServer *s, int64_t now);
/* The kernel says that pairing with this one failed. */
void ehd_radio_auth_failed(EhdRadioServer *s, const uint8_t peer[6]);

/* --- settings.c --- */
/* GET_FAST … REMOVE_OOB. */
void ehd_radio_manage(EhdRadioServer *s, const EhdRadioMessage *message);
void ehd_radio_read_management(EhdRadioServer *s);
void ehd_radio_check_asks(EhdRadioServer *s, int64_t now);
/* The daemon is gone: its questions are not answered, what it set is put back. */
void ehd_radio_put_back(EhdRadioServer *s);
