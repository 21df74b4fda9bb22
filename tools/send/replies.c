/* SPDX-License-Identifier: Apache-2.0
 *
 * See replies.h. One session; main thread.
 */
#include "tools/send/replies.h"

#include <glib/gi18n.h>

#include "tools/common/ask.h"
#include "tools/common/output.h"
#include "tools/common/received.h"
#include "tools/common/session-dir.h"
#include "tools/common/words.h"
#include "tools/send/consent.h"

static struct {
    EhrlinkSession *session;    /* borrowed */
    const SendOptions *options; /* borrowed */
    char *directory;            /* owned: where it is coming in, NULL: nowhere */
    GPtrArray *items, *files;   /* owned, once collected: all of the reply in course */
    gboolean collecting;        /* the end waits for it */
    GBytes *receipt;            /* owned, once it is here */
    gboolean fetching;          /* receipt and proof: likewise */
    void (*then)(gpointer user_data);
    gpointer then_data;
} back;

static JsonBuilder *
event(const char *name)
{
    JsonBuilder *builder = output_event(name);

    output_member_string(builder, "session", ehrlink_session_get_id(back.session));
    return builder;
}

static void
show(GPtrArray *items)
{
    const char *organisation = ehrlink_session_get_peer_organisation(back.session);

    output_note(_("\n%s would send you:"),
                ehrlink_session_get_peer_verified(back.session) && organisation != NULL
                    ? organisation
                    : _("A terminal that nobody vouches for"));
    for (guint i = 0; i < items->len; i++) {
        EhrlinkItem *item = g_ptr_array_index(items, i);
        g_autofree char *name = ehrlink_safe_text(ehrlink_item_get_name(item), 60);
        g_autofree char *size = words_bytes(ehrlink_item_get_size(item));
        g_autofree char *what = words_item(item);
        JsonBuilder *builder = event("offered");

        output_member_string(builder, "name", ehrlink_item_get_name(item));
        output_member_int(builder, "size", (gint64)ehrlink_item_get_size(item));
        output_item_members(builder, item);
        output_event_end();
        output_note("  %3u  %s  (%s)", i + 1, name, size);
        if (what != NULL)
            output_note("       %s", what);
    }
}

static void
answer(gboolean accepted)
{
    output_member_bool(event("reply"), "accepted", accepted);
    output_event_end();
    ehrlink_session_answer_reply(back.session, accepted);
}

static void
on_answer(const char *text, gpointer user_data)
{
    if (ask_is_yes(text))
        answer(TRUE);
    else if (text == NULL || ask_is_no(text))
        answer(FALSE);
    else
        ask_line(_("Take it? yes or no:"), on_answer, &back);
}

static void
on_offered(EhrlinkSession *session, GPtrArray *items, gpointer user_data)
{
    show(items);
    ask_cancel(&back);
    if (back.options->yes)
        answer(TRUE); /* --to named this clinic, and --replies asked for it */
    else
        ask_line(_("Take it? yes or no:"), on_answer, &back);
}

static void
on_cancelled(EhrlinkSession *session, const char *reason, gpointer user_data)
{
    ask_cancel(&back);
}

static void on_changed(EhrlinkSession *session, gpointer user_data);
static void over(void);

static guint
transfer_of(GPtrArray *items, guint i)
{
    return (guint)ehrlink_item_get_transfer(g_ptr_array_index(items, i));
}

/* What came back before is through; the last of the list is of the reply in course. */
static void
leave_last(GPtrArray *items)
{
    guint last = items->len > 0 ? transfer_of(items, items->len - 1) : 0;

    for (guint i = items->len; i > 0; i--)
        if (transfer_of(items, i - 1) != last)
            g_ptr_array_remove_index(items, i - 1);
}

/* Nothing is on its way here any more, but what this begins. */
static void
collected(void)
{
    back.collecting = FALSE;
    on_changed(back.session, NULL); /* which may have been told before us */
    if (back.then != NULL && !back.fetching)
        over();
}

static void
take_items(GPtrArray *items, GPtrArray *now)
{
    g_autoptr(GPtrArray) files = session_dir_files(back.directory, items, now);
    g_autoptr(GError) error = NULL;

    if (g_ptr_array_find(files, NULL, NULL)) {
        g_set_error(&error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED, _("%s: what was stored there is gone"),
                    back.directory);
        cli_complain(error);
        return;
    }
    back.items = g_ptr_array_ref(items);
    back.files = g_steal_pointer(&files);
}

/* An earlier run of this program may have stored some, which the service does not give again. */
static void
on_listed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GPtrArray) now = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) items = ehrlink_session_list_replies_finish(EHRLINK_SESSION(source), result, &error);

    if (items == NULL) {
        cli_complain(error);
    } else {
        leave_last(items);
        take_items(items, now);
    }
    collected();
}

