/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, taking and keeping signed documents.
 */
#include "proto/doc.h"

#include <stdlib.h>
#include <string.h>

#include "proto/guard.h"
#include "proto/hash.h"
#include "proto/wire.h"

static ehp_status
keep(ehp_doc *doc, ehp_bytes body, ehp_bytes signature)
{
    Ehp__Signed message = EHP__SIGNED__INIT;
    size_t len;
    uint8_t *bytes;

    message.has_body = message.has_signature = 1;
    message.body = ehp_wire_binary(body.data, body.len);
    message.signature = ehp_wire_binary(signature.data, signature.len);
    len = ehp__signed__get_packed_size(&message);
    bytes = malloc(len);
    if (bytes == NULL)
        return EHP_NO_MEMORY;
    ehp__signed__pack(&message, bytes);
    ehp_doc_clear(doc);
    doc->bytes = bytes;
    doc->len = len;
    /* tag, length and body, then tag, one byte of length and the signature */
    doc->body = ehp_bytes_of(bytes + len - signature.len - 2 - body.len, body.len);
    ehp_sha256(doc->hash, doc->body.data, doc->body.len);
    doc->message = message;
    doc->message.body.data = (uint8_t *)doc->body.data;
    doc->message.signature.data = bytes + len - signature.len;
    return EHP_OK;
}

ehp_status
ehp_doc_make(ehp_doc *doc, ehp_sign_type type, const uint8_t *secret,
             const ProtobufCMessage *body)
{
    size_t len = protobuf_c_message_get_packed_size(body);
    uint8_t signature[EHP_SIGNATURE_LEN], *packed;
    ehp_status status;

    if (len > EHP_SIGN_BODY_MAX)
        return EHP_TOO_LARGE;
    packed = malloc(len);
    if (packed == NULL)
        return EHP_NO_MEMORY;
    protobuf_c_message_pack(body, packed);
    status = ehp_sign(type, secret, ehp_bytes_of(packed, len), signature);
    if (status == EHP_OK)
        status =
            keep(doc, ehp_bytes_of(packed, len), ehp_bytes_of(signature, sizeof(signature)));
    free(packed);
    return status;
}

ehp_status
ehp_doc_take(ehp_doc *doc, ehp_sign_type type, const uint8_t *public_key,
             const Ehp__Signed *received)
{
    ehp_bytes body = {received->body.data, received->body.len};
    ehp_bytes signature = {received->signature.data, received->signature.len};
    ehp_status status;

    ehp_doc_clear(doc);
    if (!received->has_body || !received->has_signature || body.len == 0)
        return EHP_BAD_MESSAGE;
    status =
        ehp_sign_verify(type, ehp_bytes_of(public_key, EHP_SIGN_PUBLIC_LEN), body, signature);
    return status != EHP_OK ? status : keep(doc, body, signature);
}

ehp_status
ehp_doc_load(ehp_doc *doc, ehp_sign_type type, const uint8_t *public_key, ehp_bytes kept)
{
    ehp_unpacked message = {0};
    ehp_status status = ehp_guard_unpack(&ehp__signed__descriptor, kept, NULL, &message);

    if (status == EHP_OK)
        status = ehp_doc_take(doc, type, public_key, (const Ehp__Signed *)message.message);
    ehp_guard_free(&message);
    return status;
}

bool
ehp_doc_equal(const ehp_doc *doc, const Ehp__Signed *received)
{
    return ehp_doc_there(doc) && received->has_body && received->has_signature &&
           ehp_bytes_equal(doc->body, ehp_bytes_of(received->body.data, received->body.len)) &&
           ehp_bytes_equal(
               ehp_bytes_of(doc->message.signature.data, doc->message.signature.len),
               ehp_bytes_of(received->signature.data, received->signature.len));
}

void
ehp_doc_clear(ehp_doc *doc)
{
    free(doc->bytes);
    memset(doc, 0, sizeof(*doc));
}
