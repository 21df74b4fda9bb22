/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of a folder: what changed is looked at, and nothing else; which version is the
 * newest; what a question chooses.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <utime.h>

#include "lib/record/index.h"

typedef struct {
    char *folder, *cache; /* owned */
} Place;

static void
set_up(Place *place, gconstpointer data)
{
    g_autofree char *root = g_dir_make_tmp("index.XXXXXX", NULL);

    place->folder = g_build_filename(root, "records", NULL);
    place->cache = g_build_filename(root, "cache", "index", NULL);
    g_mkdir(place->folder, 0700);
}

static void
remove_all(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_all(inner);
    }
    if (dir != NULL)
        g_dir_close(dir);
    g_remove(path);
}

static void
tear_down(Place *place, gconstpointer data)
{
    g_autofree char *root = g_path_get_dirname(place->folder);

    remove_all(root);
    g_free(place->folder);
    g_free(place->cache);
}

static void
put(const Place *place, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(place->folder, name, NULL),
                    *folder = g_path_get_dirname(path);

    g_mkdir_with_parents(folder, 0700);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
put_resource(const Place *place, const char *name, const char *type, const char *rest)
{
    g_autofree char *text = g_strdup_printf("{\"resourceType\":\"%s\"%s}", type, rest);

    put(place, name, text);
}

static void
put_document(const Place *place, const char *name, const char *series, const char *time,
             const char *rest)
{
    g_autofree char *text = g_strdup_printf(
        "{\"resourceType\":\"Bundle\",\"type\":\"document\",\"identifier\":{\"system\":\"urn:"
        "x\","
        "\"value\":\"%s-%s\"},\"timestamp\":\"%s\",\"entry\":[{\"fullUrl\":\"urn:uuid:1\","
        "\"resource\":{\"resourceType\":\"Composition\",\"identifier\":{\"system\":\"urn:s\","
        "\"value\":\"%s\"},\"type\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":"
        "\"60591-5\"}]},\"date\":\"%.10s\"%s}}]}",
        series, time, time, series, time, rest);

    put(place, name, text);
}

static ErecIndex *
look(const Place *place)
{
    g_autoptr(GError) error = NULL;
    ErecIndex *index = erec_index_new(place->folder, place->cache, &error);

    g_assert_no_error(error);
    return index;
}

/* The names in order, with marks: "b.json!s a.json". */
static void
assert_is(const ErecIndex *index, const gboolean *chosen, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < erec_index_n(index); i++) {
        const ErecIndexed *record = erec_index_get(index, i);

        if (chosen != NULL && !chosen[i])
            continue;
        g_string_append_printf(text, "%s%s%s%s%s", text->len > 0 ? " " : "", record->path,
                               (record->marks & EREC_MARK_SUPERSEDED) != 0 ? "!s" : "",
                               (record->marks & EREC_MARK_AMENDED) != 0 ? "!a" : "",
                               (record->marks & EREC_MARK_ERROR) != 0 ? "!e" : "");
    }
    g_assert_cmpstr(text->str, ==, expected);
}

static void
fill(const Place *place)
{
    put_resource(place, "one.json", "Observation",
                 ",\"status\":\"final\",\"effectiveDateTime\":\"2024-05-02\",\"issued\":"
                 "\"2024-06-01T00:00:00Z\"");
    put_resource(place, "two.json", "Condition", ",\"recordedDate\":\"2025-01-01\"");
    put(place, "inner/report.pdf", "%PDF-1.4\n");
    put(place, ".hidden.json", "{}");
    put(place, "empty", "");
}

