/* SPDX-License-Identifier: Apache-2.0
 *
 * See round.h. A chain of callbacks; main thread.
 */
#include "tools/receive/round.h"

#include <glib/gi18n.h>
#include <string.h>

#include "tools/common/ask.h"
#include "tools/common/output.h"
#include "tools/common/session-dir.h"
#include "tools/common/trouble.h"
#include "tools/common/words.h"
#include "tools/common/person.h"
#include "tools/receive/more.h"
#include "tools/receive/on-filed.h"
#include "tools/receive/records.h"

#define ASK_FILE N_("Is this the person in front of you? yes files the records, no deletes them:")

struct Round {
    const ReceiveOptions *options; /* borrowed */
    const RoundListener *listener; /* borrowed */
    gpointer user_data;
    EhrlinkSession *session;   /* owned, NULL before it is open */
    GCancellable *cancellable; /* owned; ends what comes before the session */
    EhrlinkSessionState told;
    char *trouble; /* owned: the last one that was told */
    GPtrArray *items;  /* owned, of EhrlinkItem: all of the session */
    GPtrArray *files;  /* owned, of char: the name of each here, NULL: it is not here */
    char *directory;   /* owned: where it is now, NULL before there is one */
    GError *why;       /* owned: a fault of this side that ended it */
    gboolean resumed; /* an earlier run may have collected some of it */
    gboolean arrived, freed, over, keep;
    guint transfers;             /* to here, so far */
    GPtrArray *listed;           /* owned, of EhrlinkItem: what a list showed */
    gboolean picked;             /* from it */
    void (*when_may_ask)(Round *round); /* waits for the patient's side to be ready for more */
    gboolean replying;
    guint early;                 /* single items on their way here, while others still come */
    gboolean collect_due;
    GPtrArray *taken;            /* owned, of EhrlinkItem: of those, what the service has let go of already */
    gboolean storing; /* a collection or a receipt is on its way here: the end waits for it */
};

static void
free_reader(Round *round)
{
    if (round->freed)
        return;
    round->freed = TRUE;
    round->listener->on_free(round, round->user_data);
}

static void
over(Round *round, const GError *error)
{
    if (round->over)
        return;
    round->over = TRUE;
    round->listener->on_over(round, error, round->user_data);
    free_reader(round); /* after it: a lasting fault must not arm the reader once more */
}

static JsonBuilder *
event(Round *round, const char *name)
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
        output_error("%s", error->message);
    g_clear_pointer(&round->directory, g_free);
}

