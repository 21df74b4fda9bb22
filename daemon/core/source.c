/* SPDX-License-Identifier: Apache-2.0
 *
 * While one segment is hashed, sealed and sent, the worker reads the next: `current` is the
 * read that was asked for, `ahead` the one that will most likely be. Descriptors live in
 * EHD_SOURCE_OPEN_MAX slots; the one that serves the oldest read gives way, unless its turn is
 * still to come or nobody is there to open another. A job holds a
 * reference to its open file, so that dropping a slot never closes a descriptor under the
 * worker's pread().
 */
#include "daemon/core/source.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/core/lane.h"
#include "proto/bounds.h"

/* Reads of this much and more use their buffers again, all of EHP_SEGMENT_MAX bytes: a new one
 * for each segment was a page fault for each of its pages. */
#define SPARE_MIN (EHP_SEGMENT_MAX / 4)

typedef struct {
    int fd;            /* owned */
    gboolean checked;  /* first is filled in; worker only */
    struct stat first; /* worker only */
} OpenFile;

typedef struct {
    gboolean used;
    guint id;
    OpenFile *file; /* owned (atomic reference); NULL: asked for, not given yet */
    guint64 last_use;
} Slot;

struct EhdSource {
    const GArray *items; /* borrowed */
    const EhdSourceUser *user;
    gpointer user_data;
    EhdLane *lane; /* owned */
    guint stall_ms, stall_timer;
    Slot slots[EHD_SOURCE_OPEN_MAX];
    guint64 uses;
    gboolean busy; /* a read was asked for */
    guint id;      /* what was asked for, or last was */
    guint64 offset;
    guint32 length;
    guint next[EHD_SOURCE_AHEAD_MOST]; /* whose turn comes after id */
    gsize n_next;
    struct Read *current, *ahead; /* owned (atomic references) */
    guint8 *spare;                /* owned: EHP_SEGMENT_MAX bytes that the next read may use */
    gboolean failed, paused;
};

/* Held by the job, and by the source while it is of interest. */
typedef struct Read {
    EhdSource *source; /* borrowed; main context only: the lane ends before it */
    gboolean done;     /* main context only */
    guint id;
    OpenFile *file; /* owned (atomic reference) */
    guint64 size, offset;
    gboolean has_mtime;
    gint64 mtime;
    guint8 *bytes; /* owned, EHP_SEGMENT_MAX; NULL: the worker takes as many as it needs */
    guint32 length;
    ehp_status status;
} Read;

static void
open_file_clear(gpointer data)
{
    close(((OpenFile *)data)->fd);
}

static void
open_file_unref(OpenFile *file)
{
    g_atomic_rc_box_release_full(file, open_file_clear);
}

/* ---------------------------------------------------------------- on the worker */

