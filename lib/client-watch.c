/* SPDX-License-Identifier: Apache-2.0
 *
 * Watching the service: its signals find their sessions, and when it ends while somebody is
 * attached to a session it is started again.
 *
 * Signals are subscribed by the unique name of the process that owns the service's name. With
 * the well-known name, GDBus before 2.80.1 would let a signal sent to us alone by anybody
 * through (CVE-2024-34397).
 */
#include "session-private.h"

#include <string.h>

#include "names.h"
#include "words-private.h"

/* Counted until a session is attached again: a service that dies of being attached to counts.
 */
#define RESTARTS_MAX  5
#define RESTART_DELAY 200 /* ms, doubled each time: 6 s in all */

static void schedule_restart(EhrlinkClient *self);

static void
on_session_signal(GDBusConnection *connection, const char *sender, const char *path,
                  const char *interface, const char *name, GVariant *parameters,
                  gpointer user_data)
{
    EhrlinkClient *self = user_data;
    EhrlinkSession *session = g_hash_table_lookup(self->sessions, path);
    g_autoptr(GVariant) details = NULL;

    if (session == NULL || !g_str_equal(name, "Changed") ||
        !g_variant_is_of_type(parameters, G_VARIANT_TYPE("(sa{sv})")))
        return;
    details = g_variant_get_child_value(parameters, 1);
    ehrlink_session_take_details(session, details);
}

/* /org/ehrlink1/session/ID/transfer/N → the session at /org/ehrlink1/session/ID */
static EhrlinkSession *
session_of_transfer(EhrlinkClient *self, const char *path)
{
    const char *end = strstr(path, "/transfer/");
    g_autofree char *parent = NULL;

    if (end == NULL)
        return NULL;
    parent = g_strndup(path, (gsize)(end - path));
    return g_hash_table_lookup(self->sessions, parent);
}

static void
on_transfer_signal(GDBusConnection *connection, const char *sender, const char *path,
                   const char *interface, const char *name, GVariant *parameters,
                   gpointer user_data)
{
    EhrlinkSession *session = session_of_transfer(user_data, path);

    if (session == NULL)
        return;
    if (g_str_has_suffix(path, REPLY_SUFFIX))
        return; /* what the clinic sends back is told by #EhrlinkSession::changed */
    if (g_str_equal(name, "Progress") &&
        g_variant_is_of_type(parameters, G_VARIANT_TYPE("(tta{sv})"))) {
        guint64 done, total;

        g_variant_get(parameters, "(tt@a{sv})", &done, &total, NULL);
        ehrlink_session_take_progress(session, done, total);
    } else if (g_str_equal(name, "ItemStateChanged") &&
               g_variant_is_of_type(parameters, G_VARIANT_TYPE("(us)"))) {
        const char *state;
        guint32 id;

        g_variant_get(parameters, "(u&s)", &id, &state);
        if (g_str_equal(state, "stored"))
            ehrlink_session_take_stored(session, id);
    }
}

static void
unsubscribe(EhrlinkClient *self)
{
    if (self->session_signals != 0)
        g_dbus_connection_signal_unsubscribe(self->connection, self->session_signals);
    if (self->transfer_signals != 0)
        g_dbus_connection_signal_unsubscribe(self->connection, self->transfer_signals);
    self->session_signals = 0;
    self->transfer_signals = 0;
}

static void
subscribe(EhrlinkClient *self)
{
    self->session_signals = g_dbus_connection_signal_subscribe(
        self->connection, self->owner, SESSION_INTERFACE, NULL, NULL, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, on_session_signal, self, NULL);
    self->transfer_signals = g_dbus_connection_signal_subscribe(
        self->connection, self->owner, TRANSFER_INTERFACE, NULL, NULL, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, on_transfer_signal, self, NULL);
}

/* Sessions may leave the table while they are gone through. */
static GPtrArray *
all_sessions(EhrlinkClient *self)
{
    GPtrArray *sessions = g_ptr_array_new_with_free_func(g_object_unref);
    GHashTableIter iter;
    gpointer session;

    g_hash_table_iter_init(&iter, self->sessions);
    while (g_hash_table_iter_next(&iter, NULL, &session))
        g_ptr_array_add(sessions, g_object_ref(session));
    return sessions;
}

