/* SPDX-License-Identifier: Apache-2.0
 *
 * ehr-send: from a patient's files to a verified receipt. A chain of callbacks on one main loop; each
 * step below is in the order in which it happens.
 */
#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/ask.h"
#include "tools/common/output.h"
#include "tools/common/receipt-file.h"
#include "tools/common/trouble.h"
#include "tools/common/words.h"
#include "tools/send/again.h"
#include "tools/send/consent.h"
#include "tools/send/folder.h"
#include "tools/send/leave-out.h"
#include "tools/common/person.h"
#include "tools/common/session-dir.h"
#include "tools/send/options.h"
#include "tools/send/replies.h"
#include "tools/send/warn.h"

/* How long to stay after the receipt: just long enough for a kiosk that files at once, or as long as
 * staff may take. Seconds. */
#define LINGER_SHORT 5
#define LINGER_LONG 600

typedef struct {
    SendOptions options;
    ReceiptFile *receipt_file;    /* owned, NULL without --receipt */
    GPtrArray *items;             /* owned, of EhrlinkItem; with --from those that answer the request */
    LeaveOut *leave_out;          /* owned */
    Folder *folder;               /* owned, NULL without --from */
    GPtrArray *copies;            /* owned, of owned strings: cut copies of files */
    EhrlinkClient *client;        /* owned */
    EhrlinkSession *session;      /* owned, NULL before it is open */
    GCancellable *cancellable;    /* owned; ends what comes before the session */
    GBytes *receipt;              /* owned, once it is here */
    char *trouble;                /* owned: the last one that was told */
    EhrlinkSessionState told;     /* the last state that was shown */
    GError *why;                  /* owned: why we refused, when that is better than "declined" */
    GMainLoop *loop;              /* owned */
    int exit_code;
} Send;

static void
finish(Send *send, const GError *error)
{
    send->exit_code = cli_end(EHRLINK_ROLE_PATIENT, error);
    g_main_loop_quit(send->loop);
}

/* --- the end -------------------------------------------------------------------------------- */

static void
show_receipt(Send *send, GVariant *facts)
{
    g_autofree char *encoded =
        g_base64_encode(g_bytes_get_data(send->receipt, NULL), g_bytes_get_size(send->receipt));
    const char *organisation = NULL;
    guint32 items = 0;
    guint64 bytes = 0;
    gint64 time = 0;
    JsonBuilder *event = output_event("receipt");

    output_members(event, facts);
    /* last, for the facts have a member of that name: the receipt's own */
    output_member_string(event, "session", ehrlink_session_get_id(send->session));
    output_member_string(event, "receipt", encoded);
    output_event_end();

    g_variant_lookup(facts, "organisation", "&s", &organisation);
    g_variant_lookup(facts, "items", "u", &items);
    g_variant_lookup(facts, "bytes", "t", &bytes);
    g_variant_lookup(facts, "time", "x", &time);
    g_autofree char *size = words_bytes(bytes);
    g_autofree char *date = words_date(time);
    output_line(ngettext("Receipt: %u item, %s, received by %s on %s, signed and verified.",
                         "Receipt: %u items, %s, received by %s on %s, signed and verified.", items),
                items, size, organisation != NULL ? organisation : _("an unverified terminal"), date);
}

/* What became of the records, when the clinic said it in time. */
static GError *
judge_status(Send *send)
{
    const char *status = ehrlink_session_get_status(send->session);
    JsonBuilder *event;

    if (status == NULL)
        return NULL;
    event = output_event("status");
    output_member_string(event, "session", ehrlink_session_get_id(send->session));
    output_member_string(event, "status", status);
    output_event_end();
    if (g_str_equal(status, "filed")) {
        output_line(_("The clinic has filed your records."));
        return NULL;
    }
    /* The receipt stands, but the records are not kept: a script must not take that for success. */
    return g_error_new(EHRLINK_ERROR, EHRLINK_ERROR_PEER_CANNOT_STORE,
                       _("the clinic did not keep the records (%s)"), status);
}

static void
on_verified(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Send *send = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) facts =
        ehrlink_client_verify_receipt_finish(EHRLINK_CLIENT(source), result, &error);

    if (facts != NULL) {
        show_receipt(send, facts);
        if (send->receipt_file != NULL)
            receipt_file_write(send->receipt_file, send->receipt, facts, &error);
    }
    if (error == NULL)
        error = judge_status(send);
    finish(send, error);
}

static void
on_receipt(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Send *send = user_data;
    g_autoptr(GError) error = NULL;

    send->receipt = ehrlink_session_get_receipt_finish(EHRLINK_SESSION(source), result, &error);
    if (send->receipt == NULL)
        finish(send, error);
    else
        ehrlink_client_verify_receipt_async(send->client, send->receipt, NULL, on_verified, send);
}

