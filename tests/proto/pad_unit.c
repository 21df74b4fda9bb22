/* SPDX-License-Identifier: Apache-2.0
 *
 * Padding against our vectors, and its promises over many lengths.
 */
#include "proto/pad.h"

#include <glib.h>

#include "proto/bounds.h"
#include "tests/proto/vectors.h"

static uint64_t
number(JsonArray *row, guint i)
{
    return (uint64_t)json_array_get_int_element(row, i);
}

static void
each_row(JsonObject *all, const char *member, uint64_t (*pad)(uint64_t))
{
    JsonArray *rows = json_object_get_array_member(all, member);

    for (guint i = 0; i < json_array_get_length(rows); i++) {
        JsonArray *row = json_array_get_array_element(rows, i);

        g_assert_cmpuint(pad(number(row, 0)), ==, number(row, 1));
    }
}

static void
test_own(void)
{
    JsonObject *all = vectors_own("pad.json");
    JsonArray *steps = json_object_get_array_member(all, "step");

    each_row(all, "padme", ehp_pad_padme);
    each_row(all, "transfer", ehp_pad_transfer);
    for (guint i = 0; i < json_array_get_length(steps); i++) {
        JsonArray *row = json_array_get_array_element(steps, i);

        g_assert_cmpuint(ehp_pad_step(number(row, 0), number(row, 1)), ==, number(row, 2));
    }
}

static void
test_promises(void)
{
    uint64_t last = 0;
    unsigned values = 0;

    for (uint64_t len = 0; len <= EHP_PAD_TRANSFER_MAX + 5; len++) {
        const uint64_t padded = ehp_pad_padme(len);

        g_assert_cmpuint(padded, >=, len);
        g_assert_cmpuint(padded, >=, last);
        g_assert_cmpuint((padded - len) * 100, <=, len * 12);
        g_assert_cmpuint(ehp_pad_padme(padded), ==, padded);
        values += padded != last;
        last = padded;
    }
    g_assert_cmpuint(values, <, 400); /* of a million lengths */
    g_assert_cmpuint(ehp_pad_transfer(EHP_PAD_TRANSFER_MAX + 1), ==, EHP_PAD_TRANSFER_MAX + 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pad/own", test_own);
    g_test_add_func("/pad/promises", test_promises);
    return g_test_run();
}
