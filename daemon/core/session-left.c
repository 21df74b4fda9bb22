/* SPDX-License-Identifier: Apache-2.0
 *
 * A session goes on with what an earlier one left unfinished. The patient's asks its terminal
 * where, and forgets the old one before it says so; the terminal's makes the spool of the old
 * one its own before it answers. From then on it is a session like any other. Main context.
 */
#include "daemon/core/session-priv.h"

#include <string.h>

#include "daemon/error.h"

/* ---------------------------------------------------------------- patient */

typedef struct {
    EhdSession *session; /* borrowed: it waits for its jobs */
    EhdLeft *left;       /* owned */
} Asking;

static void
on_patient_read(const EhdMarksRead *marks, gpointer user_data)
{
    g_autofree Asking *asking = user_data;
    g_autoptr(EhdLeft) left = asking->left;
    EhdSession *self = asking->session;
    ehp_taken from = {.left = &left->keys};
    gsize length = 0;

    self->jobs--;
    self->granting = FALSE;
    if (marks != NULL) {
        from.roots = (const uint8_t(*)[EHP_HASH_LEN])marks->roots->data;
        from.n_roots = marks->n_roots;
        from.mark.data = marks->mark != NULL ? g_bytes_get_data(marks->mark, &length) : NULL;
        from.mark.len = length;
        g_byte_array_append(self->roots, marks->roots->data, marks->n_roots * EHD_ROOT_LEN);
        self->from_roots = marks->n_roots;
    }
    if (self->consent_open && !self->ending)
        ehd_patient_grant(self, marks != NULL ? &from : NULL);
    ehd_core_check(self->core);
}

void
ehd_patient_grant_or_go_on(EhdSession *self)
{
    EhdLeft *left = self->request.info.list ? NULL : ehd_lefts_claim(self);
    Asking *asking;

    if (left == NULL) {
        ehd_patient_grant(self, NULL);
        return;
    }
    g_info("session %s: goes on with what is left of session %s", self->id, left->id);
    asking = g_new(Asking, 1);
    asking->session = self;
    asking->left = left;
    self->granting = TRUE;
    self->jobs++;
    ehd_left_read(self->core, left, TRUE, on_patient_read, asking);
}

/* The terminal has it too, or has not: then all is sent, and none of it is marked. */
void
ehd_patient_settle_left(EhdSession *self)
{
    ehp_progress progress;

    if (self->from_roots == 0 || self->engine == NULL)
        return;
    ehp_session_progress(self->engine, &progress);
    if (progress.asks)
        return;
    if (progress.items_done < self->from_roots) {
        g_info("session %s: the terminal has nothing of it", self->id);
        g_byte_array_set_size(self->roots, 0);
    } else {
        for (guint i = 0; i < self->from_roots && i < self->n_order; i++)
            ehd_session_set_item_state(self, self->order[i], EHD_ITEM_STORED);
    }
    self->from_roots = 0;
}

/* ---------------------------------------------------------------- terminal */

typedef struct {
    EhdSession *session; /* borrowed: it waits for its jobs */
    EhdLeft *left;       /* owned */
    GBytes *note;        /* owned */
    GByteArray *roots;   /* owned */
    guint n_roots;
    GBytes *mark; /* owned; NULL: none */
    guint64 position;
    gint64 time;
    guint64 boottime;
} Adoption;

static void
adoption_free(Adoption *adoption)
{
    ehd_left_free(adoption->left);
    g_clear_pointer(&adoption->note, g_bytes_unref);
    g_clear_pointer(&adoption->roots, g_byte_array_unref);
    g_clear_pointer(&adoption->mark, g_bytes_unref);
    g_free(adoption);
}

static gboolean
write_marks(const Adoption *adoption, EhdLedger *ledger, GError **error)
{
    EhdMarks marks = {.roots = adoption->roots->data,
                      .n_roots = adoption->n_roots,
                      .item = adoption->n_roots,
                      .position = adoption->position,
                      .time = adoption->time,
                      .boottime = adoption->boottime};

    if (adoption->mark != NULL)
        marks.mark = g_bytes_get_data(adoption->mark, &marks.mark_length);
    return ehd_marks_write(ledger, adoption->session->id, &marks, error);
}

/* The old session's keys go first: whatever stops this in between, nobody takes it up twice;
 * what then lies in the spool belongs to no session, and the next start removes it. */
