/* SPDX-License-Identifier: Apache-2.0
 *
 * See leave-out.h. When in doubt a record stays: what cannot be cut, and has something that was to be left out, goes not at all.
 */
#include "tools/send/leave-out.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#include "ehrlink.h"
#include "lib/record/category.h"
#include "lib/record/cut.h"
#include "lib/record/describe.h"
#include "lib/record/version.h"

/* --- the choice ------------------------------------------------------------------------------- */

static gboolean
add(LeaveOut *self, const char *text, GError **error)
{
    const struct {
        const char *prefix;
        GPtrArray *list;
    } kinds[] = {{"section:", self->sections}, {"category:", self->categories}, {"id:", self->entries}};

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const gsize length = strlen(kinds[i].prefix);

        if (strncmp(text, kinds[i].prefix, length) != 0 || text[length] == '\0')
            continue;
        if (kinds[i].list == self->categories && erec_category_words(text + length) == NULL) {
            g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT, _("there is no category “%s”"),
                        text + length);
            return FALSE;
        }
        g_ptr_array_add(kinds[i].list, g_strdup(text + length));
        if (kinds[i].list != self->categories)
            g_ptr_array_add(self->unmatched, g_strdup(text));
        return TRUE;
    }
    g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                _("--exclude takes section:CODE, category:NAME or id:FULLURL, not “%s”"), text);
    return FALSE;
}

static gboolean
add_kept(LeaveOut *self, const char *text, GError **error)
{
    if (strncmp(text, "section:", 8) != 0 || text[8] == '\0') {
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT, _("--include takes section:CODE, not “%s”"),
                    text);
        return FALSE;
    }
    g_ptr_array_add(self->kept, g_strdup(text + 8));
    return TRUE;
}

LeaveOut *
leave_out_new(char **exclude, char **include, GError **error)
{
    g_autoptr(LeaveOut) self = g_new0(LeaveOut, 1);

    self->sections = g_ptr_array_new_with_free_func(g_free);
    self->entries = g_ptr_array_new_with_free_func(g_free);
    self->categories = g_ptr_array_new_with_free_func(g_free);
    self->kept = g_ptr_array_new_with_free_func(g_free);
    self->unmatched = g_ptr_array_new_with_free_func(g_free);
    for (char **text = exclude; text != NULL && *text != NULL; text++)
        if (!add(self, *text, error))
            return NULL;
    for (char **text = include; text != NULL && *text != NULL; text++)
        if (!add_kept(self, *text, error))
            return NULL;
    g_ptr_array_add(self->sections, NULL);
    g_ptr_array_add(self->entries, NULL);
    g_ptr_array_add(self->categories, NULL);
    g_ptr_array_add(self->kept, NULL);
    return g_steal_pointer(&self);
}

void
leave_out_free(LeaveOut *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->sections);
    g_ptr_array_unref(self->entries);
    g_ptr_array_unref(self->categories);
    g_ptr_array_unref(self->kept);
    g_ptr_array_unref(self->unmatched);
    g_free(self);
}

static const char *const *
names(const GPtrArray *list)
{
    return (const char *const *)list->pdata;
}

gboolean
leave_out_is_empty(const LeaveOut *self)
{
    return self->sections->len + self->entries->len + self->categories->len == 3;
}

gboolean
leave_out_has_category(const LeaveOut *self, const char *category)
{
    return g_strv_contains(names(self->categories), category);
}

/* --- records that cannot be cut ----------------------------------------------------------------- */

static gboolean
is_entry(const char *const *addresses, const ErecEntry *entry)
{
    g_autofree char *relative =
        entry->type != NULL && entry->id != NULL ? g_strconcat(entry->type, "/", entry->id, NULL) : NULL;

    return (entry->full_url != NULL && g_strv_contains(addresses, entry->full_url)) ||
           (relative != NULL && g_strv_contains(addresses, relative));
}

/* Something of it was to be left out. */
static gboolean
holds(const LeaveOut *self, const ErecBundle *bundle)
{
    for (guint i = 0; i < erec_bundle_n_entries(bundle); i++) {
        g_autoptr(ErecTree) tree = NULL;

        if (is_entry(names(self->entries), erec_bundle_entry(bundle, i)))
            return TRUE;
        if (self->categories->len <= 1)
            continue;
        tree = erec_bundle_load(bundle, i, NULL);
        if (tree != NULL && leave_out_has_category(self, erec_category_of(erec_tree_root(tree))))
            return TRUE;
    }
    return FALSE;
}

/* --- addresses that name something --------------------------------------------------------------- */

