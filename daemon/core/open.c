/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a session: what is asked for is checked, the link listens (terminal), the reader is
 * taken and armed. The caller is answered when the reader really polls, or told why it cannot.
 * Main context.
 */
#include <sodium.h>

#include "daemon/core/core-priv.h"
#include "daemon/core/room.h"
#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "daemon/log.h"
#include "daemon/words.h"

void
ehd_core_incoming(int fd, gpointer user_data)
{
    EhdCore *self = user_data;

    ehd_porch_take(self->porch, fd);
}

static gboolean
is_open(const EhdSession *session)
{
    return !session->ending && !session->received;
}

/* One user may not hold all there are: the next in line would find the service full. */
static gboolean
check_limits(EhdCore *self, uid_t uid, GError **error)
{
    const EhdConfig *config = self->parts.config;
    guint all = 0, own = 0;

    for (guint i = 0; i < self->sessions->len; i++) {
        const EhdSession *session = g_ptr_array_index(self->sessions, i);

        all += is_open(session);
        own += is_open(session) && session->uid == uid;
    }
    if (own < config->max_sessions_per_user && all < config->max_sessions)
        return TRUE;
    if (own >= config->max_sessions_per_user)
        ehd_error_set(error, EHP_LIMIT_REACHED,
                      N_("too many sessions of this user are open") ": %u", own);
    else
        ehd_error_set(error, EHP_LIMIT_REACHED, N_("too many sessions are open") ": %u", all);
    return FALSE;
}

static gboolean
check_common(EhdCore *self, const EhdGrant *grant, EhdAction action, GError **error)
{
    ehp_status clock;

    if (!ehd_grant_check(grant, action, error))
        return FALSE;
    if (self->stopping) {
        ehd_error_set(error, EHP_DAEMON_UNAVAILABLE, N_("the service is stopping"));
        return FALSE;
    }
    clock = ehd_clock_check(ehd_core_now(self));
    if (clock != EHP_OK) {
        ehd_error_set(error, clock, NULL);
        return FALSE;
    }
    return check_limits(self, ehd_grant_get_uid(grant), error);
}

static gboolean
check_room(EhdCore *self, EhdSessionRole role, GError **error)
{
    g_autoptr(GError) local = NULL;
    guint percent = ehd_room_audit_percent(self);

    if (!ehd_room_check(self, role, &local)) {
        ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_NO_ROOM, "a session is refused: %s",
                local->message);
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    if (percent >= EHD_ROOM_AUDIT_WARN)
        ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_NO_ROOM,
                "%u %% of the audit log's quota are used", percent);
    return TRUE;
}

static EhdSession *
session_add(EhdCore *self, EhdSessionRole role, const EhdGrant *grant, GError **error)
{
    EhdSession *session = ehd_session_new(self, role, ehd_grant_get_uid(grant));

    if (!ehd_core_claim_reader(self, session)) {
        ehd_error_set(error, EHP_READER_BUSY,
                      N_("another session on this machine has the reader"));
        ehd_session_free(session);
        return NULL;
    }
    g_ptr_array_add(self->sessions, session);
    return session;
}

/* ---------------------------------------------------------------- patient */

static void
copy_items(EhdSession *session, const GArray *items)
{
    static const guint8 waiting = EHD_ITEM_WAITING;

    ehd_items_append(session->items, items);
    while (session->item_states->len < session->items->len)
        g_byte_array_append(session->item_states, &waiting, 1);
}

/* A session whose link is being made ready. */
typedef struct {
    EhdCore *core;
    EhdSession *session;
    GTask *task; /* owned */
} Opening;

static Opening *
opening_new(EhdCore *self, EhdSession *session, GTask *task)
{
    Opening *opening = g_new(Opening, 1);

    opening->core = self;
    opening->session = session;
    opening->task = task;
    return opening;
}

/* The service was told to stop meanwhile. */
static void
opening_cancelled(Opening *opening)
{
    GError *error = NULL;

    ehd_error_set(&error, EHP_CANCELLED, NULL);
    g_task_return_error(opening->task, error);
    g_object_unref(opening->task);
}

