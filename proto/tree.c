/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash tree, incremental: pending holds the roots of the complete subtrees of the binary
 * digits of the number of leaves, the biggest first. Pure; one thread at a time per tree.
 */
#include "proto/tree.h"

#include <sodium.h>
#include <string.h>

enum { TAG_LEAF = 0, TAG_NODE = 1, TAG_ROOT = 2 };

static void
keyed_hash(const ehp_tree *t, ehp_bytes a, ehp_bytes b, uint8_t out[EHP_HASH_LEN])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, t->salt, sizeof t->salt, EHP_HASH_LEN);
    crypto_generichash_update(&state, a.data, a.len);
    crypto_generichash_update(&state, b.data, b.len);
    crypto_generichash_final(&state, out, EHP_HASH_LEN);
}

static void
leaf(const ehp_tree *t, uint64_t index, ehp_bytes data, uint8_t out[EHP_HASH_LEN])
{
    uint8_t head[1 + 8 + 4];
    ehp_writer w;

    ehp_writer_init(&w, head, sizeof head);
    ehp_put_u8(&w, TAG_LEAF);
    ehp_put_be64(&w, index);
    ehp_put_be32(&w, (uint32_t)data.len);
    keyed_hash(t, ehp_bytes_of(head, w.len), data, out);
}

/* right may be out. */
static void
node(const ehp_tree *t, const uint8_t *left, const uint8_t *right, uint8_t out[EHP_HASH_LEN])
{
    uint8_t head[1 + EHP_HASH_LEN] = {TAG_NODE};

    memcpy(head + 1, left, EHP_HASH_LEN);
    keyed_hash(t, ehp_bytes_of(head, sizeof head), ehp_bytes_of(right, EHP_HASH_LEN), out);
}

void
ehp_tree_init(ehp_tree *t, const uint8_t salt[EHP_SALT_LEN])
{
    memset(t, 0, sizeof *t);
    memcpy(t->salt, salt, EHP_SALT_LEN);
}

void
ehp_tree_leaf(const ehp_tree *t, uint64_t index, const void *data, size_t len,
              uint8_t out[EHP_HASH_LEN])
{
    leaf(t, index, ehp_bytes_of(data, len), out);
}

ehp_status
ehp_tree_add_leaf(ehp_tree *t, const uint8_t leaf_hash[EHP_HASH_LEN], size_t len)
{
    uint8_t top[EHP_HASH_LEN];

    if (len == 0 || len > EHP_SEGMENT_MAX)
        return EHP_INVALID_ARGUMENT;
    if (len > EHP_ITEM_BYTES_MAX - t->total)
        return EHP_TOO_LARGE;
    memcpy(top, leaf_hash, sizeof top);
    /* every trailing one bit of the old count is a complete subtree of this one's size */
    for (uint64_t bits = t->leaves; bits & 1; bits >>= 1)
        node(t, t->pending[--t->n_pending], top, top);
    memcpy(t->pending[t->n_pending++], top, EHP_HASH_LEN);
    t->leaves++;
    t->total += len;
    return EHP_OK;
}

ehp_status
ehp_tree_add(ehp_tree *t, const void *data, size_t len)
{
    uint8_t top[EHP_HASH_LEN];

    if (len == 0 || len > EHP_SEGMENT_MAX)
        return EHP_INVALID_ARGUMENT;
    if (len > EHP_ITEM_BYTES_MAX - t->total)
        return EHP_TOO_LARGE;
    leaf(t, t->leaves, ehp_bytes_of(data, len), top);
    return ehp_tree_add_leaf(t, top, len);
}

void
ehp_tree_root(const ehp_tree *t, uint8_t out[EHP_HASH_LEN])
{
    uint8_t head[1 + 8], top[EHP_HASH_LEN];
    ehp_writer w;

    if (t->n_pending == 0)
        leaf(t, 0, ehp_bytes_of(NULL, 0), top);
    else
        memcpy(top, t->pending[t->n_pending - 1], EHP_HASH_LEN);
    for (int i = t->n_pending - 2; i >= 0; i--)
        node(t, t->pending[i], top, top);
    ehp_writer_init(&w, head, sizeof head);
    ehp_put_u8(&w, TAG_ROOT);
    ehp_put_be64(&w, t->total);
    keyed_hash(t, ehp_bytes_of(head, w.len), ehp_bytes_of(top, sizeof top), out);
}

void
ehp_tree_save(const ehp_tree *t, ehp_writer *out)
{
    ehp_put_be64(out, t->leaves);
    ehp_put_be64(out, t->total);
    ehp_put_u8(out, t->n_pending);
    ehp_put(out, t->pending, (size_t)t->n_pending * EHP_HASH_LEN);
}

static unsigned
ones(uint64_t v)
{
    unsigned n = 0;

    for (; v != 0; v &= v - 1)
        n++;
    return n;
}

ehp_status
ehp_tree_load(ehp_tree *t, const uint8_t salt[EHP_SALT_LEN], ehp_reader *in)
{
    ehp_bytes hashes;

    ehp_tree_init(t, salt);
    t->leaves = ehp_take_be64(in);
    t->total = ehp_take_be64(in);
    t->n_pending = ehp_take_u8(in);
    hashes = ehp_take(in, (size_t)t->n_pending * EHP_HASH_LEN);
    if (!in->bad && t->n_pending == ones(t->leaves) && t->n_pending <= EHP_TREE_LEVELS &&
        t->total <= EHP_ITEM_BYTES_MAX) {
        if (hashes.len > 0)
            memcpy(t->pending, hashes.data, hashes.len);
        return EHP_OK;
    }
    ehp_tree_init(t, salt);
    return EHP_STATE_DAMAGED;
}

void
ehp_tree_clear(ehp_tree *t)
{
    ehp_wipe(t, sizeof *t);
}
