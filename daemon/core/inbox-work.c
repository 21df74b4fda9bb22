/* SPDX-License-Identifier: Apache-2.0
 *
 * What the inbox does on its lane: writes, syncs, marks. What became durable is collected in
 * the job that synced, and told from there. Worker.
 */
#include <sys/statvfs.h>

#include "daemon/core/inbox-private.h"
#include "daemon/error.h"
#include "daemon/store/origins.h"
#include "daemon/words.h"

static ehp_status
status_of(GError **error)
{
    ehp_status status = ehd_error_status(*error);

    g_debug("spool: %s", *error != NULL ? (*error)->message : "");
    g_clear_error(error);
    return status;
}

static ehp_status
check_room(EhdInbox *self, guint64 bytes)
{
    guint64 used = ehd_spool_used(self->spool), available;
    struct statvfs fs;

    if (used > self->quota || bytes > self->quota - used)
        return EHP_NO_SPACE;
    if (fstatvfs(self->state_fd, &fs) < 0)
        return EHP_STORE_FAILED;
    available = (guint64)fs.f_bavail * fs.f_frsize;
    if (available < self->min_free || bytes > available - self->min_free)
        return EHP_NO_SPACE;
    return EHP_OK;
}

static ehp_status
work_prepare(EhdInbox *self, EhdInboxJob *job)
{
    GError *error = NULL;
    ehp_status status = check_room(self, job->bytes);

    if (status != EHP_OK)
        return status;
    /* a manifest that starts anew after a link came back replaces the note, and all items */
    g_clear_pointer(&self->item, ehd_spool_item_free);
    g_array_set_size(self->waiting, 0);
    if (self->session != NULL) {
        if (!ehd_spool_session_discard(self->session, &error))
            return status_of(&error);
        g_clear_pointer(&self->session, ehd_spool_session_free);
    }
    self->session =
        ehd_spool_session_new(self->spool, self->id, g_bytes_get_data(job->meta, NULL),
                              g_bytes_get_size(job->meta), &error);
    return self->session != NULL ? EHP_OK : status_of(&error);
}

static ehp_status
work_extend(EhdInbox *self, EhdInboxJob *job)
{
    GError *error = NULL;
    ehp_status status = self->session != NULL ? check_room(self, job->bytes) : EHP_NOT_FOUND;

    if (status != EHP_OK || job->meta == NULL)
        return status;
    return ehd_spool_session_set_meta(self->session, g_bytes_get_data(job->meta, NULL),
                                      g_bytes_get_size(job->meta), &error)
               ? EHP_OK
               : status_of(&error);
}

/* The open item is job's, and ends at job's offset. */
static gboolean
position(EhdInbox *self, EhdInboxJob *job, GError **error)
{
    if (self->item != NULL &&
        (self->item_id != job->item || ehd_spool_item_written(self->item) != job->offset))
        g_clear_pointer(&self->item, ehd_spool_item_free);
    if (self->item != NULL)
        return TRUE;
    if (self->session == NULL) {
        ehd_error_set(error, EHP_NOT_FOUND, N_("discarded"));
        return FALSE;
    }
    self->item = ehd_spool_item_begin(self->session, job->item, job->size, job->offset, error);
    self->item_id = job->item;
    return self->item != NULL;
}

static void
durable_clear(gpointer data)
{
    EhdInboxDurable *durable = data;

    g_clear_pointer(&durable->mark, g_bytes_unref);
    g_clear_pointer(&durable->origin, g_bytes_unref);
}

GArray *
ehd_inbox_waiting_new(void)
{
    GArray *waiting = g_array_new(FALSE, FALSE, sizeof(EhdInboxDurable));

    g_array_set_clear_func(waiting, durable_clear);
    return waiting;
}

static void
wait_for_sync(EhdInbox *self, const EhdInboxJob *job, guint64 segments)
{
    EhdInboxDurable durable = {
        .item = job->item, .segments = segments, .transfer = job->transfer, .base = job->base};

    if (job->mark != NULL)
        durable.mark = g_bytes_ref(job->mark);
    if (job->origin != NULL)
        durable.origin = g_bytes_ref(job->origin);
    g_array_append_val(self->waiting, durable);
}

