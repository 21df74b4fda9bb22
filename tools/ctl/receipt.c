/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrctl receipt verify.
 */
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
    g_autofree char *what =
        g_strdup_printf(ngettext("%u item, %s", "%u items, %s", items), items, size);
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
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_RECEIPT_INVALID,
                            _("there is no receipt"));
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
        output_line(
            _("The signature is right, and an authority you trust vouches for the signer."));
        return 0;
    }
    if (ctl_string(facts, "problem") != NULL)
        (void)ehrlink_error_parse(ctl_string(facts, "problem"), &problem);
    output_line(_("The signature is right, but: %s."), _(ehrlink_error_get_text(problem)));
    return ehrlink_error_get_exit_code(problem);
}

/* What the caller named, read. */
typedef struct {
    char *files, *crl;  /* owned, nullable */
    Received *received; /* owned; NULL without --files */
    GBytes *receipt;    /* owned */
    GBytes *proof;      /* owned; NULL: of nothing that was sent back */
} Verify;

static void
verify_clear(Verify *verify)
{
    g_free(verify->files);
    g_free(verify->crl);
    g_clear_pointer(&verify->received, received_free);
    g_clear_pointer(&verify->receipt, g_bytes_unref);
    g_clear_pointer(&verify->proof, g_bytes_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Verify, verify_clear)

static gboolean
read_input(Verify *verify, const char *path, GError **error)
{
    if (verify->files != NULL && (verify->received = received_new(verify->files)) == NULL) {
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT,
                    _("%s: there is no received session in it"), verify->files);
        return FALSE;
    }
    verify->receipt =
        path != NULL ? receipt_file_read(path, error) : receipt_of(verify->received, error);
    if (verify->receipt != NULL && verify->received != NULL)
        verify->proof = received_get_proof(verify->received);
    return verify->receipt != NULL;
}

static GVariant *
ask(Ctl *ctl, GBytes *receipt, GError **error)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};

    ehrlink_client_verify_receipt_async(ctl->client, receipt, NULL, ctl_on_result, &call);
    return ehrlink_client_verify_receipt_finish(ctl->client, ctl_wait(ctl, &call), error);
}

static gboolean
check_files(Verify *verify, GError **error)
{
    if (verify->files == NULL)
        return TRUE;
    if (!received_check(verify->received, verify->receipt, error)) {
        if (error != NULL && *error == NULL)
            g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_RECEIPT_INVALID,
                        _("%s: the files are NOT what was received"), verify->files);
        return FALSE;
    }
    output_line(_("The files are byte for byte what was received."));
    return TRUE;
}

static int
verify(Ctl *ctl, Verify *verify)
{
    g_autoptr(GVariant) facts = NULL, origin = NULL;
    g_autoptr(GError) error = NULL;
    JsonBuilder *event;
    int code;

    if ((facts = ask(ctl, verify->receipt, &error)) == NULL)
        return ctl_fail(error);
    if (verify->proof != NULL &&
        (origin = ctl_origin_verify(ctl, verify->proof, verify->crl, &error)) == NULL)
        return ctl_fail(error);
    event = output_event(NULL);
    output_members(event, facts);
    if (origin != NULL)
        output_member_vardict(event, "origin", origin);
    output_event_end();
    show(facts);
    if (origin != NULL)
        ctl_origin_show(origin);
    if (!check_files(verify, &error))
        return ctl_fail(error);
    code = tell_verdict(facts);
    return origin != NULL && code == 0 ? ctl_origin_judge(origin) : code;
}

int
ctl_receipt_verify(Ctl *ctl, int argc, char **argv)
{
    g_auto(Verify) input = {0};
    g_autoptr(GError) error = NULL;
    const GOptionEntry entries[] = {
        {"files", 0, 0, G_OPTION_ARG_FILENAME, &input.files,
         N_("check the files of a received session, too"), N_("DIR")},
        {"crl", 0, 0, G_OPTION_ARG_FILENAME, &input.crl,
         N_("a revocation list that was published since (with --files, of what a clinic sent "
            "back)"),
         N_("FILE")},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int code;

    if (!ctl_options(&argc, &argv, entries, 0, 1, &code))
        return code;
    if (argc < 2 && input.files == NULL)
        return cli_usage(_("receipt verify wants a file, or --files DIR"));
    if (input.crl != NULL && input.files == NULL)
        return cli_usage(_("--crl is for what a clinic sent back: give --files"));
    if (!read_input(&input, argc > 1 ? argv[1] : NULL, &error))
        return ctl_fail(error);
    if ((code = ctl_connect(ctl)) != 0)
        return code;
    return verify(ctl, &input);
}
