/* SPDX-License-Identifier: Apache-2.0
 *
 * From the service into the user's directory: items while others still come, the rest at the end, the receipt.
 */
#include "tools/receive/round-private.h"

#include <glib/gi18n.h>

#include "tools/common/output.h"
#include "tools/common/session-dir.h"
#include "tools/receive/more.h"

static void
on_receipt(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) receipt =
        ehrlink_session_get_receipt_finish(EHRLINK_SESSION(source), result, &error);
    char *final = NULL;

    if (!round_stored(round))
        return;
    if (receipt != NULL && !round_accept(round))
        return;
    if (receipt != NULL)
        final = session_dir_complete(round->options->output, round->session, round->items, round->files, receipt,
                                     NULL, &error);
    if (final == NULL) {
        round_reject(round, error);
        return;
    }
    g_free(round->directory);
    round->directory = final;
    round_announce(round);
    if (round->options->reply != NULL)
        round_when_may_ask(round, round_send_reply);
    else
        round_confirm(round);
}

/* items: all; collected: those that came now. */
static void
take_items(Round *round, GPtrArray *items, GPtrArray *collected)
{
    g_autoptr(GError) error = NULL;

    round->items = g_ptr_array_ref(items);
    round->files = session_dir_files(round->directory, items, collected);
    if (g_ptr_array_find(round->files, NULL, NULL)) { /* nobody may file what is not here */
        g_set_error(&error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED,
                    _("%s: what was stored there is gone"), round->directory);
        round_reject(round, error);
        return;
    }
    round->storing = TRUE;
    ehrlink_session_get_receipt_async(round->session, round->cancellable, on_receipt, round);
}

static void
on_items(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) collected = g_steal_pointer(&round->items);
    g_autoptr(GPtrArray) items =
        ehrlink_session_list_items_finish(EHRLINK_SESSION(source), result, &error);

    if (!round_stored(round))
        return;
    if (items != NULL)
        more_without_listed(items);
    if (items != NULL)
        take_items(round, items, collected);
    else
        round_reject(round, error);
}

static gint
by_id(gconstpointer a, gconstpointer b)
{
    const guint x = ehrlink_item_get_id(*(EhrlinkItem *const *)a), y = ehrlink_item_get_id(*(EhrlinkItem *const *)b);

    return (x > y) - (x < y);
}

static void
on_collected(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) collected =
        ehrlink_session_collect_finish(EHRLINK_SESSION(source), result, &error);

    if (!round_stored(round))
        return;
    if (collected != NULL && round->taken->len > 0) {
        g_ptr_array_extend_and_steal(collected, g_steal_pointer(&round->taken));
        round->taken = g_ptr_array_new_with_free_func(g_object_unref);
        g_ptr_array_sort(collected, by_id);
    }
    if (collected == NULL) {
        round_reject(round, error);
    } else if (round->resumed) {
        round->items = g_steal_pointer(&collected);
        round->storing = TRUE;
        ehrlink_session_list_items_async(round->session, round->cancellable, on_items, round);
    } else {
        take_items(round, collected, collected);
    }
}

void
round_collect(Round *round)
{
    EhrlinkSession *session = round->session;
    g_autofree char *stored_before = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GFile) directory = NULL;

    if (round->early > 0) {
        round->collect_due = TRUE;
        return;
    }

    /* an earlier run stored all of it, and ended before it was filed */
    stored_before = session_dir_find(round->options->output, ehrlink_session_get_id(session));
    if (stored_before != NULL) {
        g_free(round->directory);
        round->directory = g_steal_pointer(&stored_before);
        output_note("%s", round->directory);
        if (round->brings || round_goes_back(round))
            round_await_reply(round);
        else
            round_confirm(round);
        return;
    }
    if (round->directory == NULL)
        round->directory =
            session_dir_incoming(round->options->output, ehrlink_session_get_id(session), &error);
    if (round->directory == NULL) {
        round_reject(round, error);
        return;
    }
    directory = g_file_new_for_path(round->directory);
    round->storing = TRUE;
    ehrlink_session_collect_async(session, directory, round->cancellable, on_collected, round);
}

void
round_on_arrived(EhrlinkSession *session, guint items, guint64 bytes, gpointer user_data)
{
    Round *round = user_data;

    if (round->arrived || round->requesting)
        return; /* said again after a reattachment */
    round->arrived = TRUE;
    round->transfers++;
    output_progress_end();
    if (round->options->list && !round->picked && !round->resumed) {
        round_list(round);
        return;
    }
    round_collect(round);
}

/* Small and urgent ones come first; of very many the rest waits for the end. */
#define EARLY_MAX 4

static void
on_early(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(EhrlinkItem) item =
        ehrlink_session_collect_item_finish(EHRLINK_SESSION(source), result, NULL);

    round->early--;
    /* its end came at the same moment as that of the transfer: the collection will not bring it again */
    if (item != NULL && ehrlink_item_get_state(item) == EHRLINK_ITEM_STATE_COLLECTED)
        g_ptr_array_add(round->taken, g_object_ref(item));
    if (item != NULL && !ehrlink_session_has_ended(round->session)) {
        JsonBuilder *builder = round_event(round, "ready");
        output_member_int(builder, "id", ehrlink_item_get_id(item));
        output_member_string(builder, "file", ehrlink_item_get_path(item));
        output_event_end();
        output_note(_("Here already, not complete yet: %s"), ehrlink_item_get_path(item));
    }
    if (round->early > 0)
        return;
    if (ehrlink_session_has_ended(round->session)) {
        if (!round->storing)
            round_end(round);
    } else if (round->collect_due) {
        round->collect_due = FALSE;
        round_collect(round);
    }
}

void
round_on_item_stored(EhrlinkSession *session, guint id, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GFile) directory = NULL;

    if (round->early >= EARLY_MAX || round->resumed || round->over ||
        (round->arrived && !round->options->list) ||
        ehrlink_session_get_state(session) != EHRLINK_SESSION_STATE_TRANSFERRING)
        return;
    if (round->directory == NULL) /* its name says that it is not complete */
        round->directory =
            session_dir_incoming(round->options->output, ehrlink_session_get_id(session), NULL);
    if (round->directory == NULL)
        return; /* said at the end */
    directory = g_file_new_for_path(round->directory);
    round->early++;
    ehrlink_session_collect_item_async(session, directory, id, round->cancellable, on_early, round);
}