static gint64
mtime_us(const struct stat *st)
{
    return (gint64)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

static ehp_status
check_first(Read *read)
{
    OpenFile *file = read->file;

    if (fstat(file->fd, &file->first) < 0)
        return EHP_NO_INPUT;
    if (!S_ISREG(file->first.st_mode))
        return EHP_NO_INPUT;
    if ((guint64)file->first.st_size != read->size)
        return EHP_ITEM_CHANGED;
    if (read->has_mtime && mtime_us(&file->first) != read->mtime)
        return EHP_ITEM_CHANGED;
    file->checked = TRUE;
    return EHP_OK;
}

/* What was hashed and sent must have been one state of the file. */
static ehp_status
check_last(const Read *read)
{
    const struct stat *first = &read->file->first;
    struct stat now;

    if (fstat(read->file->fd, &now) < 0)
        return EHP_NO_INPUT;
    if (now.st_size != first->st_size || now.st_mtim.tv_sec != first->st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != first->st_mtim.tv_nsec)
        return EHP_ITEM_CHANGED;
    return EHP_OK;
}

static gboolean
is_spare(guint32 length)
{
    return length >= SPARE_MIN && length <= EHP_SEGMENT_MAX;
}

static ehp_status
read_bytes(Read *read)
{
    guint32 got = 0;

    if (read->bytes == NULL)
        read->bytes = g_malloc(is_spare(read->length) ? EHP_SEGMENT_MAX : MAX(read->length, 1));
    while (got < read->length) {
        ssize_t n = pread(read->file->fd, read->bytes + got, read->length - got,
                          (off_t)(read->offset + got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return EHP_NO_INPUT;
        if (n == 0)
            return EHP_ITEM_CHANGED;
        got += (guint32)n;
    }
    return EHP_OK;
}

static void
read_work(gpointer job)
{
    Read *read = job;

    read->status = read->file->checked ? EHP_OK : check_first(read);
    if (read->status == EHP_OK)
        read->status = read_bytes(read);
    if (read->status == EHP_OK && read->offset + read->length >= read->size)
        read->status = check_last(read);
}

/* ---------------------------------------------------------------- on the main context */

static void
fail(EhdSource *self, ehp_status why, guint id)
{
    if (self->failed)
        return;
    self->failed = TRUE;
    g_clear_handle_id(&self->stall_timer, g_source_remove);
    self->user->failed(why, id, self->user_data);
}

static gboolean
on_stalled(gpointer user_data)
{
    EhdSource *self = user_data;

    self->stall_timer = 0;
    fail(self, EHP_ITEM_STALLED, self->id);
    return G_SOURCE_REMOVE;
}

static void
restart_stall_timer(EhdSource *self)
{
    g_clear_handle_id(&self->stall_timer, g_source_remove);
    /* while the owner is away only what is with the worker can stall */
    if (self->busy && (!self->paused || self->current != NULL))
        self->stall_timer = g_timeout_add(self->stall_ms, on_stalled, self);
}

static void
wipe_bytes(guint8 *bytes, guint32 length)
{
    if (bytes != NULL)
        sodium_memzero(bytes, is_spare(length) ? EHP_SEGMENT_MAX : length);
    g_free(bytes);
}

static void
read_clear(gpointer data)
{
    Read *read = data;

    open_file_unref(read->file);
    wipe_bytes(read->bytes, read->length);
}

static void
read_unref(gpointer read)
{
    g_atomic_rc_box_release_full(read, read_clear);
}

static void read_done(gpointer job);

static const EhdJobOps read_ops = {.work = read_work, .done = read_done, .free = read_unref};

static Slot *
find_slot(EhdSource *self, guint id)
{
    for (guint i = 0; i < EHD_SOURCE_OPEN_MAX; i++)
        if (self->slots[i].used && self->slots[i].id == id)
            return &self->slots[i];
    return NULL;
}

static void
clear_slot(Slot *slot)
{
    g_clear_pointer(&slot->file, open_file_unref);
    memset(slot, 0, sizeof *slot);
}

static gboolean
has_turn(const EhdSource *self, guint id)
{
    for (gsize i = 0; i < self->n_next; i++)
        if (self->next[i] == id)
            return TRUE;
    return id == self->id;
}

/* A free slot, or the one least recently used whose turn is over. Only the item that is due
 * (now) may push out one whose answer is still to come; give() then closes that. Without an
 * owner none gives way: what is closed then stays so, and may be needed once more. */
static Slot *
take_slot(EhdSource *self, gboolean now)
{
    Slot *oldest = NULL;

    for (guint i = 0; i < EHD_SOURCE_OPEN_MAX; i++) {
        Slot *slot = &self->slots[i];

        if (!slot->used)
            return slot;
        if (self->paused || has_turn(self, slot->id) || (slot->file == NULL && !now))
            continue;
        if (oldest == NULL || slot->last_use < oldest->last_use)
            oldest = slot;
    }
    if (oldest != NULL)
        clear_slot(oldest);
    return oldest;
}

static Slot *
ask_for(EhdSource *self, guint id, gboolean now)
{
    Slot *slot = find_slot(self, id);

    if (slot != NULL)
        return slot;
    slot = take_slot(self, now);
    if (slot == NULL)
        return NULL;
    slot->used = TRUE;
    slot->id = id;
    slot->last_use = self->uses;
    if (!self->paused)
        self->user->want(id, self->user_data);
    return slot;
}

static Read *
start_read(EhdSource *self, Slot *slot, guint64 offset, guint32 length)
{
    const EhdItem *item = &g_array_index(self->items, EhdItem, slot->id);
    Read *read = g_atomic_rc_box_new0(Read);

    slot->last_use = ++self->uses;
    read->source = self;
    read->id = slot->id;
    read->file = g_atomic_rc_box_acquire(slot->file);
    read->size = item->size;
    read->has_mtime = item->has_mtime;
    read->mtime = item->mtime;
    read->offset = offset;
    read->length = length;
    if (is_spare(length))
        read->bytes = g_steal_pointer(&self->spare);
    ehd_lane_push(self->lane, &read_ops, g_atomic_rc_box_acquire(read));
    return read;
}

/* What follows `read`: the next segment of the item, or the first of the next item if that is
 * open already. */
static void
read_ahead(EhdSource *self, const Read *read)
{
    guint64 offset = read->offset + read->length;
    guint id = read->id;
    Slot *slot;

    if (offset >= read->size) {
        offset = 0;
        id = self->n_next > 0 ? self->next[0] : self->items->len;
    }
    slot = id < self->items->len ? find_slot(self, id) : NULL;
    if (slot == NULL || slot->file == NULL)
        return;
    self->ahead = start_read(
        self, slot, offset,
        (guint32)MIN(g_array_index(self->items, EhdItem, id).size - offset, EHP_SEGMENT_MAX));
}

static void
keep_spare(EhdSource *self, Read *read)
{
    if (is_spare(read->length) && self->spare == NULL)
        self->spare = g_steal_pointer(&read->bytes);
}

static void
deliver(EhdSource *self)
{
    Read *read = g_steal_pointer(&self->current);

    self->busy = FALSE;
    restart_stall_timer(self);
    if (read->status != EHP_OK) {
        fail(self, read->status, read->id);
    } else {
        read_ahead(self, read);
        self->user->data(read->id, read->bytes, read->length, self->user_data);
        keep_spare(self, read);
    }
    read_unref(read);
}

static void
read_done(gpointer job)
{
    Read *read = job;
    EhdSource *self = read->source;

    read->done = TRUE;
    if (read == self->current && !self->failed)
        deliver(self);
}

/* The file is there: start reading what was asked for, unless that is done or under way
 * already. */
static void
go_on(EhdSource *self, Slot *slot)
{
    Read *ahead = g_steal_pointer(&self->ahead);

    if (ahead != NULL && ahead->id == self->id && ahead->offset == self->offset &&
        ahead->length == self->length) {
        self->current = ahead;
    } else {
        g_clear_pointer(&ahead, read_unref);
        self->current = start_read(self, slot, self->offset, self->length);
    }
    restart_stall_timer(self);
    if (self->current->done)
        deliver(self);
}

EhdSource *
ehd_source_new(const GArray *items, guint stall_ms, const EhdSourceUser *user,
               gpointer user_data)
{
    EhdSource *self = g_new0(EhdSource, 1);

    self->items = items;
    self->user = user;
    self->user_data = user_data;
    self->stall_ms = stall_ms;
    self->lane = ehd_lane_new();
    return self;
}

void
ehd_source_free(EhdSource *self)
{
    if (self == NULL)
        return;
    g_clear_handle_id(&self->stall_timer, g_source_remove);
    ehd_lane_free(self->lane, FALSE);
    g_clear_pointer(&self->current, read_unref);
    g_clear_pointer(&self->ahead, read_unref);
    wipe_bytes(self->spare, EHP_SEGMENT_MAX);
    for (guint i = 0; i < EHD_SOURCE_OPEN_MAX; i++)
        clear_slot(&self->slots[i]);
    g_free(self);
}

void
ehd_source_read(EhdSource *self, guint id, guint64 offset, guint32 length, const guint *next,
                gsize n_next)
{
    Slot *slot;

    g_return_if_fail(!self->busy && id < self->items->len);
    if (self->failed)
        return;
    self->busy = TRUE;
    self->id = id;
    self->offset = offset;
    self->length = length;
    self->n_next = MIN(n_next, EHD_SOURCE_AHEAD_MOST);
    if (self->n_next > 0)
        memcpy(self->next, next, self->n_next * sizeof *next);
    restart_stall_timer(self);
    ask_for(self, id, TRUE);
    for (gsize i = 0; i < self->n_next && !self->failed; i++)
        ask_for(self, self->next[i], FALSE);
    /* the owner may have answered, or failed, from within want() */
    slot = self->failed || self->current != NULL ? NULL : find_slot(self, id);
    if (slot != NULL && slot->file != NULL)
        go_on(self, slot);
}

void
ehd_source_give(EhdSource *self, guint id, int fd, ehp_status why)
{
    Slot *slot = find_slot(self, id);

    if (slot == NULL || slot->file != NULL || self->failed) {
        if (fd >= 0)
            close(fd);
        return;
    }
    if (fd < 0) {
        fail(self, why == EHP_OK ? EHP_NO_INPUT : why, id);
        return;
    }
    slot->file = g_atomic_rc_box_new0(OpenFile);
    slot->file->fd = fd;
    if (self->busy && self->current == NULL && self->id == id)
        go_on(self, slot);
}

void
ehd_source_drop(EhdSource *self, guint id)
{
    Slot *slot = find_slot(self, id);

    if (slot != NULL && !(self->busy && self->id == id))
        clear_slot(slot);
}

void
ehd_source_pause(EhdSource *self)
{
    self->paused = TRUE;
    restart_stall_timer(self);
}

gboolean
ehd_source_is_starved(const EhdSource *self)
{
    return self->paused && self->busy && self->current == NULL && !self->failed;
}

void
ehd_source_ask_again(EhdSource *self)
{
    self->paused = FALSE;
    restart_stall_timer(self);
    for (guint i = 0; i < EHD_SOURCE_OPEN_MAX && !self->failed; i++)
        if (self->slots[i].used && self->slots[i].file == NULL)
            self->user->want(self->slots[i].id, self->user_data);
    if (self->busy && self->current == NULL && !self->failed) /* it may have had no slot */
        ask_for(self, self->id, TRUE);
}
