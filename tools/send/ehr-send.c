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
#include "tools/common/session-dir.h"
#include "tools/common/trouble.h"
#include "tools/common/words.h"
#include "tools/send/again.h"
#include "tools/send/consent.h"
#include "tools/send/offer.h"
#include "tools/send/options.h"
#include "tools/send/replies.h"
#include "tools/send/result.h"

/* How long to stay after the receipt: just long enough for a kiosk that files at once, or as long as
 * staff may take. Seconds. */
#define LINGER_SHORT 5
#define LINGER_LONG 600

typedef struct {
    SendOptions options;
    ReceiptFile *receipt_file;    /* owned, NULL without --receipt */
    Offer offer;
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
on_verified(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Send *send = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) facts =
        ehrlink_client_verify_receipt_finish(EHRLINK_CLIENT(source), result, &error);

    if (facts != NULL) {
        result_show_receipt(send->session, send->receipt, facts);
        if (send->receipt_file != NULL)
            receipt_file_write(send->receipt_file, send->receipt, facts, &error);
    }
    if (error == NULL)
        error = result_judge_status(send->session);
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

    if (!trouble_tell(session, &send->trouble) && state == send->told)
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

    for (gsize i = 0; i < (ids != NULL ? n_ids : send->offer.items->len); i++)
        g_ptr_array_add(chosen, send->offer.items->pdata[ids != NULL ? ids[i] : i]);
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
    if (granted && send->offer.folder != NULL)
        name_items(send, ids, n_ids, g_variant_dict_end(&answer));
    else
        ehrlink_session_answer_consent(send->session, granted, ids, n_ids, g_variant_dict_end(&answer));
}

static void
on_consent_requested(EhrlinkSession *session, gpointer user_data)
{
    Send *send = user_data;

    ask_cancel(send); /* about a terminal that was turned away: this is another, or it was allowed */
    if (send->offer.folder != NULL) {
        g_autoptr(GVariant) request = ehrlink_session_get_request(session);

        consent_cancel(); /* it speaks of the items */
        offer_answer(&send->offer, request);
    }
    consent_ask(session, &send->options, send->offer.items, on_decided, send);
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
    if (send->offer.folder != NULL)
        g_variant_dict_insert(&options, "offer-later", "b", TRUE);
    ehrlink_client_send_async(send->client, (EhrlinkItem **)send->offer.items->pdata, send->offer.items->len,
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
    g_ptr_array_unref(send->offer.items);
    send->offer.items = g_ptr_array_ref(items);
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
        again_look(send->client, &send->options, send->offer.folder, send->offer.items, send->cancellable,
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
    offer_clear(&send->offer);
    g_clear_pointer(&send->loop, g_main_loop_unref);
    g_clear_error(&send->why);
    g_clear_pointer(&send->trouble, g_free);
    send_options_clear(&send->options);
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
    if (!offer_gather(&send->offer, &send->options, &error))
        return cli_end(EHRLINK_ROLE_PATIENT, error);
    send->cancellable = g_cancellable_new();
    send->loop = g_main_loop_new(NULL, FALSE);
    cli_on_interrupt(on_interrupt, send);
    ehrlink_client_new_async(send->cancellable, on_client, send);
    g_main_loop_run(send->loop);
    if (send->exit_code == 0)
        offer_forget(&send->offer);
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
