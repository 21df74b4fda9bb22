/* SPDX-License-Identifier: Apache-2.0
 *
 * See signature.h. A signature names how its bytes were made canonical, or does not; what it
 * leaves open is tried in turn. Whichever form it holds for, it holds for all of the content.
 */
#include "lib/record/signature.h"

#include <string.h>

#include "lib/record/canonical.h"

#define CANONICAL "http://hl7.org/fhir/canonicalization/json"

typedef enum {
    SCOPE_OPEN,     /* it does not say */
    SCOPE_ALL,      /* …/json */
    SCOPE_DOCUMENT, /* …/json#document: a Bundle without its id and meta */
    SCOPE_DATA,     /* …/json#data: without the narrative */
    SCOPE_STATIC,   /* …/json#static: without narrative and meta */
    SCOPE_OTHER,
} Scope;

typedef struct {
    ErecSigning *signing;
    const ErecJws *jws;
    ErecTree *tree; /* owned: of the entry; NULL: the bundle */
    gboolean spent; /* there was no room, or a part was not sound */
} Try;

static Scope
scope_of(const ErecNode *signature)
{
    static const char *const plain[] = {"json", "application/json", "application/fhir+json",
                                        NULL};
    static const struct {
        const char *uri;
        Scope scope;
    } known[] = {{CANONICAL, SCOPE_ALL},
                 {CANONICAL "#document", SCOPE_DOCUMENT},
                 {CANONICAL "#data", SCOPE_DATA},
                 {CANONICAL "#static", SCOPE_STATIC}};
    const char *format = erec_text(signature, "targetFormat"),
               *uri = format != NULL ? strstr(format, "canonicalization=") : NULL;

    if (format == NULL || g_strv_contains(plain, format))
        return SCOPE_OPEN;
    if (uri == NULL)
        return SCOPE_OTHER;
    uri += strlen("canonicalization=");
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (strcmp(uri, known[i].uri) == 0)
            return known[i].scope;
    return SCOPE_OTHER;
}

/* --- what is signed ------------------------------------------------------------------------
 */

static gboolean
holds_for(Try *try, const char *bytes, gsize length)
{
    if (try->jws->payload[0] != '\0' && !erec_jws_carries(try->jws, bytes, length))
        return FALSE;
    return erec_jws_holds(try->jws, bytes, length);
}

static void
spend(Try *try, gsize bytes)
{
    try->signing->left -= MIN(try->signing->left, MAX(bytes, EREC_SIGNED_LOOK));
}

static gboolean
holds_in_form(Try *try, ErecForm form, const char *const *without)
{
    const gsize max = (gsize)MIN(try->signing->left, EREC_SIGNED_ONE_MAX);
    g_autoptr(GString) out = g_string_new(NULL);
    gboolean made = FALSE;

    if (max > 0 && try->tree != NULL)
        made = erec_canonical_add(out, erec_tree_root(try->tree), form, without, max);
    else if (max > 0)
        made = erec_canonical_add_bundle(out, try->signing->bundle, form, without, max);
    spend(try, out->len);
    try->spent = try->spent || !made;
    return made && holds_for(try, out->str, out->len);
}

static gboolean
holds_in_a_form(Try *try, const char *const *without)
{
    for (guint form = 0; form < EREC_N_FORMS; form++)
        if (holds_in_form(try, (ErecForm)form, without))
            return TRUE;
    return FALSE;
}

static gboolean
holds_as_it_is(Try *try)
{
    gsize length;
    const char *bytes = erec_tree_bytes(try->tree, &length);

    if (length > try->signing->left)
        return FALSE;
    spend(try, length);
    return holds_for(try, bytes, length);
}

static gboolean
bundle_holds(Try *try, Scope scope)
{
    static const char *const whole[] = {"signature", NULL}, *const document[] = {"signature",
                                                                                 "id", "meta",
                                                                                 NULL};

    return (scope != SCOPE_DOCUMENT && holds_in_a_form(try, whole)) ||
           (scope != SCOPE_ALL && holds_in_a_form(try, document));
}

static gboolean
entry_holds(Try *try, Scope scope)
{
    static const char *const data[] = {"text", NULL}, *const fixed[] = {"text", "meta", NULL};

    if (scope == SCOPE_DATA || scope == SCOPE_STATIC)
        return holds_in_a_form(try, scope == SCOPE_DATA ? data : fixed);
    return (scope == SCOPE_OPEN && holds_as_it_is(try)) || holds_in_a_form(try, NULL);
}

