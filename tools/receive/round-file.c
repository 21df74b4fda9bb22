/* SPDX-License-Identifier: Apache-2.0
 *
 * What arrived and was stored: told, looked into, held against who is expected, and then filed, discarded, or left
 * for later.
 */
#include "tools/receive/round-private.h"

#include <glib/gi18n.h>

#include "tools/common/ask.h"
#include "tools/common/output.h"
#include "tools/common/words-service.h"
#include "tools/common/person.h"
#include "tools/common/session-dir.h"
#include "tools/common/words.h"
#include "tools/receive/records.h"

#define ASK_FILE N_("Is this the person in front of you? yes files the records, no deletes them:")

static void
mention(const GError *error)
{
    g_autofree char *words = words_error(error);

    output_note("%s", words);
}

static void
on_done(GObject *source, GAsyncResult *result, gpointer user_data)
{
    /* What became of it comes with "ended"; an error here means that the session ended meanwhile. */
    g_autoptr(GError) error = NULL;

    if (!ehrlink_session_file_finish(EHRLINK_SESSION(source), result, &error))
        mention(error);
}

static void
on_discarded(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    if (!ehrlink_session_discard_finish(EHRLINK_SESSION(source), result, &error))
        mention(error);
}

/* Whoever finds the directory after a crash must not take it for one that nobody confirmed. */
static gboolean
file_it(Round *round, GError **error)
{
    if (!session_dir_set_state(round->directory, "filing", error))
        return FALSE;
    ehrlink_session_file_async(round->session, NULL, on_done, NULL);
    return TRUE;
}

static void
on_answer(const char *answer, gpointer user_data)
{
    Round *round = user_data;
    g_autoptr(GError) error = NULL;

    if (ask_is_yes(answer) && file_it(round, &error))
        return;
    if (error != NULL)
        cli_complain(error);
    if (ask_is_no(answer))
        ehrlink_session_discard_async(round->session, NULL, NULL, on_discarded, NULL);
    else if (answer != NULL)
        ask_line(_(ASK_FILE), on_answer, round);
    /* no answer: nobody is there; the filing time runs out and discards them */
}

static void
add_differences(JsonBuilder *builder, char **differences)
{
    json_builder_set_member_name(builder, "differences");
    json_builder_begin_array(builder);
    for (; differences != NULL && *differences != NULL; differences++)
        json_builder_add_string_value(builder, *differences);
    json_builder_end_array(builder);
}

static void
tell_people(Round *round, const GPtrArray *people, char **differences)
{
    JsonBuilder *builder = round_event(round, "person");

    if (people->len > 0)
        person_add_members(g_ptr_array_index(people, 0), builder);
    add_differences(builder, differences);
    if (people->len > 1) {
        json_builder_set_member_name(builder, "others");
        json_builder_begin_array(builder);
        for (guint i = 1; i < people->len; i++) {
            json_builder_begin_object(builder);
            person_add_members(g_ptr_array_index(people, i), builder);
            json_builder_end_object(builder);
        }
        json_builder_end_array(builder);
    }
    output_event_end();
    people_show(people);
    for (; differences != NULL && *differences != NULL; differences++)
        output_note(_("  NOT AS EXPECTED: %s"), *differences);
}

/* Who the records say they are about; all of them are looked into, not only the first. NULL, or why
 * they are not to be filed unseen; *rule: that, for the audit. */
static GError *
check_people(Round *round, const char **rule)
{
    g_autoptr(GPtrArray) people = people_of_directory(round->directory, round->files);
    const Person *first = people->len > 0 ? g_ptr_array_index(people, 0) : NULL;
    g_auto(GStrv) differences = NULL;

    if (round->options->expect != NULL)
        differences = person_compare(first, round->options->expect);
    tell_people(round, people, differences);
    *rule = people->len > 1 ? "more-than-one-person" : "not-the-expected-person";
    if (people->len > 1)
        return g_error_new_literal(EHRLINK_ERROR, EHRLINK_ERROR_MIXED_SUBJECTS,
                                   _("the records are about more than one person"));
    if (differences != NULL && differences[0] != NULL)
        return g_error_new_literal(EHRLINK_ERROR, EHRLINK_ERROR_MIXED_SUBJECTS,
                                   _("the records are not about the expected person"));
    return NULL;
}

/* Nobody looks: what may be another person's is not kept. */
static void
reject_person(Round *round, const char *rule, GError *why)
{
    round->why = why;
    ehrlink_session_discard_async(round->session, rule, NULL, on_discarded, NULL);
}

void
round_confirm(Round *round)
{
    const char *rule;
    g_autoptr(GError) somebody_else = check_people(round, &rule), error = NULL;

    switch (round->options->file_mode) {
    case FILE_AUTO:
        if (somebody_else != NULL)
            reject_person(round, rule, g_steal_pointer(&somebody_else));
        else if (!file_it(round, &error))
            round_reject(round, error);
        break;
    case FILE_ASK:
        output_note("%s", words_state(EHRLINK_ROLE_TERMINAL, EHRLINK_SESSION_STATE_CONFIRMING));
        ask_line(_(ASK_FILE), on_answer, round);
        break;
    case FILE_LATER:
        output_note(_("To file it: ehrctl session file %s"), ehrlink_session_get_id(round->session));
        round->keep = TRUE;
        round_free_reader(round);
        break;
    }
}

void
round_announce(Round *round)
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
        builder = round_event(round, "item");
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
    builder = round_event(round, "arrived");
    output_member_string(builder, "directory", round->directory);
    output_member_int(builder, "items", round->items->len);
    output_member_int(builder, "bytes", (gint64)bytes);
    output_event_end();
}

void
round_reject(Round *round, const GError *error)
{
    gboolean full = g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_SPACE);

    if (g_cancellable_is_cancelled(round->cancellable))
        return; /* the session is being ended */
    round->why = g_error_copy(error);
    ehrlink_session_discard_async(round->session, full ? "no-space" : "store-failed", NULL, on_discarded,
                                  NULL);
}

gboolean
round_accept(Round *round)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *rule = NULL;

    if (!records_check(ehrlink_session_get_id(round->session), round->directory, round->files, &rule, &error)) {
        round_reject(round, error);
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
