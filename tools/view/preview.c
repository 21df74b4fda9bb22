/* SPDX-License-Identifier: Apache-2.0
 *
 * See preview.h. Whatever the decoder does, what comes back is at most so many bytes that begin
 * like a PNG; the browser, which has a sandbox of its own, is the one that decodes them.
 */
#include "tools/view/preview.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE        "320"
#define PNG_MAX     (768u << 10)
#define MEMORY_MAX  (1u << 30)
#define SECONDS_MAX 10
#define PATIENCE    (15 * G_USEC_PER_SEC)
/* A decoder that is given more only fails later. */
#define INPUT_MAX   (256u << 20)
/* In bytes: files there are memory too. It can write nowhere else. */
#define FILES_MAX   "8388608"

static const char *const of_pdf[] = {"pdftocairo", "-png", "-singlefile", "-f", "1", "-l", "1",
                                     "-scale-to",  SIZE,   "/in",         "-",  NULL};
static const char *const of_dicom[] = {
    "dcm2pnm", "--write-png", "--scale-x-size", SIZE, "/in", "/dev/stdout", NULL};
static const char *const of_picture[] = {
    "gdk-pixbuf-thumbnailer", "-s", SIZE, "/in", "/dev/stdout", NULL};

static const char *const sandbox[] = {"bwrap",
                                      "--unshare-all",
                                      "--die-with-parent",
                                      "--new-session",
                                      "--cap-drop",
                                      "ALL",
                                      "--clearenv",
                                      "--setenv",
                                      "PATH",
                                      "/usr/bin",
                                      "--setenv",
                                      "LC_ALL",
                                      "C.UTF-8",
                                      "--setenv",
                                      "HOME",
                                      "/tmp",
                                      "--ro-bind",
                                      "/usr",
                                      "/usr",
                                      "--symlink",
                                      "usr/lib",
                                      "/lib",
                                      "--symlink",
                                      "usr/lib64",
                                      "/lib64",
                                      "--symlink",
                                      "usr/bin",
                                      "/bin",
                                      "--ro-bind-try",
                                      "/etc/fonts",
                                      "/etc/fonts",
                                      "--ro-bind-try",
                                      "/etc/ld.so.cache",
                                      "/etc/ld.so.cache",
                                      "--ro-bind-try",
                                      "/etc/dcmtk",
                                      "/etc/dcmtk",
                                      "--proc",
                                      "/proc",
                                      "--dev",
                                      "/dev",
                                      "--size",
                                      FILES_MAX,
                                      "--tmpfs",
                                      "/tmp",
                                      "--remount-ro",
                                      "/dev",
                                      "--chdir",
                                      "/tmp",
                                      "--ro-bind",
                                      NULL};

static const char *const *
decoder_of(ErecKind kind)
{
    switch ((int)kind) {
    case EREC_KIND_PDF:
        return of_pdf;
    case EREC_KIND_DICOM:
        return of_dicom;
    case EREC_KIND_JPEG:
    case EREC_KIND_PNG:
    case EREC_KIND_TIFF:
    case EREC_KIND_BIGTIFF:
        return of_picture;
    default:
        return NULL;
    }
}

/* Between fork and exec. */
static void
bound(gpointer none)
{
    const struct rlimit time = {SECONDS_MAX, SECONDS_MAX}, memory = {MEMORY_MAX, MEMORY_MAX},
                        file = {PNG_MAX, PNG_MAX}, core = {0, 0};

    setrlimit(RLIMIT_CPU, &time);
    setrlimit(RLIMIT_AS, &memory);
    setrlimit(RLIMIT_FSIZE, &file);
    setrlimit(RLIMIT_CORE, &core);
}

static gboolean
start(const ViewRecord *record, const char *const *decoder, GPid *pid, int *out)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree char *path = g_canonicalize_filename(record->path, NULL);

    for (gsize i = 0; sandbox[i] != NULL; i++)
        g_ptr_array_add(argv, (gpointer)sandbox[i]);
    g_ptr_array_add(argv, path);
    g_ptr_array_add(argv, (gpointer) "/in");
    g_ptr_array_add(argv, (gpointer) "--remount-ro"); /* what was made to mount on, the last */
    g_ptr_array_add(argv, (gpointer) "/");
    g_ptr_array_add(argv, (gpointer) "--");
    for (gsize i = 0; decoder[i] != NULL; i++)
        g_ptr_array_add(argv, (gpointer)decoder[i]);
    g_ptr_array_add(argv, NULL);
    return g_spawn_async_with_pipes(NULL, (char **)argv->pdata, NULL,
                                    G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                                        G_SPAWN_STDERR_TO_DEV_NULL,
                                    bound, NULL, pid, NULL, out, NULL, NULL);
}

/* All that it says, until it ends; FALSE when that is too much or takes too long. */
static gboolean
collect(int fd, GByteArray *png)
{
    const gint64 deadline = g_get_monotonic_time() + PATIENCE;
    guint8 window[8192];

    for (;;) {
        const gint64 left = deadline - g_get_monotonic_time();
        struct pollfd wait = {fd, POLLIN, 0};
        gssize n;

        if (left <= 0 || png->len > PNG_MAX)
            return FALSE;
        if (poll(&wait, 1, (int)(left / 1000) + 1) <= 0)
            continue;
        n = read(fd, window, sizeof window);
        if (n == 0)
            return TRUE;
        if (n < 0 && errno != EINTR)
            return FALSE;
        if (n > 0)
            g_byte_array_append(png, window, (guint)n);
    }
}

static gboolean
is_png(const GByteArray *bytes)
{
    static const char magic[] = "\x89PNG\r\n\x1a\n";

    return bytes->len > sizeof magic && memcmp(bytes->data, magic, sizeof magic - 1) == 0;
}

GBytes *
view_preview(const ViewRecord *record)
{
    const char *const *decoder = decoder_of(record->description.kind);
    g_autoptr(GByteArray) png = g_byte_array_new();
    gboolean whole;
    GPid pid;
    int out, status = 0;

    if (decoder == NULL || record->size > INPUT_MAX || !start(record, decoder, &pid, &out))
        return NULL;
    whole = collect(out, png);
    close(out);
    if (!whole)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    g_spawn_close_pid(pid);
    if (!whole || !WIFEXITED(status) || WEXITSTATUS(status) != 0 || !is_png(png))
        return NULL;
    return g_byte_array_free_to_bytes(g_steal_pointer(&png));
}