/* Before the marks: an item that counts as here has the word for it, too. */
static gboolean
write_origins(EhdInbox *self, GError **error)
{
    g_autoptr(GPtrArray) origins = g_ptr_array_new();
    guint32 transfer = 0, first = 0;

    for (guint i = 0; i < self->waiting->len; i++) {
        const EhdInboxDurable *durable = &g_array_index(self->waiting, EhdInboxDurable, i);

        if (durable->origin == NULL)
            continue;
        if (origins->len == 0)
            first = durable->item;
        transfer = durable->transfer;
        g_ptr_array_add(origins, durable->origin);
    }
    return origins->len == 0 ||
           ehd_origins_write(self->ledger, self->id, transfer, first,
                             (GBytes *const *)origins->pdata, origins->len, error);
}

/* The names are there, so what the ledger says of them is true. Several items may have been
 * finished; of the one under way the newest counts. */
static gboolean
write_marks(EhdInbox *self, const EhdInboxJob *job, GError **error)
{
    g_autoptr(GByteArray) roots = g_byte_array_new();
    EhdMarks marks = {.time = job->time, .boottime = job->boottime};
    gboolean marked = FALSE;

    for (guint i = 0; i < self->waiting->len; i++) {
        const EhdInboxDurable *durable = &g_array_index(self->waiting, EhdInboxDurable, i);
        gsize length = 0;
        const guint8 *mark =
            durable->mark != NULL ? g_bytes_get_data(durable->mark, &length) : NULL;

        if (durable->segments == 0 && length == EHD_ROOT_LEN) {
            if (marks.n_roots++ == 0)
                marks.first_root = durable->item - durable->base;
            g_byte_array_append(roots, mark, EHD_ROOT_LEN);
            marks.mark_length = 0;
        } else {
            marks.mark = mark;
            marks.mark_length = length;
        }
        marks.transfer = durable->transfer;
        marks.item = durable->item - durable->base + (durable->segments == 0 ? 1 : 0);
        marks.position = durable->segments;
        marked = marked || mark != NULL;
    }
    if (!marked) /* whoever takes nothing up again gives none */
        return TRUE;
    marks.roots = roots->data;
    marks.turn = self->turn++;
    return ehd_marks_write(self->ledger, self->id, &marks, error);
}

static gboolean
sync_all(EhdInbox *self, EhdInboxJob *job, GError **error)
{
    gboolean whole = FALSE;

    for (guint i = 0; i < self->waiting->len; i++)
        whole = whole || g_array_index(self->waiting, EhdInboxDurable, i).segments == 0;
    if (self->item != NULL && !ehd_spool_item_sync(self->item, error))
        return FALSE;
    if (whole && !ehd_spool_session_sync(self->session, error))
        return FALSE;
    if (self->waiting->len > 0 &&
        (!write_origins(self, error) || !write_marks(self, job, error)))
        return FALSE;
    job->synced = self->waiting;
    self->waiting = ehd_inbox_waiting_new();
    return TRUE;
}

static gboolean
sync_if_due(EhdInbox *self, EhdInboxJob *job, GError **error)
{
    if (self->waiting->len == 0)
        return TRUE;
    if (!ehd_lane_is_last(self->lane) && self->waiting->len < EHD_INBOX_SYNC_SEGMENTS)
        return TRUE;
    return sync_all(self, job, error);
}

static ehp_status
work_append(EhdInbox *self, EhdInboxJob *job)
{
    GError *error = NULL;

    if (!position(self, job, &error) ||
        !ehd_spool_item_append(self->item, job->offset, job->data, job->length, &error))
        return status_of(&error);
    wait_for_sync(self, job, job->segment + 1);
    /* the last segment is synced with the item as a whole, which follows at once unless the
     * link is cut between the two: see ehd_inbox_sync */
    if (job->offset + job->length >= job->size)
        return EHP_OK;
    return sync_if_due(self, job, &error) ? EHP_OK : status_of(&error);
}

