/* SPDX-License-Identifier: Apache-2.0
 *
 * HandshakeState and SymmetricState of Noise rev. 34 (sections 5.2 and 5.3). Owns all secrets
 * of a handshake and wipes them on finish, clear and every error. No randomness. One thread at
 * a time.
 */
#include "proto/noise.h"

#include <sodium.h>
#include <string.h>

#include "proto/hash.h"
#include "proto/noise-patterns.h"
#include "proto/noise-symmetric.h"

#define SUITE             "_25519_ChaChaPoly_SHA256"
#define PROTOCOL_NAME_MAX 80
#define LABEL_PREFIX      "ehrlink1 "
#define LABEL_MAX         32

static const ehp_noise_table *
table(const ehp_noise *n)
{
    return &ehp_noise_patterns[n->pattern];
}

/* ---- tokens ---- */

/* Section 9.2: with psk, e must also go into the key, so that no key is used with two nonces
 * alike. */
static void
mix_ephemeral(ehp_noise *n, const uint8_t e[EHP_DH_LEN])
{
    ehp_noise_mix_hash(n, ehp_bytes_of(e, EHP_DH_LEN));
    if (n->psk_mask != 0)
        ehp_noise_mix_key(n, ehp_bytes_of(e, EHP_DH_LEN));
}

static ehp_status
mix_dh(ehp_noise *n, bool own_e, bool peer_e)
{
    uint8_t shared[EHP_DH_LEN];
    const bool ready = (own_e ? n->has_e : n->has_s) && (peer_e ? n->has_re : n->has_rs);

    if (!ready)
        return EHP_WRONG_STATE;
    /* fails on an all-zero result: a peer that sent a point of small order */
    if (crypto_scalarmult(shared, own_e ? n->e_secret : n->s_secret, peer_e ? n->re : n->rs) !=
        0)
        return EHP_BAD_MESSAGE;
    ehp_noise_mix_key(n, ehp_bytes_of(shared, sizeof shared));
    ehp_wipe(shared, sizeof shared);
    return EHP_OK;
}

static void
mix_psk(ehp_noise *n, unsigned position)
{
    if (n->psk_mask & EHP_NOISE_PSK(position))
        ehp_noise_mix_key_and_hash(n, ehp_bytes_of(n->psks[n->next_psk++], EHP_KEY_LEN));
}

static ehp_status
dh_token(ehp_noise *n, unsigned token)
{
    switch (token) {
    case EHP_TOKEN_EE:
        return mix_dh(n, true, true);
    case EHP_TOKEN_ES:
        return n->initiator ? mix_dh(n, true, false) : mix_dh(n, false, true);
    case EHP_TOKEN_SE:
        return n->initiator ? mix_dh(n, false, true) : mix_dh(n, true, false);
    case EHP_TOKEN_SS:
        return mix_dh(n, false, false);
    }
    return EHP_INTERNAL;
}

static ehp_status
write_e(ehp_noise *n, const uint8_t *e_secret, ehp_writer *out)
{
    if (!e_secret)
        return EHP_INVALID_ARGUMENT;
    memcpy(n->e_secret, e_secret, EHP_DH_LEN);
    ehp_noise_public(n->e, n->e_secret);
    n->has_e = true;
    ehp_put(out, n->e, EHP_DH_LEN);
    mix_ephemeral(n, n->e);
    return ehp_writer_end(out);
}

static ehp_status
read_e(ehp_noise *n, ehp_reader *in)
{
    const ehp_bytes e = ehp_take(in, EHP_DH_LEN);

    if (!e.data)
        return EHP_BAD_MESSAGE;
    memcpy(n->re, e.data, EHP_DH_LEN);
    n->has_re = true;
    mix_ephemeral(n, n->re);
    return EHP_OK;
}

static ehp_status
read_s(ehp_noise *n, ehp_reader *in)
{
    const ehp_bytes s = ehp_take(in, EHP_DH_LEN + ehp_noise_tag_len(n));
    ehp_writer w;

    if (!s.data)
        return EHP_BAD_MESSAGE;
    ehp_writer_init(&w, n->rs, sizeof n->rs);
    n->has_rs = true;
    return ehp_noise_decrypt_and_hash(n, s, &w);
}

static ehp_status
write_token(ehp_noise *n, unsigned token, const uint8_t *e_secret, ehp_writer *out)
{
    switch (token) {
    case EHP_TOKEN_E:
        return write_e(n, e_secret, out);
    case EHP_TOKEN_S:
        return ehp_noise_encrypt_and_hash(n, ehp_bytes_of(n->s, EHP_DH_LEN), out);
    }
    return dh_token(n, token);
}

static ehp_status
read_token(ehp_noise *n, unsigned token, ehp_reader *in)
{
    switch (token) {
    case EHP_TOKEN_E:
        return read_e(n, in);
    case EHP_TOKEN_S:
        return read_s(n, in);
    }
    return dh_token(n, token);
}

/* ---- init ---- */

static bool
message_has_s(const ehp_noise_table *t, unsigned message)
{
    return memchr(t->messages[message], EHP_TOKEN_S, EHP_NOISE_TOKENS_MAX) != NULL;
}

