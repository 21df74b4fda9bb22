/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of test vectors; see vectors.h.
 */
#include "tests/proto/vectors.h"

#include <glib.h>

static JsonObject *
load(const char *path)
{
    static GPtrArray
        *parsers; /* kept until the process ends: what is handed out borrows from them */
    g_autoptr(GError) error = NULL;
    JsonParser *parser = json_parser_new_immutable();

    if (!parsers)
        parsers = g_ptr_array_new();
    g_ptr_array_add(parsers, parser);
    if (!json_parser_load_from_file(parser, path, &error))
        g_error("%s", error->message);
    return json_node_get_object(json_parser_get_root(parser));
}

static const char *
source_root(void)
{
    const char *root = g_getenv("EHRLINK_SOURCE_ROOT");

    return root ? root : ".";
}

JsonObject *
vectors_own(const char *name)
{
    g_autofree char *path = g_build_filename(source_root(), "tests", "vectors", name, NULL);

    return load(path);
}

JsonObject *
vectors_shared(const char *name)
{
    const char *given = g_getenv("EHRLINK_SHARED");
    g_autofree char *beside = g_build_filename(source_root(), "..", "shared", NULL);
    g_autofree char *path = g_build_filename(given ? given : beside, "vectors", name, NULL);

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return load(path);
    g_test_skip("the shared public vectors are not here (EHRLINK_SHARED)");
    return NULL;
}

ehp_bytes
vectors_hex_of(const char *text)
{
    static GPtrArray *kept;
    const size_t len = strlen(text) / 2;
    guint8 *data = g_malloc(len + 1);

    if (!kept)
        kept = g_ptr_array_new();
    g_ptr_array_add(kept, data);
    g_assert_cmpuint(strlen(text) % 2, ==, 0);
    for (size_t i = 0; i < len; i++) {
        g_assert_true(g_ascii_isxdigit(text[2 * i]) && g_ascii_isxdigit(text[2 * i + 1]));
        data[i] = (guint8)(g_ascii_xdigit_value(text[2 * i]) * 16 +
                           g_ascii_xdigit_value(text[2 * i + 1]));
    }
    return ehp_bytes_of(data, len);
}

ehp_bytes
vectors_hex(JsonObject *object, const char *member)
{
    return vectors_hex_of(json_object_get_string_member_with_default(object, member, ""));
}

bool
vectors_has(JsonObject *object, const char *member)
{
    return json_object_has_member(object, member);
}

ehp_status
vectors_error(JsonObject *object)
{
    const ehp_status status =
        ehp_status_from_name(json_object_get_string_member(object, "error"));

    g_assert_cmpint(status, !=, EHP_STATUS_COUNT);
    return status;
}

guint
vectors_count(JsonObject *object, const char *member)
{
    return vectors_has(object, member)
               ? json_array_get_length(json_object_get_array_member(object, member))
               : 0;
}

JsonObject *
vectors_at(JsonObject *object, const char *member, guint i)
{
    return json_array_get_object_element(json_object_get_array_member(object, member), i);
}
