/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/store/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

char *
scratch_new(void)
{
    g_autoptr(GError) error = NULL;
    char *directory = g_dir_make_tmp("ehrlink-XXXXXX", &error);
    g_assert_no_error(error);
    return directory;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

void
scratch_free(char *directory)
{
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    g_free(directory);
}

EhdState *
scratch_state(const char *directory)
{
    g_autoptr(GError) error = NULL;
    EhdState *state = ehd_state_open(directory, &error);
    g_assert_no_error(error);
    return state;
}

void
scratch_expect(GError **error, ehp_status status)
{
    g_assert_error(*error, EHD_ERROR, (int)status);
    g_assert_cmpstr((*error)->message, !=, "");
    g_clear_error(error);
}

void
scratch_put(const char *directory, const char *file, const void *data, gssize length)
{
    /* Not g_file_set_contents: it syncs, and where told not to (GLib 2.74) it does not
     * truncate. */
    g_autofree char *path = g_build_filename(directory, file, NULL);
    FILE *stream = fopen(path, "we");
    g_assert_nonnull(stream);
    gsize size = length < 0 ? strlen(data) : (gsize)length;
    g_assert_cmpint(fwrite(data, 1, size, stream), ==, size);
    g_assert_cmpint(fclose(stream), ==, 0);
}

char *
scratch_get(const char *directory, const char *file, gsize *length)
{
    g_autofree char *path = g_build_filename(directory, file, NULL);
    char *data = NULL;
    g_assert_true(g_file_get_contents(path, &data, length, NULL));
    return data;
}
