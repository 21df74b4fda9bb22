/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns one record per calling connection: its uid, its match on NameOwnerChanged, its counts.
 * Records that nobody holds are kept, EHD_CALLERS_KEPT of them at most, so that the next call
 * of the same program asks nothing.
 */
#include "daemon/bus/caller.h"

#include "daemon/error.h"

#define DBUS_NAME "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"

typedef enum { ASKING, KNOWN, GONE } Knowledge;

typedef struct {
    EhdCallerKnown callback;
    gpointer user_data;
} Waiter;

struct EhdCaller {
    int refs;            /* of users and of a question to the bus under way; 0: only kept */
    EhdCallers *callers; /* borrowed; outlives */
    char *name;          /* owned */
    Knowledge knowledge;
    uid_t uid;
    guint calls;
    guint watch;               /* subscription to NameOwnerChanged */
    GCancellable *cancellable; /* owned */
    GArray *waiters;           /* owned, of Waiter */
    GList *kept;               /* link in callers->kept while refs is 0 */
};

struct EhdCallers {
    GDBusConnection *connection; /* owned */
    EhdCallerGone on_gone;
    gpointer user_data;
    GHashTable *by_name; /* owned; name (of the caller) → EhdCaller, owned */
    GHashTable *calls;   /* owned; uid → calls under way */
    GQueue kept;         /* of EhdCaller, borrowed; oldest first */
    GCancellable *stop;  /* owned; for questions to the bus */
};

static void
caller_free(gpointer data)
{
    EhdCaller *caller = data;
    g_dbus_connection_signal_unsubscribe(caller->callers->connection, caller->watch);
    if (caller->kept != NULL)
        g_queue_delete_link(&caller->callers->kept, caller->kept);
    g_object_unref(caller->cancellable);
    g_array_unref(caller->waiters);
    g_free(caller->name);
    g_free(caller);
}

EhdCallers *
ehd_callers_new(GDBusConnection *connection, EhdCallerGone on_gone, gpointer user_data)
{
    EhdCallers *callers = g_new0(EhdCallers, 1);
    callers->connection = g_object_ref(connection);
    callers->on_gone = on_gone;
    callers->user_data = user_data;
    callers->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, caller_free);
    callers->calls = g_hash_table_new(NULL, NULL);
    g_queue_init(&callers->kept);
    callers->stop = g_cancellable_new();
    return callers;
}

void
ehd_callers_free(EhdCallers *callers)
{
    if (callers == NULL)
        return;
    g_cancellable_cancel(callers->stop);
    g_object_unref(callers->stop);
    g_hash_table_unref(callers->by_name);
    g_hash_table_unref(callers->calls);
    g_object_unref(callers->connection);
    g_free(callers);
}

static void
tell_waiters(EhdCaller *caller)
{
    g_autoptr(GArray) waiters = g_steal_pointer(&caller->waiters);
    caller->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    for (guint i = 0; i < waiters->len; i++) {
        Waiter *waiter = &g_array_index(waiters, Waiter, i);
        waiter->callback(caller, waiter->user_data);
        ehd_caller_unref(caller);
    }
}

static void
set_gone(EhdCaller *caller)
{
    if (caller->knowledge == GONE)
        return;
    ehd_caller_ref(caller);
    caller->knowledge = GONE;
    g_cancellable_cancel(caller->cancellable);
    tell_waiters(caller);
    caller->callers->on_gone(caller, caller->callers->user_data);
    ehd_caller_unref(caller);
}

static void
on_owner_changed(GDBusConnection *connection, const char *sender, const char *path,
                 const char *interface, const char *signal, GVariant *parameters,
                 gpointer user_data)
{
    set_gone(user_data);
}

static void
on_uid(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return; /* ehd_callers_free took the caller with it */
    g_autoptr(EhdCaller) caller = user_data;
    if (caller->knowledge != ASKING)
        return;
    if (reply == NULL) {
        /* the bus knows the uid of everyone who is there */
        set_gone(caller);
        return;
    }
    guint32 uid;
    g_variant_get(reply, "(u)", &uid);
    caller->uid = (uid_t)uid;
    caller->knowledge = KNOWN;
    tell_waiters(caller);
}

