/* SPDX-License-Identifier: Apache-2.0
 *
 * The patient's side: what is asked for, and what the person answers. Nothing of the patient
 * has left this device before the grant; a refusal looks the same whatever its reason. Main
 * context.
 */
#include "daemon/core/session-priv.h"

#include <string.h>

#include "daemon/core/codes.h"
#include "daemon/error.h"
#include "daemon/store/display.h"
#include "daemon/words.h"

/* A consent without a stated end holds for a day. */
#define CONSENT_S 86400

/* ---------------------------------------------------------------- what it asks for */

static char *
safe_text(const char *text, gsize max)
{
    char *safe;

    if (text == NULL)
        return NULL;
    safe = g_malloc(max + 1);
    ehd_display_copy(safe, max + 1, text, strlen(text));
    return safe;
}

void
ehd_request_clear(EhdRequest *request)
{
    g_free((char *)request->info.text);
    g_free((char *)request->operator_.display);
    g_free((char *)request->operator_.role_code);
    g_free((char *)request->operator_.identifier);
    g_clear_pointer(&request->categories, g_array_unref);
    g_clear_pointer(&request->queries, g_array_unref);
    memset(request, 0, sizeof *request);
}

static void
take_categories(GArray *categories, const Ehp__ConsentRequest *wire)
{
    g_array_set_size(categories, 0);
    for (size_t q = 0; q < wire->n_query; q++) {
        for (size_t c = 0; c < wire->query[q]->n_category; c++) {
            int category = (int)wire->query[q]->category[c];

            if (categories->len < EHP_TAP_CATEGORIES_MAX && ehd_category_code(category) != NULL)
                g_array_append_val(categories, category);
        }
    }
}

static void
take_request(EhdSession *self, const Ehp__ConsentRequest *wire)
{
    EhdRequest *request = &self->request;

    ehd_request_clear(request);
    request->categories = g_array_new(FALSE, FALSE, sizeof(int));
    take_categories(request->categories, wire);
    request->info.purpose = (int)wire->purpose;
    request->info.categories = (const int *)(gpointer)request->categories->data;
    request->info.n_categories = request->categories->len;
    request->info.period_days = wire->period_days;
    request->info.retention_days = wire->retention_days;
    request->info.time = wire->time;
    request->queries = ehd_queries_from_wire(wire->query, wire->n_query);
    request->info.queries = request->queries;
    request->info.list = wire->manifest_only;
    request->info.text = safe_text(wire->text, EHP_TEXT_MAX);
    if (wire->operator_ != NULL) {
        request->operator_.display = safe_text(wire->operator_->display, EHP_NAME_MAX);
        request->operator_.role_code = safe_text(wire->operator_->role_code, EHP_CODE_MAX);
        request->operator_.identifier = safe_text(wire->operator_->identifier, EHP_CODE_MAX);
        request->operator_.assurance = (int)wire->operator_->assurance;
        request->info.operator_ = &request->operator_;
    }
    self->has_request = TRUE;
}

void
ehd_patient_ask_owner(EhdSession *self)
{
    if (!self->consent_open || self->consent_asked)
        return;
    if (self->listener != NULL) {
        self->consent_asked = TRUE;
        self->listener->ask_consent(self, self->listener_data);
    } else if (self->wishes.detach) {
        self->consent_open = FALSE;
        if (ehp_session_refuse(self->engine, EHP_NO_AGENT, ehd_now_ms()) != EHP_OK)
            g_debug("session %s: too late to refuse", self->id);
        ehd_session_pump(self);
    }
}

void
ehd_patient_ask_consent(EhdSession *self, const ehp_event *event)
{
    guint64 deadline = event->deadline_ms;

    take_request(self, event->request);
    ehd_patient_match(self, event->request->query, event->request->n_query);
    self->consent_open = TRUE;
    self->consent_asked = FALSE;
    ehd_session_set_state(self, EHD_STATE_DECIDING, deadline);
    ehd_patient_ask_owner(self);
}

gboolean
ehd_session_extend(EhdSession *self, guint *seconds, GError **error)
{
    guint64 now = ehd_now_ms();

    if (!self->consent_open || self->extended ||
        ehp_session_extend(self->engine, now) != EHP_OK) {
        ehd_error_set(error, EHP_WRONG_STATE,
                      self->extended ? N_("the time was extended already")
                                     : N_("nobody is deciding"));
        return FALSE;
    }
    self->extended = TRUE;
    ehd_session_set_state(self, self->state, self->deadline + self->config->consent_ms);
    ehd_session_pump(self);
    *seconds = (guint)MAX(ehd_session_get_info(self)->deadline, 0);
    return TRUE;
}

/* ---------------------------------------------------------------- the answer */

