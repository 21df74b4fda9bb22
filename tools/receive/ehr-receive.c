/* SPDX-License-Identifier: Apache-2.0
 *
 * ehr-receive: serves one patient after another, or one. The rounds do the work (round.c); here is when the next
 * one begins and when the program ends.
 */
#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/output.h"
#include "tools/common/session-dir.h"
#include "tools/common/warn.h"
#include "tools/receive/on-filed.h"
#include "tools/receive/round.h"

typedef struct {
    ReceiveOptions options;
    EhrlinkClient *client;     /* owned */
    GCancellable *cancellable; /* owned */
    GPtrArray *rounds;         /* owned, of Round */
    GPtrArray *stored;         /* owned, of char: directories of an earlier run */
    GError *outcome;           /* owned: what the program ends with */
    gboolean ending, said_end;
    GMainLoop *loop; /* owned */
    int exit_code;
} Receive;

static void start_round(Receive *receive);

static void
on_idle_queue(gpointer user_data)
{
    Receive *receive = user_data;

    if (receive->said_end)
        return; /* asked for once more while the loop ends */
    receive->said_end = TRUE;
    receive->exit_code = cli_end(EHRLINK_ROLE_TERMINAL, receive->outcome);
    g_main_loop_quit(receive->loop);
}

/* Ends when every round is over and no --on-filed program runs any more. */
static void
end_when_quiet(Receive *receive)
{
    if (receive->ending && receive->rounds->len == 0)
        on_filed_when_idle(on_idle_queue, receive);
}

/* A round that is cancelled may be over at once, and leave the list. */
static void
cancel_rounds(Receive *receive)
{
    g_autoptr(GPtrArray) rounds = g_ptr_array_copy(receive->rounds, NULL, NULL);

    for (guint i = 0; i < rounds->len; i++)
        round_cancel(g_ptr_array_index(rounds, i));
}

static void
end_with(Receive *receive, const GError *error)
{
    if (!receive->ending && error != NULL)
        receive->outcome = g_error_copy(error);
    receive->ending = TRUE;
    cancel_rounds(receive);
    end_when_quiet(receive);
}

/* What the next patient would meet as well is no reason to go on: a kiosk's supervisor should see it. */
static gboolean
is_lasting(const GError *error)
{
    int code = cli_exit_code(error);

    return code == 64 || code == 69 || code == 73 ||
           g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_NOT_AUTHORIZED) ||
           g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_TAP_TIMED_OUT);
}

static gboolean
free_round_later(gpointer user_data)
{
    round_free(user_data);
    return G_SOURCE_REMOVE;
}

static void
on_round_free(Round *round, gpointer user_data)
{
    Receive *receive = user_data;

    if (!receive->ending && !receive->options.once)
        start_round(receive);
}

static void
on_round_over(Round *round, const GError *error, gpointer user_data)
{
    Receive *receive = user_data;

    g_ptr_array_remove(receive->rounds, round);
    g_idle_add(free_round_later, round);
    if (error != NULL && !receive->ending && !receive->options.once && !is_lasting(error)) {
        cli_failed(EHRLINK_ROLE_TERMINAL, round_get_session(round), error); /* and serve the next */
        return;
    }
    if (receive->options.once || error != NULL)
        end_with(receive, error);
    end_when_quiet(receive);
}

/* With --once and filing left for later, received is all there is to wait for. */
static void
on_once_free(Round *round, gpointer user_data)
{
    Receive *receive = user_data;

    if (receive->options.file_mode == FILE_LATER)
        end_with(receive, NULL);
}

static const RoundListener serve = {.on_free = on_round_free, .on_over = on_round_over};
static const RoundListener once = {.on_free = on_once_free, .on_over = on_round_over};

static void
start_round(Receive *receive)
{
    g_ptr_array_add(receive->rounds,
                    round_start(receive->client, &receive->options,
                                receive->options.once ? &once : &serve, receive));
}

static void
ignore_free(Round *round, gpointer user_data)
{
}

static void
on_resumed_over(Round *round, const GError *error, gpointer user_data)
{
    Receive *receive = user_data;

    g_ptr_array_remove(receive->rounds, round);
    g_idle_add(free_round_later, round);
    if (error != NULL && !receive->ending)
        cli_failed(EHRLINK_ROLE_TERMINAL, round_get_session(round), error);
    end_when_quiet(receive);
}

