/* SPDX-License-Identifier: Apache-2.0
 *
 * Items and options at their bounds, the code tables both ways, the grant's check.
 */
#include "daemon/core/options.h"

#include <string.h>

#include "daemon/core/codes.h"
#include "daemon/core/grant-make.h"
#include "daemon/error.h"
#include "proto/bounds.h"

static GArray *
one_item(const char *name)
{
    GArray *items = ehd_items_new();
    EhdItem item = {.name = g_strdup(name), .size = 10};

    g_array_append_val(items, item);
    return items;
}

static void
assert_refused(const GArray *items, ehp_status why)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(ehd_items_check(items, &error));
    g_assert_error(error, EHD_ERROR, (int)why);
}

static void
test_names(void)
{
    g_autofree char *longest = g_strnfill(EHP_NAME_MAX, 'a');
    g_autofree char *longer = g_strnfill(EHP_NAME_MAX + 1, 'a');
    const char *good[] = {"a", "a b.json", "\xc3\xa4.pdf", longest};
    const char *bad[] = {"", ".", "..", "a/b", "/a", "\xff", longer};

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GArray) items = one_item(good[i]);
        g_assert_true(ehd_items_check(items, NULL));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GArray) items = one_item(bad[i]);
        assert_refused(items, EHP_ITEM_INVALID);
    }
}

static void
test_items(void)
{
    g_autoptr(GArray) items = ehd_items_new();
    g_autoptr(GArray) other = one_item("b");

    assert_refused(items, EHP_INVALID_ARGUMENT);
    assert_refused(NULL, EHP_INVALID_ARGUMENT);
    for (guint i = 0; i < EHP_ITEMS_MAX; i++) {
        EhdItem item = {.name = g_strdup("a"), .size = 1};
        g_array_append_val(items, item);
    }
    g_assert_true(ehd_items_check(items, NULL));
    g_array_set_size(items, EHP_ITEMS_MAX + 1);
    assert_refused(items, EHP_LIMIT_REACHED);
    g_array_set_size(items, 2);
    g_array_index(items, EhdItem, 1).subject = g_bytes_new("one", 3);
    assert_refused(items, EHP_MIXED_SUBJECTS);
    g_array_index(items, EhdItem, 0).subject = g_bytes_new("two", 3);
    assert_refused(items, EHP_MIXED_SUBJECTS);
    g_array_index(items, EhdItem, 1).size = EHP_ITEM_BYTES_MAX + 1;
    assert_refused(items, EHP_ITEM_INVALID);
    g_array_index(other, EhdItem, 0).category = 99;
    assert_refused(other, EHP_ITEM_INVALID);
}

static void
test_equal(void)
{
    g_autoptr(GArray) a = one_item("a");
    g_autoptr(GArray) same = one_item("a");
    g_autoptr(GArray) other = one_item("a");

    g_assert_true(ehd_items_equal(a, same));
    g_array_index(other, EhdItem, 0).size = 11;
    g_assert_false(ehd_items_equal(a, other));
    g_array_set_size(same, 2);
    g_assert_false(ehd_items_equal(a, same));
}

static void
test_options(void)
{
    g_autoptr(GArray) items = one_item("a");
    EhdSendOptions send;
    EhdReceiveOptions receive;
    int categories[EHP_TAP_CATEGORIES_MAX + 1] = {1};

    ehd_send_options_init(&send);
    send.items = items;
    g_assert_true(ehd_send_options_check(&send, NULL));
    send.timeout = 3601;
    g_assert_false(ehd_send_options_check(&send, NULL));
    send.timeout = 0;
    g_assert_false(ehd_send_options_check(&send, NULL));
    ehd_send_options_init(&send);
    send.items = items;
    send.acting_as = 9;
    g_assert_false(ehd_send_options_check(&send, NULL));

    ehd_receive_options_init(&receive);
    g_assert_true(ehd_receive_options_check(&receive, NULL));
    receive.categories = categories;
    receive.n_categories = 1;
    g_assert_true(ehd_receive_options_check(&receive, NULL));
    receive.n_categories = 2;
    g_assert_false(ehd_receive_options_check(&receive, NULL));
    receive.n_categories = 0;
    receive.text = "\xff";
    g_assert_false(ehd_receive_options_check(&receive, NULL));
    receive.text = NULL;
    receive.purpose = 0;
    g_assert_false(ehd_receive_options_check(&receive, NULL));
}

