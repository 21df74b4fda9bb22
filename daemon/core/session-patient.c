/* SPDX-License-Identifier: Apache-2.0
 *
 * The patient's side: who the terminal is, what the person agrees to, in which order it is
 * sent, and from where. The engine waits for each answer; nothing of the patient is in what it
 * has sent before the grant. Main context.
 */
#include "daemon/core/session-priv.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "daemon/core/codes.h"
#include "daemon/error.h"
#include "daemon/store/display.h"

/* A consent without a stated end holds for a day. */
#define CONSENT_S 86400

/* ---------------------------------------------------------------- who it is */

static void
keep_chain(EhdSession *self, const ehp_tap_event *event)
{
    for (guint i = 0; i < self->n_chain; i++)
        g_clear_pointer(&self->chain[i], g_bytes_unref);
    self->n_chain = (guint)MIN(event->n_chain, EHP_CHAIN_MAX);
    for (guint i = 0; i < self->n_chain; i++)
        self->chain[i] = g_bytes_new(event->chain[i].data, event->chain[i].len);
}

static void
fill_peer(EhdSession *self)
{
    EhdPeerInfo *peer = &self->peer;

    ehd_fingerprint_format(self->verdict.fingerprint, self->fingerprint);
    peer->organisation = self->verdict.organisation;
    peer->terminal = self->verdict.terminal;
    peer->place = self->verdict.place;
    peer->authority = self->verdict.authority;
    peer->fingerprint = self->verdict.readable ? self->fingerprint : "";
    peer->problem = self->verdict.status;
    peer->crl_state = NULL;
    if (self->crl_known) {
        peer->crl_state = self->crl_status == EHP_OK ? "checked" : "not-checked";
        if (peer->problem == EHP_OK)
            peer->problem = self->crl_status;
    }
    peer->verified = self->crl_known && peer->problem == EHP_OK;
}

static gboolean
is_allowed(EhdSession *self)
{
    return self->verdict.readable && ehd_now_ms() < self->allowed_until &&
           sodium_memcmp(self->allowed, self->verdict.fingerprint, sizeof self->allowed) == 0;
}

void
ehd_patient_judge(EhdSession *self, const ehp_tap_event *event)
{
    EhdVerdict *verdict = &self->verdict;
    ehp_status status;

    keep_chain(self, event);
    if (event->n_chain == 0)
        ehd_trust_bare_key(event->leaf_key, verdict);
    else
        ehd_trust_verify_chain(self->core->parts.trust, self->chain, self->n_chain,
                               ehd_core_now(self->core), verdict);
    self->has_verdict = TRUE;
    self->crl_known = FALSE;
    fill_peer(self);
    status = ehp_tap_verdict(self->tap, verdict->status, is_allowed(self),
                             verdict->readable ? verdict->key : NULL, ehd_now_ms());
    if (status != EHP_OK)
        g_debug("session %s: verdict: %s", self->id, ehp_status_name(status));
}

static GBytes **
wrap_crls(const ehp_event *event, guint *n)
{
    GBytes **crls = g_new0(GBytes *, EHP_CRL_MAX);

    *n = (guint)MIN(event->n_crls, EHP_CRL_MAX);
    for (guint i = 0; i < *n; i++)
        crls[i] = g_bytes_new(event->crls[i].data, event->crls[i].len);
    return crls;
}

/* A terminal that the person allowed although nobody vouches for it: there is no one whose list
 * could be checked, but one that a trusted list names is refused all the same. */
static gboolean
accept_unverified(EhdRevocation *revocation)
{
    if (revocation->status == EHP_CERT_REVOKED)
        return FALSE;
    revocation->status = EHP_CRL_MISSING;
    return TRUE;
}

void
ehd_patient_check_crls(EhdSession *self, const ehp_event *event)
{
    const EhdConfig *config = self->core->parts.config;
    EhdCrlPolicy policy = {.max_age_s = config->trust_max_crl_age_s,
                           .allow_unchecked = config->trust_allow_unchecked};
    EhdRevocation revocation = {0};
    guint n;
    GBytes **crls = wrap_crls(event, &n);

    ehd_trust_verify_crls(self->core->parts.trust, self->chain, self->n_chain, crls, n,
                          ehd_core_now(self->core), &policy, &revocation);
    for (guint i = 0; i < n; i++)
        g_bytes_unref(crls[i]);
    g_free(crls);
    if (self->verdict.status != EHP_OK)
        revocation.acceptable = accept_unverified(&revocation);
    self->crl_known = TRUE;
    self->crl_status = revocation.status;
    fill_peer(self);
    if (ehp_session_crls(self->engine, revocation.status, revocation.acceptable,
                         ehd_now_ms()) != EHP_OK)
        ehd_session_abort(self, EHP_INTERNAL);
    ehd_session_changed(self);
}

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

