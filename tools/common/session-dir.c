/* SPDX-License-Identifier: Apache-2.0
 *
 * See session-dir.h. Blocking, small files only; main thread.
 */
#include "tools/common/session-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/output.h"

#define SESSION_JSON "session.json"
#define FINDINGS_JSON "findings.json"
#define PRESCRIPTION "Electronic-Prescriptions"
#define INCOMING ".incoming-"
/* Ten thousand items of some hundred bytes each; it is our own file, but anyone may have put one there. */
#define SESSION_JSON_MAX (32 * 1024 * 1024)
#define KNOWN_MAX 64
/* As many items of one name as a session may have of any. */
#define SAME_NAME_MAX 10000

static gboolean
fail(GError **error, const char *path, int number)
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
        return fail(error, dir, errno);
    if (g_mkdtemp_full(probe, 0700) == NULL)
        return fail(error, dir, errno);
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
        fail(error, path, errno);
        return NULL;
    }
    return g_steal_pointer(&path);
}

/* --- session.json ---------------------------------------------------------------------------- */

static gboolean
save_as(const char *path, const char *name, JsonNode *root, GError **error)
{
    g_autofree char *file = g_build_filename(path, name, NULL);
    g_autofree char *text = json_to_string(root, TRUE);
    g_autoptr(GError) local = NULL;

    if (!g_file_set_contents_full(file, text, -1,
                                  G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                  &local)) {
        gboolean full = g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
        g_set_error_literal(error, EHRLINK_ERROR,
                            full ? EHRLINK_ERROR_NO_SPACE : EHRLINK_ERROR_STORE_FAILED,
                            local->message);
        return FALSE;
    }
    return TRUE;
}

static gboolean
save(const char *path, JsonNode *root, GError **error)
{
    return save_as(path, SESSION_JSON, root, error);
}

gboolean
session_dir_set_findings(const char *path, JsonNode *findings, GError **error)
{
    return save_as(path, FINDINGS_JSON, findings, error);
}

static JsonNode *
load(const char *path)
{
    g_autofree char *file = g_build_filename(path, SESSION_JSON, NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autofree char *text = NULL;
    gsize length = 0;
    struct stat st;

    if (lstat(file, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > SESSION_JSON_MAX ||
        !g_file_get_contents(file, &text, &length, NULL) ||
        !json_parser_load_from_data(parser, text, (gssize)length, NULL))
        return NULL;
    JsonNode *root = json_parser_get_root(parser);
    return root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_copy(root) : NULL;
}

static char *
load_string(const char *path, const char *outer, const char *member)
{
    g_autoptr(JsonNode) root = load(path);
    JsonObject *object = root != NULL ? json_node_get_object(root) : NULL;

    if (object != NULL && outer != NULL) {
        JsonNode *node = json_object_get_member(object, outer);
        object = node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    }
    JsonNode *value = object != NULL ? json_object_get_member(object, member) : NULL;
    /* json-glib complains aloud about a member of another type */
    return value != NULL && JSON_NODE_HOLDS_VALUE(value) && json_node_get_value_type(value) == G_TYPE_STRING
               ? json_node_dup_string(value)
               : NULL;
}

char *
session_dir_get_id(const char *path)
{
    return load_string(path, NULL, "session");
}

char *
session_dir_get_state(const char *path)
{
    return load_string(path, NULL, "state");
}

char *
session_dir_get_on_filed(const char *path)
{
    return load_string(path, "on-filed", "state");
}

guint
session_dir_get_n_items(const char *path)
{
    g_autoptr(JsonNode) root = load(path);
    JsonNode *items = root != NULL ? json_object_get_member(json_node_get_object(root), "items") : NULL;

    return items != NULL && JSON_NODE_HOLDS_ARRAY(items) ? json_array_get_length(json_node_get_array(items))
                                                         : 0;
}

/* json-glib complains aloud about a member of another type, so its type is looked at first. */
static const char *
entered_file(JsonNode *item)
{
    JsonNode *file, *entered;

    if (!JSON_NODE_HOLDS_OBJECT(item))
        return NULL;
    file = json_object_get_member(json_node_get_object(item), "file");
    entered = json_object_get_member(json_node_get_object(item), "patient-entered");
    if (file == NULL || !JSON_NODE_HOLDS_VALUE(file) || json_node_get_value_type(file) != G_TYPE_STRING ||
        entered == NULL || !JSON_NODE_HOLDS_VALUE(entered) || json_node_get_value_type(entered) != G_TYPE_BOOLEAN)
        return NULL;
    return json_node_get_boolean(entered) ? json_node_get_string(file) : NULL;
}

GHashTable *
session_dir_patient_entered(const char *path)
{
    GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(JsonNode) root = load(path);
    JsonNode *items = root != NULL ? json_object_get_member(json_node_get_object(root), "items") : NULL;
    JsonArray *array = items != NULL && JSON_NODE_HOLDS_ARRAY(items) ? json_node_get_array(items) : NULL;

    for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
        const char *file = entered_file(json_array_get_element(array, i));

        if (file != NULL)
            g_hash_table_add(files, g_strdup(file));
    }
    return files;
}

/* ehrctl and ehr-receive may change it in the same moment: read, change and write are one step, and closing what this
 * returns ends it. */
static int
lock(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR)
        ;
    return fd;
}

