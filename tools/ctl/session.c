/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrctl session list, file, discard, cancel: the service's sessions of this user, and what ehr-receive has stored
 * and nobody has confirmed yet.
 */
#include <glib/gi18n.h>
#include <string.h>

#include "tools/common/output.h"
#include "tools/common/session-dir.h"
#include "tools/common/words.h"
#include "tools/ctl/ctl.h"

/* What nobody will file any more goes on this occasion. */
static GPtrArray *
list_sessions(Ctl *ctl, GError **error)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GPtrArray) known = session_dir_known();
    g_autoptr(GPtrArray) stored = g_ptr_array_new_with_free_func(g_free);
    GPtrArray *sessions;

    for (guint i = 0; i < known->len; i++)
        g_ptr_array_extend_and_steal(stored, session_dir_list(g_ptr_array_index(known, i)));
    ehrlink_client_list_sessions_async(ctl->client, NULL, ctl_on_result, &call);
    sessions = ehrlink_client_list_sessions_finish(ctl->client, ctl_wait(ctl, &call), error);
    if (sessions != NULL && ehrlink_client_get_unread_sessions(ctl->client) == 0)
        session_dir_purge(stored, sessions);
    return sessions;
}

/* The program that had them is gone. */
static gboolean
needs_files(GVariant *details)
{
    gboolean waits = FALSE;

    g_variant_lookup(details, "waits-for-files", "b", &waits);
    return waits;
}

static void
show_running(EhrlinkSession *session)
{
    EhrlinkSessionState state = ehrlink_session_get_state(session);
    g_autoptr(GVariant) details = ehrlink_session_get_details(session);
    g_autofree char *date = words_date(ehrlink_session_get_created(session));

    output_members(output_event(NULL), details);
    output_event_end();
    output_line("%s  %s  %s", ehrlink_session_get_id(session), date,
                needs_files(details) ? _("waits for its files: run the same command again")
                                     : words_state(ehrlink_session_get_role(session), state));
}

static const char *
words_stored(const char *state)
{
    if (g_strcmp0(state, "filed") == 0)
        return _("filed, but the program that follows failed");
    return g_strcmp0(state, "filing") == 0 ? _("confirmed, but cut short: file or discard it")
                                           : _("received, not filed");
}

/* A session in a directory that needs somebody: not filed yet, or its --on-filed program
 * failed. */
static void
show_stored(const char *path, const char *id)
{
    g_autofree char *state = session_dir_get_state(path);
    g_autofree char *ran = session_dir_get_on_filed(path);
    JsonBuilder *event;

    if (g_strcmp0(state, "filed") == 0 && (ran == NULL || g_str_equal(ran, "done")))
        return;
    event = output_event(NULL);
    output_member_string(event, "id", id);
    output_member_string(event, "state", state);
    output_member_string(event, "directory", path);
    output_member_string(event, "on-filed", ran);
    output_event_end();
    output_line("%s  %s  %s", id, path, words_stored(state));
}

/* One that ended, which the service remembers for a minute, says nothing of the program that follows. */
static gboolean
is_listed(GPtrArray *sessions, const char *id)
{
    for (guint i = 0; i < sessions->len; i++)
        if (!ehrlink_session_has_ended(g_ptr_array_index(sessions, i)) &&
            g_strcmp0(ehrlink_session_get_id(g_ptr_array_index(sessions, i)), id) == 0)
            return TRUE;
    return FALSE;
}

static void
show_directory(const char *dir, GPtrArray *sessions)
{
    g_autoptr(GPtrArray) stored = session_dir_list(dir);

    for (guint i = 0; i < stored->len; i++) {
        const char *path = g_ptr_array_index(stored, i);
        g_autofree char *id = session_dir_get_id(path);
        if (id != NULL && !is_listed(sessions, id))
            show_stored(path, id);
    }
}

int
ctl_session_list(Ctl *ctl, int argc, char **argv)
{
    g_autoptr(GPtrArray) known = session_dir_known();
    g_autoptr(GError) error = NULL;
    int code;

    if (!ctl_options(&argc, &argv, NULL, 0, 0, &code) || (code = ctl_connect(ctl)) != 0)
        return code;
    g_autoptr(GPtrArray) sessions = list_sessions(ctl, &error);
    if (sessions == NULL)
        return ctl_fail(error);
    for (guint i = 0; i < sessions->len; i++)
        show_running(g_ptr_array_index(sessions, i));
    for (guint i = 0; i < known->len; i++)
        show_directory(g_ptr_array_index(known, i), sessions);
    return 0;
}

/* The one session whose id begins with `prefix`; NULL with NOT_FOUND. */
static EhrlinkSession *
find_running(GPtrArray *sessions, const char *prefix, GError **error)
{
    EhrlinkSession *found = NULL;

    for (guint i = 0; i < sessions->len; i++) {
        EhrlinkSession *session = g_ptr_array_index(sessions, i);
        if (!g_str_has_prefix(ehrlink_session_get_id(session), prefix))
            continue;
        if (found != NULL) {
            g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                        _("more than one session begins with %s"), prefix);
            return NULL;
        }
        found = session;
    }
    if (found == NULL)
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NOT_FOUND, _("there is no session %s"), prefix);
    return found;
}

