/* SPDX-License-Identifier: Apache-2.0
 *
 * A terminal with a real certificate that authenticates and then breaks the rules. Its tap and
 * its session are the engine's own; between the engine and the link sits a layer that has the
 * same keys, opens each record that goes out, and may change, repeat, drop or add before it
 * seals again. What it signs, it signs properly: it has the leaf's key.
 */
#pragma once

#include "proto/ehrlink.pb-c.h"
#include "proto/queue.h"
#include "proto/record.h"
#include "proto/secrets.h"

#define TERMINAL_CERTS_MAX 4

struct terminal {
    uint8_t leaf[64]; /* libsodium's Ed25519 secret key */
    ehp_bytes chain[TERMINAL_CERTS_MAX], crls[TERMINAL_CERTS_MAX]; /* DER, for good */
    unsigned n_chain, n_crls;
    ehp_secrets secrets;
    ehp_record layer;  /* recv opens what the engine sealed, send seals it anew */
    ehp_queue out;     /* to the link */
    unsigned seen[32]; /* records of each body case that passed */
};

/* identity.c: key, chain and revocation lists from PEM files. False with a message on stderr.
 */
bool terminal_identity(struct terminal *t, const char *key, const char *chain,
                       const char *crls);

/* terminal-tap.c: plays the reader at this connection string of libnfc until the tap is
 * complete; the patient is to connect to this address. Fills t->secrets, starts the layer. */
bool terminal_tap(struct terminal *t, const char *connstring, const uint8_t address[6],
                  unsigned channel);

/* The layer's own step: one record of the engine on its way out. */
typedef void (*terminal_mischief)(struct terminal *t, Ehp__Record *record);

/* NULL: no such mischief. */
terminal_mischief terminal_find_mischief(const char *name);
void terminal_list_mischief(void);
/* What every record goes through. */
void terminal_pass(struct terminal *t, ehp_bytes plain, terminal_mischief mischief);
