/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/core/outage.h"

#include <glib/gstdio.h>

static const TapeDisk *disk_now;
static TapeLoss loss_now;
static const Host *host_now;

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
    g_autofree char *state = g_build_filename(host_now->dir, "state", NULL);

    remove_tree(state);
    g_assert_cmpint(g_mkdir(state, 0700), ==, 0);
    tape_disk_write(disk_now, loss_now, state);
}

void
outage_restart(Host *host, const char *air, const TapeDisk *disk, TapeLoss loss)
{
    disk_now = disk;
    loss_now = loss;
    host_now = host;
    host->before_open = put_disk;
    host_restart(host, air);
    host->before_open = NULL;
}
