/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread pool of one, shared threads: idle lanes cost no thread. The lane is held by its
 * owner and by every job under way.
 */
#include "daemon/core/lane.h"

struct EhdLane {
    GMainContext *context; /* owned */
    GThreadPool *pool;     /* owned until freed */
    gint closed;           /* atomic */
    gint queued;           /* atomic: pushed, work() not begun */
    guint pending;         /* main context only */
};

typedef struct {
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
    g_thread_pool_push(lane->pool, entry, NULL);
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
