/* SPDX-License-Identifier: Apache-2.0
 *
 * After the first transfer: the terminal asks for more of what was granted, and the patient's
 * device answers from that and from nothing else, without a question to the person. Also what
 * queries are on the wire and here. Main context.
 */
#include "daemon/core/session-priv.h"

#include <string.h>

#include "daemon/core/codes.h"
#include "daemon/error.h"
#include "daemon/store/display.h"
#include "daemon/words.h"
#include "proto/query.h"

/* ---------------------------------------------------------------- queries */

static Ehp__ItemQuery *
query_to_wire(const EhdQuery *query)
{
    Ehp__ItemQuery *wire = g_new0(Ehp__ItemQuery, 1);

    ehp__item_query__init(wire);
    wire->n_category = query->n_categories;
    wire->category = g_new(Ehp__Category, MAX(query->n_categories, 1));
    for (guint i = 0; i < query->n_categories; i++)
        wire->category[i] = (Ehp__Category)query->categories[i];
    wire->type = query->type;
    wire->since = query->since;
    wire->until = query->until;
    wire->has_most_recent = query->last > 0;
    wire->most_recent = query->last;
    wire->n_id = query->ids != NULL ? g_strv_length(query->ids) : 0;
    wire->id = query->ids;
    return wire;
}

Ehp__ItemQuery **
ehd_queries_to_wire(const GArray *queries)
{
    Ehp__ItemQuery **wire = g_new(Ehp__ItemQuery *, queries->len + 1);

    for (guint i = 0; i < queries->len; i++)
        wire[i] = query_to_wire(&g_array_index(queries, EhdQuery, i));
    return wire;
}

void
ehd_queries_free_wire(Ehp__ItemQuery **wire, guint n)
{
    for (guint i = 0; i < n; i++) {
        g_free(wire[i]->category);
        g_free(wire[i]);
    }
    g_free(wire);
}

static char *
safe(const char *text)
{
    char *copy;

    if (text == NULL)
        return NULL;
    copy = g_malloc(EHP_CODE_MAX + 1);
    ehd_display_copy(copy, EHP_CODE_MAX + 1, text, strlen(text));
    return copy;
}

GArray *
ehd_queries_from_wire(Ehp__ItemQuery *const *wire, size_t n)
{
    GArray *queries = ehd_queries_new();

    for (size_t q = 0; q < n && q < EHP_QUERIES_MAX; q++) {
        EhdQuery query = {.type = safe(wire[q]->type),
                          .since = safe(wire[q]->since),
                          .until = safe(wire[q]->until),
                          .last = wire[q]->most_recent};

        for (size_t c = 0; c < wire[q]->n_category && c < EHP_TAP_CATEGORIES_MAX; c++)
            if (ehd_category_code((int)wire[q]->category[c]) != NULL)
                query.categories[query.n_categories++] = (int)wire[q]->category[c];
        if (wire[q]->n_id > 0)
            query.ids = g_new0(char *, wire[q]->n_id + 1);
        for (size_t i = 0; i < wire[q]->n_id; i++)
            query.ids[i] = safe(wire[q]->id[i]);
        g_array_append_val(queries, query);
    }
    return queries;
}

/* ---------------------------------------------------------------- what fits */

typedef struct {
    Ehp__ItemEntry *entries, **list; /* owned; texts borrowed */
    bool *chosen;                    /* owned */
} Choice;

/* list: ids in the order of the last list, or NULL. */
static void
choose(Choice *choice, const GArray *items, const guint *ids, guint n_ids,
       Ehp__ItemQuery *const *wire, size_t n, const GArray *list)
{
    g_autofree int64_t *numbers = g_new(int64_t, MAX(items->len, 1));
    g_autofree int64_t *listed = g_new(int64_t, MAX(n_ids, 1));

    choice->entries = g_new(Ehp__ItemEntry, MAX(n_ids, 1));
    choice->list = g_new(Ehp__ItemEntry *, MAX(n_ids, 1));
    choice->chosen = g_new0(bool, MAX(n_ids, 1));
    for (guint i = 0; i < items->len; i++)
        numbers[i] = -1;
    for (guint i = 0; list != NULL && i < list->len; i++)
        numbers[g_array_index(list, guint, i)] = (int64_t)i;
    for (guint i = 0; i < n_ids; i++) {
        ehd_patient_fill_entry(&g_array_index(items, EhdItem, ids != NULL ? ids[i] : i),
                               &choice->entries[i]);
        choice->list[i] = &choice->entries[i];
        listed[i] = numbers[ids != NULL ? ids[i] : i];
    }
    ehp_query_select(wire, n, choice->list, n_ids, NULL, listed, choice->chosen);
}

static void
choice_clear(Choice *choice)
{
    g_free(choice->entries);
    g_free(choice->list);
    g_free(choice->chosen);
}

void
ehd_patient_match(EhdSession *self, Ehp__ItemQuery *const *wire, size_t n)
{
    Choice choice;

    g_array_set_size(self->matching, 0);
    choose(&choice, self->items, NULL, self->items->len, wire, n, NULL);
    for (guint id = 0; id < self->items->len; id++)
        if (choice.chosen[id])
            g_array_append_val(self->matching, id);
    choice_clear(&choice);
}

/* ---------------------------------------------------------------- patient */

/* Of the granted ones, in the order of the grant. */
static void
take_order(EhdSession *self, const Ehp__ItemRequest *request)
{
    Choice choice;

    choose(&choice, self->items, self->granted, self->n_granted, request->query,
           request->n_query, self->list);
    self->n_order = 0;
    for (guint i = 0; i < self->n_granted; i++)
        if (choice.chosen[i])
            self->order[self->n_order++] = self->granted[i];
    choice_clear(&choice);
}

