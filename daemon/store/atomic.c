/* SPDX-License-Identifier: Apache-2.0
 *
 * Atomic small files and the record header on them. The order is what matters: content to the
 * medium before the name, the name before success. Blocking; any thread.
 */
#include "daemon/store/atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/store/file.h"
#include "daemon/words.h"

#define MAGIC      "ehrlink-state"
#define HASH_LEN   32
#define HASH_HEX   (2 * HASH_LEN)
/* "ehrlink-state 4294967295 KIND(16) LENGTH(20) HASH(64)\n" */
#define HEADER_MAX 128

gboolean
ehd_file_write_all(int fd, const void *data, gsize length)
{
    const guint8 *at = data;
    while (length > 0) {
        gssize n = write(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        if (n == 0) {
            /* POSIX leaves it open whether a full medium may say 0. */
            errno = ENOSPC;
            return FALSE;
        }
        at += n;
        length -= (gsize)n;
    }
    return TRUE;
}

static gboolean
write_temporary(int dir_fd, const char *tmp, const void *data, gsize length)
{
    int fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return FALSE;
    gboolean ok = ehd_file_write_all(fd, data, length) && fsync(fd) == 0;
    int saved = errno;
    /* close may be where NFS tells of a full disk. */
    if (close(fd) != 0 && ok) {
        ok = FALSE;
        saved = errno;
    }
    errno = saved;
    return ok;
}

gboolean
ehd_atomic_write(int dir_fd, const char *name, const void *data, gsize length, GError **error)
{
    g_autofree char *tmp = g_strconcat(name, EHD_FILE_TMP_SUFFIX, NULL);
    if (write_temporary(dir_fd, tmp, data, length) &&
        renameat(dir_fd, tmp, dir_fd, name) == 0) {
        if (fsync(dir_fd) == 0)
            return TRUE;
        /* The new name is in place but may not survive: the caller is told it failed and the
         * next write mends it. There is nothing left to remove. */
        ehd_error_set_errno(error, errno, N_("sync the state directory"));
        return FALSE;
    }
    int saved = errno;
    unlinkat(dir_fd, tmp, 0);
    g_autofree char *what = g_strdup_printf("write %s", name);
    ehd_error_set_errno(error, saved, what);
    return FALSE;
}

static gboolean
read_all(int fd, guint8 *data, gsize size, gsize *got)
{
    *got = 0;
    while (*got < size) {
        gssize n = read(fd, data + *got, size - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        if (n == 0)
            break;
        *got += (gsize)n;
    }
    return TRUE;
}

GBytes *
ehd_file_read_fd(int fd, const char *name, gsize max, GError **error)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        ehd_error_set_errno(error, errno, name);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || st.st_size < 0 || (guint64)st.st_size > max) {
        ehd_error_set(error, EHP_STATE_DAMAGED, "%s: not a regular file of at most %zu bytes",
                      name, max);
        return NULL;
    }
    gsize size = (gsize)st.st_size;
    gsize got = 0;
    g_autofree guint8 *data = g_malloc(size + 1);
    if (!read_all(fd, data, size, &got)) {
        ehd_error_set_errno(error, errno, name);
        return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&data), got);
}

GBytes *
ehd_atomic_read(int dir_fd, const char *name, gsize max, GError **error)
{
    /* O_NONBLOCK: a FIFO in the place of a file must not hang us. */
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        g_autofree char *what = g_strdup_printf("read %s", name);
        ehd_error_set_errno(error, errno, what);
        return NULL;
    }
    GBytes *bytes = ehd_file_read_fd(fd, name, max, error);
    close(fd);
    return bytes;
}

gboolean
ehd_atomic_remove(int dir_fd, const char *name, GError **error)
{
    if (unlinkat(dir_fd, name, 0) != 0) {
        if (errno == ENOENT)
            return TRUE;
        g_autofree char *what = g_strdup_printf("remove %s", name);
        ehd_error_set_errno(error, errno, what);
        return FALSE;
    }
    if (fsync(dir_fd) != 0) {
        ehd_error_set_errno(error, errno, N_("sync the state directory"));
        return FALSE;
    }
    return TRUE;
}

