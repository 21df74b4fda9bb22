/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool on a lane: what is asked becomes a job, and what the job brought is told. Main
 * context; the work itself is in inbox-work.c.
 */
#include "daemon/core/inbox.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "daemon/core/inbox-private.h"

static void
tell_synced(EhdInbox *self, const GArray *synced)
{
    for (guint i = 0; i < synced->len && !self->failed; i++) {
        const EhdInboxDurable *durable = &g_array_index(synced, EhdInboxDurable, i);

        if (durable->segments == 0)
            self->user->stored(durable->item, self->user_data);
        else
            self->user->durable(durable->item, durable->segments, self->user_data);
    }
}

static gboolean
is_spare(gsize length)
{
    return length >= EHD_INBOX_SPARE_MIN && length <= EHP_SEGMENT_MAX;
}

static guint8 *
copy_segment(EhdInbox *self, const guint8 *data, gsize length)
{
    guint8 *copy;

    if (!is_spare(length))
        return g_memdup2(data, length);
    copy = self->n_spare > 0 ? self->spare[--self->n_spare] : g_malloc(EHP_SEGMENT_MAX);
    memcpy(copy, data, length);
    return copy;
}

static void
keep_spare(EhdInbox *self, EhdInboxJob *job)
{
    if (is_spare(job->length) && self->n_spare < EHD_INBOX_SPARES)
        self->spare[self->n_spare++] = g_steal_pointer(&job->data);
}

static void
drop_spares(EhdInbox *self)
{
    while (self->n_spare > 0) {
        guint8 *spare = self->spare[--self->n_spare];

        sodium_memzero(spare, EHP_SEGMENT_MAX);
        g_free(spare);
    }
}

static void
job_done(gpointer data)
{
    EhdInboxJob *job = data;
    EhdInbox *self = job->inbox;

    if (job->data != NULL)
        keep_spare(self, job);
    if (job->synced != NULL)
        tell_synced(self, job->synced);
    if (job->sync_failed != EHP_OK && !self->failed) {
        self->failed = TRUE;
        self->user->failed(job->sync_failed, self->user_data);
    }
    if (job->done != NULL) {
        job->done(job->status, job->user_data);
    } else if (job->opened != NULL) {
        int fd = job->fd;

        job->fd = -1;
        job->opened(fd, job->status, job->user_data);
    } else if (job->status != EHP_OK && !self->failed) {
        self->failed = TRUE;
        self->user->failed(job->status, self->user_data);
    }
}

static void
job_free(gpointer data)
{
    EhdInboxJob *job = data;

    if (job->fd >= 0)
        close(job->fd);
    g_clear_pointer(&job->meta, g_bytes_unref);
    g_clear_pointer(&job->mark, g_bytes_unref);
    g_clear_pointer(&job->origin, g_bytes_unref);
    g_clear_pointer(&job->synced, g_array_unref);
    if (job->data != NULL)
        sodium_memzero(job->data, is_spare(job->length) ? EHP_SEGMENT_MAX : job->length);
    g_free(job->data);
    g_free(job);
}

static const EhdJobOps job_ops = {
    .work = ehd_inbox_job_work, .done = job_done, .free = job_free};

static EhdInboxJob *
job_new(EhdInbox *self, EhdInboxOp op)
{
    EhdInboxJob *job = g_new0(EhdInboxJob, 1);

    job->op = op;
    job->inbox = self;
    job->fd = -1;
    return job;
}

EhdInbox *
ehd_inbox_new(EhdSpool *spool, EhdLedger *ledger, const char *id, guint64 quota,
              guint64 min_free, int state_fd, const EhdInboxUser *user, gpointer user_data)
{
    EhdInbox *self = g_new0(EhdInbox, 1);

    self->lane = ehd_lane_new();
    self->spool = spool;
    self->ledger = ledger;
    self->id = g_strdup(id);
    self->quota = quota;
    self->min_free = min_free;
    self->state_fd = state_fd;
    self->user = user;
    self->user_data = user_data;
    self->waiting = ehd_inbox_waiting_new();
    return self;
}

void
ehd_inbox_free(EhdInbox *self)
{
    if (self == NULL)
        return;
    ehd_lane_free(self->lane, TRUE);
    g_clear_pointer(&self->item, ehd_spool_item_free);
    g_clear_pointer(&self->session, ehd_spool_session_free);
    drop_spares(self);
    g_array_unref(self->waiting);
    g_clear_pointer(&self->next_mark, g_bytes_unref);
    g_clear_pointer(&self->next_origin, g_bytes_unref);
    g_free(self->id);
    g_free(self);
}

