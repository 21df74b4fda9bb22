/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rogue terminal does. Each entry changes what passes in one place, or adds something,
 * and then goes on as if nothing were.
 */
#include "tests/rig/rogue/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/sign.h"

static void
send_bytes(struct terminal *t, const void *data, size_t len)
{
    if (ehp_record_seal(&t->layer, ehp_bytes_of(data, len), &t->out) != EHP_OK) {
        fprintf(stderr, "rogue: cannot seal\n");
        exit(70);
    }
}

static void
pass(struct terminal *t, const Ehp__Record *record)
{
    static uint8_t plain[2 * EHP_RECORD_PLAIN_MAX];

    if (ehp__record__get_packed_size(record) > sizeof plain)
        exit(70);
    send_bytes(t, plain, ehp__record__pack(record, plain));
}

/* Whether this is the first record with that body, counted before. */
static bool
first(struct terminal *t, const Ehp__Record *record, Ehp__Record__BodyCase body)
{
    return record->body_case == body && t->seen[body] == 1;
}

static void
set_bytes(ProtobufCBinaryData *field, const void *data, size_t len)
{
    free(field->data);
    field->data = malloc(len > 0 ? len : 1);
    memcpy(field->data, data, len);
    field->len = len;
}

/* Puts this body in, signed with the leaf as it should be. */
static void
sign_again(struct terminal *t, Ehp__Signed *message, ehp_sign_type type,
           const ProtobufCMessage *body)
{
    uint8_t packed[EHP_RECEIPT_MAX], signature[64];
    const size_t len = protobuf_c_message_pack(body, packed);

    set_bytes(&message->body, packed, len);
    if (ehp_sign(type, t->leaf, ehp_bytes_of(packed, len), signature) != EHP_OK)
        exit(70);
    set_bytes(&message->signature, signature, sizeof signature);
}

static void
change_request(struct terminal *t, Ehp__Record *record, void (*change)(Ehp__ConsentRequest *))
{
    if (first(t, record, EHP__RECORD__BODY_CONSENT_REQUEST)) {
        Ehp__Signed *message = record->consent_request;
        Ehp__ConsentRequest *body =
            ehp__consent_request__unpack(NULL, message->body.len, message->body.data);
        change(body);
        sign_again(t, message, EHP_SIGN_CONSENT_REQUEST, &body->base);
        ehp__consent_request__free_unpacked(body, NULL);
    }
    pass(t, record);
}

static void
change_receipt(struct terminal *t, Ehp__Record *record, void (*change)(Ehp__Receipt *))
{
    if (first(t, record, EHP__RECORD__BODY_RECEIPT)) {
        Ehp__Signed *message = record->receipt;
        Ehp__Receipt *body = ehp__receipt__unpack(NULL, message->body.len, message->body.data);
        change(body);
        sign_again(t, message, EHP_SIGN_RECEIPT, &body->base);
        ehp__receipt__free_unpacked(body, NULL);
    }
    pass(t, record);
}

/* --- the mischief --- */

static void
nothing(struct terminal *t, Ehp__Record *record)
{
    pass(t, record);
}

static void
no_staple(struct terminal *t, Ehp__Record *record)
{
    if (record->body_case != EHP__RECORD__BODY_CRL_STAPLE)
        pass(t, record);
}

static void
staple_twice(struct terminal *t, Ehp__Record *record)
{
    if (record->body_case == EHP__RECORD__BODY_CRL_STAPLE)
        pass(t, record);
    pass(t, record);
}

static void
request_signature(struct terminal *t, Ehp__Record *record)
{
    if (record->body_case == EHP__RECORD__BODY_CONSENT_REQUEST)
        record->consent_request->signature.data[5] ^= 1;
    pass(t, record);
}

static void
other_session(Ehp__ConsentRequest *request)
{
    request->session.data[0] ^= 1;
}

static void
request_session(struct terminal *t, Ehp__Record *record)
{
    change_request(t, record, other_session);
}

static void
other_purpose(Ehp__ConsentRequest *request)
{
    request->purpose = EHP__PURPOSE__PURPOSE_HRESCH;
}

static void
request_purpose(struct terminal *t, Ehp__Record *record)
{
    change_request(t, record, other_purpose);
}

static void
no_such_purpose(Ehp__ConsentRequest *request)
{
    request->purpose = (Ehp__Purpose)99;
}

static void
request_unknown(struct terminal *t, Ehp__Record *record)
{
    change_request(t, record, no_such_purpose);
}

static void
request_twice(struct terminal *t, Ehp__Record *record)
{
    if (record->body_case == EHP__RECORD__BODY_CONSENT_REQUEST)
        pass(t, record);
    pass(t, record);
}

/* A place in the row of records that comes before anybody consented. */
static void
instead_of_request(struct terminal *t, Ehp__Record *record, const Ehp__Record *forged)
{
    if (first(t, record, EHP__RECORD__BODY_CONSENT_REQUEST))
        pass(t, forged);
    pass(t, record);
}

static void
early_ack(struct terminal *t, Ehp__Record *record)
{
    Ehp__Ack ack = EHP__ACK__INIT;
    Ehp__Record forged = EHP__RECORD__INIT;

    ack.has_item = ack.has_segments = true;
    forged.body_case = EHP__RECORD__BODY_ACK;
    forged.ack = &ack;
    instead_of_request(t, record, &forged);
}

static void
early_receipt(struct terminal *t, Ehp__Record *record)
{
    Ehp__Signed receipt = EHP__SIGNED__INIT;
    Ehp__Record forged = EHP__RECORD__INIT;

    forged.body_case = EHP__RECORD__BODY_RECEIPT;
    forged.receipt = &receipt;
    instead_of_request(t, record, &forged);
}

