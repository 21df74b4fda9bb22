/* SPDX-License-Identifier: Apache-2.0
 *
 * The terminal's side: what is asked for, the manifest, and the items on their way to the disk.
 * Nothing is promised to the sender before it is durable here: data, then directory, then
 * ledger, then the receipt, and only then is the receipt sent. Main context; the disk is the
 * inbox's and the books'.
 */
#include "daemon/core/session-priv.h"

#include <string.h>

#include "daemon/error.h"

/* ---------------------------------------------------------------- the request */

static Ehp__ItemQuery *
query_new(const GArray *categories)
{
    Ehp__ItemQuery *query = g_new0(Ehp__ItemQuery, 1);

    ehp__item_query__init(query);
    query->n_category = categories->len;
    query->category = g_new(Ehp__Category, categories->len);
    for (guint i = 0; i < categories->len; i++)
        query->category[i] = (Ehp__Category)g_array_index(categories, int, i);
    return query;
}

static Ehp__Operator *
operator_new(const EhdWishes *wishes)
{
    Ehp__Operator *op = g_new0(Ehp__Operator, 1);

    ehp__operator__init(op);
    op->display = wishes->operator_display;
    op->role_code = wishes->operator_role;
    op->identifier = wishes->operator_identifier;
    op->has_assurance = wishes->operator_assurance != 0;
    op->assurance = (Ehp__Assurance)wishes->operator_assurance;
    return op;
}

Ehp__ConsentRequest *
ehd_terminal_request_new(EhdSession *self)
{
    const EhdWishes *wishes = &self->wishes;
    Ehp__ConsentRequest *request = g_new0(Ehp__ConsentRequest, 1);

    ehp__consent_request__init(request);
    if (wishes->categories->len > 0) {
        request->n_query = 1;
        request->query = g_new(Ehp__ItemQuery *, 1);
        request->query[0] = query_new(wishes->categories);
    }
    request->has_period_days = request->has_retention_days = request->has_time = TRUE;
    request->period_days = wishes->period_days;
    request->retention_days = wishes->retention_days;
    request->text = wishes->text;
    request->time = ehd_core_now(self->core);
    if (wishes->has_operator)
        request->operator_ = operator_new(wishes);
    return request;
}

void
ehd_terminal_request_free(Ehp__ConsentRequest *request)
{
    if (request == NULL)
        return;
    for (size_t i = 0; i < request->n_query; i++) {
        g_free(request->query[i]->category);
        g_free(request->query[i]);
    }
    g_free(request->query);
    g_free(request->operator_);
    g_free(request);
}

void
ehd_terminal_own_request(EhdSession *self)
{
    const EhdWishes *wishes = &self->wishes;
    EhdRequest *request = &self->request;

    ehd_request_clear(request);
    request->categories = g_array_copy(wishes->categories);
    request->info.purpose = wishes->purpose;
    request->info.categories = (const int *)(gpointer)request->categories->data;
    request->info.n_categories = request->categories->len;
    request->info.period_days = wishes->period_days;
    request->info.retention_days = wishes->retention_days;
    request->info.text = g_strdup(wishes->text);
    request->info.time = self->created;
    if (wishes->has_operator) {
        request->operator_.display = g_strdup(wishes->operator_display);
        request->operator_.role_code = g_strdup(wishes->operator_role);
        request->operator_.identifier = g_strdup(wishes->operator_identifier);
        request->operator_.assurance = wishes->operator_assurance;
        request->info.operator_ = &request->operator_;
    }
    self->has_request = TRUE;
}

/* ---------------------------------------------------------------- the manifest */

