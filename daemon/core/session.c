/* SPDX-License-Identifier: Apache-2.0
 *
 * A session's life, state and owner. Everything that the owner is told goes through here, and
 * is told only while there is one. Main context.
 */
#include "daemon/core/session-priv.h"

#include <sodium.h>
#include <string.h>

#include "daemon/error.h"
#include "daemon/words.h"
#include "proto/ehrlink.pb-c.h"

EhdSession *
ehd_session_new(EhdCore *core, EhdSessionRole role, uid_t uid)
{
    EhdSession *self = g_new0(EhdSession, 1);
    guint8 random[EHD_SESSION_ID_BYTES];

    randombytes_buf(random, sizeof random);
    sodium_bin2hex(self->id, sizeof self->id, random, sizeof random);
    self->core = core;
    self->config = ehd_config_ref(core->parts.config);
    self->role = role;
    self->uid = uid;
    self->created = ehd_core_now(core);
    self->wishes.categories = g_array_new(FALSE, FALSE, sizeof(int));
    self->wishes.queries = ehd_queries_new();
    self->request.categories = g_array_new(FALSE, FALSE, sizeof(int));
    self->origins = g_array_new(FALSE, TRUE, sizeof(EhdOrigin));
    self->receipts = g_ptr_array_new();
    self->crls = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    self->matching = g_array_new(FALSE, FALSE, sizeof(guint));
    ehd_reply_init(&self->reply);
    self->items = ehd_items_new();
    self->item_states = g_byte_array_new();
    self->roots = g_byte_array_new();
    self->closing = g_ptr_array_new();
    self->early_fd = -1;
    self->cancellers = g_ptr_array_new_with_free_func(g_object_unref);
    self->categories = g_string_new(NULL);
    return self;
}

static void
wishes_clear(EhdWishes *wishes)
{
    g_array_unref(wishes->categories);
    g_array_unref(wishes->queries);
    g_free(wishes->text);
    g_free(wishes->operator_display);
    g_free(wishes->operator_role);
    g_free(wishes->operator_identifier);
    g_free(wishes->directory);
}

static void
stop_timers(EhdSession *self)
{
    g_clear_handle_id(&self->grace_timer, g_source_remove);
    g_clear_handle_id(&self->ask_again_source, g_source_remove);
    g_clear_handle_id(&self->progress_timer, g_source_remove);
    g_clear_handle_id(&self->expiry_timer, g_source_remove);
    g_clear_handle_id(&self->filing_timer, g_source_remove);
    g_clear_handle_id(&self->removal_timer, g_source_remove);
}

void
ehd_session_free(EhdSession *self)
{
    stop_timers(self);
    ehd_session_disarm(self);
    ehd_session_stop_engine(self);
    ehd_session_drop_cables(self);
    ehd_session_release_link(self);
    g_slist_free_full(g_steal_pointer(&self->keepings), g_free);
    g_slist_free_full(g_steal_pointer(&self->calls), g_free);
    g_clear_error(&self->connect_error);
    g_clear_pointer(&self->leaves, ehd_left_free);
    g_clear_object(&self->asking);
    ehd_patient_clear(self);
    ehd_inbox_free(self->inbox);
    ehd_config_unref(self->config);
    for (guint i = 0; i < self->n_chain; i++)
        g_bytes_unref(self->chain[i]);
    g_ptr_array_unref(self->crls);
    g_clear_pointer(&self->receipt, g_bytes_unref);
    for (guint i = 0; i < self->receipts->len; i++)
        g_bytes_unref(self->receipts->pdata[i]);
    g_ptr_array_unref(self->receipts);
    g_array_unref(self->origins);
    g_array_unref(self->matching);
    g_clear_pointer(&self->list, g_array_unref);
    g_free(self->granted);
    ehd_reply_clear(&self->reply);
    g_ptr_array_unref(self->closing);
    g_ptr_array_unref(self->cancellers);
    g_array_unref(self->items);
    g_byte_array_unref(self->item_states);
    g_byte_array_unref(self->roots);
    g_free(self->status_rule);
    ehd_request_clear(&self->request);
    wishes_clear(&self->wishes);
    g_free(self->error_detail);
    g_string_free(self->categories, TRUE);
    sodium_memzero(self->leaf_secret, sizeof self->leaf_secret);
    g_free(self);
}

