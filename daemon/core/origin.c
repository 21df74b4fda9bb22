/* SPDX-License-Identifier: Apache-2.0
 *
 * See origin.h. A certificate is judged at the time that the terminal stated, under its own
 * signature, with the lists that it stapled: what it said then stays said when the certificate
 * has expired. What is known today is told beside it. Pure.
 */
#include "daemon/core/origin.h"

#include <sodium.h>
#include <string.h>

#include "daemon/store/display.h"
#include "proto/wire.h"

/* --- making it ------------------------------------------------------------------------------
 */

static void
fill(ProtobufCBinaryData *to, GBytes *const *from, guint n)
{
    for (guint i = 0; i < n; i++) {
        gsize length;
        const guint8 *data = g_bytes_get_data(from[i], &length);

        to[i] = ehp_wire_binary(data, length);
    }
}

/* The request and the items are Signed messages already: unpacked, and packed into ours. */
static Ehp__Signed *
unpack(ehp_bytes bytes)
{
    return ehp__signed__unpack(NULL, bytes.len, bytes.data);
}

static GBytes *
pack(const Ehp__OriginProof *proof)
{
    const gsize length = ehp__origin_proof__get_packed_size(proof);
    guint8 *data;

    if (length > EHP_PROOF_MAX)
        return NULL;
    data = g_malloc(length);
    ehp__origin_proof__pack(proof, data);
    return g_bytes_new_take(data, length);
}

static void
free_signed(gpointer message)
{
    if (message != NULL)
        ehp__signed__free_unpacked(message, NULL);
}

GBytes *
ehd_origin_proof(const EhdOriginParts *parts)
{
    Ehp__OriginProof proof = EHP__ORIGIN_PROOF__INIT;
    ProtobufCBinaryData chain[EHP_CHAIN_MAX], crls[EHP_CRL_MAX];
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(free_signed);
    GBytes *packed = NULL;

    fill(chain, parts->chain, MIN(parts->n_chain, EHP_CHAIN_MAX));
    fill(crls, parts->crls, MIN(parts->n_crls, EHP_CRL_MAX));
    proof.chain = chain;
    proof.n_chain = MIN(parts->n_chain, EHP_CHAIN_MAX);
    proof.crl = crls;
    proof.n_crl = MIN(parts->n_crls, EHP_CRL_MAX);
    proof.has_leaf_key = 1;
    proof.leaf_key = ehp_wire_binary(parts->leaf_key, 32);
    for (guint i = 0; i < parts->items->len; i++) {
        ehp_bytes item;

        item.data = g_bytes_get_data(parts->items->pdata[i], &item.len);
        g_ptr_array_add(items, unpack(item));
        if (items->pdata[i] == NULL)
            return NULL;
    }
    proof.item = (Ehp__Signed **)items->pdata;
    proof.n_item = items->len;
    proof.request = unpack(parts->request);
    if (proof.request != NULL)
        packed = pack(&proof);
    free_signed(proof.request);
    return packed;
}

/* --- judging it -----------------------------------------------------------------------------
 */

typedef struct {
    GBytes *chain[EHP_CHAIN_MAX], *crls[EHD_TRUST_CRLS_MAX]; /* owned */
    guint n_chain, n_crls;
} Certificates;