static ehp_status
check_params(const ehp_noise_params *p)
{
    if ((unsigned)p->pattern >= EHP_NOISE_PATTERNS)
        return EHP_INVALID_ARGUMENT;

    const ehp_noise_table *t = &ehp_noise_patterns[p->pattern];
    const bool i_has_s = t->pre_i || message_has_s(t, 0) || message_has_s(t, 2);
    const bool r_has_s = t->pre_r || message_has_s(t, 1);
    const bool fits = (!(p->initiator ? i_has_s : r_has_s) || p->s_secret) &&
                      (!(p->initiator ? t->pre_r : t->pre_i) || p->rs) &&
                      p->psk_mask < EHP_NOISE_PSK(t->n_messages + 1) &&
                      p->n_psks == (size_t)__builtin_popcount(p->psk_mask) &&
                      p->n_psks <= EHP_NOISE_PSKS_MAX && (p->n_psks == 0 || p->psks);

    return fits ? EHP_OK : EHP_INVALID_ARGUMENT;
}

/* Section 8: "Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256"; section 5.2: into h as it is or
 * hashed. */
static void
start_hash(ehp_noise *n)
{
    uint8_t name[PROTOCOL_NAME_MAX];
    const char *before = "psk";
    ehp_writer w;

    ehp_writer_init(&w, name, sizeof name);
    ehp_put_text(&w, "Noise_");
    ehp_put_text(&w, table(n)->name);
    for (unsigned i = 0; i < EHP_NOISE_PSKS_MAX; i++) {
        if (!(n->psk_mask & EHP_NOISE_PSK(i)))
            continue;
        ehp_put_text(&w, before);
        ehp_put_decimal(&w, i);
        before = "+psk";
    }
    ehp_put_text(&w, SUITE);
    if (w.len <= sizeof n->h)
        memcpy(n->h, name, w.len);
    else
        ehp_sha256(n->h, name, w.len);
    memcpy(n->ck, n->h, sizeof n->ck);
}

static void
copy_keys(ehp_noise *n, const ehp_noise_params *p)
{
    if (p->s_secret) {
        memcpy(n->s_secret, p->s_secret, EHP_DH_LEN);
        ehp_noise_public(n->s, n->s_secret);
        n->has_s = true;
    }
    if (p->initiator ? table(n)->pre_r : table(n)->pre_i) {
        memcpy(n->rs, p->rs, EHP_DH_LEN);
        n->has_rs = true;
    }
    if (p->n_psks > 0)
        memcpy(n->psks, p->psks, p->n_psks * EHP_KEY_LEN);
}

ehp_status
ehp_noise_init(ehp_noise *n, const ehp_noise_params *params)
{
    const ehp_status status = check_params(params);

    memset(n, 0, sizeof *n);
    if (status != EHP_OK)
        return status;
    n->pattern = (uint8_t)params->pattern;
    n->psk_mask = (uint8_t)params->psk_mask;
    n->n_psks = (uint8_t)params->n_psks;
    n->initiator = params->initiator;
    n->live = true;
    copy_keys(n, params);
    start_hash(n);
    ehp_noise_mix_hash(n, params->prologue);
    if (table(n)->pre_i)
        ehp_noise_mix_hash(n, ehp_bytes_of(n->initiator ? n->s : n->rs, EHP_DH_LEN));
    if (table(n)->pre_r)
        ehp_noise_mix_hash(n, ehp_bytes_of(n->initiator ? n->rs : n->s, EHP_DH_LEN));
    return EHP_OK;
}

void
ehp_noise_public(uint8_t out[EHP_DH_LEN], const uint8_t secret[EHP_DH_LEN])
{
    /* cannot fail for the base point; the result is only there so that the compiler is content
     */
    if (crypto_scalarmult_base(out, secret) != 0)
        memset(out, 0, EHP_DH_LEN);
}

/* ---- messages ---- */

static ehp_status
fail(ehp_noise *n, ehp_status status)
{
    ehp_noise_clear(n);
    return status;
}

static bool
may(const ehp_noise *n, bool write, bool payload)
{
    return n->live && !ehp_noise_done(n) && ehp_noise_my_turn(n) == write &&
           n->payload_due == payload;
}

static void
end_message(ehp_noise *n)
{
    n->payload_due = false;
    n->message++;
}

bool
ehp_noise_my_turn(const ehp_noise *n)
{
    return n->live && !ehp_noise_done(n) && (n->message % 2 == 0) == n->initiator;
}

bool
ehp_noise_done(const ehp_noise *n)
{
    return n->live && n->message == table(n)->n_messages;
}

/* Both directions: exactly one of out and in is given. */
static ehp_status
run_tokens(ehp_noise *n, const uint8_t *e_secret, ehp_writer *out, ehp_reader *in)
{
    const uint8_t *tokens = table(n)->messages[n->message];
    ehp_status status = EHP_OK;

    if (n->message == 0)
        mix_psk(n, 0);
    for (size_t i = 0; status == EHP_OK && i < EHP_NOISE_TOKENS_MAX && tokens[i]; i++)
        status = out ? write_token(n, tokens[i], e_secret, out) : read_token(n, tokens[i], in);
    if (status != EHP_OK)
        return status;
    mix_psk(n, n->message + 1u);
    n->payload_due = true;
    return EHP_OK;
}