static ehp_status
work_complete(EhdInbox *self, EhdInboxJob *job)
{
    GError *error = NULL;

    job->offset = job->size;
    if ((self->item == NULL || self->item_id != job->item) && !position(self, job, &error))
        return status_of(&error);
    if (!ehd_spool_item_finish_later(self->item, &error))
        return status_of(&error);
    g_clear_pointer(&self->item, ehd_spool_item_free);
    wait_for_sync(self, job, 0);
    return sync_if_due(self, job, &error) ? EHP_OK : status_of(&error);
}

static ehp_status
work_run(EhdInbox *self, EhdInboxJob *job)
{
    GError *error = NULL;

    if (self->waiting->len > 0 && !sync_all(self, job, &error))
        return status_of(&error);
    return job->run(job->user_data);
}

static ehp_status
work_open(EhdInbox *self, EhdInboxJob *job)
{
    GError *error = NULL;

    if (self->session == NULL)
        return EHP_NOT_FOUND;
    job->fd = ehd_spool_item_open(self->session, job->item, NULL, &error);
    return job->fd >= 0 ? EHP_OK : status_of(&error);
}

static ehp_status
work_drop(EhdInbox *self, EhdInboxJob *job)
{
    GError *error = NULL;

    if (self->session == NULL)
        return EHP_NOT_FOUND;
    /* its owner has it; that it is gone from here is made durable with the end of the session
     */
    return ehd_spool_item_discard_later(self->session, job->item, &error) ? EHP_OK
                                                                          : status_of(&error);
}

static ehp_status
work_discard(EhdInbox *self, EhdInboxJob *job)
{
    GError *error = NULL;

    g_clear_pointer(&self->item, ehd_spool_item_free);
    g_array_set_size(self->waiting, 0);
    if (self->session == NULL)
        return EHP_OK;
    if (!ehd_spool_session_discard(self->session, &error))
        return status_of(&error);
    g_clear_pointer(&self->session, ehd_spool_session_free);
    return EHP_OK;
}

/* What was written before this job waited for company, and this one brings none. */
static void
catch_up(EhdInbox *self, EhdInboxJob *job)
{
    GError *error = NULL;

    if (self->broken == EHP_OK && !sync_if_due(self, job, &error))
        self->broken = job->sync_failed = status_of(&error);
}

void
ehd_inbox_job_work(gpointer data)
{
    EhdInboxJob *job = data;
    EhdInbox *self = job->inbox;
    gboolean writes = job->op == EHD_INBOX_APPEND || job->op == EHD_INBOX_COMPLETE;

    if (writes && self->broken != EHP_OK) {
        job->status = self->broken;
        return;
    }
    switch (job->op) {
    case EHD_INBOX_PREPARE:
        job->status = work_prepare(self, job);
        break;
    case EHD_INBOX_EXTEND:
        job->status = work_extend(self, job);
        break;
    case EHD_INBOX_APPEND:
        job->status = work_append(self, job);
        break;
    case EHD_INBOX_COMPLETE:
        job->status = work_complete(self, job);
        break;
    case EHD_INBOX_SYNC: /* catch_up */
        break;
    case EHD_INBOX_RUN:
        job->status = work_run(self, job);
        break;
    case EHD_INBOX_OPEN:
        job->status = work_open(self, job);
        break;
    case EHD_INBOX_DROP:
        job->status = work_drop(self, job);
        break;
    case EHD_INBOX_DISCARD:
        job->status = work_discard(self, job);
        break;
    }
    if (writes && job->status != EHP_OK)
        self->broken = job->status;
    if (job->op == EHD_INBOX_SYNC || job->op == EHD_INBOX_EXTEND || job->op == EHD_INBOX_OPEN ||
        job->op == EHD_INBOX_DROP)
        catch_up(self, job);
}
