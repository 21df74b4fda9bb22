/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader and a card of the engine in one field, for tests in which one of them is lied to:
 * what is carried between them, what they last told.
 */
#pragma once

#include <glib.h>

#include "proto/tap-priv.h"

typedef struct {
    ehp_tap *reader, *card;
    uint8_t leaf_public[32], leaf_secret[64];
    ehp_tap_event_type reader_last, card_last;
    ehp_status reader_status, card_status;
    bool keep_question;
    ehp_noise question; /* the card's handshake as it stood when it asked */
} taps;

extern const uint8_t taps_address[6];

void taps_init(taps *r);
void taps_clear(taps *r);
/* Answers what both ask. */
void taps_handle(taps *r);
/* One APDU from one side to the other; false: there is none. */
bool taps_carry(taps *r, ehp_tap *from, ehp_tap *to);
/* The reader is in that state, honestly. */
void taps_bring_reader(taps *r, const char *state);
/* Whatever was said before: the next person's tap works. */
void taps_expect_next_tap(taps *r);
/* How the tests write what a side told. */
const char *taps_word(ehp_tap_event_type type, ehp_status status);
