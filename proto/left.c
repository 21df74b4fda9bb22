/* SPDX-License-Identifier: Apache-2.0
 *
 * The key of what is left binds it to its session, the proof to the one that goes on: neither
 * tells the other, or which session it was, to whoever was not in it.
 */
#include "proto/left.h"

#include "proto/hash.h"

#define LABEL "ehrlink1 take-up"

void
ehp_left_key(ehp_left *left, const uint8_t export_key[32])
{
    ehp_bytes parts[] = {{(const uint8_t *)LABEL, sizeof(LABEL)},
                         {left->session, sizeof(left->session)}};

    ehp_hmac(left->key, ehp_bytes_of(export_key, 32), parts, 2);
}

void
ehp_left_proof(const ehp_left *left, const uint8_t h[EHP_HASH_LEN], uint8_t out[EHP_HASH_LEN])
{
    ehp_bytes part = {h, EHP_HASH_LEN};

    ehp_hmac(out, ehp_bytes_of(left->key, sizeof(left->key)), &part, 1);
}

bool
ehp_left_fits(const ehp_left *left, const uint8_t h[EHP_HASH_LEN],
              const uint8_t proof[EHP_HASH_LEN])
{
    uint8_t mine[EHP_HASH_LEN];
    bool fits;

    ehp_left_proof(left, h, mine);
    fits = ehp_secret_equal(mine, proof, sizeof(mine));
    ehp_wipe(mine, sizeof(mine));
    return fits;
}
