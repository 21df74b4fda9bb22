/* SPDX-License-Identifier: Apache-2.0
 *
 * A receipt without its session: form and signature by the engine, the chain by the trust.
 * Pure.
 */
#include "daemon/core/receipt.h"

#include <sodium.h>
#include <string.h>

#include "daemon/error.h"
#include "daemon/words.h"
#include "proto/receipt.h"

static void
copy_hash(guint8 to[32], const ProtobufCBinaryData *from)
{
    if (from->len == 32)
        memcpy(to, from->data, 32);
}

static void
judge(const EhdTrust *trust, const Ehp__Receipt *receipt, EhdReceiptFacts *facts)
{
    GBytes *chain[EHP_CHAIN_MAX];
    guint n = 0;

    if (receipt->n_chain == 0) {
        ehd_trust_bare_key(receipt->signer.data, &facts->verdict);
    } else {
        for (; n < receipt->n_chain && n < EHP_CHAIN_MAX; n++)
            chain[n] = g_bytes_new(receipt->chain[n].data, receipt->chain[n].len);
        /* at the time it was given: a receipt outlives the certificate of who gave it */
        ehd_trust_verify_chain(trust, chain, n, facts->time, &facts->verdict);
        for (guint i = 0; i < n; i++)
            g_bytes_unref(chain[i]);
    }
    facts->problem = facts->verdict.status;
    if (facts->problem == EHP_OK &&
        sodium_memcmp(facts->verdict.key, receipt->signer.data, 32) != 0)
        facts->problem = EHP_BAD_SIGNATURE;
    facts->verified = facts->problem == EHP_OK;
}

gboolean
ehd_receipt_verify(const EhdTrust *trust, const void *bytes, gsize length,
                   EhdReceiptFacts *facts, GError **error)
{
    ehp_receipt opened;
    const Ehp__Receipt *receipt;
    ehp_status status;

    memset(facts, 0, sizeof *facts);
    if (length == 0 || length > EHP_RECEIPT_MAX) {
        ehd_error_set(error, EHP_RECEIPT_INVALID, N_("not the size of a receipt"));
        return FALSE;
    }
    status = ehp_receipt_open((ehp_bytes){bytes, length}, &opened);
    if (status != EHP_OK) {
        ehd_error_set(error, status, NULL);
        return FALSE;
    }
    receipt = opened.receipt;
    facts->direction = (int)receipt->direction;
    facts->items = receipt->items;
    facts->bytes = receipt->bytes;
    facts->complete = receipt->complete;
    facts->time = receipt->time;
    facts->crl_state = (int)receipt->crl_state;
    copy_hash(facts->session, &receipt->session);
    copy_hash(facts->manifest_hash, &receipt->manifest_hash);
    copy_hash(facts->consent_hash, &receipt->consent_hash);
    copy_hash(facts->contents_hash, &receipt->contents_hash);
    judge(trust, receipt, facts);
    ehp_receipt_clear(&opened);
    return TRUE;
}
