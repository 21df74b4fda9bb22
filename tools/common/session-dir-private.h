/* SPDX-License-Identifier: Apache-2.0
 *
 * What session-dir.c (the directories) and session-json.c (what is written into them) share.
 */
#pragma once

#include "tools/common/session-dir.h"

#define SESSION_JSON "session.json"
#define FINDINGS_JSON "findings.json"

/* Sets an error from errno's `number`; FALSE. */
gboolean session_dir_fail(GError **error, const char *path, int number);
/* Writes session.json of all `items`, whose names in the directory `path` are `files`, durably. */
gboolean session_dir_write(const char *path, EhrlinkSession *session, GPtrArray *items, GPtrArray *files,
                           GBytes *receipt, GBytes *proof, GError **error);