/* The directory of a stored session by its whole id; transfer full, nullable. */
static char *
find_stored(const char *id)
{
    g_autoptr(GPtrArray) known = session_dir_known();

    for (guint i = 0; i < known->len; i++) {
        char *path = session_dir_find(g_ptr_array_index(known, i), id);
        if (path != NULL)
            return path;
    }
    return NULL;
}

static int
connect_and_find(Ctl *ctl, const char *prefix, GPtrArray **sessions, EhrlinkSession **session)
{
    g_autoptr(GError) error = NULL;
    int code = ctl_connect(ctl);

    if (code != 0)
        return code;
    if (*prefix == '\0')
        return cli_usage(_("an argument is missing"));
    *sessions = list_sessions(ctl, &error);
    if (*sessions == NULL)
        return ctl_fail(error);
    *session = find_running(*sessions, prefix, &error);
    return *session != NULL || g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_NOT_FOUND)
               ? 0
               : ctl_fail(error);
}

static int
not_found(const char *id)
{
    g_autoptr(GError) error = g_error_new(EHRLINK_ERROR, EHRLINK_ERROR_NOT_FOUND, _("there is no session %s"), id);

    return ctl_fail(error);
}

static gboolean
is_in_state(const char *path, const char *state)
{
    g_autofree char *now = path != NULL ? session_dir_get_state(path) : NULL;

    return g_strcmp0(now, state) == 0;
}

/* The service files it; what is known of it in its directory `path` (nullable) is never behind
 * that. */
static gboolean
file_running(Ctl *ctl, EhrlinkSession *session, const char *path, GError **error)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};
    const gboolean first = is_in_state(path, "received");
    GError *local = NULL;

    if (first && !session_dir_set_state(path, "filing", error))
        return FALSE;
    ehrlink_session_file_async(session, NULL, ctl_on_result, &call);
    if (ehrlink_session_file_finish(session, ctl_wait(ctl, &call), &local))
        return TRUE;
    /* a service that refuses has not filed it; one that does not answer may have */
    if (first && !g_error_matches(local, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE))
        session_dir_set_state(path, "received", NULL);
    g_propagate_error(error, local);
    return FALSE;
}

int
ctl_session_file(Ctl *ctl, int argc, char **argv)
{
    g_autoptr(GPtrArray) sessions = NULL;
    g_autoptr(GError) error = NULL;
    EhrlinkSession *session = NULL;
    int code;

    if (!ctl_options(&argc, &argv, NULL, 1, 1, &code) ||
        (code = connect_and_find(ctl, argv[1], &sessions, &session)) != 0)
        return code;
    g_autofree char *path =
        find_stored(session != NULL ? ehrlink_session_get_id(session) : argv[1]);
    if (session != NULL && ehrlink_session_has_ended(session) && is_in_state(path, "filing"))
        session = NULL;
    /* who was filing it ended before it could note what the service said, and the service has
     * forgotten */
    if (session == NULL && !is_in_state(path, "filing"))
        return not_found(argv[1]);
    if ((session != NULL && !file_running(ctl, session, path, &error)) ||
        (path != NULL && !session_dir_set_state(path, "filed", &error)))
        return ctl_fail(error);
    output_member_string(output_event("filed"), "directory", path);
    output_event_end();
    output_line(_("Filed: %s"), path != NULL ? path : ehrlink_session_get_id(session));
    return 0;
}

int
ctl_session_discard(Ctl *ctl, int argc, char **argv)
{
    g_autofree char *rule = NULL;
    const GOptionEntry entries[] = {
        {"rule", 0, 0, G_OPTION_ARG_STRING, &rule, NULL, NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GPtrArray) sessions = NULL;
    g_autoptr(GError) error = NULL;
    EhrlinkSession *session = NULL;
    int code;

    if (!ctl_options(&argc, &argv, entries, 1, 1, &code) ||
        (code = connect_and_find(ctl, argv[1], &sessions, &session)) != 0)
        return code;
    g_autofree char *path = find_stored(session != NULL ? ehrlink_session_get_id(session) : argv[1]);
    if (session == NULL && path == NULL)
        return not_found(argv[1]);
    if (session != NULL && (path == NULL || !ehrlink_session_has_ended(session))) {
        ehrlink_session_discard_async(session, rule, NULL, ctl_on_result, &call);
        if (!ehrlink_session_discard_finish(session, ctl_wait(ctl, &call), &error))
            return ctl_fail(error);
    }
    if (path != NULL && !session_dir_remove(path, &error))
        return ctl_fail(error);
    output_line(_("Discarded."));
    return 0;
}

int
ctl_session_cancel(Ctl *ctl, int argc, char **argv)
{
    g_auto(CtlCall) call = {.loop = ctl->loop};
    g_autoptr(GPtrArray) sessions = NULL;
    g_autoptr(GError) error = NULL;
    EhrlinkSession *session = NULL;
    int code;

    if (!ctl_options(&argc, &argv, NULL, 1, 1, &code) ||
        (code = connect_and_find(ctl, argv[1], &sessions, &session)) != 0)
        return code;
    if (session == NULL)
        return not_found(argv[1]);
    ehrlink_session_cancel_async(session, NULL, ctl_on_result, &call);
    if (!ehrlink_session_cancel_finish(session, ctl_wait(ctl, &call), &error))
        return ctl_fail(error);
    output_line(_("Cancelled."));
    return 0;
}
