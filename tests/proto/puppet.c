/* SPDX-License-Identifier: Apache-2.0
 *
 * See puppet.h.
 */
#include "puppet.h"

#include <string.h>

/* Sends a record with the keys of one side's session, whatever that session thinks of it. */
void
inject(pair_side *side, const Ehp__Record *record)
{
    ehp_session *s = side->s;
    session_link *l = &s->links[s->link];
    ehp_outlet out = {&l->records, &l->out};

    g_assert_cmpint(ehp_wire_send(&out, record, 0), ==, EHP_OK);
}

void
inject_plain(pair_side *side, const void *plain, size_t len)
{
    ehp_session *s = side->s;
    session_link *l = &s->links[s->link];

    g_assert_cmpint(ehp_record_seal(&l->records, ehp_bytes_of(plain, len), &l->out), ==,
                    EHP_OK);
}

static uint8_t no_hash[32], no_signature[64];
static Ehp__CrlStaple staple = EHP__CRL_STAPLE__INIT;
static Ehp__Signed doc = EHP__SIGNED__INIT;
static Ehp__SessionKey key = EHP__SESSION_KEY__INIT;
static Ehp__Refusal refusal = EHP__REFUSAL__INIT;
static Ehp__ManifestPage page = EHP__MANIFEST_PAGE__INIT;
static Ehp__ItemRequest item_request = EHP__ITEM_REQUEST__INIT;
static Ehp__SegmentPart part = EHP__SEGMENT_PART__INIT;
static Ehp__Ack ack = EHP__ACK__INIT;
static Ehp__ItemDone done = EHP__ITEM_DONE__INIT;
static Ehp__ReceiptAck receipt_ack = EHP__RECEIPT_ACK__INIT;
static Ehp__Ping ping = EHP__PING__INIT;
static Ehp__Bye bye = EHP__BYE__INIT;
static Ehp__Error error = EHP__ERROR__INIT;
static Ehp__ResumeHello hello = EHP__RESUME_HELLO__INIT;
static Ehp__SasCommit sas_commit = EHP__SAS_COMMIT__INIT;
static Ehp__SasNonce sas_nonce = EHP__SAS_NONCE__INIT;
static Ehp__Accept accept_it = EHP__ACCEPT__INIT;

/* By field of Record. */
static void *const of_kind[] = {
    [1] = &staple,       [2] = &doc,          [3] = &key,    [4] = &doc,
    [5] = &refusal,      [6] = &doc,          [7] = &page,   [8] = &doc,
    [9] = &item_request, [10] = &part,        [11] = &ack,   [12] = &done,
    [13] = &doc,         [14] = &receipt_ack, [15] = &doc,   [16] = &ping,
    [17] = &bye,         [18] = &error,       [19] = &hello, [20] = &sas_commit,
    [21] = &sas_nonce,   [22] = &accept_it,
};

/* One valid-looking message of each kind, in the order of Record's fields. */
void
inject_kind(pair_side *side, int kind)
{
    Ehp__Record r = EHP__RECORD__INIT;

    doc.has_body = doc.has_signature = 1;
    doc.body = ehp_wire_binary(no_hash, sizeof(no_hash));
    doc.signature = ehp_wire_binary(no_signature, sizeof(no_signature));
    error.has_code = 1;
    error.code = EHP__ERROR_CODE__ERROR_INTERNAL;
    r.body_case = (Ehp__Record__BodyCase)kind;
    r.crl_staple = of_kind[kind]; /* one union of pointers: whichever it is */
    inject(side, &r);
}

#define HOLD(field) offsetof(pair, field)

const puppet_stop puppet_stops[] = {
    {"Asking", true, HOLD(hold_consent)},
    {"Offered", true, HOLD(hold_manifest)},
    {"Receiving", true, HOLD(hold_data)},
    {"Committing", true, HOLD(hold_commit)},
    {"Storing", true, HOLD(hold_receipt_ready)},
    {"Received", true, 0},
    {"Crls", false, HOLD(hold_crls)},
    {"Consent", false, HOLD(hold_consent)},
    {"Sending", false, HOLD(hold_data)},
    {"Receipt", false, HOLD(hold_receipt)},
    {"Sent", false, 0},
};

const size_t puppet_n_stops = G_N_ELEMENTS(puppet_stops);

const puppet_stop *
puppet_stop_named(const char *state)
{
    for (size_t i = 0; i < puppet_n_stops; i++)
        if (strcmp(puppet_stops[i].state, state) == 0)
            return &puppet_stops[i];
    g_assert_not_reached();
}

void
puppet_run_to(pair *w, const puppet_stop *at)
{
    pair_side *victim;

    pair_init(w);
    w->tell_status = 0;
    if (at->hold != 0)
        *(bool *)((char *)w + at->hold) = true;
    pair_start(w);
    pair_connect(w);
    pair_run(w);
    victim = at->terminal ? &w->t : &w->p;
    g_assert_cmpstr(ehp_session_state_name(victim->s), ==, at->state);
}

void
puppet_expect_broken(pair *w, bool terminal, ehp_status want)
{
    pair_side *victim = terminal ? &w->t : &w->p, *liar = terminal ? &w->p : &w->t;

    g_assert_true(victim->ended);
    g_assert_cmpstr(ehp_status_name(victim->status), ==, ehp_status_name(want));
    g_assert_cmpuint(victim->seen[EHP_EV_COMPLETE], ==, 0);
    g_assert_true(liar->ended);
    g_assert_cmpstr(ehp_status_name(liar->status), ==, "PeerProtocol");
}
