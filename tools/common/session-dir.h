/* SPDX-License-Identifier: Apache-2.0
 *
 * A received session in the user's directory: DIR/TIME-SESSION/ with the items and session.json. While items are
 * being collected it is called DIR/.incoming-SESSION, so that nobody takes half a session for a whole one.
 *
 * session.json: "session", "time" (Unix seconds), "host", "state" (received, filing, filed),
 * "direction", "items", "request", "consent", "receipt" (base64), "on-filed" {"program",
 * "state" (running, done, failed), "exit"}, "reply" {"files", "receipt"}: what was sent back to
 * the patient. At a patient, of what a clinic sent back, also "from": who that was, and
 * "proof": what it signed about it (base64). An item has "transfer", "number" and "salt", with
 * which its file can be held against the receipt.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "ehrlink.h"

/* Makes DIR (its parent must exist) and finds out whether files can be made in it.
 * EHRLINK_ERROR_STORE_FAILED. */
gboolean session_dir_prepare(const char *dir, GError **error);

/* DIR/.incoming-SESSION, made if it is not there; transfer full. */
char *session_dir_incoming(const char *dir, const char *session, GError **error);
/* The names of the files of `items` in the directory `path`, one each, NULL for one that is not there: of those in
 * `collected` what they were stored as now, of the others what an earlier run must have. */
GPtrArray *session_dir_files(const char *path, GPtrArray *items, GPtrArray *collected);
/* Removes DIR/.incoming-SESSION of every session that is not in `sessions` (of EhrlinkSession), or has ended: nobody
 * will complete it. */
void session_dir_forget(const char *dir, GPtrArray *sessions);
/* Removes of `directories` (session_dir_list() from before the service was asked for
 * `sessions`) those that were received here and that nobody will file any more; notes what was
 * filed meanwhile. One that is "filing" stays: that is written before the service is told to
 * file, and somebody said that these are to be kept. */
void session_dir_purge(GPtrArray *directories, GPtrArray *sessions);
/* Writes session.json into it and gives it its final name, durably; transfer full. `items` are
 * all of the session, `files` as above; proof: ehrlink_session_get_origin_finish(), nullable.
 */
char *session_dir_complete(const char *dir, EhrlinkSession *session, GPtrArray *items,
                           GPtrArray *files, GBytes *receipt, GBytes *proof, GError **error);
/* The directory of DIR whose name ends with -SESSION; transfer full, nullable. */
char *session_dir_find(const char *dir, const char *session);
/* Directories of DIR that hold a session.json, sorted by name; transfer full. */
GPtrArray *session_dir_list(const char *dir);
/* Removes it and the files in it. */
gboolean session_dir_remove(const char *path, GError **error);

/* What session.json says; NULL if it cannot be read. Free with g_free. */
char *session_dir_get_id(const char *path);
char *session_dir_get_state(const char *path);
/* It was received from a patient, by this user, on this machine. */
gboolean session_dir_is_own(const char *path);
/* State of "on-filed", NULL when no program ran yet. */
char *session_dir_get_on_filed(const char *path);
guint session_dir_get_n_items(const char *path);

/* session.json as it is: an object, of whatever somebody may have written there; transfer full, NULL if it cannot be read. */
JsonNode *session_dir_load(const char *path);

/* Writes findings.json beside the items, durably: what a check of them found. */
gboolean session_dir_set_findings(const char *path, JsonNode *findings, GError **error);

/* Atomic changes of session.json. */
gboolean session_dir_add_reply(const char *path, char **files, GBytes *receipt, GError **error);
gboolean session_dir_set_state(const char *path, const char *state, GError **error);
gboolean session_dir_set_on_filed(const char *path, const char *program, const char *state, int exit_status,
                                  GError **error);

/* The directories that this user's ehr-receive has stored to, so that ehrctl finds them; transfer full. */
GPtrArray *session_dir_known(void);
void session_dir_remember(const char *dir);