static void
note_filed(Round *round)
{
    g_autoptr(GError) error = NULL;

    if (!session_dir_set_state(round->directory, "filed", &error))
        output_error("%s", error->message);
    output_member_string(event(round, "filed"), "directory", round->directory);
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
end(Round *round)
{
    g_autoptr(GError) error = ehrlink_session_dup_error(round->session);
    const char *status = ehrlink_session_get_status(round->session);

    if (round->over)
        return;
    if (g_strcmp0(status, "filed") == 0 && round->directory != NULL)
        note_filed(round);
    else if (is_decided(error))
        drop_directory(round);
    over(round, round->why != NULL ? round->why : error);
}

static void
on_ended(EhrlinkSession *session, gpointer user_data)
{
    Round *round = user_data;

    ask_cancel(round);
    if (round->storing || round->early > 0)
        g_cancellable_cancel(round->cancellable);
    else
        end(round);
}

/* What was stored is here, or failed. FALSE: the session ended meanwhile, and so does the round. */
static gboolean
stored(Round *round)
{
    round->storing = FALSE;
    if (!ehrlink_session_has_ended(round->session))
        return TRUE;
    if (round->early == 0)
        end(round);
    return FALSE;
}

/* --- received, and then ---------------------------------------------------------------------- */

static void
on_done(GObject *source, GAsyncResult *result, gpointer user_data)
{
    /* What became of it comes with "ended"; an error here means that the session ended meanwhile. */
    g_autoptr(GError) error = NULL;

    if (!ehrlink_session_file_finish(EHRLINK_SESSION(source), result, &error))
        output_note("%s", error->message);
}

static void
on_discarded(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    if (!ehrlink_session_discard_finish(EHRLINK_SESSION(source), result, &error))
        output_note("%s", error->message);
}

static void
on_answer(const char *answer, gpointer user_data)
{
    Round *round = user_data;

    if (ask_is_yes(answer))
        ehrlink_session_file_async(round->session, NULL, on_done, NULL);
    else if (ask_is_no(answer))
        ehrlink_session_discard_async(round->session, NULL, NULL, on_discarded, NULL);
    else if (answer != NULL)
        ask_line(_(ASK_FILE), on_answer, round);
    /* no answer: nobody is there; the filing time runs out and discards them */
}

/* Who the records say they are about. FALSE: somebody else was expected. */
static gboolean
check_person(Round *round)
{
    g_autoptr(Person) person = person_of_directory(round->directory, round->files);
    g_auto(GStrv) differences = NULL;
    JsonBuilder *builder;

    if (round->options->expect != NULL)
        differences = person_compare(person, round->options->expect);
    builder = event(round, "person");
    person_add_members(person, builder);
    json_builder_set_member_name(builder, "differences");
    json_builder_begin_array(builder);
    for (guint i = 0; differences != NULL && differences[i] != NULL; i++)
        json_builder_add_string_value(builder, differences[i]);
    json_builder_end_array(builder);
    output_event_end();
    person_show(person);
    for (guint i = 0; differences != NULL && differences[i] != NULL; i++)
        output_note(_("  NOT AS EXPECTED: %s"), differences[i]);
    return differences == NULL || differences[0] == NULL;
}

/* Nobody looks: what may be another person's is not kept. */
static void
reject_person(Round *round)
{
    round->why = g_error_new_literal(EHRLINK_ERROR, EHRLINK_ERROR_MIXED_SUBJECTS,
                                     _("the records are not about the expected person"));
    ehrlink_session_discard_async(round->session, "not-the-expected-person", NULL, on_discarded, NULL);
}

static void
confirm(Round *round)
{
    const gboolean expected = check_person(round);

    switch (round->options->file_mode) {
    case FILE_AUTO:
        if (expected)
            ehrlink_session_file_async(round->session, NULL, on_done, NULL);
        else
            reject_person(round);
        break;
    case FILE_ASK:
        output_note("%s", words_state(EHRLINK_ROLE_TERMINAL, EHRLINK_SESSION_STATE_CONFIRMING));
        ask_line(_(ASK_FILE), on_answer, round);
        break;
    case FILE_LATER:
        output_note(_("To file it: ehrctl session file %s"), ehrlink_session_get_id(round->session));
        round->keep = TRUE;
        free_reader(round);
        break;
    }
}

static void
announce(Round *round)
{
    guint64 bytes = 0;
    JsonBuilder *builder;

    for (guint i = 0; i < round->items->len; i++) {
        EhrlinkItem *item = g_ptr_array_index(round->items, i);
        const char *base = g_ptr_array_index(round->files, i);
        g_autofree char *file = g_build_filename(round->directory, base, NULL);
        g_autofree char *size = words_bytes(ehrlink_item_get_size(item));
        g_autofree char *what = words_item(item);
        bytes += ehrlink_item_get_size(item);
        builder = event(round, "item");
        output_member_int(builder, "id", ehrlink_item_get_id(item));
        output_member_string(builder, "name", ehrlink_item_get_name(item));
        output_member_string(builder, "file", file);
        output_member_int(builder, "size", (gint64)ehrlink_item_get_size(item));
        output_item_members(builder, item);
        output_event_end();
        output_line("  %s  (%s)", file, size);
        if (what != NULL)
            output_line("    %s", what);
    }
    builder = event(round, "arrived");
    output_member_string(builder, "directory", round->directory);
    output_member_int(builder, "items", round->items->len);
    output_member_int(builder, "bytes", (gint64)bytes);
    output_event_end();
}

/* A fault of ours after the receipt: the patient's side hears that the items are not kept. */
static void
reject(Round *round, const GError *error)
{
    gboolean full = g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_SPACE);

    if (g_cancellable_is_cancelled(round->cancellable))
        return; /* the session is being ended */
    round->why = g_error_copy(error);
    ehrlink_session_discard_async(round->session, full ? "no-space" : "store-failed", NULL, on_discarded,
                                  NULL);
}

/* Looks into what arrived. FALSE: this terminal's policy keeps none of it. */
static gboolean
accept(Round *round)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *rule = NULL;

    if (!records_check(ehrlink_session_get_id(round->session), round->directory, round->files, &rule, &error)) {
        reject(round, error);
        return FALSE;
    }
    if (rule == NULL || round->options->policy != POLICY_REFUSE)
        return TRUE;
    g_set_error(&error, EHRLINK_ERROR, EHRLINK_ERROR_RECORD_REFUSED, "%s (%s)",
                _(ehrlink_error_get_text(EHRLINK_ERROR_RECORD_REFUSED)), rule);
    round->why = g_steal_pointer(&error);
    ehrlink_session_discard_async(round->session, rule, NULL, on_discarded, NULL);
    return FALSE;
}

