/* SPDX-License-Identifier: Apache-2.0
 *
 * A list from the patient instead of everything, and what is picked from it.
 */
#include "tools/receive/round-private.h"

#include <glib/gi18n.h>

#include "tools/common/ask.h"
#include "tools/common/output.h"
#include "tools/receive/more.h"

/* A service that was away may say so once more than it says that it may be asked; one that goes on
 * with both will not do it. */
#define REFUSALS_MAX 3

static void request_picked(Round *round);

static gboolean
is_lost_call(const GError *error)
{
    return g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE) ||
           g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE);
}

static void
on_requested(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;

    if (ehrlink_session_request_items_finish(EHRLINK_SESSION(source), result, &error)) {
        round->requesting = FALSE;
        round->refusals = 0;
        return;
    }
    if (ehrlink_session_has_ended(round->session))
        return;
    /* a service that ended before it had it: what is asked for then waits for the patient, too */
    if (is_lost_call(error) && ++round->refusals <= REFUSALS_MAX)
        round_when_may_ask(round, request_picked);
    else
        round_reject(round, error);
}

static void
request_picked(Round *round)
{
    if (!ehrlink_session_get_may_ask(round->session)) {
        round->requesting = FALSE;
        output_note(_("The patient's device has left."));
        round->arrived = TRUE;
        round_collect(round);
        return;
    }
    round->arrived = FALSE;
    round->requesting = TRUE;
    ehrlink_session_request_items_async(round->session, more_query(round->listed), FALSE,
                                        round->cancellable, on_requested, round);
}

static void ask_pick(Round *round);

static void
on_pick(const char *answer, gpointer user_data)
{
    Round *round = user_data;

    if (!more_pick(round->listed, answer)) {
        ask_pick(round);
        return;
    }
    round->picked = TRUE;
    if (round->listed->len == 0)
        round_collect(round);
    else
        round_when_may_ask(round, request_picked);
}

static void
ask_pick(Round *round)
{
    ask_line(_("Which of them? numbers (1,3-4), all or none:"), on_pick, round);
}

static void
on_list(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;

    round->listed = ehrlink_session_list_items_finish(EHRLINK_SESSION(source), result, &error);
    if (!round_stored(round))
        return;
    if (round->listed == NULL) {
        round_reject(round, error);
        return;
    }
    more_show(ehrlink_session_get_id(round->session), round->listed);
    if (round->options->pick == NULL) {
        ask_pick(round);
    } else if (more_pick(round->listed, round->options->pick)) {
        round->picked = TRUE;
        if (round->listed->len > 0)
            round_when_may_ask(round, request_picked);
        else
            round_collect(round);
    } else {
        g_set_error(&error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT, _("--pick: not on the list"));
        round_reject(round, error);
    }
}

void
round_list(Round *round)
{
    round->storing = TRUE;
    ehrlink_session_list_items_async(round->session, round->cancellable, on_list, round);
}
