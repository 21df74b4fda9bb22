/* SPDX-License-Identifier: Apache-2.0
 *
 * What is left of a session whose link did not come back, for a new tap of the same two devices
 * to take up (PROTOCOL.md, Taking up): enough to know it again, nothing to resume it with.
 * Plain bytes, so that it can be kept as it is; secret: seal it, wipe it.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"

typedef struct {
    uint8_t session[EHP_HASH_LEN];   /* its h */
    uint8_t key[EHP_HASH_LEN];       /* from its export key, for this and nothing else */
    uint8_t salt_key[32];            /* sender */
    uint8_t list_hash[EHP_HASH_LEN]; /* pages_hash of its manifest */
} ehp_left;

/* key, from session and the export key. */
void ehp_left_key(ehp_left *left, const uint8_t export_key[32]);
/* Manifest.continues in the session whose h is given. */
void ehp_left_proof(const ehp_left *left, const uint8_t h[EHP_HASH_LEN],
                    uint8_t out[EHP_HASH_LEN]);
/* Is it this one that the manifest of session h continues? In constant time. */
bool ehp_left_fits(const ehp_left *left, const uint8_t h[EHP_HASH_LEN],
                   const uint8_t proof[EHP_HASH_LEN]);