static void
on_replies_stored(gpointer user_data)
{
    Send *send = user_data;
    g_autoptr(GError) error = ehrlink_session_dup_error(send->session);

    if (error != NULL)
        finish(send, send->why != NULL ? send->why : error);
    else
        ehrlink_session_get_receipt_async(send->session, NULL, on_receipt, send);
}

static void
on_ended(EhrlinkSession *session, gpointer user_data)
{
    consent_cancel();
    ask_cancel(user_data);
    replies_end(on_replies_stored, user_data);
}

/* --- on the way ------------------------------------------------------------------------------ */

static void
on_changed(EhrlinkSession *session, gpointer user_data)
{
    Send *send = user_data;
    EhrlinkSessionState state = ehrlink_session_get_state(session);
    JsonBuilder *event;

    trouble_tell(session, &send->trouble);
    if (state == send->told)
        return;
    send->told = state;
    event = output_event("state");
    output_member_string(event, "session", ehrlink_session_get_id(session));
    output_member_string(event, "state", ehrlink_session_state_to_string(state));
    output_event_end();
    /* consent and the end have words of their own */
    if (state != EHRLINK_SESSION_STATE_DECIDING && state != EHRLINK_SESSION_STATE_FAILED &&
        state != EHRLINK_SESSION_STATE_DONE)
        output_note("%s", words_state(EHRLINK_ROLE_PATIENT, state));
}

static void
on_progress(EhrlinkSession *session, guint64 done, guint64 total, gpointer user_data)
{
    JsonBuilder *event = output_event("progress");

    output_member_string(event, "session", ehrlink_session_get_id(session));
    output_member_int(event, "done", (gint64)done);
    output_member_int(event, "total", (gint64)total);
    output_event_end();
    output_progress(words_state(EHRLINK_ROLE_PATIENT, EHRLINK_SESSION_STATE_TRANSFERRING), done, total);
}

static void
on_named(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Send *send = user_data;
    g_autoptr(GError) error = NULL;

    if (ehrlink_session_offer_items_finish(EHRLINK_SESSION(source), result, &error))
        return;
    if (send->why == NULL)
        send->why = g_steal_pointer(&error);
    ehrlink_session_answer_consent(EHRLINK_SESSION(source), FALSE, NULL, 0, NULL);
}

/* Only now it is said which items there are: what is not among them is not spoken of. ids NULL: all. */
static void
name_items(Send *send, const guint *ids, gsize n_ids, GVariant *answer)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();

    for (gsize i = 0; i < (ids != NULL ? n_ids : send->items->len); i++)
        g_ptr_array_add(chosen, send->items->pdata[ids != NULL ? ids[i] : i]);
    ehrlink_session_offer_items_async(send->session, (EhrlinkItem **)chosen->pdata, chosen->len, answer,
                                      send->cancellable, on_named, send);
}

static void
on_decided(gboolean granted, const guint *ids, gsize n_ids, const GError *why, gpointer user_data)
{
    Send *send = user_data;
    GVariantDict answer;

    g_variant_dict_init(&answer, NULL);
    if (granted && send->options.acting_as != NULL)
        g_variant_dict_insert(&answer, "acting-as", "s", send->options.acting_as);
    if (why != NULL && send->why == NULL)
        send->why = g_error_copy(why);
    if (granted && send->folder != NULL)
        name_items(send, ids, n_ids, g_variant_dict_end(&answer));
    else
        ehrlink_session_answer_consent(send->session, granted, ids, n_ids, g_variant_dict_end(&answer));
}

static void
on_consent_requested(EhrlinkSession *session, gpointer user_data)
{
    Send *send = user_data;

    ask_cancel(send); /* about a terminal that was turned away: this is another, or it was allowed */
    if (send->folder != NULL) {
        g_autoptr(GVariant) request = ehrlink_session_get_request(session);

        consent_cancel(); /* it speaks of the items */
        g_ptr_array_unref(send->items);
        send->items = folder_answer(send->folder, request);
    }
    consent_ask(session, &send->options, send->items, on_decided, send);
}

static void
on_consent_cancelled(EhrlinkSession *session, const char *reason, gpointer user_data)
{
    consent_cancel();
}

static void
cancel_session(Send *send)
{
    ehrlink_session_cancel_async(send->session, NULL, NULL, NULL);
}

static void
on_allowed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Send *send = user_data;
    g_autoptr(GError) error = NULL;

    if (ehrlink_session_allow_unverified_finish(EHRLINK_SESSION(source), result, &error))
        output_note(_("Hold your device to the same terminal again, within a minute."));
    else if (!ehrlink_session_has_ended(send->session))
        cancel_session(send);
}

