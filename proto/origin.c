/* SPDX-License-Identifier: Apache-2.0
 *
 * See origin.h. Pure; any thread.
 */
#include "proto/origin.h"

#include <string.h>

#include "proto/hash.h"
#include "proto/wire.h"

ehp_status
ehp_origin_make(ehp_doc *doc, const ehp_origin *origin, const uint8_t *leaf_secret)
{
    Ehp__ItemOrigin body = EHP__ITEM_ORIGIN__INIT;

    body.has_session = body.has_request_hash = body.has_manifest_hash = body.has_transfer = 1;
    body.has_item = body.has_size = body.has_salt = body.has_root = 1;
    body.session = ehp_wire_binary(origin->session, EHP_HASH_LEN);
    body.request_hash = ehp_wire_binary(origin->request_hash, EHP_HASH_LEN);
    body.manifest_hash = ehp_wire_binary(origin->manifest_hash, EHP_HASH_LEN);
    body.transfer = origin->transfer;
    body.item = origin->item;
    body.size = origin->size;
    body.salt = ehp_wire_binary(origin->salt, EHP_SALT_LEN);
    body.root = ehp_wire_binary(origin->root, EHP_HASH_LEN);
    return ehp_doc_make(doc, EHP_SIGN_ITEM_ORIGIN, leaf_secret, &body.base);
}

/* Lengths are the guard's. */
static ehp_status
read_body(ehp_bytes bytes, ehp_origin *out)
{
    ehp_unpacked unpacked = {0};
    ehp_status status = ehp_guard_unpack(&ehp__item_origin__descriptor, bytes, NULL, &unpacked);
    const Ehp__ItemOrigin *o = (const Ehp__ItemOrigin *)unpacked.message;

    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_BAD_MESSAGE;
    if (o->has_session && o->has_request_hash && o->has_manifest_hash && o->has_transfer &&
        o->has_item && o->has_size && o->has_salt && o->has_root) {
        memset(out, 0, sizeof(*out)); /* padding too: they are compared whole */
        memcpy(out->session, o->session.data, EHP_HASH_LEN);
        memcpy(out->request_hash, o->request_hash.data, EHP_HASH_LEN);
        memcpy(out->manifest_hash, o->manifest_hash.data, EHP_HASH_LEN);
        memcpy(out->salt, o->salt.data, EHP_SALT_LEN);
        memcpy(out->root, o->root.data, EHP_HASH_LEN);
        out->transfer = o->transfer;
        out->item = o->item;
        out->size = o->size;
    } else {
        status = EHP_BAD_MESSAGE;
    }
    ehp_guard_free(&unpacked);
    return status;
}

static bool
same(const ehp_origin *a, const ehp_origin *b)
{
    return memcmp(a->session, b->session, EHP_HASH_LEN) == 0 &&
           memcmp(a->request_hash, b->request_hash, EHP_HASH_LEN) == 0 &&
           memcmp(a->manifest_hash, b->manifest_hash, EHP_HASH_LEN) == 0 &&
           memcmp(a->salt, b->salt, EHP_SALT_LEN) == 0 &&
           memcmp(a->root, b->root, EHP_HASH_LEN) == 0 && a->transfer == b->transfer &&
           a->item == b->item && a->size == b->size;
}

ehp_status
ehp_origin_take(ehp_doc *doc, const ehp_origin *due, const uint8_t *leaf_key,
                const Ehp__Signed *received)
{
    ehp_origin said;
    ehp_status status = ehp_doc_take(doc, EHP_SIGN_ITEM_ORIGIN, leaf_key, received);

    if (status == EHP_OK)
        status = read_body(doc->body, &said);
    if (status == EHP_OK && !same(&said, due))
        status = EHP_BAD_MESSAGE;
    if (status != EHP_OK)
        ehp_doc_clear(doc);
    return status;
}

/* ---------------------------------------------------------------- the proof */

static bool
signed_by(const Ehp__OriginProof *proof, ehp_sign_type type, const Ehp__Signed *message)
{
    return message->has_body && message->has_signature &&
           ehp_sign_verify(type, ehp_bytes_of(proof->leaf_key.data, proof->leaf_key.len),
                           ehp_bytes_of(message->body.data, message->body.len),
                           ehp_bytes_of(message->signature.data, message->signature.len)) ==
               EHP_OK;
}

static ehp_status
open_request(ehp_proof *p)
{
    const Ehp__Signed *message = p->proof->request;
    ehp_bytes body;
    ehp_status status;

    if (!p->proof->has_leaf_key || message == NULL ||
        !signed_by(p->proof, EHP_SIGN_CONSENT_REQUEST, message))
        return EHP_ORIGIN_INVALID;
    body = ehp_bytes_of(message->body.data, message->body.len);
    status =
        ehp_guard_unpack(&ehp__consent_request__descriptor, body, NULL, &p->unpacked_request);
    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_ORIGIN_INVALID;
    p->request = (const Ehp__ConsentRequest *)p->unpacked_request.message;
    ehp_sha256(p->request_hash, body.data, body.len);
    return p->request->has_session ? EHP_OK : EHP_ORIGIN_INVALID;
}

ehp_status
ehp_proof_open(ehp_bytes bytes, ehp_proof *out)
{
    ehp_proof got = {0};
    ehp_status status;

    status = ehp_guard_unpack(&ehp__origin_proof__descriptor, bytes, &ehp_proof_limits,
                              &got.unpacked);
    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_ORIGIN_INVALID;
    got.proof = (const Ehp__OriginProof *)got.unpacked.message;
    status = open_request(&got);
    if (status == EHP_OK)
        *out = got;
    else
        ehp_proof_clear(&got);
    return status;
}

void
ehp_proof_clear(ehp_proof *proof)
{
    ehp_guard_free(&proof->unpacked);
    ehp_guard_free(&proof->unpacked_request);
    proof->proof = NULL;
    proof->request = NULL;
}

ehp_status
ehp_proof_item(const ehp_proof *proof, size_t n, ehp_origin *out)
{
    const Ehp__Signed *message;
    ehp_status status;

    if (n >= proof->proof->n_item)
        return EHP_ORIGIN_INVALID;
    message = proof->proof->item[n];
    if (!signed_by(proof->proof, EHP_SIGN_ITEM_ORIGIN, message))
        return EHP_ORIGIN_INVALID;
    status = read_body(ehp_bytes_of(message->body.data, message->body.len), out);
    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_ORIGIN_INVALID;
    return memcmp(out->session, proof->request->session.data, EHP_HASH_LEN) == 0 &&
                   memcmp(out->request_hash, proof->request_hash, EHP_HASH_LEN) == 0
               ? EHP_OK
               : EHP_ORIGIN_INVALID;
}
