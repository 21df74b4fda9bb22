/* SPDX-License-Identifier: Apache-2.0
 *
 * See round.h: the session from its beginning to its end. A chain of callbacks, like the other parts; main thread.
 */
#include "tools/receive/round-private.h"

#include <glib/gi18n.h>

#include "tools/common/ask.h"
#include "tools/common/output.h"
#include "tools/common/session-dir.h"
#include "tools/common/trouble.h"
#include "tools/common/words.h"
#include "tools/receive/on-filed.h"

void
round_free_reader(Round *round)
{
    if (round->freed)
        return;
    round->freed = TRUE;
    round->listener->on_free(round, round->user_data);
}

void
round_over(Round *round, const GError *error)
{
    if (round->over)
        return;
    round->over = TRUE;
    round->listener->on_over(round, error, round->user_data);
    round_free_reader(round); /* after it: a lasting fault must not arm the reader once more */
}

JsonBuilder *
round_event(Round *round, const char *name)
{
    JsonBuilder *builder = output_event(name);

    output_member_string(builder, "session", ehrlink_session_get_id(round->session));
    return builder;
}

/* --- the end -------------------------------------------------------------------------------- */

static void
drop_directory(Round *round)
{
    g_autoptr(GError) error = NULL;

    if (round->directory != NULL && !session_dir_remove(round->directory, &error))
        cli_complain(error);
    g_clear_pointer(&round->directory, g_free);
}

static void
note_filed(Round *round)
{
    g_autoptr(GError) error = NULL;

    if (!session_dir_set_state(round->directory, "filed", &error))
        cli_complain(error);
    output_member_string(round_event(round, "filed"), "directory", round->directory);
    output_event_end();
    output_line(_("Filed: %s"), round->directory);
    if (round->options->on_filed != NULL)
        on_filed_queue(round->options->on_filed, round->directory);
}

/* A service that is out of reach may still have it as unfiled, and no copy of what was collected. */
static gboolean
is_decided(const GError *error)
{
    return !g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
}

static void
finish(Round *round, const GError *error)
{
    round_over(round, round->why != NULL ? round->why : error);
}

static gboolean
is_known(Round *round, GPtrArray *sessions)
{
    for (guint i = 0; i < sessions->len; i++)
        if (g_strcmp0(ehrlink_session_get_path(g_ptr_array_index(sessions, i)),
                      ehrlink_session_get_path(round->session)) == 0)
            return TRUE;
    return FALSE;
}

static void
on_asked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = ehrlink_session_dup_error(round->session);
    g_autoptr(GPtrArray) sessions =
        ehrlink_client_list_sessions_finish(EHRLINK_CLIENT(source), result, NULL);

    if (sessions != NULL && !is_known(round, sessions))
        drop_directory(round);
    finish(round, error);
}

void
round_end(Round *round)
{
    g_autoptr(GError) error = ehrlink_session_dup_error(round->session);
    const char *status = ehrlink_session_get_status(round->session);

    if (round->over)
        return;
    if (g_strcmp0(status, "filed") == 0 && round->directory != NULL)
        note_filed(round);
    else if (is_decided(error))
        drop_directory(round);
    else if (round->directory != NULL && !round->arrived) {
        /* a service that is back without the session will never complete it */
        ehrlink_client_list_sessions_async(round->client, NULL, on_asked, round);
        return;
    }
    finish(round, error);
}

static void
on_ended(EhrlinkSession *session, gpointer user_data)
{
    Round *round = user_data;

    ask_cancel(round);
    if (round->storing || round->early > 0)
        g_cancellable_cancel(round->cancellable);
    else
        round_end(round);
}

gboolean
round_stored(Round *round)
{
    round->storing = FALSE;
    if (!ehrlink_session_has_ended(round->session))
        return TRUE;
    if (round->early == 0)
        round_end(round);
    return FALSE;
}

/* --- on the way ------------------------------------------------------------------------------ */

void
round_when_may_ask(Round *round, void (*next)(Round *round))
{
    if (ehrlink_session_get_may_ask(round->session) || ehrlink_session_get_peer_left(round->session))
        next(round);
    else
        round->when_may_ask = next;
}

