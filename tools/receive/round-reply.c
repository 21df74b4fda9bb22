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
    if (receipt == NULL || !session_dir_add_reply(round->directory, round->options->reply, receipt, &error))
        cli_complain(error);
    reply_over(round, TRUE, _("The patient has it; the receipt for it is stored."));
}

void
round_look_at_reply(Round *round)
{
    const char *state = ehrlink_session_get_reply_state(round->session);

    if (g_strcmp0(state, "failed") == 0) {
        reply_over(round, FALSE, _("The patient did not take what you sent back."));
    } else if (g_strcmp0(state, "complete") == 0) {
        round->replying = FALSE;
        round->storing = TRUE;
        ehrlink_session_get_receipt_of_async(round->session, round->transfers, round->cancellable,
                                             on_reply_receipt, round);
    }
}

static void
on_reply_offered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;

    if (!round_stored(round))
        return;
    if (!ehrlink_session_reply_finish(EHRLINK_SESSION(source), result, &error)) {
        cli_complain(error);
        reply_over(round, FALSE, _("Nothing was sent back."));
        return;
    }
    round->replying = TRUE;
    round_look_at_reply(round);
}

void
round_send_reply(Round *round)
{
    g_autoptr(GPtrArray) items = NULL;

    if (!ehrlink_session_get_may_ask(round->session)) {
        reply_over(round, FALSE, _("The patient's device has left; nothing was sent back."));
        return;
    }
    items = more_items(round->options->reply);
    output_note(_("Offered to the patient, who decides."));
    round->storing = TRUE;
    ehrlink_session_reply_async(round->session, (EhrlinkItem **)items->pdata, items->len,
                                round->cancellable, on_reply_offered, round);
}