/* --- and back -------------------------------------------------------------------------------- */

/* Calls `next` once the patient's device has the receipt and listens, or has left. */
static void
when_may_ask(Round *round, void (*next)(Round *round))
{
    if (ehrlink_session_get_may_ask(round->session) || ehrlink_session_get_peer_left(round->session))
        next(round);
    else
        round->when_may_ask = next;
}

static void
reply_over(Round *round, gboolean accepted, const char *words)
{
    JsonBuilder *builder = event(round, "reply");

    round->replying = FALSE;
    output_member_bool(builder, "accepted", accepted);
    output_event_end();
    output_line("%s", words);
    confirm(round);
}

static void
on_reply_receipt(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) receipt =
        ehrlink_session_get_receipt_finish(EHRLINK_SESSION(source), result, &error);

    if (!stored(round))
        return;
    if (receipt == NULL || !session_dir_add_reply(round->directory, round->options->reply, receipt, &error))
        output_error("%s", error->message);
    reply_over(round, TRUE, _("The patient has it; the receipt for it is stored."));
}

static void
look_at_reply(Round *round)
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

    if (!stored(round))
        return;
    if (!ehrlink_session_reply_finish(EHRLINK_SESSION(source), result, &error)) {
        output_error("%s", error->message);
        reply_over(round, FALSE, _("Nothing was sent back."));
        return;
    }
    round->replying = TRUE;
    look_at_reply(round);
}

static void
send_reply(Round *round)
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

static void
on_receipt(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) receipt =
        ehrlink_session_get_receipt_finish(EHRLINK_SESSION(source), result, &error);
    char *final = NULL;

    if (!stored(round))
        return;
    if (receipt != NULL && !accept(round))
        return;
    if (receipt != NULL)
        final = session_dir_complete(round->options->output, round->session, round->items, round->files, receipt,
                                     &error);
    if (final == NULL) {
        reject(round, error);
        return;
    }
    g_free(round->directory);
    round->directory = final;
    announce(round);
    if (round->options->reply != NULL)
        when_may_ask(round, send_reply);
    else
        confirm(round);
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
        reject(round, error);
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

    if (!stored(round))
        return;
    if (items != NULL)
        more_without_listed(items);
    if (items != NULL)
        take_items(round, items, collected);
    else
        reject(round, error);
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

    if (!stored(round))
        return;
    if (collected != NULL && round->taken->len > 0) {
        g_ptr_array_extend_and_steal(collected, g_steal_pointer(&round->taken));
        round->taken = g_ptr_array_new_with_free_func(g_object_unref);
        g_ptr_array_sort(collected, by_id);
    }
    if (collected == NULL) {
        reject(round, error);
    } else if (round->resumed) {
        round->items = g_steal_pointer(&collected);
        round->storing = TRUE;
        ehrlink_session_list_items_async(round->session, round->cancellable, on_items, round);
    } else {
        take_items(round, collected, collected);
    }
}

static void collect(Round *round);

/* --- a list, and what is picked from it -------------------------------------------------------- */

static void
on_requested(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;

    if (!ehrlink_session_request_items_finish(EHRLINK_SESSION(source), result, &error) &&
        !ehrlink_session_has_ended(round->session))
        reject(round, error);
}

static void
request_picked(Round *round)
{
    if (!ehrlink_session_get_may_ask(round->session)) {
        output_note(_("The patient's device has left."));
        round->arrived = TRUE;
        collect(round);
        return;
    }
    round->arrived = FALSE;
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
        collect(round);
    else
        when_may_ask(round, request_picked);
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
    if (!stored(round))
        return;
    if (round->listed == NULL) {
        reject(round, error);
        return;
    }
    more_show(ehrlink_session_get_id(round->session), round->listed);
    if (round->options->pick == NULL) {
        ask_pick(round);
    } else if (more_pick(round->listed, round->options->pick)) {
        round->picked = TRUE;
        if (round->listed->len > 0)
            when_may_ask(round, request_picked);
        else
            collect(round);
    } else {
        g_set_error(&error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT, _("--pick: not on the list"));
        reject(round, error);
    }
}

