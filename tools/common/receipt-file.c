/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocking, small files only. Main thread.
 */
#include "tools/common/receipt-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ehrlink.h"
#include "tools/common/output.h"

/* A Signed receipt is at most 8 KiB; base64 and the facts make it a few times that; and json-glib recurses. */
#define FILE_MAX (32 * 1024)

struct ReceiptFile {
    char *path;    /* owned */
    char *pending; /* owned; hidden name beside it while nothing is written */
    int fd;
};

static gboolean
fail(GError **error, const char *path, int number)
{
    g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED, "%s: %s", path,
                g_strerror(number));
    return FALSE;
}

ReceiptFile *
receipt_file_reserve(const char *path, GError **error)
{
    g_autoptr(ReceiptFile) file = g_new0(ReceiptFile, 1);
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    struct stat st;

    file->fd = -1;
    file->path = g_strdup(path);
    if (lstat(path, &st) == 0) {
        fail(error, path, EEXIST);
        return NULL;
    }
    file->pending = g_strdup_printf("%s/.%s.XXXXXX", directory, base);
    file->fd = g_mkstemp_full(file->pending, O_RDWR | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        fail(error, path, errno);
        g_clear_pointer(&file->pending, g_free);
        return NULL;
    }
    return g_steal_pointer(&file);
}

static char *
to_json(GBytes *receipt, GVariant *facts)
{
    g_autoptr(JsonBuilder) builder = json_builder_new_immutable();
    g_autofree char *text = g_base64_encode(g_bytes_get_data(receipt, NULL), g_bytes_get_size(receipt));

    json_builder_begin_object(builder);
    output_member_int(builder, "ehrlink-receipt", 1);
    output_member_string(builder, "receipt", text);
    output_member_vardict(builder, "facts", facts);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, TRUE);
}

static gboolean
write_all(int fd, const char *data, gsize length)
{
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FALSE;
        data += n;
        length -= (gsize)n;
    }
    return TRUE;
}

static gboolean
sync_directory(const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

gboolean
receipt_file_write(ReceiptFile *file, GBytes *receipt, GVariant *facts, GError **error)
{
    g_autofree char *text = to_json(receipt, facts);

    if (!write_all(file->fd, text, strlen(text)) || write(file->fd, "\n", 1) != 1 ||
        fsync(file->fd) != 0)
        return fail(error, file->path, errno);
    /* link, not rename: a file that appeared meanwhile is not overwritten */
    if (link(file->pending, file->path) != 0 || !sync_directory(file->path))
        return fail(error, file->path, errno);
    return TRUE;
}

void
receipt_file_free(ReceiptFile *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0)
        close(file->fd);
    if (file->pending != NULL)
        g_unlink(file->pending);
    g_free(file->pending);
    g_free(file->path);
    g_free(file);
}

static GBytes *
invalid(GError **error, const char *path)
{
    g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_RECEIPT_INVALID, "%s: %s", path,
                ehrlink_error_get_text(EHRLINK_ERROR_RECEIPT_INVALID));
    return NULL;
}

static GBytes *
from_json(const char *path, const char *text, gsize length, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    JsonNode *member = NULL;
    gsize size = 0;

    if (!json_parser_load_from_data(parser, text, (gssize)length, NULL))
        return invalid(error, path);
    JsonNode *root = json_parser_get_root(parser);
    if (root != NULL && JSON_NODE_HOLDS_OBJECT(root))
        member = json_object_get_member(json_node_get_object(root), "receipt");
    /* json-glib complains aloud about a member of another type */
    if (member == NULL || !JSON_NODE_HOLDS_VALUE(member) ||
        json_node_get_value_type(member) != G_TYPE_STRING || *json_node_get_string(member) == '\0')
        return invalid(error, path);
    guchar *data = g_base64_decode(json_node_get_string(member), &size);
    return g_bytes_new_take(data, size);
}

GBytes *
receipt_file_read(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) local = NULL;
    struct stat st;
    gsize length = 0;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
        (st.st_size <= FILE_MAX && !g_file_get_contents(path, &text, &length, &local))) {
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, "%s: %s", path,
                    local != NULL ? local->message : g_strerror(ENOENT));
        return NULL;
    }
    if (text == NULL || length == 0)
        return invalid(error, path);
    if (text[0] == '{')
        return from_json(path, text, length, error);
    return g_bytes_new(text, length);
}
