/* SPDX-License-Identifier: Apache-2.0
 *
 * Fingerprints and their text. Pure; any thread.
 */
#include "daemon/store/fingerprint.h"

#include <sodium.h>
#include <string.h>

#define MATCH_MIN 8

/* RFC 8410: SEQUENCE { SEQUENCE { 1.3.101.112 } BIT STRING (32 bytes follow) } */
static const guint8 ed25519_spki[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                        0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

void
ehd_fingerprint_of_key(const guint8 key[32], guint8 fingerprint[EHD_FINGERPRINT_LEN])
{
    guint8 spki[sizeof ed25519_spki + 32];
    memcpy(spki, ed25519_spki, sizeof ed25519_spki);
    memcpy(spki + sizeof ed25519_spki, key, 32);
    crypto_hash_sha256(fingerprint, spki, sizeof spki);
}

void
ehd_fingerprint_format(const guint8 fingerprint[EHD_FINGERPRINT_LEN],
                       char text[EHD_FINGERPRINT_TEXT])
{
    sodium_bin2hex(text, EHD_FINGERPRINT_TEXT, fingerprint, EHD_FINGERPRINT_LEN);
}

/* How many hex digits `text` holds, separators left out; -1 for anything else or too many. */
static int
collect_digits(const char *text, guint8 digits[2 * EHD_FINGERPRINT_LEN])
{
    int n = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == ' ' || *at == ':')
            continue;
        int value = g_ascii_xdigit_value(*at);
        if (value < 0 || n == 2 * EHD_FINGERPRINT_LEN)
            return -1;
        digits[n++] = (guint8)value;
    }
    return n;
}

gboolean
ehd_fingerprint_parse(const char *text, guint8 fingerprint[EHD_FINGERPRINT_LEN])
{
    guint8 digits[2 * EHD_FINGERPRINT_LEN];
    if (collect_digits(text, digits) != (int)sizeof digits)
        return FALSE;
    for (guint i = 0; i < EHD_FINGERPRINT_LEN; i++)
        fingerprint[i] = (guint8)(digits[2 * i] << 4 | digits[2 * i + 1]);
    return TRUE;
}

gboolean
ehd_fingerprint_matches(const guint8 fingerprint[EHD_FINGERPRINT_LEN], const char *prefix)
{
    guint8 digits[2 * EHD_FINGERPRINT_LEN];
    int n = collect_digits(prefix, digits);
    if (n < MATCH_MIN)
        return FALSE;
    for (int i = 0; i < n; i++) {
        guint8 half = i % 2 ? fingerprint[i / 2] & 15 : fingerprint[i / 2] >> 4;
        if (half != digits[i])
            return FALSE;
    }
    return TRUE;
}
