/* SPDX-License-Identifier: Apache-2.0
 *
 * What client-*.c and session-*.c share of a client.
 */
#pragma once

#include "ehrlink-client.h"

/* A function as the tag of its tasks, as GLib has it; ISO C would rather not. */
#define TAG(function) (__extension__(gpointer)(function))

struct _EhrlinkClient {
    GObject parent;

    GDBusConnection *connection; /* owned */
    gboolean own_connection;     /* made here, so closed here */
    gulong closed_handler;
    gboolean interactive;

    guint watch;
    guint session_signals;
    guint transfer_signals;
    char *owner; /* unique name of the service; NULL while it does not run */

    char *version;
    guint protocol_version;
    guint unread_sessions;

    GHashTable *sessions; /* path → attached session (owned until it has ended) */
    guint next_agent;

    guint restart_source;
    guint restarts;
};

/* Watches the name of the service. Once, when the connection is there. */
void ehrlink_client_watch(EhrlinkClient *self);
void ehrlink_client_unwatch(EhrlinkClient *self);

/* An attached session comes or goes. */
void ehrlink_client_add_session(EhrlinkClient *self, EhrlinkSession *session);
void ehrlink_client_remove_session(EhrlinkClient *self, EhrlinkSession *session);

/* Calls a method of the manager; starts the service. @parameters may be floating. @task gets
 * nothing: @callback does. */
void ehrlink_client_call(EhrlinkClient *self, const char *method, GVariant *parameters,
                         const char *reply_type, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data);
/* The mapped error, or the reply. */
GVariant *ehrlink_client_call_finish(EhrlinkClient *self, GAsyncResult *result, GError **error);
