/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells the thread sanitizer what GLib, which is not built with it, orders between threads: what is handed over through
 * a pool, a source, a task, a mutex or a counted reference. Preloaded; nothing but these hand-overs is hidden from it, and
 * what both sides touch without one is reported.
 */
#include <dlfcn.h>
#include <gio/gio.h>

/* of libtsan; absent in a program that is not built with it, such as a script's interpreter */
void __tsan_acquire(void *at) __attribute__((weak));
void __tsan_release(void *at) __attribute__((weak));

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
/* macros that check types */
#undef g_atomic_rc_box_release_full

static void
acquire(void *at)
{
    if (__tsan_acquire != NULL)
        __tsan_acquire(at);
}

static void
release(void *at)
{
    if (__tsan_release != NULL)
        __tsan_release(at);
}

/* ---------------------------------------------------------------- mutexes */

void
g_mutex_lock(GMutex *mutex)
{
    REAL(g_mutex_lock)(mutex);
    acquire(mutex);
}

void
g_mutex_unlock(GMutex *mutex)
{
    release(mutex);
    REAL(g_mutex_unlock)(mutex);
}

void
g_cond_wait(GCond *cond, GMutex *mutex)
{
    release(mutex);
    REAL(g_cond_wait)(cond, mutex);
    acquire(mutex);
}

/* ---------------------------------------------------------------- pools */

typedef struct {
    GFunc func;
    gpointer user_data;
    gboolean alone; /* one job after the other, so that one is ordered before the next */
} Worker;

static void
work(gpointer data, gpointer user_data)
{
    Worker *worker = user_data;

    acquire(data);
    if (worker->alone)
        acquire(worker);
    worker->func(data, worker->user_data);
    release(worker);
}

GThreadPool *
g_thread_pool_new(GFunc func, gpointer user_data, gint max, gboolean exclusive, GError **error)
{
    Worker *worker = g_new(Worker, 1); /* for good: a pool may be freed under its worker */

    *worker = (Worker){func, user_data, max == 1};
    return REAL(g_thread_pool_new)(work, worker, max, exclusive, error);
}

gboolean
g_thread_pool_push(GThreadPool *pool, gpointer data, GError **error)
{
    release(data);
    return REAL(g_thread_pool_push)(pool, data, error);
}

void
g_thread_pool_free(GThreadPool *pool, gboolean immediate, gboolean wait)
{
    Worker *worker = pool->user_data;

    REAL(g_thread_pool_free)(pool, immediate, wait);
    if (wait)
        acquire(worker);
}

/* ---------------------------------------------------------------- sources */

typedef struct {
    GSource *source; /* borrowed: it owns this */
    GSourceFunc func;
    gpointer data;
    GDestroyNotify notify;
} Callback;

static gboolean
dispatch(gpointer user_data)
{
    Callback *callback = user_data;

    acquire(callback->source);
    return callback->func(callback->data);
}

static void
callback_free(gpointer user_data)
{
    Callback *callback = user_data;

    acquire(callback->source);
    if (callback->notify != NULL)
        callback->notify(callback->data);
    g_free(callback);
}

void
g_source_set_callback(GSource *source, GSourceFunc func, gpointer data, GDestroyNotify notify)
{
    Callback *callback = g_new(Callback, 1);

    /* others have callbacks of other types */
    if (source->source_funcs != &g_idle_funcs && source->source_funcs != &g_timeout_funcs) {
        g_free(callback);
        REAL(g_source_set_callback)(source, func, data, notify);
        return;
    }
    *callback = (Callback){source, func, data, notify};
    REAL(g_source_set_callback)(source, dispatch, callback, callback_free);
}

guint
g_source_attach(GSource *source, GMainContext *context)
{
    release(source);
    return REAL(g_source_attach)(source, context);
}

/* ---------------------------------------------------------------- counted references */

static __thread GDestroyNotify clear_now;

static void
clear_last(gpointer box)
{
    GDestroyNotify clear = clear_now;

    acquire(box);
    if (clear != NULL)
        clear(box);
}

void
g_atomic_rc_box_release_full(gpointer box, GDestroyNotify clear)
{
    GDestroyNotify outer = clear_now;

    release(box);
    clear_now = clear;
    REAL(g_atomic_rc_box_release_full)(box, clear_last);
    clear_now = outer;
}

/* ---------------------------------------------------------------- tasks */

static void
run(GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
    GTaskThreadFunc func = (GTaskThreadFunc)g_object_get_data(G_OBJECT(task), "tsan-func");

    acquire(task);
    func(task, object, data, cancellable);
}

void
g_task_run_in_thread(GTask *task, GTaskThreadFunc func)
{
    g_object_set_data(G_OBJECT(task), "tsan-func", (gpointer)func);
    release(task);
    REAL(g_task_run_in_thread)(task, run);
}

#define RETURNS(name, type)                                                                    \
    void name(GTask *task, type result)                                                        \
    {                                                                                          \
        release(task);                                                                         \
        REAL(name)(task, result);                                                              \
    }

RETURNS(g_task_return_boolean, gboolean)
RETURNS(g_task_return_int, gssize)
RETURNS(g_task_return_error, GError *)

void
g_task_return_pointer(GTask *task, gpointer result, GDestroyNotify free_result)
{
    release(task);
    REAL(g_task_return_pointer)(task, result, free_result);
}

#define PROPAGATES(name, type)                                                                 \
    type name(GTask *task, GError **error)                                                     \
    {                                                                                          \
        acquire(task);                                                                         \
        return REAL(name)(task, error);                                                        \
    }

PROPAGATES(g_task_propagate_boolean, gboolean)
PROPAGATES(g_task_propagate_int, gssize)
PROPAGATES(g_task_propagate_pointer, gpointer)
