/* SPDX-License-Identifier: Apache-2.0
 *
 * See record.h. A directory without session.json is a directory of files; one of several
 * sessions is refused: they may be of several people.
 */
#include "tools/view/record.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "tools/common/findings.h"
#include "tools/common/session-dir.h"
#include "tools/common/words-service.h"

/* A directory of more is not something to read. */
#define FILES_MAX 10000

static void
record_free(gpointer data)
{
    ViewRecord *self = data;

    g_free(self->path);
    g_free(self->name);
    g_free(self->organisation);
    g_free(self->attendant);
    erec_description_clear(&self->description);
    g_clear_pointer(&self->report, erec_report_free);
    g_clear_pointer(&self->summary, erec_summary_free);
    g_free(self);
}

static ViewRecord *
record_load(const char *path, const char *language, GError **error)
{
    g_autoptr(ErecSource) source = erec_source_new_path(path, error);
    g_autoptr(ErecBundle) bundle = NULL;
    ViewRecord *self;

    if (source == NULL)
        return NULL;
    self = g_new0(ViewRecord, 1);
    self->path = g_strdup(path);
    self->name = g_path_get_basename(path);
    self->size = erec_source_size(source);
    self->report = findings_check(source, &self->description);
    self->patient_entered = self->description.patient_entered;
    if (self->description.kind == EREC_KIND_JSON &&
        g_strcmp0(self->description.fhir_version, "4") == 0)
        bundle = erec_bundle_new(source, NULL);
    if (bundle != NULL)
        self->summary = erec_summary_new(bundle, language);
    return self;
}

static gboolean
add_file(GPtrArray *records, const char *path, const char *language, GError **error)
{
    g_autoptr(GError) local = NULL;
    ViewRecord *record = record_load(path, language, &local);

    if (record == NULL) {
        g_autofree char *why = words_detail(local->message);

        g_set_error(error, local->domain, local->code, "%s: %s", path, why);
        return FALSE;
    }
    g_ptr_array_add(records, record);
    return TRUE;
}

/* --- directories ---------------------------------------------------------------------------
 */

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *
names_in(const char *path, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, error);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL && names->len < FILES_MAX) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        if (name[0] != '.' && strcmp(name, "session.json") != 0 &&
            strcmp(name, "findings.json") != 0 && g_file_test(file, G_FILE_TEST_IS_REGULAR))
            g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_sort(names, by_name);
    return names;
}

static gboolean
add_directory(GPtrArray *records, const char *given, const char *language, GError **error)
{
    g_autofree char *path = g_canonicalize_filename(given, NULL);
    g_autoptr(GPtrArray) sessions = session_dir_list(path);
    g_autoptr(GPtrArray) names = NULL;

    if (sessions->len > 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY,
                    _("%s: there are %u sessions in it, perhaps of several people: say which"),
                    given, sessions->len);
        return FALSE;
    }
    names = names_in(path, error);
    if (names->len == 0) {
        if (error != NULL && *error == NULL)
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("%s: no files in it"),
                        given);
        return FALSE;
    }
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *file = g_build_filename(path, g_ptr_array_index(names, i), NULL);

        if (!add_file(records, file, language, error))
            return FALSE;
    }
    return TRUE;
}

/* What the directories around them say. */
static void
take_origins(GPtrArray *records)
{
    g_autoptr(GHashTable) table = received_table_new();

    for (guint i = 0; i < records->len; i++) {
        ViewRecord *record = g_ptr_array_index(records, i);
        Received *received = received_of_file(table, record->path);

        if (received == NULL)
            continue;
        record->received = received_verdict(received, record->name);
        if (received_patient_entered(received, record->name))
            record->patient_entered = TRUE;
        if (record->received != RECEIVED_VERIFIED)
            continue;
        record->organisation = g_strdup(received_get_organisation(received));
        record->attendant = g_strdup(received_get_operator(received));
    }
}

static guint
rank(const ViewRecord *record)
{
    if (record->summary == NULL)
        return 2;
    return record->summary->is_ips ? 0 : 1;
}

static gint
by_rank(gconstpointer a, gconstpointer b)
{
    const ViewRecord *x = *(ViewRecord *const *)a, *y = *(ViewRecord *const *)b;

    if (rank(x) != rank(y))
        return rank(x) < rank(y) ? -1 : 1;
    return strcmp(x->path, y->path);
}

GPtrArray *
view_records_load(char *const *files, const char *language, GError **error)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(record_free);

    for (; *files != NULL; files++) {
        const gboolean ok = g_file_test(*files, G_FILE_TEST_IS_DIR)
                                ? add_directory(records, *files, language, error)
                                : add_file(records, *files, language, error);
        if (!ok)
            return NULL;
    }
    take_origins(records);
    g_ptr_array_sort(records, by_rank);
    return g_steal_pointer(&records);
}

char *
view_record_what(const ViewRecord *record)
{
    return findings_what(&record->description);
}
