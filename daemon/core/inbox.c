/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool on a lane. The struct has two halves: what the main context may touch, and what
 * only the worker may (one job at a time, so without a lock). What became durable is collected
 * by the worker in the job that synced, and told from there.
 */
#include "daemon/core/inbox.h"

#include <sodium.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/core/lane.h"
#include "daemon/error.h"
#include "proto/bounds.h"

/* Segments of at least SPARE_MIN bytes travel in buffers that are used again: allocating and
 * freeing each cost more than writing it. */
#define SPARES    4
#define SPARE_MIN (EHP_SEGMENT_MAX / 4)

typedef struct {
    guint32 item;
    guint64 segments; /* 0: the whole item */
    GBytes *mark;     /* owned by the array; NULL: none */
} Durable;

struct EhdInbox {
    /* main context */
    EhdLane *lane; /* owned */
    const EhdInboxUser *user;
    gpointer user_data;
    gboolean failed;
    guint8 *spare[SPARES]; /* owned: buffers for segments, EHP_SEGMENT_MAX bytes each */
    guint n_spare;
    GBytes *next_mark; /* owned; of the job that follows */
    gint64 next_time;
    guint64 next_boottime;

    /* constant */
    EhdSpool *spool;   /* borrowed */
    EhdLedger *ledger; /* borrowed */
    char *id;          /* owned */
    guint64 quota, min_free;
    int state_fd; /* borrowed */

    /* worker */
    EhdSpoolSession *session; /* owned */
    EhdSpoolItem *item;       /* owned; the one being written */
    guint32 item_id;
    GArray *waiting; /* of Durable: written, not synced */
    ehp_status broken;
    guint turn; /* of marks */
};

typedef enum { PREPARE, EXTEND, APPEND, COMPLETE, SYNC, RUN, OPEN, DROP, DISCARD } Op;

typedef struct {
    Op op;
    EhdInbox *inbox; /* borrowed: the lane ends first */
    guint32 item;
    guint64 size, segment, offset, bytes;
    GBytes *meta; /* owned */
    GBytes *mark; /* owned */
    gint64 time;
    guint64 boottime;
    guint8 *data; /* owned; of EHP_SEGMENT_MAX bytes if length is at least SPARE_MIN */
    gsize length;
    EhdInboxWork run;
    EhdInboxDone done;
    EhdInboxOpened opened;
    gpointer user_data;
    /* results */
    ehp_status status, sync_failed;
    int fd;         /* owned until handed over; -1 */
    GArray *synced; /* owned, of Durable; NULL: none */
} Job;

/* ---------------------------------------------------------------- on the worker */

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
work_prepare(EhdInbox *self, Job *job)
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
work_extend(EhdInbox *self, Job *job)
{
    GError *error = NULL;
    ehp_status status = check_room(self, job->bytes);

    if (status != EHP_OK || job->meta == NULL)
        return status;
    return ehd_spool_session_set_meta(self->session, g_bytes_get_data(job->meta, NULL),
                                      g_bytes_get_size(job->meta), &error)
               ? EHP_OK
               : status_of(&error);
}

/* The open item is job's, and ends at job's offset. */
static gboolean
position(EhdInbox *self, Job *job, GError **error)
{
    if (self->item != NULL &&
        (self->item_id != job->item || ehd_spool_item_written(self->item) != job->offset))
        g_clear_pointer(&self->item, ehd_spool_item_free);
    if (self->item != NULL)
        return TRUE;
    self->item = ehd_spool_item_begin(self->session, job->item, job->size, job->offset, error);
    self->item_id = job->item;
    return self->item != NULL;
}

static void
durable_clear(gpointer data)
{
    g_clear_pointer(&((Durable *)data)->mark, g_bytes_unref);
}

static GArray *
waiting_new(void)
{
    GArray *waiting = g_array_new(FALSE, FALSE, sizeof(Durable));

    g_array_set_clear_func(waiting, durable_clear);
    return waiting;
}

