/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger/ID.marks: two slots of SLOT_LEN bytes, be32 length and a sealed blob each, then
 * ROOT_SLOT bytes for every finished item. A root is there before a slot says more of the next
 * item, or with it: a slot of another item than the one after the last root is older, and not
 * looked at.
 */
#include "daemon/store/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/store/file.h"
#include "daemon/store/ledger-private.h"
#include "daemon/words.h"

#define LABEL     "marks"
#define SLOT_LEN  2048
#define HEAD_LEN  28 /* time, boottime, item, position */
#define ROOTS_AT  (2 * SLOT_LEN)
#define ROOT_SLOT (EHD_ROOT_LEN + EHD_SEAL_OVERHEAD)
#define FILE_MAX  (ROOTS_AT + EHD_MARKS_ITEMS_MAX * ROOT_SLOT)

static char *
file_name(const char *id)
{
    return g_strconcat(id, EHD_MARKS_SUFFIX, NULL);
}

/* Each blob belongs to one transfer of one session, and one place. */
static char *
place(const char *id, guint32 transfer, const char *what, guint32 number)
{
    if (transfer > 0)
        return g_strdup_printf("%s/%u/%s%u", id, transfer, what, number);
    return g_strdup_printf("%s/%s%u", id, what, number);
}

static gboolean
write_at(int fd, const void *data, gsize length, goffset at, GError **error)
{
    const guint8 *bytes = data;
    while (length > 0) {
        gssize n = pwrite(fd, bytes, length, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            ehd_error_set_errno(error, n < 0 ? errno : ENOSPC, N_("write marks"));
            return FALSE;
        }
        bytes += n;
        length -= (gsize)n;
        at += n;
    }
    return TRUE;
}

static void
put_be64(guint8 *out, guint64 value)
{
    value = GUINT64_TO_BE(value);
    memcpy(out, &value, sizeof value);
}

static void
put_be32(guint8 *out, guint32 value)
{
    value = GUINT32_TO_BE(value);
    memcpy(out, &value, sizeof value);
}

static guint64
get_be64(const guint8 *in)
{
    guint64 value;
    memcpy(&value, in, sizeof value);
    return GUINT64_FROM_BE(value);
}

static guint32
get_be32(const guint8 *in)
{
    guint32 value;
    memcpy(&value, in, sizeof value);
    return GUINT32_FROM_BE(value);
}

static gboolean
write_slot(EhdLedger *ledger, int fd, const char *id, const EhdMarks *marks, GError **error)
{
    guint8 plain[HEAD_LEN + EHD_MARK_MAX], length[4];
    gsize total = HEAD_LEN + marks->mark_length;
    g_autofree char *path = place(id, marks->transfer, "slot", marks->turn % 2);
    put_be64(plain, (guint64)marks->time);
    put_be64(plain + 8, marks->boottime);
    put_be32(plain + 16, marks->item);
    put_be64(plain + 20, marks->position);
    if (marks->mark_length > 0)
        memcpy(plain + HEAD_LEN, marks->mark, marks->mark_length);
    g_autoptr(GBytes) blob = ehd_seal_wrap(ledger->seal, LABEL, path, plain, total);
    put_be32(length, (guint32)g_bytes_get_size(blob));
    goffset at = (goffset)(marks->turn % 2) * SLOT_LEN;
    return write_at(fd, length, sizeof length, at, error) &&
           write_at(fd, g_bytes_get_data(blob, NULL), g_bytes_get_size(blob), at + 4, error);
}

static gboolean
write_roots(EhdLedger *ledger, int fd, const char *id, const EhdMarks *marks, GError **error)
{
    for (guint32 i = 0; i < marks->n_roots; i++) {
        guint32 item = marks->first_root + i;
        g_autofree char *path = place(id, marks->transfer, "root", item);
        g_autoptr(GBytes) blob = ehd_seal_wrap(
            ledger->seal, LABEL, path, marks->roots + (gsize)i * EHD_ROOT_LEN, EHD_ROOT_LEN);
        if (!write_at(fd, g_bytes_get_data(blob, NULL), ROOT_SLOT,
                      ROOTS_AT + (goffset)item * ROOT_SLOT, error))
            return FALSE;
    }
    return TRUE;
}

