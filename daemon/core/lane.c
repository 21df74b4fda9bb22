/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread pool of one, shared threads: idle lanes cost no thread. The lane is held by its
 * owner and by every job under way. When the system gives no thread (no memory for its stack,
 * no task left), the job waits for one and is not lost.
 */
#include "daemon/core/lane.h"

/* Between two tries to get a thread. */
#define RETRY_MS 100

struct EhdLane {
    GMainContext *context; /* owned */
    GThreadPool *pool;     /* owned until freed */
    gint closed;           /* atomic */
    gint queued;           /* atomic: pushed, work() not begun */
    /* main context only */
    guint pending;
    struct Entry *stuck; /* owned: the pool has it, and no thread to do it; NULL: none */
    GQueue behind;       /* of Entry, owned: what was pushed since */
    GSource *retry;      /* owned while something is stuck */
};

typedef struct Entry {
    EhdLane *lane; /* owned (atomic reference) */
    const EhdJobOps *ops;
    gpointer job;
} Entry;

static void
lane_clear(gpointer data)
{
    EhdLane *lane = data;

    g_main_context_unref(lane->context);
}

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    entry->ops->free(entry->job);
    g_atomic_rc_box_release_full(entry->lane, lane_clear);
    g_free(entry);
}

static gboolean
entry_done(gpointer data)
{
    Entry *entry = data;

    if (!g_atomic_int_get(&entry->lane->closed)) {
        entry->ops->done(entry->job);
        entry->lane->pending--;
    }
    return G_SOURCE_REMOVE;
}

static void
entry_work(gpointer data, gpointer user_data)
{
    Entry *entry = data;
    EhdLane *lane = entry->lane;
    GSource *source;

    g_atomic_int_add(&lane->queued, -1);
    if (g_atomic_int_get(&lane->closed)) {
        entry_free(entry);
        return;
    }
    entry->ops->work(entry->job);
    source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, entry_done, entry, entry_free);
    g_source_attach(source, lane->context);
    g_source_unref(source);
}

/* ---------------------------------------------------------------- without a thread */

static void
stop_retrying(EhdLane *lane)
{
    if (lane->retry == NULL)
        return;
    g_source_destroy(lane->retry);
    g_clear_pointer(&lane->retry, g_source_unref);
}

static gboolean on_retry(gpointer user_data);

/* The pool takes a job also when it gets no thread for it, and then looks at it again only if
 * another comes. */
static void
give_to_pool(EhdLane *lane, Entry *entry)
{
    g_autoptr(GError) error = NULL;

    if (g_thread_pool_push(lane->pool, entry, &error))
        return;
    g_warning("no thread for what is to be read or written, trying again: %s", error->message);
    lane->stuck = entry;
    lane->retry = g_timeout_source_new(RETRY_MS);
    g_source_set_callback(lane->retry, on_retry, lane, NULL);
    g_source_attach(lane->retry, lane->context);
}

static gboolean
on_retry(gpointer user_data)
{
    EhdLane *lane = user_data;

    /* the limit stays; setting it looks for threads for all that waits */
    if (!g_thread_pool_set_max_threads(lane->pool, 1, NULL))
        return G_SOURCE_CONTINUE;
    lane->stuck = NULL;
    stop_retrying(lane);
    while (lane->stuck == NULL && !g_queue_is_empty(&lane->behind))
        give_to_pool(lane, g_queue_pop_head(&lane->behind));
    return G_SOURCE_REMOVE;
}

/* A pool without a thread would be waited for in vain, and would keep what it has. */
static void
drop_stuck(EhdLane *lane)
{
    stop_retrying(lane);
    g_thread_pool_free(g_steal_pointer(&lane->pool), TRUE, FALSE);
    g_queue_push_head(&lane->behind, g_steal_pointer(&lane->stuck));
    while (!g_queue_is_empty(&lane->behind))
        entry_free(g_queue_pop_head(&lane->behind));
}

/* ---------------------------------------------------------------- the lane */

EhdLane *
ehd_lane_new(void)
{
    EhdLane *lane = g_atomic_rc_box_new0(EhdLane);

    lane->context = g_main_context_ref_thread_default();
    lane->pool = g_thread_pool_new(entry_work, NULL, 1, FALSE, NULL);
    return lane;
}

void
ehd_lane_free(EhdLane *lane, gboolean wait)
{
    if (lane == NULL)
        return;
    g_atomic_int_set(&lane->closed, TRUE);
    if (lane->stuck != NULL)
        drop_stuck(lane);
    else
        g_thread_pool_free(g_steal_pointer(&lane->pool), FALSE, wait);
    g_atomic_rc_box_release_full(lane, lane_clear);
}

void
ehd_lane_push(EhdLane *lane, const EhdJobOps *ops, gpointer job)
{
    Entry *entry = g_new(Entry, 1);

    entry->lane = g_atomic_rc_box_acquire(lane);
    entry->ops = ops;
    entry->job = job;
    lane->pending++;
    g_atomic_int_inc(&lane->queued);
    if (lane->stuck != NULL)
        g_queue_push_tail(&lane->behind, entry);
    else
        give_to_pool(lane, entry);
}

guint
ehd_lane_get_pending(EhdLane *lane)
{
    return lane->pending;
}

gboolean
ehd_lane_is_last(EhdLane *lane)
{
    return g_atomic_int_get(&lane->queued) == 0;
}
