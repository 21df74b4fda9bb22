/* SPDX-License-Identifier: Apache-2.0
 *
 * Names and texts of a peer, made safe. Input: a number, a length, and the name. What comes out
 * must be one harmless path component, and stay what it is when it is made safe again.
 */
#include "lib/ehrlink-name.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static void
check_component(const char *name)
{
    FUZZ_CHECK(*name != '\0' && strlen(name) <= EHRLINK_SAFE_NAME_MAX);
    FUZZ_CHECK(g_utf8_validate(name, -1, NULL));
    FUZZ_CHECK(strpbrk(name, "/\\<>:\"|?*") == NULL);
    FUZZ_CHECK(*name != '.' && *name != '-' && *name != ' ');
    for (const char *p = name; *p != '\0'; p = g_utf8_next_char(p)) {
        GUnicodeType type = g_unichar_type(g_utf8_get_char(p));

        FUZZ_CHECK(type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT);
        FUZZ_CHECK(type != G_UNICODE_UNASSIGNED && type != G_UNICODE_SURROGATE);
    }
}

static void
check_text(const char *input, guint max)
{
    g_autofree char *text = ehrlink_safe_text(input, max);

    FUZZ_CHECK(g_utf8_validate(text, -1, NULL));
    FUZZ_CHECK(max == 0 || g_utf8_strlen(text, -1) <= (glong)max);
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        FUZZ_CHECK(!g_unichar_iscntrl(g_utf8_get_char(p)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *input = NULL;
    g_autofree char *name = NULL;
    g_autofree char *again = NULL;
    g_autofree char *numbered = NULL;
    guint number;

    if (size < 5)
        return 0;
    memcpy(&number, data, sizeof number);
    input = g_strndup((const char *)data + 5, size - 5);
    name = ehrlink_safe_name(input, 0);
    again = ehrlink_safe_name(name, 0);
    numbered = ehrlink_safe_name(input, number);
    check_component(name);
    check_component(numbered);
    FUZZ_CHECK(strcmp(name, again) == 0);
    FUZZ_CHECK((number > 1) == (strcmp(name, numbered) != 0));
    check_text(input, data[4]);
    return 0;
}
