/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealing at rest: XChaCha20-Poly1305 under one random key of this machine (STATE/seal.key,
 * 0600, made at first use). A sealed blob is bound to a label (what it is) and a path (which
 * one), so that it cannot be put in another's place. It does not hide its length and does not
 * stop a roll-back to an older blob. A lost key loses what it sealed: sessions under way, never
 * receipts, audit or identity. Any thread.
 */
#pragma once

#include <glib.h>

#include "daemon/store/state.h"

typedef struct EhdSeal EhdSeal;

/* Bytes that sealing adds. */
#define EHD_SEAL_OVERHEAD (1 + 24 + 16)

EhdSeal *ehd_seal_open(EhdState *state, GError **error);
void ehd_seal_free(EhdSeal *seal); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdSeal, ehd_seal_free)

/* Never fails (it aborts when there is no memory). */
GBytes *ehd_seal_wrap(const EhdSeal *seal, const char *label, const char *path,
                      const void *data, gsize length);
/* STATE_DAMAGED for whatever this key did not seal under this label and path. The memory of the
 * result is wiped when its last reference goes. */
GBytes *ehd_seal_unwrap(const EhdSeal *seal, const char *label, const char *path,
                        const void *data, gsize length, GError **error);