static void
ask_owner(EhdSession *self)
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
    self->consent_open = TRUE;
    self->consent_asked = FALSE;
    ehd_session_set_state(self, EHD_STATE_DECIDING, deadline);
    ask_owner(self);
}

gboolean
ehd_session_extend(EhdSession *self, guint *seconds, GError **error)
{
    guint64 now = ehd_now_ms();

    if (!self->consent_open || self->extended ||
        ehp_session_extend(self->engine, now) != EHP_OK) {
        ehd_error_set(error, EHP_WRONG_STATE,
                      self->extended ? "the time was extended already" : "nobody is deciding");
        return FALSE;
    }
    self->extended = TRUE;
    ehd_session_set_state(self, self->state,
                          self->deadline + self->core->parts.config->consent_ms);
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

/* Which of the caller's ids were granted, each once. FALSE: one that does not exist. */
static gboolean
choose_items(EhdSession *self, const guint *chosen, gsize n_chosen)
{
    if (chosen == NULL)
        memset(self->item_states->data, EHD_ITEM_WAITING, self->item_states->len);
    else
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
    self->order = g_new(guint, self->items->len);
    self->n_order = 0;
    for (guint id = 0; id < self->items->len; id++)
        if (self->item_states->data[id] == EHD_ITEM_WAITING)
            self->order[self->n_order++] = id;
    g_qsort_with_data(self->order, (gint)self->n_order, sizeof *self->order, compare_urgency,
                      self->items->data);
}

static void
fill_entry(const EhdItem *item, Ehp__ItemEntry *entry)
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

static void
make_entries(EhdSession *self)
{
    g_free(self->entries);
    g_free(self->entry_list);
    self->entries = g_new(Ehp__ItemEntry, self->n_order);
    self->entry_list = g_new(Ehp__ItemEntry *, self->n_order);
    for (guint i = 0; i < self->n_order; i++) {
        fill_entry(&g_array_index(self->items, EhdItem, self->order[i]), &self->entries[i]);
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

static void
source_want(guint id, gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->listener != NULL)
        self->listener->open_item(self, id, self->listener_data);
    else
        ehd_source_give(self->source, id, -1, EHP_NO_AGENT);
}

static void
source_data(guint id, const guint8 *bytes, gsize length, gpointer user_data)
{
    EhdSession *self = user_data;

    if (ehp_session_data(self->engine, self->due, bytes, length, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: data that nobody waits for", self->id);
    ehd_session_pump(self);
}

static void
source_failed(ehp_status why, guint id, gpointer user_data)
{
    EhdSession *self = user_data;

    g_info("session %s: item %u: %s", self->id, id, ehp_status_name(why));
    g_free(self->error_detail);
    self->error_detail = g_strdup(g_array_index(self->items, EhdItem, id).name);
    if (ehp_session_data_failed(self->engine, why, ehd_now_ms()) == EHP_OK)
        ehd_session_pump(self);
    else /* an item asked for ahead, while the engine waits for none */
        ehd_session_abort(self, why);
}

static const EhdSourceUser source_user = {
    .want = source_want, .data = source_data, .failed = source_failed};

static void
granted(EhdSession *self, const ehp_grant *grant)
{
    gint64 left = grant->expires - ehd_core_now(self->core);

    self->consent_open = self->consent_asked = FALSE;
    self->consented = TRUE;
    self->consent.purpose = self->request.info.purpose;
    self->consent.acting_as = (int)grant->acting_as;
    self->consent.time = grant->time;
    self->consent.expires = grant->expires;
    self->expiry_timer =
        g_timeout_add_seconds((guint)CLAMP(left, 1, G_MAXINT / 1000), on_expired, self);
    self->source = ehd_source_new(self->items, self->core->parts.stall_ms, &source_user, self);
    if (self->listener == NULL && !self->wishes.detach)
        ehd_source_pause(self->source);
    ehd_session_audit(self, EHD_AUDIT_CONSENT, EHP_OK);
    ehd_session_set_transfer(self, EHD_TRANSFER_RUNNING);
    ehd_session_set_state(self, EHD_STATE_TRANSFERRING, 0);
}

void
ehd_session_answer_consent(EhdSession *self, gboolean agreed, const guint *items, gsize n_items,
                           int acting_as, gint64 expires)
{
    gint64 now = ehd_core_now(self->core);
    ehp_grant grant = {0};

    if (!self->consent_open)
        return;
    if (!agreed || !choose_items(self, items, n_items)) {
        refuse(self, EHP_DECLINED);
        return;
    }
    put_in_order(self);
    if (self->n_order == 0) { /* all of it withheld */
        refuse(self, EHP_DECLINED);
        return;
    }
    make_entries(self);
    grant.acting_as = (uint32_t)(acting_as != 0 ? acting_as : self->wishes.acting_as);
    grant.time = now;
    grant.expires = expires > now ? expires : now + CONSENT_S;
    grant.items = self->entry_list;
    grant.n_items = self->n_order;
    if (ehp_session_grant(self->engine, &grant, ehd_now_ms()) != EHP_OK) {
        refuse(self, EHP_ITEM_INVALID);
        return;
    }
    granted(self, &grant);
    ehd_session_pump(self);
}

gboolean
ehd_session_revoke(EhdSession *self, GError **error)
{
    if (self->role == EHD_PATIENT && self->engine != NULL && self->consented &&
        ehp_session_revoke(self->engine, ehd_core_now(self->core), ehd_now_ms()) == EHP_OK) {
        ehd_session_audit(self, EHD_AUDIT_REVOKED, EHP_OK);
        ehd_session_pump(self);
        return TRUE;
    }
    ehd_error_set(error, EHP_WRONG_STATE, "there is no consent to withdraw");
    return FALSE;
}

/* ---------------------------------------------------------------- the items */

void
ehd_patient_need_data(EhdSession *self, const ehp_event *event)
{
    guint next[EHD_SOURCE_AHEAD];
    gsize n_next = 0;
    guint id;

    if (event->item >= self->n_order || self->source == NULL) {
        ehd_session_abort(self, EHP_INTERNAL);
        return;
    }
    self->due = event->item;
    id = self->order[event->item];
    for (guint i = event->item + 1; i < self->n_order && n_next < EHD_SOURCE_AHEAD; i++)
        next[n_next++] = self->order[i];
    ehd_session_set_item_state(self, id, EHD_ITEM_RUNNING);
    ehd_source_read(self->source, id, event->offset, event->length, next, n_next);
}

void
ehd_patient_item_acked(EhdSession *self, const ehp_event *event)
{
    guint id;

    if (event->item >= self->n_order)
        return;
    id = self->order[event->item];
    if (self->source != NULL)
        ehd_source_drop(self->source, id);
    ehd_session_set_item_state(self, id, EHD_ITEM_STORED);
}

void
ehd_session_give_item(EhdSession *self, guint id, int fd, ehp_status why)
{
    if (self->source != NULL) {
        ehd_source_give(self->source, id, fd, why);
        return;
    }
    if (fd >= 0)
        close(fd);
}

void
ehd_patient_ask_again(EhdSession *self)
{
    ask_owner(self);
    if (self->source != NULL && !self->ending)
        ehd_source_ask_again(self->source);
}

/* ---------------------------------------------------------------- the receipt */

static void
on_receipt_stored(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    if (ehp_session_receipt_stored(self->engine, status, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: too late for the receipt", self->id);
    ehd_session_pump(self);
    ehd_core_check(self->core);
}

void
ehd_patient_receipt(EhdSession *self, const ehp_event *event)
{
    EhdPage page = {.session = self->id,
                    .kind = EHD_RECEIPT_GOT,
                    .audited = TRUE,
                    .audit = EHD_AUDIT_SENT,
                    .now = ehd_core_now(self->core)};

    g_clear_pointer(&self->receipt, g_bytes_unref);
    self->receipt = page.receipt = g_bytes_new(event->bytes.data, event->bytes.len);
    ehd_session_audit_entry(self, &page.entry);
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_receipt_stored, self);
}

void
ehd_patient_complete(EhdSession *self)
{
    g_clear_handle_id(&self->expiry_timer, g_source_remove);
    ehd_session_set_state(self, EHD_STATE_CONFIRMING,
                          ehd_now_ms() + 1000ull * self->wishes.linger_s);
    if (self->wishes.linger_s == 0 && ehp_session_bye(self->engine, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: no bye", self->id);
}

static EhdAuditKind
audit_of_status(int status)
{
    if (status == EHP__STATUS_KIND__STATUS_FILED)
        return EHD_AUDIT_FILED;
    return status == EHP__STATUS_KIND__STATUS_REJECTED ? EHD_AUDIT_REJECTED
                                                       : EHD_AUDIT_DISCARDED;
}

void
ehd_patient_status(EhdSession *self, const ehp_event *event)
{
    self->status = (int)event->status_kind;
    ehd_session_audit(self, audit_of_status(self->status), EHP_OK);
    if (self->status == EHP__STATUS_KIND__STATUS_FILED)
        ehd_session_set_state(self, EHD_STATE_FILED, 0);
    else
        ehd_session_changed(self);
    if (ehp_session_bye(self->engine, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: no bye", self->id);
}

void
ehd_patient_clear(EhdSession *self)
{
    g_clear_pointer(&self->source, ehd_source_free);
    g_clear_pointer(&self->order, g_free);
    g_clear_pointer(&self->entries, g_free);
    g_clear_pointer(&self->entry_list, g_free);
}
