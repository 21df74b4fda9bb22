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

/* Changes with what is looked for in a file: then all are looked at again. */
#define FORMAT      1
#define ENTRY_TYPE  "(aytxubsssssssss)"
#define CACHE_TYPE  "(ua" ENTRY_TYPE ")"
/* Folders within folders. */
#define FOLDERS_MAX 16
/* Ten times the largest that the bars speak of. */
#define FILES_MAX   100000

typedef struct {
    ErecIndexed public;
    const char *series, *order, *replaces, *status;
} Entry;

struct ErecIndex {
    GArray *entries;     /* owned, of Entry */
    GStringChunk *texts; /* owned */
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
    entry.public.mtime =
        (gint64)status->st_mtim.tv_sec * G_USEC_PER_SEC + status->st_mtim.tv_nsec / 1000;
    g_array_append_val(self->entries, entry);
}

static void walk(ErecIndex *self, int folder, const char *prefix, guint depth);

static void
walk_one(ErecIndex *self, int folder, const char *prefix, const char *name, guint depth)
{
    g_autofree char *path =
        *prefix != '\0' ? g_build_filename(prefix, name, NULL) : g_strdup(name);
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

static void
take_kept(ErecIndex *self, Entry *entry, GVariant *kept)
{
    const char *category, *title, *date, *type, *id, *series, *order, *replaces, *status;
    guint32 date_kind;
    gboolean is_document;

    g_variant_get(kept, "(@aytxub&s&s&s&s&s&s&s&s&s)", NULL, NULL, NULL, &date_kind,
                  &is_document, &category, &title, &date, &type, &id, &series, &order,
                  &replaces, &status);
    entry->public.category = static_category(category);
    entry->public.title = keep(self, title);
    entry->public.date = keep(self, date);
    entry->public.date_kind = MIN(date_kind, EREC_DATE_AUTHORED);
    entry->public.type_code = keep(self, type);
    entry->public.identifier = keep(self, id);
    entry->public.is_document = is_document;
    entry->series = keep(self, series);
    entry->order = keep(self, order);
    entry->replaces = keep(self, replaces);
    entry->status = keep(self, status);
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

/* -1, 0, 1: the path of what is kept before, at, after. */
static int
compare_kept(GVariant *kept, const Entry *entry)
{
    g_autoptr(GVariant) path = g_variant_get_child_value(kept, 0);

    return strcmp(g_variant_get_bytestring(path), entry->public.path);
}

static gboolean
is_same(GVariant *kept, const Entry *entry)
{
    guint64 size;
    gint64 mtime;

    g_variant_get_child(kept, 1, "t", &size);
    g_variant_get_child(kept, 2, "x", &mtime);
    return size == entry->public.size && mtime == entry->public.mtime;
}

/* Both are sorted by path; what is out of order is looked at anew. */
static void
merge(ErecIndex *self, const char *folder, GVariant *cache)
{
    const gsize n = cache != NULL ? g_variant_n_children(cache) : 0;
    gsize at = 0;

    for (guint i = 0; i < self->entries->len; i++) {
        Entry *entry = &g_array_index(self->entries, Entry, i);
        gboolean taken = FALSE;

        for (; at < n && !taken; at++) {
            g_autoptr(GVariant) kept = g_variant_get_child_value(cache, at);
            const int order = compare_kept(kept, entry);

            if (order > 0)
                break;
            if (order == 0 && is_same(kept, entry)) {
                take_kept(self, entry, kept);
                taken = TRUE;
            }
        }
        if (!taken)
            look(self, folder, entry);
    }
    self->changed = self->changed || n != self->entries->len;
}

static GVariant *
load(const char *path)
{
    g_autofree char *contents = NULL;
    g_autoptr(GVariant) all = NULL;
    gsize length;
    guint32 format = 0;

    if (path == NULL || !g_file_get_contents(path, &contents, &length, NULL))
        return NULL;
    all = g_variant_ref_sink(g_variant_new_from_data(G_VARIANT_TYPE(CACHE_TYPE), contents,
                                                     length, FALSE, g_free, contents));
    contents = NULL; /* the variant's */
    if (!g_variant_is_normal_form(all))
        return NULL;
    g_variant_get_child(all, 0, "u", &format);
    return format == FORMAT ? g_variant_get_child_value(all, 1) : NULL;
}

static const char *
or_empty(const char *text)
{
    return text != NULL && g_utf8_validate(text, -1, NULL) ? text : "";
}

/* One that cannot be kept is only slower the next time. */
static void
save(const ErecIndex *self, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    GVariantBuilder builder;
    g_autoptr(GVariant) all = NULL;

    g_variant_builder_init(&builder, G_VARIANT_TYPE("a" ENTRY_TYPE));
    for (guint i = 0; i < self->entries->len; i++) {
        const Entry *e = &g_array_index(self->entries, Entry, i);
        const ErecIndexed *p = &e->public;

        g_variant_builder_add(&builder, "(^aytxubsssssssss)", p->path, p->size, p->mtime,
                              (guint32)p->date_kind, p->is_document, p->category,
                              or_empty(p->title), or_empty(p->date), or_empty(p->type_code),
                              or_empty(p->identifier), or_empty(e->series), or_empty(e->order),
                              or_empty(e->replaces), or_empty(e->status));
    }
    all = g_variant_ref_sink(g_variant_new("(ua" ENTRY_TYPE ")", (guint32)FORMAT, &builder));
    if (g_mkdir_with_parents(folder, 0700) == 0)
        g_file_set_contents_full(path, g_variant_get_data(all), (gssize)g_variant_get_size(all),
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
    const int order = g_strcmp0(right->public.date, left->public.date);

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
    g_autoptr(GVariant) kept = NULL;

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
    kept = load(cache);
    merge(self, folder, kept);
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
