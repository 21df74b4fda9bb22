/* SPDX-License-Identifier: Apache-2.0
 *
 * Collecting: from the service's spool into a directory of the user. Each item goes through
 * four steps: get its descriptor, copy it on a worker thread until it is durable, tell the
 * service, let go of the hidden link. A few items are under way at a time, so that the disk's
 * latency is paid once for several.
 */
#include "session-private.h"

#include <unistd.h>

#include <gio/gunixfdlist.h>

#include "item-private.h"
#include "names.h"
#include "store.h"
#include "words-private.h"

#define PARALLEL 4

/* [1]: of what the clinic sends back. */
#define BOTH(name, reply)                                                                      \
    {                                                                                          \
        {TRANSFER_INTERFACE, name, reply, TRUE, FALSE},                                        \
        {                                                                                      \
            TRANSFER_INTERFACE, name, reply, TRUE, TRUE                                        \
        }                                                                                      \
    }
static const EhrlinkMethod list_items[2] = BOTH("ListItems", "(aa{sv})");
static const EhrlinkMethod collect_item[2] = BOTH("CollectItem", "(h)");
static const EhrlinkMethod item_stored[2] = BOTH("ItemStored", "()");

typedef struct {
    GTask *task; /* owned; one reference for the whole job */
    char *directory;
    int dir;
    gint64 only; /* the one item wanted, or -1 */
    gboolean replies;

    GPtrArray *items; /* to be collected */
    guint next;
    guint in_flight;
    GPtrArray *done; /* collected */
    GError *error;   /* the first one; nothing new is begun after it */
} Collect;

/* One item on its way. */
typedef struct {
    Collect *collect; /* borrowed: lives until in_flight is 0 */
    EhrlinkSession *session;
    EhrlinkItem *item;
    char *key;
    int fd;
    char *name;     /* once it is stored */
    gboolean early; /* the receipt is not signed yet: the service keeps its copy */
} Job;

static void start_jobs(Collect *collect);

/* Items of both directions are numbered from 0, up to some thousands. */
static gpointer
stored_key(const Collect *collect, guint id)
{
    return GUINT_TO_POINTER(id | (collect->replies ? 1u << 31 : 0));
}

static void
collect_free(Collect *collect)
{
    g_free(collect->directory);
    if (collect->dir >= 0)
        close(collect->dir);
    g_clear_pointer(&collect->items, g_ptr_array_unref);
    g_clear_pointer(&collect->done, g_ptr_array_unref);
    g_clear_error(&collect->error);
    g_free(collect);
}

static gint
by_id(gconstpointer a, gconstpointer b)
{
    guint x = ehrlink_item_get_id(*(EhrlinkItem *const *)a);
    guint y = ehrlink_item_get_id(*(EhrlinkItem *const *)b);

    return (x > y) - (x < y);
}

static void
finish(Collect *collect)
{
    g_autoptr(GTask) task = g_steal_pointer(&collect->task);

    if (collect->error != NULL) {
        g_task_return_error(task, g_steal_pointer(&collect->error));
    } else if (collect->only >= 0) {
        g_task_return_pointer(task, g_object_ref(collect->done->pdata[0]), g_object_unref);
    } else {
        g_ptr_array_sort(collect->done, by_id);
        g_task_return_pointer(task, g_steal_pointer(&collect->done),
                              (GDestroyNotify)g_ptr_array_unref);
    }
}

/* Takes @error, and the job. */
static void
job_end(Job *job, GError *error)
{
    Collect *collect = job->collect;

    if (error == NULL) {
        g_autofree char *path = g_build_filename(collect->directory, job->name, NULL);

        ehrlink_item_set_path(job->item, path);
        ehrlink_item_set_state(job->item, job->early ? EHRLINK_ITEM_STATE_STORED
                                                     : EHRLINK_ITEM_STATE_COLLECTED);
        g_ptr_array_add(collect->done, g_object_ref(job->item));
    } else if (collect->error == NULL) {
        collect->error = error;
    } else {
        g_error_free(error);
    }
    if (job->fd >= 0)
        close(job->fd);
    g_object_unref(job->item);
    g_object_unref(job->session);
    g_free(job->key);
    g_free(job->name);
    g_free(job);
    collect->in_flight--;
    start_jobs(collect);
}

static void
settle_in_thread(GTask *task, gpointer source_object, gpointer task_data,
                 GCancellable *cancellable)
{
    Job *job = task_data;

    ehrlink_store_settle(job->collect->dir, job->key);
    g_task_return_boolean(task, TRUE);
}

static void
on_settled(GObject *source, GAsyncResult *result, gpointer user_data)
{
    job_end(g_task_get_task_data(G_TASK(result)), user_data);
}

/* @error: why the service could not be told, or NULL; taken. */
static void
settle(Job *job, GError *error)
{
    g_autoptr(GTask) task = g_task_new(job->session, NULL, on_settled, error);

    g_task_set_task_data(task, job, NULL);
    g_task_run_in_thread(task, settle_in_thread);
}

