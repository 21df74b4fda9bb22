/* SPDX-License-Identifier: Apache-2.0
 *
 * A terminal's chain and its CRLs, against one anchor. Input: blobs, each a letter (c
 * certificate, r CRL), a length in two bytes, and that many bytes. Nobody has the anchor's key
 * any more: only the leaves in the corpus may ever be verified, and the revoked one never gets
 * past its CRL.
 */
#include <string.h>

#include "daemon/store/anchors.h"
#include "tests/fuzz/fuzz.h"

#define BLOBS_MAX 8
/* When the corpus was made; its leaves live from the day before. */
#define NOW       G_GINT64_CONSTANT(1795000000)

static const char anchor[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBaTCCARugAwIBAgIIewgyzwhzf4cwBQYDK2VwMDcxFzAVBgNVBAoTDkZ1enog\n"
    "QXV0aG9yaXR5MRwwGgYDVQQDExNGdXp6IEF1dGhvcml0eSBSb290MB4XDTI2MTAx\n"
    "OTExMDY0MFoXDTM2MTExODIxNTIyMVowNzEXMBUGA1UEChMORnV6eiBBdXRob3Jp\n"
    "dHkxHDAaBgNVBAMTE0Z1enogQXV0aG9yaXR5IFJvb3QwKjAFBgMrZXADIQAPz53u\n"
    "jtVTS7AL7kuWYs9unelvLhYYBN883LWBVvsx56NFMEMwEgYDVR0TAQH/BAgwBgEB\n"
    "/wIBATAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFOUokeys6KwS6soKw2v5G0xT\n"
    "Ol54MAUGAytlcANBAK2xgSFG9ZyB8ZwzgEv7yU5nh6W3Ak4Bn+UAbkHZ+wq3a2QC\n"
    "eIy6sUQHvnKCWc0Hf2xozthgRUAd0hYxGKocvA8=\n"
    "-----END CERTIFICATE-----\n";

/* Keys of the good leaf and of the revoked one. */
static const uint8_t good_key[32] = {0x28, 0x44, 0x8c, 0x06, 0xc6, 0x37, 0x49, 0x0e,
                                     0xce, 0x2a, 0x2d, 0xe1, 0x1d, 0xea, 0x2a, 0x68,
                                     0x54, 0x60, 0xfc, 0xa3, 0x76, 0xdd, 0xab, 0x64,
                                     0x83, 0xcb, 0xbb, 0x60, 0xdf, 0xd8, 0xfb, 0x28};
static const uint8_t revoked_key[32] = {0xa7, 0x54, 0xc0, 0x09, 0xc1, 0x75, 0xc1, 0xc3,
                                        0x5e, 0x42, 0xfe, 0xcb, 0xd4, 0xf0, 0x12, 0xfe,
                                        0xcb, 0x57, 0xfa, 0xad, 0xd9, 0xfb, 0x3b, 0xca,
                                        0x4a, 0x80, 0xf0, 0xe3, 0xe1, 0x35, 0xb6, 0x62};

static EhdTrust *
make_trust(void)
{
    static EhdTrust trust;
    if (trust.anchors == NULL) {
        EhdAnchorEntry *entry = ehd_anchor_parse("anchor", anchor, strlen(anchor), FALSE, NULL);
        FUZZ_CHECK(entry != NULL);
        trust.anchors = g_ptr_array_new_with_free_func((GDestroyNotify)ehd_anchor_free);
        g_ptr_array_add(trust.anchors, entry);
    }
    return &trust;
}

typedef struct {
    GBytes *certificates[BLOBS_MAX];
    guint n_certificates;
    GBytes *crls[BLOBS_MAX];
    guint n_crls;
} Input;

static void
take_apart(ehp_reader *in, Input *input)
{
    while (in->left > 2) {
        const uint8_t letter = ehp_take_u8(in);
        const ehp_bytes blob = fuzz_take(in, ehp_take_be16(in));
        if (letter == 'c' && input->n_certificates < BLOBS_MAX)
            input->certificates[input->n_certificates++] = g_bytes_new(blob.data, blob.len);
        else if (letter == 'r' && input->n_crls < BLOBS_MAX)
            input->crls[input->n_crls++] = g_bytes_new(blob.data, blob.len);
    }
}

static void
check(const Input *input)
{
    const EhdCrlPolicy policy = {7 * 86400, FALSE};
    EhdVerdict verdict;
    EhdRevocation revocation;
    EhdTrust *trust = make_trust();

    ehd_trust_verify_chain(trust, input->certificates, input->n_certificates, NOW, &verdict);
    FUZZ_CHECK(g_utf8_validate(verdict.organisation, -1, NULL));
    FUZZ_CHECK(g_utf8_validate(verdict.place, -1, NULL));
    const bool is_good = memcmp(verdict.key, good_key, 32) == 0;
    const bool is_revoked = memcmp(verdict.key, revoked_key, 32) == 0;
    if (verdict.status == EHP_OK)
        FUZZ_CHECK((is_good || is_revoked) && strcmp(verdict.organisation, "Test Clinic") == 0);
    ehd_trust_verify_crls(trust, input->certificates, input->n_certificates, input->crls,
                          input->n_crls, NOW, &policy, &revocation);
    FUZZ_CHECK(revocation.acceptable == (revocation.status == EHP_OK));
    if (verdict.status == EHP_OK && revocation.acceptable)
        FUZZ_CHECK(is_good);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {0};
    ehp_reader in;

    fuzz_start();
    ehp_reader_init(&in, data, size);
    take_apart(&in, &input);
    check(&input);
    for (guint i = 0; i < input.n_certificates; i++)
        g_bytes_unref(input.certificates[i]);
    for (guint i = 0; i < input.n_crls; i++)
        g_bytes_unref(input.crls[i]);
    return 0;
}
