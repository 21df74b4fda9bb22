/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom records are about, and who that is not: what stands between a record and another person's file.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "tools/common/person.h"

static char *folder;

/* ' stands for ". The name that it was given. */
static const char *
put(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *json = g_strdelimit(g_strdup(text), "'", '"');

    g_assert_true(g_file_set_contents(path, json, -1, NULL));
    return name;
}

static Person *
person_in(const char *text)
{
    g_autofree char *path = g_build_filename(folder, put("one.json", text), NULL);

    return person_of_file(path);
}

#define PATIENT(rest) "{'resourceType':'Patient'," rest "}"
#define ENTRY(url, resource) "{'fullUrl':'" url "','resource':" resource "}"
#define MOTHER ENTRY("urn:uuid:1", PATIENT("'name':[{'family':'Mother'}],'birthDate':'1990-01-01'"))
#define CHILD ENTRY("urn:uuid:2", PATIENT("'name':[{'family':'Child'}],'birthDate':'2025-01-01'"))

/* Who comes first in a file is not therefore whom it is about. */
static void
test_subject(void)
{
    static const char *const texts[] = {
        "{'resourceType':'Bundle','type':'document','entry':[" ENTRY(
            "urn:uuid:0", "{'resourceType':'Composition','subject':{'reference':'urn:uuid:2'}}") "," MOTHER "," CHILD "]}",
        "{'resourceType':'Bundle','type':'collection','entry':[" MOTHER "," CHILD "," ENTRY(
            "urn:uuid:3", "{'resourceType':'Observation','subject':{'reference':'urn:uuid:2'}}") "]}",
        "{'resourceType':'Observation','subject':{'reference':'#p'},'contained':[{'resourceType':'Patient','id':'p','name':[{"
        "'family':'Child'}],'birthDate':'2025-01-01'}]}",
        "{'resourceType':'Observation','subject':{'reference':'Patient/1','display':'Child'}}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Person) person = person_in(texts[i]);

        g_assert_nonnull(person);
        g_assert_cmpstr(person->names->pdata[0], ==, "Child");
    }
    g_assert_null(person_in("{'resourceType':'Observation'}"));
    g_assert_null(person_in("not json"));
}

static gboolean
conflict(const char *a, const char *b)
{
    g_autoptr(Person) one = person_in(a), other = person_in(b);

    return person_conflict(one, other);
}

static void
test_conflict(void)
{
    g_assert_true(conflict(PATIENT("'birthDate':'1970-01-02'"), PATIENT("'birthDate':'1970-01-03'")));
    g_assert_false(conflict(PATIENT("'birthDate':'1970'"), PATIENT("'birthDate':'1970-01-03'")));
    g_assert_true(conflict(PATIENT("'birthDate':'1971'"), PATIENT("'birthDate':'1970-01-03'")));
    g_assert_true(conflict(PATIENT("'identifier':[{'system':'s','value':'1'}]"), PATIENT("'identifier':[{'system':'s','value':'2'}]")));
    g_assert_false(conflict(PATIENT("'identifier':[{'system':'s','value':'1'}]"), PATIENT("'identifier':[{'system':'t','value':'2'}]")));
}

/* How many people are in files "0.json", "1.json" …; the name of the first. */
static guint
people_in(const char *const *texts, char **first)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) people = NULL;

    for (guint i = 0; texts[i] != NULL; i++) {
        g_autofree char *name = g_strdup_printf("%u.json", i);

        g_ptr_array_add(files, g_strdup(put(name, texts[i])));
    }
    people = people_of_directory(folder, files);
    *first = people->len > 0 ? g_strdup(((Person *)people->pdata[0])->names->pdata[0]) : NULL;
    return people->len;
}

#define COLLECTION(entries) "{'resourceType':'Bundle','type':'collection','entry':[" entries "]}"
#define ABOUT(subject) "{'resource':{'resourceType':'Flag','subject':" subject "}}"
#define FLAG(name)                                                                                                          \
    "{'resource':{'resourceType':'Flag','contained':[{'resourceType':'Patient','id':'p','name':[{'family':'" name "'}]}],"  \
    "'subject':{'reference':'#p'}}}"