/* As the choice of this address alone would find it. */
static gboolean
names_something(const char *address, const ErecBundle *bundle, const ErecVersion *version)
{
    const gboolean is_section = g_str_has_prefix(address, "section:");
    const char *const name[] = {strchr(address, ':') + 1, NULL}, *const all[] = {"*", NULL};
    const ErecCutChoice choice = {is_section ? name : NULL, is_section ? NULL : name, NULL, all};
    g_autoptr(ErecCut) cut = NULL;

    if (!is_section) {
        if (g_strcmp0(version->identifier, name[0]) == 0)
            return TRUE;
        for (guint i = 0; i < erec_bundle_n_entries(bundle); i++)
            if (is_entry(name, erec_bundle_entry(bundle, i)))
                return TRUE;
        return FALSE;
    }
    cut = erec_cut_new(bundle, &choice, "urn:uuid:00000000-0000-0000-0000-000000000000");
    return erec_cut_verdict(cut) != EREC_CUT_NOTHING && erec_cut_verdict(cut) != EREC_CUT_NOT_DOCUMENT;
}

static void
match(const LeaveOut *self, const ErecBundle *bundle, const ErecVersion *version)
{
    for (guint i = self->unmatched->len; i > 0; i--)
        if (names_something(g_ptr_array_index(self->unmatched, i - 1), bundle, version))
            g_ptr_array_remove_index(self->unmatched, i - 1);
}

gboolean
leave_out_matched(const LeaveOut *self, GError **error)
{
    g_autofree char *shown = NULL;

    if (self->unmatched->len == 0)
        return TRUE;
    shown = ehrlink_safe_text(g_ptr_array_index(self->unmatched, 0), 0);
    g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                _("--exclude %s: nothing that is offered has it, so it would leave nothing out"), shown);
    return FALSE;
}

/* --- the copy --------------------------------------------------------------------------------- */

static char *
folder_of_cuts(void)
{
    return g_build_filename(g_get_user_state_dir(), "ehrlink", "cuts", NULL);
}

/* Of the way in which documents are cut: a copy of an older way, left by a transfer that was interrupted, may tell more
 * than one that is made now. */
#define METHOD "3"

/* Named by the bytes, the choice, and the way. */
static char *
path_of_copy(const LeaveOut *self, ErecSource *source)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    const GPtrArray *lists[] = {self->sections, self->entries, self->categories, self->kept};
    g_autofree char *folder = folder_of_cuts(), *window = g_malloc(EREC_WINDOW), *name = NULL;
    gssize n;

    g_checksum_update(sum, (const guchar *)METHOD, sizeof METHOD);
    for (guint64 at = 0; (n = erec_source_read(source, at, window, EREC_WINDOW)) > 0; at += (guint64)n)
        g_checksum_update(sum, (const guchar *)window, n);
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        for (guint j = 0; j + 1 < lists[i]->len; j++) {
            const char *text = g_ptr_array_index(lists[i], j);
            g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text) + 1);
        }
        g_checksum_update(sum, (const guchar *)"", 1);
    }
    name = g_strconcat(g_checksum_get_string(sum), ".json", NULL);
    return g_build_filename(folder, name, NULL);
}

static gboolean
fail(GError **error, EhrlinkError code, const char *path, const char *text)
{
    g_autofree char *shown = ehrlink_safe_text(path, 0);

    g_set_error(error, EHRLINK_ERROR, (int)code, "%s: %s", shown, text);
    return FALSE;
}

/* Which document it was made from: for the patient alone. Named by the new identifier, so that it outlives the copy. */
static gboolean
write_origin(const ErecBundle *bundle, const char *identifier, GError **error)
{
    g_auto(ErecVersion) version = {0};
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format_iso8601(now), *folder = folder_of_cuts(),
                    *name = g_strconcat(identifier + strlen("urn:uuid:"), ".origin.json", NULL),
                    *path = g_build_filename(folder, name, NULL), *json = NULL, *old = NULL;
    g_autoptr(JsonNode) node = NULL;

    erec_version_of(bundle, &version);
    node = json_node_init_string(json_node_alloc(), version.identifier != NULL ? version.identifier : "unknown");
    old = json_to_string(node, FALSE);
    json = g_strdup_printf(
        "{\"resourceType\":\"Provenance\",\"target\":[{\"identifier\":{\"system\":\"urn:ietf:rfc:3986\",\"value\":\"%s\"}}],"
        "\"recorded\":\"%s\",\"activity\":{\"text\":\"left out by the patient\"},"
        "\"agent\":[{\"who\":{\"display\":\"the patient\"}}],"
        "\"entity\":[{\"role\":\"derivation\",\"what\":{\"identifier\":{\"value\":%s}}}]}\n",
        identifier, time, old);
    return g_file_set_contents_full(path, json, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                    error);
}

