/* SPDX-License-Identifier: Apache-2.0
 *
 * See taps.h.
 */
#include "tests/hostile/taps.h"

#include <string.h>

const uint8_t taps_address[6] = {0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static const uint32_t categories[] = {1, 5};

static ehp_tap *
new_reader(const taps *r)
{
    ehp_tap_config c = {.role = EHP_ROLE_TERMINAL, .nfc = EHP_NFC_READER};
    ehp_tap *tap;

    memset(c.seed, 0x11, sizeof c.seed);
    c.leaf_secret = r->leaf_secret;
    c.purpose = 1;
    c.categories = categories;
    c.n_categories = 2;
    c.address = taps_address;
    c.channel = 7;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_OK);
    return tap;
}

void
taps_init(taps *r)
{
    ehp_tap_config c = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};
    uint8_t seed[32];

    memset(r, 0, sizeof *r);
    memset(seed, 0x42, sizeof seed);
    ehp_sign_keypair(seed, r->leaf_public, r->leaf_secret);
    r->reader = new_reader(r);
    memset(c.seed, 0x22, sizeof c.seed);
    g_assert_cmpint(ehp_tap_new(&c, &r->card), ==, EHP_OK);
}

void
taps_clear(taps *r)
{
    ehp_tap_free(r->reader);
    ehp_tap_free(r->card);
    ehp_noise_clear(&r->question);
}

void
taps_handle(taps *r)
{
    ehp_tap_event ev;

    while (ehp_tap_next_event(r->card, &ev)) {
        r->card_last = ev.type;
        r->card_status = ev.status;
        if (ev.type != EHP_TAP_ASK_VERDICT)
            continue;
        r->question = r->card->noise;
        if (!r->keep_question)
            g_assert_cmpint(ehp_tap_verdict(r->card, EHP_UNVERIFIED, true,
                                            ev.leaf_key != NULL ? ev.leaf_key : r->leaf_public,
                                            1),
                            ==, EHP_OK);
    }
    while (ehp_tap_next_event(r->reader, &ev)) {
        r->reader_last = ev.type;
        r->reader_status = ev.status;
        if (ev.type == EHP_TAP_STORE_PENDING)
            g_assert_cmpint(ehp_tap_stored(r->reader, EHP_OK, 1), ==, EHP_OK);
    }
    while (ehp_tap_next_event(r->card, &ev)) {
        r->card_last = ev.type;
        r->card_status = ev.status;
    }
}

bool
taps_carry(taps *r, ehp_tap *from, ehp_tap *to)
{
    const ehp_bytes out = ehp_tap_take(from, 1);
    uint8_t apdu[EHP_APDU_MAX];

    if (out.len == 0)
        return false;
    memcpy(apdu, out.data, out.len);
    g_assert_cmpint(ehp_tap_feed(to, apdu, out.len, 1), ==, EHP_OK);
    taps_handle(r);
    return true;
}

/* Goes on to the end; both lift. */
static void
finish(taps *r)
{
    while (taps_carry(r, r->reader, r->card) && taps_carry(r, r->card, r->reader))
        ;
    ehp_tap_lost(r->reader, 1);
    ehp_tap_lost(r->card, 1);
    taps_handle(r);
}

void
taps_expect_next_tap(taps *r)
{
    r->keep_question = false;
    ehp_tap_lost(r->reader, 1);
    ehp_tap_lost(r->card, 1);
    taps_handle(r);
    ehp_tap_free(r->reader);
    r->reader = new_reader(r);
    g_assert_cmpint(ehp_tap_start(r->reader, 1), ==, EHP_OK);
    finish(r);
    g_assert_cmpint(r->reader_last, ==, EHP_TAP_DONE);
    g_assert_cmpint(r->card_last, ==, EHP_TAP_DONE);
}

const char *
taps_word(ehp_tap_event_type type, ehp_status status)
{
    switch (type) {
    case EHP_TAP_NONE:
        return "-";
    case EHP_TAP_SELECTED:
        return "Selected";
    case EHP_TAP_ASK_VERDICT:
        return "Asked";
    case EHP_TAP_STORE_PENDING:
        return "Stored";
    case EHP_TAP_DONE:
        return "Done";
    case EHP_TAP_UNCERTAIN:
        return "Uncertain";
    case EHP_TAP_STOPPED:
    case EHP_TAP_BUSY:
    case EHP_TAP_FAILED:
        return status == EHP_OK ? "Busy" : ehp_status_name(status);
    }
    return "?";
}

void
taps_bring_reader(taps *r, const char *state)
{
    g_assert_cmpint(ehp_tap_start(r->reader, 1), ==, EHP_OK);
    while (strcmp(ehp_tap_reader_machine.states[r->reader->state], state) != 0) {
        g_assert_true(taps_carry(r, r->reader, r->card));
        if (strcmp(ehp_tap_reader_machine.states[r->reader->state], state) == 0)
            break;
        g_assert_true(taps_carry(r, r->card, r->reader));
    }
    (void)ehp_tap_take(r->reader, 1);
}