static int
compare_urgency(gconstpointer a, gconstpointer b, gpointer user_data)
{
    const EhdItem *items = user_data;
    guint x = *(const guint *)a, y = *(const guint *)b;
    gboolean x_first = items[x].category == EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY;
    gboolean y_first = items[y].category == EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY;

    if (x_first != y_first)
        return x_first ? -1 : 1;
    if (items[x].size != items[y].size)
        return items[x].size < items[y].size ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Items of the answer, in place of those of the session's beginning. */
static gboolean
take_offer(EhdSession *self, const GArray *offer)
{
    g_autoptr(GError) error = NULL;

    if (!ehd_items_check(offer, &error)) {
        g_message("session %s: what the answer offers: %s", self->id, error->message);
        return FALSE;
    }
    g_array_set_size(self->items, 0);
    ehd_items_append(self->items, offer);
    g_byte_array_set_size(self->item_states, self->items->len);
    return TRUE;
}

/* Which of the caller's ids were granted, each once. FALSE: one that does not exist. */
static gboolean
choose_items(EhdSession *self, const guint *chosen, gsize n_chosen, gboolean all)
{
    if (chosen == NULL && !all) { /* what fits */
        chosen = (const guint *)(gpointer)self->matching->data;
        n_chosen = self->matching->len;
    }
    if (chosen == NULL && all)
        memset(self->item_states->data, EHD_ITEM_WAITING, self->item_states->len);
    else if (self->item_states->len > 0)
        memset(self->item_states->data, EHD_ITEM_WITHHELD, self->item_states->len);
    for (gsize i = 0; i < n_chosen; i++) {
        if (chosen[i] >= self->items->len)
            return FALSE;
        self->item_states->data[chosen[i]] = EHD_ITEM_WAITING;
    }
    return TRUE;
}

static void
put_in_order(EhdSession *self)
{
    g_free(self->order);
    self->order = g_new(guint, self->items->len + 1);
    self->n_order = 0;
    for (guint id = 0; id < self->items->len; id++)
        if (self->item_states->data[id] == EHD_ITEM_WAITING)
            self->order[self->n_order++] = id;
    g_qsort_with_data(self->order, (gint)self->n_order, sizeof *self->order, compare_urgency,
                      self->items->data);
}

void
ehd_patient_fill_entry(const EhdItem *item, Ehp__ItemEntry *entry)
{
    ehp__item_entry__init(entry);
    entry->name = item->name;
    entry->has_size = TRUE;
    entry->size = item->size;
    entry->media_type = item->media_type;
    entry->title = item->title;
    entry->date = item->date;
    entry->has_category = TRUE;
    entry->category =
        item->category != 0 ? (Ehp__Category)item->category : EHP__CATEGORY__CATEGORY_OTHER;
    entry->type_code = item->type_code;
    entry->author = item->author;
    entry->has_patient_entered = item->patient_entered;
    entry->patient_entered = item->patient_entered;
    if (item->subject != NULL) {
        gsize length;

        entry->has_subject = TRUE;
        entry->subject.data = (uint8_t *)g_bytes_get_data(item->subject, &length);
        entry->subject.len = length;
    }
}

void
ehd_patient_make_entries(EhdSession *self, const GArray *items)
{
    g_free(self->entries);
    g_free(self->entry_list);
    self->entries = g_new(Ehp__ItemEntry, self->n_order + 1);
    self->entry_list = g_new(Ehp__ItemEntry *, self->n_order + 1);
    for (guint i = 0; i < self->n_order; i++) {
        ehd_patient_fill_entry(&g_array_index(items, EhdItem, self->order[i]),
                               &self->entries[i]);
        self->entry_list[i] = &self->entries[i];
    }
}

static void
refuse(EhdSession *self, ehp_status why)
{
    self->consent_open = self->consent_asked = FALSE;
    if (ehp_session_refuse(self->engine, why, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: too late to refuse", self->id);
    ehd_session_pump(self);
}

static gboolean
on_expired(gpointer user_data)
{
    EhdSession *self = user_data;

    self->expiry_timer = 0;
    if (!self->complete)
        ehd_session_end(self, EHP_CONSENT_EXPIRED);
    return G_SOURCE_REMOVE;
}

gboolean
ehd_patient_arm_expiry(EhdSession *self)
{
    gint64 left = self->consent.expires - ehd_core_now(self->core);

    if (left <= 0)
        return FALSE;
    self->expiry_timer =
        g_timeout_add_seconds((guint)MIN(left, G_MAXINT / 1000), on_expired, self);
    return TRUE;
}

static void
granted(EhdSession *self, const ehp_grant *grant)
{
    self->consent_open = self->consent_asked = FALSE;
    self->consented = TRUE;
    self->consent.purpose = self->request.info.purpose;
    self->consent.acting_as = (int)grant->acting_as;
    self->consent.time = grant->time;
    self->consent.expires = grant->expires;
    if (!ehd_patient_arm_expiry(self))
        self->expiry_timer = g_timeout_add_seconds(1, on_expired, self);
    ehd_patient_open_source(self);
    self->granted = g_memdup2(self->order, self->n_order * sizeof *self->order);
    self->n_granted = self->n_order;
    self->listed = self->request.info.list;
    if (self->listed) {
        /* who was shown a list may ask for what is on it */
        self->wishes.linger_s = MAX(self->wishes.linger_s, EHP_LINGER_MS / 1000);
        ehd_patient_keep_list(self);
        for (guint i = 0; i < self->n_order; i++)
            self->item_states->data[self->order[i]] = EHD_ITEM_LISTED;
    }
    ehd_session_audit(self, EHD_AUDIT_CONSENT, EHP_OK);
    ehd_session_set_transfer(self, EHD_TRANSFER_RUNNING);
    ehd_session_set_state(self, EHD_STATE_TRANSFERRING, 0);
}

void
ehd_session_answer_consent(EhdSession *self, gboolean agreed, const GArray *offer,
                           const guint *items, gsize n_items, int acting_as, gint64 expires)
{
    if (!self->consent_open || self->granting)
        return;
    if (!agreed || (offer != NULL && !take_offer(self, offer)) ||
        !choose_items(self, items, n_items, offer != NULL)) {
        refuse(self, EHP_DECLINED);
        return;
    }
    if (expires != 0 && expires <= ehd_core_now(self->core)) {
        refuse(self, EHP_CONSENT_EXPIRED);
        return;
    }
    self->noted = self->noted && offer == NULL;
    put_in_order(self);
    if (self->n_order == 0) { /* all of it withheld */
        refuse(self, EHP_DECLINED);
        return;
    }
    self->acting_as = acting_as;
    self->expires = expires;
    ehd_patient_grant_or_go_on(self);
}

void
ehd_patient_grant(EhdSession *self, const ehp_taken *from)
{
    gint64 now = ehd_core_now(self->core);
    ehp_grant grant = {.from = from};

    ehd_patient_make_entries(self, self->items);
    grant.acting_as =
        (uint32_t)(self->acting_as != 0 ? self->acting_as : self->wishes.acting_as);
    grant.time = now;
    grant.expires = self->expires != 0 ? self->expires : now + CONSENT_S;
    grant.items = self->entry_list;
    grant.n_items = self->n_order;
    if (ehp_session_grant(self->engine, &grant, ehd_now_ms()) != EHP_OK) {
        refuse(self, EHP_ITEM_INVALID);
        return;
    }
    granted(self, &grant);
    ehd_session_pump(self);
}

typedef struct {
    EhdSession *session;
    GTask *task; /* owned */
} Revoking;

static gboolean
tell_revoked(EhdSession *self, GError **error)
{
    if (self->engine != NULL &&
        ehp_session_revoke(self->engine, ehd_core_now(self->core), ehd_now_ms()) == EHP_OK) {
        ehd_session_pump(self);
        return TRUE;
    }
    ehd_error_set(error, EHP_WRONG_STATE, N_("there is no consent to withdraw any more"));
    return FALSE;
}

static void
on_erased(ehp_status status, gpointer user_data)
{
    g_autofree Revoking *revoking = user_data;
    EhdSession *self = revoking->session;
    g_autoptr(GTask) task = revoking->task;
    GError *error = NULL;

    self->jobs--;
    /* a disk that cannot forget does not keep it from ending */
    if (tell_revoked(self, &error) && status == EHP_OK)
        g_task_return_boolean(task, TRUE);
    else if (error != NULL)
        g_task_return_error(task, error);
    else
        g_task_return_new_error(task, EHD_ERROR, (int)status, "%s", ehp_status_text(status));
    ehd_core_check(self->core);
}

static gboolean
is_revocable(EhdSession *self)
{
    return self->role == EHD_PATIENT && self->engine != NULL && !self->engine_ended &&
           self->consented && !self->complete && !self->revoking && !self->ending &&
           !ehd_session_to_patient(self); /* by then all that was agreed to has been sent */
}

void
ehd_session_revoke_async(EhdSession *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    EhdPage page = {.session = self->id,
                    .audited = TRUE,
                    .audit = EHD_AUDIT_REVOKED,
                    .remove_record = TRUE,
                    .now = ehd_core_now(self->core)};
    Revoking *revoking;

    if (!is_revocable(self)) {
        g_task_return_new_error(task, EHD_ERROR, EHP_WRONG_STATE,
                                N_("there is no consent to withdraw"));
        return;
    }
    ehd_session_audit_entry(self, &page.entry);
    revoking = g_new(Revoking, 1);
    revoking->session = self;
    revoking->task = g_object_ref(task);
    self->revoking = TRUE;
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_erased, revoking);
}

gboolean
ehd_session_revoke_finish(EhdSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}