static gboolean
set_member(const char *path, const char *member, JsonNode *value, GError **error)
{
    int fd = lock(path);
    g_autoptr(JsonNode) root = load(path);
    gboolean ok;

    if (root == NULL) {
        json_node_unref(value);
        ok = fail(error, path, ENOENT);
    } else {
        json_object_set_member(json_node_get_object(root), member, value);
        ok = save(path, root, error);
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

gboolean
session_dir_set_state(const char *path, const char *state, GError **error)
{
    JsonNode *value = json_node_init_string(json_node_alloc(), state);

    return set_member(path, "state", value, error);
}

gboolean
session_dir_add_reply(const char *path, char **files, GBytes *receipt, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *encoded = g_base64_encode(g_bytes_get_data(receipt, NULL), g_bytes_get_size(receipt));

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "files");
    json_builder_begin_array(builder);
    for (char **file = files; *file != NULL; file++) {
        g_autofree char *name = g_path_get_basename(*file);
        g_autofree char *valid = g_utf8_make_valid(name, -1);
        json_builder_add_string_value(builder, valid);
    }
    json_builder_end_array(builder);
    output_member_string(builder, "receipt", encoded);
    json_builder_end_object(builder);
    return set_member(path, "reply", json_builder_get_root(builder), error);
}

gboolean
session_dir_read_items(const char *path, GPtrArray *files, GPtrArray *salts, char **receipt, GError **error)
{
    g_autoptr(JsonNode) root = load(path);
    JsonObject *object = root != NULL ? json_node_get_object(root) : NULL;
    JsonArray *items = object != NULL && json_object_has_member(object, "items")
                           ? json_object_get_array_member(object, "items") : NULL;

    if (items == NULL)
        return fail(error, path, ENOENT);
    *receipt = g_strdup(json_object_get_string_member_with_default(object, "receipt", NULL));
    for (guint i = 0; i < json_array_get_length(items); i++) {
        JsonObject *item = json_array_get_object_element(items, i);
        const char *name = json_object_get_string_member_with_default(item, "file", "");
        g_autofree char *base = g_path_get_basename(name);

        g_ptr_array_add(files, g_build_filename(path, base, NULL));
        g_ptr_array_add(salts, g_strdup(json_object_get_string_member_with_default(item, "salt", "")));
    }
    return TRUE;
}

gboolean
session_dir_set_on_filed(const char *path, const char *program, const char *state, int exit_status,
                         GError **error)
{
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "program", program);
    json_object_set_string_member(object, "state", state);
    json_object_set_int_member(object, "exit", exit_status);
    JsonNode *value = json_node_alloc();
    json_node_take_object(json_node_init(value, JSON_NODE_OBJECT), object);
    return set_member(path, "on-filed", value, error);
}

static void
add_item(JsonBuilder *builder, EhrlinkItem *item, const char *file, gboolean from_clinic)
{
    json_builder_begin_object(builder);
    output_member_int(builder, "id", ehrlink_item_get_id(item));
    output_member_string(builder, "file", file);
    output_member_string(builder, "name", ehrlink_item_get_name(item));
    output_member_int(builder, "size", (gint64)ehrlink_item_get_size(item));
    output_item_members(builder, item);
    if (ehrlink_item_get_transfer(item) >= 0) { /* by these the file can be held against the receipt */
        output_member_int(builder, "transfer", ehrlink_item_get_transfer(item));
        output_member_int(builder, "number", ehrlink_item_get_number(item));
        output_member_string(builder, "salt", ehrlink_item_get_salt(item));
    }
    if (from_clinic && g_strcmp0(ehrlink_item_get_category(item), PRESCRIPTION) == 0)
        output_member_string(builder, "note", "copy for information");
    json_builder_end_object(builder);
}

static JsonNode *
describe(EhrlinkSession *session, GPtrArray *items, GPtrArray *files, GBytes *receipt)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GVariant) request = ehrlink_session_get_request(session);
    g_autoptr(GVariant) consent = ehrlink_session_get_consent(session);
    g_autofree char *encoded = g_base64_encode(g_bytes_get_data(receipt, NULL), g_bytes_get_size(receipt));
    g_autoptr(GVariant) details = ehrlink_session_get_details(session);
    g_autoptr(GVariant) peer = g_variant_lookup_value(details, "peer", G_VARIANT_TYPE_VARDICT);
    const gboolean from_clinic = ehrlink_session_get_role(session) == EHRLINK_ROLE_PATIENT;

    json_builder_begin_object(builder);
    output_member_string(builder, "session", ehrlink_session_get_id(session));
    output_member_int(builder, "time", g_get_real_time() / G_USEC_PER_SEC);
    output_member_string(builder, "state", "received");
    output_member_string(builder, "direction", from_clinic ? "to-patient" : "to-terminal");
    if (from_clinic && peer != NULL)
        output_member_vardict(builder, "from", peer);
    output_member_vardict(builder, "request", request);
    output_member_vardict(builder, "consent", consent);
    output_member_string(builder, "receipt", encoded);
    json_builder_set_member_name(builder, "items");
    json_builder_begin_array(builder);
    for (guint i = 0; i < items->len; i++)
        add_item(builder, g_ptr_array_index(items, i), g_ptr_array_index(files, i), from_clinic);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return json_builder_get_root(builder);
}

/* --- directories ----------------------------------------------------------------------------- */

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
                     GBytes *receipt, GError **error)
{
    const char *id = ehrlink_session_get_id(session);
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
    g_autofree char *name = g_strdup_printf("%s-%s", time, id);
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *incoming = session_dir_incoming(dir, id, error);
    g_autoptr(JsonNode) root = describe(session, items, files, receipt);

    if (incoming == NULL || !save(incoming, root, error))
        return NULL;
    remove_hidden(incoming);
    if (!sync_directory(incoming) || g_rename(incoming, path) != 0 || !sync_directory(dir)) {
        fail(error, path, errno);
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
    return g_rmdir(path) == 0 || errno == ENOENT || fail(error, path, errno);
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