void
ehd_inbox_prepare(EhdInbox *self, GBytes *meta, guint64 bytes, EhdInboxDone done,
                  gpointer user_data)
{
    EhdInboxJob *job = job_new(self, EHD_INBOX_PREPARE);

    job->meta = g_bytes_ref(meta);
    job->bytes = bytes;
    job->done = done;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_inbox_extend(EhdInbox *self, GBytes *meta, guint64 bytes, EhdInboxDone done,
                 gpointer user_data)
{
    EhdInboxJob *job = job_new(self, EHD_INBOX_EXTEND);

    job->meta = meta != NULL ? g_bytes_ref(meta) : NULL;
    job->bytes = bytes;
    job->done = done;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}

gboolean
ehd_inbox_take_up(EhdInbox *self, GBytes **meta, GError **error)
{
    self->session = ehd_spool_session_open(self->spool, self->id, error);
    if (self->session == NULL)
        return FALSE;
    *meta = ehd_spool_session_get_meta(self->session, error);
    return *meta != NULL;
}

gboolean
ehd_inbox_has_item(EhdInbox *self, guint32 item, GError **error)
{
    int fd = ehd_spool_item_open(self->session, item, NULL, error);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

gboolean
ehd_inbox_unfinish(EhdInbox *self, guint32 first, guint64 bytes, guint turn, GError **error)
{
    self->turn = turn;
    return ehd_spool_session_unfinish(self->session, first, bytes, error);
}

void
ehd_inbox_set_transfer(EhdInbox *self, guint32 transfer, guint32 base)
{
    self->next_transfer = transfer;
    self->next_base = base;
}

void
ehd_inbox_mark(EhdInbox *self, const guint8 *mark, gsize length, gint64 now, guint64 boottime)
{
    g_clear_pointer(&self->next_mark, g_bytes_unref);
    self->next_mark = g_bytes_new(mark, length);
    self->next_time = now;
    self->next_boottime = boottime;
}

void
ehd_inbox_origin(EhdInbox *self, const guint8 *origin, gsize length)
{
    g_clear_pointer(&self->next_origin, g_bytes_unref);
    self->next_origin = g_bytes_new(origin, length);
}

static void
take_next_mark(EhdInbox *self, EhdInboxJob *job)
{
    job->mark = g_steal_pointer(&self->next_mark);
    job->origin = g_steal_pointer(&self->next_origin);
    job->time = self->next_time;
    job->boottime = self->next_boottime;
    job->transfer = self->next_transfer;
    job->base = self->next_base;
}

void
ehd_inbox_append(EhdInbox *self, guint32 item, guint64 size, guint64 segment, guint64 offset,
                 const guint8 *data, gsize length)
{
    EhdInboxJob *job = job_new(self, EHD_INBOX_APPEND);

    take_next_mark(self, job);
    job->item = item;
    job->size = size;
    job->segment = segment;
    job->offset = offset;
    job->data = copy_segment(self, data, length);
    job->length = length;
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_inbox_complete(EhdInbox *self, guint32 item, guint64 size)
{
    EhdInboxJob *job = job_new(self, EHD_INBOX_COMPLETE);

    take_next_mark(self, job);
    job->item = item;
    job->size = size;
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_inbox_sync(EhdInbox *self)
{
    ehd_lane_push(self->lane, &job_ops, job_new(self, EHD_INBOX_SYNC));
}

void
ehd_inbox_run(EhdInbox *self, EhdInboxWork work, EhdInboxDone done, gpointer user_data)
{
    EhdInboxJob *job = job_new(self, EHD_INBOX_RUN);

    drop_spares(self);
    take_next_mark(self, job);
    job->run = work;
    job->done = done;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_inbox_open(EhdInbox *self, guint32 item, EhdInboxOpened opened, gpointer user_data)
{
    EhdInboxJob *job = job_new(self, EHD_INBOX_OPEN);

    job->item = item;
    job->opened = opened;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_inbox_drop(EhdInbox *self, guint32 item, EhdInboxDone done, gpointer user_data)
{
    EhdInboxJob *job = job_new(self, EHD_INBOX_DROP);

    job->item = item;
    job->done = done;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_inbox_discard(EhdInbox *self, EhdInboxDone done, gpointer user_data)
{
    EhdInboxJob *job = job_new(self, EHD_INBOX_DISCARD);

    job->done = done;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}
