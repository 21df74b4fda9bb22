/* SPDX-License-Identifier: Apache-2.0
 *
 * Files against a receipt: the keyed hash trees of PROTOCOL.md, section 8, over what lies on
 * the disk now. The engine's own code computes them, so that there is one truth.
 */
#include "tools/common/contents.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ehrlink.h"
#include "proto/bounds.h"
#include "proto/receipt.h"
#include "proto/tree.h"

static gboolean
parse_hex(const char *text, guint8 *out, gsize length)
{
    if (text == NULL || strlen(text) != 2 * length)
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]);
        int low = g_ascii_xdigit_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return FALSE;
        out[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

/* As many bytes as there are, up to a segment; -1: cannot be read. */
static gssize
read_segment(int fd, guint8 *buffer)
{
    gsize got = 0;

    while (got < EHP_SEGMENT_MAX) {
        gssize n = read(fd, buffer + got, EHP_SEGMENT_MAX - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (gsize)n;
    }
    return (gssize)got;
}

static gboolean
hash_file(int fd, const guint8 *salt, guint64 *size, guint8 *root)
{
    g_autofree guint8 *buffer = g_malloc(EHP_SEGMENT_MAX);
    ehp_tree tree;
    gssize n;

    ehp_tree_init(&tree, salt);
    *size = 0;
    while ((n = read_segment(fd, buffer)) > 0) {
        if (ehp_tree_add(&tree, buffer, (gsize)n) != EHP_OK)
            return FALSE;
        *size += (guint64)n;
        if (n < EHP_SEGMENT_MAX)
            break;
    }
    ehp_tree_root(&tree, root);
    return n >= 0;
}

static gboolean
hash_path(const char *path, const guint8 *salt, guint64 *size, guint8 *root, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    gboolean good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                    hash_file(fd, salt, size, root);

    if (fd >= 0)
        close(fd);
    if (!good)
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, _("%s cannot be read"), path);
    return good;
}

gboolean
contents_read(const char *const *paths, const char *const *salts, gsize n, Content *contents,
              GError **error)
{
    if (n > EHP_ITEMS_MAX) {
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                            _("too many items"));
        return FALSE;
    }
    for (gsize i = 0; i < n; i++) {
        if (!parse_hex(salts[i], contents[i].salt, sizeof contents[i].salt)) {
            g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                        _("%s: its salt is not known"), paths[i]);
            return FALSE;
        }
        if (!hash_path(paths[i], contents[i].salt, &contents[i].size, contents[i].root, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
contents_are(const Content *contents, gsize n, const guint8 *contents_hash, gsize length)
{
    g_autofree guint64 *sizes = g_new0(guint64, n + 1);
    g_autofree guint8 *roots = g_malloc0((n + 1) * EHP_HASH_LEN);
    guint8 got[EHP_HASH_LEN];

    for (gsize i = 0; i < n; i++) {
        sizes[i] = contents[i].size;
        memcpy(roots + i * EHP_HASH_LEN, contents[i].root, EHP_HASH_LEN);
    }
    ehp_contents_hash(got, sizes, (const uint8_t(*)[EHP_HASH_LEN])roots, n);
    return length == sizeof got && memcmp(got, contents_hash, sizeof got) == 0;
}