static void
on_arrived(EhrlinkSession *session, guint items, guint64 bytes, gpointer user_data)
{
    Round *round = user_data;

    if (round->arrived)
        return; /* said again after a reattachment */
    round->arrived = TRUE;
    round->transfers++;
    output_progress_end();
    if (round->options->list && !round->picked && !round->resumed) {
        round->storing = TRUE;
        ehrlink_session_list_items_async(session, round->cancellable, on_list, round);
        return;
    }
    collect(round);
}

static void
collect(Round *round)
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
        confirm(round);
        return;
    }
    if (round->directory == NULL)
        round->directory =
            session_dir_incoming(round->options->output, ehrlink_session_get_id(session), &error);
    if (round->directory == NULL) {
        reject(round, error);
        return;
    }
    directory = g_file_new_for_path(round->directory);
    round->storing = TRUE;
    ehrlink_session_collect_async(session, directory, round->cancellable, on_collected, round);
}

/* --- what can be opened while others still come ------------------------------------------------ */

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
        JsonBuilder *builder = event(round, "ready");
        output_member_int(builder, "id", ehrlink_item_get_id(item));
        output_member_string(builder, "file", ehrlink_item_get_path(item));
        output_event_end();
        output_note(_("Here already, not complete yet: %s"), ehrlink_item_get_path(item));
    }
    if (round->early > 0)
        return;
    if (ehrlink_session_has_ended(round->session)) {
        if (!round->storing)
            end(round);
    } else if (round->collect_due) {
        round->collect_due = FALSE;
        collect(round);
    }
}

static void
on_item_stored(EhrlinkSession *session, guint id, gpointer user_data)
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

/* --- on the way ------------------------------------------------------------------------------ */

static void
on_changed(EhrlinkSession *session, gpointer user_data)
{
    Round *round = user_data;
    EhrlinkSessionState state = ehrlink_session_get_state(session);

    trouble_tell(session, &round->trouble);
    if (round->when_may_ask != NULL &&
        (ehrlink_session_get_may_ask(session) || ehrlink_session_get_peer_left(session))) {
        void (*next)(Round *) = round->when_may_ask;
        round->when_may_ask = NULL;
        next(round);
    }
    if (round->replying)
        look_at_reply(round);
    if (state == round->told)
        return;
    round->told = state;
    output_member_string(event(round, "state"), "state", ehrlink_session_state_to_string(state));
    output_event_end();
    if (state != EHRLINK_SESSION_STATE_CONFIRMING && state != EHRLINK_SESSION_STATE_FILED &&
        state != EHRLINK_SESSION_STATE_DONE && state != EHRLINK_SESSION_STATE_FAILED)
        output_note("%s", words_state(EHRLINK_ROLE_TERMINAL, state));
}

static void
on_progress(EhrlinkSession *session, guint64 done, guint64 total, gpointer user_data)
{
    JsonBuilder *builder = event(user_data, "progress");

    output_member_int(builder, "done", (gint64)done);
    output_member_int(builder, "total", (gint64)total);
    output_event_end();
    output_progress(words_state(EHRLINK_ROLE_TERMINAL, EHRLINK_SESSION_STATE_TRANSFERRING), done, total);
}

static void
attach(Round *round)
{
    g_signal_connect(round->session, "changed", G_CALLBACK(on_changed), round);
    g_signal_connect(round->session, "progress", G_CALLBACK(on_progress), round);
    g_signal_connect(round->session, "items-arrived", G_CALLBACK(on_arrived), round);
    g_signal_connect(round->session, "item-stored", G_CALLBACK(on_item_stored), round);
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
        attach(round);
    else
        over(round, error);
}

static void
on_reattached(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;

    round->session = ehrlink_client_reattach_finish(EHRLINK_CLIENT(source), result, &error);
    if (round->session != NULL)
        attach(round);
    else
        over(round, error);
}

static Round *
round_new(const ReceiveOptions *options, const RoundListener *listener, gpointer user_data)
{
    Round *round = g_new0(Round, 1);

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
    Round *round = round_new(options, listener, user_data);

    ehrlink_client_receive_async(client, receive_options_to_vardict(options), round->cancellable, on_session,
                                 round);
    return round;
}

Round *
round_resume(EhrlinkClient *client, const char *path, const ReceiveOptions *options,
             const RoundListener *listener, gpointer user_data)
{
    Round *round = round_new(options, listener, user_data);

    round->resumed = TRUE;
    ehrlink_client_reattach_async(client, path, NULL, 0, round->cancellable, on_reattached, round);
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
        over(round, NULL);
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
    g_free(round);
}
