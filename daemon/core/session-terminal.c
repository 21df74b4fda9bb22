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
    request->n_query = wishes->queries->len;
    request->query = ehd_queries_to_wire(wishes->queries);
    request->has_manifest_only = request->manifest_only = wishes->list;
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
    ehd_queries_free_wire(request->query, (guint)request->n_query);
    g_free(request->operator_);
    g_free(request);
}

void
ehd_terminal_own_request(EhdSession *self)
{
    const EhdWishes *wishes = &self->wishes;
    EhdRequest *request = &self->request;

    ehd_request_clear(request);
    Ehp__ItemQuery **wire = ehd_queries_to_wire(wishes->queries);

    request->queries = ehd_queries_from_wire(wire, wishes->queries->len);
    ehd_queries_free_wire(wire, wishes->queries->len);
    request->info.queries = request->queries;
    request->info.list = wishes->list;
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

static gsize
entry_text(const Ehp__ItemEntry *entry)
{
    return text_size(entry->name) + text_size(entry->media_type) + text_size(entry->title) +
           text_size(entry->date) + text_size(entry->type_code) + text_size(entry->author);
}

void
ehd_session_take_entries(const ehp_event *event, guint transfer, GArray *items,
                         GByteArray *states, GArray *origins, gsize *text, guint64 *bytes)
{
    static const guint8 state = EHD_ITEM_WAITING;

    /* past the bound nothing more is kept; the manifest is refused when it is whole */
    for (size_t i = 0; i < event->n_entries && *text <= EHD_MANIFEST_TEXT_MAX; i++) {
        const Ehp__ItemEntry *entry = event->entries[i];
        EhdOrigin origin = {.transfer = transfer, .number = entry->id};
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

        memcpy(origin.salt, entry->salt.data, sizeof origin.salt);
        *text += entry_text(entry);
        *bytes += entry->size;
        g_array_append_val(items, item);
        g_array_append_val(origins, origin);
        g_byte_array_append(states, &state, 1);
    }
}

void
ehd_terminal_manifest_page(EhdSession *self, const ehp_event *event)
{
    /* the first page of a manifest, also of one that is sent again after a link came back */
    if (event->n_entries > 0 && event->entries[0]->id == 0) {
        g_array_set_size(self->items, self->base);
        g_array_set_size(self->origins, self->base);
        g_byte_array_set_size(self->item_states, self->base);
        self->manifest_text = 0;
        self->manifest_bytes = 0;
    }
    ehd_session_take_entries(event, ehd_session_transfer_number(self), self->items,
                             self->item_states, self->origins, &self->manifest_text,
                             &self->manifest_bytes);
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
on_manifest_kept(EhdSession *self, ehp_status status)
{
    if (!self->ending && !self->engine_ended) {
        if (ehp_session_manifest_ok(self->engine, status, ehd_now_ms()) != EHP_OK)
            g_debug("session %s: nobody waits for the manifest", self->id);
        if (status == EHP_OK) {
            ehd_session_set_transfer(self, EHD_TRANSFER_RUNNING);
            if (self->state != EHD_STATE_SUSPENDED)
                ehd_session_set_state(self, EHD_STATE_TRANSFERRING, 0);
        }
        ehd_session_pump(self);
    }
}

static void
on_room_made(const EhdMarksRead *marks, gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->ending || self->engine_ended)
        ehd_terminal_prepared(EHP_NO_SPACE, self);
    else
        ehd_terminal_prepare(self);
}

/* The room is there, then the record that says what for; then it is accepted. */
void
ehd_terminal_prepared(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    if (status == EHP_NO_SPACE && !self->ending && !self->engine_ended &&
        ehd_session_transfer_number(self) == 0 &&
        ehd_lefts_make_room(self->core, on_room_made, self))
        return;
    self->jobs--;
    if (!self->ending && status == EHP_OK && !self->engine_ended)
        ehd_session_keep(self, on_manifest_kept);
    else
        on_manifest_kept(self, status);
    ehd_core_check(self->core);
}

/* The spool counts all items of a session, the engine those of a transfer. */
static guint
base_of(EhdSession *self)
{
    return self->role == EHD_PATIENT ? self->reply.base : self->base;
}

static void
set_state_of_received(EhdSession *self, guint id, EhdItemState state)
{
    if (self->role == EHD_PATIENT)
        ehd_reply_set_item_state(self, id, state);
    else
        ehd_session_set_item_state(self, id, state);
}

static const EhdItem *
receiving(EhdSession *self, guint item)
{
    GArray *items = self->role == EHD_PATIENT ? self->reply.items : self->items;
    guint id = base_of(self) + item;

    return self->inbox != NULL && id < items->len ? &g_array_index(items, EhdItem, id) : NULL;
}

static void
inbox_durable(guint32 item, guint64 segments, gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->ending || self->engine_ended || item < base_of(self))
        return;
    item -= base_of(self);
    if (ehp_session_durable(self->engine, item, segments, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: durable, but nobody waits for it", self->id);
    ehd_session_pump(self);
}

static void
inbox_stored(guint32 item, gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->ending || self->engine_ended || item < base_of(self))
        return;
    set_state_of_received(self, item, EHD_ITEM_STORED);
    if (ehp_session_item_stored(self->engine, item - base_of(self), EHP_OK, ehd_now_ms()) !=
        EHP_OK)
        g_debug("session %s: stored, but nobody waits for it", self->id);
    ehd_session_pump(self);
}

static void
inbox_failed(ehp_status why, gpointer user_data)
{
    EhdSession *self = user_data;

    if (!self->ending && !self->engine_ended)
        ehd_session_abort(self, why);
}

static const EhdInboxUser inbox_user = {
    .durable = inbox_durable, .stored = inbox_stored, .failed = inbox_failed};

EhdInbox *
ehd_terminal_inbox_new(EhdSession *self)
{
    const EhdCoreParts *parts = &self->core->parts;

    return ehd_inbox_new(parts->spool, parts->ledger, self->id, self->config->spool_quota,
                         self->config->min_free, ehd_state_fd(parts->state), &inbox_user, self);
}

void
ehd_terminal_prepare(EhdSession *self)
{
    g_autoptr(GBytes) meta = ehd_record_items(self);

    self->spooled = TRUE;
    ehd_inbox_prepare(self->inbox, meta, self->manifest_bytes, ehd_terminal_prepared, self);
}

void
ehd_terminal_manifest(EhdSession *self, const ehp_event *event)
{
    ehp_progress progress;

    take_consent(self, event->consent);
    ehd_session_get_progress(self, &progress);
    if (self->manifest_text > EHD_MANIFEST_TEXT_MAX) {
        ehd_session_abort(self, EHP_NO_SPACE);
        return;
    }
    if (progress.manifest_only) {
        self->list_base = self->base;
        for (guint id = self->base; id < self->items->len; id++)
            ehd_session_set_item_state(self, id, EHD_ITEM_LISTED);
        self->manifest_bytes = 0;
    }
    self->jobs++;
    if (self->inbox != NULL && progress.transfer > 0) {
        g_autoptr(GBytes) meta = ehd_record_items(self); /* of all, behind the earlier ones */

        ehd_inbox_extend(self->inbox, meta, self->manifest_bytes, ehd_terminal_prepared, self);
        return;
    }
    if (self->inbox == NULL)
        self->inbox = ehd_terminal_inbox_new(self);
    if (!ehd_terminal_go_on(self, event->continues))
        ehd_terminal_prepare(self);
}

/* ---------------------------------------------------------------- the items */

/* What a restart needs to know of what follows. */
static void
keep_mark(EhdSession *self, const ehp_event *event)
{
    ehd_inbox_set_transfer(self->inbox, ehd_session_transfer_number(self), base_of(self));
    ehd_inbox_mark(self->inbox, event->mark.data, event->mark.len, ehd_core_now(self->core),
                   ehd_core_boottime(self->core));
}

void
ehd_terminal_segment(EhdSession *self, const ehp_event *event)
{
    const EhdItem *item = receiving(self, event->item);
    guint id = base_of(self) + event->item;

    if (item == NULL)
        return;
    set_state_of_received(self, id, EHD_ITEM_RUNNING);
    keep_mark(self, event);
    ehd_inbox_append(self->inbox, id, item->size, event->segment, event->offset,
                     event->data.data, event->data.len);
}

void
ehd_terminal_item_complete(EhdSession *self, const ehp_event *event)
{
    const EhdItem *item = receiving(self, event->item);

    if (item == NULL)
        return;
    keep_mark(self, event);
    if (self->role == EHD_PATIENT)
        ehd_reply_keep_origin(self, event);
    ehd_inbox_complete(self->inbox, base_of(self) + event->item, item->size);
}

/* ---------------------------------------------------------------- the receipt */

static void
on_head(const guint8 head[EHD_AUDIT_HASH_LEN], gpointer user_data)
{
    EhdSession *self = user_data;
    ehp_commit commit = {.time = self->committed, .audit_head = head};

    self->jobs--;
    if (!self->ending && !self->engine_ended) {
        if (ehp_session_commit(self->engine, &commit, ehd_now_ms()) != EHP_OK)
            g_debug("session %s: nobody waits for the commit", self->id);
        ehd_session_pump(self);
    }
    ehd_core_check(self->core);
}

static void
on_recorded(EhdSession *self, ehp_status status)
{
    if (self->ending || self->engine_ended) {
        ehd_core_check(self->core);
        return;
    }
    if (status != EHP_OK) {
        ehd_session_abort(self, status);
    } else {
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
    if (self->ending || self->engine_ended) {
        ehd_core_check(self->core);
        return;
    }
    if (status != EHP_OK) {
        ehd_session_abort(self, status);
    } else {
        if (self->committed == 0) /* the time to file counts from the first */
            self->committed = ehd_core_now(self->core);
        ehd_session_keep(self, on_recorded);
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
    if (self->role == EHD_PATIENT) {
        ehd_reply_commit(self);
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
    if (status == EHP_OK && !self->ending && self->role == EHD_TERMINAL)
        self->received = TRUE;
    if (!self->ending && !self->engine_ended) {
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
                    .transfer = ehd_session_transfer_number(self),
                    .now = ehd_core_now(self->core)};
    g_autoptr(GBytes) receipt = g_bytes_new(event->bytes.data, event->bytes.len);

    page.receipt = receipt;
    ehd_session_keep_receipt(self, receipt);
    if (self->role == EHD_TERMINAL) {
        g_clear_pointer(&self->receipt, g_bytes_unref);
        self->receipt = g_bytes_ref(receipt);
    }
    ehd_session_audit_entry(self, &page.entry);
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_receipt_stored, self);
}

void
ehd_terminal_complete(EhdSession *self)
{
    self->received = TRUE;
    ehd_session_get_progress(self, &self->first);
    ehd_filing_start(self);
    if (self->listener != NULL)
        self->listener->items_arrived(self, EHD_TO_TERMINAL, self->listener_data);
}
