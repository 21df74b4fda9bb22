/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks org.freedesktop.PolicyKit1 by plain GDBus calls: libpolkit-gobject would cost memory and
 * start-up time for this one method. Every question has an own cancellation id, so that one
 * whose asker left, or whose time is up, takes its prompt down.
 */
#include "daemon/bus/gate.h"

#include "daemon/core/grant-make.h"
#include "daemon/error.h"
#include "daemon/words.h"

#define POLKIT_NAME            "org.freedesktop.PolicyKit1"
#define POLKIT_PATH            "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE       "org.freedesktop.PolicyKit1.Authority"
/* CheckAuthorizationFlags */
#define ALLOW_USER_INTERACTION 1u

struct EhdGate {
    GDBusConnection *connection; /* owned */
    uid_t own_uid;
    int quiet_ms, prompt_ms;
    guint64 last_id;
    GCancellable *stop; /* owned */
};

typedef struct {
    EhdGate *gate; /* borrowed; while gate->stop is not cancelled */
    uid_t uid;
    EhdAction action;
    char *id;                  /* owned; polkit's cancellation id */
    GCancellable *cancellable; /* owned; ends for either reason: the asker's or the gate's */
    GCancellable *asker;       /* owned, or NULL */
    gulong on_asker, on_stop;
    GCancellable *stop; /* owned */
} Question;

EhdGate *
ehd_gate_new(GDBusConnection *connection, uid_t own_uid)
{
    EhdGate *gate = g_new0(EhdGate, 1);
    gate->connection = g_object_ref(connection);
    gate->own_uid = own_uid;
    gate->quiet_ms = EHD_GATE_QUIET_MS;
    gate->prompt_ms = EHD_GATE_PROMPT_MS;
    gate->stop = g_cancellable_new();
    return gate;
}

void
ehd_gate_free(EhdGate *gate)
{
    if (gate == NULL)
        return;
    g_cancellable_cancel(gate->stop);
    g_object_unref(gate->stop);
    g_object_unref(gate->connection);
    g_free(gate);
}

void
ehd_gate_set_limits(EhdGate *gate, int quiet_ms, int prompt_ms)
{
    gate->quiet_ms = quiet_ms;
    gate->prompt_ms = prompt_ms;
}

static void
question_free(gpointer data)
{
    Question *question = data;
    g_cancellable_disconnect(question->asker, question->on_asker);
    g_cancellable_disconnect(question->stop, question->on_stop);
    g_clear_object(&question->asker);
    g_object_unref(question->stop);
    g_object_unref(question->cancellable);
    g_free(question->id);
    g_free(question);
}

static void
on_either_cancelled(GCancellable *either, gpointer user_data)
{
    g_cancellable_cancel(user_data);
}

/* Where nobody can be asked: the name has no owner and cannot be started, or may not be called.
 */
static gboolean
is_absent(const GError *error)
{
    static const int codes[] = {
        G_DBUS_ERROR_SERVICE_UNKNOWN,
        G_DBUS_ERROR_NAME_HAS_NO_OWNER,
        G_DBUS_ERROR_ACCESS_DENIED,
        G_DBUS_ERROR_SPAWN_SERVICE_NOT_FOUND,
        G_DBUS_ERROR_SPAWN_EXEC_FAILED,
        G_DBUS_ERROR_SPAWN_CHILD_EXITED,
        G_DBUS_ERROR_SPAWN_CHILD_SIGNALED,
        G_DBUS_ERROR_SPAWN_FAILED,
        G_DBUS_ERROR_SPAWN_PERMISSIONS_INVALID,
        G_DBUS_ERROR_SPAWN_SERVICE_INVALID,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
        if (g_error_matches(error, G_DBUS_ERROR, codes[i]))
            return TRUE;
    return FALSE;
}

static void
take_down(EhdGate *gate, const char *id)
{
    g_dbus_connection_call(gate->connection, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                           "CancelCheckAuthorization", g_variant_new("(s)", id), NULL,
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
}

static void
grant(GTask *task, const Question *question)
{
    g_task_return_pointer(task, ehd_grant_make(question->uid, question->action),
                          (GDestroyNotify)ehd_grant_free);
}

static void
deny(GTask *task, const Question *question, const char *why)
{
    g_task_return_new_error(task, EHD_ERROR, EHP_NOT_AUTHORIZED, "%s: %s",
                            ehd_action_id(question->action), why);
}

/* No answer, whatever the reason. */
static void
conclude_failure(GTask *task, const Question *question, GError *error)
{
    EhdGate *gate = question->gate;
    gboolean cancelled = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    gboolean late = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
                    g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT) ||
                    g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT);
    if (cancelled || late)
        take_down(gate, question->id);
    if (cancelled)
        g_task_return_error(task, g_error_copy(error));
    else if (is_absent(error) && (question->uid == 0 || question->uid == gate->own_uid))
        grant(task, question);
    else if (is_absent(error))
        deny(task, question, N_("no polkit runs that could be asked"));
    else
        deny(task, question, late ? N_("polkit did not answer in time") : N_("polkit failed"));
}