static void
on_collected(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *items = ehrlink_session_collect_replies_finish(EHRLINK_SESSION(source), result, &error);

    if (items == NULL) {
        cli_complain(error); /* the service gives up the transfer: no receipt for it */
        collected();
        return;
    }
    ehrlink_session_list_replies_async(EHRLINK_SESSION(source), NULL, on_listed, items);
}

static void
on_arrived(EhrlinkSession *session, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GFile) directory = NULL;

    if (back.collecting || back.items != NULL)
        return; /* said again after a reattachment */
    g_free(back.directory);
    back.directory =
        session_dir_incoming(back.options->replies, ehrlink_session_get_id(session), &error);
    if (back.directory == NULL) {
        cli_complain(error);
        return;
    }
    back.collecting = TRUE;
    directory = g_file_new_for_path(back.directory);
    ehrlink_session_collect_replies_async(session, directory, NULL, on_collected, NULL);
}

static void
over(void)
{
    void (*then)(gpointer) = back.then;

    back.fetching = FALSE;
    g_clear_pointer(&back.items, g_ptr_array_unref);
    g_clear_pointer(&back.files, g_ptr_array_unref);
    g_clear_pointer(&back.receipt, g_bytes_unref);
    if (then == NULL)
        return; /* another may come in this session */
    if (back.directory != NULL)
        session_dir_remove(back.directory, NULL);
    g_clear_pointer(&back.directory, g_free);
    back.then = NULL;
    then(back.then_data);
}

static void
tell(const char *directory)
{
    for (guint i = 0; i < back.items->len; i++) {
        EhrlinkItem *item = g_ptr_array_index(back.items, i);
        g_autofree char *file = g_build_filename(directory, back.files->pdata[i], NULL);
        JsonBuilder *builder = event("replied");

        output_member_string(builder, "file", file);
        output_item_members(builder, item);
        output_event_end();
        output_line("  %s", file);
        if (g_strcmp0(ehrlink_item_get_category(item), "Electronic-Prescriptions") == 0)
            output_line(_("    (copy for information)"));
    }
}

static void
on_origin(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) proof = ehrlink_session_get_origin_finish(EHRLINK_SESSION(source), result, &error);
    g_autofree char *final = NULL;

    if (proof != NULL)
        final = session_dir_complete(back.options->replies, back.session, back.items, back.files,
                                     back.receipt, proof, &error);
    if (final == NULL) {
        cli_complain(error);
        over();
        return;
    }
    if (!received_note(final, &error))
        cli_complain(error); /* it is stored all the same, but will never be shown as verified */
    output_line(_("From the clinic:"));
    tell(final);
    g_clear_pointer(&back.directory, g_free);
    over();
}

static guint
transfer_in_course(void)
{
    return transfer_of(back.items, 0);
}

/* What the clinic signed is kept with the receipt that we signed. */
static void
on_receipt(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    g_clear_pointer(&back.receipt, g_bytes_unref);
    back.receipt = ehrlink_session_get_receipt_finish(EHRLINK_SESSION(source), result, &error);
    if (back.receipt == NULL) {
        cli_complain(error);
        over();
        return;
    }
    ehrlink_session_get_origin_async(EHRLINK_SESSION(source), transfer_in_course(), NULL, on_origin, NULL);
}

static void
on_changed(EhrlinkSession *session, gpointer user_data)
{
    if (back.items == NULL || back.fetching || back.items->len == 0 ||
        g_strcmp0(ehrlink_session_get_reply_state(session), "complete") != 0)
        return;
    back.fetching = TRUE;
    ehrlink_session_get_receipt_of_async(session, transfer_in_course(), NULL, on_receipt, NULL);
}

void
replies_watch(EhrlinkSession *session, const SendOptions *options)
{
    back.session = session;
    back.options = options;
    g_signal_connect(session, "reply-offered", G_CALLBACK(on_offered), &back);
    g_signal_connect(session, "reply-arrived", G_CALLBACK(on_arrived), &back);
    g_signal_connect(session, "consent-cancelled", G_CALLBACK(on_cancelled), &back);
    g_signal_connect(session, "changed", G_CALLBACK(on_changed), &back);
}

void
replies_end(void (*then)(gpointer user_data), gpointer user_data)
{
    ask_cancel(&back);
    if (back.session != NULL)
        g_signal_handlers_disconnect_by_data(back.session, &back);
    back.then = then;
    back.then_data = user_data;
    if (!back.fetching && !back.collecting)
        over();
}
