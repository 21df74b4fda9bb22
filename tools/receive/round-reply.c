/* SPDX-License-Identifier: Apache-2.0
 *
 * What is sent back to the patient once everything is stored here.
 */
#include "tools/receive/round-private.h"

#include <glib/gi18n.h>

#include "tools/common/output.h"
#include "tools/common/session-dir.h"
#include "tools/receive/more.h"

static void
reply_over(Round *round, gboolean accepted, const char *words)
{
    JsonBuilder *builder = round_event(round, "reply");

    round->replying = FALSE;
    output_member_bool(builder, "accepted", accepted);
    output_event_end();
    output_line("%s", words);
    round_confirm(round);
}

static void
on_reply_receipt(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) receipt =
        ehrlink_session_get_receipt_finish(EHRLINK_SESSION(source), result, &error);

    if (!round_stored(round))
        return;
    /* which files they were knows only who brought them */
    if (receipt == NULL ||
        ((round->brings || !round->resumed) &&
         !session_dir_add_reply(round->directory, round->options->reply, receipt, &error)))
        cli_complain(error);
    reply_over(round, TRUE, _("The patient has it; the receipt for it is stored."));
}

static void
get_receipt(Round *round)
{
    round->storing = TRUE;
    ehrlink_session_get_receipt_of_async(round->session, round->transfers, round->cancellable,
                                         on_reply_receipt, round);
}

/* An earlier run knew how many transfers there were before it sent something back. */
static void
on_counted(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) items =
        ehrlink_session_list_items_finish(EHRLINK_SESSION(source), result, &error);

    if (!round_stored(round))
        return;
    for (guint i = 0; items != NULL && i < items->len; i++)
        round->transfers =
            MAX(round->transfers, (guint)ehrlink_item_get_transfer(g_ptr_array_index(items, i)) + 1);
    get_receipt(round);
}

static gboolean
is_through(Round *round)
{
    return g_strcmp0(ehrlink_session_get_reply_state(round->session), "complete") == 0;
}

void
round_look_at_reply(Round *round)
{
    const char *state = ehrlink_session_get_reply_state(round->session);

    if (g_strcmp0(state, "failed") == 0) {
        reply_over(round, FALSE, _("The patient did not take what you sent back."));
    } else if (is_through(round)) {
        round->replying = FALSE;
        if (round->resumed) {
            round->storing = TRUE;
            ehrlink_session_list_items_async(round->session, round->cancellable, on_counted, round);
        } else {
            get_receipt(round);
        }
    }
}

gboolean
round_goes_back(Round *round)
{
    const char *state = ehrlink_session_get_reply_state(round->session);

    return state != NULL && !g_str_equal(state, "failed") && !is_through(round);
}

void
round_await_reply(Round *round)
{
    round->replying = TRUE;
    round_look_at_reply(round);
}

/* A service that ended before it had it, and is back, may say so more than once before it may send again. */
#define REFUSALS_MAX 3

static gboolean
is_lost_call(const GError *error)
{
    return g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE) ||
           g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE);
}

static void
on_reply_offered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;

    if (!round_stored(round))
        return;
    if (!ehrlink_session_reply_finish(EHRLINK_SESSION(source), result, &error)) {
        if (is_lost_call(error) && ++round->refusals <= REFUSALS_MAX) {
            round_when_may_ask(round, round_send_reply);
            return;
        }
        cli_complain(error);
        reply_over(round, FALSE, _("Nothing was sent back."));
        return;
    }
    round->refusals = 0;
    round->replying = TRUE;
    round_look_at_reply(round);
}

void
round_send_reply(Round *round)
{
    g_autoptr(GPtrArray) items = NULL;

    if (round->refusals > 0 && (round_goes_back(round) || is_through(round))) { /* it had it all the same */
        round_await_reply(round);
        return;
    }
    if (!ehrlink_session_get_may_ask(round->session)) {
        reply_over(round, FALSE, _("The patient's device has left; nothing was sent back."));
        return;
    }
    items = more_items(round->options->reply);
    if (round->refusals == 0)
        output_note(_("Offered to the patient, who decides."));
    round->storing = TRUE;
    ehrlink_session_reply_async(round->session, (EhrlinkItem **)items->pdata, items->len,
                                round->cancellable, on_reply_offered, round);
}
