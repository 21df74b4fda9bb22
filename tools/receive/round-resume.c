/* SPDX-License-Identifier: Apache-2.0
 *
 * A session that an earlier run of the program left. Files that were being sent back then are brought again, if they
 * are the same: the service compares them.
 */
#include "tools/receive/round-private.h"

#include <glib/gi18n.h>

#include "tools/common/output.h"
#include "tools/receive/more.h"

static void reattach(Round *round, char **files);

static void
on_reattached(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;

    round->session = ehrlink_client_reattach_finish(EHRLINK_CLIENT(source), result, &error);
    if (round->session == NULL && round->brings) { /* other files, or they are gone: the session is there */
        reattach(round, NULL);
        return;
    }
    if (round->session == NULL) {
        round_over(round, error);
        return;
    }
    round->brings = round->brings && round_goes_back(round);
    if (!ehrlink_session_get_unfiled(round->session)) {
        round_event(round, "resumed");
        output_event_end();
        output_note(_("Going on with an interrupted session where it stopped."));
    }
    round_attach(round);
}

static void
reattach(Round *round, char **files)
{
    g_autoptr(GPtrArray) items = files != NULL ? more_items(files) : g_ptr_array_new();

    round->brings = items->len > 0;
    ehrlink_client_reattach_async(round->client, round->path, (EhrlinkItem **)items->pdata, items->len,
                                  round->cancellable, on_reattached, round);
}

Round *
round_resume(EhrlinkClient *client, const char *path, const ReceiveOptions *options,
             const RoundListener *listener, gpointer user_data)
{
    Round *round = round_new(client, options, listener, user_data);

    round->resumed = TRUE;
    round->path = g_strdup(path);
    reattach(round, options->reply);
    return round;
}
