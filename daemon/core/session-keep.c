/* SPDX-License-Identifier: Apache-2.0
 *
 * A session over the end of this process: its live record, written whenever the engine says
 * that what it would need has changed, and at the side that sends the marks of what the other
 * has acknowledged (a receiver's are the inbox's). What is promised to the peer waits for the
 * record. Main context; the books write.
 */
#include "daemon/core/session-priv.h"

#include "daemon/error.h"

typedef struct {
    EhdSession *session;
    EhdKept done;
    gboolean live; /* with an engine, so that a start can take it up */
} Keeping;

static void
on_kept(ehp_status status, gpointer user_data)
{
    g_autofree Keeping *keeping = user_data;
    EhdSession *self = keeping->session;

    self->keepings = g_slist_remove(self->keepings, keeping);
    self->jobs--;
    self->unkept = FALSE;
    if (status == EHP_OK)
        self->kept = keeping->live;
    if (keeping->done != NULL)
        keeping->done(self, status);
    ehd_porch_retry(self->core->porch);
    ehd_core_check(self->core);
}

void
ehd_session_keep(EhdSession *self, EhdKept done)
{
    g_autoptr(GBytes) record = self->revoking ? NULL : ehd_record_live(self);
    g_autoptr(GBytes) note = NULL;
    EhdPage page = {.session = self->id, .record = record, .now = ehd_core_now(self->core)};
    Keeping *keeping;

    if (self->revoking) /* it ends as soon as what there was is erased */
        return;
    keeping = g_new(Keeping, 1);

    if (self->role == EHD_PATIENT && !self->noted) {
        page.note = note = ehd_record_items(self);
        self->noted = TRUE;
    } else if (self->reply.unnoted) {
        page.note = note = ehd_record_reply(self);
        self->reply.unnoted = FALSE;
    }
    keeping->session = self;
    keeping->done = done;
    keeping->live = self->engine != NULL && !self->engine_ended;
    self->recorded = TRUE;
    self->jobs++;
    self->keepings = g_slist_prepend(self->keepings, keeping);
    ehd_books_write(self->core->books, &page, on_kept, keeping);
}

static void
on_saved(EhdSession *self, ehp_status status)
{
    self->saving--;
    /* one that was under way before says nothing of what is asked for now */
    if (status != EHP_OK || self->saving == 0)
        ehd_session_asked(self, status);
    if (self->engine == NULL || self->left)
        return;
    if (ehp_session_saved(self->engine, status, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: saved, but nobody waits for it", self->id);
    ehd_session_pump(self);
}

void
ehd_session_on_save(EhdSession *self, const ehp_event *event)
{
    if (self->revoking) /* nothing is kept, and nobody told */
        return;
    self->saving++;
    ehd_session_keep(self, on_saved);
}

/* ---------------------------------------------------------------- the sender's marks */

static void
on_marked(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    self->marking = FALSE;
    /* they are for our own good: without them a restart reads more, and notices less */
    if (status == EHP_OK)
        ehd_session_keep_marks(self);
    ehd_core_check(self->core);
}

void
ehd_session_keep_marks(EhdSession *self)
{
    guint8 bytes[EHP_MARK_MAX];
    ehp_progress progress;
    ehp_writer w;
    EhdMarks marks = {0};

    if (self->engine == NULL || self->engine_ended || self->ending || self->complete ||
        !self->kept || self->marking || self->revoking)
        return;
    ehd_patient_settle_left(self);
    ehp_session_progress(self->engine, &progress);
    if ((self->role == EHD_PATIENT) == progress.to_patient) /* a receiver's are the inbox's */
        return;
    if (progress.asks) /* what an earlier session had says nothing of this one yet */
        return;
    if (progress.bytes_done == self->mark_told && self->roots->len == 0)
        return;
    ehp_writer_init(&w, bytes, sizeof bytes);
    if (ehp_session_mark(self->engine, &w) != EHP_OK)
        return;
    marks.transfer = progress.transfer;
    marks.roots = self->roots->data;
    marks.first_root = self->first_root;
    marks.n_roots = self->roots->len / EHD_ROOT_LEN;
    marks.item = progress.items_done;
    marks.position = progress.bytes_done;
    marks.mark = bytes;
    marks.mark_length = w.len;
    marks.time = ehd_core_now(self->core);
    marks.boottime = ehd_core_boottime(self->core);
    marks.turn = self->turn++;
    self->mark_told = progress.bytes_done;
    self->marking = TRUE;
    self->jobs++;
    ehd_books_write_marks(self->core->books, self->id, &marks, on_marked, self);
    self->first_root += marks.n_roots;
    g_byte_array_set_size(self->roots, 0);
}

/* ---------------------------------------------------------------- the service stops */

gboolean
ehd_session_leave(EhdSession *self)
{
    if (!self->kept || self->ending || self->engine == NULL || self->engine_ended)
        return FALSE;
    g_info("session %s: left for the next start", self->id);
    self->ending = self->left = TRUE;
    g_clear_handle_id(&self->grace_timer, g_source_remove);
    g_clear_handle_id(&self->expiry_timer, g_source_remove);
    g_clear_handle_id(&self->filing_timer, g_source_remove);
    g_clear_handle_id(&self->engine_timer, g_source_remove);
    ehd_session_disarm(self);
    ehd_session_void_questions(self, EHD_VOID_DAEMON_STOPS);
    ehd_session_drop_cables(self);
    return TRUE;
}