static EhdCaller *
caller_new(EhdCallers *callers, const char *name)
{
    EhdCaller *caller = g_new0(EhdCaller, 1);
    caller->refs = 1;
    caller->callers = callers;
    caller->name = g_strdup(name);
    caller->cancellable = g_cancellable_new();
    caller->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    g_hash_table_insert(callers->by_name, caller->name, caller);
    /* The match first: a connection that closes between the two is noticed by one of them. */
    caller->watch = g_dbus_connection_signal_subscribe(
        callers->connection, DBUS_NAME, DBUS_NAME, "NameOwnerChanged", DBUS_PATH, name,
        G_DBUS_SIGNAL_FLAGS_NONE, on_owner_changed, caller, NULL);
    g_dbus_connection_call(callers->connection, DBUS_NAME, DBUS_PATH, DBUS_NAME,
                           "GetConnectionUnixUser", g_variant_new("(s)", name),
                           G_VARIANT_TYPE("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, callers->stop,
                           on_uid, ehd_caller_ref(caller));
    return caller;
}

EhdCaller *
ehd_callers_get(EhdCallers *callers, const char *name)
{
    EhdCaller *caller = g_hash_table_lookup(callers->by_name, name);
    return caller != NULL ? ehd_caller_ref(caller) : caller_new(callers, name);
}

EhdCaller *
ehd_caller_ref(EhdCaller *caller)
{
    if (caller->kept != NULL) {
        g_queue_delete_link(&caller->callers->kept, caller->kept);
        caller->kept = NULL;
    }
    caller->refs++;
    return caller;
}

static void
forget(EhdCaller *caller)
{
    g_hash_table_remove(caller->callers->by_name, caller->name);
}

void
ehd_caller_unref(EhdCaller *caller)
{
    EhdCallers *callers = caller->callers;
    if (--caller->refs > 0)
        return;
    if (caller->knowledge == GONE) {
        forget(caller);
        return;
    }
    g_queue_push_tail(&callers->kept, caller);
    caller->kept = callers->kept.tail;
    if (callers->kept.length > EHD_CALLERS_KEPT)
        forget(callers->kept.head->data);
}

void
ehd_caller_when_known(EhdCaller *caller, EhdCallerKnown callback, gpointer user_data)
{
    if (caller->knowledge != ASKING) {
        callback(caller, user_data);
        return;
    }
    Waiter waiter = {callback, user_data};
    ehd_caller_ref(caller);
    g_array_append_val(caller->waiters, waiter);
}

const char *
ehd_caller_get_name(const EhdCaller *caller)
{
    return caller->name;
}

uid_t
ehd_caller_get_uid(const EhdCaller *caller)
{
    g_assert(caller->knowledge == KNOWN);
    return caller->uid;
}

gboolean
ehd_caller_is_gone(const EhdCaller *caller)
{
    return caller->knowledge == GONE;
}

GCancellable *
ehd_caller_get_cancellable(EhdCaller *caller)
{
    return caller->cancellable;
}

gboolean
ehd_caller_enter(EhdCaller *caller, GError **error)
{
    if (caller->calls >= EHD_CALLER_CALLS_MAX) {
        ehd_error_set(error, EHP_LIMIT_REACHED, "%d calls of this program are unanswered",
                      EHD_CALLER_CALLS_MAX);
        return FALSE;
    }
    caller->calls++;
    return TRUE;
}

static guint
calls_of(EhdCaller *caller)
{
    return GPOINTER_TO_UINT(
        g_hash_table_lookup(caller->callers->calls, GUINT_TO_POINTER(caller->uid)));
}

static void
set_calls_of(EhdCaller *caller, guint calls)
{
    gpointer key = GUINT_TO_POINTER(caller->uid);
    if (calls == 0)
        g_hash_table_remove(caller->callers->calls, key);
    else
        g_hash_table_insert(caller->callers->calls, key, GUINT_TO_POINTER(calls));
}

gboolean
ehd_caller_enter_uid(EhdCaller *caller, GError **error)
{
    guint calls = calls_of(caller);
    if (calls >= EHD_UID_CALLS_MAX) {
        ehd_error_set(error, EHP_LIMIT_REACHED, "%d calls of this user are unanswered",
                      EHD_UID_CALLS_MAX);
        return FALSE;
    }
    set_calls_of(caller, calls + 1);
    return TRUE;
}

void
ehd_caller_leave(EhdCaller *caller, gboolean uid_entered)
{
    caller->calls--;
    if (uid_entered)
        set_calls_of(caller, calls_of(caller) - 1);
}
