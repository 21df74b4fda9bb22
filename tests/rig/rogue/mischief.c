/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rogue does. Each entry changes what passes in one place, or adds something, and then
 * goes on as if nothing were; what it signs, it signs properly with its own session key, so
 * that only the lie itself can be found.
 */
#include "tests/rig/rogue/rogue.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/sign.h"

#define PASS(r, record) rogue_send(r, record)

void
rogue_send_bytes(struct rogue *r, const void *data, size_t len)
{
    if (ehp_record_seal(&r->layer, ehp_bytes_of(data, len), &r->out) != EHP_OK) {
        fprintf(stderr, "rogue: cannot seal\n");
        exit(70);
    }
}

void
rogue_send(struct rogue *r, const Ehp__Record *record)
{
    static uint8_t plain[2 * EHP_RECORD_PLAIN_MAX];

    if (ehp__record__get_packed_size(record) > sizeof plain)
        exit(70);
    rogue_send_bytes(r, plain, ehp__record__pack(record, plain));
}

/* --- our own key in place of the engine's ---------------------------------------------------
 */

static void
set_bytes(ProtobufCBinaryData *field, const void *data, size_t len)
{
    free(field->data);
    field->data = malloc(len > 0 ? len : 1);
    memcpy(field->data, data, len);
    field->len = len;
}

static void
sign_again(struct rogue *r, Ehp__Signed *message, ehp_sign_type type)
{
    uint8_t signature[64];

    if (ehp_sign(type, r->key, ehp_bytes_of(message->body.data, message->body.len),
                 signature) != EHP_OK)
        exit(70);
    set_bytes(&message->signature, signature, sizeof signature);
}

static void
replace_key(struct rogue *r, Ehp__SessionKey *key)
{
    uint8_t signature[64];

    set_bytes(&key->key, r->key + 32, 32);
    if (ehp_sign(EHP_SIGN_SESSION_KEY, r->key, ehp_bytes_of(r->secrets.h, EHP_HASH_LEN),
                 signature) != EHP_OK)
        exit(70);
    set_bytes(&key->signature, signature, sizeof signature);
}

/* Packs a changed manifest body again, with the hash of the pages as they were really sent. */
static void
replace_manifest(struct rogue *r, Ehp__Signed *message, void (*change)(Ehp__Manifest *))
{
    Ehp__Manifest *manifest =
        ehp__manifest__unpack(NULL, message->body.len, message->body.data);
    uint8_t body[4096];

    if (r->rewrote_pages)
        set_bytes(&manifest->pages_hash, r->pages_hash, sizeof r->pages_hash);
    if (change)
        change(manifest);
    set_bytes(&message->body, body, ehp__manifest__pack(manifest, body));
    ehp__manifest__free_unpacked(manifest, NULL);
}

/* --- the mischief ---------------------------------------------------------------------------
 */

/* Whether this is the first record with that body, counted before. */
static bool
first(struct rogue *r, const Ehp__Record *record, Ehp__Record__BodyCase body)
{
    return record->body_case == body && r->seen[body] == 1;
}

static void
nothing(struct rogue *r, Ehp__Record *record)
{
    PASS(r, record);
}

static void
bad_hash(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_ITEM_DONE) && record->item_done->root.len > 0)
        record->item_done->root.data[0] ^= 1;
    PASS(r, record);
}

static void
bad_data(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_SEGMENT_PART) && record->segment_part->data.len > 20)
        record->segment_part->data.data[record->segment_part->data.len / 2] ^= 1;
    PASS(r, record);
}

static void
wrong_length(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_SEGMENT_PART))
        record->segment_part->original_length += 1;
    PASS(r, record);
}

static void
huge_length(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_SEGMENT_PART))
        record->segment_part->original_length = record->segment_part->encoded_length =
            0xffffffff;
    PASS(r, record);
}

static void
missing_segment(struct rogue *r, Ehp__Record *record)
{
    if (!first(r, record, EHP__RECORD__BODY_SEGMENT_PART))
        PASS(r, record);
}

static void
twice(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_SEGMENT_PART))
        PASS(r, record);
    PASS(r, record);
}

static void
other_item(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_SEGMENT_PART))
        record->segment_part->item = 4000000;
    PASS(r, record);
}

static void
no_consent(struct rogue *r, Ehp__Record *record)
{
    if (record->body_case != EHP__RECORD__BODY_CONSENT)
        PASS(r, record);
}

static void
consent_signature(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_CONSENT))
        record->consent->signature.data[5] ^= 1;
    PASS(r, record);
}

static void
manifest_signature(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_MANIFEST))
        record->manifest->signature.data[5] ^= 1;
    PASS(r, record);
}

static void
more_items(Ehp__Manifest *manifest)
{
    manifest->items += 1;
}

static void
manifest_count(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_MANIFEST)) {
        replace_manifest(r, record->manifest, more_items);
        sign_again(r, record->manifest, EHP_SIGN_MANIFEST);
    }
    PASS(r, record);
}

static void
more_bytes(Ehp__Manifest *manifest)
{
    manifest->bytes += 1000;
}

static void
manifest_bytes(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_MANIFEST)) {
        replace_manifest(r, record->manifest, more_bytes);
        sign_again(r, record->manifest, EHP_SIGN_MANIFEST);
    }
    PASS(r, record);
}

/* Changes the first entry of the first page, and signs a manifest over that. */
static void
change_entry(struct rogue *r, Ehp__Record *record, void (*change)(Ehp__ItemEntry *))
{
    if (record->body_case == EHP__RECORD__BODY_MANIFEST_PAGE &&
        r->seen[record->body_case] == 1) {
        uint8_t page[EHP_RECORD_PLAIN_MAX];
        change(record->manifest_page->item[0]);
        size_t len = ehp__manifest_page__pack(record->manifest_page, page);
        crypto_hash_sha256(r->pages_hash, page, len);
        r->rewrote_pages = true;
    }
    PASS(r, record);
}

