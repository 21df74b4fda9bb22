/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the name org.ehrlink1 and the idle timer. It calls RequestName and ReleaseName itself:
 * g_bus_own_name does not say when a release has come through, and the whole point is what
 * happens between the two.
 *
 * Why no call is lost: the bus handles our ReleaseName after every call that it has already
 * routed to us, and GDBus hands us its reply after those calls. So when the reply comes, either
 * something is to be done again, and the name is taken back (a daemon that was started
 * meanwhile waits for the lock on the state directory, sees that the name is owned, and ends),
 * or nothing is, and nothing can come any more. One more round trip to the bus then proves that
 * our answers have left.
 *
 * Under systemd the release of a BusName makes the unit stop, with SIGTERM to us, and a start
 * request waits for that: a session that was opened in the very moment of the release ends then
 * as at any stop of the service.
 */
#include "daemon/bus/lifetime.h"

#include "daemon/bus/names.h"
#include "daemon/error.h"
#include "daemon/words.h"

#define DBUS_NAME                        "org.freedesktop.DBus"
#define DBUS_PATH                        "/org/freedesktop/DBus"
#define NAME_FLAG_DO_NOT_QUEUE           4u
#define REQUEST_NAME_REPLY_PRIMARY_OWNER 1u
#define REQUEST_NAME_REPLY_ALREADY_OWNER 4u

typedef enum {
    NAMELESS,  /* not started, or stopped */
    TAKING,    /* RequestName is under way */
    SERVING,   /* the name is ours */
    RELEASING, /* ReleaseName is under way */
    LEAVING,   /* the last round trip is */
    LEFT,
} Phase;

struct EhdLifetime {
    GDBusConnection *connection; /* owned */
    guint idle_ms;
    const EhdLifetimeUser *user; /* borrowed */
    gpointer user_data;
    Phase phase;
    gboolean stopping;
    guint timer; /* source id */
    guint name_lost;
    gulong closed;
    GCancellable *cancellable; /* owned */
};

static void take_name(EhdLifetime *lifetime);

static void
stop_timer(EhdLifetime *lifetime)
{
    if (lifetime->timer != 0)
        g_source_remove(lifetime->timer);
    lifetime->timer = 0;
}

static void
leave(EhdLifetime *lifetime, const GError *error)
{
    if (lifetime->phase == LEFT)
        return;
    stop_timer(lifetime);
    lifetime->phase = LEFT;
    lifetime->user->leave(error, lifetime->user_data);
}

/* Calls the bus itself. The callback's user_data may be gone when the call was cancelled. */
static void
call_bus(EhdLifetime *lifetime, const char *method, GVariant *arguments,
         GAsyncReadyCallback callback)
{
    g_dbus_connection_call(lifetime->connection, DBUS_NAME, DBUS_PATH, DBUS_NAME, method,
                           arguments, NULL, G_DBUS_CALL_FLAGS_NONE, -1, lifetime->cancellable,
                           callback, lifetime);
}

