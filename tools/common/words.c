/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of the journey. Static tables; main thread (gettext).
 */
#include "tools/common/words.h"

#include <glib/gi18n.h>

#include "lib/record/category.h"

/* One row for each state: what the patient's screen says, what the clinic's says. */
static const struct {
    const char *patient;
    const char *terminal;
} state_words[] = {
    [EHRLINK_SESSION_STATE_UNKNOWN] = {N_("Please wait"), N_("Please wait")},
    [EHRLINK_SESSION_STATE_READY] = {N_("Ready. Hold your device to the clinic's reader."),
                                     N_("Ready. Ask the patient to hold their device to the reader.")},
    [EHRLINK_SESSION_STATE_TAPPING] = {N_("Hold still …"), N_("Hold still …")},
    [EHRLINK_SESSION_STATE_STOPPED] =
        {N_("Stopped: this terminal could not prove who it is. Nothing was sent."),
         N_("The patient's device could not verify this terminal.")},
    [EHRLINK_SESSION_STATE_TAPPED] = {N_("You can lift your device now."),
                                      N_("The devices can be lifted now.")},
    [EHRLINK_SESSION_STATE_DECIDING] = {N_("You decide what is sent."), N_("The patient decides …")},
    [EHRLINK_SESSION_STATE_TRANSFERRING] = {N_("Sending"), N_("Receiving")},
    [EHRLINK_SESSION_STATE_SUSPENDED] = {N_("Link lost, waiting …"), N_("Link lost, waiting …")},
    [EHRLINK_SESSION_STATE_CONFIRMING] =
        {N_("Everything arrived. The clinic confirms …"),
         N_("Everything arrived. Confirm whose records these are.")},
    [EHRLINK_SESSION_STATE_FILED] = {N_("Filed by the clinic."), N_("Filed.")},
    [EHRLINK_SESSION_STATE_DONE] = {N_("Done."), N_("Done.")},
    [EHRLINK_SESSION_STATE_FAILED] = {N_("It did not work."), N_("It did not work.")},
};

const char *
words_state(EhrlinkRole role, EhrlinkSessionState state)
{
    if ((guint)state >= G_N_ELEMENTS(state_words))
        state = EHRLINK_SESSION_STATE_UNKNOWN;
    return _(role == EHRLINK_ROLE_PATIENT ? state_words[state].patient
                                          : state_words[state].terminal);
}

const char *
words_failure(EhrlinkRole role, const GError *error)
{
    if (error->domain != EHRLINK_ERROR)
        return error->message;
    if (role == EHRLINK_ROLE_TERMINAL && error->code == EHRLINK_ERROR_DECLINED)
        return _("declined"); /* whatever the reason was */
    return _(ehrlink_error_get_text((EhrlinkError)error->code));
}

typedef struct {
    const char *code;
    const char *words;
} Word;

static const Word purposes[] = {
    {"TREAT", N_("treatment")},
    {"ETREAT", N_("emergency treatment")},
    {"PATRQT", N_("at the patient's request")},
    {"HPAYMT", N_("payment")},
    {"HOPERAT", N_("running the organisation")},
    {"PUBHLTH", N_("public health")},
    {"HRESCH", N_("research")},
};

static const char *
look_up(const Word *table, gsize length, const char *code)
{
    for (gsize i = 0; i < length; i++)
        if (g_str_equal(table[i].code, code))
            return _(table[i].words);
    return code;
}

const char *
words_purpose(const char *code)
{
    return look_up(purposes, G_N_ELEMENTS(purposes), code);
}

const char *
words_category(const char *code)
{
    const char *words = erec_category_words(code);

    return words != NULL ? _(words) : code;
}

static void
append(GString *line, const char *text)
{
    g_autofree char *safe = text != NULL ? ehrlink_safe_text(text, 120) : NULL;

    if (safe == NULL || *safe == '\0')
        return;
    g_string_append_printf(line, "%s%s", line->len > 0 ? ", " : "", safe);
}

char *
words_item(EhrlinkItem *item)
{
    const char *category = ehrlink_item_get_category(item), *date = ehrlink_item_get_date(item);
    g_autofree char *day = date != NULL ? g_strndup(date, 10) : NULL;
    GString *line = g_string_new(NULL);

    if (g_strcmp0(category, "other") != 0)
        append(line, category != NULL ? words_category(category) : NULL);
    append(line, ehrlink_item_get_title(item));
    append(line, day);
    append(line, ehrlink_item_get_author(item));
    if (ehrlink_item_get_patient_entered(item))
        append(line, _("entered by the patient"));
    if (line->len == 0)
        append(line, ehrlink_item_get_media_type(item));
    return g_string_free(line, line->len == 0);
}

char *
words_bytes(guint64 bytes)
{
    return g_format_size(bytes);
}

char *
words_fingerprint(const char *hex)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; hex[i] != '\0'; i++) {
        if (i > 0 && i % 4 == 0)
            g_string_append_c(text, ' ');
        g_string_append_c(text, hex[i]);
    }
    return g_string_free(text, FALSE);
}

char *
words_date(gint64 unix_seconds)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(unix_seconds);

    return date != NULL ? g_date_time_format(date, "%Y-%m-%d %H:%M") : g_strdup("?");
}