static void
on_checked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    g_autoptr(GError) error = NULL;
    Question *question = g_task_get_task_data(task);
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (g_cancellable_is_cancelled(question->stop)) {
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                N_("the gate is closed"));
        return;
    }
    if (reply == NULL) {
        conclude_failure(task, question, error);
        return;
    }
    gboolean authorised, challenge;
    g_variant_get(reply, "((bba{ss}))", &authorised, &challenge, NULL);
    if (authorised)
        grant(task, question);
    else
        deny(task, question,
             challenge ? N_("a person must authenticate") : N_("polkit says no"));
}

static Question *
question_new(EhdGate *gate, uid_t uid, EhdAction action, GCancellable *asker)
{
    Question *question = g_new0(Question, 1);
    question->gate = gate;
    question->uid = uid;
    question->action = action;
    question->id = g_strdup_printf("ehrlink-%" G_GUINT64_FORMAT, ++gate->last_id);
    question->cancellable = g_cancellable_new();
    question->stop = g_object_ref(gate->stop);
    question->on_stop =
        g_cancellable_connect(gate->stop, G_CALLBACK(on_either_cancelled),
                              g_object_ref(question->cancellable), g_object_unref);
    if (asker != NULL) {
        question->asker = g_object_ref(asker);
        question->on_asker =
            g_cancellable_connect(asker, G_CALLBACK(on_either_cancelled),
                                  g_object_ref(question->cancellable), g_object_unref);
    }
    return question;
}

void
ehd_gate_check_async(EhdGate *gate, const char *sender, uid_t uid, EhdAction action,
                     gboolean interactive, GCancellable *cancellable,
                     GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, NULL, callback, user_data);
    Question *question = question_new(gate, uid, action, cancellable);
    g_task_set_task_data(task, question, question_free);

    GVariantBuilder subject;
    g_variant_builder_init(&subject, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&subject, "{sv}", "name", g_variant_new_string(sender));
    GVariant *arguments =
        g_variant_new("((sa{sv})sa{ss}us)", "system-bus-name", &subject, ehd_action_id(action),
                      NULL, interactive ? ALLOW_USER_INTERACTION : 0u, question->id);
    g_dbus_connection_call(gate->connection, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                           "CheckAuthorization", arguments, G_VARIANT_TYPE("((bba{ss}))"),
                           G_DBUS_CALL_FLAGS_NONE,
                           interactive ? gate->prompt_ms : gate->quiet_ms,
                           question->cancellable, on_checked, task);
}

EhdGrant *
ehd_gate_check_finish(EhdGate *gate, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

static void
on_probed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (reply != NULL)
        g_task_return_boolean(task, TRUE);
    else if (is_absent(error))
        g_task_return_boolean(task, FALSE);
    else
        g_task_return_error(task, g_steal_pointer(&error));
}

void
ehd_gate_probe_async(EhdGate *gate, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, gate->stop, callback, user_data);
    g_dbus_connection_call(gate->connection, POLKIT_NAME, POLKIT_PATH,
                           "org.freedesktop.DBus.Properties", "Get",
                           g_variant_new("(ss)", POLKIT_INTERFACE, "BackendName"), NULL,
                           G_DBUS_CALL_FLAGS_NONE, gate->quiet_ms, gate->stop, on_probed, task);
}

gboolean
ehd_gate_probe_finish(EhdGate *gate, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}
