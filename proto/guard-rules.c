/* SPDX-License-Identifier: Apache-2.0
 *
 * The bounds of every field of proto/ehrlink.proto that has a length or a count, from
 * proto/bounds.h. tests/proto/guard_unit.c holds this list against the descriptors: a new field
 * needs a rule.
 */
#include "proto/guard.h"

#include "proto/ehrlink.pb-c.h"
#include "proto/sign.h"

#define M(name) &ehp__##name##__descriptor
/* message, field, most bytes */
#define UP_TO(name, field, max)                                                                \
    {                                                                                          \
        M(name), field, 0, max, 0                                                              \
    }
/* message, field, exactly so many bytes */
#define EXACT(name, field, len)                                                                \
    {                                                                                          \
        M(name), field, 0, len, len                                                            \
    }
#define HASH(name, field) EXACT(name, field, EHP_HASH_LEN)
/* message, repeated field, how many, most bytes of each */
#define MANY(name, field, count, max)                                                          \
    {                                                                                          \
        M(name), field, count, max, 0                                                          \
    }

#define ADDRESS_LEN 6
#define OOB_LEN     64

static const ehp_guard_rule rules[] = {
    MANY(terminal_hello, 2, EHP_CHAIN_MAX, EHP_CERT_MAX),
    EXACT(terminal_hello, 3, EHP_SIGN_PUBLIC_LEN),
    EXACT(terminal_hello, 5, ADDRESS_LEN),
    EXACT(terminal_hello, 7, OOB_LEN),
    MANY(tap_request, 2, EHP_TAP_CATEGORIES_MAX, 0),
    EXACT(patient_hello, 2, ADDRESS_LEN),
    EXACT(patient_hello, 3, OOB_LEN),

    UP_TO(record, 7, EHP_MANIFEST_PAGE_MAX),
    UP_TO(record, 31, EHP_RECORD_PLAIN_MAX),
    UP_TO(signed, 1, EHP_SIGN_BODY_MAX),
    EXACT(signed, 2, EHP_SIGNATURE_LEN),
    MANY(crl_staple, 1, EHP_CRL_MAX, EHP_CRL_BYTES_MAX),

    UP_TO(operator, 1, EHP_TITLE_MAX),
    UP_TO(operator, 2, EHP_CODE_MAX),
    UP_TO(operator, 3, EHP_CODE_MAX),
    MANY(item_query, 1, EHP_TAP_CATEGORIES_MAX, 0),
    UP_TO(item_query, 2, EHP_CODE_MAX),
    UP_TO(item_query, 3, EHP_DATE_MAX),
    UP_TO(item_query, 4, EHP_DATE_MAX),
    MANY(item_query, 6, EHP_QUERY_IDS_MAX, EHP_CODE_MAX),
    HASH(consent_request, 1),
    MANY(consent_request, 3, EHP_QUERIES_MAX, 0),
    UP_TO(consent_request, 7, EHP_TEXT_MAX),
    EXACT(session_key, 1, EHP_SIGN_PUBLIC_LEN),
    EXACT(session_key, 2, EHP_SIGNATURE_LEN),
    HASH(consent, 1),
    HASH(consent, 2),
    HASH(revoke, 1),
    HASH(revoke, 2),

    UP_TO(item_entry, 2, EHP_NAME_MAX),
    UP_TO(item_entry, 4, EHP_TYPE_MAX),
    UP_TO(item_entry, 5, EHP_TITLE_MAX),
    UP_TO(item_entry, 6, EHP_DATE_MAX),
    UP_TO(item_entry, 8, EHP_CODE_MAX),
    UP_TO(item_entry, 9, EHP_TITLE_MAX),
    UP_TO(item_entry, 11, EHP_SUBJECT_MAX),
    EXACT(item_entry, 12, EHP_SALT_LEN),
    MANY(manifest_page, 2, EHP_PAGE_ITEMS_MAX, 0),
    HASH(manifest, 1),
    HASH(manifest, 6),
    HASH(manifest, 9),
    MANY(item_request, 1, EHP_QUERIES_MAX, 0),

    UP_TO(segment_part, 6, EHP_PART_MAX),
    HASH(item_done, 3),
    HASH(item_origin, 1),
    HASH(item_origin, 2),
    HASH(item_origin, 3),
    EXACT(item_origin, 7, EHP_SALT_LEN),
    HASH(item_origin, 8),
    MANY(origin_proof, 1, EHP_CHAIN_MAX, EHP_CERT_MAX),
    MANY(origin_proof, 2, EHP_CRL_MAX, EHP_CRL_BYTES_MAX),
    EXACT(origin_proof, 3, EHP_SIGN_PUBLIC_LEN),
    MANY(origin_proof, 5, EHP_ITEMS_MAX, 0),
    HASH(receipt, 1),
    HASH(receipt, 3),
    HASH(receipt, 4),
    HASH(receipt, 5),
    HASH(receipt, 6),
    MANY(receipt, 11, EHP_CHAIN_MAX, EHP_CERT_MAX),
    HASH(receipt, 13),
    EXACT(receipt, 14, EHP_SIGN_PUBLIC_LEN),
    HASH(receipt_ack, 1),
    HASH(status, 1),
    HASH(status, 2),
    UP_TO(status, 4, EHP_CODE_MAX),
    HASH(resume_hello, 2),
    MANY(resume_hello, 3, EHP_RESUME_ACKS_MAX, 0),
    HASH(sas_commit, 1),
    HASH(sas_nonce, 1),
};

const ehp_guard_limits ehp_wire_limits = {
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .max_bytes = EHP_RECORD_PLAIN_MAX,
    .max_fields = EHP_UNPACK_FIELDS_MAX,
    .max_memory = EHP_UNPACK_MEMORY_MAX,
};

const ehp_guard_limits ehp_proof_limits = {
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .max_bytes = EHP_PROOF_MAX,
    .max_fields = EHP_PROOF_FIELDS_MAX,
    .max_memory = EHP_PROOF_MEMORY_MAX,
};
