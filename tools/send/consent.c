/* SPDX-License-Identifier: Apache-2.0
 *
 * See consent.h. One question at a time; main thread.
 */
#include "tools/send/consent.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/ask.h"
#include "tools/common/choice.h"
#include "tools/common/output.h"
#include "tools/common/words.h"
#include "tools/send/folder.h"

/* How long before the end of the time for consent the person is warned. */
#define WARN_SECONDS 30

static struct {
    EhrlinkSession *session; /* borrowed while a question is open */
    guint n_items;         /* that fit what is asked for */
    guint *fitting;        /* owned: their ids */
    guint warn_source;
    ConsentDecided callback;
    gpointer user_data;
} open_question;

static void
show_line(const char *label, const char *value)
{
    if (value != NULL && *value != '\0')
        output_note("  %-16s %s", label, value);
}

static char *
place_of(EhrlinkSession *session)
{
    const char *terminal = ehrlink_session_get_peer_terminal(session);
    const char *place = ehrlink_session_get_peer_place(session);

    if (terminal != NULL && place != NULL)
        return g_strdup_printf("%s, %s", terminal, place);
    return g_strdup(terminal != NULL ? terminal : place);
}

static void
show_identity(EhrlinkSession *session)
{
    g_autofree char *place = place_of(session);
    const char *fingerprint = ehrlink_session_get_peer_fingerprint(session);
    const char *crl = ehrlink_session_get_peer_crl_state(session);
    EhrlinkError problem = EHRLINK_ERROR_INTERNAL;

    if (ehrlink_session_get_peer_verified(session)) {
        show_line(_("Terminal of:"), ehrlink_session_get_peer_organisation(session));
        show_line("", place);
        show_line(_("Vouched for by:"), ehrlink_session_get_peer_authority(session));
        show_line(_("Verified:"), g_strcmp0(crl, "not-checked") == 0
                                      ? _("yes, but revocation was NOT checked")
                                      : _("yes"));
        return;
    }
    show_line(_("Verified:"), _("NO. Nobody you trust vouches for this terminal."));
    if (ehrlink_session_get_peer_problem(session, &problem))
        show_line(_("Because:"), _(ehrlink_error_get_text(problem)));
    show_line(_("It says it is:"), ehrlink_session_get_peer_organisation(session));
    if (fingerprint != NULL) {
        g_autofree char *grouped = words_fingerprint(fingerprint);
        show_line(_("Fingerprint:"), grouped);
    }
}

static char *
join_categories(GVariant *request)
{
    g_autoptr(GVariant) list =
        g_variant_lookup_value(request, "categories", G_VARIANT_TYPE_STRING_ARRAY);
    GString *text = g_string_new(NULL);

    for (gsize i = 0; list != NULL && i < g_variant_n_children(list); i++) {
        const char *code;
        g_variant_get_child(list, i, "&s", &code);
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", words_category(code));
    }
    if (text->len == 0)
        g_string_append(text, _("any records"));
    return g_string_free(text, FALSE);
}

static char *
days(GVariant *request, const char *key, const char *none)
{
    guint64 n = 0;

    g_variant_lookup(request, key, "t", &n);
    if (n == 0)
        return g_strdup(none);
    g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, n);
    return g_strdup_printf(ngettext("%s day", "%s days", (gulong)n), number);
}

/* Of one query what is more than categories. */
static void
show_query(GVariant *query)
{
    static const char *const keys[] = {"type", "since", "until"};
    const char *labels[] = {_("Only of type:"), _("Not before:"), _("Not after:")};
    g_autoptr(GVariant) ids = g_variant_lookup_value(query, "ids", G_VARIANT_TYPE_STRING_ARRAY);
    const char *text;
    guint32 last = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (g_variant_lookup(query, keys[i], "&s", &text)) {
            g_autofree char *safe = ehrlink_safe_text(text, 80);
            show_line(labels[i], safe);
        }
    if (g_variant_lookup(query, "last", "u", &last)) {
        g_autofree char *number = g_strdup_printf("%u", last);
        show_line(_("The newest:"), number);
    }
    for (gsize i = 0; ids != NULL && i < g_variant_n_children(ids); i++) {
        g_variant_get_child(ids, i, "&s", &text);
        g_autofree char *safe = ehrlink_safe_text(text, 80);
        show_line(_("By number:"), safe);
    }
}

static void
show_conditions(GVariant *request)
{
    g_autoptr(GVariant) queries = g_variant_lookup_value(request, "queries", G_VARIANT_TYPE("aa{sv}"));

    for (gsize i = 0; queries != NULL && i < g_variant_n_children(queries); i++) {
        g_autoptr(GVariant) query = g_variant_get_child_value(queries, i);
        show_query(query);
    }
}

