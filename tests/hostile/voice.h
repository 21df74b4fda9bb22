/* SPDX-License-Identifier: Apache-2.0
 *
 * A peer that lies: an honest session, and somebody with its keys between it and the victim,
 * who opens each of its records, changes, drops, doubles or adds what the case says, signs
 * again where that takes its signature, and seals it. So everything around the lie is right,
 * and the victim meets it in the very state in which it would come. One record reaches the
 * victim at a time. What the victim answers is read, too.
 */
#pragma once

#include "tests/hostile/memory.h"
#include "tests/proto/pair.h"
#include "tests/proto/puppet.h"

typedef struct voice voice;
typedef void (*voice_rule)(voice *v, ehp_bytes plain);

/* One direction of the wire. */
typedef struct {
    GByteArray *raw; /* taken and not passed on yet */
    unsigned connect;
    size_t clear; /* bytes still to come that are no records */
    bool keyed;
    ehp_cipher open, seal;
} voice_way;

struct voice {
    pair w;
    pair_side *liar, *victim;
    voice_rule rule; /* what becomes of a record of the liar; NULL: it passes */
    const void *row; /* the rule's */
    /* Whenever the liar could say something and nothing is on its way; may be NULL. */
    void (*idle)(voice *v);
    void (*event)(voice *v, const ehp_event *event); /* of the victim, before its answer */
    voice_way mouth, ear;
    ehp_sha256_state pages; /* of what the victim was told: a lie in a page is signed, too */
    bool pages_open;
    bool has_secret;
    uint8_t secret[EHP_SIGN_SECRET_LEN]; /* of the liar, if it is the patient */
    unsigned records;                    /* of the liar's, that passed */
    bool mute;                           /* the liar says nothing any more */
    unsigned dripped;                    /* bytes of a record that never ends */

    bool struck; /* the lie was told */
    struct {
        uint64_t now, received_bytes;
        unsigned manifests, whole, complete, ready;
        size_t memory;
    } before;
    unsigned events;  /* of the victim, since */
    unsigned told;    /* ErrorCode that the victim said since; 0: none */
    unsigned answers; /* records of the victim since */
};

/* Set fields of v->w after this, then voice_start. */
void voice_init(voice *v, bool liar_is_patient, voice_rule rule, const void *row);
void voice_start(voice *v);
/* Seals a record in the liar's name. */
void voice_say(voice *v, const void *plain, size_t len);
/* Bytes on the wire as they are. */
void voice_spit(voice *v, const void *bytes, size_t len);
/* The lie is told now: from here on the victim's costs are counted. */
void voice_strike(voice *v);
/* Kind (field number in Record) of a record, 0: padding. */
unsigned voice_kind(ehp_bytes plain);
/* Until the lie was told and everything after it came to rest at that very time. */
void voice_run(voice *v);
/* What became of the victim: the name of the error it ended with; "Told": it had all it wanted
 * and said that a rule was broken; "GoesOn": nothing (also when its peer, whose session is
 * honest, could not follow); "NotTold": the lie was not told. */
const char *voice_outcome(const voice *v);
/* An end within the same message, for so much memory at most, and nothing of it stored. */
void voice_expect_cheap(const voice *v, size_t memory);
void voice_clear(voice *v);

/* Signs in the liar's name. */
void voice_sign(const voice *v, ehp_sign_type type, ehp_bytes body, uint8_t signature[64]);