static void
certificates_clear(Certificates *self)
{
    for (guint i = 0; i < self->n_chain; i++)
        g_bytes_unref(self->chain[i]);
    for (guint i = 0; i < self->n_crls; i++)
        g_bytes_unref(self->crls[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Certificates, certificates_clear)

static void
take_certificates(const Ehp__OriginProof *proof, Certificates *out)
{
    for (; out->n_chain < proof->n_chain && out->n_chain < EHP_CHAIN_MAX; out->n_chain++)
        out->chain[out->n_chain] =
            g_bytes_new(proof->chain[out->n_chain].data, proof->chain[out->n_chain].len);
    for (; out->n_crls < proof->n_crl && out->n_crls < EHP_CRL_MAX; out->n_crls++)
        out->crls[out->n_crls] =
            g_bytes_new(proof->crl[out->n_crls].data, proof->crl[out->n_crls].len);
}

static ehp_status
revocation(const EhdTrust *trust, const EhdCrlPolicy *policy, const Certificates *all,
           gint64 at)
{
    EhdRevocation revocation = {0};

    ehd_trust_verify_crls(trust, all->chain, all->n_chain, all->crls, all->n_crls, at, policy,
                          &revocation);
    return revocation.status;
}

static void
judge(const EhdTrust *trust, const EhdCrlPolicy *policy, const Ehp__OriginProof *proof,
      const Certificates *all, EhdOriginFacts *facts)
{
    if (all->n_chain == 0)
        ehd_trust_bare_key(proof->leaf_key.data, &facts->verdict);
    else
        ehd_trust_verify_chain(trust, all->chain, all->n_chain, facts->time, &facts->verdict);
    facts->problem = facts->verdict.status;
    if (facts->problem == EHP_OK &&
        sodium_memcmp(facts->verdict.key, proof->leaf_key.data, 32) != 0)
        facts->problem = EHP_BAD_SIGNATURE;
    if (facts->problem == EHP_OK)
        facts->problem = revocation(trust, policy, all, facts->time);
    facts->verified = facts->problem == EHP_OK;
}

/* Lists that are merely old are no news: only what names the certificate is. */
static ehp_status
judge_today(const EhdTrust *trust, const EhdCrlPolicy *policy, Certificates *all, GBytes *newer,
            gint64 now)
{
    EhdVerdict verdict = {0};

    if (all->n_chain == 0)
        return EHP_OK;
    if (newer != NULL)
        all->crls[all->n_crls++] = g_bytes_ref(newer);
    if (revocation(trust, policy, all, now) == EHP_CERT_REVOKED)
        return EHP_CERT_REVOKED;
    ehd_trust_verify_chain(trust, all->chain, all->n_chain, now, &verdict);
    return verdict.status;
}

static char *
safe(const char *text, gsize max)
{
    char *copy;

    if (text == NULL)
        return NULL;
    copy = g_malloc(max + 1);
    ehd_display_copy(copy, max + 1, text, strlen(text));
    return copy;
}

static void
take_request(const Ehp__ConsentRequest *request, EhdOriginFacts *facts)
{
    const Ehp__Operator *op = request->operator_;

    facts->time = request->time;
    memcpy(facts->session, request->session.data, sizeof facts->session);
    if (op == NULL)
        return;
    facts->attended = TRUE;
    facts->operator_.display = safe(op->display, EHP_NAME_MAX);
    facts->operator_.role_code = safe(op->role_code, EHP_CODE_MAX);
    facts->operator_.identifier = safe(op->identifier, EHP_CODE_MAX);
    facts->operator_.assurance = (int)op->assurance;
}

ehp_status
ehd_origin_open(ehp_bytes bytes, ehp_proof *proof)
{
    ehp_status status = ehp_proof_open(bytes, proof);
    ehp_origin origin;

    for (gsize i = 0; status == EHP_OK && i < proof->proof->n_item; i++)
        status = ehp_proof_item(proof, i, &origin);
    return status;
}

void
ehd_origin_judge(const EhdTrust *trust, const EhdCrlPolicy *policy, const ehp_proof *proof,
                 GBytes *newer, gint64 now, EhdOriginFacts *facts)
{
    g_auto(Certificates) all = {0};

    memset(facts, 0, sizeof *facts);
    facts->items = (guint)proof->proof->n_item;
    take_request(proof->request, facts);
    take_certificates(proof->proof, &all);
    judge(trust, policy, proof->proof, &all, facts);
    facts->since = judge_today(trust, policy, &all, newer, now);
}

void
ehd_origin_facts_clear(EhdOriginFacts *facts)
{
    g_free((char *)facts->operator_.display);
    g_free((char *)facts->operator_.role_code);
    g_free((char *)facts->operator_.identifier);
    memset(facts, 0, sizeof *facts);
}
