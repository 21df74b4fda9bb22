/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts by themselves: opening one from a file, and the hash over what was received. What a
 * receipt must say in a session is checked by session-receipt.c.
 */
#include "proto/receipt.h"

#include "proto/hash.h"
#include "proto/sign.h"

#define CONTENTS_LABEL "ehrlink1 contents"

static bool
form_holds(const Ehp__Receipt *r)
{
    return r->has_session && r->has_direction && r->has_manifest_hash && r->has_consent_hash &&
           r->has_request_hash && r->has_contents_hash && r->has_items && r->has_bytes &&
           r->has_complete && r->has_time && r->has_signer;
}

static ehp_status
open_signed(const Ehp__Signed *message, ehp_receipt *out)
{
    ehp_bytes body = {message->body.data, message->body.len};
    const Ehp__Receipt *receipt;

    if (!message->has_body || !message->has_signature)
        return EHP_RECEIPT_INVALID;
    if (ehp_guard_unpack(&ehp__receipt__descriptor, body, NULL, &out->unpacked) != EHP_OK)
        return EHP_RECEIPT_INVALID;
    receipt = (const Ehp__Receipt *)out->unpacked.message;
    out->receipt = receipt;
    ehp_sha256(out->hash, body.data, body.len);
    if (!form_holds(receipt) ||
        ehp_sign_verify(
            EHP_SIGN_RECEIPT, ehp_bytes_of(receipt->signer.data, receipt->signer.len), body,
            ehp_bytes_of(message->signature.data, message->signature.len)) != EHP_OK)
        return EHP_RECEIPT_INVALID;
    return EHP_OK;
}

ehp_status
ehp_receipt_open(ehp_bytes bytes, ehp_receipt *out)
{
    ehp_unpacked message = {0};
    ehp_receipt got = {0};
    ehp_status status;

    if (bytes.len > EHP_RECEIPT_MAX)
        return EHP_RECEIPT_INVALID;
    status = ehp_guard_unpack(&ehp__signed__descriptor, bytes, NULL, &message);
    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_RECEIPT_INVALID;
    status = open_signed((const Ehp__Signed *)message.message, &got);
    ehp_guard_free(&message);
    if (status == EHP_OK)
        *out = got;
    else
        ehp_receipt_clear(&got);
    return status;
}

void
ehp_receipt_clear(ehp_receipt *receipt)
{
    ehp_guard_free(&receipt->unpacked);
    receipt->receipt = NULL;
}

void
ehp_contents_hash(uint8_t out[EHP_HASH_LEN], const uint64_t *sizes,
                  const uint8_t (*roots)[EHP_HASH_LEN], size_t n)
{
    ehp_sha256_state state;

    ehp_sha256_init(&state);
    ehp_sha256_update(&state, CONTENTS_LABEL, sizeof(CONTENTS_LABEL));
    for (size_t i = 0; i < n; i++) {
        uint8_t head[4 + 8];
        ehp_writer w;
        ehp_writer_init(&w, head, sizeof(head));
        ehp_put_be32(&w, (uint32_t)i);
        ehp_put_be64(&w, sizes[i]);
        ehp_sha256_update(&state, head, sizeof(head));
        ehp_sha256_update(&state, roots[i], EHP_HASH_LEN);
    }
    ehp_sha256_final(&state, out);
}
