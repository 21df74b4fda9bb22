/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrlink_receive_to(): receiving in one call, made of the asynchronous ones. It runs a main
 * context of its own, in which everything lives that the call needs, and nothing beyond it:
 * when it returns, its connection is finalised, and with it all that held it.
 *
 * That is why it takes no client. GDBus delivers signals in the main context in which they were
 * subscribed to, so that those of a client of the caller's would come only if the caller's own
 * context ran here, with whatever else is waiting in it.
 */
#include "ehrlink-receive.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "bus-error.h"
#include "session-private.h"
#include "store.h"
#include "words-private.h"

typedef struct {
    GMainContext *context;     /* owned; the thread's default during the call */
    GCancellable *cancellable; /* borrowed from the caller; or NULL */
    GDBusConnection *bus;      /* owned */
    EhrlinkClient *client;     /* owned */
    EhrlinkSession *session;   /* owned */
    GAsyncResult *result;      /* owned; of the one call that is waited for */
    GAsyncResult *ended;       /* owned; of waiting for the session's end */
    gboolean arrived;
    int gone; /* atomic: the connection is finalised */
} Receiver;

/* --- waiting ---------------------------------------------------------------------------------
 */

static void
on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GAsyncResult **where = user_data;

    *where = g_object_ref(result);
}

static void
on_arrived(gpointer user_data)
{
    ((Receiver *)user_data)->arrived = TRUE;
}

/* In whichever thread had the last reference: a worker's, perhaps. */
static void
on_gone(gpointer user_data, GObject *where_it_was)
{
    Receiver *self = user_data;
    g_autoptr(GMainContext) context = g_main_context_ref(self->context);

    g_atomic_int_set(&self->gone, TRUE);
    g_main_context_wakeup(context);
}

static GAsyncResult *
await(Receiver *self)
{
    while (self->result == NULL)
        g_main_context_iteration(self->context, TRUE);
    return g_steal_pointer(&self->result);
}

/* --- the steps, in order ---------------------------------------------------------------------
 */

static gboolean
check_options(GVariant *options, GError **error)
{
    gboolean list = FALSE;

    if (options != NULL && g_variant_is_of_type(options, G_VARIANT_TYPE_VARDICT))
        g_variant_lookup(options, "list", "b", &list);
    if (list)
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                            N_("there is nothing to file in a list"));
    return !list;
}

/* Not left to the client, so that leave() has something to wait for when there is none. */
static gboolean
connect_to_bus(Receiver *self, GError **error)
{
    GError *local = NULL;
    g_autofree char *address =
        g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, self->cancellable, &local);

    if (address != NULL)
        self->bus = g_dbus_connection_new_for_address_sync(
            address,
            G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
            NULL, self->cancellable, &local);
    if (self->bus == NULL)
        g_propagate_error(error, ehrlink_bus_error_map(local));
    return self->bus != NULL;
}

static gboolean
start_service(Receiver *self, GError **error)
{
    g_autoptr(GAsyncResult) done = NULL;

    ehrlink_client_new_for_connection_async(self->bus, self->cancellable, on_result,
                                            &self->result);
    done = await(self);
    self->client = ehrlink_client_new_finish(done, error);
    return self->client != NULL;
}

static gboolean
open_session(Receiver *self, GVariant *options, GError **error)
{
    g_autoptr(GAsyncResult) done = NULL;

    ehrlink_client_receive_async(self->client, options, self->cancellable, on_result,
                                 &self->result);
    done = await(self);
    self->session = ehrlink_client_receive_finish(self->client, done, error);
    return self->session != NULL;
}

/* Before anybody has sent something that then could not be kept. */
static gboolean
check_directory(GFile *directory, GError **error)
{
    g_autofree char *path = g_file_get_path(directory);
    int dir, err;

    if (path == NULL) {
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED,
                            N_("not a local directory"));
        return FALSE;
    }
    dir = ehrlink_store_open_directory(path, error);
    if (dir < 0)
        return FALSE;
    err = faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
    close(dir);
    if (err != 0)
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED, "%s: %s", path,
                    g_strerror(err));
    return err == 0;
}

