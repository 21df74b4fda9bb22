/* SPDX-License-Identifier: Apache-2.0
 *
 * See index.h. Found files and kept entries are both sorted by path, and walked side by side.
 */
#include "lib/record/index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/record/category.h"
#include "lib/record/version.h"

/* What is kept begins so; it changes with what is looked for in a file: then all are looked at
 * again. */
#define HEAD        "ehrlink index 5"
/* Folders within folders. */
#define FOLDERS_MAX 16
/* Ten times the largest that the bars speak of. */
#define FILES_MAX   100000

typedef struct {
    ErecIndexed public;
    const char *series, *order, *replaces, *status;
    gint64 changed; /* microseconds: the inode's, which a program that sets times cannot set
                       back */
    guint64
        inode; /* two files that swap names within a tick of the clock differ in nothing else */
} Entry;

struct ErecIndex {
    GArray *entries;     /* owned, of Entry */
    GStringChunk *texts; /* owned */
    char *contents;      /* owned, NULL: nothing was kept; texts of entries lie in it */
    const char *kept;    /* what of it is behind the head */
    gsize kept_length;
    guint looked;
    gboolean changed;
    const Entry **sorted; /* owned: newest first */
};

/* --- the folder
 * -------------------------------------------------------------------------------- */

static const char *
keep(ErecIndex *self, const char *text)
{
    return text != NULL && *text != '\0' ? g_string_chunk_insert(self->texts, text) : NULL;
}

static void
add_file(ErecIndex *self, const char *path, const struct stat *status)
{
    Entry entry = {0};

    entry.public.path = g_string_chunk_insert(self->texts, path);
    entry.public.size = (guint64)status->st_size;
    entry.changed =
        (gint64)status->st_ctim.tv_sec * G_USEC_PER_SEC + status->st_ctim.tv_nsec / 1000;
    entry.inode = (guint64)status->st_ino;
    g_array_append_val(self->entries, entry);
}

static void walk(ErecIndex *self, int folder, const char *prefix, guint depth);

static void
walk_one(ErecIndex *self, int folder, const char *prefix, const char *name, guint depth)
{
    g_autofree char *path =
        *prefix != '\0' ? g_strconcat(prefix, "/", name, NULL) : g_strdup(name);
    struct stat status;
    int inner;

    if (*name == '.' || self->entries->len >= FILES_MAX ||
        fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (S_ISREG(status.st_mode) && status.st_size > 0) {
        add_file(self, path, &status);
    } else if (S_ISDIR(status.st_mode) && depth < FOLDERS_MAX) {
        inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0)
            walk(self, inner, path, depth + 1);
    }
}

/* Takes the descriptor. */
static void
walk(ErecIndex *self, int folder, const char *prefix, guint depth)
{
    DIR *dir = fdopendir(folder);
    const struct dirent *at;

    if (dir == NULL) {
        close(folder);
        return;
    }
    while ((at = readdir(dir)) != NULL)
        walk_one(self, folder, prefix, at->d_name, depth);
    closedir(dir);
}

static gint
by_path(gconstpointer a, gconstpointer b)
{
    return strcmp(((const Entry *)a)->public.path, ((const Entry *)b)->public.path);
}

/* --- what is kept
 * ------------------------------------------------------------------------------ */

/* The table's own copy of a category's code. */
static const char *
static_category(const char *code)
{
    for (const char *const *at = erec_category_codes(); *at != NULL; at++)
        if (g_strcmp0(*at, code) == 0)
            return *at;
    return "other";
}

/* What is kept of a file: texts, each with a NUL behind it. */
enum {
    KEPT_PATH,
    KEPT_SIZE,
    KEPT_CHANGED,
    KEPT_INODE,
    KEPT_DATE_KIND,
    KEPT_IS_DOCUMENT,
    KEPT_CATEGORY,
    KEPT_TITLE,
    KEPT_DATE,
    KEPT_TYPE,
    KEPT_IDENTIFIER,
    KEPT_SERIES,
    KEPT_ORDER,
    KEPT_REPLACES,
    KEPT_STATUS,
    N_KEPT,
};

typedef struct {
    const char *at, *end;       /* what is left of the index's `kept` */
    const char *fields[N_KEPT]; /* of the present file */
} Kept;

/* FALSE at the end, and where it is cut. */
static gboolean
next_kept(Kept *kept)
{
    for (guint i = 0; i < N_KEPT; i++) {
        const char *nul = memchr(kept->at, '\0', (gsize)(kept->end - kept->at));

        if (nul == NULL)
            return FALSE;
        kept->fields[i] = kept->at;
        kept->at = nul + 1;
    }
    return TRUE;
}

static const char *
or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

