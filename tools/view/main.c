/* SPDX-License-Identifier: Apache-2.0
 *
 * ehr-view: looks into records on this machine. No service, no network; what is asked for is
 * done by the parts (view.h).
 */
#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/output.h"
#include "tools/view/view.h"

static int
parse(ViewOptions *options, int argc, char **argv)
{
    const GOptionEntry entries[] = {
        {"check", 0, 0, G_OPTION_ARG_NONE, &options->check,
         N_("say what is wrong in the records"), NULL},
        {"narrative", 0, 0, G_OPTION_ARG_NONE, &options->narrative,
         N_("show the authors' original texts too"), NULL},
        {"html", 0, 0, G_OPTION_ARG_FILENAME, &options->html,
         N_("write a page for a browser or a printer to OUT"), N_("OUT")},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    const int code = cli_parse(&argc, &argv, entries, &options->common, _("FILE|DIR…"),
                               _("Looks into health records."));

    if (code != 0)
        return code;
    if (options->files == NULL || options->files[0] == NULL)
        return cli_usage(_("no file to look into"));
    if (options->check && (options->html != NULL || options->narrative))
        return cli_usage(
            _("--check shows nothing of the records: not with --html or --narrative"));
    if (options->common.json && !options->check)
        return cli_usage(_("--json goes with --check"));
    return 0;
}

int
main(int argc, char **argv)
{
    ViewOptions options = {0};
    int code;

    cli_init("ehr-view");
    code = parse(&options, argc, argv);
    if (code == 0)
        code = options.check ? view_check(&options) : view_show(&options);
    g_strfreev(options.files);
    g_free(options.html);
    return code < 0 ? EXIT_SUCCESS : code;
}