/* Never half a copy in sight: written under another name first. */
static gboolean
write_copy(const ErecCut *cut, const char *copy, GError **error)
{
    g_autofree char *partial = g_strconcat(copy, ".partial", NULL);
    g_autoptr(GFile) file = g_file_new_for_path(partial);
    g_autoptr(GFileOutputStream) out =
        g_file_replace(file, NULL, FALSE, G_FILE_CREATE_PRIVATE | G_FILE_CREATE_REPLACE_DESTINATION, NULL, error);

    if (out == NULL || !erec_cut_write(cut, G_OUTPUT_STREAM(out), error) ||
        !g_output_stream_close(G_OUTPUT_STREAM(out), NULL, error) || g_rename(partial, copy) != 0) {
        g_unlink(partial);
        if (error != NULL && *error == NULL)
            g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED,
                                ehrlink_error_get_text(EHRLINK_ERROR_STORE_FAILED));
        return FALSE;
    }
    return TRUE;
}

static gboolean
save(const ErecBundle *bundle, const ErecCut *cut, const char *identifier, const char *copy, GError **error)
{
    g_autofree char *folder = folder_of_cuts();

    if (g_mkdir_with_parents(folder, 0700) != 0) {
        g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED,
                            ehrlink_error_get_text(EHRLINK_ERROR_STORE_FAILED));
        return FALSE;
    }
    return write_origin(bundle, identifier, error) && write_copy(cut, copy, error);
}

static gboolean
explain(const ErecCut *cut, const char *path, GError **error)
{
    g_autofree char *list = g_strjoinv(", ", (char **)erec_cut_names(cut));
    g_autofree char *shown = ehrlink_safe_text(list, 200), *text = NULL;

    if (erec_cut_verdict(cut) == EREC_CUT_UNDECIDED) {
        text = g_strdup_printf(_("these sections are words alone, which cannot be cut; say for each --exclude "
                                 "section:CODE or --include section:CODE: %s"),
                               shown);
        return fail(error, EHRLINK_ERROR_INVALID_ARGUMENT, path, text);
    }
    if (erec_cut_verdict(cut) == EREC_CUT_NEEDED) {
        text = g_strdup_printf(_("a document cannot be without %s"), shown);
        return fail(error, EHRLINK_ERROR_INVALID_ARGUMENT, path, text);
    }
    return fail(error, EHRLINK_ERROR_ITEM_INVALID, path, _(erec_fault_text(erec_cut_fault(cut)->code)));
}

static LeaveOutResult
cut_document(const LeaveOut *self, ErecSource *source, const ErecBundle *bundle, const char *path, char **copy,
             GError **error)
{
    const ErecCutChoice choice = {names(self->sections), names(self->entries), names(self->categories),
                                  names(self->kept)};
    g_autofree char *uuid = g_uuid_string_random(), *identifier = g_strconcat("urn:uuid:", uuid, NULL),
                    *to = path_of_copy(self, source);
    g_autoptr(ErecCut) cut = erec_cut_new(bundle, &choice, identifier);

    switch (erec_cut_verdict(cut)) {
    case EREC_CUT_DONE:
        break;
    case EREC_CUT_NOTHING:
        return LEAVE_OUT_NOTHING;
    case EREC_CUT_NOT_DOCUMENT:
        return holds(self, bundle) ? LEAVE_OUT_WHOLE : LEAVE_OUT_NOTHING;
    case EREC_CUT_UNSOUND:
    case EREC_CUT_UNDECIDED:
    case EREC_CUT_NEEDED:
        explain(cut, path, error);
        return LEAVE_OUT_FAILED;
    }
    if (!g_file_test(to, G_FILE_TEST_IS_REGULAR) && !save(bundle, cut, identifier, to, error))
        return LEAVE_OUT_FAILED;
    *copy = g_steal_pointer(&to);
    return LEAVE_OUT_PART;
}

LeaveOutResult
leave_out_of_file(const LeaveOut *self, const char *path, char **copy, GError **error)
{
    g_autoptr(ErecSource) source = erec_source_new_path(path, NULL);
    g_autoptr(ErecBundle) bundle = NULL;
    g_auto(ErecDescription) d = {0};
    g_auto(ErecVersion) version = {0};

    *copy = NULL;
    if (source == NULL) /* said, with its reason, when it is to be sent */
        return LEAVE_OUT_NOTHING;
    erec_describe_and_index(source, &d, &bundle);
    if (bundle != NULL) {
        erec_version_of(bundle, &version);
        match(self, bundle, &version);
    }
    if (leave_out_has_category(self, d.category))
        return LEAVE_OUT_WHOLE;
    if (bundle == NULL)
        return LEAVE_OUT_NOTHING;
    if (version.identifier != NULL && g_strv_contains(names(self->entries), version.identifier))
        return LEAVE_OUT_WHOLE;
    return cut_document(self, source, bundle, path, copy, error);
}

void
leave_out_forget(const char *copy)
{
    g_unlink(copy);
}