/* FALSE: lifetime must not be touched. */
static gboolean
finish_bus(GObject *source, GAsyncResult *result, GVariant **reply, GError **error)
{
    *reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, error);
    return *reply != NULL || !g_error_matches(*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
on_answers_gone(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = NULL;
    if (finish_bus(source, result, &reply, &error))
        leave(user_data, NULL);
}

static void
on_released(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdLifetime *lifetime = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = NULL;
    if (!finish_bus(source, result, &reply, &error))
        return;
    if (reply == NULL) {
        leave(lifetime, error);
    } else if (!lifetime->stopping && !lifetime->user->is_idle(lifetime->user_data)) {
        g_debug("called while leaving: staying");
        take_name(lifetime);
    } else {
        lifetime->phase = LEAVING;
        call_bus(lifetime, "GetId", NULL, on_answers_gone);
    }
}

static void
release_name(EhdLifetime *lifetime)
{
    stop_timer(lifetime);
    lifetime->phase = RELEASING;
    call_bus(lifetime, "ReleaseName", g_variant_new("(s)", EHD_BUS_NAME), on_released);
}

static gboolean
on_idle_time(gpointer user_data)
{
    EhdLifetime *lifetime = user_data;
    lifetime->timer = 0;
    if (lifetime->user->is_idle(lifetime->user_data))
        release_name(lifetime);
    return G_SOURCE_REMOVE;
}

void
ehd_lifetime_activity(EhdLifetime *lifetime)
{
    stop_timer(lifetime);
    if (lifetime->phase == SERVING && lifetime->idle_ms > 0 &&
        lifetime->user->is_idle(lifetime->user_data))
        lifetime->timer = g_timeout_add(lifetime->idle_ms, on_idle_time, lifetime);
}

static void
on_requested(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdLifetime *lifetime = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = NULL;
    guint32 code = 0;
    if (!finish_bus(source, result, &reply, &error))
        return;
    if (reply != NULL)
        g_variant_get(reply, "(u)", &code);
    if (code != REQUEST_NAME_REPLY_PRIMARY_OWNER && code != REQUEST_NAME_REPLY_ALREADY_OWNER) {
        if (error == NULL)
            ehd_error_set(&error, EHP_DAEMON_UNAVAILABLE, "another process owns %s",
                          EHD_BUS_NAME);
        leave(lifetime, error);
        return;
    }
    lifetime->phase = SERVING;
    lifetime->user->ready(lifetime->user_data);
    if (lifetime->stopping)
        release_name(lifetime);
    else
        ehd_lifetime_activity(lifetime);
}

static void
take_name(EhdLifetime *lifetime)
{
    lifetime->phase = TAKING;
    call_bus(lifetime, "RequestName",
             g_variant_new("(su)", EHD_BUS_NAME, NAME_FLAG_DO_NOT_QUEUE), on_requested);
}

static void
on_name_lost(GDBusConnection *connection, const char *sender, const char *path,
             const char *interface, const char *signal, GVariant *parameters,
             gpointer user_data)
{
    EhdLifetime *lifetime = user_data;
    g_autoptr(GError) error = NULL;
    if (lifetime->phase != SERVING)
        return; /* our own release */
    ehd_error_set(&error, EHP_DAEMON_UNAVAILABLE, "the name %s was taken away", EHD_BUS_NAME);
    leave(lifetime, error);
}

static void
on_closed(GDBusConnection *connection, gboolean by_peer, GError *error, gpointer user_data)
{
    g_autoptr(GError) ours = NULL;
    ehd_error_set(&ours, EHP_DAEMON_UNAVAILABLE, N_("the connection to the bus was closed"));
    leave(user_data, ours);
}

EhdLifetime *
ehd_lifetime_new(GDBusConnection *connection, guint idle_ms, const EhdLifetimeUser *user,
                 gpointer user_data)
{
    EhdLifetime *lifetime = g_new0(EhdLifetime, 1);
    lifetime->connection = g_object_ref(connection);
    lifetime->idle_ms = idle_ms;
    lifetime->user = user;
    lifetime->user_data = user_data;
    lifetime->cancellable = g_cancellable_new();
    lifetime->closed = g_signal_connect(connection, "closed", G_CALLBACK(on_closed), lifetime);
    lifetime->name_lost = g_dbus_connection_signal_subscribe(
        connection, DBUS_NAME, DBUS_NAME, "NameLost", DBUS_PATH, EHD_BUS_NAME,
        G_DBUS_SIGNAL_FLAGS_NONE, on_name_lost, lifetime, NULL);
    return lifetime;
}

void
ehd_lifetime_free(EhdLifetime *lifetime)
{
    if (lifetime == NULL)
        return;
    stop_timer(lifetime);
    g_cancellable_cancel(lifetime->cancellable);
    g_object_unref(lifetime->cancellable);
    g_dbus_connection_signal_unsubscribe(lifetime->connection, lifetime->name_lost);
    g_signal_handler_disconnect(lifetime->connection, lifetime->closed);
    g_object_unref(lifetime->connection);
    g_free(lifetime);
}

void
ehd_lifetime_start(EhdLifetime *lifetime)
{
    take_name(lifetime);
}

void
ehd_lifetime_stop(EhdLifetime *lifetime)
{
    lifetime->stopping = TRUE;
    stop_timer(lifetime);
    switch (lifetime->phase) {
    case SERVING:
        release_name(lifetime);
        break;
    case NAMELESS:
        leave(lifetime, NULL);
        break;
    case TAKING:
    case RELEASING:
    case LEAVING:
    case LEFT:
        break; /* on its way */
    }
}
