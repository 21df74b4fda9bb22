/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/core/powercut.h"

#include <string.h>

#include "tests/daemon/core/outage.h"
#include "tests/daemon/store/scratch.h"

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
    Host *probe = host_new(air, NULL);

    for (guint i = 0; i < ops->len; i++) {
        const TapeOp *op = g_ptr_array_index(ops, i);

        for (int torn = op->data != NULL ? 1 : 0; torn >= 0; torn--) {
            tape_disk_apply(disk, op, torn != 0);
            for (int loss = 0; loss < TAPE_LOSSES && i % stride == 0; loss++, points++) {
                g_test_message("%u %s%s, loss %d", i, op->what, torn ? " (half)" : "", loss);
                outage_restart(probe, air, disk, (TapeLoss)loss);
                check(probe, op->mark);
            }
        }
    }
    host_free(probe);
    scratch_free(g_steal_pointer(&air));
    return points;
}
