/* SPDX-License-Identifier: Apache-2.0
 *
 * The core's life: its sessions, who has the reader, the listener, starting and stopping. Main
 * context.
 */
#include "daemon/core/core-priv.h"
#include "daemon/core/expiry.h"

#include <malloc.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/core/session-priv.h"
#include "daemon/core/source.h"
#include "daemon/error.h"
#include "daemon/words.h"

#define STOP_MS         2000
#define LISTEN_AGAIN_MS 2000

guint64
ehd_core_boottime(EhdCore *self)
{
    struct timespec now;

    if (self->parts.boottime != NULL)
        return self->parts.boottime(self->parts.now_data);
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (guint64)now.tv_sec;
}

gint64
ehd_core_now(EhdCore *self)
{
    if (self->parts.now != NULL)
        return self->parts.now(self->parts.now_data);
    return g_get_real_time() / G_USEC_PER_SEC;
}

/* ---------------------------------------------------------------- incoming connections */

static EhdKnock
on_knock(int fd, const ehp_preamble *preamble, gpointer user_data)
{
    EhdCore *self = user_data;

    for (guint i = 0; i < self->sessions->len; i++)
        if (ehd_session_incoming(g_ptr_array_index(self->sessions, i), fd, preamble))
            return EHD_KNOCK_TAKEN;
    for (guint i = 0; i < self->sessions->len; i++) {
        const EhdSession *session = g_ptr_array_index(self->sessions, i);

        if (session->confirm_sent || session->unkept)
            return EHD_KNOCK_WAIT;
    }
    return EHD_KNOCK_UNKNOWN;
}

static gboolean
wants_connections(const EhdSession *session)
{
    if (session->role != EHD_TERMINAL)
        return FALSE;
    /* a receipt that did not reach its patient is sent again after the owner saw the end */
    if (session->engine != NULL && !session->engine_ended)
        return !session->ending || session->bye_due;
    return !session->ending && !session->received;
}

static gboolean
anybody_expected(EhdCore *self)
{
    for (guint i = 0; i < self->sessions->len; i++)
        if (wants_connections(g_ptr_array_index(self->sessions, i)))
            return TRUE;
    return FALSE;
}

void
ehd_core_update_listening(EhdCore *self)
{
    if (!self->listening || anybody_expected(self))
        return;
    self->listening = FALSE;
    self->link_trouble = EHP_OK;
    ehd_link_stop(self->parts.link);
}

/* A terminal that nobody could connect to is not to be tapped. */
static void
on_link(ehp_status status, gpointer user_data)
{
    EhdCore *self = user_data;

    self->link_trouble = status;
    if (self->holder != NULL)
        ehd_session_look_at_link(self->holder);
}

/* ---------------------------------------------------------------- the reader */

/* A receiver whose patient's device is connected only tells others that it is busy: the next
 * receiver that asks serves them instead. */
static gboolean
gives_way(const EhdSession *holder)
{
    return holder->received || holder->ending ||
           (holder->role == EHD_TERMINAL && holder->linked && !holder->uncertain);
}

gboolean
ehd_core_claim_reader(EhdCore *self, EhdSession *session)
{
    if (self->holder != NULL && !gives_way(self->holder))
        return FALSE;
    if (self->holder != NULL)
        ehd_session_disarm(self->holder);
    self->holder = session;
    return TRUE;
}

void
ehd_core_release_reader(EhdCore *self, EhdSession *session)
{
    if (self->holder == session)
        self->holder = NULL;
}

/* ---------------------------------------------------------------- sessions */

EhdSession *
ehd_core_find(EhdCore *self, const char *id, uid_t uid, GError **error)
{
    for (guint i = 0; i < self->sessions->len; i++) {
        EhdSession *session = g_ptr_array_index(self->sessions, i);

        if (!session->announced || strcmp(session->id, id) != 0)
            continue;
        if (session->uid == uid)
            return session;
        ehd_error_set(error, EHP_NOT_OWNER, NULL);
        return NULL;
    }
    ehd_error_set(error, EHP_NOT_FOUND, N_("no such session"));
    return NULL;
}