static void
on_typed(const char *answer, gpointer user_data)
{
    Send *send = user_data;
    const char *fingerprint = ehrlink_session_get_peer_fingerprint(send->session);

    if (answer != NULL && fingerprint != NULL && strlen(answer) == 8 &&
        g_ascii_strncasecmp(answer, fingerprint, 8) == 0)
        ehrlink_session_allow_unverified_async(send->session, fingerprint, NULL, on_allowed, send);
    else
        cancel_session(send);
}

static void
on_stopped(EhrlinkSession *session, gpointer user_data)
{
    Send *send = user_data;
    EhrlinkError problem = EHRLINK_ERROR_UNVERIFIED;

    consent_show_peer(session);
    ehrlink_session_get_peer_problem(session, &problem);
    g_clear_error(&send->why);
    send->why = g_error_new_literal(EHRLINK_ERROR, (int)problem, ehrlink_error_get_text(problem));
    if (send->options.yes) {
        cancel_session(send); /* going on takes a person */
        return;
    }
    ask_cancel(send);
    ask_line(_("To go on all the same, type the first eight digits of the fingerprint; else press Enter:"),
             on_typed, send);
}

/* --- the beginning --------------------------------------------------------------------------- */

static void
follow(Send *send)
{
    g_signal_connect(send->session, "changed", G_CALLBACK(on_changed), send);
    g_signal_connect(send->session, "progress", G_CALLBACK(on_progress), send);
    g_signal_connect(send->session, "consent-requested", G_CALLBACK(on_consent_requested), send);
    g_signal_connect(send->session, "consent-cancelled", G_CALLBACK(on_consent_cancelled), send);
    g_signal_connect(send->session, "stopped", G_CALLBACK(on_stopped), send);
    if (send->options.replies != NULL)
        replies_watch(send->session, &send->options);
    g_signal_connect(send->session, "ended", G_CALLBACK(on_ended), send);
    on_changed(send->session, send);
}

static void
on_session(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Send *send = user_data;
    g_autoptr(GError) error = NULL;

    send->session = ehrlink_client_send_finish(EHRLINK_CLIENT(source), result, &error);
    if (send->session != NULL)
        follow(send);
    else
        finish(send, error);
}

static void
open_session(Send *send)
{
    GVariantDict options;

    g_variant_dict_init(&options, NULL);
    if (send->options.timeout > 0)
        g_variant_dict_insert(&options, "timeout", "u", (guint32)send->options.timeout);
    if (send->options.acting_as != NULL)
        g_variant_dict_insert(&options, "acting-as", "s", send->options.acting_as);
    g_variant_dict_insert(&options, "linger", "u",
                          (guint32)(send->options.wait_filed || send->options.replies != NULL
                                        ? LINGER_LONG
                                        : LINGER_SHORT));
    if (send->options.replies != NULL)
        g_variant_dict_insert(&options, "replies", "b", TRUE);
    if (send->folder != NULL)
        g_variant_dict_insert(&options, "offer-later", "b", TRUE);
    ehrlink_client_send_async(send->client, (EhrlinkItem **)send->items->pdata, send->items->len,
                              g_variant_dict_end(&options), send->cancellable, on_session, send);
}

/* An interrupted session of just these files goes on; else it takes a tap. */
static void
on_looked_again(EhrlinkSession *session, GPtrArray *items, gpointer user_data)
{
    Send *send = user_data;

    if (session == NULL) {
        open_session(send);
        return;
    }
    g_ptr_array_unref(send->items);
    send->items = g_ptr_array_ref(items);
    send->session = g_object_ref(session);
    follow(send);
}

static void
on_client(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Send *send = user_data;
    g_autoptr(GError) error = NULL;

    send->client = ehrlink_client_new_finish(result, &error);
    if (send->client == NULL)
        finish(send, error);
    else if (send->options.new)
        open_session(send);
    else
        again_look(send->client, &send->options, send->folder, send->items, send->cancellable,
                   on_looked_again, send);
}

static void
on_interrupt(gpointer user_data)
{
    Send *send = user_data;

    output_note("\n%s", _("Cancelling …"));
    consent_cancel();
    g_cancellable_cancel(send->cancellable);
    if (send->session != NULL && !ehrlink_session_has_ended(send->session))
        cancel_session(send);
}

static void
send_clear(Send *send)
{
    if (send->session != NULL)
        g_signal_handlers_disconnect_by_data(send->session, send);
    g_clear_object(&send->session);
    g_clear_object(&send->client);
    g_clear_object(&send->cancellable);
    g_clear_pointer(&send->receipt, g_bytes_unref);
    g_clear_pointer(&send->receipt_file, receipt_file_free);
    g_clear_pointer(&send->items, g_ptr_array_unref);
    g_clear_pointer(&send->folder, folder_free);
    g_clear_pointer(&send->leave_out, leave_out_free);
    g_clear_pointer(&send->copies, g_ptr_array_unref);
    g_clear_pointer(&send->loop, g_main_loop_unref);
    g_clear_error(&send->why);
    g_clear_pointer(&send->trouble, g_free);
    send_options_clear(&send->options);
}

