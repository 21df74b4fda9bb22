/* SPDX-License-Identifier: Apache-2.0
 *
 * Two peers of a handshake, and somebody between them. Input: pattern (ours or any), psk
 * modifiers, then for each message what is done to it. Both sides may only come to an end when
 * nothing was changed, and then with the same keys.
 */
#include "proto/noise.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

#define MESSAGE_MAX 512

static const uint8_t secrets[2][EHP_DH_LEN] = {{0x11}, {0x22}};
static const uint8_t ephemerals[2][EHP_DH_LEN] = {{0x33}, {0x44}};
static const uint8_t psks[EHP_NOISE_PSKS_MAX][EHP_KEY_LEN] = {{1}, {2}, {3}, {4}};

static bool
start(ehp_noise n[2], ehp_noise_pattern pattern, unsigned psk_mask)
{
    bool ok = true;

    for (int i = 0; i < 2; i++) {
        uint8_t rs[EHP_DH_LEN];
        const ehp_noise_params params = {
            .pattern = pattern,
            .psk_mask = psk_mask,
            .initiator = i == 0,
            .prologue = {(const uint8_t *)"fuzz", 4},
            .s_secret = secrets[i],
            .rs = rs,
            .psks = psks,
            .n_psks = (size_t)__builtin_popcount(psk_mask),
        };

        ehp_noise_public(rs, secrets[!i]);
        ok = ehp_noise_init(&n[i], &params) == EHP_OK && ok;
    }
    return ok;
}

/* Does to the message what the input says; true when it is not the same any more. */
static bool
change(uint8_t *message, size_t *len, ehp_reader *in)
{
    uint8_t before[MESSAGE_MAX];
    const size_t before_len = *len;
    const unsigned what = ehp_take_u8(in) % 8;
    const size_t at = ehp_take_be16(in);
    ehp_bytes bytes;

    memcpy(before, message, *len);
    switch (what) {
    case 1:
        message[at % *len] ^= (uint8_t)(1 + at / 256 % 255);
        break;
    case 2:
        *len = at % *len;
        break;
    case 3:
        bytes = fuzz_take(in, at % (MESSAGE_MAX - *len));
        if (bytes.len > 0)
            memcpy(message + *len, bytes.data, bytes.len);
        *len += bytes.len;
        break;
    case 4:
        bytes = fuzz_take(in, at % MESSAGE_MAX);
        if (bytes.len > 0)
            memcpy(message, bytes.data, bytes.len);
        *len = bytes.len;
        break;
    default:
        break;
    }
    return *len != before_len || memcmp(before, message, *len) != 0;
}

/* True when both came to the end. */
static bool
run(ehp_noise n[2], ehp_reader *in, bool *changed)
{
    for (int side = 0; !(ehp_noise_done(&n[0]) && ehp_noise_done(&n[1])); side = !side) {
        uint8_t message[MESSAGE_MAX], back[MESSAGE_MAX];
        const ehp_bytes payload = fuzz_take(in, ehp_take_u8(in) % 64);
        ehp_writer w, plain;

        ehp_writer_init(&w, message, sizeof message);
        if (ehp_noise_write(&n[side], ephemerals[side], payload, &w) != EHP_OK) {
            FUZZ_CHECK(*changed); /* into a point of small order */
            return false;
        }
        *changed = change(message, &w.len, in) || *changed;
        ehp_writer_init(&plain, back, sizeof back);
        if (ehp_noise_read(&n[!side], ehp_bytes_of(message, w.len), &plain) != EHP_OK) {
            FUZZ_CHECK(*changed);
            FUZZ_CHECK(sodium_is_zero((const uint8_t *)&n[!side], sizeof n[!side]));
            return false;
        }
        FUZZ_CHECK(*changed ||
                   (plain.len == payload.len &&
                    (plain.len == 0 || memcmp(back, payload.data, plain.len) == 0)));
    }
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ehp_noise n[2];
    ehp_noise_keys keys[2];
    ehp_reader in;
    bool changed = false;

    fuzz_start();
    ehp_reader_init(&in, data, size);

    const unsigned pattern = ehp_take_u8(&in) % (EHP_NOISE_PATTERNS + 1);
    const unsigned psk_mask = ehp_take_u8(&in) % 16;

    if (!start(n, (ehp_noise_pattern)pattern, psk_mask))
        return 0;
    if (run(n, &in, &changed)) {
        FUZZ_CHECK(ehp_noise_finish(&n[0], 0, &keys[0]) == EHP_OK);
        FUZZ_CHECK(ehp_noise_finish(&n[1], 0, &keys[1]) == EHP_OK);
        FUZZ_CHECK((memcmp(keys[0].h, keys[1].h, EHP_HASH_LEN) == 0) == !changed);
        FUZZ_CHECK((memcmp(keys[0].resume, keys[1].resume, EHP_KEY_LEN) == 0) == !changed);
        FUZZ_CHECK((memcmp(keys[0].send.key, keys[1].recv.key, EHP_KEY_LEN) == 0) == !changed);
    }
    ehp_noise_clear(&n[0]);
    ehp_noise_clear(&n[1]);
    return 0;
}
