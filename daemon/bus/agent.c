/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls to an application and the checks of what it answers. A question holds no pointer to the
 * agent that could dangle: forgetting is cancelling, and a cancelled question looks at nothing.
 */
#include "daemon/bus/agent.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#include "daemon/bus/names.h"
#include "daemon/error.h"

struct EhdAgent {
    GDBusConnection *connection; /* owned */
    char *name, *path;           /* owned */
    char *session_path;          /* owned */
    const EhdAgentUser *user;    /* borrowed */
    gpointer user_data;
    GCancellable *open; /* owned; of the questions that are open */
};

typedef struct {
    const EhdAgentUser *user; /* borrowed */
    gpointer user_data;
    guint id;
} Question;

EhdAgent *
ehd_agent_new(GDBusConnection *connection, const char *name, const char *path,
              const char *session_path, const EhdAgentUser *user, gpointer user_data)
{
    EhdAgent *agent = g_new0(EhdAgent, 1);
    agent->connection = g_object_ref(connection);
    agent->name = g_strdup(name);
    agent->path = g_strdup(path);
    agent->session_path = g_strdup(session_path);
    agent->user = user;
    agent->user_data = user_data;
    agent->open = g_cancellable_new();
    return agent;
}

void
ehd_agent_free(EhdAgent *agent)
{
    if (agent == NULL)
        return;
    g_cancellable_cancel(agent->open);
    g_object_unref(agent->open);
    g_object_unref(agent->connection);
    g_free(agent->name);
    g_free(agent->path);
    g_free(agent->session_path);
    g_free(agent);
}

static Question *
question_new(EhdAgent *agent, guint id)
{
    Question *question = g_new0(Question, 1);
    question->user = agent->user;
    question->user_data = agent->user_data;
    question->id = id;
    return question;
}

static void
on_consent(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Question *question = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    if (reply == NULL) {
        g_debug("AskConsent failed: %s", error->message);
        question->user->consent(FALSE, NULL, question->user_data);
        return;
    }
    gboolean granted;
    g_autoptr(GVariant) dict = NULL;
    g_auto(EhdConsentAnswer) answer = {0};
    g_variant_get(reply, "(b@a{sv})", &granted, &dict);
    /* An answer that is not understood is a refusal: better none sent than too much. */
    if (granted && !ehd_consent_answer_parse(&answer, dict, &error)) {
        g_message("an application's consent was not understood: %s", error->message);
        granted = FALSE;
    }
    question->user->consent(granted, granted ? &answer : NULL, question->user_data);
}

void
ehd_agent_ask_consent(EhdAgent *agent, GVariant *details)
{
    g_dbus_connection_call(agent->connection, agent->name, agent->path, EHD_BUS_AGENT,
                           "AskConsent",
                           g_variant_new("(o@a{sv})", agent->session_path, details),
                           G_VARIANT_TYPE("(ba{sv})"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                           G_MAXINT, agent->open, on_consent, question_new(agent, 0));
}

static void
on_offered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Question *question = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    gboolean accepted = FALSE;
    if (reply != NULL)
        g_variant_get(reply, "(ba{sv})", &accepted, NULL);
    else
        g_debug("OfferReply failed: %s", error->message);
    question->user->reply(accepted, question->user_data);
}

void
ehd_agent_offer_reply(EhdAgent *agent, GVariant *details, GVariant *items)
{
    g_dbus_connection_call(
        agent->connection, agent->name, agent->path, EHD_BUS_AGENT, "OfferReply",
        g_variant_new("(o@a{sv}@aa{sv})", agent->session_path, details, items),
        G_VARIANT_TYPE("(ba{sv})"), G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, agent->open,
        on_offered, question_new(agent, 0));
}

/* What an error reply to OpenItem, or its lack, means for the session. */
static ehp_status
status_of_open_error(const GError *error)
{
    ehp_status named = ehd_error_status(error);
    if (named == EHP_ITEM_CHANGED || named == EHP_NO_INPUT)
        return named;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
        return EHP_ITEM_STALLED;
    static const int gone[] = {
        G_DBUS_ERROR_SERVICE_UNKNOWN,   G_DBUS_ERROR_NAME_HAS_NO_OWNER,
        G_DBUS_ERROR_NO_REPLY,          G_DBUS_ERROR_UNKNOWN_METHOD,
        G_DBUS_ERROR_UNKNOWN_OBJECT,    G_DBUS_ERROR_DISCONNECTED,
        G_DBUS_ERROR_UNKNOWN_INTERFACE,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(gone); i++)
        if (g_error_matches(error, G_DBUS_ERROR, gone[i]))
            return EHP_NO_AGENT;
    return EHP_NO_INPUT;
}

/* The one descriptor of the reply, (transfer full), or -1: none, several, or not the first. */
static int
take_only_fd(GVariant *reply, GUnixFDList *list)
{
    gint32 handle;
    g_variant_get(reply, "(h)", &handle);
    if (handle != 0 || list == NULL || g_unix_fd_list_get_length(list) != 1)
        return -1;
    return g_unix_fd_list_get(list, 0, NULL);
}

static void
on_opened(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Question *question = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) list = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &list, result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    int fd = reply != NULL ? take_only_fd(reply, list) : -1;
    ehp_status why = EHP_OK;
    if (fd < 0)
        why = error != NULL ? status_of_open_error(error) : EHP_NO_INPUT;
    question->user->item(question->id, fd, why, question->user_data);
}

void
ehd_agent_open_item(EhdAgent *agent, guint id)
{
    g_dbus_connection_call_with_unix_fd_list(
        agent->connection, agent->name, agent->path, EHD_BUS_AGENT, "OpenItem",
        g_variant_new("(oua{sv})", agent->session_path, id, NULL), G_VARIANT_TYPE("(h)"),
        G_DBUS_CALL_FLAGS_NO_AUTO_START, EHD_AGENT_OPEN_MS, NULL, agent->open, on_opened,
        question_new(agent, id));
}

/* A call whose answer nobody waits for. */
static void
tell(EhdAgent *agent, const char *method, GVariant *arguments)
{
    g_autoptr(GDBusMessage) message =
        g_dbus_message_new_method_call(agent->name, agent->path, EHD_BUS_AGENT, method);
    g_dbus_message_set_body(message, arguments);
    g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED |
                                          G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
    g_dbus_connection_send_message(agent->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                   NULL, NULL);
}

void
ehd_agent_items_arrived(EhdAgent *agent, const char *transfer_path, GVariant *details)
{
    tell(agent, "ItemsArrived",
         g_variant_new("(oo@a{sv})", agent->session_path, transfer_path, details));
}

void
ehd_agent_cancel(EhdAgent *agent, const char *reason)
{
    g_cancellable_cancel(agent->open);
    g_object_unref(agent->open);
    agent->open = g_cancellable_new();
    tell(agent, "Cancel", g_variant_new("(os)", agent->session_path, reason));
}