static void
show_request(GVariant *request)
{
    g_autoptr(GVariant) operator= g_variant_lookup_value(request, "operator", G_VARIANT_TYPE_VARDICT);
    g_autofree char *categories = join_categories(request);
    g_autofree char *period = days(request, "period-days", _("for this visit"));
    g_autofree char *retention = days(request, "retention-days", _("as its law says"));
    const char *purpose = "", *text = NULL, *display = NULL;

    g_variant_lookup(request, "purpose", "&s", &purpose);
    show_line(_("Asks for:"), categories);
    show_conditions(request);
    show_line(_("Purpose:"), words_purpose(purpose));
    show_line(_("Uses them:"), period);
    show_line(_("Keeps them:"), retention);
    if (operator!= NULL && g_variant_lookup(operator, "display", "&s", &display)) {
        g_autofree char *safe = ehrlink_safe_text(display, 80);
        show_line(_("At the desk:"), safe);
    } else {
        show_line(_("At the desk:"), _("an unattended kiosk"));
    }
    if (g_variant_lookup(request, "text", "&s", &text)) {
        g_autofree char *safe = ehrlink_safe_text(text, 300);
        g_autofree char *quoted = g_strdup_printf("“%s”", safe);
        show_line(_("Its own words:"), quoted);
    }
}

static void
tell_json(EhrlinkSession *session, GVariant *request)
{
    g_autoptr(GVariant) details = ehrlink_session_get_details(session);
    g_autoptr(GVariant) peer = g_variant_lookup_value(details, "peer", G_VARIANT_TYPE_VARDICT);
    JsonBuilder *event = output_event("peer");

    output_member_string(event, "session", ehrlink_session_get_id(session));
    if (peer != NULL)
        output_members(event, peer);
    output_event_end();
    event = output_event("request");
    output_member_string(event, "session", ehrlink_session_get_id(session));
    if (request != NULL)
        output_members(event, request);
    output_event_end();
}

void
consent_show_peer(EhrlinkSession *session)
{
    g_autoptr(GVariant) request = ehrlink_session_get_request(session);

    if (output_is_json()) {
        tell_json(session, request);
        return;
    }
    show_identity(session);
    if (request != NULL)
        show_request(request);
}

void
consent_warn_withholding(void)
{
    static gboolean told;

    if (!told)
        output_note(_("What you leave out can matter for your care: those who treat you will not know of it, and cannot see that "
                      "something is missing."));
    told = TRUE;
}

static void
decide(gboolean granted, guint *ids, gsize n_ids, const GError *why)
{
    ConsentDecided callback = open_question.callback;

    open_question.callback = NULL;
    g_clear_handle_id(&open_question.warn_source, g_source_remove);
    for (gsize i = 0; ids != NULL && i < n_ids; i++) /* numbers on the screen → ids */
        ((guint *)ids)[i] = open_question.fitting[ids[i]];
    callback(granted, ids, n_ids, why, open_question.user_data);
}

/* --to names whom the person expects; another one gets nothing, whoever vouches for it. */
gboolean
consent_is_expected(EhrlinkSession *session, const SendOptions *options)
{
    if (options->to == NULL)
        return TRUE;
    if (options->to_fingerprint != NULL)
        return g_strcmp0(ehrlink_session_get_peer_fingerprint(session), options->to_fingerprint) == 0;
    return ehrlink_session_get_peer_verified(session) &&
           g_strcmp0(ehrlink_session_get_peer_organisation(session), options->to) == 0;
}

static void ask_again(void);
static void warn_in_time(void);

static gboolean
on_nearly_over(gpointer user_data)
{
    open_question.warn_source = 0;
    output_note(_("\n%d seconds are left. Type “more” for as much time again."), WARN_SECONDS);
    return G_SOURCE_REMOVE;
}

static void
warn_in_time(void)
{
    int left = ehrlink_session_get_deadline(open_question.session);

    g_clear_handle_id(&open_question.warn_source, g_source_remove);
    if (left > WARN_SECONDS)
        open_question.warn_source =
            g_timeout_add_seconds((guint)(left - WARN_SECONDS), on_nearly_over, NULL);
}

static void
on_extended(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    if (ehrlink_session_extend_finish(EHRLINK_SESSION(source), result, &error) < 0)
        output_note(_("There is no more time to be had."));
    else if (open_question.callback != NULL)
        warn_in_time();
}