GPtrArray *
ehd_core_list(EhdCore *self, uid_t uid)
{
    GPtrArray *list = g_ptr_array_new();

    for (guint i = 0; i < self->sessions->len; i++) {
        EhdSession *session = g_ptr_array_index(self->sessions, i);

        if (session->announced && session->uid == uid)
            g_ptr_array_add(list, session);
    }
    return list;
}

/* The allocator keeps what was freed, of each thread's own; a service that waits for the next
 * tap for hours holds no memory for it. */
static void
give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void
ehd_core_remove(EhdCore *self, EhdSession *session)
{
    if (session->announced && self->hooks != NULL)
        self->hooks->session_removed(session, self->hooks_data);
    g_ptr_array_remove(self->sessions, session);
    ehd_session_free(session);
    give_back();
    ehd_core_update_listening(self);
    ehd_core_check(self);
}

guint
ehd_core_count_unread(const EhdCore *self)
{
    return self->unread;
}

gboolean
ehd_core_is_idle(EhdCore *self)
{
    return self->sessions->len == 0 && ehd_books_get_pending(self->books) == 0;
}

/* ---------------------------------------------------------------- stopping */

static gboolean
is_quiet(EhdCore *self)
{
    for (guint i = 0; i < self->sessions->len; i++) {
        EhdSession *session = g_ptr_array_index(self->sessions, i);

        if (session->jobs > 0 || (!session->ended && !session->received && !session->left))
            return FALSE;
    }
    return ehd_books_get_pending(self->books) == 0;
}

static void
stopped(EhdCore *self)
{
    GTask *stop = g_steal_pointer(&self->stop);

    g_clear_handle_id(&self->stop_timer, g_source_remove);
    g_task_return_boolean(stop, TRUE);
    g_object_unref(stop);
}

static gboolean
on_stop_check(gpointer user_data)
{
    EhdCore *self = user_data;

    self->check_source = 0;
    if (self->stop != NULL && is_quiet(self))
        stopped(self);
    if (self->hooks != NULL)
        self->hooks->idle_changed(self->hooks_data);
    return G_SOURCE_REMOVE;
}

/* From an idle source: whoever calls may be in the middle of something. */
void
ehd_core_check(EhdCore *self)
{
    if (self->check_source == 0)
        self->check_source = g_idle_add(on_stop_check, self);
}

static gboolean
on_stop_over(gpointer user_data)
{
    EhdCore *self = user_data;

    self->stop_timer = 0;
    stopped(self);
    return G_SOURCE_REMOVE;
}

void
ehd_core_stop_async(EhdCore *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(self->stop == NULL);
    self->stop = g_task_new(NULL, NULL, callback, user_data);
    self->stop_timer = g_timeout_add(STOP_MS, on_stop_over, self);
    self->stopping = TRUE;
    for (guint i = 0; i < self->sessions->len; i++) {
        EhdSession *session = g_ptr_array_index(self->sessions, i);

        if (!ehd_session_leave(session) && !session->received)
            ehd_session_end(session, EHP_CANCELLED);
    }
    ehd_core_check(self);
}

