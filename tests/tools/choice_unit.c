/* SPDX-License-Identifier: Apache-2.0
 *
 * What a person types to narrow a consent.
 */
#include <glib.h>
#include <string.h>

#include "tools/common/choice.h"

static const struct {
    const char *typed;
    guint count;
    const char *ids; /* NULL: refused */
} cases[] = {
    {"1", 3, "0"},        {"3,1", 3, "0 2"},      {"1-3", 3, "0 1 2"},     {"1, 3", 3, "0 2"},
    {"2 3", 3, "1 2"},    {"1,1,1", 3, "0"},      {"2-2", 3, "1"},         {"0", 3, NULL},
    {"4", 3, NULL},       {"3-1", 3, NULL},       {"1-", 3, NULL},         {"-1", 3, NULL},
    {"", 3, NULL},        {",", 3, NULL},         {"1-4", 3, NULL},        {"x", 3, NULL},
    {"1x", 3, NULL},      {"99999999999999999999", 3, NULL}, {"1-99999999999999999999", 3, NULL},
    {"0x1", 3, NULL},     {"1--2", 3, NULL},
};

static void
test_choice(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize n = 0;
        g_autofree guint *ids = choice_parse(cases[i].typed, cases[i].count, &n);
        g_autoptr(GString) text = g_string_new(NULL);

        for (gsize j = 0; ids != NULL && j < n; j++)
            g_string_append_printf(text, "%s%u", j > 0 ? " " : "", ids[j]);
        g_test_message("%s", cases[i].typed);
        g_assert_cmpstr(ids != NULL ? text->str : NULL, ==, cases[i].ids);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tools/choice", test_choice);
    return g_test_run();
}
