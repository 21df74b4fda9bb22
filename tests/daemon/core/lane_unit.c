/* SPDX-License-Identifier: Apache-2.0
 *
 * The lane: order, results on the main context, and freeing with jobs at every stage.
 */
#include "daemon/core/lane.h"

typedef struct {
    GMutex lock;
    GCond cond;
    gboolean open;
    GThread *main;
    GArray *order; /* of int, main context */
    guint worked, freed;
    EhdLane *lane;
} Shared;

typedef struct {
    Shared *shared;
    int number;
    gboolean waits, frees_lane;
} Job;

static void
on_work(gpointer data)
{
    Job *job = data;
    Shared *s = job->shared;

    g_assert_true(g_thread_self() != s->main);
    g_mutex_lock(&s->lock);
    s->worked++;
    g_cond_broadcast(&s->cond);
    while (job->waits && !s->open)
        g_cond_wait(&s->cond, &s->lock);
    g_mutex_unlock(&s->lock);
}

static void
on_done(gpointer data)
{
    Job *job = data;

    g_assert_true(g_thread_self() == job->shared->main);
    g_array_append_val(job->shared->order, job->number);
    if (job->frees_lane)
        ehd_lane_free(g_steal_pointer(&job->shared->lane), TRUE);
}

static void
on_free(gpointer data)
{
    Job *job = data;
    Shared *s = job->shared;

    g_mutex_lock(&s->lock);
    s->freed++;
    g_cond_broadcast(&s->cond);
    g_mutex_unlock(&s->lock);
    g_free(job);
}

static const EhdJobOps ops = {.work = on_work, .done = on_done, .free = on_free};

static Job *
push(Shared *s, int number, gboolean waits)
{
    Job *job = g_new0(Job, 1);

    job->shared = s;
    job->number = number;
    job->waits = waits;
    ehd_lane_push(s->lane, &ops, job);
    return job;
}

static void
shared_init(Shared *s)
{
    *s = (Shared){.main = g_thread_self(), .order = g_array_new(FALSE, FALSE, sizeof(int))};
    g_mutex_init(&s->lock);
    g_cond_init(&s->cond);
    s->lane = ehd_lane_new();
}

static void
let_go(Shared *s)
{
    g_mutex_lock(&s->lock);
    s->open = TRUE;
    g_cond_broadcast(&s->cond);
    g_mutex_unlock(&s->lock);
}

static void
wait_freed(Shared *s, guint n)
{
    g_mutex_lock(&s->lock);
    while (s->freed < n)
        g_cond_wait(&s->cond, &s->lock);
    g_mutex_unlock(&s->lock);
}

static void
test_order(void)
{
    Shared s;

    shared_init(&s);
    for (int i = 0; i < 100; i++)
        push(&s, i, FALSE);
    while (s.order->len < 100)
        g_main_context_iteration(NULL, TRUE);
    for (int i = 0; i < 100; i++)
        g_assert_cmpint(g_array_index(s.order, int, i), ==, i);
    g_assert_cmpuint(ehd_lane_get_pending(s.lane), ==, 0);
    ehd_lane_free(s.lane, TRUE);
    g_assert_cmpuint(s.freed, ==, 100);
    g_array_unref(s.order);
}

/* One job hangs: the lane is freed without waiting, the rest is dropped, nothing is told. */
static void
test_left_behind(void)
{
    Shared s;

    shared_init(&s);
    push(&s, 0, TRUE);
    push(&s, 1, FALSE);
    g_mutex_lock(&s.lock);
    while (s.worked == 0)
        g_cond_wait(&s.cond, &s.lock);
    g_mutex_unlock(&s.lock);
    ehd_lane_free(s.lane, FALSE);
    let_go(&s);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    /* the one under way is freed by the main context's source */
    while (TRUE) {
        g_mutex_lock(&s.lock);
        gboolean all = s.freed == 2;
        g_mutex_unlock(&s.lock);
        if (all)
            break;
        g_main_context_iteration(NULL, FALSE);
        g_thread_yield();
    }
    g_assert_cmpuint(s.worked, ==, 1);
    g_assert_cmpuint(s.order->len, ==, 0);
    g_array_unref(s.order);
}

static void
test_freed_in_done(void)
{
    Shared s;

    shared_init(&s);
    push(&s, 0, FALSE)->frees_lane = TRUE;
    push(&s, 1, FALSE);
    while (s.lane != NULL)
        g_main_context_iteration(NULL, TRUE);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    wait_freed(&s, 2);
    g_assert_cmpuint(s.order->len, ==, 1);
    g_array_unref(s.order);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/lane/order", test_order);
    g_test_add_func("/core/lane/left-behind", test_left_behind);
    g_test_add_func("/core/lane/freed-in-done", test_freed_in_done);
    return g_test_run();
}