static void
fail_all(EhrlinkClient *self, const char *why)
{
    g_autoptr(GPtrArray) sessions = all_sessions(self);

    for (guint i = 0; i < sessions->len; i++)
        ehrlink_session_fail(
            sessions->pdata[i],
            g_error_new_literal(EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE, why));
}

static void
on_restarted(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(EhrlinkClient) self = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    /* Success is seen by the name. */
    if (reply == NULL && self->owner == NULL && !g_dbus_connection_is_closed(self->connection))
        schedule_restart(self);
}

static gboolean
restart(gpointer user_data)
{
    EhrlinkClient *self = user_data;

    self->restart_source = 0;
    if (self->owner == NULL && g_hash_table_size(self->sessions) > 0)
        g_dbus_connection_call(
            self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", "StartServiceByName", g_variant_new("(su)", BUS_NAME, 0),
            NULL, G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, on_restarted, g_object_ref(self));
    return G_SOURCE_REMOVE;
}

static void
schedule_restart(EhrlinkClient *self)
{
    g_autoptr(GSource) source = NULL;
    guint delay = RESTART_DELAY << self->restarts;

    if (self->restart_source != 0 || g_hash_table_size(self->sessions) == 0)
        return;
    if (self->restarts++ >= RESTARTS_MAX) {
        self->restarts = 0;
        fail_all(self, N_("the ehrlink service ended and does not start again"));
        return;
    }
    source = g_timeout_source_new(self->restarts == 1 ? 0 : delay);
    g_source_set_callback(source, restart, self, NULL);
    self->restart_source = g_source_attach(source, g_main_context_get_thread_default());
}

static void
on_appeared(GDBusConnection *connection, const char *name, const char *owner,
            gpointer user_data)
{
    g_autoptr(EhrlinkClient) self = g_object_ref(user_data);
    g_autoptr(GPtrArray) sessions = NULL;

    g_free(self->owner);
    self->owner = g_strdup(owner);
    unsubscribe(self);
    subscribe(self);
    g_object_notify(G_OBJECT(self), "available");
    sessions = all_sessions(self);
    for (guint i = 0; i < sessions->len; i++)
        ehrlink_session_service_back(sessions->pdata[i]);
}

static void
on_vanished(GDBusConnection *connection, const char *name, gpointer user_data)
{
    g_autoptr(EhrlinkClient) self = g_object_ref(user_data);
    g_autoptr(GPtrArray) sessions = NULL;

    if (self->owner == NULL)
        return;
    g_clear_pointer(&self->owner, g_free);
    unsubscribe(self);
    g_object_notify(G_OBJECT(self), "available");
    sessions = all_sessions(self);
    for (guint i = 0; i < sessions->len; i++)
        ehrlink_session_service_gone(sessions->pdata[i]);
    schedule_restart(self);
}

static void
on_closed(GDBusConnection *connection, gboolean remote_vanished, GError *error,
          gpointer user_data)
{
    fail_all(user_data, N_("the message bus is gone"));
}

void
ehrlink_client_watch(EhrlinkClient *self)
{
    self->closed_handler =
        g_signal_connect(self->connection, "closed", G_CALLBACK(on_closed), self);
    self->watch = g_bus_watch_name_on_connection(self->connection, BUS_NAME,
                                                 G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
                                                 on_vanished, self, NULL);
}

void
ehrlink_client_unwatch(EhrlinkClient *self)
{
    if (self->restart_source != 0) {
        GSource *source = g_main_context_find_source_by_id(g_main_context_get_thread_default(),
                                                           self->restart_source);

        if (source != NULL)
            g_source_destroy(source);
        self->restart_source = 0;
    }
    if (self->connection == NULL)
        return;
    unsubscribe(self);
    if (self->watch != 0)
        g_bus_unwatch_name(self->watch);
    self->watch = 0;
    g_clear_signal_handler(&self->closed_handler, self->connection);
}

void
ehrlink_client_add_session(EhrlinkClient *self, EhrlinkSession *session)
{
    g_hash_table_replace(self->sessions, g_strdup(session->path), g_object_ref(session));
}

void
ehrlink_client_remove_session(EhrlinkClient *self, EhrlinkSession *session)
{
    if (g_hash_table_lookup(self->sessions, session->path) == session)
        g_hash_table_remove(self->sessions, session->path);
}