/* More would keep a person waiting; ehr-view --check looks at all. */
#define CHECKED_MAX 200

static gboolean
gather_folder(Send *send, GError **error)
{
    send->folder = folder_new(&send->options, send->leave_out, error);
    if (send->folder == NULL)
        return FALSE;
    if (folder_n_offered(send->folder) == 0) {
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, _("there is nothing in it to offer"));
        return FALSE;
    }
    if (!leave_out_matched(send->leave_out, error))
        return FALSE;
    output_note(ngettext("%u record is offered.", "%u records are offered.", folder_n_offered(send->folder)),
                folder_n_offered(send->folder));
    if (folder_n_offered(send->folder) <= CHECKED_MAX) {
        g_auto(GStrv) paths = folder_paths(send->folder);
        warn_of_findings(paths);
    }
    return TRUE;
}

static gboolean
gather_file(Send *send, const char *path, GPtrArray *paths, GError **error)
{
    g_autofree char *copy = NULL, *name = g_path_get_basename(path);
    const LeaveOutResult result = leave_out_is_empty(send->leave_out)
                                      ? LEAVE_OUT_NOTHING
                                      : leave_out_of_file(send->leave_out, path, &copy, error);
    EhrlinkItem *item;

    if (result == LEAVE_OUT_FAILED)
        return FALSE;
    if (result == LEAVE_OUT_WHOLE)
        return TRUE;
    item = ehrlink_item_new_for_path(copy != NULL ? copy : path);
    if (copy != NULL)
        ehrlink_item_set_name(item, name);
    g_ptr_array_add(send->items, item);
    g_ptr_array_add(paths, g_strdup(copy != NULL ? copy : path));
    if (copy != NULL)
        g_ptr_array_add(send->copies, g_steal_pointer(&copy));
    return TRUE;
}

static gboolean
gather_files(Send *send, GError **error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    for (char **file = send->options.files; *file != NULL; file++)
        if (!gather_file(send, *file, paths, error))
            return FALSE;
    if (send->items->len == 0) {
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, _("all of it is left out: nothing is sent"));
        return FALSE;
    }
    if (!leave_out_matched(send->leave_out, error))
        return FALSE;
    g_ptr_array_add(paths, NULL);
    ehrlink_item_recognise_all((EhrlinkItem **)send->items->pdata, send->items->len);
    person_mark_subjects(send->items);
    warn_of_findings((char **)paths->pdata);
    return TRUE;
}

/* What is offered: files, or what of a folder the options choose. */
static gboolean
gather(Send *send, GError **error)
{
    const SendOptions *options = &send->options;

    send->items = g_ptr_array_new_with_free_func(g_object_unref);
    send->copies = g_ptr_array_new_with_free_func(g_free);
    send->leave_out = leave_out_new(options->exclude, options->include, error);
    if (send->leave_out == NULL)
        return FALSE;
    if (!leave_out_is_empty(send->leave_out) || options->only != NULL || options->since != NULL ||
        options->until != NULL || options->type != NULL || options->last > 0)
        consent_warn_withholding();
    return options->from != NULL ? gather_folder(send, error) : gather_files(send, error);
}

/* The clinic has it: no need to be able to take it up again. */
static void
forget_copies(Send *send)
{
    if (send->folder != NULL)
        folder_forget(send->folder);
    for (guint i = 0; i < send->copies->len; i++)
        leave_out_forget(send->copies->pdata[i]);
}

static int
run(Send *send)
{
    g_autoptr(GError) error = NULL;

    if (send->options.receipt != NULL) {
        send->receipt_file = receipt_file_reserve(send->options.receipt, &error);
        if (send->receipt_file == NULL)
            return cli_end(EHRLINK_ROLE_PATIENT, error);
    }
    if (send->options.replies != NULL && !session_dir_prepare(send->options.replies, &error))
        return cli_end(EHRLINK_ROLE_PATIENT, error);
    if (!gather(send, &error))
        return cli_end(EHRLINK_ROLE_PATIENT, error);
    send->cancellable = g_cancellable_new();
    send->loop = g_main_loop_new(NULL, FALSE);
    cli_on_interrupt(on_interrupt, send);
    ehrlink_client_new_async(send->cancellable, on_client, send);
    g_main_loop_run(send->loop);
    if (send->exit_code == 0)
        forget_copies(send);
    return send->exit_code;
}

int
main(int argc, char **argv)
{
    Send send = {0};
    int code;

    cli_init("ehr-send");
    code = send_options_parse(&send.options, argc, argv);
    if (code == 0)
        code = run(&send);
    send_clear(&send);
    return code < 0 ? EXIT_SUCCESS : code;
}
