/* SPDX-License-Identifier: Apache-2.0
 *
 * See session-dir.h: the directories. Blocking, small files only; main thread.
 */
#include "tools/common/session-dir-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INCOMING ".incoming-"
#define KNOWN_MAX 64
/* As many items of one name as a session may have of any. */
#define SAME_NAME_MAX 10000

gboolean
session_dir_fail(GError **error, const char *path, int number)
{
    EhrlinkError code = number == ENOSPC || number == EDQUOT ? EHRLINK_ERROR_NO_SPACE
                                                             : EHRLINK_ERROR_STORE_FAILED;

    g_set_error(error, EHRLINK_ERROR, (int)code, "%s: %s", path, g_strerror(number));
    return FALSE;
}

static gboolean
sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

gboolean
session_dir_prepare(const char *dir, GError **error)
{
    g_autofree char *probe = g_build_filename(dir, ".ehr-receive-XXXXXX", NULL);

    if (g_mkdir(dir, 0700) != 0 && errno != EEXIST)
        return session_dir_fail(error, dir, errno);
    if (g_mkdtemp_full(probe, 0700) == NULL)
        return session_dir_fail(error, dir, errno);
    g_rmdir(probe);
    return TRUE;
}

/* An item may be called session.json too. With the name taken before any is stored, it gets another one; otherwise
 * it would have the name first, and be written over. */
static gboolean
reserve(const char *path, const char *name)
{
    g_autofree char *file = g_build_filename(path, name, NULL);
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno == EEXIST;
    close(fd);
    return TRUE;
}

char *
session_dir_incoming(const char *dir, const char *session, GError **error)
{
    g_autofree char *name = g_strconcat(INCOMING, session, NULL);
    g_autofree char *path = g_build_filename(dir, name, NULL);

    if ((g_mkdir(path, 0700) != 0 && errno != EEXIST) || !reserve(path, SESSION_JSON) ||
        !reserve(path, FINDINGS_JSON)) {
        session_dir_fail(error, path, errno);
        return NULL;
    }
    return g_steal_pointer(&path);
}

/* What an earlier run stored it as; transfer full, NULL: it is not there. */
static char *
find_file(const char *path, EhrlinkItem *item, GHashTable *taken)
{
    for (guint number = 1; number <= SAME_NAME_MAX; number++) {
        g_autofree char *name = ehrlink_safe_name(ehrlink_item_get_name(item), number);
        g_autofree char *file = g_build_filename(path, name, NULL);
        struct stat st;

        if (lstat(file, &st) != 0)
            return NULL;
        if (S_ISREG(st.st_mode) && (guint64)st.st_size == ehrlink_item_get_size(item) &&
            !g_hash_table_contains(taken, name))
            return g_steal_pointer(&name);
    }
    return NULL;
}

GPtrArray *
session_dir_files(const char *path, GPtrArray *items, GPtrArray *collected)
{
    g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) names = g_hash_table_new(NULL, NULL); /* id → in taken */
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < collected->len; i++) {
        EhrlinkItem *item = g_ptr_array_index(collected, i);
        char *name = g_path_get_basename(ehrlink_item_get_path(item));
        g_hash_table_add(taken, name);
        g_hash_table_insert(names, GUINT_TO_POINTER(ehrlink_item_get_id(item)), name);
    }
    for (guint i = 0; i < items->len; i++) {
        EhrlinkItem *item = g_ptr_array_index(items, i);
        char *name = g_strdup(g_hash_table_lookup(names, GUINT_TO_POINTER(ehrlink_item_get_id(item))));

        if (name == NULL && (name = find_file(path, item, taken)) != NULL)
            g_hash_table_add(taken, g_strdup(name));
        g_ptr_array_add(files, name);
    }
    return files;
}

/* Hidden links of items that an earlier run had just stored when it was killed. */
static void
remove_hidden(const char *path)
{
    GDir *entries = g_dir_open(path, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        if (g_str_has_prefix(name, ".ehrlink-"))
            g_unlink(file);
    }
    g_clear_pointer(&entries, g_dir_close);
}

char *
session_dir_complete(const char *dir, EhrlinkSession *session, GPtrArray *items, GPtrArray *files,
                     GBytes *receipt, GBytes *proof, GError **error)
{
    const char *id = ehrlink_session_get_id(session);
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
    g_autofree char *name = g_strdup_printf("%s-%s", time, id);
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *incoming = session_dir_incoming(dir, id, error);

    if (incoming == NULL || !session_dir_write(incoming, session, items, files, receipt, proof, error))
        return NULL;
    remove_hidden(incoming);
    if (!sync_directory(incoming) || g_rename(incoming, path) != 0 || !sync_directory(dir)) {
        session_dir_fail(error, path, errno);
        return NULL;
    }
    return g_steal_pointer(&path);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *
session_dir_list(const char *dir)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    GDir *entries = g_dir_open(dir, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_autofree char *file = g_build_filename(path, SESSION_JSON, NULL);
        if (name[0] != '.' && g_file_test(file, G_FILE_TEST_IS_REGULAR))
            g_ptr_array_add(list, g_steal_pointer(&path));
    }
    g_clear_pointer(&entries, g_dir_close);
    g_ptr_array_sort(list, by_name);
    return list;
}

