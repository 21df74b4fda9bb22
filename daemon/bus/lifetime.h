/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdLifetime: the bus name, from when everything is ready until the service leaves. It leaves
 * when it had nothing to do for the idle time, and in such an order that no call is lost: it
 * gives the name back first, then answers whatever was sent to it before that, then goes; a
 * call that comes later starts the next daemon. Main context.
 */
#pragma once

#include <gio/gio.h>

typedef struct EhdLifetime EhdLifetime;

typedef struct {
    gboolean (*is_idle)(gpointer user_data);
    /* The name is ours: calls come from now on. Again after a leave that was called off. */
    void (*ready)(gpointer user_data);
    /* Nothing is left to do and everybody was answered: end the process. error: NULL, or why
     * there is no name (it belongs to another; the bus is gone). Called once. */
    void (*leave)(const GError *error, gpointer user_data);
} EhdLifetimeUser;

/* idle_ms 0: stays for ever. user: borrowed, static. */
EhdLifetime *ehd_lifetime_new(GDBusConnection *connection, guint idle_ms,
                              const EhdLifetimeUser *user, gpointer user_data);
void ehd_lifetime_free(EhdLifetime *lifetime);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdLifetime, ehd_lifetime_free)

/* Takes the name. Everything that can be called is exported by now. */
void ehd_lifetime_start(EhdLifetime *lifetime);
/* is_idle may have changed, or something was just done. */
void ehd_lifetime_activity(EhdLifetime *lifetime);
/* Gives the name back and leaves, idle or not. */
void ehd_lifetime_stop(EhdLifetime *lifetime);