/* ---------------------------------------------------------------- telling */

static void
tell_state(EhdSession *self)
{
    const EhdCoreHooks *hooks = self->core->hooks;

    if (self->announced && hooks != NULL && hooks->state_changed != NULL)
        hooks->state_changed(self, self->core->hooks_data);
}

void
ehd_session_changed(EhdSession *self)
{
    tell_state(self);
    if (self->listener != NULL)
        self->listener->changed(self, self->listener_data);
}

void
ehd_session_set_state(EhdSession *self, EhdSessionState state, guint64 deadline)
{
    if (self->state != state)
        g_info("session %s: %s -> %s", self->id, ehd_session_state_name(self->state),
               ehd_session_state_name(state));
    self->state = state;
    self->deadline = deadline;
    ehd_session_changed(self);
}

void
ehd_session_set_transfer(EhdSession *self, EhdTransferState transfer)
{
    if (self->has_transfer && self->transfer == transfer)
        return;
    self->has_transfer = TRUE;
    self->transfer = transfer;
    tell_state(self);
    if (self->listener != NULL)
        self->listener->transfer_changed(self, self->listener_data);
}

void
ehd_session_set_item_state(EhdSession *self, guint id, EhdItemState state)
{
    if (id >= self->item_states->len || self->item_states->data[id] == state)
        return;
    self->item_states->data[id] = (guint8)state;
    if (self->listener != NULL)
        self->listener->item_changed(self, EHD_TO_TERMINAL, id, state, self->listener_data);
}

static gboolean
on_progress_due(gpointer user_data)
{
    EhdSession *self = user_data;

    self->progress_timer = 0;
    ehd_session_tell_progress(self, FALSE);
    return G_SOURCE_REMOVE;
}

void
ehd_session_tell_progress(EhdSession *self, gboolean last)
{
    guint64 now = ehd_now_ms();
    ehp_progress progress;

    if (!self->has_transfer)
        return;
    ehd_session_get_progress(self, &progress);
    if (!last && (progress.bytes_done == self->done_told || self->progress_timer != 0))
        return;
    if (!last && now < self->progress_told + EHD_PROGRESS_MS) {
        self->progress_timer = g_timeout_add(
            (guint)(self->progress_told + EHD_PROGRESS_MS - now), on_progress_due, self);
        return;
    }
    self->progress_told = now;
    self->done_told = progress.bytes_done;
    if (self->listener != NULL)
        self->listener->progress(self, progress.to_patient ? EHD_TO_PATIENT : EHD_TO_TERMINAL,
                                 self->listener_data);
}

void
ehd_session_void_questions(EhdSession *self, EhdVoidReason reason)
{
    gboolean asked = self->consent_asked || self->source != NULL || self->reply.asked;

    self->consent_open = self->consent_asked = self->reply.asked = FALSE;
    if (asked && self->listener != NULL)
        self->listener->void_questions(self, reason, self->listener_data);
}

/* ---------------------------------------------------------------- the owner */

static gboolean
on_ask_again(gpointer user_data)
{
    EhdSession *self = user_data;

    self->ask_again_source = 0;
    if (self->listener == NULL || self->ended)
        return G_SOURCE_REMOVE;
    ehd_patient_ask_again(self);
    ehd_reply_ask_owner(self);
    if (self->received && self->complete && self->listener != NULL)
        self->listener->items_arrived(self, EHD_TO_TERMINAL, self->listener_data);
    if (self->reply.commit_due && self->listener != NULL)
        self->listener->items_arrived(self, EHD_TO_PATIENT, self->listener_data);
    return G_SOURCE_REMOVE;
}

