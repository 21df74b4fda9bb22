/* SPDX-License-Identifier: Apache-2.0
 *
 * rig-guest agent | rig-guest bridge PORT | rig-guest allow PROGRAM: runs in an emulated
 * machine.
 */
#include "tests/rig/bluetooth/guest.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int
find(const char *name)
{
    DIR *ports = opendir("/sys/class/virtio-ports");
    int found = -1;

    for (struct dirent *e; ports && found < 0 && (e = readdir(ports));) {
        char path[600], text[64] = "";
        snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", e->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
            close(fd);
        if (n <= 0)
            continue;
        text[strcspn(text, "\n")] = 0;
        if (strcmp(text, name) != 0)
            continue;
        snprintf(path, sizeof path, "/dev/%s", e->d_name);
        found = open(path, O_RDWR | O_CLOEXEC);
    }
    if (ports)
        closedir(ports);
    return found;
}

int
guest_port(const char *name)
{
    for (int i = 0; i < 100; i++) {
        int fd = find(name);
        if (fd >= 0)
            return fd;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    fprintf(stderr, "rig-guest: there is no port %s\n", name);
    return -1;
}

/* Where no service manager gives PROGRAM its one capability (CAP_NET_ADMIN), its file does. */
static int
allow(const char *program)
{
    struct vfs_cap_data admin = {
        .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
        .data = {{.permitted = 1u << CAP_NET_ADMIN}},
    };

    if (setxattr(program, "security.capability", &admin, sizeof admin, 0) == 0)
        return 0;
    perror(program);
    return 1;
}

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "agent") == 0)
        return guest_agent();
    if (argc == 3 && strcmp(argv[1], "bridge") == 0)
        return guest_bridge(argv[2]);
    if (argc == 3 && strcmp(argv[1], "allow") == 0)
        return allow(argv[2]);
    fprintf(stderr,
            "usage: rig-guest agent | rig-guest bridge PORT | rig-guest allow PROGRAM\n");
    return 64;
}
