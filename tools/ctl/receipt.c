/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrctl receipt verify.
 */
#include <errno.h>
#include <glib/gi18n.h>

#include "tools/common/output.h"
#include "tools/common/receipt-file.h"
#include "tools/common/received.h"
#include "tools/common/words.h"
#include "tools/ctl/ctl.h"

static void
show(GVariant *facts)
{
    gboolean complete = FALSE;
    guint32 items = 0;
    guint64 bytes = 0;
    gint64 time = 0;

    g_variant_lookup(facts, "complete", "b", &complete);
    g_variant_lookup(facts, "items", "u", &items);
    g_variant_lookup(facts, "bytes", "t", &bytes);
    g_variant_lookup(facts, "time", "x", &time);
    g_autofree char *size = words_bytes(bytes);
    g_autofree char *date = words_date(time);
    g_autofree char *what = g_strdup_printf(ngettext("%u item, %s", "%u items, %s", items), items, size);
    ctl_show(_("Received by:"), ctl_string(facts, "organisation"));
    ctl_show("", ctl_string(facts, "terminal"));
    ctl_show("", ctl_string(facts, "place"));
    ctl_show(_("Vouched for by:"), ctl_string(facts, "authority"));
    ctl_show(_("When:"), date);
    ctl_show(_("What:"), what);
    ctl_show(_("Complete:"), complete ? _("yes") : _("NO, in part"));
    ctl_show(_("Manifest:"), ctl_string(facts, "manifest-hash"));
    ctl_show(_("Contents:"), ctl_string(facts, "contents-hash"));
}

static GBytes *
receipt_of(const Received *received, GError **error)
{
    GBytes *receipt = received_get_receipt(received);

    if (receipt == NULL)
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_RECEIPT_INVALID, _("there is no receipt"));
    return receipt;
}

/* Who vouches for the signature; the exit code. */
static int
tell_verdict(GVariant *facts)
{
    gboolean verified = FALSE;
    EhrlinkError problem = EHRLINK_ERROR_UNVERIFIED;

    g_variant_lookup(facts, "verified", "b", &verified);
    if (g_strcmp0(ctl_string(facts, "direction"), "to-patient") == 0) {
        /* no certificate: the key that signed the consent of that session */
        output_line(_("The signature is right: by the patient's device that was tapped."));
        return 0;
    }
    if (verified) {
        output_line(_("The signature is right, and an authority you trust vouches for the signer."));
        return 0;
    }
    if (ctl_string(facts, "problem") != NULL)
        (void)ehrlink_error_parse(ctl_string(facts, "problem"), &problem);
    output_line(_("The signature is right, but: %s."), _(ehrlink_error_get_text(problem)));
    return ehrlink_error_get_exit_code(problem);
}

int
ctl_receipt_verify(Ctl *ctl, int argc, char **argv)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) receipt = NULL;
    int code;

    g_autofree char *files = NULL;
    const GOptionEntry entries[] = {
        {"files", 0, 0, G_OPTION_ARG_FILENAME, &files, N_("check the files of a received session, too"), N_("DIR")},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(Received) received = NULL;

    if (!ctl_options(&argc, &argv, entries, 0, 1, &code))
        return code;
    if (argc < 2 && files == NULL)
        return cli_usage(_("receipt verify wants a file, or --files DIR"));
    if (files != NULL && (received = received_new(files)) == NULL) {
        g_set_error(&error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED, "%s: %s", files, g_strerror(ENOENT));
        return ctl_fail(error);
    }
    receipt = argc > 1 ? receipt_file_read(argv[1], &error) : receipt_of(received, &error);
    if (receipt == NULL)
        return ctl_fail(error);
    if ((code = ctl_connect(ctl)) != 0)
        return code;
    ehrlink_client_verify_receipt_async(ctl->client, receipt, NULL, ctl_on_result, &call);
    g_autoptr(GVariant) facts =
        ehrlink_client_verify_receipt_finish(ctl->client, ctl_wait(ctl, &call), &error);
    if (facts == NULL)
        return ctl_fail(error);
    output_members(output_event(NULL), facts);
    output_event_end();
    show(facts);
    if (files != NULL && !received_check(received, receipt, &error)) {
        if (error == NULL)
            g_set_error(&error, EHRLINK_ERROR, EHRLINK_ERROR_RECEIPT_INVALID,
                        _("%s: the files are NOT what was received"), files);
        return ctl_fail(error);
    }
    if (files != NULL)
        output_line(_("The files are byte for byte what was received."));
    return tell_verdict(facts);
}
