/* SPDX-License-Identifier: Apache-2.0
 *
 * A session that keeps what it was called with. Main context; nothing blocks.
 */
#include <fcntl.h>
#include <unistd.h>

#include "daemon/error.h"
#include "tests/daemon/bus/fake-core.h"

void
ehd_session_set_listener(EhdSession *session, const EhdSessionListener *listener,
                         gpointer user_data)
{
    session->listener = listener;
    session->user_data = user_data;
    session->listeners_set++;
}

void
ehd_session_owner_vanished(EhdSession *session)
{
    session->vanished++;
}

gboolean
ehd_session_check_items(EhdSession *session, const GArray *items, GError **error)
{
    if (items->len == 1)
        return TRUE;
    ehd_error_set(error, EHP_ITEM_CHANGED, NULL);
    return FALSE;
}

const EhdSessionInfo *
ehd_session_get_info(EhdSession *session)
{
    return &session->info;
}

GArray *
ehd_session_list_items(EhdSession *session, EhdDirection direction, guint first, guint count,
                       GError **error)
{
    if (count == 0 || count > 256) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "count");
        return NULL;
    }
    GArray *items = g_array_new(FALSE, TRUE, sizeof(EhdItemInfo));
    EhdItemInfo item = {.id = first, .name = "bad\xffname", .size = 7, .category = 1};
    g_array_append_val(items, item);
    return items;
}

GBytes *
ehd_session_get_receipt(EhdSession *session, int transfer, GError **error)
{
    if (session->info.state == EHD_STATE_DONE)
        return g_bytes_new_static("receipt", 7);
    ehd_error_set(error, EHP_WRONG_STATE, NULL);
    return NULL;
}

GBytes *
ehd_session_get_origin(EhdSession *session, guint transfer, GError **error)
{
    if (session->info.state == EHD_STATE_DONE && transfer == 1)
        return g_bytes_new_static("proof", 5);
    ehd_error_set(error, EHP_WRONG_STATE, NULL);
    return NULL;
}

void
ehd_session_answer_consent(EhdSession *session, gboolean granted, const GArray *offer,
                           const guint *items, gsize n_items, int acting_as, gint64 expires)
{
    session->offered = offer != NULL ? offer->len : 0;
    session->consents++;
    session->granted = granted;
    g_clear_pointer(&session->granted_items, g_array_unref);
    session->granted_items = g_array_new(FALSE, FALSE, sizeof(guint));
    if (n_items > 0)
        g_array_append_vals(session->granted_items, items, (guint)n_items);
    session->acting_as = acting_as;
    session->expires = expires;
}

void
ehd_session_give_item(EhdSession *session, guint id, int fd, ehp_status why)
{
    if (session->item_fd >= 0)
        close(session->item_fd);
    session->items_given++;
    session->item_id = id;
    session->item_fd = fd;
    session->item_why = why;
}

void
ehd_session_answer_reply(EhdSession *session, gboolean accepted)
{
    session->replies++;
    session->accepted = accepted;
}

gboolean
ehd_session_allow_unverified(EhdSession *session, const char *fingerprint, GError **error)
{
    g_free(session->allowed);
    session->allowed = g_strdup(fingerprint);
    return TRUE;
}

gboolean
ehd_session_extend(EhdSession *session, guint *seconds, GError **error)
{
    if (session->extends++ > 0) {
        ehd_error_set(error, EHP_WRONG_STATE, NULL);
        return FALSE;
    }
    *seconds = 180;
    return TRUE;
}

static void
return_true(GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    g_task_return_boolean(task, TRUE);
}

#define FINISH(name)                                                                           \
    gboolean name##_finish(EhdSession *session, GAsyncResult *result, GError **error)          \
    {                                                                                          \
        return g_task_propagate_boolean(G_TASK(result), error);                                \
    }

static gboolean
on_forget(gpointer session)
{
    fake_core_remove(((EhdSession *)session)->core, session);
    return G_SOURCE_REMOVE;
}

void
ehd_session_revoke_async(EhdSession *session, GAsyncReadyCallback callback, gpointer user_data)
{
    session->revokes++;
    return_true(callback, user_data);
}
FINISH(ehd_session_revoke)

void
ehd_session_cancel_async(EhdSession *session, GAsyncReadyCallback callback, gpointer user_data)
{
    session->cancels++;
    return_true(callback, user_data);
    if (session->core->forgets)
        g_idle_add(on_forget, session);
}
FINISH(ehd_session_cancel)

void
ehd_session_file_async(EhdSession *session, GAsyncReadyCallback callback, gpointer user_data)
{
    session->files++;
    return_true(callback, user_data);
}
FINISH(ehd_session_file)

void
ehd_session_request_items_async(EhdSession *session, const GArray *queries, gboolean list,
                                GAsyncReadyCallback callback, gpointer user_data)
{
    session->queries = queries->len;
    session->list = list;
    return_true(callback, user_data);
}
FINISH(ehd_session_request_items)

void
ehd_session_reply_async(EhdSession *session, const GArray *items, GAsyncReadyCallback callback,
                        gpointer user_data)
{
    session->reply_items = items->len;
    return_true(callback, user_data);
}
FINISH(ehd_session_reply)

void
ehd_session_discard_async(EhdSession *session, const char *rule, GAsyncReadyCallback callback,
                          gpointer user_data)
{
    g_free(session->rule);
    session->rule = g_strdup(rule);
    return_true(callback, user_data);
}
FINISH(ehd_session_discard)

void
ehd_session_item_stored_async(EhdSession *session, EhdDirection direction, guint id,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    session->stored++;
    return_true(callback, user_data);
}
FINISH(ehd_session_item_stored)

void
ehd_session_collect_item_async(EhdSession *session, EhdDirection direction, guint id,
                               GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    int fd = session->collect != NULL ? open(session->collect, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0)
        g_task_return_int(task, fd);
    else
        g_task_return_new_error(task, EHD_ERROR, EHP_NOT_FOUND, "no item %u", id);
}

int
ehd_session_collect_item_finish(EhdSession *session, GAsyncResult *result, GError **error)
{
    return (int)g_task_propagate_int(G_TASK(result), error);
}