static gboolean
adopt(const Adoption *adoption, GError **error)
{
    EhdSession *self = adoption->session;
    const EhdCoreParts *parts = &self->core->parts;
    gsize length, items;
    const guint8 *note = g_bytes_get_data(adoption->note, &length);
    g_autoptr(EhdSpoolSession) room = NULL;
    g_autoptr(GBytes) again = NULL;
    guint64 bytes = adoption->position * EHP_SEGMENT_MAX;

    if (!ehd_ledger_remove(parts->ledger, adoption->left->id, error) ||
        !ehd_spool_session_rename(parts->spool, adoption->left->id, self->id, error))
        return FALSE;
    room = ehd_spool_session_open(parts->spool, self->id, error);
    if (room == NULL || !ehd_spool_session_set_meta(room, note, length, error) ||
        !ehd_inbox_take_up(self->inbox, &again, error))
        return FALSE;
    items = self->items->len;
    if (adoption->n_roots < items) {
        bytes = MIN(bytes, g_array_index(self->items, EhdItem, adoption->n_roots).size);
        if (!ehd_inbox_unfinish(self->inbox, adoption->n_roots, bytes, 1, error))
            return FALSE;
    }
    return write_marks(adoption, parts->ledger, error);
}

static ehp_status
work_adopt(gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    if (adopt(user_data, &error))
        return EHP_OK;
    g_warning("what an earlier session left cannot be taken up: %s", error->message);
    return ehd_error_status(error);
}

static void
on_adopted(ehp_status status, gpointer user_data)
{
    Adoption *adoption = user_data;
    EhdSession *self = adoption->session;

    if (status == EHP_OK)
        for (guint i = 0; i < adoption->n_roots; i++)
            ehd_session_set_item_state(self, i, EHD_ITEM_STORED);
    adoption_free(adoption);
    if (status != EHP_OK && !self->ending) {
        self->jobs--;
        ehd_session_abort(self, status);
        ehd_core_check(self->core);
        return;
    }
    ehd_terminal_prepared(status, self);
}

static void
on_terminal_read(const EhdMarksRead *marks, gpointer user_data)
{
    Adoption *adoption = user_data;
    EhdSession *self = adoption->session;
    ehp_taken from = {.left = &adoption->left->keys};
    gsize length = 0;

    if (marks != NULL) {
        from.roots = (const uint8_t(*)[EHP_HASH_LEN])marks->roots->data;
        from.n_roots = marks->n_roots;
        from.mark.data = marks->mark != NULL ? g_bytes_get_data(marks->mark, &length) : NULL;
        from.mark.len = length;
    }
    if (self->ending || self->engine_ended) { /* makes no room any more that nobody empties */
        ehd_lefts_add(self->core, g_steal_pointer(&adoption->left));
        adoption_free(adoption);
        ehd_terminal_prepared(EHP_CANCELLED, self);
        return;
    }
    if (marks == NULL || ehp_session_take_up(self->engine, &from, ehd_now_ms()) != EHP_OK) {
        g_info("session %s: what an earlier one left does not fit", self->id);
        ehd_lefts_add(self->core, g_steal_pointer(&adoption->left));
        adoption_free(adoption);
        ehd_terminal_prepare(self);
        return;
    }
    adoption->roots = g_byte_array_ref(marks->roots);
    adoption->n_roots = marks->n_roots;
    adoption->mark = marks->mark != NULL ? g_bytes_ref(marks->mark) : NULL;
    adoption->position = marks->position;
    self->spooled = TRUE;
    ehd_inbox_run(self->inbox, work_adopt, on_adopted, adoption);
}

gboolean
ehd_terminal_go_on(EhdSession *self, const guint8 *proof)
{
    EhdLeft *left = proof != NULL ? ehd_lefts_claim_named(self, proof) : NULL;
    gboolean waits = left == NULL && proof != NULL && ehd_lefts_wait(self, proof);
    Adoption *adoption;

    if (left == NULL && !waits)
        return FALSE;
    if (waits || left->whole) {
        if (left != NULL)
            ehd_lefts_add(self->core, left);
        self->jobs--;
        ehd_session_abort(self, EHP_ALREADY_RECEIVED);
        return TRUE;
    }
    g_info("session %s: goes on with what is left of session %s", self->id, left->id);
    adoption = g_new0(Adoption, 1);
    adoption->session = self;
    adoption->left = left;
    adoption->note = ehd_record_items(self);
    adoption->time = ehd_core_now(self->core);
    adoption->boottime = ehd_core_boottime(self->core);
    ehd_left_read(self->core, left, FALSE, on_terminal_read, adoption);
    return TRUE;
}
