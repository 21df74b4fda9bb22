/* SPDX-License-Identifier: Apache-2.0
 *
 * session.json and the directories around it, with what a stranger may have put there.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "tools/common/session-dir.h"

static char *
make_session(const char *dir, const char *name, const char *json)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *file = g_build_filename(path, "session.json", NULL);

    g_assert_no_errno(g_mkdir(path, 0700));
    g_assert_true(g_file_set_contents(file, json, -1, NULL));
    return g_steal_pointer(&path);
}

static void
test_states(void)
{
    g_autofree char *dir = g_dir_make_tmp("ehrlink-XXXXXX", NULL);
    g_autofree char *path = make_session(
        dir, "20260101T000000Z-abc",
        "{\"session\":\"abc\",\"state\":\"received\",\"kept\":1.50,\"items\":[{},{}]}");
    g_autofree char *id = session_dir_get_id(path);
    g_autofree char *state = session_dir_get_state(path);

    g_assert_cmpstr(id, ==, "abc");
    g_assert_cmpstr(state, ==, "received");
    g_assert_cmpuint(session_dir_get_n_items(path), ==, 2);
    g_assert_null(session_dir_get_on_filed(path));
    g_assert_true(session_dir_set_state(path, "filed", NULL));
    g_assert_true(session_dir_set_on_filed(path, "true", "failed", 3, NULL));
    g_autofree char *after = session_dir_get_state(path);
    g_autofree char *ran = session_dir_get_on_filed(path);
    g_autofree char *found = session_dir_find(dir, "abc");
    g_assert_cmpstr(after, ==, "filed");
    g_assert_cmpstr(ran, ==, "failed");
    g_assert_cmpstr(found, ==, path);
    g_assert_null(session_dir_find(dir, "bc0"));
    g_assert_true(session_dir_remove(path, NULL));
    g_assert_no_errno(g_rmdir(dir));
}

/* An item called session.json must not have that name: what is known of the session is written over it. */
static void
test_name_is_taken(void)
{
    g_autofree char *dir = g_dir_make_tmp("ehrlink-XXXXXX", NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *path = session_dir_incoming(dir, "abc", &error);
    g_autofree char *again = session_dir_incoming(dir, "abc", &error);
    g_autofree char *file = g_build_filename(path, "session.json", NULL);

    g_assert_no_error(error);
    g_assert_cmpstr(path, ==, again);
    g_assert_true(g_file_test(file, G_FILE_TEST_IS_REGULAR));
    g_assert_true(session_dir_remove(path, NULL));
    g_assert_no_errno(g_rmdir(dir));
}

static void
test_strange(void)
{
    static const char *const strange[] = {"", "[", "[]", "1", "null", "{\"session\":1,\"state\":[],\"on-filed\":2}",
                                          "{\"items\":{}}"};
    g_autofree char *dir = g_dir_make_tmp("ehrlink-XXXXXX", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(strange); i++) {
        g_autofree char *path = make_session(dir, "x-s", strange[i]);
        g_autofree char *ran = session_dir_get_on_filed(path);
        g_assert_null(session_dir_get_state(path));
        g_assert_null(ran);
        g_assert_cmpuint(session_dir_get_n_items(path), ==, 0);
        g_assert_true(session_dir_remove(path, NULL));
    }
    g_assert_no_errno(g_rmdir(dir));
}

static void
test_prepare(void)
{
    g_autofree char *dir = g_dir_make_tmp("ehrlink-XXXXXX", NULL);
    g_autofree char *made = g_build_filename(dir, "new", NULL);
    g_autofree char *deep = g_build_filename(dir, "a", "b", NULL);
    g_autofree char *file = g_build_filename(dir, "file", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(session_dir_prepare(made, &error));
    g_assert_true(session_dir_prepare(made, &error));
    g_assert_no_errno(g_rmdir(made)); /* the probe left nothing */
    g_assert_false(session_dir_prepare(deep, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    g_clear_error(&error);
    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_false(session_dir_prepare(file, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    g_assert_no_errno(g_unlink(file));
    g_assert_no_errno(g_rmdir(dir));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tools/session-dir/states", test_states);
    g_test_add_func("/tools/session-dir/name-is-taken", test_name_is_taken);
    g_test_add_func("/tools/session-dir/strange", test_strange);
    g_test_add_func("/tools/session-dir/prepare", test_prepare);
    return g_test_run();
}