void
ehd_session_set_listener(EhdSession *self, const EhdSessionListener *listener,
                         gpointer user_data)
{
    gboolean questions = self->consent_open || self->source != NULL || self->received ||
                         self->reply.asked || self->reply.commit_due;

    self->listener = listener;
    self->listener_data = user_data;
    self->consent_asked = FALSE;
    if (listener == NULL)
        return;
    g_clear_handle_id(&self->grace_timer, g_source_remove);
    if (questions && self->ask_again_source == 0)
        self->ask_again_source = g_idle_add(on_ask_again, self);
}

/* `detach` is for what a tap has begun. A reader that stays armed for nobody would keep the one
 * who comes next (a kiosk that was started again) from it for good. */
static gboolean
goes_on_alone(const EhdSession *self)
{
    return self->wishes.detach && self->tapped;
}

static gboolean
on_grace_over(gpointer user_data)
{
    EhdSession *self = user_data;

    self->grace_timer = 0;
    if (self->received) { /* what was received stays; what was to go back has nobody */
        if (ehd_patient_needs_files(self))
            ehd_session_abort(self, EHP_NO_AGENT);
    } else if (!goes_on_alone(self) || ehd_patient_needs_files(self)) {
        ehd_session_end(self, EHP_NO_AGENT);
    }
    return G_SOURCE_REMOVE;
}

void
ehd_session_owner_vanished(EhdSession *self)
{
    self->listener = NULL;
    self->listener_data = NULL;
    self->consent_asked = FALSE;
    g_clear_handle_id(&self->ask_again_source, g_source_remove);
    /* what was received is kept until it is filed or its time is over, whoever comes for it */
    if (self->ending || self->received)
        return;
    if (self->source != NULL)
        ehd_source_pause(self->source);
    if (goes_on_alone(self)) {
        ehd_patient_ask_owner(self); /* refuses what nobody can answer */
        ehd_reply_ask_owner(self);
        ehd_patient_await_files(self);
        return;
    }
    ehd_session_await_owner(self, self->core->parts.grace_ms);
}

void
ehd_session_await_owner(EhdSession *self, guint ms)
{
    if (self->grace_timer == 0)
        self->grace_timer = g_timeout_add(ms, on_grace_over, self);
}

gboolean
ehd_session_check_items(EhdSession *self, const GArray *items, GError **error)
{
    const GArray *ours = self->role == EHD_PATIENT ? self->items : self->reply.items;
    gboolean replying = !self->complete && ehd_session_to_patient(self);

    if ((self->role == EHD_TERMINAL && !replying) || ehd_items_equal(ours, items))
        return TRUE;
    ehd_error_set(error, EHP_ITEM_CHANGED,
                  N_("not the items that the session was opened with"));
    return FALSE;
}

/* ---------------------------------------------------------------- looking */

static const char *
status_word(int status)
{
    switch (status) {
    case EHP__STATUS_KIND__STATUS_FILED:
        return "filed";
    case EHP__STATUS_KIND__STATUS_DISCARDED:
        return "discarded";
    case EHP__STATUS_KIND__STATUS_REJECTED:
        return "rejected";
    default:
        return NULL;
    }
}

static int
seconds_left(guint64 deadline)
{
    guint64 now = ehd_now_ms();

    if (deadline == 0)
        return -1;
    return deadline <= now ? 0 : (int)MIN((deadline - now + 999) / 1000, G_MAXINT);
}

static void
fill_counts(EhdSession *self, EhdSessionInfo *info)
{
    ehp_progress progress;

    if (!self->has_transfer)
        return;
    ehd_session_get_progress(self, &progress);
    if (progress.to_patient) {
        info->reply_items = progress.items;
        info->reply_items_done = progress.items_done;
        info->reply_bytes = progress.bytes;
        info->reply_done = progress.bytes_done;
        progress = self->first;
    } else {
        info->reply_items = self->reply.last.items;
        info->reply_items_done = self->reply.last.items_done;
        info->reply_bytes = self->reply.last.bytes;
        info->reply_done = self->reply.last.bytes_done;
    }
    info->items = progress.items;
    info->items_done = progress.items_done;
    info->bytes = progress.bytes;
    info->done = progress.bytes_done;
}

