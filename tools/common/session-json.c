/* SPDX-License-Identifier: Apache-2.0
 *
 * See session-dir.h: session.json and findings.json of one directory. Every change is a new file in the old one's
 * place. Blocking, small files only; main thread.
 */
#include "tools/common/session-dir-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/output.h"

#define PRESCRIPTION "Electronic-Prescriptions"
/* Ten thousand items of some hundred bytes each; it is our own file, but anyone may have put one there. */
#define SESSION_JSON_MAX (32 * 1024 * 1024)
#define DEPTH_MAX 64

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

/* json-glib recurses; and it takes comments and other quotes, in which a quote or bracket of ours would not be one. */
static gboolean
is_shallow(const char *text, gsize length)
{
    gboolean quoted = FALSE;
    guint depth = 0;

    for (gsize i = 0; i < length && depth <= DEPTH_MAX; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == '/' || text[i] == '\'' || text[i] == '#'))
            return FALSE;
        else if (!quoted && (text[i] == '[' || text[i] == '{'))
            depth++;
        else if (!quoted && depth > 0 && (text[i] == ']' || text[i] == '}'))
            depth--;
    }
    return depth <= DEPTH_MAX;
}

JsonNode *
session_dir_load(const char *path)
{
    g_autofree char *file = g_build_filename(path, SESSION_JSON, NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autofree char *text = NULL;
    gsize length = 0;
    struct stat st;

    if (lstat(file, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > SESSION_JSON_MAX ||
        !g_file_get_contents(file, &text, &length, NULL) || !is_shallow(text, length) ||
        !json_parser_load_from_data(parser, text, (gssize)length, NULL))
        return NULL;
    JsonNode *root = json_parser_get_root(parser);
    return root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_copy(root) : NULL;
}

static char *
load_string(const char *path, const char *outer, const char *member)
{
    g_autoptr(JsonNode) root = session_dir_load(path);
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

gboolean
session_dir_is_own(const char *path)
{
    g_autofree char *direction = load_string(path, NULL, "direction");
    g_autofree char *host = load_string(path, NULL, "host");
    struct stat st;

    /* in a directory that several terminals share, each asks its own service, which knows
     * nothing of the others' */
    return g_strcmp0(direction, "to-terminal") == 0 &&
           g_strcmp0(host, g_get_host_name()) == 0 && lstat(path, &st) == 0 &&
           st.st_uid == geteuid();
}

char *
session_dir_get_on_filed(const char *path)
{
    return load_string(path, "on-filed", "state");
}

guint
session_dir_get_n_items(const char *path)
{
    g_autoptr(JsonNode) root = session_dir_load(path);
    JsonNode *items = root != NULL ? json_object_get_member(json_node_get_object(root), "items") : NULL;

    return items != NULL && JSON_NODE_HOLDS_ARRAY(items) ? json_array_get_length(json_node_get_array(items))
                                                         : 0;
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
    g_autoptr(JsonNode) root = session_dir_load(path);
    gboolean ok;

    if (root == NULL) {
        json_node_unref(value);
        ok = session_dir_fail(error, path, ENOENT);
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

static char *
encode(GBytes *bytes)
{
    return g_base64_encode(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

gboolean
session_dir_add_reply(const char *path, char **files, GBytes *receipt, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *encoded = encode(receipt);

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
describe(EhrlinkSession *session, GPtrArray *items, GPtrArray *files, GBytes *receipt, GBytes *proof)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GVariant) request = ehrlink_session_get_request(session);
    g_autoptr(GVariant) consent = ehrlink_session_get_consent(session);
    g_autofree char *encoded = encode(receipt), *signed_origin = proof != NULL ? encode(proof) : NULL;
    g_autoptr(GVariant) details = ehrlink_session_get_details(session);
    g_autoptr(GVariant) peer = g_variant_lookup_value(details, "peer", G_VARIANT_TYPE_VARDICT);
    const gboolean from_clinic = ehrlink_session_get_role(session) == EHRLINK_ROLE_PATIENT;

    json_builder_begin_object(builder);
    output_member_string(builder, "session", ehrlink_session_get_id(session));
    output_member_int(builder, "time", g_get_real_time() / G_USEC_PER_SEC);
    if (!from_clinic)
        output_member_string(builder, "host", g_get_host_name());
    output_member_string(builder, "state", "received");
    output_member_string(builder, "direction", from_clinic ? "to-patient" : "to-terminal");
    if (from_clinic && peer != NULL)
        output_member_vardict(builder, "from", peer);
    output_member_vardict(builder, "request", request);
    output_member_vardict(builder, "consent", consent);
    output_member_string(builder, "receipt", encoded);
    output_member_string(builder, "proof", signed_origin);
    json_builder_set_member_name(builder, "items");
    json_builder_begin_array(builder);
    for (guint i = 0; i < items->len; i++)
        add_item(builder, g_ptr_array_index(items, i), g_ptr_array_index(files, i), from_clinic);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return json_builder_get_root(builder);
}

gboolean
session_dir_write(const char *path, EhrlinkSession *session, GPtrArray *items, GPtrArray *files, GBytes *receipt,
                  GBytes *proof, GError **error)
{
    g_autoptr(JsonNode) root = describe(session, items, files, receipt, proof);

    return save(path, root, error);
}