static gsize
text_size(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static void
take_entry(EhdSession *self, const Ehp__ItemEntry *entry)
{
    guint8 state = EHD_ITEM_WAITING;
    EhdItem item = {
        .name = g_strdup(entry->name),
        .size = entry->size,
        .media_type = g_strdup(entry->media_type),
        .title = g_strdup(entry->title),
        .date = g_strdup(entry->date),
        .type_code = g_strdup(entry->type_code),
        .author = g_strdup(entry->author),
        .category = (int)entry->category,
        .patient_entered = entry->patient_entered,
    };

    self->manifest_text += text_size(entry->name) + text_size(entry->media_type) +
                           text_size(entry->title) + text_size(entry->date) +
                           text_size(entry->type_code) + text_size(entry->author);
    self->manifest_bytes += entry->size;
    g_array_append_val(self->items, item);
    g_byte_array_append(self->item_states, &state, 1);
}

void
ehd_terminal_manifest_page(EhdSession *self, const ehp_event *event)
{
    /* the first page of a manifest, also of one that is sent again after a link came back */
    if (event->n_entries > 0 && event->entries[0]->id == 0) {
        g_array_set_size(self->items, 0);
        g_byte_array_set_size(self->item_states, 0);
        self->manifest_text = 0;
        self->manifest_bytes = 0;
    }
    /* past the bound nothing more is kept; the manifest is refused when it is whole */
    for (size_t i = 0; i < event->n_entries && self->manifest_text <= EHD_MANIFEST_TEXT_MAX;
         i++)
        take_entry(self, event->entries[i]);
}

static void
take_consent(EhdSession *self, const Ehp__Consent *consent)
{
    self->consented = TRUE;
    self->consent.purpose = (int)consent->purpose;
    self->consent.acting_as = (int)consent->acting_as;
    self->consent.time = consent->time;
    self->consent.expires = consent->expires;
}

static void
on_prepared(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    if (!self->ending) {
        if (ehp_session_manifest_ok(self->engine, status, ehd_now_ms()) != EHP_OK)
            g_debug("session %s: nobody waits for the manifest", self->id);
        if (status == EHP_OK) {
            ehd_session_set_transfer(self, EHD_TRANSFER_RUNNING);
            if (self->state != EHD_STATE_SUSPENDED)
                ehd_session_set_state(self, EHD_STATE_TRANSFERRING, 0);
        }
        ehd_session_pump(self);
    }
    ehd_core_check(self->core);
}

static void
inbox_durable(guint32 item, guint64 segments, gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->ending)
        return;
    if (ehp_session_durable(self->engine, item, segments, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: durable, but nobody waits for it", self->id);
    ehd_session_pump(self);
}

static void
inbox_stored(guint32 item, gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->ending)
        return;
    ehd_session_set_item_state(self, item, EHD_ITEM_STORED);
    if (ehp_session_item_stored(self->engine, item, EHP_OK, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: stored, but nobody waits for it", self->id);
    ehd_session_pump(self);
}

static void
inbox_failed(ehp_status why, gpointer user_data)
{
    EhdSession *self = user_data;

    if (!self->ending)
        ehd_session_abort(self, why);
}

static const EhdInboxUser inbox_user = {
    .durable = inbox_durable, .stored = inbox_stored, .failed = inbox_failed};

EhdInbox *
ehd_terminal_inbox_new(EhdSession *self)
{
    const EhdCoreParts *parts = &self->core->parts;

    return ehd_inbox_new(parts->spool, self->id, self->config->spool_quota,
                         self->config->min_free, ehd_state_fd(parts->state), &inbox_user, self);
}

void
ehd_terminal_manifest(EhdSession *self, const ehp_event *event)
{
    g_autoptr(GBytes) meta = NULL;

    take_consent(self, event->consent);
    if (self->manifest_text > EHD_MANIFEST_TEXT_MAX) {
        ehd_session_abort(self, EHP_NO_SPACE);
        return;
    }
    if (self->inbox == NULL)
        self->inbox = ehd_terminal_inbox_new(self);
    meta = ehd_record_items(self);
    self->spooled = TRUE;
    self->jobs++;
    ehd_inbox_prepare(self->inbox, meta, self->manifest_bytes, on_prepared, self);
}

/* ---------------------------------------------------------------- the items */

void
ehd_terminal_segment(EhdSession *self, const ehp_event *event)
{
    if (self->inbox == NULL || event->item >= self->items->len)
        return;
    ehd_session_set_item_state(self, event->item, EHD_ITEM_RUNNING);
    ehd_inbox_append(self->inbox, event->item,
                     g_array_index(self->items, EhdItem, event->item).size, event->segment,
                     event->offset, event->data.data, event->data.len);
}

void
ehd_terminal_item_complete(EhdSession *self, const ehp_event *event)
{
    if (self->inbox == NULL || event->item >= self->items->len)
        return;
    ehd_inbox_complete(self->inbox, event->item,
                       g_array_index(self->items, EhdItem, event->item).size);
}

/* ---------------------------------------------------------------- the receipt */

static void
on_head(const guint8 head[EHD_AUDIT_HASH_LEN], gpointer user_data)
{
    EhdSession *self = user_data;
    ehp_commit commit = {.time = self->committed, .audit_head = head};

    self->jobs--;
    if (!self->ending) {
        if (ehp_session_commit(self->engine, &commit, ehd_now_ms()) != EHP_OK)
            g_debug("session %s: nobody waits for the commit", self->id);
        ehd_session_pump(self);
    }
    ehd_core_check(self->core);
}

static void
on_recorded(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    if (!self->ending && status != EHP_OK) {
        ehd_session_abort(self, status);
    } else if (!self->ending) {
        self->jobs++;
        ehd_books_get_head(self->core->books, on_head, self);
    }
    ehd_core_check(self->core);
}

static ehp_status
nothing(gpointer user_data)
{
    return EHP_OK;
}

static void
on_spooled(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    if (!self->ending && status != EHP_OK) {
        ehd_session_abort(self, status);
    } else if (!self->ending) {
        g_autoptr(GBytes) record = NULL;
        EhdPage page = {.session = self->id, .now = ehd_core_now(self->core)};

        self->committed = page.now;
        page.record = record = ehd_record_committed(self);
        self->recorded = TRUE;
        self->jobs++;
        ehd_books_write(self->core->books, &page, on_recorded, self);
    }
    ehd_core_check(self->core);
}

/* Everything before is synced first; then what is needed to take it up after a crash is
 * recorded. */
void
ehd_terminal_commit(EhdSession *self, const ehp_event *event)
{
    if (self->inbox == NULL) {
        ehd_session_abort(self, EHP_INTERNAL);
        return;
    }
    self->jobs++;
    ehd_inbox_run(self->inbox, nothing, on_spooled, self);
}

static void
on_receipt_stored(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    /* from here on the items are ours to keep, even if the session was just being ended */
    if (status == EHP_OK && !self->ending)
        self->received = TRUE;
    if (!self->ending) {
        if (ehp_session_receipt_stored(self->engine, status, ehd_now_ms()) != EHP_OK)
            g_debug("session %s: nobody waits for the receipt", self->id);
        ehd_session_pump(self);
    }
    ehd_core_check(self->core);
}

void
ehd_terminal_receipt_ready(EhdSession *self, const ehp_event *event)
{
    EhdPage page = {.session = self->id,
                    .kind = EHD_RECEIPT_MADE,
                    .audited = TRUE,
                    .audit = EHD_AUDIT_RECEIVED,
                    .now = ehd_core_now(self->core)};

    g_clear_pointer(&self->receipt, g_bytes_unref);
    self->receipt = page.receipt = g_bytes_new(event->bytes.data, event->bytes.len);
    ehd_session_audit_entry(self, &page.entry);
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_receipt_stored, self);
}

void
ehd_terminal_complete(EhdSession *self)
{
    self->received = TRUE;
    ehd_filing_start(self);
    if (self->listener != NULL)
        self->listener->items_arrived(self, self->listener_data);
}
