/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON Web Signature of somebody else, and JSON made canonical: what can be verified holds
 * for one payload and no other, and what is canonical stays as it is when it is made so again.
 */
#include <string.h>

#include "lib/record/canonical.h"
#include "lib/record/signers.h"
#include "tests/fuzz/fuzz.h"

#define CANONICAL_MAX (1u << 20)

static const char payload[] = "{\"a\":1}";

static void
feed_jws(const uint8_t *data, size_t size)
{
    g_auto(ErecJws) jws = {0};
    g_autofree char *organisation = NULL;

    erec_jws_parse(&jws, (const char *)data, size);
    if (jws.state != EREC_JWS_SOUND) {
        FUZZ_CHECK(jws.reason != NULL);
        return;
    }
    FUZZ_CHECK(jws.reason == NULL && jws.n_chain > 0 && jws.n_chain <= EREC_CHAIN_MAX);
    FUZZ_CHECK(!erec_jws_holds(&jws, payload, strlen(payload)) ||
               !erec_jws_holds(&jws, payload, strlen(payload) - 1));
    FUZZ_CHECK(!erec_jws_carries(&jws, payload, strlen(payload)) ||
               !erec_jws_carries(&jws, payload, strlen(payload) - 1));
    /* nobody is trusted: nobody vouches */
    g_autoptr(ErecSigners) none = erec_signers_new(0);
    FUZZ_CHECK(erec_signers_judge(none, jws.chain, jws.n_chain, &organisation) ==
               EREC_SIGNER_UNKNOWN);
    FUZZ_CHECK(organisation == NULL);
}

static GString *
canonical(const void *text, gsize length, ErecForm form)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, length);
    g_autoptr(ErecTree) tree = erec_tree_new(bytes, 0, NULL);
    GString *out = g_string_new(NULL);

    if (tree == NULL || !erec_canonical_add(out, erec_tree_root(tree), form, NULL, CANONICAL_MAX))
        g_string_truncate(out, 0);
    return out;
}

static void
feed_json(const uint8_t *data, size_t size)
{
    for (guint form = 0; form < EREC_N_FORMS; form++) {
        GString *once = canonical(data, size, (ErecForm)form);

        if (once->len > 0) {
            GString *twice = canonical(once->str, once->len, (ErecForm)form);

            FUZZ_CHECK(g_string_equal(once, twice));
            g_string_free(twice, TRUE);
        }
        g_string_free(once, TRUE);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed_jws(data, size);
    feed_json(data, size);
    return 0;
}
