/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening what is sent. The path may be anything, and become anything between two looks: a FIFO
 * opened without O_NONBLOCK would hang, a terminal without O_NOCTTY would take over, a file
 * rewritten meanwhile would go out as something that nobody agreed to.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "ehrlink-error.h"
#include "words-private.h"

#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

EhrlinkSource *
ehrlink_source_new(const char *path, int fd, const char *name)
{
    EhrlinkSource *self = g_new0(EhrlinkSource, 1);

    self->path = g_strdup(path);
    self->fd = fd;
    self->name = g_strdup(name);
    return self;
}

void
ehrlink_source_free(EhrlinkSource *self)
{
    if (self->fd >= 0)
        close(self->fd);
    g_free(self->path);
    g_free(self->name);
    g_free(self);
}

static int
no_input(const EhrlinkSource *self, const char *why, GError **error)
{
    g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, "%s: %s", self->name, why);
    return -1;
}

/* A descriptor of its own offset, which dup() would not give. */
static int
reopen(int fd)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    int fresh = open(link, OPEN_FLAGS);

    if (fresh >= 0 || errno != ENOENT)
        return fresh;
    fresh = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fresh >= 0 && lseek(fresh, 0, SEEK_SET) != 0) {
        close(fresh);
        return -1;
    }
    return fresh;
}

static gint64
microseconds(const struct timespec *t)
{
    return (gint64)t->tv_sec * G_USEC_PER_SEC + t->tv_nsec / 1000;
}

/* Opens, and lets nothing through but a regular file with something in it. */
static int
open_regular(const EhrlinkSource *self, struct stat *st, GError **error)
{
    int fd;

    if (self->path == NULL && self->fd < 0)
        return no_input(self, N_("not a local file"), error);
    fd = self->path != NULL ? open(self->path, OPEN_FLAGS) : reopen(self->fd);
    if (fd < 0)
        return no_input(self, g_strerror(errno), error);
    if (fstat(fd, st) != 0)
        no_input(self, g_strerror(errno), error);
    else if (S_ISDIR(st->st_mode))
        no_input(self, N_("is a directory"), error);
    else if (!S_ISREG(st->st_mode))
        no_input(self, N_("is not a regular file"), error);
    else if (st->st_size == 0)
        no_input(self, N_("is empty"), error);
    else
        return fd;
    close(fd);
    return -1;
}

gboolean
ehrlink_source_look(EhrlinkSource *self, GError **error)
{
    struct stat st;
    char first;
    int fd = open_regular(self, &st, error);
    gboolean readable;

    if (fd < 0)
        return FALSE;
    /* Some file systems let everything be opened, and refuse when it is read. */
    errno = 0;
    readable = pread(fd, &first, 1, 0) == 1;
    if (!readable)
        no_input(self, errno != 0 ? g_strerror(errno) : N_("cannot be read"), error);
    close(fd);
    self->size = (guint64)st.st_size;
    self->mtime = microseconds(&st.st_mtim);
    self->looked = readable;
    return readable;
}

int
ehrlink_source_open(const EhrlinkSource *self, GError **error)
{
    struct stat st;
    int fd = open_regular(self, &st, error);

    if (fd < 0)
        return -1;
    if (!self->looked || (guint64)st.st_size != self->size ||
        microseconds(&st.st_mtim) != self->mtime) {
        close(fd);
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_ITEM_CHANGED,
                    "%s: " N_("changed since it was offered"), self->name);
        return -1;
    }
    return fd;
}