static void
wait_for_sync(EhdInbox *self, const Job *job, guint64 segments)
{
    Durable durable = {.item = job->item, .segments = segments};

    if (job->mark != NULL)
        durable.mark = g_bytes_ref(job->mark);
    g_array_append_val(self->waiting, durable);
}

/* The names are there, so what the ledger says of them is true. Several items may have been
 * finished; of the one under way the newest counts. */
static gboolean
write_marks(EhdInbox *self, const Job *job, GError **error)
{
    g_autoptr(GByteArray) roots = g_byte_array_new();
    EhdMarks marks = {.time = job->time, .boottime = job->boottime};
    gboolean marked = FALSE;

    for (guint i = 0; i < self->waiting->len; i++) {
        const Durable *durable = &g_array_index(self->waiting, Durable, i);
        gsize length = 0;
        const guint8 *mark =
            durable->mark != NULL ? g_bytes_get_data(durable->mark, &length) : NULL;

        if (durable->segments == 0 && length == EHD_ROOT_LEN) {
            if (marks.n_roots++ == 0)
                marks.first_root = durable->item;
            g_byte_array_append(roots, mark, EHD_ROOT_LEN);
            marks.mark_length = 0;
        } else {
            marks.mark = mark;
            marks.mark_length = length;
        }
        marks.item = durable->segments == 0 ? durable->item + 1 : durable->item;
        marks.position = durable->segments;
        marked = marked || mark != NULL;
    }
    if (!marked) /* a later transfer of the session, which ends with this process */
        return TRUE;
    marks.roots = roots->data;
    marks.turn = self->turn++;
    return ehd_marks_write(self->ledger, self->id, &marks, error);
}

static gboolean
sync_all(EhdInbox *self, Job *job, GError **error)
{
    gboolean whole = FALSE;

    for (guint i = 0; i < self->waiting->len; i++)
        whole = whole || g_array_index(self->waiting, Durable, i).segments == 0;
    if (self->item != NULL && !ehd_spool_item_sync(self->item, error))
        return FALSE;
    if (whole && !ehd_spool_session_sync(self->session, error))
        return FALSE;
    if (self->waiting->len > 0 && !write_marks(self, job, error))
        return FALSE;
    job->synced = self->waiting;
    self->waiting = waiting_new();
    return TRUE;
}

static gboolean
sync_if_due(EhdInbox *self, Job *job, GError **error)
{
    if (self->waiting->len == 0)
        return TRUE;
    if (!ehd_lane_is_last(self->lane) && self->waiting->len < EHD_INBOX_SYNC_SEGMENTS)
        return TRUE;
    return sync_all(self, job, error);
}

static ehp_status
work_append(EhdInbox *self, Job *job)
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
work_complete(EhdInbox *self, Job *job)
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
work_run(EhdInbox *self, Job *job)
{
    GError *error = NULL;

    if (self->waiting->len > 0 && !sync_all(self, job, &error))
        return status_of(&error);
    return job->run(job->user_data);
}

static ehp_status
work_open(EhdInbox *self, Job *job)
{
    GError *error = NULL;

    if (self->session == NULL)
        return EHP_NOT_FOUND;
    job->fd = ehd_spool_item_open(self->session, job->item, NULL, &error);
    return job->fd >= 0 ? EHP_OK : status_of(&error);
}

static ehp_status
work_drop(EhdInbox *self, Job *job)
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
work_discard(EhdInbox *self, Job *job)
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
catch_up(EhdInbox *self, Job *job)
{
    GError *error = NULL;

    if (self->broken == EHP_OK && !sync_if_due(self, job, &error))
        self->broken = job->sync_failed = status_of(&error);
}

