/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share; not for other rooms. Blocking; any thread.
 */
#pragma once

#include <glib.h>

/* A file of this ending was never finished; whoever finds one may remove it. */
#define EHD_FILE_TMP_SUFFIX ".tmp"

/* All of it, or FALSE with errno. */
gboolean ehd_file_write_all(int fd, const void *data, gsize length);

/* The whole of a regular file of at most `max` bytes, else STATE_DAMAGED; `name` is for
 * messages. */
GBytes *ehd_file_read_fd(int fd, const char *name, gsize max, GError **error);

/* The names in a directory, sorted, without "." and ".."; transfer full. */
GStrv ehd_file_list(int dir_fd, GError **error);

/* May only root and our own user change what `fd` is? (Owner, group and other write bits.) */
gboolean ehd_file_is_protected(int fd);
