/* SPDX-License-Identifier: Apache-2.0
 *
 * A patient's device that authenticates and then breaks the rules. Its tap and its session are
 * the engine's own; between the engine and the link sits a layer that has the same keys, opens
 * each record that goes out, and may change, repeat, drop or add before it seals again.
 */
#pragma once

#include "proto/ehrlink.pb-c.h"
#include "proto/queue.h"
#include "proto/record.h"
#include "proto/secrets.h"

struct rogue {
    ehp_secrets secrets;
    ehp_record layer; /* recv opens what the engine sealed, send seals it anew */
    ehp_queue out;    /* to the link */
    uint8_t
        key[64]; /* signs in place of the engine's session key, which nobody outside knows */
    uint8_t pages_hash[32];
    bool rewrote_pages;
    unsigned seen[32]; /* records of each body case that passed */
};

/* Plays the card until the tap is complete; fills r->secrets and starts the layer. False with a
 * message on stderr. */
bool rogue_tap(struct rogue *r, const char *card_socket);

/* The layer's own step: one record of the engine on its way out. */
typedef void (*rogue_mischief)(struct rogue *r, Ehp__Record *record);

/* NULL: no such mischief. */
rogue_mischief rogue_find_mischief(const char *name);
void rogue_list_mischief(void);

/* Seals a record as it is. */
void rogue_send(struct rogue *r, const Ehp__Record *record);
/* Seals bytes that need not be a record. */
void rogue_send_bytes(struct rogue *r, const void *data, size_t len);
/* What every record goes through: puts our own key and signatures in place, then the mischief.
 */
void rogue_pass(struct rogue *r, ehp_bytes plain, rogue_mischief mischief);
