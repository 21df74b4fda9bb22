/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator imports: a chain and CRLs for the device's identity, and anchors, PEM or DER
 * of anything. Input: blobs, each a letter (i chain, r CRL, a anchor), a length in two bytes
 * and that many bytes, in turn. What is refused changes nothing and has a name; what is
 * accepted is there afterwards, within its bounds and fit to be shown.
 */
#include "daemon/store/certificate.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/store/anchors.h"
#include "tests/fuzz/scratch.h"

/* The corpus' leaves are those of the harness chain; the key of its good one. */
#define NOW G_GINT64_CONSTANT(1795000000)
static const uint8_t good_key[32] = {0x28, 0x44, 0x8c, 0x06, 0xc6, 0x37, 0x49, 0x0e,
                                     0xce, 0x2a, 0x2d, 0xe1, 0x1d, 0xea, 0x2a, 0x68,
                                     0x54, 0x60, 0xfc, 0xa3, 0x76, 0xdd, 0xab, 0x64,
                                     0x83, 0xcb, 0xbb, 0x60, 0xdf, 0xd8, 0xfb, 0x28};

static void
check_outcome(gboolean good, const GError *error)
{
    FUZZ_CHECK(good == (error == NULL));
    FUZZ_CHECK(good || (error->domain == EHD_ERROR && error->code > 0));
    FUZZ_CHECK(good || g_utf8_validate(error->message, -1, NULL));
}

static EhdIdentity *
load(int dir)
{
    EhdIdentity *identity = g_new0(EhdIdentity, 1);

    memcpy(identity->public_key, good_key, sizeof good_key);
    FUZZ_CHECK(ehd_certificate_load(dir, identity, NULL));
    FUZZ_CHECK(identity->n_chain <= EHP_CHAIN_MAX && identity->n_crls <= EHP_CRL_MAX);
    for (guint i = 0; i < identity->n_chain; i++)
        FUZZ_CHECK(g_bytes_get_size(identity->chain[i]) <= EHP_CERT_MAX);
    for (guint i = 0; i < identity->n_crls; i++)
        FUZZ_CHECK(g_bytes_get_size(identity->crls[i]) <= EHP_CRL_BYTES_MAX);
    FUZZ_CHECK(g_utf8_validate(identity->organisation, -1, NULL));
    FUZZ_CHECK(g_utf8_validate(identity->place, -1, NULL));
    return identity;
}

static void
feed_chain(int dir, ehp_bytes pem)
{
    g_autoptr(EhdIdentity) before = load(dir);
    g_autoptr(GError) error = NULL;
    const gboolean good =
        ehd_certificate_import(dir, good_key, (const char *)pem.data, pem.len, NOW, &error);

    check_outcome(good, error);
    g_autoptr(EhdIdentity) after = load(dir);
    FUZZ_CHECK(good ? after->n_chain > 0 : after->n_chain == before->n_chain);
    FUZZ_CHECK(!good || (after->not_before <= NOW && after->not_after >= NOW));
}

static void
feed_crl(int dir, ehp_bytes crl)
{
    g_autoptr(EhdIdentity) before = load(dir);
    g_autoptr(GBytes) blob = g_bytes_new(crl.data, crl.len);
    GBytes *const blobs[] = {blob};
    g_autoptr(GError) error = NULL;
    const gboolean good = ehd_certificate_import_crls(dir, before, blobs, 1, &error);

    check_outcome(good, error);
    g_autoptr(EhdIdentity) after = load(dir);
    FUZZ_CHECK(good ? after->n_crls > 0 : after->n_crls == before->n_crls);
}

static void
feed_anchor(ehp_bytes pem)
{
    g_autoptr(GError) error = NULL;
    EhdAnchorEntry *entry = ehd_anchor_parse("anchor", pem.data, pem.len, FALSE, &error);

    check_outcome(entry != NULL, error);
    if (entry == NULL)
        return;
    FUZZ_CHECK(ehd_crt_is_ca(entry->crt));
    ehd_anchor_free(entry);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ehp_reader in;
    int dir;

    fuzz_start();
    (void)scratch(&dir);
    ehp_reader_init(&in, data, size);
    for (unsigned steps = 0; in.left > 2 && steps < 16; steps++) {
        const uint8_t letter = ehp_take_u8(&in);
        const ehp_bytes blob = fuzz_take(&in, ehp_take_be16(&in));
        if (blob.len == 0)
            continue;
        if (letter == 'i')
            feed_chain(dir, blob);
        else if (letter == 'r')
            feed_crl(dir, blob);
        else if (letter == 'a')
            feed_anchor(blob);
    }
    FUZZ_CHECK(ehd_certificate_remove(dir, NULL));
    return 0;
}
