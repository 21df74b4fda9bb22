/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrctl: finds the verb and runs it.
 */
#include <glib/gi18n.h>
#include <string.h>

#include "tools/common/output.h"
#include "tools/ctl/ctl.h"

const CtlVerb ctl_verbs[] = {
    {"status", NULL, ctl_status, "status", N_("the service, the reader, the identity, your sessions")},
    {"doctor", NULL, ctl_doctor, "doctor", N_("what is missing on this machine, and how to mend it")},
    {"identity", "show", ctl_identity_show, "identity show", N_("this device's key and certificate")},
    {"identity", "init", ctl_identity_init,
     "identity init [--organisation O --terminal NAME [--locality L] [--country CC]] [--csr FILE] [--replace]",
     N_("make the device key, and a signing request for a terminal")},
    {"identity", "import", ctl_identity_import, "identity import [CHAIN] [--crl FILE]...",
     N_("take the certificate that the authority issued")},
    {"trust", "list", ctl_trust_list, "trust list", N_("the authorities that this device believes")},
    {"trust", "add", ctl_trust_add, "trust add FILE", N_("believe an authority")},
    {"trust", "remove", ctl_trust_remove, "trust remove FINGERPRINT", N_("stop believing it")},
    {"session", "list", ctl_session_list, "session list", N_("your sessions, and what waits to be filed")},
    {"session", "file", ctl_session_file, "session file ID", N_("confirm whose records these are")},
    {"session", "discard", ctl_session_discard, "session discard ID [--rule RULE]",
     N_("do not keep them; what was stored is deleted")},
    {"session", "cancel", ctl_session_cancel, "session cancel ID", N_("end a session that runs")},
    {"receipt", "verify", ctl_receipt_verify,
     "receipt verify [--files DIR [--crl FILE]] [FILE]", N_("check a receipt, and files against it")},
    {NULL, NULL, NULL, NULL, NULL},
};

/* group: of these commands only; NULL, or none there is: of all. */
static int
help(const char *group)
{
    gboolean known = FALSE;

    for (const CtlVerb *verb = ctl_verbs; verb->group != NULL && group != NULL; verb++)
        known = known || g_str_equal(verb->group, group);
    g_print(_("Usage: ehrctl [--json] COMMAND …\n\n"));
    for (const CtlVerb *verb = ctl_verbs; verb->group != NULL; verb++)
        if (!known || g_str_equal(verb->group, group))
            g_print("  ehrctl %s\n      %s\n", verb->usage, _(verb->summary));
    return 0;
}

/* --json, --quiet, --version and --help stand anywhere before "--"; the rest is the verb's. */
static int
take_common(int argc, char **argv, CliCommon *common, gboolean *want_help)
{
    int kept = 1;
    gboolean options = TRUE;

    for (int i = 1; i < argc; i++) {
        if (options && g_str_equal(argv[i], "--json"))
            common->json = TRUE;
        else if (options && (g_str_equal(argv[i], "--quiet") || g_str_equal(argv[i], "-q")))
            common->quiet = TRUE;
        else if (options && g_str_equal(argv[i], "--version"))
            common->version = TRUE;
        else if (options && (g_str_equal(argv[i], "--help") || g_str_equal(argv[i], "-h")))
            *want_help = TRUE;
        else
            argv[kept++] = argv[i];
        if (g_str_equal(argv[i], "--"))
            options = FALSE;
    }
    argv[kept] = NULL;
    return kept;
}

static const CtlVerb *
find(int argc, char **argv, int *used)
{
    for (const CtlVerb *verb = ctl_verbs; verb->group != NULL; verb++) {
        *used = verb->verb != NULL ? 2 : 1;
        if (argc > *used && g_str_equal(argv[1], verb->group) &&
            (verb->verb == NULL || g_str_equal(argv[2], verb->verb)))
            return verb;
    }
    return NULL;
}

static int
dispatch(int argc, char **argv)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    Ctl ctl = {.loop = loop};
    int used = 0, code;
    const CtlVerb *verb = find(argc, argv, &used);

    if (verb == NULL)
        return argc > 1 ? cli_usage(_("no such command: %s"), argv[1])
                        : cli_usage(_("no command given"));
    code = verb->run(&ctl, argc - used, argv + used);
    g_clear_object(&ctl.client);
    return code;
}

int
main(int argc, char **argv)
{
    CliCommon common = {0};
    gboolean want_help = FALSE;

    cli_init("ehrctl");
    argc = take_common(argc, argv, &common, &want_help);
    output_init((OutputMode){.json = common.json, .quiet = common.quiet});
    if (common.version) {
        cli_print_version();
        return 0;
    }
    if (argc > 1 && g_str_equal(argv[1], "help"))
        return help(argc > 2 ? argv[2] : NULL);
    if (want_help)
        return help(argc > 1 ? argv[1] : NULL);
    return dispatch(argc, argv);
}
