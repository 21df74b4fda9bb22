/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of items: what the wire allows of an entry, and how a sender cuts the list into
 * pages. The pages of one list are always the same bytes, so that they need not be kept to be
 * sent again.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"
#include "proto/ehrlink.pb-c.h"

/* One entry by itself: name (not empty, no '/', not "." or ".."), size, category. The guard has
 * seen to lengths and UTF-8. EHP_BAD_MANIFEST. Neither id nor salt is looked at. */
EHP_MUST_USE ehp_status ehp_entry_check(const Ehp__ItemEntry *entry);
/* The same subject group in both (or none in both). */
bool ehp_entry_same_subject(const Ehp__ItemEntry *a, const Ehp__ItemEntry *b);
/* Segments of an item of so many bytes. */
uint64_t ehp_item_segments(uint64_t size);
/* Length of one of them. */
uint32_t ehp_item_segment_len(uint64_t size, uint64_t segment);

typedef struct {
    Ehp__ItemEntry *const *items; /* borrowed */
    size_t n_items;
    uint8_t salt_key[32];
} ehp_item_list;

/* A sender's own list (of any number, also none): every entry, their number, sum and subject.
 * EHP_ITEM_INVALID, EHP_MIXED_SUBJECTS, EHP_LIMIT_REACHED. *bytes: the sum. */
EHP_MUST_USE ehp_status ehp_item_list_check(const ehp_item_list *list, uint64_t *bytes);
/* The item's salt: HMAC(salt_key, be32(id)). */
void ehp_item_list_salt(const ehp_item_list *list, uint32_t id, uint8_t out[EHP_SALT_LEN]);

/* The page that begins with item `first`, packed (a ManifestPage), in *out
 * (EHP_MANIFEST_PAGE_MAX bytes). Returns how many items are on it (at least one). */
size_t ehp_item_list_page(const ehp_item_list *list, uint32_t page, size_t first, uint8_t *out,
                          size_t *len);
/* Number of pages and SHA-256 over them. EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_item_list_hash(const ehp_item_list *list, uint32_t *pages,
                                           uint8_t out[EHP_HASH_LEN]);