const EhdSessionInfo *
ehd_session_get_info(EhdSession *self)
{
    EhdSessionInfo *info = &self->info;
    /* one that was found too old has failed before its end is written */
    gboolean over = self->ended || self->state == EHD_STATE_FAILED;

    memset(info, 0, sizeof *info);
    info->id = self->id;
    info->uid = self->uid;
    info->role = self->role;
    info->state = self->state;
    info->created = self->created;
    info->deadline = seconds_left(self->deadline);
    info->has_transfer = self->has_transfer;
    info->transfer = self->transfer;
    fill_counts(self, info);
    info->has_reply = self->reply.there || self->reply.asked;
    info->reply = self->reply.state;
    info->reply_first = self->reply.base;
    info->matching = (const guint *)(gpointer)self->matching->data;
    info->n_matching = self->matching->len;
    info->left = self->received && (self->engine == NULL || self->engine_ended);
    info->may_ask = self->role == EHD_TERMINAL && self->state == EHD_STATE_CONFIRMING &&
                    self->complete && self->receipt_acked && !self->engine_ended;
    info->directory = self->wishes.directory;
    info->unfiled = self->received && self->status == 0;
    info->needs_files = ehd_patient_needs_files(self);
    info->status = status_word(self->status);
    info->error = over ? self->error : self->trouble;
    info->error_detail = over ? self->error_detail : NULL;
    info->peer = self->has_verdict ? &self->peer : NULL;
    info->request = self->has_request ? &self->request.info : NULL;
    info->consent = self->consented ? &self->consent : NULL;
    return info;
}

static void
fill_origin(const GArray *origins, guint id, EhdItemInfo *info)
{
    const EhdOrigin *origin = &g_array_index(origins, EhdOrigin, id);

    if (id >= origins->len)
        return;
    info->transfer = origin->transfer;
    info->in_transfer = origin->number;
    info->salt = origin->salt;
}

static void
fill_item(const EhdItem *item, guint8 state, guint id, EhdItemInfo *info)
{

    memset(info, 0, sizeof *info);
    info->id = id;
    info->name = item->name;
    info->media_type = item->media_type;
    info->title = item->title;
    info->date = item->date;
    info->type_code = item->type_code;
    info->author = item->author;
    info->size = item->size;
    info->category = item->category;
    info->patient_entered = item->patient_entered;
    info->state = (EhdItemState)state;
}

GArray *
ehd_session_list_items(EhdSession *self, EhdDirection direction, guint first, guint count,
                       GError **error)
{
    gboolean reply = direction == EHD_TO_PATIENT;
    const GArray *items = reply ? self->reply.items : self->items;
    const GByteArray *states = reply ? self->reply.states : self->item_states;
    GArray *list;

    if (count < 1 || count > 256) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("count is 1 to 256"));
        return NULL;
    }
    list = g_array_new(FALSE, FALSE, sizeof(EhdItemInfo));
    if (!self->has_transfer)
        return list;
    for (guint id = first; id < items->len && list->len < count; id++) {
        EhdItemInfo info;

        if (states->data[id] == EHD_ITEM_WITHHELD)
            continue;
        fill_item(&g_array_index(items, EhdItem, id), states->data[id], id, &info);
        fill_origin(reply ? self->reply.origins : self->origins, id, &info);
        g_array_append_val(list, info);
    }
    return list;
}

GBytes *
ehd_session_get_receipt(EhdSession *self, int transfer, GError **error)
{
    if (transfer >= 0 && (guint)transfer < self->receipts->len &&
        self->receipts->pdata[transfer] != NULL)
        return g_bytes_ref(self->receipts->pdata[transfer]);
    if (transfer >= 0) {
        ehd_error_set(error, EHP_WRONG_STATE, N_("there is no receipt of that transfer"));
        return NULL;
    }
    if (self->receipt != NULL && (self->complete || self->received))
        return g_bytes_ref(self->receipt);
    ehd_error_set(error, EHP_WRONG_STATE, N_("there is no receipt yet"));
    return NULL;
}