static void
job_work(gpointer data)
{
    Job *job = data;
    EhdInbox *self = job->inbox;
    gboolean writes = job->op == APPEND || job->op == COMPLETE;

    if (writes && self->broken != EHP_OK) {
        job->status = self->broken;
        return;
    }
    switch (job->op) {
    case PREPARE:
        job->status = work_prepare(self, job);
        break;
    case EXTEND:
        job->status = work_extend(self, job);
        break;
    case APPEND:
        job->status = work_append(self, job);
        break;
    case COMPLETE:
        job->status = work_complete(self, job);
        break;
    case SYNC: /* catch_up */
        break;
    case RUN:
        job->status = work_run(self, job);
        break;
    case OPEN:
        job->status = work_open(self, job);
        break;
    case DROP:
        job->status = work_drop(self, job);
        break;
    case DISCARD:
        job->status = work_discard(self, job);
        break;
    }
    if (writes && job->status != EHP_OK)
        self->broken = job->status;
    if (job->op == SYNC || job->op == EXTEND || job->op == OPEN || job->op == DROP)
        catch_up(self, job);
}

/* ---------------------------------------------------------------- on the main context */

static void
tell_synced(EhdInbox *self, const GArray *synced)
{
    for (guint i = 0; i < synced->len && !self->failed; i++) {
        const Durable *durable = &g_array_index(synced, Durable, i);

        if (durable->segments == 0)
            self->user->stored(durable->item, self->user_data);
        else
            self->user->durable(durable->item, durable->segments, self->user_data);
    }
}

static gboolean
is_spare(gsize length)
{
    return length >= SPARE_MIN && length <= EHP_SEGMENT_MAX;
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
keep_spare(EhdInbox *self, Job *job)
{
    if (is_spare(job->length) && self->n_spare < SPARES)
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
    Job *job = data;
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
    Job *job = data;

    if (job->fd >= 0)
        close(job->fd);
    g_clear_pointer(&job->meta, g_bytes_unref);
    g_clear_pointer(&job->mark, g_bytes_unref);
    g_clear_pointer(&job->synced, g_array_unref);
    if (job->data != NULL)
        sodium_memzero(job->data, is_spare(job->length) ? EHP_SEGMENT_MAX : job->length);
    g_free(job->data);
    g_free(job);
}

static const EhdJobOps job_ops = {.work = job_work, .done = job_done, .free = job_free};

static Job *
job_new(EhdInbox *self, Op op)
{
    Job *job = g_new0(Job, 1);

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
    self->waiting = waiting_new();
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
    g_free(self->id);
    g_free(self);
}

void
ehd_inbox_prepare(EhdInbox *self, GBytes *meta, guint64 bytes, EhdInboxDone done,
                  gpointer user_data)
{
    Job *job = job_new(self, PREPARE);

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
    Job *job = job_new(self, EXTEND);

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
ehd_inbox_mark(EhdInbox *self, const guint8 *mark, gsize length, gint64 now, guint64 boottime)
{
    g_clear_pointer(&self->next_mark, g_bytes_unref);
    self->next_mark = g_bytes_new(mark, length);
    self->next_time = now;
    self->next_boottime = boottime;
}

static void
take_next_mark(EhdInbox *self, Job *job)
{
    job->mark = g_steal_pointer(&self->next_mark);
    job->time = self->next_time;
    job->boottime = self->next_boottime;
}

void
ehd_inbox_append(EhdInbox *self, guint32 item, guint64 size, guint64 segment, guint64 offset,
                 const guint8 *data, gsize length)
{
    Job *job = job_new(self, APPEND);

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
    Job *job = job_new(self, COMPLETE);

    take_next_mark(self, job);
    job->item = item;
    job->size = size;
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_inbox_sync(EhdInbox *self)
{
    ehd_lane_push(self->lane, &job_ops, job_new(self, SYNC));
}

void
ehd_inbox_run(EhdInbox *self, EhdInboxWork work, EhdInboxDone done, gpointer user_data)
{
    Job *job = job_new(self, RUN);

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
    Job *job = job_new(self, OPEN);

    job->item = item;
    job->opened = opened;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_inbox_drop(EhdInbox *self, guint32 item, EhdInboxDone done, gpointer user_data)
{
    Job *job = job_new(self, DROP);

    job->item = item;
    job->done = done;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_inbox_discard(EhdInbox *self, EhdInboxDone done, gpointer user_data)
{
    Job *job = job_new(self, DISCARD);

    job->done = done;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}
