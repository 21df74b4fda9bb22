/* SPDX-License-Identifier: Apache-2.0
 *
 * The keyed hash tree over one item's original bytes. One leaf is one segment.
 *
 *     H(x)  = BLAKE2b-256 keyed with the item's 32-byte salt
 *     leaf  = H(0x00 || be64(index) || be32(len) || data)
 *     node  = H(0x01 || left || right)
 *     root  = H(0x02 || be64(total bytes) || top)
 *
 * The shape is that of RFC 6962 section 2.1: of n > 1 leaves the left subtree takes the largest
 * power of two smaller than n, so that no leaf is ever doubled. An empty item has no segment;
 * its top is the leaf with index 0 and length 0, which no other item can contain. Memory: one
 * hash per level. The state is plain data (no pointers) and may be copied.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"

/* An item has at most 2^40 bytes, so at most 2^40 leaves. */
#define EHP_TREE_LEVELS 41

typedef struct {
    uint8_t salt[EHP_SALT_LEN];
    uint64_t leaves;
    uint64_t total;
    uint8_t pending[EHP_TREE_LEVELS][EHP_HASH_LEN]; /* complete subtrees, the biggest first */
    uint8_t n_pending;
} ehp_tree;

void ehp_tree_init(ehp_tree *t, const uint8_t salt[EHP_SALT_LEN]);
/* Adds the next segment. EHP_INVALID_ARGUMENT when len is 0 or above EHP_SEGMENT_MAX,
 * EHP_TOO_LARGE when the item would pass EHP_ITEM_BYTES_MAX; the tree is then unchanged. */
EHP_MUST_USE ehp_status ehp_tree_add(ehp_tree *t, const void *data, size_t len);
/* The two steps of ehp_tree_add, for a sender that only counts a segment once it is
 * acknowledged: the leaf of segment `index`, and adding it as the next one. len as for
 * ehp_tree_add. */
void ehp_tree_leaf(const ehp_tree *t, uint64_t index, const void *data, size_t len,
                   uint8_t out[EHP_HASH_LEN]);
EHP_MUST_USE ehp_status ehp_tree_add_leaf(ehp_tree *t, const uint8_t leaf[EHP_HASH_LEN],
                                          size_t len);
/* The root over what was added so far; more may be added after. */
void ehp_tree_root(const ehp_tree *t, uint8_t out[EHP_HASH_LEN]);
/* The tree as it stands (not its salt): be64 leaves || be64 total || u8 n || n hashes. */
#define EHP_TREE_SAVED_MAX (8 + 8 + 1 + EHP_TREE_LEVELS * EHP_HASH_LEN)
/* A mark: be32(item) || tree. */
#define EHP_MARK_MAX       (4 + EHP_TREE_SAVED_MAX)
void ehp_tree_save(const ehp_tree *t, ehp_writer *out);
/* EHP_STATE_DAMAGED; *t is then empty. */
EHP_MUST_USE ehp_status ehp_tree_load(ehp_tree *t, const uint8_t salt[EHP_SALT_LEN],
                                      ehp_reader *in);
/* Wipes; idempotent. */
void ehp_tree_clear(ehp_tree *t);
