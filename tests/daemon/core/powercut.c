/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/core/powercut.h"

#include <glib/gstdio.h>
#include <string.h>

#include "tests/daemon/store/scratch.h"

static const TapeDisk *disk_now;
static TapeLoss loss_now;
static Host *probe;

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        remove_tree(below);
    }
    g_remove(path);
}

static void
put_disk(void)
{
    g_autofree char *state = g_build_filename(probe->dir, "state", NULL);

    remove_tree(state);
    g_assert_cmpint(g_mkdir(state, 0700), ==, 0);
    tape_disk_write(disk_now, loss_now, state);
}

EhdSession *
powercut_session(Host *host)
{
    g_autoptr(GPtrArray) list = ehd_core_list(host->core, 1000);

    g_assert_cmpuint(list->len, <=, 1);
    return list->len == 1 ? g_ptr_array_index(list, 0) : NULL;
}

void
powercut_assert_item(Host *host, EhdSession *session, guint id, GBytes *expected)
{
    const char *name = ehd_session_get_info(session)->id;
    g_autofree char *number = g_strdup_printf("%u", id);
    g_autofree char *path = g_build_filename(host->dir, "state", "spool", name, number, NULL);
    g_autofree char *bytes = NULL;
    gsize length;

    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    g_assert_cmpmem(bytes, length, g_bytes_get_data(expected, NULL),
                    g_bytes_get_size(expected));
}

guint
powercut_everywhere(GPtrArray *ops, TapeDisk *disk, PowercutCheck check)
{
    guint stride = g_test_slow() ? 1 : 7, points = 0;
    g_autofree char *air = scratch_new();

    probe = host_new(air, NULL);
    probe->before_open = put_disk;
    for (guint i = 0; i < ops->len; i++) {
        const TapeOp *op = g_ptr_array_index(ops, i);

        for (int torn = op->data != NULL ? 1 : 0; torn >= 0; torn--) {
            tape_disk_apply(disk, op, torn != 0);
            for (int loss = 0; loss < TAPE_LOSSES && i % stride == 0; loss++, points++) {
                disk_now = disk;
                loss_now = (TapeLoss)loss;
                g_test_message("%u %s%s, loss %d", i, op->what, torn ? " (half)" : "", loss);
                host_restart(probe, air);
                check(probe, op->mark);
            }
        }
    }
    host_free(probe);
    scratch_free(g_steal_pointer(&air));
    return points;
}