/* error: (transfer full) */
static void
opening_failed(Opening *opening, GError *error)
{
    g_task_return_error(opening->task, error);
    g_object_unref(opening->task);
    ehd_core_release_reader(opening->core, opening->session);
    ehd_core_remove(opening->core, opening->session);
}

/* Told to stop while the link was made ready? */
static void
arm_now(Opening *opening)
{
    if (!opening->session->ending) {
        ehd_session_arm(opening->session, opening->task);
        return;
    }
    ehd_core_update_listening(opening->core);
    opening_cancelled(opening);
}

static void
on_oob_taken(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Opening *opening = user_data;

    ehd_session_oob_taken(opening->session, result);
    arm_now(opening);
}

/* The link is ready; takes opening. */
static void
arm(Opening *opening)
{
    if (!opening->session->ending && ehd_session_wants_oob(opening->session)) {
        ehd_link_oob_take_async(opening->core->parts.link, on_oob_taken, opening);
        return;
    }
    arm_now(opening);
    g_free(opening);
}

static void
on_link_held(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Opening *opening = user_data;
    GError *error = NULL;

    if (ehd_link_hold_finish(opening->core->parts.link, result, &error)) {
        arm(opening);
        return;
    }
    opening_failed(opening, error);
    g_free(opening);
}

void
ehd_core_send_async(EhdCore *self, const EhdGrant *grant, const EhdSendOptions *options,
                    GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, NULL, callback, user_data);
    EhdSession *session = NULL;
    GError *error = NULL;

    if (check_common(self, grant, EHD_ACTION_SEND, &error) &&
        ehd_send_options_check(options, &error) && check_room(self, EHD_PATIENT, &error))
        session = session_add(self, EHD_PATIENT, grant, &error);
    if (session == NULL) {
        g_task_return_error(task, error);
        g_object_unref(task);
        return;
    }
    copy_items(session, options->items);
    session->wishes.detach = options->detach;
    session->wishes.armed_s = ehd_send_options_armed(options, self->parts.config);
    session->wishes.linger_s = options->linger;
    session->wishes.acting_as = options->acting_as;
    session->wishes.offer_later = options->offer_later;
    session->wishes.replies = options->replies;
    session->holds_link = TRUE;
    ehd_link_hold_async(self->parts.link, NULL, on_link_held, opening_new(self, session, task));
}

static EhdSession *
finish_opening(GAsyncResult *result, GError **error)
{
    EhdSession *session = g_task_propagate_pointer(G_TASK(result), error);

    if (session != NULL)
        session->announced = TRUE;
    return session;
}

EhdSession *
ehd_core_send_finish(EhdCore *self, GAsyncResult *result, GError **error)
{
    return finish_opening(result, error);
}

/* ---------------------------------------------------------------- terminal */

static gboolean
check_identity(EhdCore *self, gboolean unverified, GError **error)
{
    const EhdIdentity *identity = self->identity;

    if (unverified)
        return TRUE;
    if (identity == NULL || identity->n_chain == 0) {
        ehd_error_set(error, EHP_NO_IDENTITY,
                      identity == NULL ? N_("there is no device key")
                                       : N_("there is no certificate"));
        return FALSE;
    }
    if (identity->not_after <= ehd_core_now(self)) {
        ehd_error_set(error, EHP_CERT_EXPIRED, NULL);
        return FALSE;
    }
    return TRUE;
}

static void
take_identity(EhdSession *session)
{
    const EhdIdentity *identity = session->core->identity;
    guint8 public_key[crypto_sign_PUBLICKEYBYTES];

    if (identity == NULL) { /* unverified, and without a key of its own: one for this session */
        crypto_sign_keypair(public_key, session->leaf_secret);
        session->own_leaf = TRUE;
        return;
    }
    memcpy(session->leaf_secret, identity->secret_key, sizeof session->leaf_secret);
    session->n_chain = identity->n_chain;
    for (guint i = 0; i < identity->n_chain; i++)
        session->chain[i] = g_bytes_ref(identity->chain[i]);
}