static void
take_kept(Entry *entry, const Kept *kept)
{
    const char *const *fields = kept->fields;
    const guint64 kind = g_ascii_strtoull(fields[KEPT_DATE_KIND], NULL, 10);

    entry->public.category = static_category(fields[KEPT_CATEGORY]);
    entry->public.title = or_null(fields[KEPT_TITLE]);
    if (erec_date_is_valid(fields[KEPT_DATE])) /* it is shown */
        entry->public.date = fields[KEPT_DATE];
    entry->public.date_kind = (ErecDateKind)MIN(kind, EREC_DATE_AUTHORED);
    entry->public.type_code = or_null(fields[KEPT_TYPE]);
    entry->public.identifier = or_null(fields[KEPT_IDENTIFIER]);
    entry->public.is_document = strcmp(fields[KEPT_IS_DOCUMENT], "1") == 0;
    entry->series = or_null(fields[KEPT_SERIES]);
    entry->order = or_null(fields[KEPT_ORDER]);
    entry->replaces = or_null(fields[KEPT_REPLACES]);
    entry->status = or_null(fields[KEPT_STATUS]);
}

static void
look(ErecIndex *self, const char *folder, Entry *entry)
{
    g_autofree char *path = g_build_filename(folder, entry->public.path, NULL);
    g_autoptr(ErecSource) source = erec_source_new_path(path, NULL);
    g_autoptr(ErecBundle) bundle = NULL;
    g_auto(ErecDescription) d = {0};
    g_auto(ErecVersion) v = {0};

    entry->public.category = "other";
    self->looked++;
    self->changed = TRUE;
    if (source == NULL)
        return;
    erec_describe_and_index(source, &d, &bundle);
    if (bundle != NULL)
        erec_version_of(bundle, &v);
    entry->public.category = d.category;
    entry->public.title = keep(self, d.title);
    entry->public.date = keep(self, d.date);
    entry->public.date_kind = d.date_kind;
    entry->public.type_code = keep(self, d.type_code);
    entry->public.identifier = keep(self, v.identifier);
    entry->public.is_document = g_strcmp0(d.form, "document") == 0;
    entry->series = keep(self, v.series);
    entry->order = keep(self, v.order);
    entry->replaces = keep(self, v.replaces);
    entry->status = keep(self, v.status);
}

static gboolean
is_same(const Kept *kept, const Entry *entry)
{
    return g_ascii_strtoull(kept->fields[KEPT_SIZE], NULL, 10) == entry->public.size &&
           g_ascii_strtoll(kept->fields[KEPT_CHANGED], NULL, 10) == entry->changed &&
           g_ascii_strtoull(kept->fields[KEPT_INODE], NULL, 10) == entry->inode;
}

/* Both are sorted by path; what is out of order is looked at anew. */
static void
merge(ErecIndex *self, const char *folder)
{
    Kept kept = {.at = self->kept, .end = self->kept + self->kept_length};
    gboolean more = self->kept != NULL && next_kept(&kept);

    for (guint i = 0; i < self->entries->len; i++) {
        Entry *entry = &g_array_index(self->entries, Entry, i);
        int order = 1;

        while (more && (order = strcmp(kept.fields[KEPT_PATH], entry->public.path)) < 0) {
            self->changed = TRUE; /* a file is gone */
            more = next_kept(&kept);
        }
        if (more && order == 0 && is_same(&kept, entry))
            take_kept(entry, &kept);
        else
            look(self, folder, entry);
        if (more && order == 0)
            more = next_kept(&kept);
    }
    self->changed = self->changed || more;
}

static void
load(ErecIndex *self, const char *path)
{
    g_autofree char *contents = NULL;
    gsize length;

    if (path == NULL || !g_file_get_contents(path, &contents, &length, NULL) ||
        length < sizeof HEAD || memcmp(contents, HEAD, sizeof HEAD) != 0)
        return;
    self->contents = g_steal_pointer(&contents);
    self->kept = self->contents + sizeof HEAD;
    self->kept_length = length - sizeof HEAD;
}

static void
append(GString *all, const char *text)
{
    if (text != NULL)
        g_string_append(all, text);
    g_string_append_c(all, '\0');
}

static void
append_entry(GString *all, const Entry *e)
{
    const ErecIndexed *p = &e->public;

    append(all, p->path);
    g_string_append_printf(
        all, "%" G_GUINT64_FORMAT "%c%" G_GINT64_FORMAT "%c%" G_GUINT64_FORMAT "%c%d%c%d%c",
        p->size, 0, e->changed, 0, e->inode, 0, (int)p->date_kind, 0, p->is_document != FALSE,
        0);
    append(all, p->category);
    append(all, p->title);
    append(all, p->date);
    append(all, p->type_code);
    append(all, p->identifier);
    append(all, e->series);
    append(all, e->order);
    append(all, e->replaces);
    append(all, e->status);
}