/* A second file of a session may be another person's; a poor one comes before a rich one. */
static void
test_directory(void)
{
    static const struct {
        const char *texts[4];
        guint n;
        const char *first;
    } rows[] = {
        {{PATIENT("'name':[{'family':'Berg'}]"), PATIENT("'name':[{'given':['Anna'],'family':'Berg'}],'birthDate':'1970'")}, 1, "Anna Berg"},
        {{PATIENT("'name':[{'family':'Berg'}]"), PATIENT("'name':[{'family':'Klein'}]")}, 2, "Berg"},
        {{PATIENT("'name':[{'family':'Berg'}],'birthDate':'1970'"), "{'resourceType':'Observation'}",
          PATIENT("'name':[{'family':'Berg'}],'birthDate':'1980'")}, 2, "Berg"},
        {{"{'resourceType':'Bundle','type':'collection','entry':[" MOTHER "," CHILD "," ENTRY(
              "urn:uuid:3", "{'resourceType':'Observation','subject':{'reference':'urn:uuid:2'}}") "," ENTRY(
              "urn:uuid:4", "{'resourceType':'Observation','subject':{'reference':'urn:uuid:1'}}") "]}"}, 2, "Child"},
        {{"{'resourceType':'Observation'}"}, 0, NULL},
        /* what only the poorer of two says tells the third apart */
        {{PATIENT("'birthDate':'1970-01-02'"), PATIENT("'name':[{'family':'Berg'}],'gender':'female','identifier':[{'system':'s','value':'1'}]"),
          PATIENT("'name':[{'family':'Berg'}],'gender':'female','birthDate':'1980-01-02'")}, 2, "Berg"},
        {{PATIENT("'name':[{'family':'Berg'}],'gender':'female','birthDate':'1970-01-02'"), PATIENT("'identifier':[{'system':'s','value':'1'}]"),
          PATIENT("'name':[{'family':'Berg'}],'identifier':[{'system':'s','value':'2'}]")}, 2, "Berg"},
        {{PATIENT("'birthDate':'1970'"), PATIENT("'birthDate':'1970-01-02','name':[{'family':'Berg'}]"),
          PATIENT("'birthDate':'1970-01-03','name':[{'family':'Berg'}],'gender':'female'")}, 2, "Berg"},
        /* several who are not in the file */
        {{COLLECTION(ABOUT("{'reference':'Patient/A','display':'Anna Berg'}") "," ABOUT("{'reference':'Patient/B','display':'Carla Tal'}"))}, 2, "Anna Berg"},
        {{COLLECTION(ABOUT("{'reference':'Patient/A','display':'Anna Berg'}") "," ABOUT("{'reference':'Patient/A','display':'Berg, Anna'}"))}, 1, "Anna Berg"},
        {{COLLECTION(ABOUT("{'display':'A','identifier':{'system':'s','value':'1'}}") "," ABOUT("{'display':'A','identifier':{'system':'s','value':'2'}}"))}, 2, "A"},
        {{COLLECTION(ABOUT("{'display':'A'}") "," ABOUT("{'display':'A'}"))}, 1, "A"},
        {{COLLECTION(FLAG("Anna") "," FLAG("Carla"))}, 2, "Anna"},
        {{COLLECTION(FLAG("Anna") "," FLAG("Anna"))}, 1, "Anna"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *first = NULL;

        g_assert_cmpuint(people_in(rows[i].texts, &first), ==, rows[i].n);
        g_assert_cmpstr(first, ==, rows[i].first);
    }
}

/* Whoever is called by a name that is no longer hers is not called so first. */
static void
test_names(void)
{
    static const struct {
        const char *names, *first;
    } rows[] = {
        {"{'use':'old','family':'Klein'},{'family':'Berg'}", "Berg"},
        {"{'use':'maiden','family':'Klein'},{'use':'nickname','family':'K'},{'use':'official','family':'Berg'}", "Berg"},
        {"{'family':'Berg'},{'use':'usual','family':'Tal'}", "Tal"},
        {"{'family':'Berg'},{'family':'Tal'}", "Berg"},
        {"{'use':'old','family':'Klein'}", "Klein"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("{'resourceType':'Patient','name':[%s]}", rows[i].names);
        g_autoptr(Person) person = person_in(text);

        g_assert_cmpstr(person->names->pdata[0], ==, rows[i].first);
    }
}

/* The first may say too little to differ from anybody: all are held against all. */
static void
test_subjects(void)
{
    static const char *const texts[] = {PATIENT("'name':[{'family':'Berg'}]"), PATIENT("'birthDate':'1970-01-02'"),
                                        PATIENT("'birthDate':'1980-01-02'")};
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_object_unref);

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *name = g_strdup_printf("%u.json", i);
        g_autofree char *path = g_build_filename(folder, put(name, texts[i]), NULL);

        g_ptr_array_add(items, ehrlink_item_new_for_path(path));
    }
    person_mark_subjects(items);
    g_assert_true(g_bytes_equal(ehrlink_item_get_subject(items->pdata[0]), ehrlink_item_get_subject(items->pdata[1])));
    g_assert_false(g_bytes_equal(ehrlink_item_get_subject(items->pdata[0]), ehrlink_item_get_subject(items->pdata[2])));
}

/* "Berg" is not "Bergmann", and a given name no family name. */
static void
test_expected(void)
{
    static const struct {
        const char *expected;
        gboolean fits;
    } rows[] = {
        {"family=Bergmann", TRUE}, {"family=bergmann", TRUE},  {"family=Berg", FALSE},       {"family=Anna", FALSE},
        {"name=Anna", TRUE},       {"name=Bergmann Anna", TRUE}, {"name=Ann", FALSE},        {"birth-date=1970-01-02", TRUE},
        {"birth-date=1970-01-03", FALSE}, {"sex=female", TRUE},  {"sex=male", FALSE},        {"identifier=4711", TRUE},
        {"identifier=471", FALSE},
    };
    g_autoptr(Person) person = person_in(PATIENT("'name':[{'given':['Anna'],'family':'Bergmann'}],'birthDate':'1970-01-02',"
                                                 "'gender':'female','identifier':[{'system':'s','value':'4711'}]"));

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *expected[] = {(char *)rows[i].expected, NULL};
        g_auto(GStrv) differences = person_compare(person, expected);

        g_test_message("%s", rows[i].expected);
        g_assert_true((differences[0] == NULL) == rows[i].fits);
    }
}

int
main(int argc, char **argv)
{
    int result;
    g_autofree char *remove = NULL;

    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("ehrlink-person-XXXXXX", NULL);
    g_assert_nonnull(folder);
    g_test_add_func("/tools/person/subject", test_subject);
    g_test_add_func("/tools/person/conflict", test_conflict);
    g_test_add_func("/tools/person/directory", test_directory);
    g_test_add_func("/tools/person/names", test_names);
    g_test_add_func("/tools/person/subjects", test_subjects);
    g_test_add_func("/tools/person/expected", test_expected);
    result = g_test_run();
    remove = g_strdup_printf("rm -rf %s", folder);
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    g_free(folder);
    return result;
}
