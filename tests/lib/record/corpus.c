/* SPDX-License-Identifier: Apache-2.0
 *
 * See corpus.h.
 */
#include "tests/lib/record/corpus.h"

#include <string.h>

static char *
path_of(const char *name)
{
    const char *given = g_getenv("EHRLINK_SHARED"), *root = g_getenv("MESON_SOURCE_ROOT");
    g_autofree char *beside = g_build_filename(root != NULL ? root : ".", "..", "shared", NULL);

    return g_build_filename(given != NULL ? given : beside, "corpus", name, NULL);
}

ErecSource *
corpus_open(const char *name)
{
    g_autofree char *path = path_of(name);

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_test_skip("the corpus of public records is not here (EHRLINK_SHARED)");
        return NULL;
    }
    return erec_source_new_path(path, NULL);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *
corpus_list(const char *folder)
{
    g_autofree char *path = path_of(folder);
    GDir *dir = g_dir_open(path, 0, NULL);
    GPtrArray *names;
    const char *name;

    if (dir == NULL) {
        g_test_skip("the corpus of public records is not here (EHRLINK_SHARED)");
        return NULL;
    }
    names = g_ptr_array_new_with_free_func(g_free);
    while ((name = g_dir_read_name(dir)) != NULL)
        g_ptr_array_add(names, g_build_filename(folder, name, NULL));
    g_dir_close(dir);
    g_ptr_array_sort(names, by_name);
    return names;
}

ErecSource *
source_of(const char *text, gssize length)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, length < 0 ? strlen(text) : (gsize)length);

    return erec_source_new_bytes(bytes);
}