gboolean
ehd_core_stop_finish(EhdCore *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---------------------------------------------------------------- listening again */

static gboolean
on_listen_again(gpointer user_data)
{
    EhdCore *self = user_data;

    self->listen_timer = 0;
    ehd_core_listen_again(self);
    return G_SOURCE_REMOVE;
}

/* Owned by the callback, which may come when there is no core any more. */
struct EhdListening {
    EhdCore *core; /* NULL: freed */
};

static void
on_listening(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree EhdListening *listening = user_data;
    EhdCore *self = listening->core;
    g_autoptr(GError) error = NULL;

    if (self == NULL) /* freed meanwhile, and the link with it */
        return;
    self->listen_pending = NULL;
    if (ehd_link_listen_finish(self->parts.link, result, &self->address, &error)) {
        self->listening = TRUE;
        ehd_core_update_listening(self);
        return;
    }
    g_info("listening again: %s", error->message);
    if (!self->stopping && self->listen_timer == 0)
        self->listen_timer = g_timeout_add(LISTEN_AGAIN_MS, on_listen_again, self);
}

/* For sessions that were taken up: their patients come back to where we listened before. */
void
ehd_core_listen_again(EhdCore *self)
{
    if (self->listening || self->listen_pending != NULL || self->stopping ||
        !anybody_expected(self))
        return;
    self->listen_pending = g_new(EhdListening, 1);
    self->listen_pending->core = self;
    ehd_link_listen_async(self->parts.link, ehd_core_incoming, self, NULL, on_listening,
                          self->listen_pending);
}

static void
connect_again(EhdCore *self)
{
    for (guint i = 0; i < self->sessions->len; i++)
        ehd_session_connect(g_ptr_array_index(self->sessions, i));
}

gboolean
ehd_core_start(EhdCore *self, GError **error)
{
    if (!ehd_core_take_up(self, error))
        return FALSE;
    ehd_core_listen_again(self);
    connect_again(self);
    ehd_expiry_start(self);
    return TRUE;
}

/* ---------------------------------------------------------------- life */

EhdCore *
ehd_core_new(const EhdCoreParts *parts, const EhdCoreHooks *hooks, gpointer user_data)
{
    EhdCore *self = g_new0(EhdCore, 1);

    self->parts = *parts;
    ehd_config_ref(self->parts.config);
    self->parts.stall_ms = parts->stall_ms != 0 ? parts->stall_ms : EHD_SOURCE_STALL_MS;
    self->parts.grace_ms = parts->grace_ms != 0 ? parts->grace_ms : EHD_GRACE_MS;
    self->parts.removal_ms = parts->removal_ms != 0 ? parts->removal_ms : EHD_LINGER_ENDED_MS;
    self->parts.silent_ms = parts->silent_ms != 0 ? parts->silent_ms : EHD_PORCH_SILENT_MS;
    self->hooks = hooks;
    self->hooks_data = user_data;
    self->sessions = g_ptr_array_new();
    self->lefts = g_ptr_array_new_with_free_func((GDestroyNotify)ehd_left_free);
    self->books = ehd_books_new(parts->state, parts->ledger, parts->audit);
    self->porch = ehd_porch_new(self->parts.silent_ms, on_knock, self);
    ehd_core_load_identity(self);
    ehd_link_watch(self->parts.link, on_link, self);
    return self;
}

void
ehd_core_free(EhdCore *self)
{
    if (self == NULL)
        return;
    self->hooks = NULL;
    ehd_link_watch(self->parts.link, NULL, NULL);
    if (self->listening || self->listen_pending != NULL)
        ehd_link_stop(self->parts.link);
    if (self->listen_pending != NULL)
        self->listen_pending->core = NULL;
    g_clear_handle_id(&self->stop_timer, g_source_remove);
    g_clear_handle_id(&self->listen_timer, g_source_remove);
    g_clear_object(&self->stop);
    ehd_expiry_stop(self);
    ehd_porch_free(self->porch);
    ehd_books_free(self->books);
    for (guint i = 0; i < self->sessions->len; i++)
        ehd_session_free(g_ptr_array_index(self->sessions, i));
    g_ptr_array_unref(self->sessions);
    ehd_lefts_clear(self);
    if (self->proof_lane != NULL)
        ehd_lane_free(self->proof_lane, TRUE);
    g_clear_handle_id(&self->check_source, g_source_remove);
    g_clear_pointer(&self->identity, ehd_identity_free);
    ehd_config_unref(self->parts.config);
    g_free(self);
}
