/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking into the records that arrived: nobody is refused for content unless the operator's policy says so, but who
 * reads them is told.
 */
#pragma once

#include <gio/gio.h>

/* Checks the files (of char) of `directory`, says what is wrong in words or events, and writes findings.json there. *rule
 * (transfer full) becomes the rule of the first error, NULL when there is none. FALSE: findings.json cannot be written. */
gboolean records_check(const char *session, const char *directory, GPtrArray *files, char **rule, GError **error);
