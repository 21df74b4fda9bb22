/* SPDX-License-Identifier: Apache-2.0
 *
 * See source.h. Any thread, one at a time.
 */
#include "lib/record/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/record/bounds.h"

/* marks a text for gettext; what shows it translates it */
#define N_(text) text

struct ErecSource {
    int refs;
    int fd;        /* owned, -1 for memory */
    GBytes *bytes; /* owned, NULL for a file */
    guint64 size;
};

static ErecSource *
take_fd(int fd, GError **error)
{
    struct stat st;
    ErecSource *self;

    if (fd < 0 || fstat(fd, &st) < 0) {
        g_set_error_literal(error, G_IO_ERROR, g_io_error_from_errno(errno), g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                            N_("not a regular file"));
        close(fd);
        return NULL;
    }
    self = g_new0(ErecSource, 1);
    self->refs = 1;
    self->fd = fd;
    self->size = (guint64)st.st_size;
    return self;
}

ErecSource *
erec_source_new_path(const char *path, GError **error)
{
    return take_fd(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error);
}

ErecSource *
erec_source_new_fd(int fd, GError **error)
{
    return take_fd(fcntl(fd, F_DUPFD_CLOEXEC, 3), error);
}

ErecSource *
erec_source_new_bytes(GBytes *bytes)
{
    ErecSource *self = g_new0(ErecSource, 1);

    self->refs = 1;
    self->fd = -1;
    self->bytes = g_bytes_ref(bytes);
    self->size = g_bytes_get_size(bytes);
    return self;
}

ErecSource *
erec_source_ref(ErecSource *self)
{
    g_atomic_int_inc(&self->refs);
    return self;
}

void
erec_source_unref(ErecSource *self)
{
    if (!g_atomic_int_dec_and_test(&self->refs))
        return;
    if (self->fd >= 0)
        close(self->fd);
    g_clear_pointer(&self->bytes, g_bytes_unref);
    g_free(self);
}

guint64
erec_source_size(ErecSource *self)
{
    return self->size;
}

static gssize
read_file(int fd, guint64 offset, char *buffer, gsize length)
{
    gsize done = 0;

    while (done < length) {
        const gssize n = pread(fd, buffer + done, length - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (gsize)n;
    }
    return (gssize)done;
}

/* The size is that of the opening: what is appended later is not part of the record. */
gssize
erec_source_read(ErecSource *self, guint64 offset, void *buffer, gsize length)
{
    if (offset >= self->size)
        return 0;
    if (length > self->size - offset)
        length = (gsize)(self->size - offset);
    if (self->bytes == NULL)
        return read_file(self->fd, offset, buffer, length);
    memcpy(buffer, (const char *)g_bytes_get_data(self->bytes, NULL) + offset, length);
    return (gssize)length;
}

GBytes *
erec_source_slice(ErecSource *self, guint64 offset, guint64 length, ErecFault *fault)
{
    g_autofree char *buffer = NULL;

    if (length > EREC_ENTRY_MAX) {
        erec_fault_set(fault, EREC_FAULT_ENTRY_LARGE, offset);
        return NULL;
    }
    if (offset > self->size || length > self->size - offset) {
        erec_fault_set(fault, EREC_FAULT_READ, offset);
        return NULL;
    }
    if (self->bytes != NULL)
        return g_bytes_new_from_bytes(self->bytes, (gsize)offset, (gsize)length);
    buffer = g_malloc((gsize)length + 1);
    if (erec_source_read(self, offset, buffer, (gsize)length) != (gssize)length) {
        erec_fault_set(fault, EREC_FAULT_READ, offset);
        return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&buffer), (gsize)length);
}