static void
copy_query(const EhdQuery *query, EhdQuery *out)
{
    *out = *query;
    out->type = g_strdup(query->type);
    out->since = g_strdup(query->since);
    out->until = g_strdup(query->until);
    out->ids = g_strdupv(query->ids);
}

/* The tap names the categories alone; the request in the session has all of it. */
static void
add_categories(GArray *categories, const EhdQuery *query)
{
    for (guint i = 0; i < query->n_categories; i++) {
        gboolean there = FALSE;

        for (guint k = 0; k < categories->len; k++)
            there |= g_array_index(categories, int, k) == query->categories[i];
        if (!there && categories->len < EHP_TAP_CATEGORIES_MAX)
            g_array_append_val(categories, query->categories[i]);
    }
}

static void
take_queries(EhdWishes *wishes, const EhdReceiveOptions *options)
{
    EhdQuery query = {0};

    for (guint i = 0; options->queries != NULL && i < options->queries->len; i++) {
        copy_query(&g_array_index(options->queries, EhdQuery, i), &query);
        add_categories(wishes->categories, &query);
        g_array_append_val(wishes->queries, query);
    }
    if (wishes->queries->len > 0 || options->n_categories == 0)
        return;
    for (gsize i = 0; i < options->n_categories; i++)
        query.categories[query.n_categories++] = options->categories[i];
    g_array_append_val(wishes->queries, query);
}

static void
take_wishes(EhdSession *session, const EhdReceiveOptions *options)
{
    const EhdConfig *config = session->core->parts.config;
    EhdWishes *wishes = &session->wishes;

    wishes->detach = options->detach;
    wishes->armed_s = ehd_receive_options_armed(options, config);
    wishes->purpose = options->purpose;
    if (options->n_categories > 0)
        g_array_append_vals(wishes->categories, options->categories,
                            (guint)options->n_categories);
    wishes->list = options->list;
    take_queries(wishes, options);
    wishes->period_days = options->period_days;
    wishes->retention_days = options->retention_days;
    wishes->text = g_strdup(options->text);
    wishes->filing_s = ehd_receive_options_filing(options, config);
    wishes->directory = g_strdup(options->directory);
    wishes->has_operator = options->operator_ != NULL;
    if (!wishes->has_operator)
        return;
    wishes->operator_display = g_strdup(options->operator_->display);
    wishes->operator_role = g_strdup(options->operator_->role_code);
    wishes->operator_identifier = g_strdup(options->operator_->identifier);
    wishes->operator_assurance = options->operator_->assurance;
}

static void
on_listening(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Opening *opening = user_data;
    EhdCore *self = opening->core;
    GError *error = NULL;

    if (ehd_link_listen_finish(self->parts.link, result, &self->address, &error)) {
        self->listening = TRUE;
        arm(opening);
        return;
    }
    opening_failed(opening, error);
    g_free(opening);
}

void
ehd_core_receive_async(EhdCore *self, const EhdGrant *grant, const EhdReceiveOptions *options,
                       GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, NULL, callback, user_data);
    EhdSession *session = NULL;
    GError *error = NULL;

    if (check_common(self, grant, EHD_ACTION_RECEIVE, &error) &&
        ehd_receive_options_check(options, &error) &&
        check_identity(self, options->unverified, &error) &&
        check_room(self, EHD_TERMINAL, &error))
        session = session_add(self, EHD_TERMINAL, grant, &error);
    if (session == NULL) {
        g_task_return_error(task, error);
        g_object_unref(task);
        return;
    }
    take_identity(session);
    take_wishes(session, options);
    ehd_terminal_own_request(session);
    ehd_link_listen_async(self->parts.link, ehd_core_incoming, self, NULL, on_listening,
                          opening_new(self, session, task));
}

EhdSession *
ehd_core_receive_finish(EhdCore *self, GAsyncResult *result, GError **error)
{
    return finish_opening(result, error);
}