static void
hash_hex(const guint8 *payload, gsize length, char hex[HASH_HEX + 1])
{
    guint8 hash[HASH_LEN];
    crypto_generichash(hash, sizeof hash, payload, length, NULL, 0);
    sodium_bin2hex(hex, HASH_HEX + 1, hash, sizeof hash);
}

gboolean
ehd_record_write(int dir_fd, const char *name, const char *kind, const void *data, gsize length,
                 GError **error)
{
    char hex[HASH_HEX + 1];
    hash_hex(data, length, hex);
    g_autofree char *header =
        g_strdup_printf(MAGIC " %d %s %zu %s\n", EHD_STATE_VERSION, kind, length, hex);
    gsize header_length = strlen(header);
    gsize total = header_length + length;
    guint8 *file = g_malloc(total);
    memcpy(file, header, header_length);
    if (length > 0)
        memcpy(file + header_length, data, length);
    gboolean ok = ehd_atomic_write(dir_fd, name, file, total, error);
    sodium_memzero(file, total); /* the identity key passes here */
    g_free(file);
    return ok;
}

/* The header's five words, or NULL. `end` is where the payload starts. */
static char **
split_header(const guint8 *file, gsize length, gsize *end)
{
    const guint8 *newline = memchr(file, '\n', MIN(length, HEADER_MAX));
    if (newline == NULL || memchr(file, '\0', (gsize)(newline - file)) != NULL)
        return NULL;
    *end = (gsize)(newline - file) + 1;
    g_autofree char *line = g_strndup((const char *)file, *end - 1);
    char **words = g_strsplit(line, " ", 6);
    if (g_strv_length(words) == 5 && strcmp(words[0], MAGIC) == 0)
        return words;
    g_strfreev(words);
    return NULL;
}

static gboolean
check_header(char **words, const guint8 *payload, gsize length, const char *kind,
             GError **error)
{
    guint64 version;
    guint64 stated;
    if (!g_ascii_string_to_unsigned(words[1], 10, 1, G_MAXUINT32, &version, NULL)) {
        ehd_error_set(error, EHP_STATE_DAMAGED, N_("bad header"));
        return FALSE;
    }
    /* Before all else: a newer version may have changed everything after this word. */
    if (version > EHD_STATE_VERSION) {
        ehd_error_set(error, EHP_STATE_TOO_NEW, "state version %" G_GUINT64_FORMAT, version);
        return FALSE;
    }
    char hex[HASH_HEX + 1];
    hash_hex(payload, length, hex);
    if (strcmp(words[2], kind) != 0 ||
        !g_ascii_string_to_unsigned(words[3], 10, 0, G_MAXUINT32, &stated, NULL) ||
        stated != length || strcmp(words[4], hex) != 0) {
        ehd_error_set(error, EHP_STATE_DAMAGED, N_("header and content do not match"));
        return FALSE;
    }
    return TRUE;
}

gboolean
ehd_record_parse(const guint8 *file, gsize length, const char *kind, const guint8 **payload,
                 gsize *payload_length, GError **error)
{
    gsize start = 0;
    g_auto(GStrv) words = split_header(file, length, &start);
    if (words == NULL) {
        ehd_error_set(error, EHP_STATE_DAMAGED, N_("no header"));
        return FALSE;
    }
    if (!check_header(words, file + start, length - start, kind, error))
        return FALSE;
    *payload = file + start;
    *payload_length = length - start;
    return TRUE;
}

static void
wipe(gpointer data)
{
    GBytes *bytes = data;
    gsize size = 0;
    /* The bytes are ours alone: ehd_record_read made them and gave out a slice only. */
    void *at = (void *)g_bytes_get_data(bytes, &size);
    if (at != NULL)
        sodium_memzero(at, size);
    g_bytes_unref(bytes);
}

GBytes *
ehd_record_read(int dir_fd, const char *name, const char *kind, gsize max, GError **error)
{
    GBytes *file = ehd_atomic_read(dir_fd, name, max + HEADER_MAX, error);
    if (file == NULL)
        return NULL;
    const guint8 *payload = NULL;
    gsize length = 0;
    gsize file_length = 0;
    const guint8 *data = g_bytes_get_data(file, &file_length);
    if (!ehd_record_parse(data, file_length, kind, &payload, &length, error)) {
        ehd_error_prefix(error, "%s", name);
        wipe(file);
        return NULL;
    }
    return g_bytes_new_with_free_func(payload, length, wipe, file);
}
