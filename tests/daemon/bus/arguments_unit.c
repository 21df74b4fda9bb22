/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's command line.
 */
#include "daemon/arguments.h"

static gboolean
parse(const char *line, EhdArguments *arguments, GError **error)
{
    int argc;
    g_auto(GStrv) argv = NULL;
    g_assert_true(g_shell_parse_argv(line, &argc, &argv, NULL));
    /* GOptionContext takes what it understood out of the vector; the rest stays owned here */
    g_autofree char **moved = g_new(char *, argc + 1);
    for (int i = 0; i <= argc; i++)
        moved[i] = argv[i];
    return ehd_arguments_parse(arguments, argc, moved, error);
}

static void
test_good(void)
{
    static const struct {
        const char *line;
        guint idle_ms;
    } cases[] = {
        {"ehrlinkd", 30000},
        {"ehrlinkd --idle-timeout 0", 0},
        {"ehrlinkd --idle-timeout 0.25 --verbose", 250},
        {"ehrlinkd --idle-timeout 0.00001", 1},
        {"ehrlinkd --idle-timeout=86400", 86400000},
        {"ehrlinkd --config /c --state-directory /s --link unix:/d --reader x --nfc-helper /h",
         30000},
        {"ehrlinkd --version --", 30000},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(EhdArguments) arguments = {0};
        gboolean good = parse(cases[i].line, &arguments, &error);
        g_assert_no_error(error);
        g_assert_true(good);
        g_assert_cmpuint(arguments.idle_ms, ==, cases[i].idle_ms);
    }
}

static void
test_bad(void)
{
    static const char *const lines[] = {
        "ehrlinkd --bogus",
        "ehrlinkd -x",
        "ehrlinkd extra",
        "ehrlinkd -- extra",
        "ehrlinkd --config",
        "ehrlinkd --config relative",
        "ehrlinkd --state-directory ''",
        "ehrlinkd --nfc-helper ./x",
        "ehrlinkd --idle-timeout -1",
        "ehrlinkd --idle-timeout nan",
        "ehrlinkd --idle-timeout 86401",
        "ehrlinkd --idle-timeout 1x",
        "ehrlinkd --idle-timeout ''",
        "ehrlinkd --link",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(EhdArguments) arguments = {0};
        if (parse(lines[i], &arguments, &error))
            g_error("%s: taken", lines[i]);
        g_assert_nonnull(error);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arguments/good", test_good);
    g_test_add_func("/arguments/bad", test_bad);
    return g_test_run();
}
