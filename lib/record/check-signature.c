/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures in a record: Bundle.signature and Provenance.signature. That there is one is said,
 * and whether it can be one at all. Whether it holds is not looked at, and that is said too.
 */
#include <string.h>

#include "lib/record/check-private.h"

/* A JWS in compact form: three parts of base64url, the second of which may be empty (detached).
 */
static gboolean
is_jws(const char *text, gsize length)
{
    guint dots = 0;
    gsize part = 0;

    for (gsize i = 0; i < length; i++) {
        if (text[i] == '.') {
            if (part == 0 && dots != 1)
                return FALSE;
            dots++;
            part = 0;
        } else if (g_ascii_isalnum(text[i]) || text[i] == '-' || text[i] == '_') {
            part++;
        } else {
            return FALSE;
        }
    }
    return dots == 2 && part > 0;
}

gboolean
erec_check_signature_is_readable(const ErecNode *signature)
{
    const char *data = erec_text(signature, "data"),
               *format = erec_text(signature, "sigFormat");
    g_autofree guchar *decoded = NULL;
    gsize length = 0;

    if (data == NULL || strlen(data) > EREC_STRING_MAX / 4)
        return FALSE;
    decoded = g_base64_decode(data, &length);
    if (length == 0)
        return FALSE;
    return g_strcmp0(format, "application/jose") != 0 ||
           is_jws((const char *)decoded, length) || is_jws(data, strlen(data));
}

void
erec_check_signature(ErecCheck *check)
{
    if (!erec_text_is(check->resource, "resourceType", "Provenance"))
        return;
    for (const ErecNode *at = erec_each(check->resource, "signature"); at != NULL;
         at = erec_each_next(at)) {
        check->has_signature = TRUE;
        erec_check_say(check,
                       erec_check_signature_is_readable(at) ? EREC_RULE_SIGNATURE_NOT_CHECKED
                                                            : EREC_RULE_SIGNATURE_MALFORMED,
                       at, NULL);
    }
}