/* One that cannot be kept is only slower the next time. */
static void
save(const ErecIndex *self, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GString) all = g_string_new_len(HEAD, sizeof HEAD);

    for (guint i = 0; i < self->entries->len; i++)
        append_entry(all, &g_array_index(self->entries, Entry, i));
    if (g_mkdir_with_parents(folder, 0700) == 0)
        g_file_set_contents_full(path, all->str, (gssize)all->len,
                                 G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

/* --- versions
 * ---------------------------------------------------------------------------------- */

static int
by_series(const void *a, const void *b)
{
    const Entry *left = *(Entry *const *)a, *right = *(Entry *const *)b;
    int order = g_strcmp0(left->series, right->series);

    if (order == 0)
        order = g_strcmp0(left->order, right->order);
    return order != 0 ? order : strcmp(left->public.path, right->public.path);
}

static void
mark_replaced(Entry **by, guint n, const char *series)
{
    guint low = 0, high = n;

    while (low < high) {
        const guint middle = low + (high - low) / 2;
        if (strcmp(by[middle]->series, series) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < n && strcmp(by[low]->series, series) == 0; low++)
        by[low]->public.marks |= EREC_MARK_SUPERSEDED;
}

static void
mark_status(Entry *entry)
{
    static const char *const amended[] = {"amended", "corrected", "appended", NULL};

    if (entry->status == NULL)
        return;
    if (g_strv_contains(amended, entry->status))
        entry->public.marks |= EREC_MARK_AMENDED;
    if (strcmp(entry->status, "entered-in-error") == 0)
        entry->public.marks |= EREC_MARK_ERROR;
    if (strcmp(entry->status, "superseded") == 0)
        entry->public.marks |= EREC_MARK_SUPERSEDED;
}

static void
mark_versions(ErecIndex *self)
{
    g_autofree Entry **by = g_new(Entry *, self->entries->len + 1);
    guint n = 0;

    for (guint i = 0; i < self->entries->len; i++) {
        Entry *entry = &g_array_index(self->entries, Entry, i);

        mark_status(entry);
        if (entry->series != NULL)
            by[n++] = entry;
    }
    qsort(by, n, sizeof *by, by_series);
    for (guint i = 0; i + 1 < n; i++)
        if (strcmp(by[i]->series, by[i + 1]->series) == 0)
            by[i]->public.marks |= EREC_MARK_SUPERSEDED;
    for (guint i = 0; i < self->entries->len; i++) {
        const Entry *entry = &g_array_index(self->entries, Entry, i);

        /* one that replaces itself says nothing */
        if (entry->replaces != NULL && g_strcmp0(entry->replaces, entry->series) != 0)
            mark_replaced(by, n, entry->replaces);
    }
}

/* --- in order
 * ---------------------------------------------------------------------------------- */

static int
newest_first(const void *a, const void *b)
{
    const Entry *left = *(Entry *const *)a, *right = *(Entry *const *)b;
    const int replaced_left = (left->public.marks & EREC_MARK_SUPERSEDED) != 0,
              replaced_right = (right->public.marks & EREC_MARK_SUPERSEDED) != 0;
    int order = g_strcmp0(right->public.date, left->public.date);

    /* versions of one record often have the same clinical date */
    if (order == 0)
        order = replaced_left - replaced_right;
    if (order == 0)
        order = g_strcmp0(right->order, left->order);
    return order != 0 ? order : strcmp(left->public.path, right->public.path);
}

static void
sort(ErecIndex *self)
{
    self->sorted = g_new(const Entry *, self->entries->len + 1);
    for (guint i = 0; i < self->entries->len; i++)
        self->sorted[i] = &g_array_index(self->entries, Entry, i);
    qsort(self->sorted, self->entries->len, sizeof *self->sorted, newest_first);
}

ErecIndex *
erec_index_new(const char *folder, const char *cache, GError **error)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(ErecIndex) self = NULL;

    if (fd < 0) {
        const int code = errno;
        g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(code), "%s: %s", folder,
                    g_strerror(code));
        return NULL;
    }
    self = g_new0(ErecIndex, 1);
    self->entries = g_array_new(FALSE, TRUE, sizeof(Entry));
    self->texts = g_string_chunk_new(64 << 10);
    walk(self, fd, "", 0);
    g_array_sort(self->entries, by_path);
    load(self, cache);
    merge(self, folder);
    mark_versions(self);
    sort(self);
    if (cache != NULL && self->changed)
        save(self, cache);
    return g_steal_pointer(&self);
}

void
erec_index_free(ErecIndex *self)
{
    if (self == NULL)
        return;
    g_array_unref(self->entries);
    g_string_chunk_free(self->texts);
    g_free(self->contents);
    g_free(self->sorted);
    g_free(self);
}

char *
erec_index_cache_path(const char *folder)
{
    g_autofree char *real = realpath(folder, NULL);
    g_autofree char *name =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, real != NULL ? real : folder, -1);

    return g_build_filename(g_get_user_cache_dir(), "ehrlink", "index", name, NULL);
}

guint
erec_index_n(const ErecIndex *self)
{
    return self->entries->len;
}

const ErecIndexed *
erec_index_get(const ErecIndex *self, guint index)
{
    g_return_val_if_fail(index < self->entries->len, NULL);
    return &self->sorted[index]->public;
}

guint
erec_index_n_looked(const ErecIndex *self)
{
    return self->looked;
}
