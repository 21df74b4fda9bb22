/* SPDX-License-Identifier: Apache-2.0
 *
 * Terminal: sends something back to the patient, who decides. It is offered once the list of it
 * outlives this process; whoever asks for it is answered then, too. Main context.
 */
#include "daemon/core/session-priv.h"

#include "daemon/error.h"
#include "daemon/words.h"

static void
take_list(EhdSession *self, const GArray *items)
{
    static const guint8 state = EHD_ITEM_WAITING;
    EhdReply *reply = &self->reply;

    g_array_set_size(reply->items, 0);
    g_byte_array_set_size(reply->states, 0);
    ehd_items_append(reply->items, items);
    for (guint i = 0; i < items->len; i++)
        g_byte_array_append(reply->states, &state, 1);
}

void
ehd_back_set_order(EhdSession *self)
{
    const guint n = self->reply.items->len;

    g_free(self->order);
    self->order = g_new(guint, n + 1);
    self->n_order = n;
    for (guint i = 0; i < n; i++)
        self->order[i] = i;
    ehd_patient_make_entries(self, self->reply.items);
}

static gboolean
offer(EhdSession *self, const GArray *items, GError **error)
{
    ehp_status status;

    if (!ehd_session_check_idle(self, error) || !ehd_items_check(items, error))
        return FALSE;
    g_clear_pointer(&self->source, ehd_source_free);
    ehd_session_get_progress(self, &self->first);
    take_list(self, items);
    ehd_back_set_order(self);
    status = ehp_session_offer(self->engine, self->entry_list, self->n_order, ehd_now_ms());
    if (status != EHP_OK) {
        ehd_error_set(error, status, NULL);
        return FALSE;
    }
    self->complete = FALSE;
    self->reply.unnoted = TRUE;
    self->first_root = 0;
    self->mark_told = 0;
    g_byte_array_set_size(self->roots, 0);
    ehd_patient_open_source(self);
    return TRUE;
}

void
ehd_session_reply_async(EhdSession *self, const GArray *items, GAsyncReadyCallback callback,
                        gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    GError *error = NULL;

    if (self->asking != NULL || !offer(self, items, &error)) {
        if (error == NULL)
            ehd_error_set(&error, EHP_WRONG_STATE, N_("something is being asked for already"));
        g_task_return_error(task, error);
        return;
    }
    self->asking = g_steal_pointer(&task);
    ehd_reply_set_state(self, EHD_TRANSFER_RUNNING);
    ehd_session_changed(self);
    ehd_session_pump(self);
}

gboolean
ehd_session_reply_finish(EhdSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}