static gboolean
wait_for_items(Receiver *self, GError **error)
{
    g_signal_connect_swapped(self->session, "items-arrived", G_CALLBACK(on_arrived), self);
    ehrlink_session_wait_async(self->session, self->cancellable, on_result, &self->ended);
    while (!self->arrived && self->ended == NULL)
        g_main_context_iteration(self->context, TRUE);
    if (!self->arrived && ehrlink_session_wait_finish(self->session, self->ended, error))
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE,
                            N_("the session was ended before anything came"));
    return self->arrived;
}

static GPtrArray *
collect(Receiver *self, GFile *directory, GError **error)
{
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GPtrArray) items = NULL;

    ehrlink_session_collect_async(self->session, directory, self->cancellable, on_result,
                                  &self->result);
    done = await(self);
    items = ehrlink_session_collect_finish(self->session, done, error);
    /* The last moment to say so: what is filed stays filed. */
    if (items == NULL || g_cancellable_set_error_if_cancelled(self->cancellable, error))
        return NULL;
    return g_steal_pointer(&items);
}

static gboolean
file(Receiver *self, GError **error)
{
    g_autoptr(GAsyncResult) done = NULL;

    ehrlink_session_file_async(self->session, NULL, on_result, &self->result);
    done = await(self);
    return ehrlink_session_file_finish(self->session, done, error);
}

static GPtrArray *
receive(Receiver *self, GFile *directory, GVariant *options, GError **error)
{
    g_autoptr(GPtrArray) items = NULL;

    if (!check_options(options, error) || !connect_to_bus(self, error) ||
        !start_service(self, error) || !open_session(self, options, error) ||
        !check_directory(directory, error) || !wait_for_items(self, error))
        return NULL;
    items = collect(self, directory, error);
    /* Filed is filed: how the session ends after that changes nothing for the caller. */
    return items != NULL && file(self, error) ? g_steal_pointer(&items) : NULL;
}

/* --- and back --------------------------------------------------------------------------------
 */

/* The service let go of what was collected, and while the session is not over somebody may file
 * it: only when it is over without that are the items removed. Better twice than not at all. */
static void
undo(Receiver *self)
{
    g_autoptr(GAsyncResult) done = NULL;
    gboolean over;

    if (self->session == NULL)
        return;
    ehrlink_session_cancel_async(self->session, NULL, on_result, &self->result);
    done = await(self);
    over = ehrlink_session_cancel_finish(self->session, done, NULL) &&
           self->session->failure == NULL; /* it was not the service that is lost */
    if (over && g_strcmp0(ehrlink_session_get_status(self->session), "filed") != 0)
        ehrlink_session_destroy_collected(self->session);
}

/* A connection that is closed ends what still holds it: a call under way, a session, a watch.
 * All that would come to this context has come when nothing holds it any more. */
static void
leave(Receiver *self)
{
    if (self->bus == NULL)
        return;
    g_object_weak_ref(G_OBJECT(self->bus), on_gone, self);
    g_dbus_connection_close_sync(self->bus, NULL, NULL);
    g_clear_object(&self->session);
    g_clear_object(&self->client);
    g_clear_object(&self->bus);
    for (;;) {
        g_clear_object(&self->ended); /* of a session that ends only now, too */
        if (g_atomic_int_get(&self->gone))
            break;
        g_main_context_iteration(self->context, TRUE);
    }
}

GPtrArray *
ehrlink_receive_to(GFile *directory, GVariant *options, GCancellable *cancellable,
                   GError **error)
{
    g_autoptr(GVariant) owned = options != NULL ? g_variant_ref_sink(options) : NULL;
    Receiver self = {.cancellable = cancellable};
    GError *local = NULL;
    GPtrArray *items;

    g_return_val_if_fail(G_IS_FILE(directory), NULL);

    self.context = g_main_context_new();
    g_main_context_push_thread_default(self.context);
    items = receive(&self, directory, owned, &local);
    if (items == NULL)
        undo(&self);
    leave(&self);
    g_main_context_pop_thread_default(self.context);
    g_main_context_unref(self.context);
    if (items == NULL)
        g_propagate_error(error, local);
    return items;
}