static void
on_changed(EhrlinkSession *session, gpointer user_data)
{
    Round *round = user_data;
    EhrlinkSessionState state = ehrlink_session_get_state(session);

    gboolean again = trouble_tell(session, &round->trouble);

    if (round->when_may_ask != NULL &&
        (ehrlink_session_get_may_ask(session) || ehrlink_session_get_peer_left(session))) {
        void (*next)(Round *) = round->when_may_ask;
        round->when_may_ask = NULL;
        next(round);
    }
    if (round->replying)
        round_look_at_reply(round);
    if (state == round->told && !again)
        return;
    round->told = state;
    output_member_string(round_event(round, "state"), "state", ehrlink_session_state_to_string(state));
    output_event_end();
    if (state != EHRLINK_SESSION_STATE_CONFIRMING && state != EHRLINK_SESSION_STATE_FILED &&
        state != EHRLINK_SESSION_STATE_DONE && state != EHRLINK_SESSION_STATE_FAILED)
        output_note("%s", words_state(EHRLINK_ROLE_TERMINAL, state));
}

static void
on_progress(EhrlinkSession *session, guint64 done, guint64 total, gpointer user_data)
{
    JsonBuilder *builder = round_event(user_data, "progress");

    output_member_int(builder, "done", (gint64)done);
    output_member_int(builder, "total", (gint64)total);
    output_event_end();
    output_progress(words_state(EHRLINK_ROLE_TERMINAL, EHRLINK_SESSION_STATE_TRANSFERRING), done, total);
}

void
round_attach(Round *round)
{
    g_signal_connect(round->session, "changed", G_CALLBACK(on_changed), round);
    g_signal_connect(round->session, "progress", G_CALLBACK(on_progress), round);
    g_signal_connect(round->session, "items-arrived", G_CALLBACK(round_on_arrived), round);
    g_signal_connect(round->session, "item-stored", G_CALLBACK(round_on_item_stored), round);
    g_signal_connect(round->session, "ended", G_CALLBACK(on_ended), round);
    on_changed(round->session, round);
}

static void
on_session(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;

    round->session = ehrlink_client_receive_finish(EHRLINK_CLIENT(source), result, &error);
    if (round->session != NULL)
        round_attach(round);
    else
        round_over(round, error);
}

Round *
round_new(EhrlinkClient *client, const ReceiveOptions *options, const RoundListener *listener,
          gpointer user_data)
{
    Round *round = g_new0(Round, 1);

    round->client = client;
    round->options = options;
    round->listener = listener;
    round->user_data = user_data;
    round->cancellable = g_cancellable_new();
    round->taken = g_ptr_array_new_with_free_func(g_object_unref);
    return round;
}

Round *
round_start(EhrlinkClient *client, const ReceiveOptions *options, const RoundListener *listener,
            gpointer user_data)
{
    Round *round = round_new(client, options, listener, user_data);

    ehrlink_client_receive_async(client, receive_options_to_vardict(options), round->cancellable, on_session,
                                 round);
    return round;
}

const char *
round_get_session(const Round *round)
{
    return round->session != NULL ? ehrlink_session_get_id(round->session) : NULL;
}

void
round_cancel(Round *round)
{
    ask_cancel(round);
    g_cancellable_cancel(round->cancellable);
    if (round->session == NULL || ehrlink_session_has_ended(round->session))
        return;
    if (round->keep)
        round_over(round, NULL);
    else
        ehrlink_session_cancel_async(round->session, NULL, NULL, NULL);
}

void
round_free(Round *round)
{
    if (round->session != NULL)
        g_signal_handlers_disconnect_by_data(round->session, round);
    g_clear_object(&round->session);
    g_clear_object(&round->cancellable);
    g_clear_pointer(&round->items, g_ptr_array_unref);
    g_clear_pointer(&round->files, g_ptr_array_unref);
    g_clear_pointer(&round->listed, g_ptr_array_unref);
    g_clear_pointer(&round->taken, g_ptr_array_unref);
    g_clear_pointer(&round->directory, g_free);
    g_clear_error(&round->why);
    g_free(round->trouble);
    g_free(round->path);
    g_free(round);
}