char *
session_dir_find(const char *dir, const char *session)
{
    g_autoptr(GPtrArray) list = session_dir_list(dir);
    g_autofree char *suffix = g_strdup_printf("-%s", session);

    for (guint i = 0; i < list->len; i++)
        if (g_str_has_suffix(g_ptr_array_index(list, i), suffix))
            return g_strdup(g_ptr_array_index(list, i));
    return NULL;
}

gboolean
session_dir_remove(const char *path, GError **error)
{
    GDir *entries = g_dir_open(path, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_unlink(file);
    }
    g_clear_pointer(&entries, g_dir_close);
    return g_rmdir(path) == 0 || errno == ENOENT || session_dir_fail(error, path, errno);
}

static gboolean
is_running(GPtrArray *sessions, const char *id)
{
    for (guint i = 0; i < sessions->len; i++) {
        EhrlinkSession *session = g_ptr_array_index(sessions, i);
        if (!ehrlink_session_has_ended(session) && g_str_equal(ehrlink_session_get_id(session), id))
            return TRUE;
    }
    return FALSE;
}

void
session_dir_forget(const char *dir, GPtrArray *sessions)
{
    GDir *entries = g_dir_open(dir, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        if (g_str_has_prefix(name, INCOMING) && !is_running(sessions, name + strlen(INCOMING)))
            session_dir_remove(path, NULL);
    }
    g_clear_pointer(&entries, g_dir_close);
}

static EhrlinkSession *
find_session(GPtrArray *sessions, const char *id)
{
    for (guint i = 0; i < sessions->len; i++)
        if (g_strcmp0(ehrlink_session_get_id(g_ptr_array_index(sessions, i)), id) == 0)
            return g_ptr_array_index(sessions, i);
    return NULL;
}

/* `session` is NULL when the service has forgotten it. */
static gboolean
will_not_be_filed(const char *state, EhrlinkSession *session)
{
    g_autoptr(GError) error = session != NULL ? ehrlink_session_dup_error(session) : NULL;

    return g_str_equal(state, "received") &&
           (session == NULL || ehrlink_session_has_ended(session)) &&
           !g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
}

void
session_dir_purge(GPtrArray *directories, GPtrArray *sessions)
{
    for (guint i = 0; i < directories->len; i++) {
        const char *path = g_ptr_array_index(directories, i);
        g_autofree char *id = session_dir_get_id(path), *state = session_dir_get_state(path);
        EhrlinkSession *session = id != NULL ? find_session(sessions, id) : NULL;

        if (id == NULL || state == NULL || g_str_equal(state, "filed") ||
            !session_dir_is_own(path))
            continue;
        if (session != NULL && g_strcmp0(ehrlink_session_get_status(session), "filed") == 0)
            session_dir_set_state(path, "filed", NULL); /* and who did it could not note it */
        else if (will_not_be_filed(state, session))
            session_dir_remove(path, NULL);
    }
}

/* --- where they are ------------------------------------------------------------------------- */

static char *
known_file(void)
{
    return g_build_filename(g_get_user_state_dir(), "ehrlink", "directories", NULL);
}

GPtrArray *
session_dir_known(void)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *file = known_file();
    g_autofree char *text = NULL;

    if (!g_file_get_contents(file, &text, NULL, NULL))
        return list;
    g_auto(GStrv) lines = g_strsplit(text, "\n", KNOWN_MAX + 1);
    for (guint i = 0; lines[i] != NULL && i < KNOWN_MAX; i++)
        if (g_path_is_absolute(lines[i]))
            g_ptr_array_add(list, g_strdup(lines[i]));
    return list;
}

void
session_dir_remember(const char *dir)
{
    g_autofree char *absolute = g_canonicalize_filename(dir, NULL);
    g_autofree char *file = known_file();
    g_autofree char *parent = g_path_get_dirname(file);
    g_autoptr(GPtrArray) known = session_dir_known();
    g_autoptr(GString) text = g_string_new(absolute);

    g_string_append_c(text, '\n');
    for (guint i = 0; i < known->len && i < KNOWN_MAX - 1; i++)
        if (!g_str_equal(g_ptr_array_index(known, i), absolute))
            g_string_append_printf(text, "%s\n", (char *)g_ptr_array_index(known, i));
    /* Only a convenience of ehrctl: that it cannot be written stops nothing. */
    if (g_mkdir_with_parents(parent, 0700) == 0)
        g_file_set_contents(file, text->str, -1, NULL);
}
