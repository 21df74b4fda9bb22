/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader, a card, and somebody between them who does as the input says: passes an APDU on,
 * changes it, puts another in its place, keeps it, lifts the device, waits. Whatever happens,
 * two sides that are done have the same keys, and no APDU is too long for libnfc.
 */
#include "proto/tap.h"

#include <string.h>

#include "proto/sign.h"
#include "tests/fuzz/fuzz.h"

typedef struct {
    ehp_tap *reader, *card;
    uint8_t leaf[32];
    uint64_t now;
    uint8_t mood; /* how the persons and their disks answer */
    bool reader_done, card_done, accepted;
    ehp_secrets r, c;
} state;

static void
start(state *s, uint8_t mood)
{
    uint8_t seed[32] = {1}, secret[64], cert[450];
    ehp_bytes chain[2] = {{cert, sizeof(cert)}, {cert, 400}};
    uint32_t category = 1;
    ehp_tap_config r = {.role = EHP_ROLE_TERMINAL, .nfc = EHP_NFC_READER};
    ehp_tap_config c = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};

    memset(s, 0, sizeof(*s));
    memset(cert, 0x30, sizeof(cert));
    s->mood = mood;
    ehp_sign_keypair(seed, s->leaf, secret);
    r.leaf_secret = secret;
    r.chain = chain;
    r.n_chain = mood & 1 ? 2 : 0;
    r.purpose = 1;
    r.categories = &category;
    r.n_categories = 1;
    r.busy = (mood & 0x40) != 0;
    r.seed[0] = 2;
    c.seed[0] = 3;
    FUZZ_CHECK(ehp_tap_new(&r, &s->reader) == EHP_OK);
    FUZZ_CHECK(ehp_tap_new(&c, &s->card) == EHP_OK);
}

static void
on_card(state *s, const ehp_tap_event *ev)
{
    bool good = (s->mood & 2) == 0;
    ehp_status status;

    if (ev->type == EHP_TAP_ASK_VERDICT) {
        FUZZ_CHECK((ev->n_chain == 0) == (ev->leaf_key != NULL));
        s->accepted = good;
        if (ev->n_chain == 0)
            status = ehp_tap_verdict(s->card, EHP_UNVERIFIED, good, ev->leaf_key, s->now);
        else
            status = ehp_tap_verdict(s->card, good ? EHP_OK : EHP_CERT_EXPIRED, false, s->leaf,
                                     s->now);
        FUZZ_CHECK(status == EHP_OK);
    }
    if (ev->type == EHP_TAP_DONE) {
        FUZZ_CHECK(s->accepted && !s->card_done);
        s->card_done = true;
        FUZZ_CHECK(ehp_tap_take_secrets(s->card, &s->c) == EHP_OK);
    }
}

static void
on_reader(state *s, const ehp_tap_event *ev)
{
    if (ev->type == EHP_TAP_STORE_PENDING) {
        ehp_secrets saved;
        FUZZ_CHECK(ehp_secrets_load(&saved, ev->saved) == EHP_OK);
        FUZZ_CHECK(ehp_tap_stored(s->reader, s->mood & 4 ? EHP_NO_SPACE : EHP_OK, s->now) ==
                   EHP_OK);
    }
    if (ev->type == EHP_TAP_DONE || ev->type == EHP_TAP_UNCERTAIN) {
        s->reader_done = true;
        FUZZ_CHECK(ehp_tap_take_secrets(s->reader, &s->r) == EHP_OK);
    }
}

static void
events(state *s)
{
    ehp_tap_event ev;

    while (ehp_tap_next_event(s->card, &ev))
        on_card(s, &ev);
    while (ehp_tap_next_event(s->reader, &ev))
        on_reader(s, &ev);
}

/* Feeding a reader that waits for nothing is refused, never worse. */
static void
feed(state *s, ehp_tap *to, const uint8_t *apdu, size_t len)
{
    ehp_status status = ehp_tap_feed(to, apdu, len, s->now);

    FUZZ_CHECK(status == EHP_OK || (to == s->reader && status == EHP_WRONG_STATE));
}

static void
step(state *s, ehp_reader *in)
{
    uint8_t op = ehp_take_u8(in), apdu[EHP_APDU_MAX + 8];
    ehp_tap *from = op & 0x80 ? s->card : s->reader, *to = op & 0x80 ? s->reader : s->card;
    ehp_bytes out = {NULL, 0}, other;
    ehp_status ignored;

    switch (op & 7) {
    case 0: /* pass on */
    case 1: /* changed */
        out = ehp_tap_take(from, s->now);
        FUZZ_CHECK(out.len <= EHP_APDU_MAX);
        if (out.len == 0)
            break;
        memcpy(apdu, out.data, out.len);
        if ((op & 7) == 1)
            apdu[ehp_take_u8(in) % out.len] ^= ehp_take_u8(in);
        feed(s, to, apdu, out.len);
        break;
    case 2: /* another one */
        other = fuzz_take(in, ehp_take_u8(in));
        feed(s, to, other.data, other.len);
        break;
    case 3: /* kept */
        out = ehp_tap_take(from, s->now);
        FUZZ_CHECK(out.len <= EHP_APDU_MAX);
        break;
    case 4:
        ehp_tap_lost(from, s->now);
        break;
    case 5:
        ignored = ehp_tap_start(s->reader, s->now);
        (void)ignored;
        break;
    case 6:
        s->now += (uint64_t)ehp_take_u8(in) * 100;
        ehp_tap_tick(s->reader, s->now);
        ehp_tap_tick(s->card, s->now);
        break;
    case 7:
        s->mood = ehp_take_u8(in);
        break;
    }
    events(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ehp_reader in;
    state s;
    unsigned steps = 0;

    fuzz_start();
    ehp_reader_init(&in, data, size);
    start(&s, ehp_take_u8(&in));
    while (in.left > 0 && steps++ < 100)
        step(&s, &in);
    if (s.card_done && s.reader_done && memcmp(s.r.h, s.c.h, 32) == 0) {
        FUZZ_CHECK(memcmp(s.r.resume, s.c.resume, 32) == 0);
        FUZZ_CHECK(memcmp(s.c.leaf_key, s.leaf, 32) == 0);
    }
    ehp_tap_free(s.reader);
    ehp_tap_free(s.card);
    return 0;
}
