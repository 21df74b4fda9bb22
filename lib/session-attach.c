/* SPDX-License-Identifier: Apache-2.0
 *
 * The tie between a session and the service: made when it is opened, made again after the
 * service was gone, cut when the session has ended.
 */
#include "session-private.h"

#include "bus-error.h"
#include "item-private.h"
#include "names.h"
#include "words-private.h"

/* A service that dies of this very session must not be started for it for ever. */
#define REATTACHMENTS_MAX 32

GVariant *
ehrlink_session_agent_options(EhrlinkSession *self, GVariant *options)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(options);

    g_variant_dict_insert(&dict, "agent", "o", self->agent_path);
    return g_variant_dict_end(&dict);
}

void
ehrlink_session_set_items(EhrlinkSession *self, GPtrArray *items)
{
    g_autoptr(GVariantBuilder) builder = g_variant_builder_new(G_VARIANT_TYPE("aa{sv}"));

    for (guint i = 0; i < items->len; i++) {
        ehrlink_item_set_id(items->pdata[i], i);
        g_variant_builder_add_value(builder, ehrlink_item_describe(items->pdata[i]));
    }
    self->items = g_ptr_array_ref(items);
    self->descriptions = g_variant_ref_sink(g_variant_builder_end(builder));
}

void
ehrlink_session_attach(EhrlinkSession *self, const char *path)
{
    ehrlink_session_set_path(self, path);
    self->attached = TRUE;
    self->held = TRUE;
    ehrlink_client_add_session(self->client, self);
}

void
ehrlink_session_detach(EhrlinkSession *self)
{
    ehrlink_agent_unexport(self);
    if (!self->attached)
        return;
    self->attached = FALSE;
    ehrlink_client_remove_session(self->client, self);
    ehrlink_session_notify(self, "attached");
}

void
ehrlink_session_service_gone(EhrlinkSession *self)
{
    g_autoptr(EhrlinkSession) alive = g_object_ref(self);

    if (self->lost || self->ended)
        return;
    self->lost = TRUE;
    ehrlink_session_take_question_void(self, "daemon-stops");
    ehrlink_session_notify(self, "attached");
    if (!self->held)
        g_signal_emit(self, ehrlink_session_signals[SIGNAL_DETACHED], 0);
}

static void
fail_lost(EhrlinkSession *self, const GError *cause)
{
    gboolean unknown = g_error_matches(cause, EHRLINK_ERROR, EHRLINK_ERROR_NOT_FOUND);

    ehrlink_session_fail(
        self, unknown ? g_error_new_literal(
                            EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE,
                            N_("the ehrlink service ended, and the session was lost with it"))
                      : g_error_copy(cause));
}

static void
on_details(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(EhrlinkSession) self = user_data;
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) details = NULL;
    g_autoptr(GError) error = NULL;

    reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    /* Gone again: what watches the name starts all over. */
    if (reply == NULL && ehrlink_bus_error_is_gone(error))
        return;
    if (reply == NULL) {
        error = ehrlink_bus_error_map(g_steal_pointer(&error));
        fail_lost(self, error);
        return;
    }
    self->lost = FALSE;
    self->generation++;
    self->client->restarts = 0;
    details = g_variant_get_child_value(reply, 0);
    ehrlink_session_notify(self, "attached");
    self->due |= DUE_REATTACHED;
    ehrlink_session_take_details(self, details);
    ehrlink_session_unpark(self);
}

static void
on_reattached(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(EhrlinkSession) self = user_data;
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GError) error = NULL;

    reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (reply == NULL && ehrlink_bus_error_is_gone(error))
        return;
    if (reply == NULL) {
        error = ehrlink_bus_error_map(g_steal_pointer(&error));
        fail_lost(self, error);
        return;
    }
    g_dbus_connection_call(self->client->connection, self->client->owner, self->path,
                           SESSION_INTERFACE, "GetDetails", g_variant_new("(a{sv})", NULL),
                           G_VARIANT_TYPE("(a{sv})"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                           CALL_TIMEOUT, NULL, on_details, g_object_ref(self));
}

static GVariant *
reattach_options(EhrlinkSession *self)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);

    if (self->descriptions != NULL)
        g_variant_dict_insert_value(&dict, "items", self->descriptions);
    g_variant_dict_insert(&dict, "agent", "o", self->agent_path);
    return g_variant_dict_end(&dict);
}

void
ehrlink_session_service_back(EhrlinkSession *self)
{
    if (!self->lost || self->ended)
        return;
    if (self->generation >= REATTACHMENTS_MAX) {
        ehrlink_session_fail(
            self, g_error_new_literal(EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE,
                                      N_("the ehrlink service ends again and again")));
        return;
    }
    g_dbus_connection_call(
        self->client->connection, self->client->owner, ROOT_PATH, MANAGER_INTERFACE, "Reattach",
        g_variant_new("(o@a{sv})", self->path, reattach_options(self)), NULL,
        G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_TIMEOUT, NULL, on_reattached, g_object_ref(self));
}
