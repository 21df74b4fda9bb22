/* SPDX-License-Identifier: Apache-2.0
 *
 * The lane: order, results on the main context, and freeing with jobs at every stage.
 */
#include "daemon/core/lane.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

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

/* ---------------------------------------------------------------- no thread to be had */

static gint refusing, refused;

/* In the C library's place, for GLib too: as where memory for the stack or tasks have run out.
 */
int
pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (g_atomic_int_get(&refusing)) {
        g_atomic_int_inc(&refused);
        return EAGAIN;
    }
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attr, start, arg);
}

static void
expect_no_thread(Shared *s)
{
    shared_init(s);
    g_thread_pool_set_max_unused_threads(0); /* nor one of an earlier lane */
    g_thread_pool_stop_unused_threads();
    while (g_thread_pool_get_num_unused_threads() > 0)
        g_thread_yield();
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "no thread*");
    g_atomic_int_set(&refused, 0);
    g_atomic_int_set(&refusing, TRUE);
    push(s, 0, FALSE);
    push(s, 1, FALSE);
    g_test_assert_expected_messages();
}

static void
allow_threads(void)
{
    g_atomic_int_set(&refusing, FALSE);
    g_thread_pool_set_max_unused_threads(8);
}

/* What nobody could do is done as soon as somebody can, in its order. */
static void
test_no_thread(void)
{
    Shared s;

    expect_no_thread(&s);
    while (g_atomic_int_get(&refused) < 3)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(s.order->len, ==, 0);
    g_assert_cmpuint(ehd_lane_get_pending(s.lane), ==, 2);
    allow_threads();
    push(&s, 2, FALSE);
    while (s.order->len < 3)
        g_main_context_iteration(NULL, TRUE);
    for (int i = 0; i < 3; i++)
        g_assert_cmpint(g_array_index(s.order, int, i), ==, i);
    ehd_lane_free(s.lane, TRUE);
    g_assert_cmpuint(s.freed, ==, 3);
    g_array_unref(s.order);
}

/* A lane that never got one is freed all the same, with what it was given. */
static void
test_no_thread_freed(void)
{
    Shared s;

    expect_no_thread(&s);
    ehd_lane_free(s.lane, TRUE);
    g_assert_cmpuint(s.freed, ==, 2);
    g_assert_cmpuint(s.worked, ==, 0);
    allow_threads();
    g_array_unref(s.order);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/lane/order", test_order);
    g_test_add_func("/core/lane/left-behind", test_left_behind);
    g_test_add_func("/core/lane/freed-in-done", test_freed_in_done);
    g_test_add_func("/core/lane/no-thread", test_no_thread);
    g_test_add_func("/core/lane/no-thread-freed", test_no_thread_freed);
    return g_test_run();
}
