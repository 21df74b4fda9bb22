/* SPDX-License-Identifier: Apache-2.0
 *
 * What is on the air: every socket ADDRESS.CHANNEL in the terminals' directory is offered under
 * the same name to each patient.
 */
#include "tests/rig/air/air.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct offer {
    bool used;
    bool seen; /* in the scan that runs */
    unsigned patient;
    int fd; /* listening, or -1 while the link is down */
    char name[AIR_NAME_LEN];
};

static struct offer offers[AIR_NAMES_MAX];
static const char *clinic_dir;
static const char *patient_dir[AIR_PATIENTS_MAX];
static unsigned n_patient_dirs;

/* AABBCCDDEEFF.N with a channel of one or two digits. */
static bool
is_name(const char *name)
{
    for (int i = 0; i < 12; i++)
        if (!isxdigit((unsigned char)name[i]) || islower((unsigned char)name[i]))
            return false;
    return name[12] == '.' && isdigit((unsigned char)name[13]) &&
           (name[14] == 0 || (isdigit((unsigned char)name[14]) && name[15] == 0));
}

static int
listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char temporary[sizeof at.sun_path];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    /* under its name only when it listens: whoever sees it can connect */
    if (snprintf(temporary, sizeof temporary, "%s~", path) >= (int)sizeof temporary)
        goto fail;
    strcpy(at.sun_path, temporary);
    unlink(temporary);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 16) != 0)
        goto fail;
    if (rename(temporary, path) == 0)
        return fd;
fail:
    fprintf(stderr, "air: cannot listen at %s: %s\n", path, strerror(errno));
    close(fd);
    return -1;
}

static void
offer_path(const struct offer *o, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", patient_dir[o->patient], o->name);
}

static void
offer_open(struct air_medium *m, struct offer *o)
{
    char path[4096];

    offer_path(o, path, sizeof path);
    o->fd = listen_at(path);
    if (o->fd >= 0)
        air_poll_add(m, o->fd, AIR_ON_OFFER, (unsigned)(o - offers), EPOLLIN);
}

static void
offer_close(struct offer *o)
{
    if (o->fd >= 0)
        close(o->fd);
    o->fd = -1;
}

static void
offer_drop(struct offer *o)
{
    char path[4096];

    offer_path(o, path, sizeof path);
    unlink(path);
    offer_close(o);
    o->used = false;
}

static void
offer_see(struct air_medium *m, const char *name, unsigned patient)
{
    struct offer *free_one = NULL;

    for (unsigned i = 0; i < AIR_NAMES_MAX; i++) {
        struct offer *o = &offers[i];
        if (o->used && o->patient == patient && strcmp(o->name, name) == 0) {
            o->seen = true;
            return;
        }
        if (!o->used && !free_one)
            free_one = o;
    }
    if (!free_one)
        return;
    *free_one = (struct offer){.used = true, .seen = true, .patient = patient, .fd = -1};
    memcpy(free_one->name, name, strlen(name) + 1);
    if (!m->down)
        offer_open(m, free_one);
}

void
air_names_scan(struct air_medium *m)
{
    DIR *dir = opendir(clinic_dir);
    struct dirent *entry;
    struct stat st;

    if (!dir)
        return;
    for (unsigned i = 0; i < AIR_NAMES_MAX; i++)
        offers[i].seen = false;
    while ((entry = readdir(dir)) != NULL) {
        if (!is_name(entry->d_name) ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISSOCK(st.st_mode))
            continue;
        for (unsigned k = 0; k < n_patient_dirs; k++)
            offer_see(m, entry->d_name, k);
    }
    closedir(dir);
    for (unsigned i = 0; i < AIR_NAMES_MAX; i++)
        if (offers[i].used && !offers[i].seen)
            offer_drop(&offers[i]);
}

int
air_names_start(struct air_medium *m, const char *clinic, const char *const *patients,
                unsigned n_patients)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    clinic_dir = clinic;
    for (n_patient_dirs = 0; n_patient_dirs < n_patients; n_patient_dirs++)
        patient_dir[n_patient_dirs] = patients[n_patient_dirs];
    if (fd < 0 ||
        inotify_add_watch(
            fd, clinic, IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR) < 0) {
        fprintf(stderr, "air: cannot watch %s: %s\n", clinic, strerror(errno));
        return -1;
    }
    air_names_scan(m);
    return fd;
}

void
air_names_accept(struct air_medium *m, unsigned index, uint64_t now)
{
    struct offer *o = &offers[index];
    char path[4096];

    if (!o->used || o->fd < 0)
        return;
    int fd = accept4(o->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    snprintf(path, sizeof path, "%s/%s", clinic_dir, o->name);
    air_conn_open(m, fd, path, now);
}

void
air_names_updown(struct air_medium *m)
{
    for (unsigned i = 0; i < AIR_NAMES_MAX; i++) {
        if (!offers[i].used)
            continue;
        if (m->down)
            offer_close(&offers[i]);
        else if (offers[i].fd < 0)
            offer_open(m, &offers[i]);
    }
}

void
air_names_stop(void)
{
    for (unsigned i = 0; i < AIR_NAMES_MAX; i++)
        if (offers[i].used)
            offer_drop(&offers[i]);
}

unsigned
air_names_count(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < AIR_NAMES_MAX; i++)
        n += offers[i].used;
    return n;
}
