/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrctl identity show, init, import.
 */
#include <fcntl.h>
#include <glib/gi18n.h>
#include <string.h>

#include "tools/common/output.h"
#include "tools/common/words.h"
#include "tools/ctl/ctl.h"

static void
show(GVariant *identity)
{
    gboolean certified = FALSE, exists = FALSE;
    gint64 not_after = 0;
    guint32 crls = 0;
    const char *fingerprint = ctl_string(identity, "fingerprint");
    const char *problem = ctl_string(identity, "problem");
    EhrlinkError code;

    output_members(output_event(NULL), identity);
    output_event_end();
    g_variant_lookup(identity, "exists", "b", &exists);
    g_variant_lookup(identity, "certified", "b", &certified);
    g_variant_lookup(identity, "not-after", "x", &not_after);
    g_variant_lookup(identity, "crls", "u", &crls);
    if (!exists && fingerprint == NULL) {
        output_line(_("This device has no key yet: ehrctl identity init"));
        return;
    }
    g_autofree char *grouped = words_fingerprint(fingerprint != NULL ? fingerprint : "");
    ctl_show(_("Fingerprint:"), grouped);
    if (!certified) {
        ctl_show(_("Certificate:"), _("none (a patient's device needs none)"));
        return;
    }
    g_autofree char *date = words_date(not_after);
    g_autofree char *lists = g_strdup_printf("%u", crls);
    ctl_show(_("Organisation:"), ctl_string(identity, "organisation"));
    ctl_show(_("Terminal:"), ctl_string(identity, "terminal"));
    ctl_show(_("Place:"), ctl_string(identity, "place"));
    ctl_show(_("Issued by:"), ctl_string(identity, "authority"));
    ctl_show(_("Valid until:"), date);
    ctl_show(_("CRLs:"), lists);
    if (problem != NULL && ehrlink_error_parse(problem, &code))
        ctl_show(_("Problem:"), _(ehrlink_error_get_text(code)));
}

int
ctl_identity_show(Ctl *ctl, int argc, char **argv)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GError) error = NULL;
    int code;

    if (!ctl_options(&argc, &argv, NULL, 0, 0, &code) || (code = ctl_connect(ctl)) != 0)
        return code;
    ehrlink_client_get_identity_async(ctl->client, NULL, ctl_on_result, &call);
    g_autoptr(GVariant) identity =
        ehrlink_client_get_identity_finish(ctl->client, ctl_wait(ctl, &call), &error);
    if (identity == NULL)
        return ctl_fail(error);
    show(identity);
    return 0;
}

typedef struct {
    char *organisation, *terminal, *locality, *country, *csr; /* owned */
    gboolean replace;
} InitOptions;

static void
init_options_clear(InitOptions *options)
{
    g_free(options->organisation);
    g_free(options->terminal);
    g_free(options->locality);
    g_free(options->country);
    g_free(options->csr);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(InitOptions, init_options_clear)

static GVariant *
init_vardict(const InitOptions *options)
{
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    if (options->organisation != NULL)
        g_variant_dict_insert(&dict, "organisation", "s", options->organisation);
    if (options->terminal != NULL)
        g_variant_dict_insert(&dict, "terminal", "s", options->terminal);
    if (options->locality != NULL)
        g_variant_dict_insert(&dict, "locality", "s", options->locality);
    if (options->country != NULL)
        g_variant_dict_insert(&dict, "country", "s", options->country);
    if (options->replace)
        g_variant_dict_insert(&dict, "replace", "b", TRUE);
    return g_variant_dict_end(&dict);
}

static int
give_csr(const InitOptions *options, const char *csr)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) named = NULL;

    if (options->csr == NULL) {
        output_line("%s", csr);
        return 0;
    }
    if (g_file_set_contents(options->csr, csr, -1, &error)) {
        output_line(_("Signing request: %s"), options->csr);
        return 0;
    }
    g_set_error_literal(&named, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED, error->message);
    return ctl_fail(named);
}

int
ctl_identity_init(Ctl *ctl, int argc, char **argv)
{
    g_auto(InitOptions) options = {0};
    const GOptionEntry entries[] = {
        {"organisation", 0, 0, G_OPTION_ARG_STRING, &options.organisation, NULL, NULL},
        {"terminal", 0, 0, G_OPTION_ARG_STRING, &options.terminal, NULL, NULL},
        {"locality", 0, 0, G_OPTION_ARG_STRING, &options.locality, NULL, NULL},
        {"country", 0, 0, G_OPTION_ARG_STRING, &options.country, NULL, NULL},
        {"csr", 0, 0, G_OPTION_ARG_FILENAME, &options.csr, NULL, NULL},
        {"replace", 0, 0, G_OPTION_ARG_NONE, &options.replace, NULL, NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GError) error = NULL;
    int code;

    if (!ctl_options(&argc, &argv, entries, 0, 0, &code))
        return code;
    if ((options.organisation == NULL) != (options.terminal == NULL))
        return cli_usage(_("--organisation and --terminal go together"));
    if ((code = ctl_connect(ctl)) != 0)
        return code;
    ehrlink_client_init_identity_async(ctl->client, init_vardict(&options), NULL, ctl_on_result, &call);
    g_autoptr(GVariant) identity =
        ehrlink_client_init_identity_finish(ctl->client, ctl_wait(ctl, &call), &error);
    if (identity == NULL)
        return ctl_fail(error);
    output_members(output_event(NULL), identity);
    output_event_end();
    g_autofree char *grouped = words_fingerprint(ctl_string(identity, "fingerprint"));
    output_note(_("Fingerprint of this device's key: %s"), grouped);
    if (options.organisation == NULL || ctl_string(identity, "csr") == NULL)
        return 0;
    return give_csr(&options, ctl_string(identity, "csr"));
}

/* Reads every --crl file; NULL with error set. */
static GPtrArray *
read_crls(char **files, GError **error)
{
    g_autoptr(GPtrArray) crls = g_ptr_array_new_with_free_func(g_free);

    for (char **file = files; file != NULL && *file != NULL; file++) {
        char *text = ctl_read_file(*file, error);
        if (text == NULL)
            return NULL;
        g_ptr_array_add(crls, text);
    }
    g_ptr_array_add(crls, NULL);
    return g_steal_pointer(&crls);
}

int
ctl_identity_import(Ctl *ctl, int argc, char **argv)
{
    g_auto(GStrv) files = NULL;
    const GOptionEntry entries[] = {
        {"crl", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GError) error = NULL;
    g_autofree char *chain = NULL;
    int code;

    if (!ctl_options(&argc, &argv, entries, 0, 1, &code))
        return code;
    if (argc == 1 && files == NULL)
        return cli_usage(_("nothing to import: name a certificate chain, or a list with --crl"));
    g_autoptr(GPtrArray) crls = read_crls(files, &error);
    if (crls == NULL || (argc > 1 && (chain = ctl_read_file(argv[1], &error)) == NULL))
        return ctl_fail(error);
    if ((code = ctl_connect(ctl)) != 0)
        return code;
    ehrlink_client_import_identity_async(ctl->client, chain != NULL ? chain : "",
                                         files != NULL ? (const char *const *)crls->pdata : NULL, NULL,
                                         ctl_on_result, &call);
    g_autoptr(GVariant) identity =
        ehrlink_client_import_identity_finish(ctl->client, ctl_wait(ctl, &call), &error);
    if (identity == NULL)
        return ctl_fail_file(argc > 1 ? argv[1] : files[0], error);
    show(identity);
    return 0;
}