static void
consent_of_its_own(struct terminal *t, Ehp__Record *record)
{
    Ehp__Signed consent = EHP__SIGNED__INIT;
    Ehp__Record forged = EHP__RECORD__INIT;

    forged.body_case = EHP__RECORD__BODY_CONSENT;
    forged.consent = &consent;
    instead_of_request(t, record, &forged);
}

static void
garbage(struct terminal *t, Ehp__Record *record)
{
    if (first(t, record, EHP__RECORD__BODY_CONSENT_REQUEST)) {
        uint8_t junk[300];
        memset(junk, 0xff, sizeof junk);
        send_bytes(t, junk, sizeof junk);
    }
    pass(t, record);
}

/* Fifteen thousand empty revocation lists: small on the wire, large when unpacked unguarded. */
static void
bomb(struct terminal *t, Ehp__Record *record)
{
    if (record->body_case == EHP__RECORD__BODY_CRL_STAPLE) {
        static uint8_t plain[30004] = {0x0a, 0xb0, 0xea, 0x01}; /* field 1, 30,000 bytes */
        for (size_t i = 4; i + 1 < sizeof plain; i += 2) {
            plain[i] = 0x0a; /* CrlStaple.crl */
            plain[i + 1] = 0;
        }
        send_bytes(t, plain, sizeof plain);
    }
    pass(t, record);
}

static void
ack_beyond(struct terminal *t, Ehp__Record *record)
{
    if (first(t, record, EHP__RECORD__BODY_ACK)) {
        record->ack->has_item = true;
        record->ack->item = 4000000;
    }
    pass(t, record);
}

static void
ack_unsent(struct terminal *t, Ehp__Record *record)
{
    if (first(t, record, EHP__RECORD__BODY_ACK)) {
        record->ack->has_segments = true;
        record->ack->segments = UINT64_MAX;
    }
    pass(t, record);
}

static void
ack_back(struct terminal *t, Ehp__Record *record)
{
    pass(t, record);
    if (record->body_case == EHP__RECORD__BODY_ACK && record->ack->item > 0) {
        record->ack->item = 0;
        record->ack->segments = 0;
        pass(t, record);
    }
}

static void
receipt_signature(struct terminal *t, Ehp__Record *record)
{
    if (record->body_case == EHP__RECORD__BODY_RECEIPT)
        record->receipt->signature.data[5] ^= 1;
    pass(t, record);
}

static void
other_contents(Ehp__Receipt *receipt)
{
    receipt->contents_hash.data[3] ^= 1;
}

static void
receipt_contents(struct terminal *t, Ehp__Record *record)
{
    change_receipt(t, record, other_contents);
}

static void
fewer_items(Ehp__Receipt *receipt)
{
    receipt->items--;
}

static void
receipt_items(struct terminal *t, Ehp__Record *record)
{
    change_receipt(t, record, fewer_items);
}

static void
other_chain(Ehp__Receipt *receipt)
{
    if (receipt->n_chain > 0)
        receipt->chain[0].data[receipt->chain[0].len - 1] ^= 1;
}

static void
receipt_chain(struct terminal *t, Ehp__Record *record)
{
    change_receipt(t, record, other_chain);
}

static void
other_signer(Ehp__Receipt *receipt)
{
    receipt->signer.data[0] ^= 1;
}

static void
receipt_signer(struct terminal *t, Ehp__Record *record)
{
    change_receipt(t, record, other_signer);
}

/* Says that all is there when the first thing has arrived. */
static void
receipt_first(struct terminal *t, Ehp__Record *record)
{
    if (first(t, record, EHP__RECORD__BODY_ACK)) {
        Ehp__Signed receipt = EHP__SIGNED__INIT;
        Ehp__Record forged = EHP__RECORD__INIT;
        forged.body_case = EHP__RECORD__BODY_RECEIPT;
        forged.receipt = &receipt;
        pass(t, &forged);
    }
    pass(t, record);
}

static const struct {
    const char *name;
    terminal_mischief run;
} table[] = {
    {"nothing", nothing},
    {"no-staple", no_staple},
    {"staple-twice", staple_twice},
    {"request-signature", request_signature},
    {"request-session", request_session},
    {"request-purpose", request_purpose},
    {"request-unknown", request_unknown},
    {"request-twice", request_twice},
    {"early-ack", early_ack},
    {"early-receipt", early_receipt},
    {"consent-of-its-own", consent_of_its_own},
    {"garbage", garbage},
    {"bomb", bomb},
    {"ack-beyond", ack_beyond},
    {"ack-unsent", ack_unsent},
    {"ack-back", ack_back},
    {"receipt-first", receipt_first},
    {"receipt-signature", receipt_signature},
    {"receipt-contents", receipt_contents},
    {"receipt-items", receipt_items},
    {"receipt-chain", receipt_chain},
    {"receipt-signer", receipt_signer},
};

terminal_mischief
terminal_find_mischief(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].run;
    return NULL;
}

void
terminal_list_mischief(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        puts(table[i].name);
}

void
terminal_pass(struct terminal *t, ehp_bytes plain, terminal_mischief mischief)
{
    Ehp__Record *record = ehp__record__unpack(NULL, plain.len, plain.data);

    if (!record) {
        send_bytes(t, plain.data, plain.len);
        return;
    }
    if ((size_t)record->body_case < sizeof t->seen / sizeof *t->seen)
        t->seen[record->body_case]++;
    mischief(t, record);
    ehp__record__free_unpacked(record, NULL);
}