gboolean
ehrlink_session_items_still_come(EhrlinkSession *self)
{
    EhrlinkSessionState state = ehrlink_session_get_state(self);

    return state == EHRLINK_SESSION_STATE_TRANSFERRING ||
           state == EHRLINK_SESSION_STATE_SUSPENDED;
}

/* While others still come an item can be opened here, but it is not received yet. */
static gboolean
is_early(EhrlinkSession *session, const GError *error)
{
    return g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE) &&
           ehrlink_session_items_still_come(session);
}

static void
on_told(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Job *job = user_data;
    gpointer id = stored_key(job->collect, ehrlink_item_get_id(job->item));
    g_autoptr(GVariant) reply = NULL;
    GError *error = NULL;

    reply = ehrlink_session_call_finish(job->session, result, NULL, &error);
    if (reply != NULL)
        g_hash_table_remove(job->session->stored, id);
    else
        /* When it is collected again, it is not to be stored a second time. */
        g_hash_table_replace(job->session->stored, id, g_strdup(job->name));
    job->early = reply == NULL && !job->collect->replies && is_early(job->session, error);
    if (job->early)
        g_clear_error(&error);
    if (job->early) /* its hidden link stays: another run of the program is to know it by that
                     */
        job_end(job, NULL);
    else
        settle(job, error);
}

static void
tell_service(Job *job)
{
    ehrlink_session_call(job->session, &item_stored[job->collect->replies],
                         g_variant_new("(ua{sv})", ehrlink_item_get_id(job->item), NULL),
                         g_task_get_cancellable(job->collect->task), on_told, job);
}

static void
copy_in_thread(GTask *task, gpointer source_object, gpointer task_data,
               GCancellable *cancellable)
{
    Job *job = task_data;
    GError *error = NULL;
    char *name =
        ehrlink_store_copy(job->collect->dir, job->fd, ehrlink_item_get_size(job->item),
                           ehrlink_item_get_name(job->item), job->key, cancellable, &error);

    if (name == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, name, g_free);
}

static void
on_copied(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Job *job = user_data;
    GError *error = NULL;

    job->name = g_task_propagate_pointer(G_TASK(result), &error);
    if (job->name == NULL) {
        job_end(job, error);
        return;
    }
    if (!job->collect->replies)
        g_ptr_array_add(job->session->kept,
                        g_build_filename(job->collect->directory, job->name, NULL));
    tell_service(job);
}

static void
on_descriptor(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Job *job = user_data;
    g_autoptr(GTask) task = NULL;
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply = NULL;
    GError *error = NULL;

    reply = ehrlink_session_call_finish(job->session, result, &fds, &error);
    if (reply != NULL && fds != NULL && g_unix_fd_list_get_length(fds) == 1)
        job->fd = g_unix_fd_list_get(fds, 0, &error);
    else if (reply != NULL)
        g_set_error_literal(&error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED,
                            N_("the service gave no descriptor"));
    if (error != NULL) {
        job_end(job, error);
        return;
    }
    task = g_task_new(job->session, g_task_get_cancellable(job->collect->task), on_copied, job);
    /* What a cancelled copy leaves is known only when it has returned. */
    g_task_set_check_cancellable(task, FALSE);
    g_task_set_task_data(task, job, NULL);
    g_task_run_in_thread(task, copy_in_thread);
}

static void
start_job(Collect *collect, EhrlinkItem *item)
{
    EhrlinkSession *session = g_task_get_source_object(collect->task);
    guint id = ehrlink_item_get_id(item);
    Job *job = g_new0(Job, 1);
    const char *stored = g_hash_table_lookup(session->stored, stored_key(collect, id));

    job->collect = collect;
    job->session = g_object_ref(session);
    job->item = g_object_ref(item);
    job->key = g_strdup_printf(collect->replies ? "%s-r%u" : "%s-%u",
                               ehrlink_session_get_id(session), id);
    job->fd = -1;
    job->name = g_strdup(stored);
    collect->in_flight++;
    if (stored != NULL)
        tell_service(job);
    else
        ehrlink_session_call(session, &collect_item[collect->replies],
                             g_variant_new("(ua{sv})", id, NULL),
                             g_task_get_cancellable(collect->task), on_descriptor, job);
}

static void
start_jobs(Collect *collect)
{
    while (collect->error == NULL && collect->in_flight < PARALLEL &&
           collect->next < collect->items->len)
        start_job(collect, collect->items->pdata[collect->next++]);
    if (collect->in_flight == 0)
        finish(collect);
}

static void
on_listed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Collect *collect = user_data;
    g_autoptr(GPtrArray) items = NULL;

    items = collect->replies ? ehrlink_session_list_replies_finish(EHRLINK_SESSION(source),
                                                                   result, &collect->error)
                             : ehrlink_session_list_items_finish(EHRLINK_SESSION(source),
                                                                 result, &collect->error);
    for (guint i = 0; items != NULL && i < items->len; i++) {
        if (ehrlink_item_get_state(items->pdata[i]) == EHRLINK_ITEM_STATE_STORED)
            g_ptr_array_add(collect->items, g_object_ref(items->pdata[i]));
    }
    start_jobs(collect);
}