static void
longer(Ehp__ItemEntry *entry)
{
    entry->size += 1000;
}

static void
lying_size(struct rogue *r, Ehp__Record *record)
{
    if (first(r, record, EHP__RECORD__BODY_MANIFEST)) {
        replace_manifest(r, record->manifest, more_bytes);
        sign_again(r, record->manifest, EHP_SIGN_MANIFEST);
    }
    change_entry(r, record, longer);
}

static void
path_in_name(Ehp__ItemEntry *entry)
{
    free(entry->name);
    entry->name = strdup("../../../../etc/cron.d/x");
}

static void
evil_name(struct rogue *r, Ehp__Record *record)
{
    change_entry(r, record, path_in_name);
}

static void
other_id(Ehp__ItemEntry *entry)
{
    entry->id = 7;
}

static void
id_gap(struct rogue *r, Ehp__Record *record)
{
    change_entry(r, record, other_id);
}

static void
enormous(Ehp__ItemEntry *entry)
{
    entry->size = UINT64_MAX;
}

static void
enormous_item(struct rogue *r, Ehp__Record *record)
{
    change_entry(r, record, enormous);
}

static void
garbage(struct rogue *r, Ehp__Record *record)
{
    if (record->body_case == EHP__RECORD__BODY_MANIFEST) {
        uint8_t junk[300];
        memset(junk, 0xff, sizeof junk);
        rogue_send_bytes(r, junk, sizeof junk);
    }
    PASS(r, record);
}

/* Fifteen thousand empty sub-messages: small on the wire, megabytes when unpacked without a
 * guard. */
static void
bomb(struct rogue *r, Ehp__Record *record)
{
    if (record->body_case == EHP__RECORD__BODY_MANIFEST) {
        static uint8_t plain[30004] = {0x3a, 0xb0, 0xea, 0x01}; /* field 7, 30,000 bytes */
        for (size_t i = 4; i + 1 < sizeof plain; i += 2) {
            plain[i] = 0x12; /* ManifestPage.item */
            plain[i + 1] = 0;
        }
        rogue_send_bytes(r, plain, sizeof plain);
    }
    PASS(r, record);
}

static void
receipt_of_its_own(struct rogue *r, Ehp__Record *record)
{
    if (record->body_case == EHP__RECORD__BODY_MANIFEST) {
        Ehp__Signed receipt = EHP__SIGNED__INIT;
        Ehp__Record forged = EHP__RECORD__INIT;
        forged.body_case = EHP__RECORD__BODY_RECEIPT;
        forged.receipt = &receipt;
        rogue_send(r, &forged);
    }
    PASS(r, record);
}

static void
early_data(struct rogue *r, Ehp__Record *record)
{
    if (record->body_case == EHP__RECORD__BODY_CONSENT) {
        Ehp__SegmentPart part = EHP__SEGMENT_PART__INIT;
        Ehp__Record forged = EHP__RECORD__INIT;
        part.has_item = part.has_segment = part.has_data = true;
        part.has_original_length = part.has_encoded_length = true;
        part.original_length = part.encoded_length = 4;
        part.data = (ProtobufCBinaryData){4, (uint8_t *)"data"};
        forged.body_case = EHP__RECORD__BODY_SEGMENT_PART;
        forged.segment_part = &part;
        rogue_send(r, &forged);
    }
    PASS(r, record);
}

static const struct {
    const char *name;
    rogue_mischief run;
} table[] = {
    {"nothing", nothing},
    {"bad-hash", bad_hash},
    {"bad-data", bad_data},
    {"wrong-length", wrong_length},
    {"huge-length", huge_length},
    {"missing-segment", missing_segment},
    {"twice", twice},
    {"other-item", other_item},
    {"no-consent", no_consent},
    {"consent-signature", consent_signature},
    {"manifest-signature", manifest_signature},
    {"manifest-count", manifest_count},
    {"manifest-bytes", manifest_bytes},
    {"lying-size", lying_size},
    {"evil-name", evil_name},
    {"id-gap", id_gap},
    {"enormous-item", enormous_item},
    {"garbage", garbage},
    {"bomb", bomb},
    {"receipt-of-its-own", receipt_of_its_own},
    {"early-data", early_data},
};

rogue_mischief
rogue_find_mischief(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].run;
    return NULL;
}

void
rogue_list_mischief(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        puts(table[i].name);
}

void
rogue_pass(struct rogue *r, ehp_bytes plain, rogue_mischief mischief)
{
    Ehp__Record *record = ehp__record__unpack(NULL, plain.len, plain.data);

    if (!record) {
        rogue_send_bytes(r, plain.data, plain.len);
        return;
    }
    if ((size_t)record->body_case < sizeof r->seen / sizeof *r->seen)
        r->seen[record->body_case]++;
    if (record->body_case == EHP__RECORD__BODY_SESSION_KEY)
        replace_key(r, record->session_key);
    if (record->body_case == EHP__RECORD__BODY_CONSENT)
        sign_again(r, record->consent, EHP_SIGN_CONSENT);
    if (record->body_case == EHP__RECORD__BODY_MANIFEST) {
        if (r->rewrote_pages)
            replace_manifest(r, record->manifest, NULL);
        sign_again(r, record->manifest, EHP_SIGN_MANIFEST);
    }
    mischief(r, record);
    ehp__record__free_unpacked(record, NULL);
}
