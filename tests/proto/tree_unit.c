/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash tree against our vectors, and what must change its root.
 */
#include "proto/tree.h"

#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "tests/proto/vectors.h"

static uint8_t segment[EHP_SEGMENT_MAX + 1];

/* the rule "fill" of tree.json */
static void
fill(size_t len, size_t index)
{
    for (size_t i = 0; i < len; i++)
        segment[i] = (uint8_t)(131 * i + 17 * index);
}

static void
test_own(void)
{
    JsonObject *all = vectors_own("tree.json");

    VECTORS_EACH(c, all, "cases")
    {
        JsonArray *lengths = json_object_get_array_member(c, "lengths");
        const ehp_bytes want = vectors_hex(c, "root");
        uint8_t root[EHP_HASH_LEN];
        ehp_tree t;

        ehp_tree_init(&t, vectors_hex(c, "salt").data);
        for (guint i = 0; i < json_array_get_length(lengths); i++) {
            const size_t len = (size_t)json_array_get_int_element(lengths, i);

            fill(len, i);
            assert_ok(ehp_tree_add(&t, segment, len));
            ehp_tree_root(&t, root); /* asking in between changes nothing */
        }
        ehp_tree_root(&t, root);
        g_assert_cmpmem(root, sizeof root, want.data, want.len);
    }
}

static void
test_must_fail(void)
{
    JsonObject *all = vectors_own("tree.json");
    const uint8_t salt[EHP_SALT_LEN] = {1};
    ehp_tree t;

    ehp_tree_init(&t, salt);
    VECTORS_EACH(f, all, "must_fail")
    assert_status(ehp_tree_add(&t, segment, (size_t)json_object_get_int_member(f, "length")),
                  vectors_error(f));
    t.total = EHP_ITEM_BYTES_MAX - 4;
    assert_status(ehp_tree_add(&t, segment, 5), EHP_TOO_LARGE);
    assert_ok(ehp_tree_add(&t, segment, 4));
    g_assert_cmpuint(t.leaves, ==, 1);
}

static void
root_of(const char *const *parts, uint8_t salt_byte, uint8_t root[EHP_HASH_LEN])
{
    const uint8_t salt[EHP_SALT_LEN] = {salt_byte};
    ehp_tree t;

    ehp_tree_init(&t, salt);
    for (; *parts; parts++)
        assert_ok(ehp_tree_add(&t, *parts, strlen(*parts)));
    ehp_tree_root(&t, root);
}

static void
test_all_different(void)
{
    const char *const items[][5] = {
        {NULL},
        {"ab", "cd", NULL},
        {"abcd", NULL},
        {"a", "bcd", NULL},
        {"cd", "ab", NULL},
        {"ab", "cd", "e", NULL},
        {"ab", "ab", NULL},
        {"ab", "ab", "ab", NULL},
    };
    uint8_t roots[G_N_ELEMENTS(items) + 1][EHP_HASH_LEN];

    for (size_t i = 0; i < G_N_ELEMENTS(items); i++)
        root_of(items[i], 1, roots[i]);
    root_of(items[1], 2, roots[G_N_ELEMENTS(items)]); /* another salt */
    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++)
        for (size_t k = 0; k < i; k++)
            g_assert_cmpint(memcmp(roots[i], roots[k], EHP_HASH_LEN), !=, 0);
}

static void
test_deepest(void)
{
    /* the greatest number of leaves there can be still has its place */
    const uint8_t salt[EHP_SALT_LEN] = {1};
    uint8_t root[EHP_HASH_LEN];
    ehp_tree t;

    ehp_tree_init(&t, salt);
    t.leaves = EHP_ITEM_BYTES_MAX - 1;
    t.total = EHP_ITEM_BYTES_MAX - 1;
    t.n_pending = EHP_TREE_LEVELS - 1;
    assert_ok(ehp_tree_add(&t, "x", 1));
    g_assert_cmpuint(t.n_pending, ==, 1);
    ehp_tree_root(&t, root);
    assert_status(ehp_tree_add(&t, "x", 1), EHP_TOO_LARGE);
    ehp_tree_clear(&t);
    g_assert_true(sodium_is_zero((const uint8_t *)&t, sizeof t));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/tree/own", test_own);
    g_test_add_func("/tree/must-fail", test_must_fail);
    g_test_add_func("/tree/different", test_all_different);
    g_test_add_func("/tree/deepest", test_deepest);
    return g_test_run();
}
