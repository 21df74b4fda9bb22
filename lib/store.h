/* SPDX-License-Identifier: Apache-2.0
 *
 * A received item into a directory of the user: whole, durable and under a safe name, or not at
 * all. All three functions block: for worker threads.
 */
#pragma once

#include <glib.h>
#include <gio/gio.h>

/* An open directory; -1 with EHRLINK_ERROR_STORE_FAILED. Everything below happens relative to
 * it, so that nobody can swap a part of the path underneath. */
int ehrlink_store_open_directory(const char *path, GError **error);

/* Copies exactly @size bytes from @source into @dir under a safe form of @name that is not
 * taken, and makes them durable there. @key, a safe name itself, tells this item from every
 * other one: after a crash the same key finds what was finished and removes what was not.
 *
 * Until ehrlink_store_settle() with the same key there is a second, hidden link to the file.
 *
 * Returns the name in @dir; NULL with EHRLINK_ERROR_NO_SPACE, EHRLINK_ERROR_STORE_FAILED or
 * G_IO_ERROR_CANCELLED, and nothing left behind. (transfer full) */
char *ehrlink_store_copy(int dir, int source, guint64 size, const char *name, const char *key,
                         GCancellable *cancellable, GError **error);

/* The service has let go of its copy: the item will not be collected again. */
void ehrlink_store_settle(int dir, const char *key);