/* Was tapped, is not over, and no program has it any more. What was to be chosen from a list is chosen anew. */
static gboolean
is_interrupted(EhrlinkSession *session)
{
    EhrlinkSessionState state = ehrlink_session_get_state(session);

    return !ehrlink_session_get_owned(session) && !ehrlink_session_get_request_list(session) &&
           (state == EHRLINK_SESSION_STATE_TAPPED || state == EHRLINK_SESSION_STATE_DECIDING ||
            state == EHRLINK_SESSION_STATE_TRANSFERRING || state == EHRLINK_SESSION_STATE_SUSPENDED);
}

static void
resume(Receive *receive, EhrlinkSession *session, const RoundListener *listener)
{
    g_ptr_array_add(receive->rounds, round_resume(receive->client, ehrlink_session_get_path(session),
                                                  &receive->options, listener, receive));
}

/* Sessions that an earlier run of this program received into the same directory and did not finish. */
static void
on_listed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    static const RoundListener resumed = {.on_free = ignore_free, .on_over = on_resumed_over};
    Receive *receive = user_data;
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = g_canonicalize_filename(receive->options.output, NULL);
    gboolean served = FALSE;
    g_autoptr(GPtrArray) sessions =
        ehrlink_client_list_sessions_finish(EHRLINK_CLIENT(source), result, &error);

    /* one that the service could not read is not one that it let go of */
    if (sessions != NULL && ehrlink_client_get_unread_sessions(receive->client) == 0) {
        session_dir_forget(directory, sessions);
        session_dir_purge(receive->stored, sessions);
    }
    for (guint i = 0; sessions != NULL && i < sessions->len; i++) {
        EhrlinkSession *session = g_ptr_array_index(sessions, i);
        if (ehrlink_session_get_role(session) != EHRLINK_ROLE_TERMINAL ||
            g_strcmp0(ehrlink_session_get_directory(session), directory) != 0)
            continue;
        if (ehrlink_session_get_unfiled(session)) {
            resume(receive, session, &resumed);
        } else if (is_interrupted(session)) {
            resume(receive, session, served ? &resumed : receive->options.once ? &once : &serve);
            served = TRUE; /* the next one comes after this patient, as if it had begun here */
        }
    }
    if (!served)
        start_round(receive);
}

static void
on_client(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Receive *receive = user_data;
    g_autoptr(GError) error = NULL;

    receive->client = ehrlink_client_new_finish(result, &error);
    if (receive->client == NULL) {
        end_with(receive, error);
        return;
    }
    receive->stored = session_dir_list(receive->options.output);
    ehrlink_client_list_sessions_async(receive->client, receive->cancellable, on_listed,
                                       receive);
}

static void
on_interrupt(gpointer user_data)
{
    Receive *receive = user_data;

    output_note("\n%s", _("Cancelling …"));
    g_cancellable_cancel(receive->cancellable);
    end_with(receive, NULL);
}

static int
run(Receive *receive)
{
    g_autoptr(GError) error = NULL;

    if (!session_dir_prepare(receive->options.output, &error))
        return cli_end(EHRLINK_ROLE_TERMINAL, error);
    session_dir_remember(receive->options.output);
    if (receive->options.reply != NULL)
        warn_of_findings(receive->options.reply);
    receive->cancellable = g_cancellable_new();
    receive->rounds = g_ptr_array_new();
    receive->loop = g_main_loop_new(NULL, FALSE);
    if (receive->options.on_filed != NULL)
        on_filed_queue_pending(receive->options.on_filed, receive->options.output);
    cli_on_interrupt(on_interrupt, receive);
    ehrlink_client_new_async(receive->cancellable, on_client, receive);
    g_main_loop_run(receive->loop);
    return receive->exit_code;
}

static void
receive_clear(Receive *receive)
{
    for (guint i = 0; receive->rounds != NULL && i < receive->rounds->len; i++)
        round_free(g_ptr_array_index(receive->rounds, i));
    g_clear_pointer(&receive->rounds, g_ptr_array_unref);
    g_clear_pointer(&receive->stored, g_ptr_array_unref);
    g_clear_object(&receive->client);
    g_clear_object(&receive->cancellable);
    g_clear_pointer(&receive->loop, g_main_loop_unref);
    g_clear_error(&receive->outcome);
    receive_options_clear(&receive->options);
}

int
main(int argc, char **argv)
{
    Receive receive = {0};
    int code;

    cli_init("ehr-receive");
    code = receive_options_parse(&receive.options, argc, argv);
    if (code == 0)
        code = run(&receive);
    receive_clear(&receive);
    return code < 0 ? EXIT_SUCCESS : code;
}