ehp_status
ehp_noise_write_tokens(ehp_noise *n, const uint8_t *e_secret, ehp_writer *out)
{
    const ehp_status status =
        may(n, true, false) ? run_tokens(n, e_secret, out, NULL) : EHP_WRONG_STATE;

    return status == EHP_OK ? EHP_OK : fail(n, status);
}

ehp_status
ehp_noise_write_payload(ehp_noise *n, ehp_bytes payload, ehp_writer *out)
{
    const ehp_status status =
        may(n, true, true) ? ehp_noise_encrypt_and_hash(n, payload, out) : EHP_WRONG_STATE;

    if (status != EHP_OK)
        return fail(n, status);
    end_message(n);
    return EHP_OK;
}

ehp_status
ehp_noise_write(ehp_noise *n, const uint8_t *e_secret, ehp_bytes payload, ehp_writer *out)
{
    const ehp_status status = ehp_noise_write_tokens(n, e_secret, out);

    return status == EHP_OK ? ehp_noise_write_payload(n, payload, out) : status;
}

ehp_status
ehp_noise_read_tokens(ehp_noise *n, ehp_reader *in)
{
    const ehp_status status =
        may(n, false, false) ? run_tokens(n, NULL, NULL, in) : EHP_WRONG_STATE;

    return status == EHP_OK ? EHP_OK : fail(n, status);
}

ehp_status
ehp_noise_read_payload(ehp_noise *n, ehp_reader *in, ehp_writer *payload)
{
    const ehp_status status = may(n, false, true)
                                  ? ehp_noise_decrypt_and_hash(n, ehp_take_rest(in), payload)
                                  : EHP_WRONG_STATE;

    if (status != EHP_OK)
        return fail(n, status);
    end_message(n);
    return EHP_OK;
}

ehp_status
ehp_noise_read(ehp_noise *n, ehp_bytes message, ehp_writer *payload)
{
    ehp_reader in;
    ehp_status status;

    ehp_reader_init(&in, message.data, message.len);
    status = ehp_noise_read_tokens(n, &in);
    return status == EHP_OK ? ehp_noise_read_payload(n, &in, payload) : status;
}

const uint8_t *
ehp_noise_hash(const ehp_noise *n)
{
    return n->h;
}

const uint8_t *
ehp_noise_remote_static(const ehp_noise *n)
{
    return n->live && n->has_rs ? n->rs : NULL;
}

/* ---- the end ---- */

ehp_status
ehp_noise_derive(const ehp_noise *n, const char *label, uint8_t out[EHP_KEY_LEN])
{
    const ehp_bytes parts[] = {
        {(const uint8_t *)LABEL_PREFIX, sizeof LABEL_PREFIX - 1},
        {(const uint8_t *)label, strlen(label)},
        {n->h, sizeof n->h},
    };

    if (!ehp_noise_done(n))
        return EHP_WRONG_STATE;
    ehp_hmac(out, ehp_bytes_of(n->ck, sizeof n->ck), parts, 3);
    return EHP_OK;
}

static ehp_status
derive_numbered(const ehp_noise *n, const char *what, uint32_t generation,
                uint8_t out[EHP_KEY_LEN])
{
    char label[LABEL_MAX] = {0};
    ehp_writer w;

    ehp_writer_init(&w, label, sizeof label - 1);
    ehp_put_text(&w, what);
    ehp_put_text(&w, "-");
    ehp_put_decimal(&w, generation);
    return ehp_noise_derive(n, label, out);
}

static void
split(const ehp_noise *n, ehp_noise_keys *keys)
{
    uint8_t k1[EHP_KEY_LEN], k2[EHP_KEY_LEN];

    ehp_hkdf2(n->ck, ehp_bytes_of(NULL, 0), k1, k2);
    ehp_cipher_init(&keys->send, n->initiator ? k1 : k2);
    ehp_cipher_init(&keys->recv, n->initiator ? k2 : k1);
    ehp_wipe(k1, sizeof k1);
    ehp_wipe(k2, sizeof k2);
}

ehp_status
ehp_noise_finish(ehp_noise *n, uint32_t generation, ehp_noise_keys *keys)
{
    ehp_status status = derive_numbered(n, "locator", generation, keys->locator);

    if (status == EHP_OK)
        status = derive_numbered(n, "resume", generation, keys->resume);
    if (status == EHP_OK)
        status = ehp_noise_derive(n, "export", keys->export_key);
    if (status != EHP_OK)
        return fail(n, status);
    memcpy(keys->h, n->h, sizeof keys->h);
    split(n, keys);
    ehp_noise_clear(n);
    return EHP_OK;
}

void
ehp_noise_clear(ehp_noise *n)
{
    ehp_wipe(n, sizeof *n);
}

void
ehp_noise_keys_clear(ehp_noise_keys *keys)
{
    ehp_wipe(keys, sizeof *keys);
}