/* What was not given is as the configuration says; what was given wins. */
static void
test_configured(void)
{
    g_autoptr(EhdConfig) config = ehd_config_new();
    EhdSendOptions send;
    EhdReceiveOptions receive;

    ehd_send_options_init(&send);
    ehd_receive_options_init(&receive);
    g_assert_cmpuint(ehd_send_options_armed(&send, config), ==, 120);
    g_assert_cmpuint(ehd_receive_options_armed(&receive, config), ==, 120);
    g_assert_cmpuint(ehd_receive_options_filing(&receive, config), ==, 600);
    config->armed_ms = 7000;
    config->filing_ms = 0;
    g_assert_cmpuint(ehd_send_options_armed(&send, config), ==, 7);
    g_assert_cmpuint(ehd_receive_options_armed(&receive, config), ==, 7);
    g_assert_cmpuint(ehd_receive_options_filing(&receive, config), ==, 0);
    config->kiosk = TRUE;
    g_assert_cmpuint(ehd_receive_options_armed(&receive, config), ==, 0);
    g_assert_cmpuint(ehd_send_options_armed(&send, config), ==, 7);
    config->armed_ms = 0;
    g_assert_cmpuint(ehd_send_options_armed(&send, config), ==, 3600);
    send.timeout = receive.timeout = 5;
    receive.filing_timeout = 6;
    g_assert_cmpuint(ehd_send_options_armed(&send, config), ==, 5);
    g_assert_cmpuint(ehd_receive_options_armed(&receive, config), ==, 5);
    g_assert_cmpuint(ehd_receive_options_filing(&receive, config), ==, 6);
}

static void
test_codes(void)
{
    guint words = 0;

    for (int i = -1; i < 64; i++) {
        const char *word = ehd_category_code(i);

        if (word != NULL) {
            words++;
            g_assert_cmpint(ehd_category_from_code(word), ==, i);
        }
        word = ehd_purpose_code(i);
        if (word != NULL)
            g_assert_cmpint(ehd_purpose_from_code(word), ==, i);
    }
    g_assert_cmpuint(words, ==, 19);
    g_assert_cmpint(ehd_category_from_code("Patient-Summaries"), ==, 1);
    g_assert_cmpint(ehd_category_from_code("nonsense"), ==, 0);
    g_assert_cmpint(ehd_category_from_code(NULL), ==, 0);
    g_assert_cmpint(ehd_acting_as_from_code("guardian"), ==, 3);
    g_assert_cmpstr(ehd_assurance_code(2), ==, "logged-in");
}

static void
test_grant(void)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(1000, EHD_ACTION_SEND);
    g_autoptr(GError) error = NULL;

    g_assert_true(ehd_grant_check(grant, EHD_ACTION_SEND, NULL));
    g_assert_false(ehd_grant_check(grant, EHD_ACTION_RECEIVE, &error));
    g_assert_error(error, EHD_ERROR, EHP_NOT_AUTHORIZED);
    g_clear_error(&error);
    g_assert_false(ehd_grant_check(NULL, EHD_ACTION_SEND, &error));
    g_assert_error(error, EHD_ERROR, EHP_NOT_AUTHORIZED);
    g_assert_cmpuint(ehd_grant_get_uid(grant), ==, 1000);
    g_assert_cmpstr(ehd_action_id(EHD_ACTION_MANAGE_TRUST), ==, "org.ehrlink1.manage-trust");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/options/names", test_names);
    g_test_add_func("/core/options/items", test_items);
    g_test_add_func("/core/options/equal", test_equal);
    g_test_add_func("/core/options/options", test_options);
    g_test_add_func("/core/options/configured", test_configured);
    g_test_add_func("/core/options/codes", test_codes);
    g_test_add_func("/core/options/grant", test_grant);
    return g_test_run();
}