/* The one item wanted: a page of one. */
static void
on_page_of_one(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Collect *collect = user_data;
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) page = NULL;

    reply = ehrlink_session_call_finish(EHRLINK_SESSION(source), result, NULL, &collect->error);
    page = reply != NULL ? g_variant_get_child_value(reply, 0) : NULL;
    if (page != NULL && g_variant_n_children(page) == 1) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(page, 0);
        EhrlinkItem *item = ehrlink_item_new_from_variant(entry);

        g_ptr_array_add(collect->items, item);
    }
    if (collect->error == NULL &&
        (collect->items->len != 1 ||
         ehrlink_item_get_id(collect->items->pdata[0]) != (guint)collect->only))
        g_set_error_literal(&collect->error, EHRLINK_ERROR, EHRLINK_ERROR_NOT_FOUND,
                            N_("there is no such item"));
    start_jobs(collect);
}

static void
list(Collect *collect, EhrlinkSession *session)
{
    GCancellable *cancellable = g_task_get_cancellable(collect->task);

    if ((collect->replies ? session->reply : session->transfer) == NULL) {
        g_set_error_literal(&collect->error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE,
                            N_("nothing has arrived yet"));
        finish(collect);
    } else if (collect->replies) {
        ehrlink_session_list_replies_async(session, cancellable, on_listed, collect);
    } else if (collect->only < 0) {
        ehrlink_session_list_items_async(session, cancellable, on_listed, collect);
    } else {
        ehrlink_session_call(session, &list_items[collect->replies],
                             g_variant_new("(uua{sv})", (guint)collect->only, 1, NULL),
                             cancellable, on_page_of_one, collect);
    }
}

static void
open_in_thread(GTask *task, gpointer source_object, gpointer task_data,
               GCancellable *cancellable)
{
    Collect *collect = task_data;
    GError *error = NULL;

    collect->dir = ehrlink_store_open_directory(collect->directory, &error);
    if (collect->dir < 0)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
}

static void
on_directory(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Collect *collect = user_data;

    if (!g_task_propagate_boolean(G_TASK(result), &collect->error))
        finish(collect);
    else
        list(collect, EHRLINK_SESSION(source));
}

void
ehrlink_session_destroy_collected(EhrlinkSession *self)
{
    for (guint i = 0; i < self->kept->len; i++)
        unlink(self->kept->pdata[i]);
    g_ptr_array_set_size(self->kept, 0);
}

static void
collect(EhrlinkSession *self, GFile *directory, gint64 only, gboolean replies, gpointer tag,
        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) opening = NULL;
    Collect *job = g_new0(Collect, 1);

    job->task = g_task_new(self, cancellable, callback, user_data);
    job->directory = g_file_get_path(directory);
    job->dir = -1;
    job->only = only;
    job->replies = replies;
    job->items = g_ptr_array_new_with_free_func(g_object_unref);
    job->done = g_ptr_array_new_with_free_func(g_object_unref);
    g_task_set_source_tag(job->task, tag);
    g_task_set_task_data(job->task, job, (GDestroyNotify)collect_free);
    if (job->directory == NULL) {
        g_set_error_literal(&job->error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED,
                            N_("not a local directory"));
        finish(job);
        return;
    }
    opening = g_task_new(self, NULL, on_directory, job);
    g_task_set_task_data(opening, job, NULL);
    g_task_run_in_thread(opening, open_in_thread);
}

void
ehrlink_session_collect_async(EhrlinkSession *self, GFile *directory, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self) && G_IS_FILE(directory));

    collect(self, directory, -1, FALSE, TAG(ehrlink_session_collect_async), cancellable,
            callback, user_data);
}

GPtrArray *
ehrlink_session_collect_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    g_return_val_if_fail(g_async_result_is_tagged(result, TAG(ehrlink_session_collect_async)),
                         NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

void
ehrlink_session_collect_item_async(EhrlinkSession *self, GFile *directory, guint id,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self) && G_IS_FILE(directory));

    collect(self, directory, id, FALSE, TAG(ehrlink_session_collect_item_async), cancellable,
            callback, user_data);
}

EhrlinkItem *
ehrlink_session_collect_item_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    g_return_val_if_fail(
        g_async_result_is_tagged(result, TAG(ehrlink_session_collect_item_async)), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

void
ehrlink_session_collect_replies_async(EhrlinkSession *self, GFile *directory,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self) && G_IS_FILE(directory));

    collect(self, directory, -1, TRUE, TAG(ehrlink_session_collect_replies_async), cancellable,
            callback, user_data);
}

GPtrArray *
ehrlink_session_collect_replies_finish(EhrlinkSession *self, GAsyncResult *result,
                                       GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    g_return_val_if_fail(
        g_async_result_is_tagged(result, TAG(ehrlink_session_collect_replies_async)), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}
