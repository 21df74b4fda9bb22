/* SPDX-License-Identifier: Apache-2.0
 *
 * The fingerprint of a key: SHA-256 of its SubjectPublicKeyInfo (DER), for certificates and for
 * a bare Ed25519 key alike (whose SubjectPublicKeyInfo is 12 fixed bytes and the key), so that
 *   openssl pkey -pubin -outform DER | sha256sum
 * gives the same. Text form: 64 lower-case hex digits. Pure; any thread.
 */
#pragma once

#include <glib.h>

#define EHD_FINGERPRINT_LEN  32
#define EHD_FINGERPRINT_TEXT (2 * EHD_FINGERPRINT_LEN + 1)

void ehd_fingerprint_of_key(const guint8 key[32], guint8 fingerprint[EHD_FINGERPRINT_LEN]);
void ehd_fingerprint_format(const guint8 fingerprint[EHD_FINGERPRINT_LEN],
                            char text[EHD_FINGERPRINT_TEXT]);
/* Whole text form; upper case, blanks and colons are forgiven. */
gboolean ehd_fingerprint_parse(const char *text, guint8 fingerprint[EHD_FINGERPRINT_LEN]);
/* Do at least 8 leading hex digits `prefix` match? */
gboolean ehd_fingerprint_matches(const guint8 fingerprint[EHD_FINGERPRINT_LEN],
                                 const char *prefix);