void
ehd_patient_keep_list(EhdSession *self)
{
    if (self->list == NULL)
        self->list = g_array_new(FALSE, FALSE, sizeof(guint));
    g_array_set_size(self->list, 0);
    g_array_append_vals(self->list, self->order, self->n_order);
}

void
ehd_patient_item_request(EhdSession *self, const ehp_event *event)
{
    gboolean over = self->consent.expires <= ehd_core_now(self->core);

    take_order(self, event->item_request);
    if (over)
        self->n_order = 0;
    if (event->item_request->manifest_only)
        ehd_patient_keep_list(self);
    ehd_patient_make_entries(self, self->items);
    if (!event->item_request->manifest_only)
        for (guint i = 0; i < self->n_order; i++)
            ehd_session_set_item_state(self, self->order[i], EHD_ITEM_WAITING);
    if (self->source == NULL)
        ehd_patient_open_source(self);
    self->first_root = 0;
    self->mark_told = 0;
    g_byte_array_set_size(self->roots, 0);
    ehd_session_later_begins(self);
    if (ehp_session_offer(self->engine, self->entry_list, self->n_order, ehd_now_ms()) !=
        EHP_OK)
        ehd_session_abort(self, EHP_INTERNAL);
}

/* ---------------------------------------------------------------- terminal */

gboolean
ehd_session_check_idle(EhdSession *self, GError **error)
{
    if (self->role == EHD_TERMINAL && self->engine != NULL && !self->engine_ended &&
        self->complete && self->receipt_acked && !self->filing && !self->ending &&
        self->status == 0)
        return TRUE;
    ehd_error_set(error, EHP_WRONG_STATE, N_("only between two transfers, before the filing"));
    return FALSE;
}

static gboolean
request_items(EhdSession *self, const GArray *queries, gboolean list, GError **error)
{
    Ehp__ItemRequest request = EHP__ITEM_REQUEST__INIT;
    ehp_status status;

    if (!ehd_session_check_idle(self, error) || !ehd_queries_check(queries, error))
        return FALSE;
    request.n_query = queries->len;
    request.query = ehd_queries_to_wire(queries);
    request.has_manifest_only = request.manifest_only = list;
    status = ehp_session_request_items(self->engine, &request, ehd_now_ms());
    ehd_queries_free_wire(request.query, queries->len);
    if (status != EHP_OK) {
        ehd_error_set(error, status, NULL);
        return FALSE;
    }
    self->base = self->items->len;
    self->receipt_acked = FALSE;
    ehd_session_later_begins(self);
    return TRUE;
}

void
ehd_session_request_items_async(EhdSession *self, const GArray *queries, gboolean list,
                                GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    GError *error = NULL;

    if (self->asking != NULL || !request_items(self, queries, list, &error)) {
        if (error == NULL)
            ehd_error_set(&error, EHP_WRONG_STATE, N_("this is being asked for"));
        g_task_return_error(task, error);
        return;
    }
    self->asking = g_steal_pointer(&task);
    ehd_session_pump(self);
}

gboolean
ehd_session_request_items_finish(EhdSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

void
ehd_session_asked(EhdSession *self, ehp_status status)
{
    g_autoptr(GTask) task = g_steal_pointer(&self->asking);

    if (task != NULL && status == EHP_OK)
        g_task_return_boolean(task, TRUE);
    else if (task != NULL)
        g_task_return_new_error(task, EHD_ERROR, (int)status, "%s", ehp_status_text(status));
}

/* ---------------------------------------------------------------- both */

guint
ehd_session_transfer_number(EhdSession *self)
{
    ehp_progress progress;

    ehd_session_get_progress(self, &progress);
    return progress.transfer;
}

gboolean
ehd_session_to_patient(EhdSession *self)
{
    ehp_progress progress;

    ehd_session_get_progress(self, &progress);
    return progress.to_patient;
}

void
ehd_session_later_begins(EhdSession *self)
{
    self->complete = FALSE;
    g_clear_handle_id(&self->filing_timer, g_source_remove);
    ehd_session_set_transfer(self, EHD_TRANSFER_RUNNING);
    ehd_session_set_state(self, EHD_STATE_TRANSFERRING, 0);
}

void
ehd_session_keep_receipt(EhdSession *self, GBytes *receipt)
{
    guint number = ehd_session_transfer_number(self);

    if (self->receipts->len <= number)
        g_ptr_array_set_size(self->receipts, (gint)number + 1);
    if (self->receipts->pdata[number] != NULL)
        g_bytes_unref(self->receipts->pdata[number]);
    self->receipts->pdata[number] = g_bytes_ref(receipt);
}

/* A later transfer at the terminal did not come to its end: what the earlier ones brought
 * stays, and is filed as if the later one had never been. */
void
ehd_session_transfer_failed(EhdSession *self)
{
    ehd_session_asked(self, EHP_LINK_LOST);
    if (self->complete) {
        ehd_session_changed(self);
        return;
    }
    self->complete = TRUE;
    if (ehd_session_to_patient(self)) {
        ehd_reply_set_state(self, EHD_TRANSFER_FAILED);
        ehd_session_changed(self);
        return;
    }
    g_array_set_size(self->items, self->base);
    g_byte_array_set_size(self->item_states, self->base);
    g_array_set_size(self->origins, self->base);
    ehd_session_set_transfer(self, EHD_TRANSFER_FAILED);
    ehd_filing_start(self);
}
