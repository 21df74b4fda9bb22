/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk of a tape (tape.h): names and what they stand for, each as it is and as it was last
 * synced.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "tests/daemon/core/tape-private.h"

typedef struct {
    int refs;
    gboolean directory;
    GByteArray *now, *synced; /* synced NULL: never */
} Inode;

struct TapeDisk {
    GHashTable *names, *synced_names; /* path → Inode */
};

static void
inode_unref(gpointer data)
{
    Inode *inode = data;

    if (--inode->refs > 0)
        return;
    g_byte_array_unref(inode->now);
    if (inode->synced != NULL)
        g_byte_array_unref(inode->synced);
    g_free(inode);
}

static Inode *
inode_new(gboolean directory)
{
    Inode *inode = g_new0(Inode, 1);

    inode->refs = 1;
    inode->directory = directory;
    inode->now = g_byte_array_new();
    return inode;
}

static void
inode_sync(Inode *inode)
{
    if (inode->synced != NULL)
        g_byte_array_unref(inode->synced);
    inode->synced = g_byte_array_new();
    g_byte_array_append(inode->synced, inode->now->data, inode->now->len);
}

static TapeDisk *
disk_new(void)
{
    TapeDisk *disk = g_new0(TapeDisk, 1);

    disk->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, inode_unref);
    disk->synced_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, inode_unref);
    return disk;
}

void
tape_disk_free(TapeDisk *disk)
{
    g_hash_table_unref(disk->names);
    g_hash_table_unref(disk->synced_names);
    g_free(disk);
}

static void
put(GHashTable *names, const char *path, Inode *inode)
{
    inode->refs++;
    g_hash_table_replace(names, g_strdup(path), inode);
}

static gboolean
is_in(const char *path, const char *directory)
{
    g_autofree char *parent = g_path_get_dirname(path);

    return strcmp(strcmp(parent, ".") == 0 ? "" : parent, directory) == 0;
}

static gboolean
drop_if_in(gpointer path, gpointer inode, gpointer directory)
{
    return is_in(path, directory);
}

static void
sync_directory(TapeDisk *disk, const char *directory)
{
    GHashTableIter iter;
    gpointer path, inode;

    g_hash_table_foreach_remove(disk->synced_names, drop_if_in, (gpointer)directory);
    g_hash_table_iter_init(&iter, disk->names);
    while (g_hash_table_iter_next(&iter, &path, &inode))
        if (is_in(path, directory))
            put(disk->synced_names, path, inode);
}

static void
sync_everything(TapeDisk *disk)
{
    GHashTableIter iter;
    gpointer path, inode;

    g_hash_table_remove_all(disk->synced_names);
    g_hash_table_iter_init(&iter, disk->names);
    while (g_hash_table_iter_next(&iter, &path, &inode)) {
        inode_sync(inode);
        put(disk->synced_names, path, inode);
    }
}

static void
apply_write(Inode *inode, const TapeOp *op, gboolean torn)
{
    gsize length, end;
    const guint8 *bytes = g_bytes_get_data(op->data, &length);

    length = torn ? length / 2 : length;
    end = (gsize)op->offset + length;
    if (inode->now->len < end) {
        guint before = inode->now->len;
        g_byte_array_set_size(inode->now, (guint)end);
        memset(inode->now->data + before, 0, end - before);
    }
    memcpy(inode->now->data + op->offset, bytes, length);
}

void
tape_disk_apply(TapeDisk *disk, const TapeOp *op, gboolean torn)
{
    Inode *inode = g_hash_table_lookup(disk->names, op->path);

    switch (op->kind) {
    case CREATE:
    case MKDIR:
        inode = inode_new(op->kind == MKDIR);
        put(disk->names, op->path, inode);
        inode_unref(inode);
        break;
    case EMPTY:
        g_byte_array_set_size(inode->now, 0);
        break;
    case WRITE:
        apply_write(inode, op, torn);
        break;
    case CUT:
        g_byte_array_set_size(inode->now, (guint)op->offset);
        break;
    case RENAME:
        put(disk->names, op->to, inode);
        g_hash_table_remove(disk->names, op->path);
        break;
    case UNLINK:
        g_hash_table_remove(disk->names, op->path);
        break;
    case SYNC:
        if (inode == NULL || inode->directory)
            sync_directory(disk, op->path);
        else
            inode_sync(inode);
        break;
    case SYNC_ALL:
        sync_everything(disk);
        break;
    default:
        g_assert_not_reached();
    }
}

static void
read_in(TapeDisk *disk, const char *root, const char *relative)
{
    g_autofree char *path = g_build_filename(root, relative, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *below =
            *relative ? g_build_filename(relative, name, NULL) : g_strdup(name);
        g_autofree char *whole = g_build_filename(root, below, NULL);
        Inode *inode = inode_new(g_file_test(whole, G_FILE_TEST_IS_DIR));

        put(disk->names, below, inode);
        if (inode->directory) {
            read_in(disk, root, below);
        } else {
            g_autofree char *bytes = NULL;
            gsize length;

            g_assert_true(g_file_get_contents(whole, &bytes, &length, NULL));
            g_byte_array_append(inode->now, (guint8 *)bytes, (guint)length);
        }
        inode_unref(inode);
    }
}

TapeDisk *
tape_disk_read(const char *root)
{
    TapeDisk *disk = disk_new();

    read_in(disk, root, "");
    sync_everything(disk);
    return disk;
}

static int
by_path(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

void
tape_disk_write(const TapeDisk *disk, TapeLoss loss, const char *to)
{
    gboolean all_names = loss == TAPE_ALL || loss == TAPE_SYNCED_DATA;
    gboolean all_data = loss == TAPE_ALL || loss == TAPE_SYNCED_NAMES;
    GHashTable *names = all_names ? disk->names : disk->synced_names;
    g_autoptr(GList) paths = g_list_sort(g_hash_table_get_keys(names), by_path);

    for (GList *link = paths; link != NULL; link = link->next) {
        const Inode *inode = g_hash_table_lookup(names, link->data);
        g_autofree char *path = g_build_filename(to, link->data, NULL);
        g_autofree char *parent = g_path_get_dirname(path);
        const GByteArray *content = all_data ? inode->now : inode->synced;

        if (!g_file_test(parent, G_FILE_TEST_IS_DIR)) /* its directory's name was lost */
            continue;
        if (inode->directory)
            g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
        else
            g_assert_true(g_file_set_contents_full(
                path, content != NULL ? (char *)content->data : "",
                content != NULL ? content->len : 0, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
}
