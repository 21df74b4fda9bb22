/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of ehr-send.
 */
#include "tools/send/options.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/category.h"
#include "lib/record/date.h"

#define TIMEOUT_MAX 3600
#define LAST_MAX 100000
/* No number that a person types. */
#define NOT_GIVEN G_MININT

static int
check_folder(const SendOptions *options)
{
    const char *const dates[] = {options->since, options->until};

    for (char **only = options->only; only != NULL && *only != NULL; only++)
        if (erec_category_words(*only) == NULL)
            return cli_usage(_("there is no category “%s”"), *only);
    for (gsize i = 0; i < G_N_ELEMENTS(dates); i++)
        if (dates[i] != NULL && !erec_date_is_valid(dates[i]))
            return cli_usage(_("“%s” is not a date like 2026, 2026-03 or 2026-03-01"), dates[i]);
    if (options->type != NULL && strchr(options->type, '|') == NULL)
        return cli_usage(_("--type takes SYSTEM|CODE"));
    if (options->last < 0 || options->last > LAST_MAX)
        return cli_usage(_("--last must be 1 to %d"), LAST_MAX);
    return 0;
}

/* Files, or a folder with what is to be chosen of it. */
static int
check_source(const SendOptions *options)
{
    const gboolean files = options->files != NULL && options->files[0] != NULL;

    if (options->from != NULL && files)
        return cli_usage(_("either files or --from"));
    if (options->from != NULL)
        return check_folder(options);
    if (options->only != NULL || options->since != NULL || options->until != NULL || options->type != NULL ||
        options->last != 0)
        return cli_usage(_("--only, --since, --until, --type and --last choose from a folder: give --from"));
    return files ? 0 : cli_usage(_("no file to send"));
}

static int
check(SendOptions *options)
{
    static const char *const who[] = {"self", "parent", "guardian", "caregiver", NULL};

    const int code = check_source(options);

    if (code != 0)
        return code;
    if (options->yes && options->to == NULL)
        return cli_usage(_("--yes needs --to: agreeing unseen is possible for a named terminal only"));
    if (options->to != NULL && *options->to == '\0')
        return cli_usage(_("--to is empty"));
    if (options->timeout != NOT_GIVEN && (options->timeout < 1 || options->timeout > TIMEOUT_MAX))
        return cli_usage(_("--timeout must be 1 to %d seconds"), TIMEOUT_MAX);
    if (options->timeout == NOT_GIVEN)
        options->timeout = 0;
    if (options->acting_as != NULL && !g_strv_contains(who, options->acting_as))
        return cli_usage(_("--acting-as must be self, parent, guardian or caregiver"));
    if (options->to != NULL)
        options->to_fingerprint = cli_parse_fingerprint(options->to);
    return 0;
}

int
send_options_parse(SendOptions *options, int argc, char **argv)
{
    const GOptionEntry entries[] = {
        {"yes", 0, 0, G_OPTION_ARG_NONE, &options->yes, N_("agree without asking; needs --to"), NULL},
        {"to", 0, 0, G_OPTION_ARG_STRING, &options->to, N_("send to this terminal only"),
         N_("ORGANISATION|FINGERPRINT")},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &options->timeout, N_("seconds to wait for the tap"), "S"},
        {"acting-as", 0, 0, G_OPTION_ARG_STRING, &options->acting_as,
         N_("self, parent, guardian or caregiver"), N_("WHO")},
        {"receipt", 0, 0, G_OPTION_ARG_FILENAME, &options->receipt, N_("write the receipt to FILE"),
         N_("FILE")},
        {"wait-filed", 0, 0, G_OPTION_ARG_NONE, &options->wait_filed,
         N_("stay until the clinic has confirmed"), NULL},
        {"new", 0, 0, G_OPTION_ARG_NONE, &options->new,
         N_("do not go on with an interrupted transfer of the same files"), NULL},
        {"replies", 0, 0, G_OPTION_ARG_FILENAME, &options->replies, N_("store in DIR what the clinic sends back"),
         N_("DIR")},
        {"from", 0, 0, G_OPTION_ARG_FILENAME, &options->from, N_("offer the records in DIR"), N_("DIR")},
        {"only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->only, N_("of the folder only this category (repeatable)"),
         N_("CATEGORY")},
        {"since", 0, 0, G_OPTION_ARG_STRING, &options->since, N_("of the folder only what is not older"), N_("DATE")},
        {"until", 0, 0, G_OPTION_ARG_STRING, &options->until, N_("of the folder only what is not newer"), N_("DATE")},
        {"last", 0, 0, G_OPTION_ARG_INT, &options->last, N_("of the folder only the newest so many"), "N"},
        {"type", 0, 0, G_OPTION_ARG_STRING, &options->type, N_("of the folder only this document type"),
         N_("SYSTEM|CODE")},
        {"exclude", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->exclude,
         N_("leave out section:CODE, category:NAME or id:FULLURL (repeatable)"), N_("WHAT")},
        {"include", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->include,
         N_("keep a section that is words alone when something else is left out: section:CODE"), N_("WHAT")},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int code;

    options->timeout = NOT_GIVEN;
    code = cli_parse(&argc, &argv, entries, &options->common, _("FILE…"),
                     _("Sends health records to a clinic's terminal by a tap."));
    return code != 0 ? code : check(options);
}

void
send_options_clear(SendOptions *options)
{
    g_clear_pointer(&options->to, g_free);
    g_clear_pointer(&options->to_fingerprint, g_free);
    g_clear_pointer(&options->acting_as, g_free);
    g_clear_pointer(&options->receipt, g_free);
    g_clear_pointer(&options->replies, g_free);
    g_clear_pointer(&options->from, g_free);
    g_clear_pointer(&options->only, g_strfreev);
    g_clear_pointer(&options->since, g_free);
    g_clear_pointer(&options->until, g_free);
    g_clear_pointer(&options->type, g_free);
    g_clear_pointer(&options->exclude, g_strfreev);
    g_clear_pointer(&options->include, g_strfreev);
    g_clear_pointer(&options->files, g_strfreev);
}
