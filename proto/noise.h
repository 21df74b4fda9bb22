/* SPDX-License-Identifier: Apache-2.0
 *
 * The Noise Protocol Framework, revision 34, one suite: 25519_ChaChaPoly_SHA256. A const table
 * of tokens expresses the patterns; psk modifiers are bits. Ephemerals and statics come from
 * the caller. ehrlink uses EHP_NOISE_XX (tap), XX with psk0+psk3 (code) and NN with psk0
 * (resume); the others are there so that every public vector of the suite can be run against
 * this code.
 *
 * Use: init, then for each message either write or read (whole, or tokens and then payload,
 * with ehp_noise_hash between the two), until ehp_noise_done, then ehp_noise_finish. After any
 * error but EHP_INVALID_ARGUMENT of init the handshake is wiped and dead: every later call is
 * EHP_WRONG_STATE.
 */
#pragma once

#include "proto/bytes.h"
#include "proto/cipher.h"

#define EHP_DH_LEN 32

typedef enum {
    EHP_NOISE_NN,
    EHP_NOISE_KN,
    EHP_NOISE_NK,
    EHP_NOISE_KK,
    EHP_NOISE_XK,
    EHP_NOISE_IK,
    EHP_NOISE_XX,
    EHP_NOISE_NK1,
    EHP_NOISE_XK1,
    EHP_NOISE_XX1,
    EHP_NOISE_KK1,
    EHP_NOISE_IK1,
    EHP_NOISE_PATTERNS,
} ehp_noise_pattern;

/* Modifier psk0 is EHP_NOISE_PSK(0), and so on to 3; they are or-ed together. */
#define EHP_NOISE_PSK(n)   (1u << (n))
#define EHP_NOISE_PSKS_MAX 4

typedef struct {
    ehp_noise_pattern pattern;
    unsigned psk_mask; /* of EHP_NOISE_PSK() */
    bool initiator;
    ehp_bytes prologue;      /* borrowed during init */
    const uint8_t *s_secret; /* own static secret, or NULL; borrowed during init */
    const uint8_t *rs; /* peer's static public, where the pattern knows it before; else NULL */
    const uint8_t (*psks)[EHP_KEY_LEN]; /* one per modifier, in order; borrowed during init */
    size_t n_psks;
} ehp_noise_params;

typedef struct {
    uint8_t h[EHP_HASH_LEN];
    uint8_t ck[EHP_HASH_LEN];
    ehp_cipher cipher;
    uint8_t s_secret[EHP_DH_LEN], s[EHP_DH_LEN];
    uint8_t e_secret[EHP_DH_LEN], e[EHP_DH_LEN];
    uint8_t rs[EHP_DH_LEN], re[EHP_DH_LEN];
    uint8_t psks[EHP_NOISE_PSKS_MAX][EHP_KEY_LEN];
    uint8_t psk_mask, n_psks, next_psk;
    uint8_t pattern, message; /* message: index of the one that is due */
    bool initiator, has_s, has_e, has_rs, has_re;
    bool payload_due; /* tokens of the message are done, its payload is not */
    bool live;
} ehp_noise;

/* What a finished handshake leaves. Secrets: ehp_noise_keys_clear. */
typedef struct {
    uint8_t h[EHP_HASH_LEN]; /* public: the handshake hash, h_0 of the tap */
    ehp_cipher send, recv;
    uint8_t locator[EHP_KEY_LEN];    /* label "locator-<generation>" */
    uint8_t resume[EHP_KEY_LEN];     /* label "resume-<generation>" */
    uint8_t export_key[EHP_KEY_LEN]; /* label "export" */
} ehp_noise_keys;

/* Starts a handshake. EHP_INVALID_ARGUMENT when the parameters do not fit the pattern (a static
 * that is needed is missing, number of psks). An rs of all zeroes is found at its first DH. */
EHP_MUST_USE ehp_status ehp_noise_init(ehp_noise *n, const ehp_noise_params *params);

/* The public key of an X25519 secret. */
void ehp_noise_public(uint8_t out[EHP_DH_LEN], const uint8_t secret[EHP_DH_LEN]);

/* True when it is ours to write the next message (not done). */
bool ehp_noise_my_turn(const ehp_noise *n);
/* True when the pattern is through: only ehp_noise_finish is left. */
bool ehp_noise_done(const ehp_noise *n);

/* Writes the tokens of the message that is due. e_secret: fresh, from the caller's randomness,
 * never used twice; NULL if this message has no e token. EHP_TOO_LARGE when out has no room. */
EHP_MUST_USE ehp_status ehp_noise_write_tokens(ehp_noise *n, const uint8_t *e_secret,
                                               ehp_writer *out);
/* Writes the payload (maybe empty) and ends the message. */
EHP_MUST_USE ehp_status ehp_noise_write_payload(ehp_noise *n, ehp_bytes payload,
                                                ehp_writer *out);
/* Both. */
EHP_MUST_USE ehp_status ehp_noise_write(ehp_noise *n, const uint8_t *e_secret,
                                        ehp_bytes payload, ehp_writer *out);

/* Reads the tokens of the message that is due. EHP_BAD_MESSAGE when it is too short,
 * EHP_BAD_TAG when the peer's static does not authenticate, EHP_BAD_MESSAGE on an all-zero DH.
 */
EHP_MUST_USE ehp_status ehp_noise_read_tokens(ehp_noise *n, ehp_reader *in);
/* Reads all that is left as the payload, decrypted to payload; ends the message. EHP_TOO_LARGE
 * when payload has no room. */
EHP_MUST_USE ehp_status ehp_noise_read_payload(ehp_noise *n, ehp_reader *in,
                                               ehp_writer *payload);
/* Both, of one whole message. */
EHP_MUST_USE ehp_status ehp_noise_read(ehp_noise *n, ehp_bytes message, ehp_writer *payload);

/* The running handshake hash h (EHP_HASH_LEN bytes, borrowed until the next call). Between
 * tokens and payload, on both sides, it is h just before the payload is encrypted: h_s of the
 * tap. */
const uint8_t *ehp_noise_hash(const ehp_noise *n);
/* The peer's static public key, NULL when not known (yet). Borrowed until the next call. */
const uint8_t *ehp_noise_remote_static(const ehp_noise *n);

/* HMAC(ck, "ehrlink1 " || label || h); ck is ck_final, so only when done (EHP_WRONG_STATE). */
EHP_MUST_USE ehp_status ehp_noise_derive(const ehp_noise *n, const char *label,
                                         uint8_t out[EHP_KEY_LEN]);
/* Split and the three derived keys; then wipes the handshake, ck with it. generation: 0 for the
 * tap or the code, n for the n-th resumption; it becomes the number in the labels. */
EHP_MUST_USE ehp_status ehp_noise_finish(ehp_noise *n, uint32_t generation,
                                         ehp_noise_keys *keys);

/* Wipe; idempotent. */
void ehp_noise_clear(ehp_noise *n);
void ehp_noise_keys_clear(ehp_noise_keys *keys);
