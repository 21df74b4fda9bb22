/* SPDX-License-Identifier: Apache-2.0
 *
 * rig-guest agent | rig-guest bridge PORT | rig-guest allow PROGRAM: runs in an emulated
 * machine. rig-guest tsc runs on the host, before there is one.
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

#ifdef __x86_64__
static double
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The time and the counter at one moment: of several tries the one that was not interrupted. */
static void
look(double *ms, uint64_t *ticks)
{
    double least = 1e9;

    for (int i = 0; i < 1000; i++) {
        double before = now_ms();
        uint64_t read = __builtin_ia32_rdtsc();
        double after = now_ms();
        if (after - before >= least)
            continue;
        least = after - before;
        *ms = (before + after) / 2;
        *ticks = read;
    }
}

/* How fast the time-stamp counter counts, which an emulated processor hands through, in kHz. A
 * kernel that has to find it out on a busy machine may be wrong by a factor of four, and all
 * its timeouts with it. */
static int
tsc(void)
{
    double from = 0, to = 0;
    uint64_t first = 0, last = 0;

    look(&from, &first);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    look(&to, &last);
    printf("%.0f\n", (double)(last - first) / (to - from));
    return 0;
}
#else
static int
tsc(void)
{
    puts("0");
    return 0;
}
#endif

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "agent") == 0)
        return guest_agent();
    if (argc == 3 && strcmp(argv[1], "bridge") == 0)
        return guest_bridge(argv[2]);
    if (argc == 3 && strcmp(argv[1], "allow") == 0)
        return allow(argv[2]);
    if (argc == 2 && strcmp(argv[1], "tsc") == 0)
        return tsc();
    fprintf(stderr,
            "usage: rig-guest agent | rig-guest bridge PORT | rig-guest allow PROGRAM | "
            "rig-guest tsc\n");
    return 64;
}
