/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of ehr-send.
 */
#include "tools/send/options.h"

#include <glib/gi18n.h>

#define TIMEOUT_MAX 3600

static int
check(SendOptions *options)
{
    static const char *const who[] = {"self", "parent", "guardian", "caregiver", NULL};

    if (options->files == NULL || options->files[0] == NULL)
        return cli_usage(_("no file to send"));
    if (options->yes && options->to == NULL)
        return cli_usage(_("--yes needs --to: agreeing unseen is possible for a named terminal only"));
    if (options->to != NULL && *options->to == '\0')
        return cli_usage(_("--to is empty"));
    if (options->timeout < 0 || options->timeout > TIMEOUT_MAX)
        return cli_usage(_("--timeout must be 1 to %d seconds"), TIMEOUT_MAX);
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
        {"replies", 0, 0, G_OPTION_ARG_FILENAME, &options->replies, N_("store in DIR what the clinic sends back"),
         N_("DIR")},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int code = cli_parse(&argc, &argv, entries, &options->common, _("FILE…"),
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
    g_clear_pointer(&options->files, g_strfreev);
}
