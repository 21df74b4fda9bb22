/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a session's secrets and their saved form:
 *
 *     "EHS1" ‖ role u8 ‖ version be32 ‖ h 32 ‖ generation be32 ‖ locator 32 ‖ resume 32 ‖
 * export 32 ‖ leaf_key 32 ‖ chain_hash 32 ‖ verdict u8 length, name ‖ purpose be32 ‖ n be32, n
 * × category be32 ‖ flags u8 ‖ address 6 ‖ channel be32 ‖ capabilities be32 ‖ patient_address 6
 *
 * OOB data serves the first connection only, as the split keys do, and is not kept either.
 */
#include "proto/secrets.h"

#include <string.h>

#include "proto/hash.h"

static const uint8_t magic[3] = {'E', 'H', 'S'};
#define FORMAT '1'

enum {
    FLAG_CHAIN = 1,
    FLAG_ADDRESS = 2,
    FLAG_PATIENT_ADDRESS = 8,
};

void
ehp_secrets_init(ehp_secrets *s)
{
    memset(s, 0, sizeof(*s));
}

void
ehp_secrets_move(ehp_secrets *to, ehp_secrets *from)
{
    *to = *from;
    ehp_secrets_clear(from);
}

void
ehp_secrets_clear(ehp_secrets *s)
{
    ehp_wipe(s, sizeof(*s));
}

static uint8_t
flags_of(const ehp_secrets *s)
{
    return (uint8_t)((s->has_chain ? FLAG_CHAIN : 0) | (s->has_address ? FLAG_ADDRESS : 0) |
                     (s->has_patient_address ? FLAG_PATIENT_ADDRESS : 0));
}

ehp_status
ehp_secrets_save(const ehp_secrets *s, ehp_writer *out)
{
    ehp_put(out, magic, sizeof(magic));
    ehp_put_u8(out, FORMAT);
    ehp_put_u8(out, (uint8_t)s->role);
    ehp_put_be32(out, s->version);
    ehp_put(out, s->h, sizeof(s->h));
    ehp_put_be32(out, s->generation);
    ehp_put(out, s->locator, sizeof(s->locator));
    ehp_put(out, s->resume, sizeof(s->resume));
    ehp_put(out, s->export_key, sizeof(s->export_key));
    ehp_put(out, s->leaf_key, sizeof(s->leaf_key));
    ehp_put(out, s->chain_hash, sizeof(s->chain_hash));
    /* by name: the numbers of ehp_status are not kept from one version to the next */
    ehp_put_u8(out, (uint8_t)strlen(ehp_status_name(s->verdict)));
    ehp_put(out, ehp_status_name(s->verdict), strlen(ehp_status_name(s->verdict)));
    ehp_put_be32(out, s->purpose);
    ehp_put_be32(out, (uint32_t)s->n_categories);
    for (size_t i = 0; i < s->n_categories; i++)
        ehp_put_be32(out, s->categories[i]);
    ehp_put_u8(out, flags_of(s));
    ehp_put(out, s->address, sizeof(s->address));
    ehp_put_be32(out, s->channel);
    ehp_put_be32(out, s->capabilities);
    ehp_put(out, s->patient_address, sizeof(s->patient_address));
    return ehp_writer_end(out);
}

static void
take_copy(ehp_reader *r, uint8_t *out, size_t len)
{
    ehp_bytes b = ehp_take(r, len);

    if (b.data != NULL)
        memcpy(out, b.data, len);
}

static void
load_keys(ehp_secrets *s, ehp_reader *r)
{
    s->role = (ehp_role)ehp_take_u8(r);
    s->version = ehp_take_be32(r);
    take_copy(r, s->h, sizeof(s->h));
    s->generation = ehp_take_be32(r);
    take_copy(r, s->locator, sizeof(s->locator));
    take_copy(r, s->resume, sizeof(s->resume));
    take_copy(r, s->export_key, sizeof(s->export_key));
    take_copy(r, s->leaf_key, sizeof(s->leaf_key));
    take_copy(r, s->chain_hash, sizeof(s->chain_hash));
}

static ehp_status
load_verdict(ehp_reader *r)
{
    char name[64] = "";
    uint8_t len = ehp_take_u8(r);

    if (len >= sizeof(name)) {
        r->bad = true;
        return EHP_INTERNAL;
    }
    take_copy(r, (uint8_t *)name, len);
    return ehp_status_from_name(name);
}

static void
load_rest(ehp_secrets *s, ehp_reader *r)
{
    uint32_t n;
    uint8_t flags;

    s->verdict = load_verdict(r);
    s->purpose = ehp_take_be32(r);
    n = ehp_take_be32(r);
    if (n > EHP_TAP_CATEGORIES_MAX) {
        r->bad = true;
        return;
    }
    for (s->n_categories = 0; s->n_categories < n; s->n_categories++)
        s->categories[s->n_categories] = ehp_take_be32(r);
    flags = ehp_take_u8(r);
    s->has_chain = (flags & FLAG_CHAIN) != 0;
    s->has_address = (flags & FLAG_ADDRESS) != 0;
    s->has_patient_address = (flags & FLAG_PATIENT_ADDRESS) != 0;
    take_copy(r, s->address, sizeof(s->address));
    s->channel = ehp_take_be32(r);
    s->capabilities = ehp_take_be32(r);
    take_copy(r, s->patient_address, sizeof(s->patient_address));
}

ehp_status
ehp_secrets_load(ehp_secrets *s, ehp_bytes saved)
{
    ehp_reader r;
    ehp_bytes head;

    ehp_secrets_init(s);
    ehp_reader_init(&r, saved.data, saved.len);
    head = ehp_take(&r, sizeof(magic));
    if (head.data == NULL || memcmp(head.data, magic, sizeof(magic)) != 0)
        return EHP_STATE_DAMAGED;
    if (ehp_take_u8(&r) > FORMAT)
        return EHP_STATE_TOO_NEW;
    load_keys(s, &r);
    load_rest(s, &r);
    if (ehp_reader_end(&r) == EHP_OK && (unsigned)s->verdict < EHP_STATUS_COUNT &&
        (s->role == EHP_ROLE_TERMINAL || s->role == EHP_ROLE_PATIENT))
        return EHP_OK;
    ehp_secrets_clear(s);
    return EHP_STATE_DAMAGED;
}

void
ehp_fingerprint(uint8_t out[EHP_HASH_LEN], const uint8_t leaf_key[32])
{
    /* RFC 8410: the SubjectPublicKeyInfo of an Ed25519 key is this and the key */
    static const uint8_t prefix[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    ehp_sha256_state state;

    ehp_sha256_init(&state);
    ehp_sha256_update(&state, prefix, sizeof(prefix));
    ehp_sha256_update(&state, leaf_key, 32);
    ehp_sha256_final(&state, out);
}
