/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures in a record: Bundle.signature and Provenance.signature: what each is about, and a
 * rule for each of its verdicts (signature.h).
 */
#include <string.h>

#include "lib/record/bounds.h"
#include "lib/record/check-private.h"

static ErecRule
rule_of(ErecSignedVerdict verdict)
{
    switch (verdict) {
    case EREC_SIGNED_VERIFIED:
        return EREC_RULE_SIGNATURE_VERIFIED;
    case EREC_SIGNED_PARTLY:
        return EREC_RULE_SIGNATURE_PARTLY;
    case EREC_SIGNED_UNKNOWN:
        return EREC_RULE_SIGNATURE_UNKNOWN;
    case EREC_SIGNED_UNCHECKED:
        return EREC_RULE_SIGNATURE_NOT_CHECKED;
    case EREC_SIGNED_MALFORMED:
        return EREC_RULE_SIGNATURE_MALFORMED;
    case EREC_SIGNED_INVALID:
        return EREC_RULE_SIGNATURE_INVALID;
    case EREC_SIGNED_REVOKED:
        break;
    }
    return EREC_RULE_SIGNATURE_REVOKED;
}

void
erec_check_bundle_signature(ErecCheck *check, const ErecTree *tree)
{
    ErecSignedVerdict verdict = EREC_SIGNED_MALFORMED;
    char *organisation = NULL;
    const char *reason = NULL;

    check->has_signature = TRUE;
    if (tree != NULL)
        verdict = erec_signature_judge(&check->signing, erec_tree_root(tree),
                                       EREC_SIGNED_BUNDLE, &organisation, &reason);
    erec_report_add(check->report, rule_of(verdict), -1,
                    tree != NULL ? erec_tree_origin(tree) : 0, g_strdup("Bundle.signature"),
                    reason != NULL ? reason : organisation);
    erec_report_add_signature(check->report, EREC_SIGNED_BUNDLE, verdict, organisation);
}

/* What a Provenance is about, when that is one thing, and it is here. */
static gboolean
target_of(const ErecCheck *check, guint *entry)
{
    const ErecNode *target = erec_each(check->resource, "target");
    const char *reference = erec_text(target, "reference");
    ErecResolve resolve;

    if (reference == NULL || erec_each_next(target) != NULL)
        return FALSE;
    resolve = erec_bundle_resolve(check->bundle, check->index, reference, entry);
    return resolve == EREC_RESOLVE_ENTRY || resolve == EREC_RESOLVE_BY_ID;
}

static void
check_one(ErecCheck *check, const ErecNode *signature)
{
    guint target = 0;
    const gint entry = target_of(check, &target) ? (gint)target : EREC_SIGNED_ELSEWHERE;
    char *organisation = NULL;
    const char *reason = NULL;
    const ErecSignedVerdict verdict =
        erec_signature_judge(&check->signing, signature, entry, &organisation, &reason);

    check->has_signature = TRUE;
    erec_check_say(check, rule_of(verdict), signature, reason != NULL ? reason : organisation);
    erec_report_add_signature(check->report, entry, verdict, organisation);
}

void
erec_check_signature(ErecCheck *check)
{
    if (!erec_text_is(check->resource, "resourceType", "Provenance"))
        return;
    for (const ErecNode *at = erec_each(check->resource, "signature"); at != NULL;
         at = erec_each_next(at))
        check_one(check, at);
}

/* --- in files that are not looked into
 * ---------------------------------------------------------------- */

/* Somewhere in the file, of any size: a window at a time, each with the end of the last. */
static gboolean
source_has(ErecSource *source, const char *bytes)
{
    const gsize length = strlen(bytes);
    g_autofree char *window = g_malloc(EREC_WINDOW);
    guint64 at = 0;
    gssize got;

    while ((got = erec_source_read(source, at, window, EREC_WINDOW)) >= (gssize)length) {
        if (memmem(window, (gsize)got, bytes, length) != NULL)
            return TRUE;
        at += (guint64)got - (length - 1);
        if (got < (gssize)EREC_WINDOW)
            break;
    }
    return FALSE;
}

void
erec_check_other_signature(ErecSource *source, ErecKind kind, ErecReport *report)
{
    const char *mark = NULL, *detail = NULL;

    if (kind == EREC_KIND_CDA || kind == EREC_KIND_FHIR_XML || kind == EREC_KIND_XML) {
        mark = "http://www.w3.org/2000/09/xmldsig#";
        detail = "XML-DSig";
    } else if (kind == EREC_KIND_PDF) {
        mark = "/ByteRange";
        detail = "PDF";
    }
    if (mark != NULL && source_has(source, mark))
        erec_report_add(report, EREC_RULE_SIGNATURE_NOT_CHECKED, -1, 0, NULL, detail);
}
