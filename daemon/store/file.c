/* SPDX-License-Identifier: Apache-2.0
 *
 * Small helpers over files and directories. Blocking; any thread.
 */
#include "daemon/store/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/words.h"

static int
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GStrv
ehd_file_list(int dir_fd, GError **error)
{
    /* A descriptor of its own: the stream's position is not shared with other readers. */
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        ehd_error_set_errno(error, errno, N_("list a directory"));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    GPtrArray *names = g_ptr_array_new();
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    closedir(dir);
    g_ptr_array_sort(names, by_name);
    g_ptr_array_add(names, NULL);
    return (GStrv)g_ptr_array_free(names, FALSE);
}

gboolean
ehd_file_is_protected(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return FALSE;
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return FALSE;
    /* In a sticky directory (/tmp) others can add names but not replace ours, and what they add
     * is theirs and fails the test above. */
    if (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX))
        return TRUE;
    return (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}