static void
on_answer(const char *answer, gpointer user_data)
{
    gsize n_ids = 0;

    if (answer == NULL || ask_is_no(answer)) {
        decide(FALSE, NULL, 0, NULL);
    } else if (ask_is_yes(answer)) {
        decide(TRUE, NULL, 0, NULL);
    } else if (g_str_equal(answer, "more")) {
        ehrlink_session_extend_async(open_question.session, NULL, on_extended, NULL);
        ask_again();
    } else {
        g_autofree guint *ids = choice_parse(answer, open_question.n_items, &n_ids);
        if (ids == NULL)
            ask_again();
        else {
            if (n_ids < open_question.n_items)
                consent_warn_withholding();
            decide(TRUE, ids, n_ids, NULL);
        }
    }
}

static void
ask_again(void)
{
    ask_line(open_question.n_items == 1
                 ? _("Send it? yes or no:")
                 : _("Send all of them? yes, no, or the numbers to send (1,3-4):"),
             on_answer, NULL);
}

static void
show_items(GPtrArray *items, gboolean list)
{
    if (list)
        output_note(_("\nYou would show the list of these; what is asked for of it is then sent without another question:"));
    else
        output_note(_("\nYou would send:"));
    for (guint i = 0; i < open_question.n_items; i++) {
        EhrlinkItem *item = g_ptr_array_index(items, open_question.fitting[i]);
        g_autofree char *name = ehrlink_safe_text(ehrlink_item_get_name(item), 60);
        g_autofree char *size = words_bytes(ehrlink_item_get_size(item));
        g_autofree char *what = words_item(item);
        output_note("  %3u  %s  (%s)", i + 1, name, size);
        g_autofree char *remark = folder_remark(item);
        if (what != NULL)
            output_note("       %s", what);
        if (remark != NULL)
            output_note("       %s", remark);
    }
}

/* What the person is asked about, or --yes agrees to, for scripts. */
static void
tell_items(EhrlinkSession *session, GPtrArray *items)
{
    for (guint i = 0; i < open_question.n_items; i++) {
        EhrlinkItem *item = g_ptr_array_index(items, open_question.fitting[i]);
        JsonBuilder *event = output_event("choice");

        output_member_string(event, "session", ehrlink_session_get_id(session));
        output_member_int(event, "number", i + 1);
        output_member_string(event, "name", ehrlink_item_get_name(item));
        output_member_int(event, "size", (gint64)ehrlink_item_get_size(item));
        output_item_members(event, item);
        folder_members(event, item);
        output_event_end();
    }
}

static void
take_all(guint n_items)
{
    g_free(open_question.fitting);
    open_question.fitting = g_new(guint, n_items + 1);
    open_question.n_items = n_items;
    for (guint i = 0; i < n_items; i++)
        open_question.fitting[i] = i;
}

static void
take_fitting(EhrlinkSession *session, guint n_items)
{
    gsize n = 0;
    const guint *ids = ehrlink_session_get_matching(session, &n);

    g_free(open_question.fitting);
    open_question.fitting = g_new(guint, n + 1);
    open_question.n_items = 0;
    for (gsize i = 0; i < n; i++)
        if (ids[i] < n_items)
            open_question.fitting[open_question.n_items++] = ids[i];
}

void
consent_ask(EhrlinkSession *session, const SendOptions *options, GPtrArray *items,
            ConsentDecided callback, gpointer user_data)
{
    g_autoptr(GError) why = NULL;

    consent_cancel(); /* asked again after a reattachment */
    open_question.callback = callback;
    open_question.user_data = user_data;
    open_question.session = session;
    if (options->from != NULL)
        take_all(items->len); /* they were made to fit */
    else
        take_fitting(session, items->len);
    consent_show_peer(session);
    if (!consent_is_expected(session, options))
        g_set_error_literal(&why, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_PEER,
                            ehrlink_error_get_text(EHRLINK_ERROR_WRONG_PEER));
    else if (open_question.n_items == 0)
        g_set_error_literal(&why, EHRLINK_ERROR, EHRLINK_ERROR_DECLINED,
                            _("nothing of what you offer was asked for"));
    if (why != NULL) {
        decide(FALSE, NULL, 0, why);
        return;
    }
    tell_items(session, items);
    if (options->yes) {
        decide(TRUE, NULL, 0, NULL);
    } else {
        show_items(items, ehrlink_session_get_request_list(session));
        warn_in_time();
        ask_again();
    }
}

void
consent_cancel(void)
{
    if (open_question.callback == NULL)
        return;
    open_question.callback = NULL;
    g_clear_handle_id(&open_question.warn_source, g_source_remove);
    ask_cancel(NULL);
}
