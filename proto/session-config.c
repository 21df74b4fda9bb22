/* SPDX-License-Identifier: Apache-2.0
 *
 * A session's beginning: configuration copied and checked, the terminal's request completed and
 * signed.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/session-priv.h"

static size_t
total_of(const ehp_bytes *list, size_t n)
{
    size_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += list[i].len;
    return total;
}

static ehp_status
check(const ehp_session_config *c)
{
    bool terminal = c->secrets->role == EHP_ROLE_TERMINAL;

    if (!terminal && c->secrets->role != EHP_ROLE_PATIENT)
        return EHP_INVALID_ARGUMENT;
    if (c->zstd_level < -1 || c->zstd_level > EHP_ZSTD_LEVEL_MAX)
        return EHP_INVALID_ARGUMENT;
    if (!terminal)
        return EHP_OK;
    if (c->leaf_secret == NULL || c->n_chain > EHP_CHAIN_MAX ||
        memcmp(c->leaf_secret + EHP_SIGN_SEED_LEN, c->secrets->leaf_key, EHP_SIGN_PUBLIC_LEN) !=
            0)
        return EHP_INVALID_ARGUMENT;
    for (size_t i = 0; i < c->n_crls; i++)
        if (c->crls[i].len > EHP_CRL_BYTES_MAX)
            return EHP_TOO_LARGE;
    return c->n_crls > EHP_CRL_MAX || total_of(c->crls, c->n_crls) > EHP_CRL_TOTAL_MAX
               ? EHP_TOO_LARGE
               : EHP_OK;
}

static void
copy_list(uint8_t *store, size_t *at, const ehp_bytes *from, size_t n, ehp_bytes *to)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(store + *at, from[i].data, from[i].len);
        to[i] = ehp_bytes_of(store + *at, from[i].len);
        *at += from[i].len;
    }
}

static ehp_status
copy_lists(ehp_session *s, const ehp_session_config *c)
{
    size_t at = 0, total = total_of(c->chain, c->n_chain) + total_of(c->crls, c->n_crls);

    if (total == 0)
        return EHP_OK;
    s->store = malloc(total);
    if (s->store == NULL)
        return EHP_NO_MEMORY;
    copy_list(s->store, &at, c->chain, c->n_chain, s->chain);
    copy_list(s->store, &at, c->crls, c->n_crls, s->crls);
    s->n_chain = c->n_chain;
    s->n_crls = c->n_crls;
    return EHP_OK;
}

/* Signed once, so that it is the same bytes on every link. The guard that the peer will apply
 * is applied here. */
static ehp_status
make_request(ehp_session *s, const Ehp__ConsentRequest *template)
{
    Ehp__ConsentRequest r = *template;
    ehp_doc *doc = &s->docs[EHP_DOC_REQUEST];
    ehp_status status;

    r.has_session = r.has_purpose = 1;
    r.session = ehp_wire_binary(s->secrets.h, EHP_HASH_LEN);
    r.purpose = (Ehp__Purpose)s->secrets.purpose;
    if (ehp__consent_request__get_packed_size(&r) > EHP_RECORD_PLAIN_MAX - 128)
        return EHP_TOO_LARGE;
    status = ehp_doc_make(doc, EHP_SIGN_CONSENT_REQUEST, s->leaf_secret, &r.base);
    if (status == EHP_OK)
        status =
            ehp_guard_unpack(&ehp__consent_request__descriptor, doc->body, NULL, &s->request);
    return status == EHP_BAD_MESSAGE ? EHP_INVALID_ARGUMENT : status;
}

ehp_status
ehp_config_copy(ehp_session *s, const ehp_session_config *c)
{
    ehp_status status = check(c);

    if (status != EHP_OK)
        return status;
    s->consent_ms = c->consent_ms ? c->consent_ms : EHP_CONSENT_MS;
    s->resume_ms = c->resume_ms ? c->resume_ms : EHP_RESUME_MS;
    s->linger_ms = c->linger_ms ? c->linger_ms : EHP_LINGER_MS;
    s->idle_ms = c->idle_ms ? c->idle_ms : EHP_IDLE_MS;
    s->zstd_level = c->zstd_level;
    s->phase_deadline = s->now + (c->first_link_ms ? c->first_link_ms : EHP_CONNECT_MS);
    if (s->role == EHP_ROLE_PATIENT)
        return EHP_OK;
    memcpy(s->leaf_secret, c->leaf_secret, sizeof(s->leaf_secret));
    status = copy_lists(s, c);
    if (status != EHP_OK || c->request == NULL) /* none: a session that is restored has one */
        return status;
    return make_request(s, c->request);
}
