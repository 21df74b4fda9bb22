/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdHelper: a running helper program and the socket to it, as the daemon has it. Connects to a
 * socket-activated one where there is a service manager, else spawns one with one end of a
 * socket pair. What the messages mean is the user's. On the main context that it was made on.
 *
 * A spawned helper asks for its own end when we die (PDEATHSIG) and ends on a closed socket, so
 * that nothing here waits for it.
 */
#pragma once

#include <glib.h>

#define EHD_HELPER_MESSAGE_MAX 1024

typedef struct EhdHelper EhdHelper;

typedef struct {
    const char *name;        /* for messages: "the NFC helper" */
    const char *program;     /* absolute; NULL: not spawned */
    const char *socket_path; /* NULL: spawned */
    char **arguments;        /* after --fd N; NULL: none */
} EhdHelperConfig;

typedef struct {
    /* A datagram. fd: (transfer full) or -1. FALSE: it is no message; the helper is stopped and
     * on_gone follows. May call any function but free. */
    gboolean (*on_message)(const guint8 *bytes, gsize length, int fd, gpointer user_data);
    /* The helper is gone of itself, or said nonsense. It is already stopped. */
    void (*on_gone)(gpointer user_data);
} EhdHelperEvents;

/* config is copied, events borrowed (static). */
EhdHelper *ehd_helper_new(const EhdHelperConfig *config, const EhdHelperEvents *events,
                          gpointer user_data);
/* Stops first. From within a callback only as the last thing it does. */
void ehd_helper_free(EhdHelper *helper);

gboolean ehd_helper_is_running(EhdHelper *helper);
/* TRUE: we connect to one that a service manager starts. */
gboolean ehd_helper_is_activated(EhdHelper *helper);
/* Starts or connects; no-op when running. FALSE with *why (borrowed until the next call). */
gboolean ehd_helper_start(EhdHelper *helper, const char **why);
/* Hangs up, and the helper ends. With `now` a spawned one is killed: it did not answer. */
void ehd_helper_stop(EhdHelper *helper, gboolean now);
/* Sends if running; a failure is an on_gone to come. */
void ehd_helper_send(EhdHelper *helper, const guint8 *bytes, gsize length);