static void
test_incremental(Place *place, gconstpointer data)
{
    struct stat status;

    fill(place);
    for (guint round = 0; round < 2; round++) {
        g_autoptr(ErecIndex) index = look(place);

        g_assert_cmpuint(erec_index_n_looked(index), ==, round == 0 ? 3 : 0);
        assert_is(index, NULL, "two.json one.json inner/report.pdf");
        g_assert_cmpstr(erec_index_get(index, 1)->date, ==, "2024-05-02");
        g_assert_cmpint(erec_index_get(index, 1)->date_kind, ==, EREC_DATE_EFFECTIVE);
        g_assert_cmpint(erec_index_get(index, 0)->date_kind, ==, EREC_DATE_AUTHORED);
        g_assert_cmpstr(erec_index_get(index, 0)->category, ==, "Condition");
    }
    g_assert_cmpint(g_stat(place->cache, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
}

static void
test_changes(Place *place, gconstpointer data)
{
    g_autofree char *gone = g_build_filename(place->folder, "two.json", NULL);

    fill(place);
    erec_index_free(look(place));
    g_remove(gone);
    put_resource(place, "one.json", "Observation", ",\"effectiveDateTime\":\"2026\"");
    put_resource(place, "three.json", "Immunization", ",\"occurrenceDateTime\":\"2025\"");
    for (guint round = 0; round < 2; round++) {
        g_autoptr(ErecIndex) index = look(place);

        g_assert_cmpuint(erec_index_n_looked(index), ==, round == 0 ? 2 : 0);
        assert_is(index, NULL, "one.json three.json inner/report.pdf");
    }
}

static void
rename_to(const Place *place, const char *from, const char *to)
{
    g_autofree char *old = g_build_filename(place->folder, from, NULL),
                    *new = g_build_filename(place->folder, to, NULL);

    g_assert_no_errno(g_rename(old, new));
}

/* A file under a new name is a new file; one that was touched is looked at once more, and is
 * what it was. */
static void
test_renamed_and_touched(Place *place, gconstpointer data)
{
    g_autofree char *touched = g_build_filename(place->folder, "two.json", NULL);
    struct utimbuf times = {.actime = 1000000000, .modtime = 1000000000};

    fill(place);
    erec_index_free(look(place));
    rename_to(place, "one.json", "uno.json");
    rename_to(place, "inner/report.pdf", "report.pdf");
    g_assert_no_errno(g_utime(touched, &times));
    for (guint round = 0; round < 2; round++) {
        g_autoptr(ErecIndex) index = look(place);

        g_assert_cmpuint(erec_index_n_looked(index), ==, round == 0 ? 3 : 0);
        assert_is(index, NULL, "two.json uno.json report.pdf");
        g_assert_cmpstr(erec_index_get(index, 0)->date, ==, "2025-01-01");
        g_assert_cmpstr(erec_index_get(index, 1)->category, ==, "Observation");
    }
}

/* Two files of one size, made in the same moment, change places. */
static void
test_swapped(Place *place, gconstpointer data)
{
    put_resource(place, "a.json", "Observation", ",\"effectiveDateTime\":\"2021\"");
    put_resource(place, "b.json", "Observation", ",\"effectiveDateTime\":\"2022\"");
    erec_index_free(look(place));
    rename_to(place, "a.json", "c.json");
    rename_to(place, "b.json", "a.json");
    rename_to(place, "c.json", "b.json");
    g_autoptr(ErecIndex) index = look(place);

    assert_is(index, NULL, "a.json b.json");
    g_assert_cmpstr(erec_index_get(index, 0)->date, ==, "2022");
}

/* What was kept and is not sound is as if it were not there. */
static void
test_damaged_cache(Place *place, gconstpointer data)
{
    g_autofree char *contents = NULL;
    gsize length;

    fill(place);
    erec_index_free(look(place));
    g_assert_true(g_file_get_contents(place->cache, &contents, &length, NULL));
    for (gsize i = 0; i < length; i += 7) {
        g_autofree char *bad = g_memdup2(contents, length);
        g_autoptr(ErecIndex) index = NULL;

        bad[i] = (char)(bad[i] ^ 0x55);
        g_assert_true(g_file_set_contents(place->cache, bad, (gssize)(length - (i % 3)), NULL));
        index = look(place);
        g_assert_cmpuint(erec_index_n(index), ==, 3);
    }
}

static void
test_versions(Place *place, gconstpointer data)
{
    g_autoptr(ErecIndex) index = NULL;

    put_document(place, "a1.json", "a", "2024-01-01T00:00:00Z", "");
    put_document(place, "a2.json", "a", "2025-01-01T00:00:00Z", ",\"status\":\"amended\"");
    put_document(place, "b.json", "b", "2023-01-01T00:00:00Z", "");
    put_document(place, "c.json", "c", "2026-01-01T00:00:00Z",
                 ",\"relatesTo\":[{\"code\":\"replaces\",\"targetIdentifier\":{\"system\":"
                 "\"urn:s\",\"value\":\"b\"}}]");
    put_document(place, "d.json", "d", "2022-01-01T00:00:00Z",
                 ",\"status\":\"entered-in-error\",\"relatesTo\":[{\"code\":\"replaces\","
                 "\"targetIdentifier\":{\"system\":\"urn:s\",\"value\":\"d\"}}]");
    put_resource(place, "o1.json", "Observation",
                 ",\"id\":\"o\",\"effectiveDateTime\":\"2021\",\"meta\":{\"versionId\":\"9\"}");
    put_resource(
        place, "o2.json", "Observation",
        ",\"id\":\"o\",\"effectiveDateTime\":\"2020\",\"meta\":{\"versionId\":\"10\"}");
    index = look(place);
    assert_is(index, NULL, "c.json a2.json!a a1.json!s b.json!s d.json!e o1.json!s o2.json");
}

/* The same clinical date in all: the newest is first all the same. */
static void
test_versions_of_one_day(Place *place, gconstpointer data)
{
    g_autoptr(ErecIndex) index = NULL;

    for (guint i = 1; i <= 3; i++) {
        g_autofree char *name = g_strdup_printf("v%u.json", i);
        g_autofree char *rest = g_strdup_printf(",\"id\":\"o\",\"effectiveDateTime\":\"2021-01-"
                                                "01\",\"meta\":{\"versionId\":\"%u\"}",
                                                i * 5);
        put_resource(place, name, "Observation", rest);
    }
    index = look(place);
    assert_is(index, NULL, "v3.json v2.json!s v1.json!s");
}

static void
test_select(Place *place, gconstpointer data)
{
    static const char *const observation[] = {"Observation", NULL};
    static const char *const name[] = {"e.pdf", NULL}, *const id[] = {"Observation/x", NULL};
    static const struct {
        ErecQuery query;
        const char *expected;
    } cases[] = {
        {{NULL}, "d.json c.json b.json a.json e.pdf"},
        {{.since = "2024-05"}, "d.json c.json b.json e.pdf"},
        {{.until = "2024-05-01"}, "b.json a.json e.pdf"},
        {{.since = "2024", .until = "2024"}, "c.json b.json e.pdf"},
        {{.last = 2}, "d.json c.json e.pdf"},
        {{.last = 1, .until = "2024"}, "c.json e.pdf"},
        {{.categories = observation}, "b.json a.json e.pdf"},
        {{.categories = observation, .exact = TRUE}, "b.json a.json"},
        {{.ids = name}, "e.pdf"},
        {{.ids = id}, "a.json"},
        {{.type = "urn:t|1"}, "b.json"},
        {{.type = "urn:t|2"}, ""},
    };
    g_autoptr(ErecIndex) index = NULL;

    put_resource(place, "a.json", "Observation",
                 ",\"id\":\"x\",\"effectiveDateTime\":\"2023-01-01\"");
    put_resource(place, "b.json", "Observation",
                 ",\"code\":{\"coding\":[{\"system\":\"urn:t\",\"code\":\"1\"}]},"
                 "\"effectiveDateTime\":\"2024-05\"");
    put_resource(place, "c.json", "Condition", ",\"recordedDate\":\"2024-06-01T08:00:00Z\"");
    put_resource(place, "d.json", "Immunization", ",\"occurrenceDateTime\":\"2025\"");
    put(place, "e.pdf", "%PDF-1.4\n");
    index = look(place);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gboolean chosen[5] = {TRUE, TRUE, TRUE, TRUE, TRUE};

        erec_index_select(index, &cases[i].query, 1, chosen);
        assert_is(index, chosen, cases[i].expected);
    }
}

/* The newest are counted after what is withheld was taken away. */
static void
test_select_of_some(Place *place, gconstpointer data)
{
    gboolean chosen[3] = {FALSE, TRUE, TRUE};
    const ErecQuery queries[] = {{.last = 1}, {.until = "2020"}};
    g_autoptr(ErecIndex) index = NULL;

    put_resource(place, "a.json", "Observation", ",\"effectiveDateTime\":\"2020\"");
    put_resource(place, "b.json", "Observation", ",\"effectiveDateTime\":\"2021\"");
    put_resource(place, "c.json", "Observation", ",\"effectiveDateTime\":\"2022\"");
    index = look(place);
    erec_index_select(index, queries, 2, chosen);
    assert_is(index, chosen, "b.json a.json");
}

static void
test_no_folder(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(erec_index_new("/nonexistent/folder", NULL, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

#define ADD(name, function)                                                                    \
    g_test_add("/record/index/" name, Place, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("incremental", test_incremental);
    ADD("changes", test_changes);
    ADD("renamed-and-touched", test_renamed_and_touched);
    ADD("swapped", test_swapped);
    ADD("damaged-cache", test_damaged_cache);
    ADD("versions", test_versions);
    ADD("versions-of-one-day", test_versions_of_one_day);
    ADD("select", test_select);
    ADD("select-of-some", test_select_of_some);
    g_test_add_func("/record/index/no-folder", test_no_folder);
    return g_test_run();
}
