/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder for harnesses of code that reads files: in memory where the machine has that, made
 * once, gone at the end. A run that crashes leaves it: it holds nothing but the input.
 */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <glib.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static char *scratch_path;

static inline int
scratch_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void
scratch_end(void)
{
    (void)nftw(scratch_path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
    g_clear_pointer(&scratch_path, g_free);
}

/* Its path; the descriptor in *fd if asked for. */
static inline const char *
scratch(int *fd)
{
    static int dir = -1;

    if (scratch_path == NULL) {
        const gboolean memory = access("/dev/shm", W_OK) == 0;
        char *template = g_build_filename(memory ? "/dev/shm" : g_get_tmp_dir(),
                                          "ehrlink-fuzz-XXXXXX", NULL);
        scratch_path = g_mkdtemp(template);
        FUZZ_CHECK(scratch_path != NULL);
        dir = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        FUZZ_CHECK(dir >= 0);
        (void)atexit(scratch_end);
    }
    if (fd != NULL)
        *fd = dir;
    return scratch_path;
}

/* The file `name` of it is these bytes. */
static inline void
scratch_write(const char *name, const void *data, size_t size)
{
    int dir, fd;

    (void)scratch(&dir);
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(size == 0 || write(fd, data, size) == (ssize_t)size);
    FUZZ_CHECK(close(fd) == 0);
}
