/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader and a card of the engine in one field, for the tests of the tap: what they agree on,
 * and what the field does to them.
 */
#pragma once

#include <glib.h>

#include "proto/sign.h"
#include "proto/tap-priv.h"
#include "proto/tap.h"

typedef struct {
    ehp_tap *reader, *card;
    uint8_t leaf_public[32], leaf_secret[64];
    uint8_t cert[3][1200];
    ehp_bytes chain[3];
    size_t n_chain;
    uint64_t now;
    /* what the pump saw */
    unsigned pairs, bytes;
    ehp_tap_event_type reader_last, card_last;
    ehp_status reader_status, card_status;
    uint8_t saved[EHP_SECRETS_SAVED_MAX];
    size_t saved_len;
    uint8_t fingerprint[32];
    /* how the patient's side answers */
    ehp_status verdict;
    bool allowed, wrong_key, no_key, keep_question;
    ehp_status store;
    /* what the field does: the APDU with this number is changed or lost */
    int cut_c, cut_r, flip_c, flip_r;
    unsigned flip_bit;
} rig;

extern const uint8_t rig_address[6];

/* A chain of so many certificates, each so long; none: a bare key. */
void rig_init(rig *r, size_t n_chain, size_t cert_len);
void rig_clear(rig *r);
ehp_tap_config rig_terminal_config(rig *r);
/* Answers what the side asks. */
void rig_handle_card(rig *r);
void rig_handle_reader(rig *r);
/* One device in the field until nothing moves any more; then it is lifted. */
void rig_tap_once(rig *r);
/* Both are done and have the same keys, and the saved form is that of the session. */
void rig_check_agreed(rig *r);
