/* SPDX-License-Identifier: Apache-2.0
 *
 * org.ehrlink1.Agent of one session: the service asks for consent and for items. Only the
 * process that owns the service's name is answered: anybody on the bus may call, and a file
 * handed to the wrong one cannot be taken back.
 */
#include "session-private.h"

#include <unistd.h>

#include <gio/gunixfdlist.h>

#include "agent-interface.h"
#include "item-private.h"
#include "names.h"
#include "words-private.h"

static void
ask_consent(EhrlinkSession *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) details = g_variant_get_child_value(parameters, 1);

    ehrlink_session_take_question(self, invocation, details);
}

static void
open_in_thread(GTask *task, gpointer source_object, gpointer task_data,
               GCancellable *cancellable)
{
    GError *error = NULL;
    int fd = ehrlink_source_open(ehrlink_item_get_source(task_data), &error);

    if (fd < 0)
        g_task_return_error(task, error);
    else
        g_task_return_int(task, fd);
}

static void
on_opened(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhrlinkSession *self = EHRLINK_SESSION(source);
    GDBusMethodInvocation *invocation = user_data;
    g_autoptr(GUnixFDList) fds = NULL;
    GError *error = NULL;
    int fd = (int)g_task_propagate_int(G_TASK(result), &error);

    if (error != NULL) {
        g_dbus_method_invocation_return_error_literal(
            invocation, error->domain, error->code,
            ehrlink_error_get_text((EhrlinkError)error->code));
        g_clear_error(&self->item_error);
        self->item_error = error;
        return;
    }
    fds = g_unix_fd_list_new_from_array(&fd, 1);
    g_dbus_method_invocation_return_value_with_unix_fd_list(invocation, g_variant_new("(h)", 0),
                                                            fds);
}

static void
open_item(EhrlinkSession *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    g_autoptr(GTask) task = NULL;
    guint32 id;

    g_variant_get_child(parameters, 1, "u", &id);
    if (self->items == NULL || id >= self->items->len) {
        g_dbus_method_invocation_return_error_literal(
            invocation, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, N_("there is no such item"));
        return;
    }
    /* A file system that stalls must stall this item, not the application. */
    task = g_task_new(self, NULL, on_opened, invocation);
    g_task_set_source_tag(task, TAG(open_item));
    g_task_set_task_data(task, g_object_ref(self->items->pdata[id]), g_object_unref);
    g_task_run_in_thread(task, open_in_thread);
}

static void
items_arrived(EhrlinkSession *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) details = g_variant_get_child_value(parameters, 2);
    const char *transfer;
    guint32 items = 0;
    guint64 bytes = 0;

    g_variant_get_child(parameters, 1, "&o", &transfer);
    g_variant_lookup(details, "items", "u", &items);
    g_variant_lookup(details, "bytes", "t", &bytes);
    if (g_str_has_suffix(transfer, REPLY_SUFFIX)) {
        g_free(self->reply);
        self->reply = g_strdup(transfer);
        ehrlink_session_take_reply_arrived(self);
    } else {
        ehrlink_session_take_arrived(self, transfer, items, bytes);
    }
    g_dbus_method_invocation_return_value(invocation, NULL);
}

static void
offer_reply(EhrlinkSession *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) details = g_variant_get_child_value(parameters, 1);
    g_autoptr(GVariant) items = g_variant_get_child_value(parameters, 2);

    ehrlink_session_take_offer(self, invocation, details, items);
}

static void
cancel(EhrlinkSession *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    const char *reason;

    g_variant_get_child(parameters, 1, "&s", &reason);
    ehrlink_session_take_question_void(self, reason);
    g_dbus_method_invocation_return_value(invocation, NULL);
}

static const struct {
    const char *name;
    void (*handle)(EhrlinkSession *self, GVariant *parameters,
                   GDBusMethodInvocation *invocation);
} methods[] = {
    {"AskConsent", ask_consent}, {"OpenItem", open_item}, {"ItemsArrived", items_arrived},
    {"OfferReply", offer_reply}, {"Cancel", cancel},
};

static gboolean
may_ask(EhrlinkSession *self, const char *sender, const char *session, GError **error)
{
    if (g_strcmp0(sender, self->client->owner) != 0) {
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_NOT_AUTHORIZED,
                            N_("only the ehrlink service may ask this"));
        return FALSE;
    }
    /* Before the reply of Send has come we do not know the path; the agent is the session's. */
    if (self->path != NULL && !g_str_equal(session, self->path)) {
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_NOT_FOUND,
                            N_("this agent is another session's"));
        return FALSE;
    }
    return TRUE;
}

static void
on_method_call(GDBusConnection *connection, const char *sender, const char *path,
               const char *interface, const char *method, GVariant *parameters,
               GDBusMethodInvocation *invocation, gpointer user_data)
{
    g_autoptr(EhrlinkSession) self = g_object_ref(user_data);
    GError *error = NULL;
    const char *session;

    g_variant_get_child(parameters, 0, "&o", &session);
    if (!may_ask(self, sender, session, &error)) {
        g_dbus_method_invocation_take_error(invocation, error);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
        if (g_str_equal(method, methods[i].name)) {
            methods[i].handle(self, parameters, invocation);
            return;
        }
    }
    /* GDBus has checked the method against the interface. */
    g_assert_not_reached();
}

gboolean
ehrlink_agent_export(EhrlinkSession *self, GError **error)
{
    static const GDBusInterfaceVTable vtable = {.method_call = on_method_call};

    self->agent_path = g_strdup_printf(AGENT_PREFIX "%u", ++self->client->next_agent);
    self->agent_registration = g_dbus_connection_register_object(
        self->client->connection, self->agent_path,
        (GDBusInterfaceInfo *)&ehrlink_agent_interface, &vtable, self, NULL, error);
    return self->agent_registration != 0;
}

void
ehrlink_agent_unexport(EhrlinkSession *self)
{
    if (self->agent_registration != 0)
        g_dbus_connection_unregister_object(self->client->connection, self->agent_registration);
    self->agent_registration = 0;
    g_clear_pointer(&self->agent_path, g_free);
}
