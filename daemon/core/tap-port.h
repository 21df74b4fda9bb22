/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdTapPort: the NFC reader as the core sees it. The real one (tap-port-nfc.c) is the client
 * of ehrlink-nfc, daemon/tap/tap.h, whose contracts hold here; tests put two of them face to
 * face.
 */
#pragma once

#include <glib.h>

#include "proto/status.h"

typedef struct EhdTapPort EhdTapPort;

typedef enum {
    EHD_TAP_PORT_READER = 1, /* terminal */
    EHD_TAP_PORT_CARD = 2,   /* patient */
} EhdTapPortRole;

/* As EhdTapEvents, without the tap. All are set. */
typedef struct {
    void (*on_ready)(gpointer user_data);
    void (*on_activated)(gpointer user_data);
    void (*on_apdu)(const guint8 *apdu, gsize length, gpointer user_data);
    void (*on_lost)(ehp_status why, const char *detail, gpointer user_data);
    void (*on_error)(ehp_status status, const char *detail, gpointer user_data);
} EhdTapPortEvents;

typedef void (*EhdTapPortProbed)(ehp_status status, const char *detail, gpointer user_data);

typedef struct {
    void (*arm)(EhdTapPort *port, EhdTapPortRole role, const EhdTapPortEvents *events,
                gpointer user_data);
    void (*disarm)(EhdTapPort *port);
    ehp_status (*send_apdu)(EhdTapPort *port, const guint8 *apdu, gsize length);
    void (*release)(EhdTapPort *port);
    ehp_status (*get_state)(EhdTapPort *port, const char **detail);
    void (*probe)(EhdTapPort *port, EhdTapPortProbed done, gpointer user_data);
    void (*free)(EhdTapPort *port);
} EhdTapPortOps;

/* Embedded as first member by each backend. */
struct EhdTapPort {
    const EhdTapPortOps *ops; /* borrowed, static */
};

struct EhdTap;
/* (transfer full) The real reader. tap: (transfer none) must outlive it. Linked only by the
 * daemon. */
EhdTapPort *ehd_tap_port_nfc_new(struct EhdTap *tap);
void ehd_tap_port_free(EhdTapPort *port);