/* A new file is there, by name, before anything counts on it. */
static int
open_file(EhdLedger *ledger, const char *id, GError **error)
{
    g_autofree char *name = file_name(id);
    int fd = openat(ledger->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0)
        return fd;
    if (errno == ENOENT)
        fd = openat(ledger->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fsync(ledger->fd) != 0) {
        ehd_error_set_errno(error, errno, N_("open marks"));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

gboolean
ehd_marks_write(EhdLedger *ledger, const char *id, const EhdMarks *marks, GError **error)
{
    if (!ehd_state_id_valid(id) || marks->mark_length > EHD_MARK_MAX ||
        marks->first_root + (guint64)marks->n_roots > EHD_MARKS_ITEMS_MAX) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "marks");
        return FALSE;
    }
    int fd = open_file(ledger, id, error);
    if (fd < 0)
        return FALSE;
    gboolean good =
        write_roots(ledger, fd, id, marks, error) && write_slot(ledger, fd, id, marks, error);
    if (good && fdatasync(fd) != 0) {
        ehd_error_set_errno(error, errno, N_("sync marks"));
        good = FALSE;
    }
    close(fd);
    return good;
}

/* --- reading ------------------------------------------------------------------------------ */

static GBytes *
unwrap(EhdLedger *ledger, const char *path, const guint8 *blob, gsize length)
{
    return ehd_seal_unwrap(ledger->seal, LABEL, path, blob, length, NULL);
}

static void
read_roots(EhdLedger *ledger, const char *id, guint32 transfer, const guint8 *file,
           gsize length, EhdMarksRead *out)
{
    for (guint32 i = 0; ROOTS_AT + ((gsize)i + 1) * ROOT_SLOT <= length; i++) {
        g_autofree char *path = place(id, transfer, "root", i);
        g_autoptr(GBytes) root =
            unwrap(ledger, path, file + ROOTS_AT + (gsize)i * ROOT_SLOT, ROOT_SLOT);
        if (root == NULL)
            return;
        g_byte_array_append(out->roots, g_bytes_get_data(root, NULL), EHD_ROOT_LEN);
        out->n_roots++;
    }
}

static void
read_slot(EhdLedger *ledger, const char *id, guint32 transfer, guint number, const guint8 *file,
          gsize length, EhdMarksRead *out)
{
    const guint8 *slot = file + number * SLOT_LEN;
    if (length < number * SLOT_LEN + 4 || get_be32(slot) > SLOT_LEN - 4 ||
        length < number * SLOT_LEN + 4 + get_be32(slot))
        return;
    g_autofree char *path = place(id, transfer, "slot", number);
    g_autoptr(GBytes) plain = unwrap(ledger, path, slot + 4, get_be32(slot));
    gsize n = plain != NULL ? g_bytes_get_size(plain) : 0;
    if (n < HEAD_LEN)
        return;
    const guint8 *bytes = g_bytes_get_data(plain, NULL);
    gint64 time = (gint64)get_be64(bytes);
    gboolean newer = out->time == 0 || time > out->time ||
                     (time == out->time && get_be64(bytes + 8) >= out->boottime);
    if (newer) {
        out->time = time;
        out->boottime = get_be64(bytes + 8);
    }
    if (n == HEAD_LEN || get_be32(bytes + 16) != out->n_roots ||
        (out->mark != NULL && get_be64(bytes + 20) <= out->position)) {
        if (newer && out->mark == NULL)
            out->turn = number + 1;
        return;
    }
    g_clear_pointer(&out->mark, g_bytes_unref);
    out->mark = g_bytes_new_from_bytes(plain, HEAD_LEN, n - HEAD_LEN);
    out->position = get_be64(bytes + 20);
    out->turn = number + 1;
}

gboolean
ehd_marks_read(EhdLedger *ledger, const char *id, guint32 transfer, EhdMarksRead *out,
               GError **error)
{
    memset(out, 0, sizeof *out);
    out->roots = g_byte_array_new();
    if (!ehd_state_id_valid(id)) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("not a session's id"));
        return FALSE;
    }
    g_autofree char *name = file_name(id);
    int fd = openat(ledger->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return TRUE;
    if (fd < 0) {
        ehd_error_set_errno(error, errno, N_("open marks"));
        return FALSE;
    }
    g_autoptr(GBytes) file = ehd_file_read_fd(fd, name, FILE_MAX, error);
    close(fd);
    if (file == NULL)
        return FALSE;
    gsize length;
    const guint8 *bytes = g_bytes_get_data(file, &length);
    read_roots(ledger, id, transfer, bytes, length, out);
    for (guint i = 0; i < 2; i++)
        read_slot(ledger, id, transfer, i, bytes, length, out);
    return TRUE;
}

void
ehd_marks_read_clear(EhdMarksRead *read)
{
    g_clear_pointer(&read->roots, g_byte_array_unref);
    g_clear_pointer(&read->mark, g_bytes_unref);
}
