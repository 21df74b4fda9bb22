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

/* One valid-looking message of each kind, in the order of Record's fields. */
void
inject_kind(pair_side *side, int kind)
{
    static uint8_t hash[32], signature[64];
    Ehp__Record r = EHP__RECORD__INIT;
    Ehp__CrlStaple staple = EHP__CRL_STAPLE__INIT;
    Ehp__Signed doc = EHP__SIGNED__INIT;
    Ehp__SessionKey key = EHP__SESSION_KEY__INIT;
    Ehp__Refusal refusal = EHP__REFUSAL__INIT;
    Ehp__ManifestPage page = EHP__MANIFEST_PAGE__INIT;
    Ehp__ItemRequest item_request = EHP__ITEM_REQUEST__INIT;
    Ehp__SegmentPart part = EHP__SEGMENT_PART__INIT;
    Ehp__Ack ack = EHP__ACK__INIT;
    Ehp__ItemDone done = EHP__ITEM_DONE__INIT;
    Ehp__ReceiptAck receipt_ack = EHP__RECEIPT_ACK__INIT;
    Ehp__Ping ping = EHP__PING__INIT;
    Ehp__Bye bye = EHP__BYE__INIT;
    Ehp__Error error = EHP__ERROR__INIT;
    Ehp__ResumeHello hello = EHP__RESUME_HELLO__INIT;
    Ehp__SasCommit sas_commit = EHP__SAS_COMMIT__INIT;
    Ehp__SasNonce sas_nonce = EHP__SAS_NONCE__INIT;
    Ehp__Accept accept = EHP__ACCEPT__INIT;

    doc.has_body = doc.has_signature = 1;
    doc.body = ehp_wire_binary(hash, sizeof(hash));
    doc.signature = ehp_wire_binary(signature, sizeof(signature));
    error.has_code = 1;
    error.code = EHP__ERROR_CODE__ERROR_INTERNAL;
    r.body_case = (Ehp__Record__BodyCase)kind;
    switch (kind) {
    case 1:
        r.crl_staple = &staple;
        break;
    case 2:
    case 4:
    case 6:
    case 8:
    case 13:
    case 15:
        r.consent_request = &doc; /* one union: any of the signed ones */
        break;
    case 3:
        r.session_key = &key;
        break;
    case 5:
        r.refusal = &refusal;
        break;
    case 7:
        r.manifest_page = &page;
        break;
    case 9:
        r.item_request = &item_request;
        break;
    case 10:
        r.segment_part = &part;
        break;
    case 11:
        r.ack = &ack;
        break;
    case 12:
        r.item_done = &done;
        break;
    case 14:
        r.receipt_ack = &receipt_ack;
        break;
    case 16:
        r.ping = &ping;
        break;
    case 17:
        r.bye = &bye;
        break;
    case 18:
        r.error = &error;
        break;
    case 19:
        r.resume_hello = &hello;
        break;
    case 20:
        r.sas_commit = &sas_commit;
        break;
    case 21:
        r.sas_nonce = &sas_nonce;
        break;
    case 22:
        r.accept = &accept;
        break;
    }
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
