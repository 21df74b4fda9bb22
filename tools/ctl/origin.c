/* SPDX-License-Identifier: Apache-2.0
 *
 * Part of ehrctl receipt verify: who vouched for the clinic that sent something back, asked of
 * the service, which knows whom this device believes.
 */
#include <glib/gi18n.h>
#include <string.h>

#include "tools/common/output.h"
#include "tools/common/words.h"
#include "tools/ctl/ctl.h"

#define PEM_BEGIN "-----BEGIN X509 CRL-----"
#define PEM_END   "-----END X509 CRL-----"

/* One list in DER, or any number in PEM (of GBytes, transfer full); NULL with an error. */
static GPtrArray *
read_crls(const char *path, GError **error)
{
    g_autoptr(GPtrArray) crls = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autofree char *text = NULL;
    const char *begin, *end;
    gsize length = 0;

    if (!g_file_get_contents(path, &text, &length, NULL)) {
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, "%s: %s", path, _("it cannot be read"));
        return NULL;
    }
    for (begin = text; (begin = strstr(begin, PEM_BEGIN)) != NULL; begin = end) {
        g_autofree char *inside = NULL;
        gsize size = 0;
        guchar *der;

        begin += strlen(PEM_BEGIN);
        if ((end = strstr(begin, PEM_END)) == NULL)
            break;
        inside = g_strndup(begin, (gsize)(end - begin));
        der = g_base64_decode(inside, &size);
        g_ptr_array_add(crls, g_bytes_new_take(der, size));
    }
    if (crls->len == 0)
        g_ptr_array_add(crls, g_bytes_new_take(g_steal_pointer(&text), length));
    return g_steal_pointer(&crls);
}

static GVariant *
ask(Ctl *ctl, GBytes *proof, GBytes *crl, GError **error)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};

    ehrlink_client_verify_origin_async(ctl->client, proof, crl, NULL, ctl_on_result, &call);
    return ehrlink_client_verify_origin_finish(ctl->client, ctl_wait(ctl, &call), error);
}

GVariant *
ctl_origin_verify(Ctl *ctl, GBytes *proof, const char *crl_path, GError **error)
{
    g_autoptr(GPtrArray) crls = NULL;
    GVariant *facts;

    if (crl_path != NULL && (crls = read_crls(crl_path, error)) == NULL)
        return NULL;
    facts = ask(ctl, proof, crls != NULL ? crls->pdata[0] : NULL, error);
    /* each is of another authority: the one that names the certificate decides */
    for (guint i = 1; crls != NULL && i < crls->len && facts != NULL; i++) {
        if (g_strcmp0(ctl_string(facts, "since"), "CertRevoked") == 0)
            break;
        g_variant_unref(facts);
        facts = ask(ctl, proof, crls->pdata[i], error);
    }
    return facts;
}

void
ctl_origin_show(GVariant *facts)
{
    g_autoptr(GVariant) op = g_variant_lookup_value(facts, "operator", G_VARIANT_TYPE_VARDICT);
    g_autofree char *date = NULL;
    gint64 time = 0;

    g_variant_lookup(facts, "time", "x", &time);
    date = words_date(time);
    ctl_show(_("Sent by:"), ctl_string(facts, "organisation"));
    ctl_show("", ctl_string(facts, "terminal"));
    ctl_show("", ctl_string(facts, "place"));
    ctl_show(_("Vouched for by:"), ctl_string(facts, "authority"));
    ctl_show(_("At the desk:"), op != NULL ? ctl_string(op, "display") : NULL);
    ctl_show(_("Asked for on:"), date);
}

int
ctl_origin_judge(GVariant *facts)
{
    EhrlinkError problem = EHRLINK_ERROR_UNVERIFIED, since = EHRLINK_ERROR_UNVERIFIED;
    gboolean verified = FALSE;

    g_variant_lookup(facts, "verified", "b", &verified);
    if (!verified) {
        if (ctl_string(facts, "problem") != NULL)
            (void)ehrlink_error_parse(ctl_string(facts, "problem"), &problem);
        output_line(_("The sender's signature is right, but: %s."),
                    _(ehrlink_error_get_text(problem)));
        return ehrlink_error_get_exit_code(problem);
    }
    output_line(_("The sender's signature is right, and an authority you trust vouched for the "
                  "sender when it was made."));
    if (ctl_string(facts, "since") != NULL) {
        (void)ehrlink_error_parse(ctl_string(facts, "since"), &since);
        output_line(_("Since then: %s."), _(ehrlink_error_get_text(since)));
    }
    return 0;
}
