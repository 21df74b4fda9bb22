/* SPDX-License-Identifier: Apache-2.0
 *
 * The first bytes of a link, in clear: "EHR1" ‖ version ‖ nonce 16 ‖ HMAC(locator, "ehrlink1
 * link\0" ‖ kind ‖ nonce)[0..16]. With a fresh nonce nobody can join two links of a session,
 * and only its two devices can tell whose it is. It proves nothing: whoever heard it can say it
 * again.
 */
#include <string.h>

#include "proto/hash.h"
#include "proto/session-priv.h"

static const uint8_t magic[4] = {'E', 'H', 'R', '1'};
static const char label[] = "ehrlink1 link"; /* with its NUL */

static void
mac(uint8_t out[EHP_HASH_LEN], const uint8_t locator[EHP_KEY_LEN], bool first,
    const uint8_t nonce[16])
{
    uint8_t kind = first ? 0 : 1;
    ehp_bytes parts[] = {{(const uint8_t *)label, sizeof(label)}, {&kind, 1}, {nonce, 16}};

    ehp_hmac(out, ehp_bytes_of(locator, EHP_KEY_LEN), parts, LEN(parts));
}

void
ehp_preamble_make(uint8_t out[EHP_PREAMBLE_LEN], const uint8_t locator[EHP_KEY_LEN], bool first,
                  const uint8_t nonce[16])
{
    uint8_t full[EHP_HASH_LEN];

    mac(full, locator, first, nonce);
    memcpy(out, magic, sizeof(magic));
    out[4] = EHP_VERSION_MAX;
    memcpy(out + 5, nonce, 16);
    memcpy(out + 21, full, 16);
}

bool
ehp_preamble_fits(const ehp_preamble *p, const uint8_t locator[EHP_KEY_LEN], bool first)
{
    uint8_t full[EHP_HASH_LEN];

    mac(full, locator, first, p->nonce);
    return ehp_secret_equal(full, p->mac, sizeof(p->mac));
}

ehp_status
ehp_preamble_parse(ehp_bytes in, ehp_preamble *out)
{
    size_t seen = in.len < sizeof(magic) ? in.len : sizeof(magic);

    if (seen > 0 && memcmp(in.data, magic, seen) != 0)
        return EHP_BAD_MESSAGE;
    if (in.len > sizeof(magic) &&
        (in.data[4] < EHP_VERSION_MIN || in.data[4] > EHP_VERSION_MAX))
        return EHP_VERSION_UNSUPPORTED;
    if (in.len < EHP_PREAMBLE_LEN)
        return EHP_AGAIN;
    out->version = in.data[4];
    memcpy(out->nonce, in.data + 5, sizeof(out->nonce));
    memcpy(out->mac, in.data + 21, sizeof(out->mac));
    return EHP_OK;
}