/* A document is a Bundle; a narrative has only what is none. */
static gboolean
fits(Scope scope, gint entry)
{
    switch (scope) {
    case SCOPE_OPEN:
    case SCOPE_ALL:
        return TRUE;
    case SCOPE_DOCUMENT:
        return entry < 0;
    case SCOPE_DATA:
    case SCOPE_STATIC:
        return entry >= 0;
    case SCOPE_OTHER:
        break;
    }
    return FALSE;
}

static ErecSignedVerdict
judge_jws(ErecSigning *signing, const ErecJws *jws, gint entry, Scope scope,
          const char **reason)
{
    Try try = {.signing = signing, .jws = jws};
    gboolean holds;

    if (!fits(scope, entry)) {
        *reason = "targetFormat";
        return EREC_SIGNED_UNCHECKED;
    }
    if (entry >= 0)
        try.tree = erec_bundle_load(signing->bundle, (guint)entry, NULL);
    if (entry >= 0 && try.tree == NULL) {
        *reason = "target";
        return EREC_SIGNED_UNCHECKED;
    }
    holds = entry < 0 ? bundle_holds(&try, scope) : entry_holds(&try, scope);
    g_clear_pointer(&try.tree, erec_tree_free);
    if (!holds && try.spent) {
        *reason = "too large";
        return EREC_SIGNED_UNCHECKED;
    }
    if (!holds)
        return EREC_SIGNED_INVALID;
    return scope == SCOPE_DATA || scope == SCOPE_STATIC ? EREC_SIGNED_PARTLY
                                                        : EREC_SIGNED_VERIFIED;
}

/* --- who signed ----------------------------------------------------------------------------
 */

static ErecSignedVerdict
with_signer(const ErecSigning *signing, const ErecJws *jws, ErecSignedVerdict verdict,
            char **organisation, const char **reason)
{
    switch (erec_signers_judge(signing->signers, jws->chain, jws->n_chain, organisation)) {
    case EREC_SIGNER_TRUSTED:
        return verdict;
    case EREC_SIGNER_UNKNOWN:
        return EREC_SIGNED_UNKNOWN;
    case EREC_SIGNER_EXPIRED:
        *reason = "expired";
        return EREC_SIGNED_UNKNOWN;
    case EREC_SIGNER_REVOKED:
        break;
    }
    return EREC_SIGNED_REVOKED;
}

/* Most say application/jose and mean base64 of a JWS; some forget the base64. */
static void
parse(ErecJws *jws, const char *data)
{
    gsize length = 0;
    g_autofree guint8 *decoded = NULL;

    if (strchr(data, '.') != NULL) {
        erec_jws_parse(jws, data, strlen(data));
        return;
    }
    decoded = g_base64_decode(data, &length);
    erec_jws_parse(jws, (const char *)decoded, length);
}

ErecSignedVerdict
erec_signature_judge(ErecSigning *signing, const ErecNode *signature, gint entry,
                     char **organisation, const char **reason)
{
    const char *data = erec_text(signature, "data"),
               *format = erec_text(signature, "sigFormat");
    g_auto(ErecJws) jws = {0};
    ErecSignedVerdict verdict;

    *organisation = NULL;
    *reason = NULL;
    if (data == NULL || *data == '\0')
        return EREC_SIGNED_MALFORMED;
    if (format != NULL && strcmp(format, "application/jose") != 0) {
        *reason = "sigFormat";
        return EREC_SIGNED_UNCHECKED;
    }
    parse(&jws, data);
    *reason = jws.reason;
    if (jws.state != EREC_JWS_SOUND)
        return jws.state == EREC_JWS_MALFORMED ? EREC_SIGNED_MALFORMED : EREC_SIGNED_UNCHECKED;
    if (entry == EREC_SIGNED_ELSEWHERE) {
        *reason = "target";
        return EREC_SIGNED_UNCHECKED;
    }
    verdict = judge_jws(signing, &jws, entry, scope_of(signature), reason);
    if (verdict != EREC_SIGNED_VERIFIED && verdict != EREC_SIGNED_PARTLY)
        return verdict;
    return with_signer(signing, &jws, verdict, organisation, reason);
}
